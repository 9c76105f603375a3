"""In which places of a dump good cards of one product differ."""

from __future__ import annotations

from cardkit.apps.gp.schema import NumberBlock, ProductionBlock
from cardkit.apps.gp.states.product import Product

# Every chip has its own, whatever the profile says; lots have their days.
_OF_THE_CHIP = frozenset((
    "CPLC ic fabrication date", "CPLC ic serial", "CPLC ic batch", "CPLC module date", "CPLC embedding date",
    "diversification data (CF)", "sequence counter (C1)",
))  # fmt: skip

_DATES_AND_MACHINES = (("by", "er"), ("date", "ation date"), ("equipment", "ation equipment"))


def varying(product: Product) -> frozenset[str]:
    """Return the names of those places: the chip's own, the record's, and what the profile calls variable."""
    data = product.block.data
    numbers = (("issuer number (42)", data.issuer_number), ("card number (45)", data.card_number))
    parts = (("CPLC pre personaliz", data.pre_personalization), ("CPLC personaliz", data.personalization))
    return _OF_THE_CHIP | {
        *product.block.variable,
        *(where for where, block in numbers if _of_the_record(block)),
        *(f"{start}{end}" for start, block in parts for name, end in _DATES_AND_MACHINES if _varies(block, name)),
    }


def _of_the_record(block: NumberBlock | None) -> bool:
    return block is not None and "{" in block.value


def _varies(block: ProductionBlock | None, name: str) -> bool:
    return block is not None and "{" in getattr(block, name)
