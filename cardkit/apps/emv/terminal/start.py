"""What a terminal knows before it meets a card: its own data, by tag (EMV 4.4 Book 3 Annex A; Book 4 10)."""

from __future__ import annotations

from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.encoding.digits import encode_bcd

_UNPREDICTABLE_BYTES = 4


def _n(value: int, digits: int) -> bytes:
    """Code a number in BCD, zeros on the left."""
    width = digits + digits % 2
    return encode_bcd(f"{value:0{width}d}")


def terminal_data(around: Surroundings) -> dict[bytes, bytes]:
    """Return the data elements of a terminal for one transaction."""
    return {
        bytes.fromhex(tag): value
        for tag, value in {
            **_of_terminal(around.settings),
            **_of_purchase(around.purchase),
            "9F37": around.random(_UNPREDICTABLE_BYTES),
            "9F39": bytes((0x07 if around.contactless else 0x05,)),
            "95": bytes(5),
            "9B": bytes(2),
        }.items()
    }


def _of_terminal(settings: Settings) -> dict[str, bytes]:
    return {
        "5F2A": _n(settings.currency, 3),
        "5F36": _n(settings.exponent, 1),
        "9F1A": _n(settings.country, 3),
        "9F33": settings.capabilities,
        "9F35": bytes((settings.type,)),
        "9F40": settings.additional,
        "9F66": settings.qualifiers,
        "9F1B": settings.floor_limit.to_bytes(4, "big"),
        "9F15": _n(settings.category, 4),
        "9F1C": settings.identification.encode("ascii")[:8].ljust(8),
        "9F1E": settings.identification.encode("ascii")[:8].ljust(8),
        "9F16": settings.merchant.encode("ascii")[:15].ljust(15),
        "9F4E": settings.merchant.encode("ascii"),
        "9F01": _n(999999, 11),
    }


def _of_purchase(purchase: Purchase) -> dict[str, bytes]:
    moment = purchase.moment
    return {
        "81": min(purchase.amount, 0xFFFFFFFF).to_bytes(4, "big"),
        "9F02": _n(purchase.amount, 12),
        "9F03": _n(purchase.other, 12),
        "9F04": min(purchase.other, 0xFFFFFFFF).to_bytes(4, "big"),
        "9A": encode_bcd(f"{moment:%y%m%d}"),
        "9F21": encode_bcd(f"{moment:%H%M%S}"),
        "9C": bytes((purchase.type,)),
        "9F41": encode_bcd(f"{moment:%H%M%S}".rjust(8, "0")),
    }
