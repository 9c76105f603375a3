"""What a coupler works with: cards one after another, and the functions that make and prove them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import msgspec

from cardkit.crypto import Key, Usage
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.keysource import KeySource, OpenKeyStore
from cardkit.crypto.keyuse import KeyUses
from cardkit.desired import Finding, OnEvent, Plan
from cardkit.errors import NoCardError, ProfileError
from cardkit.perso import (
    MarkerState,
    Outcome,
    OwnKeyDigests,
    Prepared,
    Report,
    RunRegister,
    identify,
    personalize,
    plan,
    verify,
)
from cardkit.production.couplers.deadline import Watch, WatchedConnection
from cardkit.production.couplers.messages import Ended, Seen, Times, Work
from cardkit.production.couplers.timing import TimedConnection, planned_seconds
from cardkit.profile import Profile, Record, load_profile
from cardkit.target import Card, Feeder, Scheme, Target

Cancelled = Callable[[], bool]
"""Asked about every second while a reader is empty."""


@dataclass(frozen=True, slots=True)
class BenchSpec:
    """How to set up a bench, also in another process.

    :param profile_sha256: the profile must still be this one, 32 bytes.  :param target: one reader.
    :param seed: makes virtual chips repeatable.  :param first: how many cards an earlier process took here.
    :param again: present the chips that lie there (after a crash) instead of fresh ones.
    :param keys: where its keys are; None for the profile's test keys. It never travels with the rest.
    :param card_s: how long to wait for a card that is said to be there; None: until it comes.
    """

    profile_path: str
    profile_sha256: bytes
    target: Target
    seed: int | None = None
    first: int = 0
    again: bool = False
    keys: KeySource | None = None
    card_s: float | None = None


class Bench(Protocol):
    """A reader with at most one card in it."""

    def place(self, cancelled: Cancelled) -> bool:
        """Wait for the next card; False when there are no more. The one before is gone from here on.

        :raises NoCardError: when it was said to be there and does not come in time.
        """
        ...

    def repower(self) -> None:
        """Reset the card cold."""
        ...

    def look(self) -> Seen:
        """Say which card this is, reading only."""
        ...

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        """Personalize and verify the card."""
        ...

    def prove(self, work: Work) -> Ended:
        """Verify the card without writing."""
        ...

    def remove(self) -> None:
        """Power the card off."""
        ...

    def close(self) -> None:
        """Power the card off and give the keys back; nothing follows."""
        ...


BenchFactory = Callable[[BenchSpec, Watch | None], Bench]


class PersoBench:
    """The bench for real use: a profile, its key store, and a reader."""

    def __init__(self, spec: BenchSpec, watch: Watch | None = None) -> None:
        self._profile = matching_profile(spec.profile_path, spec.profile_sha256)
        self._uses = KeyUses(open_keys(self._profile, spec.keys))
        self._keystore = self._uses.store
        self._feeder = Feeder(spec.target, seed=spec.seed, first=spec.first, again=spec.again)
        self._card_s = spec.card_s
        self._watch = watch
        self._register = RunRegister()
        self._card: Card | None = None
        self._timed: TimedConnection | None = None
        self._planned: float | None = None

    def place(self, cancelled: Cancelled) -> bool:
        """Wait for the next card.

        :raises NoCardError: when it was said to be there and does not come in time.
        """
        self.remove()
        limit_s = math.inf if self._card_s is None else self._card_s
        while not cancelled():
            try:
                connection = self._feeder.next_connection(limit_s, cancelled)
            except NoCardError:
                if self._feeder.target.scheme is not Scheme.PCSC:
                    return False
                if self._card_s is None or cancelled():
                    continue  # pulled out while we connected
                raise
            self._timed = TimedConnection(connection)
            self._card = Card(WatchedConnection(self._timed, self._watch) if self._watch else self._timed)
            return True
        return False

    def repower(self) -> None:
        """Reset the card cold."""
        self._present.reset(cold=True)

    def look(self) -> Seen:
        """Read identity and marker."""
        presented = identify(self._profile, self._present)
        marked = presented.marker is not None and presented.state != MarkerState.BLANK
        tag = presented.marker[2:] if marked and presented.marker else None
        return Seen(presented.chip_id, presented.state.value, tag)

    def make(self, work: Work, on_event: OnEvent, *, resume: bool) -> Ended:
        """Plan the record and run the plan."""
        card, start, before = self._present, time.perf_counter(), self._card_seconds
        record = self._record(work)
        todo, own = self._plan(work, record), self._own_keys(work, record)
        outcome = personalize(
            todo, card, self._keystore, on_event=on_event, resume=resume, register=self._register, own_keys=own
        )
        card.confirm_presence()
        whole, of_card = time.perf_counter() - start, self._card_seconds - before
        if self._planned is None:
            self._planned = planned_seconds(todo, card.connection)
        planned = None if self._planned is None else self._planned * 1000
        return _ended(outcome, Times(whole * 1000, of_card * 1000, planned), self._uses.taken())

    def prove(self, work: Work) -> Ended:
        """Plan the record and verify."""
        todo = self._plan(work, self._record(work))
        report = verify(todo, self._present, self._keystore, register=self._register)
        return _proved(report, self._uses.taken())

    def remove(self) -> None:
        """Power the card off."""
        if self._card is not None:
            self._card.close()
            self._card = None

    def close(self) -> None:
        """Power the card off and wipe the keys."""
        self.remove()
        self._keystore.close()

    @property
    def _card_seconds(self) -> float:
        return 0.0 if self._timed is None else self._timed.seconds

    @property
    def _present(self) -> Card:
        if self._card is None:
            raise NoCardError("no card lies at this coupler", operation="connect")
        return self._card

    @staticmethod
    def _own_keys(work: Work, record: Record) -> OwnKeyDigests | None:
        if work.digests is None:
            return None
        key = Key(work.digests, "digests of cards' own keys", "HMAC-256", Usage.DUP_DIGEST)
        return OwnKeyDigests(DupDigests(key), record)

    def _record(self, work: Work) -> Record:
        return Record.from_canonical(self._profile.record, work.record)

    def _plan(self, work: Work, record: Record) -> Plan:
        if work.prepared is None:
            raise ProfileError(f"row {record.row_no}: the record was not prepared")
        prepared = Prepared.from_bytes(work.prepared).with_tag(work.tag)
        return plan(self._profile, record, prepared, self._keystore)


def open_keys(profile: Profile, keys: KeySource | None) -> OpenKeyStore:
    """Open what a profile's cards are made with: a key source, or where there is none its test keys.

    :raises KeyStoreError: where it does not open, or a LIVE profile has none.
    """
    return profile.test_keystore() if keys is None else keys.open()


@lru_cache(maxsize=4)
def matching_profile(path: str, sha256: bytes) -> Profile:
    """Load a profile that must not have changed since its batch was imported; couplers of one process share it.

    :raises ProfileError: when it has.
    """
    profile = load_profile(path)
    if profile.sha256 != sha256:
        raise ProfileError(
            f"{profile.path}: changed since the batch was imported:"
            f" SHA-256 {profile.sha256.hex()[:16]}, expected {sha256.hex()[:16]}"
        )
    return profile


def _findings_json(findings: tuple[Finding, ...]) -> bytes:
    return msgspec.json.encode(findings)


def _ended(outcome: Outcome, times: Times, uses: dict[str, int]) -> Ended:
    reject = outcome.reject
    return Ended(
        good=outcome.verdict == "GOOD",
        bound=outcome.bound,
        chip=outcome.chip_id,
        code=reject.code if reject else None,
        reject_class=reject.kind if reject else None,
        text=reject.text if reject else "",
        security=bool(reject and reject.security_stop),
        evidence_sha256=outcome.evidence_sha256,
        findings=_findings_json(outcome.findings),
        facts=msgspec.json.encode(dict(outcome.facts)),
        apply_ms=outcome.apply_ms,
        verify_ms=outcome.verify_ms,
        times=times,
        uses=uses,
    )


def _proved(report: Report, uses: dict[str, int]) -> Ended:
    good = report.verdict == "GOOD"
    return Ended(
        good=good,
        bound=True,
        chip=None,
        code=None if good else "DATA_READBACK",
        reject_class=None if good else "data",
        evidence_sha256=report.evidence_sha256,
        findings=_findings_json(report.findings),
        facts=msgspec.json.encode(dict(report.facts)),
        uses=uses,
    )
