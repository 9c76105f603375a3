"""Running a batch: own the store, replay the journals, start the couplers, and end in order. production.md 5"""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cardkit.crypto.keysource import KeySource
from cardkit.errors import EncodingError, StoreError
from cardkit.perso import draw
from cardkit.production import events
from cardkit.production.audit.checkpoints import Checkpoints, checkpoint
from cardkit.production.books import Books, Verdict
from cardkit.production.couplers import messages
from cardkit.production.couplers.bench import BenchFactory, BenchSpec, PersoBench, matching_profile
from cardkit.production.couplers.deadline import DEFAULT_S
from cardkit.production.couplers.exchange import Exchange
from cardkit.production.couplers.process import ProcessCoupler
from cardkit.production.couplers.thread import ThreadCoupler
from cardkit.production.journal import Journal
from cardkit.production.keyset import require_keys
from cardkit.production.people.roles import Step
from cardkit.production.replay import mark_replayed, replay_journals
from cardkit.production.seat import Build, Coupler, Job
from cardkit.production.stop import Stop, StopParameters, StopRules
from cardkit.production.store import reading
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.office import Office
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.sessions import LEASE_TTL_S, fence_station, other_stations, start_session
from cardkit.production.store.station import Claim, StationSession
from cardkit.production.store.store import Batch, Store
from cardkit.production.store.vault import BatchVault
from cardkit.production.supervisor import Line, Supervisor
from cardkit.profile import Profile
from cardkit.target import Scheme, Target, parse

log = logging.getLogger(__name__)

# A claim costs about as much as making a card; so many records are open in memory at a time.
CLAIMS_PER_COUPLER, CLAIMS_AT_LEAST = 25, 100


DEFAULT_RULES = StopParameters()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a batch is run.

    :param station: its name, by default the host's.  :param seed: makes virtual chips repeatable.
    :param workers: one process per coupler; None: for real readers, and virtual cards inside this process.
    :param limit: cards to make at most.  :param deadline_s: for an ordinary command, with workers.
    :param rules: when to stop.  :param bench: what couplers work with.
    :param by: who stands behind what becomes of cards in doubt; by default the operator alone.
    :param lease_s: how long a record that was claimed waits for its card before another station may claim it.
    :param keys: where the keys are, opened by each coupler anew; None for the profile's test keys.
    :param handling: puts what moves the cards between the supervisor and its couplers; None where cards come by hand.
    :param card_s: how long a coupler waits for a card that is said to be there; None: until somebody brings one.
    """

    station: str = platform.node() or "station"
    seed: int | None = None
    workers: bool | None = None
    limit: int | None = None
    deadline_s: float = DEFAULT_S
    rules: StopParameters = DEFAULT_RULES
    bench: BenchFactory = PersoBench
    by: tuple[str, ...] = ()
    lease_s: float = LEASE_TTL_S
    keys: KeySource | None = None
    handling: Callable[[Build], Build] | None = None
    card_s: float | None = None


DEFAULT_OPTIONS = RunOptions()


class Opener:
    """Opens the cells of records for the couplers; draws their challenges where nothing else is prepared."""

    def __init__(self, store: Store, lot: Batch, vault: BatchVault, profile: Profile) -> None:
        self._store = store
        self._profile = profile
        self._lot = lot
        self._vault = vault
        self._digests = store.key_digests(lot)

    def jobs(self, claims: Sequence[Claim]) -> list[Job]:
        """Return claims with what a coupler needs to know."""
        cells = reading.sealed_records(self._store, self._lot, [claim.record_id for claim in claims])
        return [Job(claim, self._work(claim, cells[claim.record_id])) for claim in claims]

    def _work(self, claim: Claim, sealed: reading.Sealed) -> bytes:
        prepared = None
        if self._lot.prepare_step is None:
            prepared = draw(self._profile, self._vault.draws(claim.row_no)).to_bytes()
        elif sealed.prepared is not None:
            prepared = self._vault.open(claim.row_no, self._lot.prepare_step, sealed.prepared)
        record = self._vault.open(claim.row_no, DATA_FIELD, sealed.data)
        tag = self._vault.tag(claim.row_no, claim.token)
        return messages.encode(messages.Work(record, prepared, tag, self._digests))


@dataclass(frozen=True, slots=True)
class Shift:
    """One session of a station on one batch, with everything open."""

    store: Store
    lot: Batch
    session: StationSession
    books: Books
    opener: Opener


@contextmanager
def open_shift(store: Store, batch: str, options: RunOptions, reporter: events.Reporter) -> Iterator[Shift]:
    """Own the station, fence its earlier sessions, replay their journals, and open a journal.

    :raises StoreError: when another process is this station or owns the store, or a journal is damaged.
    :raises KeyStoreError: when the key store does not open, or is not the batch's.
    """
    store.presence.require(Step.RUN, (store.operator,))
    lot = store.batch(batch)
    profile = matching_profile(lot.profile_path, lot.profile_sha256)
    told = require_keys(profile, lot, options.keys)
    checkpoints = Checkpoints(store, options.station)
    store.narrow()
    with store.database.owned(options.station):
        if store.database.single:
            for name in other_stations(store, options.station):
                fence_station(store, name)  # we own the whole store, so that it runs no more
        session, _ = start_session(store, options.station)
        _note_keys(store, session, lot, told)
        replayed = replay_journals(store, session)
        if replayed.sessions:
            reporter(events.JournalReplayed(replayed.sessions, replayed.binds, replayed.torn_bytes))
        journal = Journal(store.journals / f"{session.id}.journal", _session_entry(store, lot, session))
        vault = store.vault.batch(lot.name)
        books = Books(session, journal, lot, vault, checkpoints.settled)
        try:
            yield Shift(store, lot, session, books, Opener(store, lot, vault, profile))
        finally:
            journal.close()
        books.say_uses()
        if books.catch_up():
            mark_replayed(store, session.id)
        if books.failure is None:
            with store.writing() as connection:
                ended = Event("SESSION_END", store.operator, {"session": session.id})
                store.audit(connection, options.station, ended)
            checkpoints.sign()
            checkpoint(store, OFFICE)


def _note_keys(store: Store, session: StationSession, lot: Batch, told: dict[str, Any]) -> None:
    """Note which key store a session works with, and on which batch."""
    if told:
        with store.writing() as connection:
            noted = Event("KEYS", store.operator, {"session": session.id, "batch": lot.name, **told})
            store.audit(connection, session.station, noted)


def _session_entry(store: Store, lot: Batch, session: StationSession) -> dict[str, str]:
    return {
        "installation": store.terms.installation,
        "epoch": store.terms.epoch,
        "batch": lot.name,
        "station": session.station,
        "session": session.id,
    }


def couplers_of(targets: Sequence[str]) -> list[Target]:
    """Return the readers that some target strings name, in order.

    :raises EncodingError: when they name none.
    """
    found = [target for text in targets for target in parse(text)]
    if not found:
        raise EncodingError("no reader was named")
    return found


def builder(lot: Batch, targets: Sequence[Target], options: RunOptions, *, again: bool = False) -> Build:
    """Return what makes the coupler of a number."""

    def build(number: int, exchange: Exchange, taken: int) -> Coupler:
        target = targets[number - 1]
        where = (lot.profile_path, lot.profile_sha256, target)
        spec = BenchSpec(*where, options.seed, taken, again, options.keys, options.card_s)
        workers = own_process(target, options.keys) if options.workers is None else options.workers
        if workers:
            return ProcessCoupler(number, exchange, spec, options.bench, options.deadline_s)
        return ThreadCoupler(number, exchange, spec, options.bench)

    return build if options.handling is None else options.handling(build)


def own_process(target: Target, keys: KeySource | None) -> bool:
    """Whether a coupler belongs in a process: a real card may be mute, and a token serves one thread of a process."""
    return target.scheme is Scheme.PCSC or (keys is not None and keys.single_thread)


def run_batch(
    store: Store,
    batch: str,
    targets: Sequence[str],
    *,
    reporter: events.Reporter = events.silent,
    options: RunOptions = DEFAULT_OPTIONS,
) -> events.BatchDone:
    """Make the cards of a batch on some readers until records, cards or the limit are at their end.

    A stop of the batch leaves it HELD.

    :raises StoreError: when another process owns the store.  :raises BatchHeldError: when the batch is not OPEN.
    :raises ProfileError: when the profile changed since the import.  :raises KeyboardInterrupt: after an orderly end.
    """
    started = time.monotonic()
    readers = couplers_of(targets)
    with open_shift(store, batch, options, reporter) as shift:
        shift.session.require_claimable(batch)
        names = tuple(str(reader) for reader in readers)
        reporter(_batch_started(shift, names))
        line = Line(
            couplers=names,
            build=builder(shift.lot, readers, options),
            supply=lambda count: supply(shift, count, options.lease_s),
            give_back=lambda claim: give_back(shift.session, claim, failed=shift.books.failure is not None),
            chip_ref=store.vault.chip_ref,
            limit=options.limit,
        )
        supervisor = Supervisor(line, shift.books, StopRules(options.rules), reporter)
        supervisor.run()
        shift.books.catch_up()
        hold_if_stopped(shift, supervisor.stopped)
        done = batch_done(shift, supervisor.tally, time.monotonic() - started, supervisor.stopped)
    reporter(done)
    return done


def _batch_started(shift: Shift, couplers: tuple[str, ...]) -> events.BatchStarted:
    counts = reading.counts(shift.store, shift.lot)
    return events.BatchStarted(
        batch=shift.lot.name,
        total=shift.lot.imported,
        ready=counts["READY"],
        good=counts["GOOD"],
        rejected=counts["REJECTED"],
        in_doubt=counts["IN_DOUBT"],
        couplers=couplers,
    )


def supply(shift: Shift, couplers: int, lease_s: float = LEASE_TTL_S) -> list[Job]:
    """Lease records for some couplers and open them."""
    count = max(CLAIMS_AT_LEAST, couplers * CLAIMS_PER_COUPLER)
    claims = shift.store.insist(lambda: shift.session.claim(shift.lot.name, count, lease_s))
    return shift.opener.jobs(claims)


def give_back(session: StationSession, claim: Claim, *, failed: bool = False) -> None:
    """End a lease unused; where the store fails, the lease ends at the next start.

    :param failed: the store's failure was spoken of before, as that of a lost store was.
    """
    lost = session.store.lost or failed
    try:
        session.release(claim.record_id, claim.token)
    except StoreError as error:
        log.log(logging.DEBUG if lost else logging.WARNING, "record %d keeps its lease: %s", claim.record_id, error)


def hold_if_stopped(shift: Shift, stop: Stop | None) -> None:
    """Hold the batch after a stop rule of the batch."""
    if stop is not None and stop.scope == "batch":
        Office(shift.store, shift.lot, (shift.store.operator,)).halt(f"{stop.rule}: {stop.why}")


def batch_done(shift: Shift, tally: Mapping[Verdict, int], seconds: float, stopped: Stop | None) -> events.BatchDone:
    """Return the last event of a run."""
    return events.BatchDone(
        batch=shift.lot.name,
        counts=reading.counts(shift.store, shift.lot),
        good=tally[Verdict.GOOD],
        rejected=tally[Verdict.REJECTED],
        in_doubt=tally[Verdict.IN_DOUBT],
        blank_rejects=tally[Verdict.BLANK_REJECT],
        seconds=seconds,
        stopped=stopped,
    )
