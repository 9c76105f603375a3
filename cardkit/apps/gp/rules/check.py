"""What a check is: a pure function of picture and expectation, with what it needs to see and when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules.expectation import Expectation
from cardkit.desired import NOT_CHECKED, Secrecy


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a check has to say.

    :param actual: begins with "not checked" where it could not tell.
    :param by_design: "not checked" because nobody tried or could know, which does not make a card doubtful.
    """

    where: str
    expected: str
    actual: str
    decoded: str = ""
    secrecy: Secrecy = Secrecy.PUBLIC
    by_design: bool = False


Test = Callable[[CardPicture, Expectation], Iterable[Trouble]]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule's check.

    :param needs: fields of the picture without which nothing can be said.
    :param owns: the one of them whose absence is this rule's finding when the card refused it; "" for none.
    :param asks: whether the profile asks for anything here; None for always.
    """

    rule: str
    test: Test
    needs: tuple[str, ...] = ()
    owns: str = ""
    asks: Callable[[Expectation], bool] | None = None


def unknown(where: str, expected: str, why: str, *, by_design: bool = False) -> Trouble:
    """Return that something could not be checked, and why."""
    return Trouble(where, expected, f"{NOT_CHECKED}: {why}", by_design=by_design)


def aid_text(aid: bytes) -> str:
    """Return an AID as people read it."""
    return aid.hex().upper()


def set_text(kvn: int, domain: bytes = b"") -> str:
    """Name a key set.

    >>> set_text(0x30)
    'key set 30'
    """
    return f"key set {kvn:02X}" + (f" of {aid_text(domain)}" if domain else "")
