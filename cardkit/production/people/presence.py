"""Who is at the screen: people who logged in, how long ago, and whether they may take a step. security.md R1, R4, 4"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardkit.errors import LoginError, TwoPersonsError
from cardkit.production.people.roles import NEEDS, Role, Step, asked, fulfils

IDLE_S = 600.0
FRESH_S = 60.0


@dataclass(slots=True)
class Login:
    """One person at the screen.

    :param since, seen: seconds of the store's own clock: the login, and the last step.
    """

    name: str
    roles: frozenset[Role]
    since: float
    seen: float


class Presence:
    """Those who logged in at one screen. A TEST store takes names as they are given.

    :param operator: whose session it is; everybody else is a second person, whose login is fresh for each step.
    :param persons: how many different people a step of two needs here.
    :param by_account: whether people are accounts that logged in (LIVE), or names (TEST).
    :param clock: seconds that never go back.
    """

    def __init__(self, operator: str, persons: int, clock: Callable[[], float], *, by_account: bool) -> None:
        self._operator = operator
        self._persons = persons
        self._by_account = by_account
        self._clock = clock
        self._logins: dict[str, Login] = {}

    def enter(self, name: str, roles: Iterable[Role]) -> None:
        """Note a login that was checked."""
        now = self._clock()
        self._logins[name] = Login(name, frozenset(roles), now, now)

    def leave(self, name: str) -> bool:
        """Forget a login; whether there was one."""
        return self._logins.pop(name, None) is not None

    def is_here(self, name: str) -> bool:
        """Whether the operator of this screen is this person, and logged in."""
        return name == self._operator and name in self._logins and self._present(name).name == name

    def names(self) -> list[str]:
        """Return the names of all who logged in and did not leave."""
        return list(self._logins)

    def require(self, step: Step, by: Iterable[str]) -> list[str]:
        """Return the different people behind a step, sorted.

        :raises TwoPersonsError: when they are too few, or lack a role.
        :raises LoginError: when one of them is not logged in, was idle for ten minutes, or as a second person logged
            in more than a minute ago.
        """
        people = sorted({name for name in by if name})
        if not self._by_account:
            needed = min(self._persons, len(NEEDS[step]))
            if len(people) < needed:
                word = "one named operator" if needed == 1 else "two different persons"
                raise TwoPersonsError(f"{step} needs {word}, got {', '.join(people) or 'nobody'}")
            return people
        held = [self._present(name).roles for name in people]
        if not fulfils(step, held):
            got = ", ".join(f"{name} ({', '.join(sorted(roles))})" for name, roles in zip(people, held, strict=True))
            raise TwoPersonsError(f"{step} needs {asked(step)}, different persons, got {got or 'nobody'}")
        return people

    def _present(self, name: str) -> Login:
        now = self._clock()
        login = self._logins.get(name)
        if login is None:
            raise LoginError(f"{name}: not logged in")
        if now - login.seen > IDLE_S:
            self.leave(name)
            raise LoginError(f"{name}: logged out after {IDLE_S / 60:.0f} minutes without a step")
        if name != self._operator and now - login.since > FRESH_S:
            self.leave(name)
            raise LoginError(f"{name}: logged in more than {FRESH_S:.0f} s ago, a second person logs in for each step")
        login.seen = now
        return login
