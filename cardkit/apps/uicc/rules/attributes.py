"""What was made on a card: every file exists with the attributes it was ordered with (TS 102 221 11.1.1.4)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.names import life_cycle
from cardkit.apps.uicc.rules.table import TABLE
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.product import Product
from cardkit.desired import NOT_CHECKED, Finding, Observations
from cardkit.errors import EncodingError

NO_SUCH_FILE = 0x6A82
IN_USE = 0x05, 0x07


def attributes(product: Product, seen: Observations) -> Iterator[Finding]:
    """UICC-020 for each file the product made; its marker's home is looked for elsewhere."""
    for creation in product.chip.creations:
        trouble = None if creation.name == product.marker.name else _trouble(creation, seen)
        if trouble is not None:
            yield TABLE["UICC-020"].finding(creation.name, creation.title, trouble)


def _trouble(creation: Creation, seen: Observations) -> str | None:
    parameters = seen.notes.get(f"FCP {creation.name}")
    if parameters is None:
        sw = seen.words.get(creation.name)
        if sw is None:
            return NOT_CHECKED
        return "no such file" if sw == NO_SUCH_FILE else f"{NOT_CHECKED}: status {sw:04X}"
    try:
        found = Fcp.parse(parameters)
        state = found.life_cycle
        unused = [] if state is None or state in IN_USE else [f"life cycle: {life_cycle(state)}, expected activated"]
        return "; ".join([*creation.differences(found), *unused]) or None
    except EncodingError as error:
        return str(error)
