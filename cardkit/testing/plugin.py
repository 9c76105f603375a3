"""The pytest plugin: virtual cards as fixtures, faults as marks.

pytest loads this module in every run of an environment that has cardkit, so it imports nothing but pytest; the parts
that a test asks for are imported when it asks.
"""
# ruff: noqa: PLC0415  see above

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cardkit.target import Card
    from cardkit.testing.cards import CardMaker
    from cardkit.transport.loopback import CardSeam

MARK = "card_fault"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(name, *, at=None, seed=0): every virtual card of this test has this fault, at its n-th chance; "
        "'status' takes sw=0x6F00, 'slow' takes ms=50; see cardkit.virtual.faults.catalogue()",
    )


@pytest.fixture
def virtual_card(request: pytest.FixtureRequest) -> Iterator[CardMaker]:
    """Make blank virtual cards: ``virtual_card("usim")``, with the faults of the test's marks.

    A test whose fault never showed fails: it has proved nothing.
    """
    from cardkit.testing.cards import CardMaker

    maker = CardMaker(_wanted(request))
    yield maker
    unseen = maker.unseen()
    if unseen:
        pytest.fail(f"{MARK} never showed on a card of this test: {', '.join(unseen)}", pytrace=False)


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[Callable[[CardSeam], Card]]:
    """Put a virtual card into a reader and power it: ``with reader(virtual_card("usim")) as card``."""
    from cardkit.target import Card
    from cardkit.transport.base import TransmissionProtocol
    from cardkit.transport.loopback import LoopbackConnection

    opened: list[Card] = []

    def insert(card: CardSeam) -> Card:
        protocol = TransmissionProtocol(getattr(card, "protocol", 1))
        opened.append(Card(LoopbackConnection(card, reader=f"virtual:{request.node.name}", protocol=protocol)))
        return opened[-1]

    yield insert
    for card in opened:
        card.close()


def _wanted(request: pytest.FixtureRequest) -> list[tuple[str, dict[str, Any]]]:
    from cardkit.testing.cards import faults

    known = faults()
    wanted: list[tuple[str, dict[str, Any]]] = []
    for mark in request.node.iter_markers(MARK):
        name = mark.args[0] if mark.args else ""
        if name not in known or len(mark.args) != 1:
            raise pytest.UsageError(f"{MARK}: got {mark.args}, expected one name of {', '.join(sorted(known))}")
        wanted.append((name, dict(mark.kwargs)))
    return wanted
