"""What was made on a card: every file exists with the attributes it was ordered with (TS 102 221 11.1.1.4)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.names import life_cycle
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Trouble
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.seeing import NO_SUCH_FILE
from cardkit.desired import NOT_CHECKED
from cardkit.errors import EncodingError

IN_USE = 0x05, 0x07


def _attributes(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """One for each file the product made; its marker's home is looked for elsewhere."""
    assert expected.product is not None
    for creation in expected.product.chip.creations:
        trouble = None if creation.name == expected.product.marker.name else _trouble(creation, picture)
        if trouble is not None:
            yield Trouble(creation.name, trouble, creation.title)


def _trouble(creation: Creation, picture: CardPicture) -> str | None:
    found = picture.controls.get(creation.name)
    if not isinstance(found, Fcp):
        why = picture.faults.get(creation.name) or picture.refused.get(creation.name)
        if why is None or (why != NO_SUCH_FILE and creation.name in picture.refused):
            return f"{NOT_CHECKED}: {why}" if why else NOT_CHECKED
        return why
    try:
        state = found.life_cycle
        unused = [] if state is None or state in IN_USE else [f"life cycle: {life_cycle(state)}, expected activated"]
        return "; ".join([*creation.differences(found), *unused]) or None
    except EncodingError as error:
        return str(error)


MADE_CHECK = Check("UICC-020", _attributes, profile=True)
