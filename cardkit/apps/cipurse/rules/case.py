"""One card before the rules: what it showed, what it should be, and what was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.attributes import KeyAttributes
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory, ProductFile
from cardkit.apps.cipurse.states.seen import SeenTransit
from cardkit.desired import NOT_CHECKED, Role, Secrecy, Step


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a rule has to say.

    :param actual: begins with "not checked" where it could not tell.
    :param by_design: "not checked" because nobody tried, which does not make a card doubtful.
    """

    where: str
    expected: str
    actual: str
    decoded: str = ""
    secrecy: Secrecy = Secrecy.PUBLIC
    by_design: bool = False


@dataclass(frozen=True)
class Case:
    """A card and its product.

    :param order: contents of files by state, with the card's UID in them.  :param uid: of the order, empty if unknown.
    :param bodies: contents that were read.  :param questions: what was asked, by role and name.
    :param sealed: whether the rules it leaves with are in force.
    :param repeated: what another card had, None where nobody remembers cards.
    :param atr_fits: None where nobody looked.  :param whole: whether everything was asked, as of a stranger's card.
    """

    product: CipurseProduct
    order: Mapping[str, bytes]
    uid: bytes
    seen: SeenTransit
    bodies: Mapping[str, bytes]
    words: Mapping[str, int]
    questions: Mapping[Role, Mapping[str, Step]]
    sealed: bool
    whole: bool
    repeated: frozenset[str] | None = None
    atr_fits: bool | None = None

    def asked(self, role: Role) -> Mapping[str, Step]:
        """Return what was asked for, by name."""
        return self.questions.get(role, {})

    def why(self, name: str) -> str:
        """Return why something was not seen."""
        return self.seen.troubles.get(name, NOT_CHECKED)

    @cached_property
    def directories(self) -> tuple[ProductDirectory, ...]:
        """The directories whose attributes were asked for and seen."""
        asked, seen = self.asked(Role.READ), self.seen.directories
        return tuple(one for one in self.product.directories if one.name in asked and one.name in seen)

    @cached_property
    def files(self) -> tuple[ProductFile, ...]:
        """The files of applications whose attributes were seen."""
        files = (file for app in self.product.applications for file in app.files)
        return tuple(file for file in files if file.name in self.seen.files)

    @cached_property
    def keys(self) -> tuple[tuple[DirectoryKey, KeyAttributes], ...]:
        """Every key of those directories, with what the card says of it."""
        told = ((one.keys, self.seen.directories[one.name].keys) for one in self.directories)
        return tuple(pair for keys, attributes in told for pair in zip(keys, attributes, strict=False))

    def rules_of(self, one: ProductDirectory | ProductFile, told: Security | None) -> Security:
        """Return the rules something should have: before the seal those it was made with do as well."""
        return one.final if self.sealed or told == one.final else one.opened


Test = Callable[[Case], Iterable[Trouble]]


class Check(NamedTuple):
    """What tests one rule."""

    rule: str
    test: Test


def unchecked(case: Case, where: str, expected: str, why: str) -> Iterator[Trouble]:
    """Yield, of a whole survey, that nobody can check something, and why."""
    if case.whole:
        yield Trouble(where, expected, f"{NOT_CHECKED}: {why}", by_design=True)


def refused(case: Case, suffix: str) -> Iterator[Trouble]:
    """Yield what the card did not refuse, of the attempts whose names end so or have it in them."""
    for name, step in case.asked(Role.GONE).items():
        if suffix not in name:
            continue
        sw = case.seen.answers.get(name)
        if sw not in step.sw:
            got = case.why(name) if sw is None else f"{sw:04X}"
            yield Trouble(name, " or ".join(f"{word:04X}" for word in step.sw), got)
