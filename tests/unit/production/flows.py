"""The store vectors, and a driver that runs their operations on a real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cardkit.errors import BatchHeldError, ChipUsedError, FencedError, IllegalStepError, TwoPersonsError
from cardkit.production.store import Card, Clocks, Office, StationSession, Store, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.store import create_or_open

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-flows.json").read_text(encoding="utf-8"))
BATCH = "B-1"
ERRORS = {
    FencedError: "FENCED",
    ChipUsedError: "CHIP_USED",
    BatchHeldError: "BATCH_HELD",
    TwoPersonsError: "TWO_PERSONS",
    IllegalStepError: "ILLEGAL",
}


def named(prefix: str) -> list[Any]:
    return [vector for vector in VECTORS if vector["name"].startswith(f"{prefix}-")]


class Time:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def lease(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2031, 5, 4, tzinfo=UTC) + timedelta(seconds=self.seconds)


def open_batch(path: Path, records: int, *, persons: int = 2, time: Time | None = None) -> Store:
    """A store with one OPEN batch of READY records."""
    time = time or Time()
    store = create_or_open(path, "ana", persons=persons, clocks=Clocks(time.lease, time.wall))
    new = NewBatch(BATCH, "usim-test", 1, "profile", b"\x11" * 32, b"\x22" * 32, "order.csv", b"\x33" * 32, records)
    new = NewBatch(**{**{name: getattr(new, name) for name in new.__dataclass_fields__}, "remake": "after-scrap"})
    rows = [NewRecord(n, n + 1, b"{}", {"iccid": f"89{n:017d}"}) for n in range(1, records + 1)]
    lot = add_batch(store, new, rows)
    if persons == 2:
        Office(store, lot, ("ana", "bek")).approve()
        Office(store, lot, ("ana", "bek")).open()
    return store


class Driver:
    """Runs the vectors' operations and says what came of each in the vectors' words."""

    def __init__(self, store: Store, time: Time, ttl_s: float) -> None:
        self.store = store
        self.time = time
        self.ttl_s = ttl_s
        self.lot = store.batch(BATCH)
        self.sessions: dict[str, StationSession] = {}

    def run(self, op: dict[str, Any]) -> Any:
        step: Callable[[dict[str, Any]], Any] = getattr(self, f"_{op['op']}")
        try:
            answer = step(op)
        except tuple(ERRORS) as error:
            return ERRORS[type(error)]
        return "ok" if answer is None else getattr(answer, "value", answer)

    def session(self, name: str) -> StationSession:
        if name not in self.sessions:
            self.sessions[name] = start_session(self.store, name)[0]
        return self.sessions[name]

    def _office(self, op: dict[str, Any]) -> Office:
        return Office(self.store, self.lot, tuple(op["by"]))

    def _card(self, op: dict[str, Any]) -> Card:
        return Card(op["record"], op["token"], op["chip"])

    def _tick(self, op: dict[str, Any]) -> None:
        self.time.seconds += op["s"]

    def _claim(self, op: dict[str, Any]) -> list[list[int]]:
        claims = self.session(op["station"]).claim(BATCH, op["k"], self.ttl_s)
        return [[claim.record_id, claim.token] for claim in claims]

    def _release(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).release(op["record"], op["token"])

    def _bind(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).bind(self.lot, self._card(op))

    def _commit(self, op: dict[str, Any]) -> Any:
        evidence = bytes.fromhex(op["evidence"]) if op["evidence"] else None
        return self.session(op["station"]).commit(self.lot, self._card(op), evidence)

    def _reject(self, op: dict[str, Any]) -> Any:
        return self.session(op["station"]).reject(self.lot, self._card(op), op["code"])

    def _restart(self, op: dict[str, Any]) -> dict[str, list[int]]:
        self.sessions[op["station"]], done = start_session(self.store, op["station"])
        return {"in_doubt": list(done.in_doubt), "released": list(done.released)}

    def _resume(self, op: dict[str, Any]) -> None:
        session = self.session(op["station"])
        self._office(op).resume(op["record"], op["chip"], op["marker"], session.id)

    def _resolve(self, op: dict[str, Any]) -> None:
        self._office(op).resolve(op["record"], op["chip"], op["verdict"], bytes.fromhex(op["evidence"]))

    def _recall(self, op: dict[str, Any]) -> None:
        self._office(op).recall(op["record"], op["code"])

    def _scrap(self, op: dict[str, Any]) -> None:
        self._office(op).scrap(op["record"], op["witness"])

    def _lost(self, op: dict[str, Any]) -> None:
        self._office(op).lost(op["record"], op["incident"])

    def _remake(self, op: dict[str, Any]) -> None:
        self._office(op).remake(op["record"])

    def _cancel(self, op: dict[str, Any]) -> None:
        self._office(op).cancel(op["record"])

    def _hold(self, op: dict[str, Any]) -> None:
        self._office(op).hold(op["why"])

    def _unhold(self, op: dict[str, Any]) -> None:
        self._office(op).unhold("yield looked at")
