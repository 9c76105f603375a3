"""Card production life cycle data, tag 9F7F: 42 bytes (VISA GP configurations; layout seen on cards)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, timedelta

from cardkit.errors import EncodingError

_HEADER = bytes.fromhex("9F7F2A")
_SIZE = 42
_UNSET = (b"\x00\x00", b"\xff\xff")
_DATE_BYTES = 2
# Leap days come back to the same last digit of the year within 20 years, 40 across a century without one.
_DECADES = 5

# In the order of the record: bytes of each field.
_SIZES = {
    "ic_fabricator": 2, "ic_type": 2, "os_id": 2, "os_date": 2, "os_level": 2, "ic_fabrication_date": 2,
    "ic_serial": 4, "ic_batch": 2, "module_fabricator": 2, "module_date": 2, "icc_manufacturer": 2,
    "embedding_date": 2, "pre_personalizer": 2, "pre_personalization_date": 2, "pre_personalization_equipment": 4,
    "personalizer": 2, "personalization_date": 2, "personalization_equipment": 4,
}  # fmt: skip
DATES = tuple(name for name in _SIZES if name.endswith("_date"))
PRODUCTION_DATES = tuple(name for name in DATES if name != "os_date")
"""In the order in which a card is made."""

# Unverified names; codes seen on cards.
_FABRICATORS = {"4790": "NXP", "4090": "Infineon", "4750": "STMicroelectronics"}


@dataclass(frozen=True, slots=True)
class CPLC:
    """Who made the card, when, and out of what; every field as its bytes.

    :param tagged: whether tag and length stood before the record.
    """

    ic_fabricator: bytes
    ic_type: bytes
    os_id: bytes
    os_date: bytes
    os_level: bytes
    ic_fabrication_date: bytes
    ic_serial: bytes
    ic_batch: bytes
    module_fabricator: bytes
    module_date: bytes
    icc_manufacturer: bytes
    embedding_date: bytes
    pre_personalizer: bytes
    pre_personalization_date: bytes
    pre_personalization_equipment: bytes
    personalizer: bytes
    personalization_date: bytes
    personalization_equipment: bytes
    tagged: bool = field(default=True, kw_only=True)

    @classmethod
    def parse(cls, data: bytes) -> CPLC:
        """Read ``9F7F 2A`` and 42 bytes, or the 42 bytes alone.

        :raises EncodingError: on anything else.
        """
        tagged = data.startswith(_HEADER) and len(data) == len(_HEADER) + _SIZE
        record = data[len(_HEADER) :] if tagged else data
        if len(record) != _SIZE:
            raise EncodingError(f"CPLC: got {len(data)} bytes, expected 9F7F2A and 42 bytes, or 42 bytes")
        parts = []
        for size in _SIZES.values():
            parts.append(record[:size])
            record = record[size:]
        return cls(*parts, tagged=tagged)

    def encode(self) -> bytes:
        """Return the bytes, as they were read."""
        record: bytes = b"".join(getattr(self, name) for name in _SIZES)
        return _HEADER + record if self.tagged else record

    @property
    def chip_id(self) -> bytes:
        """What tells one chip of a type from another: serial number and batch, 6 bytes."""
        return self.ic_serial + self.ic_batch

    @property
    def fabricator_name(self) -> str:
        """Maker of the chip, empty if unknown."""
        return _FABRICATORS.get(self.ic_fabricator.hex().upper(), "")

    def items(self) -> tuple[tuple[str, bytes], ...]:
        """Return name and value of every field in order."""
        return tuple((item.name, getattr(self, item.name)) for item in fields(self) if item.name in _SIZES)


def cplc_date(value: bytes, today: date) -> date | None:
    """Read a date of the record: BCD ``YDDD``, last digit of the year and day of the year.

    :param today: the latest day it can be.
    :returns: the latest fitting day, None for 0000 and FFFF (not set).
    :raises EncodingError: if it is no date.

    >>> cplc_date(bytes.fromhex("1210"), date(2021, 7, 28))
    datetime.date(2011, 7, 29)
    """
    if value in _UNSET:
        return None
    text = value.hex()
    if len(value) == _DATE_BYTES and text.isdecimal() and int(text[1:]):
        latest = today.year - (today.year - int(text[0])) % 10
        for year in range(latest, latest - 10 * _DECADES, -10):
            day = date(year, 1, 1) + timedelta(days=int(text[1:]) - 1)
            if day.year == year and day <= today:
                return day
    raise EncodingError(f"CPLC date: got {text.upper() or 'nothing'}, expected YDDD, day 001 to 366")
