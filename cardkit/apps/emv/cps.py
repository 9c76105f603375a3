"""STORE DATA of EMV CPS: how many commands data groupings need, planned and at least."""

from __future__ import annotations

from collections.abc import Iterable

from cardkit.apps.gp.states.product import Application, Product, Value
from cardkit.apps.gp.states.route import Room
from cardkit.desired import Step

STORE_DATA = 0xE2
_SHORT_HEAD, _LONG_HEAD, _LONG_FROM = 3, 5, 255


def planned(steps: Iterable[Step]) -> int:
    """Return how many STORE DATA commands are planned."""
    return sum(step.command.ins == STORE_DATA for step in steps)


def fewest(application: Application, room: int) -> int:
    """Return the fewest commands an application's data can take: secret and clear ones share none, all are full.

    :param room: data bytes of a command.

    EMV CPS 2.0, 4.3.4; the profile's chip may want more, where it takes no value in pieces.
    """
    secret = sum(_written(value) for value in application.data if value.secret)
    clear = sum(_written(value) for value in application.data if not value.secret)
    return -(-secret // room) - (-clear // room)


def stored_remark(product: Product, steps: Iterable[Step]) -> str:
    """Say how many STORE DATA commands are planned for the data of all applications, and the fewest there can be."""
    room = Room(product.parameters, product.level, product.chip.max_data).plain_bytes
    least = sum(fewest(item, room) for item in product.applications if item.data)
    of_data = (step for step in steps if step.content.startswith("data: "))
    return f"minimum {least}, planned {planned(of_data)}"


def _written(value: Value) -> int:
    return value.size + (_SHORT_HEAD if value.size < _LONG_FROM else _LONG_HEAD)
