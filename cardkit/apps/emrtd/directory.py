"""EF.DIR and EF.ATR/INFO, the files of the master file that say what the card has (ICAO Doc 9303-10 3.11)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cardkit.apps.emrtd.lds import objects_of
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

_ENTRY, _AID = 0x61, 0x4F
_CAPABILITIES, _EXTENDED, _NUMBER = 0x47, 0x7F66, 0x02


@dataclass(frozen=True, slots=True)
class Directory:
    """EF.DIR: application templates one behind the other, without an outer tag.

    :param objects: to the end of the file; zeros behind them are its tail.
    """

    objects: TlvList

    @classmethod
    def parse(cls, data: bytes) -> Directory:
        """Read the file to its end.  :raises EncodingError: where it is not TLV."""
        return cls(_parse("EF.DIR", data))

    @classmethod
    def of(cls, aids: Iterable[bytes]) -> Directory:
        """Return the file of applications."""
        return cls(tlv.parse(b"".join(tlv.build(_ENTRY, tlv.build(_AID, aid)) for aid in aids)))

    @property
    def aids(self) -> tuple[bytes, ...]:
        """Applications it lists.  :raises EncodingError: where an entry is not TLV."""
        entries = (objects_of(item.value, "EF.DIR").first(_AID) for item in self.objects.find(_ENTRY))
        return tuple(aid for aid in entries if aid is not None)

    def build(self) -> bytes:
        """Return the file."""
        return self.objects.build()


@dataclass(frozen=True, slots=True)
class ExtendedLength:
    """What a card takes and gives in one APDU, in bytes of the whole command or response. ISO/IEC 7816-4 12.7.1"""

    command_bytes: int
    response_bytes: int


@dataclass(frozen=True, slots=True)
class AtrInfo:
    """EF.ATR/INFO: objects that depend on the card.

    :param objects: to the end of the file; zeros behind them are its tail.
    """

    objects: TlvList

    @classmethod
    def parse(cls, data: bytes) -> AtrInfo:
        """Read the file to its end.  :raises EncodingError: where it is not TLV."""
        return cls(_parse("EF.ATR/INFO", data))

    @classmethod
    def of(cls, capabilities: bytes = b"", extended: ExtendedLength | None = None) -> AtrInfo:
        """Return the file.

        :param capabilities: card capabilities (47), 1 to 3 bytes; empty for none.
        """
        objects = tlv.build(_CAPABILITIES, capabilities) if capabilities else b""
        if extended is not None:
            sizes = (extended.command_bytes, extended.response_bytes)
            numbers = (tlv.build(_NUMBER, size.to_bytes(max(2, (size.bit_length() + 7) // 8), "big")) for size in sizes)
            objects += tlv.build(_EXTENDED, b"".join(numbers))
        return cls(tlv.parse(objects))

    @property
    def capabilities(self) -> bytes:
        """Card capabilities (47); empty where there are none."""
        return self.objects.first(_CAPABILITIES) or b""

    @property
    def extended_length(self) -> ExtendedLength | None:
        """What the card says of extended length; None where it says nothing.

        :raises EncodingError: where 7F66 does not hold two numbers.
        """
        template = self.objects.first(_EXTENDED)
        if template is None:
            return None
        numbers = objects_of(template, "EF.ATR/INFO").find(_NUMBER)
        if len(numbers) != 2:
            raise EncodingError(f"EF.ATR/INFO: 7F66: got {len(numbers)} numbers (02), expected 2")
        command, response = (int.from_bytes(item.value, "big") for item in numbers)
        return ExtendedLength(command, response)

    def build(self) -> bytes:
        """Return the file."""
        return self.objects.build()


def _parse(name: str, data: bytes) -> TlvList:
    try:
        return tlv.parse(data, b"\x00")
    except EncodingError as error:
        raise EncodingError(f"{name}: {error}") from None
