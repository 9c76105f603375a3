"""The supervisor: claims records, gives them to couplers, and answers what they ask. production.md 5

Its process alone touches store and journal. What a coupler asks is settled in the thread that asks, ends of cards in
the supervisor's; what waits at the same time is settled together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty as NothingWaits
from queue import SimpleQueue

from cardkit.errors import StoreError
from cardkit.production import events
from cardkit.production.books import KEY_REPEATED, Books, Post, Settled, Verdict
from cardkit.production.couplers import messages
from cardkit.production.couplers.messages import Answer, Question
from cardkit.production.interrupts import first_interrupt
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
        self._left = line.limit
        self._inbox: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self._said: deque[tuple[Seat, Answer]] = deque()
        self._started: deque[events.CardStarted] = deque()
        self._seats = {number: Seat(number, name, line.build, self) for number, name in enumerate(line.couplers, 1)}
        self._interrupted = False
        self.tally = dict.fromkeys(Verdict, 0)
        self.stopped: Stop | None = None

    def run(self) -> None:
        """Work until the batch, the cards or the limit is at its end, or a stop rule fires.

        An interrupt ends it in order: cards in work are finished, leases given back, then KeyboardInterrupt is raised.
        """
        try:
            with first_interrupt(self._interrupt):
                self._work()
        finally:
            for seat in self._seats.values():
                seat.end()
            for job in self._jobs:
                self._line.give_back(job.claim)
        if self._interrupted:
            raise KeyboardInterrupt

    def _work(self) -> None:
        for seat in self._seats.values():
            seat.start()
        while any(seat.open for seat in self._seats.values()):
            try:
                self._turn()
            except KeyboardInterrupt:
                if self._interrupted:
                    raise
                self._interrupt()

    def _interrupt(self) -> None:
        """Take an interrupt in its turn: nothing that is under way is torn, no answer and no record falls between."""
        self._interrupted = True
        self.put(min(self._seats), messages.Halt("interrupt", "interrupted by the operator"))

    def put(self, coupler: int, answer: Answer) -> None:
        """Take an answer; it is dealt with in its turn."""
        self._inbox.put((coupler, answer))

    def ask(self, coupler: int, question: Question) -> str | None:
        """Make something durable, in the thread that asks; why not to go on, or None."""
        seat = self._seats[coupler]
        post, job = seat.post(question), seat.job
        if post is None or job is None:
            return "there is no record at this coupler"
        (settled,) = self._books.settle([post])
        if isinstance(question, messages.Bind) and settled.refused is None:
            seat.chip = question.chip
            self._started.append(events.CardStarted(seat.name, job.claim.row_no))
        return settled.refused

    def _turn(self) -> None:
        """Settle the cards that have ended, then look at the deadlines."""
        self._listen()
        while self._started:
            self._report(self._started.popleft())
        self._settle()
        if self._books.failure is not None:
            self._stop(Stop("station", "store", str(self._books.failure)))
        for seat in self._seats.values():
            self._watch(seat)
            self._next(seat)

    def _listen(self) -> None:
        """Take what was said from the inbox, after waiting for it a while."""
        try:
            waiting = [self._inbox.get(timeout=WATCH_SLICE_S)]
        except NothingWaits:
            return
        while not self._inbox.empty():
            waiting.append(self._inbox.get_nowait())
        self._said.extend((self._seats[number], answer) for number, answer in waiting)

    def _settle(self) -> None:
        """Make durable what was said, and act on it. What an interrupt leaves over comes again in the next turn."""
        posts = [seat.post(answer) for seat, answer in self._said]
        settled = iter(self._books.settle([post for post in posts if post is not None]))
        for post in posts:
            seat, answer = self._said[0]
            if post is not None:
                self._card_ended(seat, post, next(settled))
            self._act(seat, answer)
            self._said.popleft()

    def _act(self, seat: Seat, answer: Answer) -> None:
        match answer:
            case messages.Ready() | messages.Ended() | messages.Lost():
                seat.ready = True
            case messages.Empty():
                self._close(seat, *(() if self.stopped else ("empty", "no more cards")))
            case messages.Broken(text):
                self._close(seat, "reader", text)
            case messages.Gone(why):
                self._restart(seat, why)
            case messages.Halt(rule, why):
                self._stop(Stop("station", rule, why))
            case _:
                pass

    def _card_ended(self, seat: Seat, post: Post, settled: Settled) -> None:
        job = seat.leave()
        said = post.said
        if job is None or settled.verdict is None or not isinstance(said, messages.Ended | messages.Lost):
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
            self._close(seat, "software", said.text or str(self._books.failure or settled.code))

    def _judge(self, seat: Seat, said: messages.Ended | messages.Lost, settled: Settled) -> Stop | None:
        kind = KINDS.get(settled.reject_class or "", Kind.REJECT)
        if settled.verdict is Verdict.GOOD:
            kind = Kind.GOOD
        elif isinstance(said, messages.Ended) and said.security:
            kind = Kind.SECURITY
        stop = self._rules.judge(kind, seat.number)
        if settled.code == KEY_REPEATED:
            return Stop("batch", "key_repeated", said.text)
        if stop is None and settled.code == "CHIP_USED":
            return Stop("station", "chip_used", "a chip was presented that carries another attempt")
        return stop

    def _next(self, seat: Seat) -> None:
        """Give an idle coupler a record; while others still have one it stays, for theirs may come back."""
        if not seat.open or not seat.ready:
            return
        job = self._job()
        if job is not None:
            seat.take(job)
        elif self.stopped is not None or not any(each.job for each in self._seats.values()):
            self._close(seat)

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
        job = seat.close()
        if job is not None:
            self._put_back(job)
        if rule:
            self._report(events.CouplerStopped(seat.name, rule, why))

    def _stop(self, stop: Stop) -> None:
        """Give out no more records; couplers end after the card they work on, or at once where they wait for one."""
        if self.stopped is None:
            self.stopped = stop
            for seat in self._seats.values():
                seat.finish()

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
        job = seat.leave()
        if job is not None:
            self._put_back(job)
        if seat.finishing:
            self._close(seat)
        elif seat.restart():
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
        times=ended.times if ended else None,
    )
