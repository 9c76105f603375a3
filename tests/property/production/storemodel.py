"""The life of records as production.md 3 tells it, on dictionaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cardkit.errors import BatchHeldError, ChipUsedError, FencedError, IllegalStepError, TwoPersonsError
from cardkit.production.store import Answer

RECORDS = 4
TTL_S = 10.0


@dataclass
class ModelAttempt:
    token: int
    chip: str
    state: str
    session: str
    evidence: bytes | None = None
    code: str | None = None


class Model:
    """What production.md 3 says, on dictionaries."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.held = False
        self.state = dict.fromkeys(range(1, RECORDS + 1), "READY")
        self.token = dict.fromkeys(self.state, 0)
        self.session: dict[int, str | None] = dict.fromkeys(self.state)
        self.lease: dict[int, float] = {}
        self.attempts: dict[int, list[ModelAttempt]] = {row: [] for row in self.state}
        self.used: set[str] = set()

    def live(self, row: int) -> ModelAttempt | None:
        return next((each for each in self.attempts[row] if each.state != "SCRAPPED"), None)

    def holds(self, row: int, token: int, session: str) -> bool:
        return self.token[row] == token and self.session[row] == session

    def move(self, row: int, state: str) -> None:
        self.state[row] = state
        live = self.live(row)
        if live is not None and state != "CANCELLED":
            live.state = state

    def claim(self, session: str, count: int) -> list[tuple[int, int]]:
        if self.held:
            raise BatchHeldError
        free = [
            row
            for row, state in self.state.items()
            if state == "READY" or (state == "LEASED" and self.lease[row] < self.now)
        ]
        for row in free[:count]:
            self.state[row] = "LEASED"
            self.token[row] += 1
            self.session[row] = session
            self.lease[row] = self.now + TTL_S
        return [(row, self.token[row]) for row in free[:count]]

    def release(self, session: str, row: int, token: int) -> None:
        if self.state[row] != "LEASED" or not self.holds(row, token, session):
            raise FencedError
        self.state[row], self.session[row] = "READY", None

    def bind(self, session: str, row: int, token: int, chip: str) -> Answer:
        live = self.live(row)
        if self.holds(row, token, session):
            if self.state[row] == "BOUND" and live is not None and live.chip == chip:
                return Answer.ALREADY
            if self.state[row] == "LEASED":
                if chip in self.used:
                    raise ChipUsedError
                self.state[row] = "BOUND"
                self.attempts[row].append(ModelAttempt(token, chip, "BOUND", session))
                self.used.add(chip)
                return Answer.DONE
        raise FencedError

    def end(self, session: str, row: int, token: int, chip: str, state: str, **detail: Any) -> Answer:
        ended = next((each for each in self.attempts[row] if each.token == token and each.chip == chip), None)
        if ended is None or not self.holds(row, token, session):
            raise FencedError
        same = (ended.evidence, ended.code) == (detail.get("evidence"), detail.get("code"))
        if self.state[row] == state and same:
            return Answer.ALREADY
        if self.state[row] != "BOUND":
            raise FencedError
        self.move(row, state)
        ended.evidence, ended.code = detail.get("evidence"), detail.get("code")
        return Answer.DONE

    def restart(self, station: str) -> tuple[list[int], list[int]]:
        def ours(session: str | None) -> bool:
            return session is not None and session.startswith(station)

        doubt = [row for row, state in self.state.items() if state == "BOUND" and ours(self.session[row])]
        freed = [row for row, state in self.state.items() if state == "LEASED" and ours(self.session[row])]
        for row in doubt:
            self.move(row, "IN_DOUBT")
        for row in freed:
            self.state[row], self.session[row] = "READY", None
        return doubt, freed

    def people(self, by: tuple[str, ...]) -> None:
        if len(set(by)) < 2:
            raise TwoPersonsError

    def step(self, by: tuple[str, ...], row: int, before: set[str], after: str) -> None:
        self.people(by)
        if self.state[row] not in before:
            raise IllegalStepError
        self.move(row, after)

    def resume(self, by: tuple[str, ...], row: int, chip: str, marker: str, session: str) -> None:
        self.people(by)
        live = self.live(row)
        if self.state[row] != "IN_DOUBT":
            raise IllegalStepError
        if live is None or live.chip != chip or marker == "foreign":
            raise FencedError
        self.move(row, "BOUND")
        self.session[row] = session
        live.session = session

    def resolve(self, by: tuple[str, ...], row: int, chip: str, verdict: str, detail: bytes | str) -> None:
        self.people(by)
        live = self.live(row)
        if self.state[row] != "IN_DOUBT":
            raise IllegalStepError
        if live is None or live.chip != chip:
            raise FencedError
        self.move(row, verdict)
        live.evidence, live.code = (detail, None) if isinstance(detail, bytes) else (live.evidence, detail)
