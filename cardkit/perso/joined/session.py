"""One powered card with several applications: each in a session of its own, all seen as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cardkit.crypto.cardkeys import CardKey
from cardkit.desired import Distinct, Fact, Mistreats, Observations, OwnKeys, Session, Step, Unmarked
from cardkit.errors import CardError, ProtocolError
from cardkit.perso.joined.door import Door, Floor
from cardkit.perso.joined.names import joined, joint, own_step
from cardkit.perso.joined.rules import CARD
from cardkit.transport.offers import offers

SESSIONS, FINISHED, CHIPS = "seen by application", "finished applications", "chip numbers"
"""Notes: what each application's session saw; which a resumed card had finished already; chip numbers."""
ASKED = "answers for another"
"""A note: the status word of each question that is another application's."""
CHIP = "chip"
"""The kind of such a number, as :class:`Distinct` has them."""

WHOLE = "*"
"""The name of all states of an application that is as delivered."""


@dataclass(frozen=True, slots=True)
class Looks:
    """The steps of one application that a session chooses by itself, as that application planned them."""

    identify: tuple[Step, ...]
    check: tuple[Step, ...]
    survey: tuple[Step, ...]


class JoinedSession:
    """The sessions of one card.

    :param sessions: by application, the host first.  :param floor: which application is current.
    :param looks: by application, what identifies it, what checks it unfinished, and what surveys it.
    :param doors: the way to each.
    """

    def __init__(
        self, sessions: Mapping[str, Session], floor: Floor, looks: Mapping[str, Looks], doors: Mapping[str, Door]
    ) -> None:
        self._sessions = dict(sessions)
        self._floor = floor
        self._looks = looks
        self._doors = doors
        self._asked: dict[str, int] = {}
        self._host = next(iter(self._sessions))
        self._notes: dict[str, Any] = {}
        self._finished: frozenset[str] = frozenset()
        self._chips: dict[str, str] = {}
        self.current: Step | None = None
        self.seen = self._joined()

    def _joined(self) -> Observations:
        """Return what all applications showed; notes stay until the next reset."""
        seen = {app: session.seen for app, session in self._sessions.items()}
        self._notes |= {SESSIONS: seen, FINISHED: self._finished, CHIPS: self._chips, ASKED: self._asked}
        bodies = joined({app: one.bodies for app, one in seen.items()})
        words = joined({app: one.words for app, one in seen.items()})
        return Observations(bodies, words, self._notes)

    @contextmanager
    def _at(self, app: str) -> Iterator[Session]:
        """Work in one application; what it shows is seen however that ends."""
        session = self._sessions[app]
        try:
            yield session
        finally:
            self.current, self.seen = session.current, self._joined()

    # As one session

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order, each in its application; errors as :meth:`Session.run`.

        Of an application that was finished already nothing is checked as if it were open: it is surveyed.
        """
        for app, group in groupby(map(own_step, steps), key=lambda pair: pair[0]):
            if app == CARD:
                self._ask(step for _, step in group)
                continue
            todo = tuple(step for _, step in group)
            finished = app in self._finished and todo == self._looks[app].check
            with self._at(app) as session:
                session.run(self._looks[app].survey if finished else todo, strict=strict)
        for app, session in self._sessions.items():
            with suppress(CardError):
                self._chips[app] = session.identity()[0]
        if not strict:
            self._tell_apart()

    def _tell_apart(self) -> None:
        """Identify every application whose steps have not told its chip number."""
        for app in self._sessions.keys() - self._chips.keys():
            with suppress(CardError), self._at(app) as session:
                session.run(self._looks[app].identify, strict=False)
                self._chips[app] = session.identity()[0]

    def _ask(self, steps: Iterable[Step]) -> None:
        """Ask applications for what is another's; one that does not let itself be selected is not asked."""
        for step in steps:
            with suppress(ProtocolError):
                answer = self._doors[step.place].transmit(step.command.encode())
                self._asked[joint(CARD, step.serves)] = int.from_bytes(answer[-2:], "big")

    def restarted(self) -> None:
        """The card was reset: nothing is selected, nothing seen before counts any more."""
        self._floor.current = None
        self._notes, self._asked = {}, {}
        for session in self._sessions.values():
            session.restarted()
        self.seen = self._joined()

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the host's chip id, and how far the card has got: blank and finished are what all parts are.

        :raises CardError: when a part does not tell, or the parts are of two chips.
        """
        found = {app: session.identity() for app, session in self._sessions.items()}
        self._finished = frozenset(app for app, (_, state) in found.items() if state is None)
        chip_id, _ = found[self._host]
        states = {state for _, state in found.values()}
        if len(states) > 1:
            return chip_id, Unmarked.BEGUN
        (state,) = states
        if isinstance(state, bytes):
            raise ProtocolError(f"{self._host}: a marker in a file, expected a chip without one")
        return chip_id, state

    def number(self) -> str:
        """Return the number of the host."""
        return self._sessions[self._host].number()

    def facts(self) -> tuple[Fact, ...]:
        """Return what only the card knew, each fact with its application."""
        return tuple(
            Fact(joint(app, fact.name), fact.value)
            for app, session in self._sessions.items()
            for fact in session.facts()
        )

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are this card's alone, each role with its application."""
        sessions = {app: one for app, one in self._sessions.items() if offers(one, OwnKeys)}
        return {joint(app, role): key for app, one in sessions.items() for role, key in one.own_keys().items()}

    def identities(self) -> dict[str, str]:
        """Return the numbers that are nobody else's."""
        each = [session.identities() for session in self._sessions.values() if offers(session, Distinct)]
        chips = {joint(app, CHIP): number for app, number in self._chips.items()}
        return chips | {kind: value for numbers in each for kind, value in numbers.items()}

    def mistreat(self) -> None:
        """Mistreat every application that a standard says how to."""
        for session in self._sessions.values():
            if offers(session, Mistreats):
                session.mistreat()

    # A card that was begun

    def unmet(self) -> tuple[str, ...]:
        """Return the states that do not hold, application by application; errors as :meth:`Session.unmet`.

        An application as delivered has none that holds, a finished one is left alone.
        """
        names: list[str] = []
        for app in self._sessions:
            with self._at(app) as session:
                session.run(self._looks[app].identify, strict=False)
                _, state = session.identity()
                if state is Unmarked.BLANK:
                    names.append(joint(app, WHOLE))
                elif state is not None:
                    session.restarted()
                    names += (joint(app, name) for name in session.unmet())
        return tuple(names)

    def seal_again(self) -> None:
        """Seal every application that is not finished, the host last; errors as :meth:`Session.seal_again`."""
        for app in (*list(self._sessions)[1:], self._host):
            if app not in self._finished:
                with self._at(app) as session:
                    session.seal_again()
