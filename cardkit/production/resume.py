"""Finishing what a crash interrupted: card by card, the chip in the reader decides. production.md 5"""

from __future__ import annotations

import time
from queue import Empty as NothingWaits
from queue import SimpleQueue

from cardkit.errors import EncodingError
from cardkit.perso import ChipSeen, Decision, MarkerSeen, MarkerState, decide
from cardkit.production import events
from cardkit.production.books import Post, Settled, Verdict
from cardkit.production.couplers import messages
from cardkit.production.couplers.messages import Answer, Ended, Lost, Order, Question, Seen
from cardkit.production.run import (
    DEFAULT_OPTIONS,
    RunOptions,
    Shift,
    batch_done,
    builder,
    couplers_of,
    hold_if_stopped,
    open_shift,
)
from cardkit.production.seat import Build, Job, Seat
from cardkit.production.stop import Stop
from cardkit.production.store import reading
from cardkit.production.store.office import Office
from cardkit.production.store.reading import Doubt
from cardkit.production.store.station import Claim
from cardkit.production.store.store import Store
from cardkit.production.supervisor import WATCH_SLICE_S, card_done

COUPLER = 1


def resume_batch(
    store: Store,
    batch: str,
    target: str,
    *,
    reporter: events.Reporter = events.silent,
    options: RunOptions = DEFAULT_OPTIONS,
) -> events.BatchDone:
    """Take the cards that lie at a reader until no record is IN_DOUBT or there are no more cards.

    A card whose marker is its record's, or that is still blank, is finished; one that was finished is verified; every
    other card is given back untouched. A foreign marker leaves the batch HELD.

    :raises StoreError: when another process owns the store.  :raises EncodingError: when the target is several readers.
    """
    started = time.monotonic()
    readers = couplers_of([target])
    if len(readers) != 1:
        raise EncodingError(f"reader {target!r}: got {len(readers)} readers, expected one to present cards to")
    with open_shift(store, batch, options, reporter) as shift:
        build = builder(shift.lot, readers, options, again=True)
        recovery = Recovery(shift, str(readers[0]), build, reporter, options.by)
        recovery.run()
        hold_if_stopped(shift, recovery.stopped)
        done = batch_done(shift, recovery.tally, time.monotonic() - started, recovery.stopped)
    reporter(done)
    return done


class Recovery:
    """Works through the cards at one coupler.

    :param by: who stands behind what becomes of them; the operator alone if nobody is named.
    :ivar tally: cards that came out of doubt, by verdict.  :ivar stopped: why it ended early.
    """

    def __init__(
        self, shift: Shift, name: str, build: Build, reporter: events.Reporter, by: tuple[str, ...] = ()
    ) -> None:
        self._shift = shift
        self._inbox: SimpleQueue[Answer] = SimpleQueue()
        self._seat = Seat(COUPLER, name, build, self)
        self._report = reporter
        self._office = Office(shift.store, shift.lot, by or (shift.store.operator,))
        self._pending = {doubt.chip_id: doubt for doubt in reading.doubts(shift.store, shift.lot)}
        self.tally = dict.fromkeys(Verdict, 0)
        self.stopped: Stop | None = None

    def run(self) -> None:
        """Look at card after card."""
        if not self._pending:
            return
        self._seat.start()
        try:
            answer = self._wait()
            while self._pending and self.stopped is None and not isinstance(answer, messages.Empty):
                answer = self._one(answer)
            self._seat.finish()
        finally:
            self._seat.end()

    def put(self, coupler: int, answer: Answer) -> None:  # noqa: ARG002 - there is one
        """Take an answer."""
        self._inbox.put(answer)

    def ask(self, coupler: int, question: Question) -> str | None:  # noqa: ARG002 - there is one
        """Make something durable, in the thread that asks; why not to go on, or None."""
        post = self._seat.post(question)
        if post is None:
            return "there is no record at this coupler"
        return self._shift.books.settle([post])[0].refused

    def _one(self, answer: Answer) -> Answer:
        """Go on after an answer; return the next one."""
        match answer:
            case messages.Broken(text):
                self._stop("reader", text)
                return answer
            case messages.Gone(why):
                if not self._seat.restart():
                    self._stop("restarts", why)
                    return answer
                self._report(events.WorkerRestarted(self._seat.name, why))
                return self._wait()
            case Seen():
                return self._card(answer)
            case _:  # Ready, or the end of a card
                return self._ask(messages.Look())

    def _stop(self, rule: str, why: str, scope: str = "station") -> None:
        self.stopped = self.stopped or Stop(scope, rule, why)

    def _ask(self, order: Order) -> Answer:
        self._seat.send(order)
        return self._wait()

    def _wait(self) -> Answer:
        """Wait for the next answer; a process whose command is overdue is ended and answers Gone."""
        while True:
            try:
                return self._inbox.get(timeout=WATCH_SLICE_S)
            except NothingWaits:
                overdue = self._seat.kill_overdue()
                if overdue is not None:
                    self.ask(COUPLER, messages.Unknown(overdue, "deadline passed"))
                    self._seat.kill()

    def _card(self, seen: Seen) -> Answer:
        doubt = self._pending.get(seen.chip)
        if doubt is None:
            return self._other_card(seen)
        tag = self._shift.store.vault.batch(self._shift.lot.name).tag(doubt.record_no, doubt.token)
        marker = _marker(seen, tag)
        if marker is MarkerSeen.REMOVED:
            return self._finished_card(doubt)
        blank = seen.state == MarkerState.BLANK
        decision = decide(bound=True, chip=ChipSeen.SAME, marker=marker, blank=blank)
        if decision.state == "BOUND":
            return self._finish(doubt, "match" if marker is MarkerSeen.MATCH else "absent")
        if decision.state == "REJECTED":
            self._resolve(doubt, Ended(good=False, bound=True, chip=doubt.chip_id), decision)
        return self._ask(messages.Return())

    def _other_card(self, seen: Seen) -> Answer:
        known = reading.chip_known(self._shift.store, self._shift.lot, seen.chip)
        marker = MarkerSeen.ABSENT if seen.tag is None else MarkerSeen.FOREIGN
        decision = decide(bound=True, chip=ChipSeen.OTHER, chip_known=known, marker=marker)
        if decision.stop:
            self._stop("security", f"{decision.code}: a chip that is not ours carries a marker", decision.stop)
        return self._ask(messages.Return())

    def _finished_card(self, doubt: Doubt) -> Answer:
        """The marker is gone: the card was sealed. What it is, full verification says."""
        self._seat.job = self._job(doubt)
        answer = self._ask(messages.Prove(self._seat.job.work))
        if isinstance(answer, Ended):
            decision = decide(bound=True, chip=ChipSeen.SAME, marker=MarkerSeen.REMOVED, verified=answer.good)
            self._resolve(doubt, answer, decision)
            return self._ask(messages.Return())
        self._seat.job = None
        return answer

    def _job(self, doubt: Doubt) -> Job:
        return self._shift.opener.jobs([Claim(doubt.record_id, doubt.record_no, doubt.token)])[0]

    def _resolve(self, doubt: Doubt, ended: Ended, decision: Decision) -> None:
        """Take a record out of doubt without writing to its card."""
        job, self._seat.job = self._job(doubt), None
        good = decision.state == Verdict.GOOD and ended.evidence_sha256 is not None
        verdict = Verdict.GOOD if good else Verdict.REJECTED
        code = None if good else decision.code or ended.code or "INTERNAL"
        said = Ended(
            good=good,
            bound=True,
            chip=doubt.chip_id,
            code=code,
            reject_class="security" if decision.stop else ended.reject_class,
            evidence_sha256=ended.evidence_sha256,
            findings=ended.findings,
            facts=ended.facts,
            uses=ended.uses,
        )
        self._shift.books.witness(Post(COUPLER, job.claim, said))
        detail = ended.evidence_sha256 if good and ended.evidence_sha256 else str(code)
        work = self._shift.books.work(job.claim, said)
        self._office.resolve(doubt.record_id, doubt.chip_id, verdict, detail, work)
        self._out_of_doubt(doubt, job, said, Settled(None, verdict, code, said.reject_class))
        if decision.stop:
            self._stop("security", f"record {doubt.record_no}: {decision.code}", decision.stop)

    def _finish(self, doubt: Doubt, marker: str) -> Answer:
        """Bind the record to the same chip again and go on with its plan."""
        job = self._job(doubt)
        self._office.resume(doubt.record_id, doubt.chip_id, marker, self._shift.session.id)
        self._seat.job, self._seat.chip = job, doubt.chip_id
        answer = self._ask(messages.Resume(job.work))
        post = self._seat.post(answer)
        self._seat.leave()
        if post is not None and isinstance(post.said, Ended | Lost):
            (settled,) = self._shift.books.settle([post])
            self._out_of_doubt(doubt, job, post.said, settled)
        return answer

    def _out_of_doubt(self, doubt: Doubt, job: Job, said: Ended | Lost, settled: Settled) -> None:
        if settled.verdict is None:
            return
        self.tally[settled.verdict] += 1
        if settled.verdict is not Verdict.IN_DOUBT:
            del self._pending[doubt.chip_id]
        self._report(card_done(self._seat.name, job, said, settled, self._shift.store.vault.chip_ref))


def _marker(seen: Seen, tag: bytes) -> MarkerSeen:
    if seen.state == MarkerState.FINAL:
        return MarkerSeen.REMOVED
    if seen.state == MarkerState.BEGUN:
        return MarkerSeen.MATCH  # it has no home for a marker: that it is the bound chip is all it can tell
    if seen.tag is None:
        return MarkerSeen.ABSENT
    return MarkerSeen.MATCH if seen.tag == tag else MarkerSeen.FOREIGN
