"""Whose card it is: columns of an order, checked, and the data objects that are nothing but them."""

from __future__ import annotations

import calendar
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cardkit.apps.emv.schema import LONGEST_NAME
from cardkit.crypto import Secret
from cardkit.crypto.emvkeys import card_digits
from cardkit.crypto.emvstore import PinSource
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.secret import joined
from cardkit.encoding.digits import encode_bcd, luhn_valid
from cardkit.errors import EncodingError

_PAN_DIGITS = range(12, 20)
_SHORTEST_NAME = 2
_IN_NAMES = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /.-'")
_APOSTROPHES = {ord(character): "'" for character in "\u02bb\u02bc\u2018\u2019`"}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who gets the card.

    :param psn: 2 digits.  :param expiry: last day of its month.  :param name: as on chip and card.
    :param service_code: 3 digits.  :param pin: ASCII digits, or as it came enciphered; None for a card without offline
        PIN.
    """

    pan: str = field(repr=False)
    psn: str
    expiry: date
    name: str = field(repr=False)
    service_code: str
    effective: date | None = None
    pin: PinSource | None = None

    @property
    def yymm(self) -> str:
        """Expiry as tracks and printed values have it."""
        return f"{self.expiry:%y%m}"

    @property
    def diversification(self) -> bytes:
        """What the card's keys are derived with: PAN and PSN as ASCII digits (EMV 4.4 Book 2, A1.4)."""
        return card_digits(self.pan, self.psn)

    def objects(self) -> dict[bytes, bytes]:
        """Return the data objects that are the order's columns and nothing else, by tag."""
        found = {
            b"\x5a": encode_bcd(self.pan),
            b"\x5f\x20": self.name.encode("ascii"),
            b"\x5f\x24": _day(self.expiry),
            b"\x5f\x30": encode_bcd(f"0{self.service_code}"),
            b"\x5f\x34": encode_bcd(self.psn),
        }
        if self.effective is not None:
            found[b"\x5f\x25"] = _day(self.effective)
        return found


def holder_of(values: Mapping[str, Any], iins: tuple[str, ...]) -> Holder:
    """Check the columns of one card.

    :param values: of the profile's ``emv.holder``, resolved.  :param iins: leading digits the issuer has.
    :raises EncodingError: naming the column, never its value.
    """
    pan = _digits(values["pan"], "pan", _PAN_DIGITS)
    if not luhn_valid(pan):
        raise EncodingError("emv.holder.pan: the Luhn check digit is wrong")
    if not pan.startswith(iins):
        raise EncodingError(f"emv.holder.pan: not of this issuer, expected one that begins with {' or '.join(iins)}")
    expiry = _date(values["expiry"], "expiry")
    expiry = expiry.replace(day=calendar.monthrange(expiry.year, expiry.month)[1])
    effective = _date(values["effective"], "effective") if values["effective"] else None
    if effective is not None and effective > expiry:
        raise EncodingError("emv.holder.effective: after the card's expiry")
    return Holder(
        pan,
        _digits(values["psn"], "psn", range(2, 3)),
        expiry,
        card_name(str(values["name"])),
        _digits(values["service_code"], "service_code", range(3, 4)),
        effective,
        _pin(values, pan),
    )


def _pin(values: Mapping[str, Any], pan: str) -> PinSource | None:
    pin = values["pin"] or None
    if pin is None:
        return None
    if values.get("pin_key"):
        return EncipheredPin(str(values["pin_key"]), _block(pin), PinFormat(values["pin_format"]), pan)
    if not isinstance(pin, Secret):
        raise EncodingError("emv.holder.pin: expected one secret field of the record, or pin_key")
    return pin


def _block(value: object) -> bytes:
    text = joined((value,)).decode("ascii", "replace") if isinstance(value, Secret) else str(value)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EncodingError("emv.holder.pin: expected an enciphered block in hexadecimal digits") from None


def card_name(text: str) -> str:
    r"""Return a name as 5F20 and the embosser take it: capitals without diacritics.

    :raises EncodingError: where it is no Latin name of 2 to 26 characters then, never naming it.

    >>> card_name("O\u02bbrolova/Zoë")
    "O'ROLOVA/ZOE"
    """
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    name = "".join(character for character in plain if not unicodedata.combining(character)).upper()
    if not _IN_NAMES.issuperset(name):
        raise EncodingError("emv.holder.name: expected Latin letters, digits, space and / . - '")
    if not _SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        raise EncodingError(f"emv.holder.name: got {len(name)} characters, expected 2 to {LONGEST_NAME}")
    return name


def _digits(value: object, name: str, lengths: range) -> str:
    text = str(value)
    if not (text.isascii() and text.isdecimal()) or len(text) not in lengths:
        most = f" to {lengths[-1]}" if len(lengths) > 1 else ""
        raise EncodingError(f"emv.holder.{name}: got {len(text)} characters, expected {lengths[0]}{most} digits")
    return text


def _date(value: object, name: str) -> date:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise EncodingError(f"emv.holder.{name}: expected a day as YYYY-MM-DD") from None


def _day(day: date) -> bytes:
    """YYMMDD (EMV 4.4 Book 3 Annex A)."""
    return encode_bcd(f"{day:%y%m%d}")
