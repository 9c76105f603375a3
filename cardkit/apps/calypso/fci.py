"""What a Calypso card says of itself when it is selected (transport sheet 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_FCI, _AID, _PROPRIETARY, _ISSUER, _SERIAL, _STARTUP = 0x6F, 0x84, 0xA5, 0xBF0C, 0xC7, 0x53
SERIAL_BYTES, STARTUP_BYTES = 8, 7
_PIN, _STORED_VALUE, _RATIFICATION, _EXTENDED, _PKI = 0x01, 0x02, 0x04, 0x08, 0x10
_HCE_BYTE, _HCE = 3, 0x80
_NO_SUBTYPE = (0x00, 0xFF)
_FIRST_INDICATOR, _LAST_INDICATOR = 0x06, 0x37


class Product(StrEnum):
    """What kind of card, by its application type."""

    PRIME_2 = "prime rev 2"
    PRIME_3 = "prime rev 3"
    LIGHT = "light"
    BASIC = "basic"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, application_type: int) -> Product:
        """Return the product.  :raises EncodingError: on type 00, which no card has.

        >>> Product.of(0x28)
        <Product.PRIME_3: 'prime rev 3'>
        """
        if not application_type:
            raise EncodingError("application type 00: no card has it")
        for product, types in _TYPES.items():
            if application_type in types:
                return product
        return cls.UNKNOWN if application_type == 0xFF else cls.PRIME_3


_TYPES = {
    Product.PRIME_2: range(0x01, 0x20),
    Product.LIGHT: range(0x90, 0x98),
    Product.BASIC: range(0x98, 0xA0),
}
WRITES_A_SESSION = {Product.PRIME_2: 6, Product.BASIC: 4}
"""Cards that count commands and not bytes of a session."""


@dataclass(frozen=True, slots=True)
class Fci:
    """A selected application.

    :param serial: 8 bytes.  :param startup: 7 bytes: buffer, platform, type, subtype, issuer, version, revision.
    :param invalidated: whether it answered 6283: nothing is done with such a card any more.
    """

    aid: bytes
    serial: bytes
    startup: bytes
    invalidated: bool = False

    @classmethod
    def parse(cls, data: bytes, *, invalidated: bool = False) -> Fci:
        """Read the answer to SELECT.  :raises EncodingError: where something is missing or of another length."""
        template = _one(data, _FCI)
        proprietary = _one(_one(template, _PROPRIETARY), _ISSUER)
        aid, serial, startup = _one(template, _AID), _one(proprietary, _SERIAL), _one(proprietary, _STARTUP)
        if (len(serial), len(startup)) != (SERIAL_BYTES, STARTUP_BYTES):
            raise EncodingError(
                f"FCI: serial number of {len(serial)} bytes, startup of {len(startup)}, expected 8 and 7"
            )
        if startup[3] in _NO_SUBTYPE:
            raise EncodingError(f"FCI: application subtype {startup[3]:02X}: no card has it")
        Product.of(startup[2])
        return cls(aid, serial, startup, invalidated)

    @property
    def product(self) -> Product:
        """What kind of card."""
        return Product.of(self.startup[2])

    @property
    def cla(self) -> int:
        """Class byte of its commands."""
        return 0x94 if self.product is Product.PRIME_2 else 0x00

    @property
    def hce(self) -> bool:
        """Whether it is a phone."""
        return bool(self.serial[_HCE_BYTE] & _HCE)

    def _has(self, bit: int) -> bool:
        return self.product in (Product.PRIME_2, Product.PRIME_3) and bool(self.startup[2] & bit)

    @property
    def pin(self) -> bool:
        """Whether it has a PIN."""
        return self._has(_PIN)

    @property
    def stored_value(self) -> bool:
        """Whether it has a purse."""
        return self._has(_STORED_VALUE)

    @property
    def ratification_command_required(self) -> bool:
        """Whether a session is ratified by a command of its own."""
        return self.product is Product.PRIME_3 and self._has(_RATIFICATION)

    @property
    def extended_mode(self) -> bool:
        """Whether it knows MACs of 8 bytes."""
        return self.product is Product.PRIME_3 and self._has(_EXTENDED)

    @property
    def pki(self) -> bool:
        """Whether it proves sessions by a certificate."""
        return self.product is Product.PRIME_3 and self._has(_PKI)

    @property
    def session_buffer_bytes(self) -> int:
        """Bytes a session can change.  :raises EncodingError: on an indicator no card has."""
        indicator = self.startup[0]
        if not _FIRST_INDICATOR <= indicator <= _LAST_INDICATOR:
            raise EncodingError(f"session buffer indicator {indicator:02X}, expected 06 to 37")
        return int(2 ** ((indicator + 25) / 4))


def _one(data: bytes, tag: int) -> bytes:
    found = [item.value for item in tlv.parse(data) if item.tag == tag]
    if len(found) != 1:
        raise EncodingError(f"FCI: {len(found)} objects {tag:02X}, expected one")
    return found[0]
