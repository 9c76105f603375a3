"""Card recognition data, tag 66, and the security domain management data of an FCI, tag 73 (GPCS H.2, H.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cardkit.apps.gp.tags.oid import GP, oid_text
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

CARD_DATA, MANAGEMENT_DATA = 0x66, 0x73
_OID, _VERSION, _IDENTIFICATION, _PROTOCOL = 0x06, 0x60, 0x63, 0x64
_CONFIGURATION, _CHIP = 0x65, 0x66
_FORMAT_PREFIX = GP + b"\x01"
_VERSION_PREFIX = GP + b"\x02"
_IDENTIFICATION_OID = GP + b"\x03"
_PROTOCOL_PREFIX = GP + b"\x04"


@dataclass(frozen=True, slots=True)
class ScpOption:
    """A secure channel protocol a card offers.

    :param scp: ``0x02``, ``0x03``, ``0x11`` ...
    :param i: its "i" parameter as the card writes it, which is not always base-128: ``9B06``; may be empty.
    """

    scp: int
    i: bytes

    @property
    def i_byte(self) -> int | None:
        """The parameter where it is one byte."""
        return self.i[0] if len(self.i) == 1 else None

    def __str__(self) -> str:
        return f"SCP{self.scp:02X} i={self.i.hex().upper()}"


@dataclass(frozen=True, slots=True)
class CardRecognitionData:
    """What a card or security domain says of the specifications it follows.

    :param whole: the object as read, 66 or 73.  :param objects: what its 73 holds.
    """

    whole: tlv.TlvList
    objects: tlv.TlvList

    @classmethod
    def parse(cls, data: bytes) -> CardRecognitionData:
        """Read ``66{73{...}}`` or ``73{...}``.

        :raises EncodingError: if it is neither.

        >>> data = CardRecognitionData.parse(bytes.fromhex("7318 60090607 2A864886FC6B02 640B0609 2A864886FC6B040370"))
        >>> data.protocols
        (ScpOption(scp=3, i=b'p'),)
        """
        whole = tlv.parse(data)
        if len(whole) != 1:
            raise EncodingError(f"card recognition data: got {len(whole)} objects, expected one, 66 or 73")
        outer = whole[0]
        if outer.tag == MANAGEMENT_DATA:
            return cls(whole, outer.children())
        inner = outer.children().first(MANAGEMENT_DATA) if outer.tag == CARD_DATA else None
        if inner is None:
            raise EncodingError(f"card recognition data: got tag {outer.tag:02X}, expected 66 with a 73 in it, or 73")
        return cls(whole, tlv.parse(inner))

    def encode(self) -> bytes:
        """Return the bytes that were read."""
        return self.whole.build()

    @property
    def version(self) -> str | None:
        """The GlobalPlatform version: ``2.3.1``; the digits follow the arc of {globalPlatform 2}."""
        value = next((oid for oid in self._oids(_VERSION) if oid.startswith(_VERSION_PREFIX)), None)
        return None if value is None else ".".join(map(str, value[len(_VERSION_PREFIX) :]))

    @property
    def uniquely_identifiable(self) -> bool:
        """Whether the card says that IIN and CIN identify it."""
        return _IDENTIFICATION_OID in self._oids(_IDENTIFICATION)

    @property
    def protocols(self) -> tuple[ScpOption, ...]:
        """Secure channel protocols in the card's order: one object each, or all in one (H.2, format 1 and 2)."""
        size = len(_PROTOCOL_PREFIX)
        return tuple(ScpOption(oid[size], oid[size + 1 :]) for oid in self._oids(_PROTOCOL) if _is_protocol(oid))

    @property
    def configuration(self) -> str | None:
        """Object identifier of the card configuration."""
        return next((oid_text(oid) for oid in self._oids(_CONFIGURATION)), None)

    @property
    def chip(self) -> str | None:
        """Object identifier of the card or chip details."""
        return next((oid_text(oid) for oid in self._oids(_CHIP)), None)

    @property
    def findings(self) -> tuple[str, ...]:
        """What does not follow H.2: each in words."""
        found = [] if _FORMAT_PREFIX in self._oids() else ["no {globalPlatform 1} that says the format"]
        if self.version is None:
            found.append("no version")
        strange = [oid for oid in self._oids(_PROTOCOL) if not _is_protocol(oid)]
        found += [f"{oid_text(oid)} stands where a secure channel protocol is expected" for oid in strange]
        return tuple(found)

    def _oids(self, tag: int | None = None) -> tuple[bytes, ...]:
        """Return the identifiers inside the objects of a tag, or those that stand free."""
        return tuple(self._found(tag))

    def _found(self, tag: int | None) -> Iterator[bytes]:
        if tag is None:
            yield from (item.value for item in self.objects.find(_OID))
            return
        for item in self.objects.find(tag):
            try:
                yield from (inner.value for inner in item.children().find(_OID))
            except EncodingError:
                continue


def _is_protocol(oid: bytes) -> bool:
    return oid.startswith(_PROTOCOL_PREFIX) and len(oid) > len(_PROTOCOL_PREFIX)
