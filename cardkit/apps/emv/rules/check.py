"""What a rule is made of: a function over one side of a card, or over the whole card, and what it needs to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from cardkit.apps.emv.picture import CardPicture, Side
from cardkit.apps.emv.rules.chain import Chain, chain_of
from cardkit.apps.emv.rules.expectation import Expectation, Ordered
from cardkit.desired import Secrecy

NO_PROFILE = "without a profile nobody can tell"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check has to say.

    :param expected: "" for the text of the rule.  :param mild: a warning, however grave the rule.
    :param unseen: it could not be checked, for the reason in ``actual``.
    :param secrecy: of what it quotes.
    """

    where: str
    actual: str
    expected: str = ""
    decoded: str = ""
    mild: bool = False
    unseen: bool = False
    secrecy: Secrecy = Secrecy.PUBLIC


@dataclass(frozen=True, eq=False)
class Scene:
    """One side of a card, with the card around it and what is expected of it."""

    side: Side
    picture: CardPicture
    expected: Expectation

    @cached_property
    def chain(self) -> Chain:
        """Certificates and signatures, recovered."""
        return chain_of(self.side, self.expected)

    @property
    def ordered(self) -> Ordered | None:
        """What the profile says of this application; None without one."""
        return self.expected.applications.get(self.side.aid)

    def ordered_value(self, tag: str) -> bytes | None:
        """Return the value the profile gives a data object of this side, None where it gives none."""
        return self.ordered.value(self.side.interface, bytes.fromhex(tag)) if self.ordered else None

    def trouble(self, tag: str, actual: str, expected: str = "", *, mild: bool = False, decoded: str = "") -> Trouble:
        """Return a trouble with a data object of this side."""
        return Trouble(f"{self.side.place} {tag}".rstrip(), actual, expected, decoded, mild=mild)

    def unseen(self, why: str) -> Trouble:
        """Return that something of this side could not be checked."""
        return Trouble(self.side.place, why, unseen=True)


@dataclass(frozen=True, slots=True)
class SideCheck:
    """One rule over one side of one application.

    :param tags: data objects it is about: without all of them there is nothing to say, hidden ones cannot be checked.
    :param needs: fields of the side, none of which may be None.
    :param asks: says why nothing can be said with what is expected; "" where it can.
    :param applies: whether it is about this kind of side at all.
    """

    rule: str
    test: Callable[[Scene], Iterable[Trouble]]
    tags: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    asks: Callable[[Scene], str] | None = None
    applies: Callable[[Side], bool] | None = None


@dataclass(frozen=True, slots=True)
class CardCheck:
    """One rule over the whole card; ``needs`` and ``asks`` as of a :class:`SideCheck`."""

    rule: str
    test: Callable[[CardPicture, Expectation], Iterable[Trouble]]
    needs: tuple[str, ...] = ()
    asks: Callable[[Expectation], str] | None = None


def of_profile(scene: Scene) -> str:
    """Say that a profile is needed, if there is none for this application."""
    return "" if scene.ordered is not None else NO_PROFILE


def of_holder(scene: Scene) -> str:
    """Say that an order is needed, if nobody gave one."""
    return "" if scene.expected.holder is not None else "without the order nobody can tell"


def text_of(value: bytes) -> str:
    """Return bytes as people write them."""
    return value.hex().upper() or "nothing"
