"""What SELECT of a security domain answers: file control information (GPCS 11.9.3, Table 11-82)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.gp.aids import AID_BYTES
from cardkit.apps.gp.tags.recognition import MANAGEMENT_DATA, CardRecognitionData
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_TEMPLATE, _AID, _PROPRIETARY = 0x6F, 0x84, 0xA5
_MAX_DATA, _PRODUCTION_LIFE_CYCLE = 0x9F65, 0x9F6E
_SHORT_MAX = 255


@dataclass(frozen=True, slots=True)
class FCI:
    """The answer as the card gave it.

    :param raw: all bytes.  :param objects: what the template 6F holds; empty if the answer is no template.
    :param bare_aid: the answer was an AID and nothing else, as some real cards have it.

    >>> fci = FCI.parse(bytes.fromhex("6F10 8408A000000151000000 A504 9F6501FF"))
    >>> fci.aid.hex(), fci.max_command_data
    ('a000000151000000', 255)
    """

    raw: bytes
    objects: tlv.TlvList
    bare_aid: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> FCI:
        """Read the answer of SELECT: a template, its content alone, a bare AID, or nothing.

        :raises EncodingError: if it is none of these.
        """
        if not data:
            return cls(data, tlv.TlvList())
        if data[0] in (_AID, _PROPRIETARY):
            return cls(data, _checked(tlv.parse(data)))
        if data[0] == _TEMPLATE:
            whole = tlv.parse(data)
            return cls(data, _checked(whole[0].children()))
        if len(data) in AID_BYTES:
            return cls(data, tlv.TlvList(), bare_aid=data)
        raise EncodingError(f"FCI: got {data[:2].hex().upper()} and {len(data)} bytes, expected a template 6F")

    def encode(self) -> bytes:
        """Return the bytes that were read."""
        return self.raw

    @property
    def aid(self) -> bytes | None:
        """AID of what was selected, None if the card does not say."""
        return self.bare_aid or self.objects.first(_AID) or None

    @property
    def max_command_data(self) -> int:
        """Longest data field of a short command the card takes, 1 to 255."""
        value = int.from_bytes(_proprietary(self.objects).first(_MAX_DATA) or b"", "big")
        return min(value, _SHORT_MAX) or _SHORT_MAX

    @property
    def production_life_cycle(self) -> bytes | None:
        """Application production life cycle data (9F6E)."""
        return _proprietary(self.objects).first(_PRODUCTION_LIFE_CYCLE)

    @property
    def management_data(self) -> CardRecognitionData | None:
        """What the selected security domain says of itself; it goes before the card's own recognition data.

        :raises EncodingError: if it is malformed.
        """
        item = next(iter(_proprietary(self.objects).find(MANAGEMENT_DATA)), None)
        return None if item is None else CardRecognitionData.parse(item.build())

    @property
    def findings(self) -> tuple[str, ...]:
        """What does not follow Table 11-82: each in words."""
        if self.bare_aid:
            return ("SELECT answers a bare AID, not a template 6F",)
        found = [] if self.aid else ["SELECT does not say which AID was selected"]
        if self.raw and self.raw[0] != _TEMPLATE:
            found.append("SELECT answers without the template 6F")
        return tuple(found)


def _checked(objects: tlv.TlvList) -> tlv.TlvList:
    aid = objects.first(_AID)
    if aid and len(aid) not in AID_BYTES:
        raise EncodingError(f"FCI: AID of {len(aid)} bytes, expected 5 to 16")
    _proprietary(objects)
    return objects


def _proprietary(objects: tlv.TlvList) -> tlv.TlvList:
    return tlv.parse(objects.first(_PROPRIETARY) or b"")
