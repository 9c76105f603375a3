"""The supervisor: claims records, gives them to couplers, and answers what they ask. production.md 5

It alone touches store and journal. Answers that wait together are settled together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty as NothingWaits
from queue import SimpleQueue

from cardkit.errors import StoreError
from cardkit.production import events
from cardkit.production.books import Books, Post, Settled, Verdict
from cardkit.production.couplers import messages
from cardkit.production.couplers.messages import Answer
from cardkit.production.couplers.thread import Inbox
from cardkit.production.seat import RESTARTS_PER_HOUR, Build, Job, Seat
from cardkit.production.stop import Kind, Stop, StopRules
from cardkit.production.store.station import Claim

WATCH_SLICE_S = 0.25

KINDS = {"contact": Kind.CONTACT, "data": Kind.DATA, "security": Kind.SECURITY}


@dataclass(frozen=True, slots=True)
class Line:
    """What a supervisor works with.

    :param couplers: name of each.  :param build: makes one.
    :param supply: leases up to so many records.  :param give_back: ends a lease unused.
    :param chip_ref: what reports call a chip.  :param limit: cards to make at most, None for all.
    """

    couplers: Sequence[str]
    build: Build
    supply: Callable[[int], list[Job]]
    give_back: Callable[[Claim], None]
    chip_ref: Callable[[str], str]
    limit: int | None = None


class Supervisor:
    """Runs the couplers of one line until there is nothing left to do or something stops it.

    :ivar tally: cards of this run by verdict.  :ivar stopped: what ended it early.
    """

    def __init__(self, line: Line, books: Books, rules: StopRules, reporter: events.Reporter) -> None:
        self._line = line
        self._books = books
        self._rules = rules
        self._report = reporter
        self._jobs: deque[Job] = deque()
        self._dry = False
        self._inbox: Inbox = SimpleQueue()
        self._seats = {
            number: Seat(number, name, line.build, self._inbox) for number, name in enumerate(line.couplers, 1)
        }
        self._left = line.limit
        self.tally = dict.fromkeys(Verdict, 0)
        self.stopped: Stop | None = None

    def run(self) -> None:
        """Work until the batch, the cards or the limit is at its end, or a stop rule fires.

        An interrupt ends it in order: cards in work are finished, leases given back, then KeyboardInterrupt is raised.
        """
        interrupted = False
        try:
            for seat in self._seats.values():
                seat.start()
            while any(seat.open for seat in self._seats.values()):
                try:
                    self._turn()
                except KeyboardInterrupt:
                    if interrupted:
                        raise
                    interrupted = True
                    self._stop(Stop("station", "interrupt", "interrupted by the operator"))
        finally:
            for seat in self._seats.values():
                seat.end()
            for job in self._jobs:
                self._line.give_back(job.claim)
        if interrupted:
            raise KeyboardInterrupt

    def _turn(self) -> None:
        """Settle everything that waits, then look at the deadlines."""
        waiting = [(self._seats[number], answer) for number, answer in self._waiting()]
        posts = [seat.post(answer) for seat, answer in waiting]
        answers = iter(self._books.settle([post for post in posts if post is not None]))
        settled = [next(answers) if post else None for post in posts]
        for (seat, answer), result in zip(waiting, settled, strict=True):
            if isinstance(answer, messages.Bind) and result is not None and result.refused is None:
                seat.chip = answer.chip
        for (seat, answer), post, result in zip(waiting, posts, settled, strict=True):
            self._act(seat, answer, post, result)
        if self._books.failure is not None:
            self._stop(Stop("station", "store", str(self._books.failure)))
        for seat in self._seats.values():
            self._watch(seat)

    def _waiting(self) -> list[tuple[int, Answer]]:
        try:
            waiting = [self._inbox.get(timeout=WATCH_SLICE_S)]
        except NothingWaits:
            return []
        while not self._inbox.empty():
            waiting.append(self._inbox.get_nowait())
        return waiting

    def _act(self, seat: Seat, answer: Answer, post: Post | None, settled: Settled | None) -> None:
        if not seat.open:
            return
        if post is not None and settled is not None and isinstance(post.said, messages.Ended | messages.Lost):
            self._card_ended(seat, post.said, settled)
        match answer:
            case messages.Bind() | messages.Intent():
                self._reply(seat, answer, settled)
            case messages.Ready() | messages.Ended() | messages.Lost():
                self._next(seat)
            case messages.Empty():
                self._close(seat, "empty", "no more cards")
            case messages.Broken(text):
                self._close(seat, "reader", text)
            case messages.Gone(why):
                self._restart(seat, why)
            case _:
                pass

    def _reply(self, seat: Seat, asked: messages.Bind | messages.Intent, settled: Settled | None) -> None:
        if settled is None or seat.job is None or settled.refused is not None:
            why = settled.refused if settled is not None else None
            seat.send(messages.Refuse(why or "there is no record at this coupler"))
            return
        if isinstance(asked, messages.Bind):
            self._report(events.CardStarted(seat.name, seat.job.claim.row_no))
        seat.send(messages.Proceed())

    def _card_ended(self, seat: Seat, said: messages.Ended | messages.Lost, settled: Settled) -> None:
        job, seat.job, seat.chip = seat.job, None, None
        if job is None or settled.verdict is None:
            return
        self.tally[settled.verdict] += 1
        self._report(card_done(seat.name, job, said, settled, self._line.chip_ref))
        if settled.reusable:
            self._put_back(job)
        stop = self._judge(seat, said, settled)
        if stop is not None and stop.scope.startswith("coupler"):
            self._close(seat, stop.rule, stop.why)
        elif stop is not None:
            self._stop(stop)
        elif settled.reject_class == "software":
            self._close(seat, "software", said.text)

    def _judge(self, seat: Seat, said: messages.Ended | messages.Lost, settled: Settled) -> Stop | None:
        kind = KINDS.get(settled.reject_class or "", Kind.REJECT)
        if settled.verdict is Verdict.GOOD:
            kind = Kind.GOOD
        elif isinstance(said, messages.Ended) and said.security:
            kind = Kind.SECURITY
        stop = self._rules.judge(kind, seat.number)
        if stop is None and settled.code == "CHIP_USED":
            return Stop("station", "chip_used", "a chip was presented that carries another attempt")
        return stop

    def _next(self, seat: Seat) -> None:
        if not seat.open:
            return
        job = self._job()
        if job is None:
            self._close(seat)
        else:
            seat.take(job)

    def _job(self) -> Job | None:
        if self.stopped is not None or self._left == 0:
            return None
        if not self._jobs and not self._dry:
            self._refill()
        if not self._jobs:
            return None
        if self._left is not None:
            self._left -= 1
        return self._jobs.popleft()

    def _refill(self) -> None:
        try:
            self._jobs.extend(self._line.supply(len(self._seats)))
        except StoreError as error:
            self._stop(Stop("station", "store", str(error)))
        self._dry = not self._jobs

    def _put_back(self, job: Job) -> None:
        self._jobs.appendleft(job)
        if self._left is not None:
            self._left += 1

    def _close(self, seat: Seat, rule: str = "", why: str = "") -> None:
        """Take a coupler out of work; the record it waited with is for the others."""
        if not seat.open:
            return
        if seat.job is not None:
            self._put_back(seat.job)
        seat.finish()
        if rule:
            self._report(events.CouplerStopped(seat.name, rule, why))

    def _stop(self, stop: Stop) -> None:
        """Give out no more records; a coupler with a bound card finishes it, the others end now."""
        self.stopped = self.stopped or stop
        for seat in self._seats.values():
            if seat.chip is None:
                self._close(seat)

    def _watch(self, seat: Seat) -> None:
        """End a process whose command is overdue; its outcome is journaled as unknown first."""
        overdue = seat.kill_overdue()
        if overdue is None:
            return
        unknown = seat.post(messages.Unknown(overdue, "deadline passed"))
        if unknown is not None:
            self._books.settle([unknown])
        seat.kill()

    def _restart(self, seat: Seat, why: str) -> None:
        if not seat.open:
            return
        if seat.job is not None:
            self._put_back(seat.job)
            seat.job = None
        if seat.restart():
            self._report(events.WorkerRestarted(seat.name, why))
        else:
            self._close(seat, "restarts", f"{why}; ended {RESTARTS_PER_HOUR} times within an hour")


def card_done(
    name: str,
    job: Job,
    said: messages.Ended | messages.Lost,
    settled: Settled,
    chip_ref: Callable[[str], str],
) -> events.CardDone:
    """Return what a reporter is told of a card that ended."""
    ended = said if isinstance(said, messages.Ended) else None
    return events.CardDone(
        coupler=name,
        record_no=job.claim.row_no,
        chip_ref=chip_ref(said.chip) if said.chip else "",
        verdict=str(settled.verdict),
        code=settled.code,
        reject_class=settled.reject_class,
        apply_ms=ended.apply_ms if ended else None,
        verify_ms=ended.verify_ms if ended else None,
        findings=ended.findings.count(b'"rule"') if ended else 0,
    )
