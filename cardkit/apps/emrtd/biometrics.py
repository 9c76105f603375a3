"""DG2, DG3 and DG4: biometric templates of face, fingers and irises (ICAO Doc 9303-10 4.7.2; ISO/IEC 7816-11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cardkit.apps.emrtd.groups import build_group, open_group
from cardkit.apps.emrtd.lds import COUNT, Deviation, counted, objects_of
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

_GROUP, _TEMPLATE, _HEADER = 0x7F61, 0x7F60, 0xA1
DATA_19794, DATA_39794 = 0x5F2E, 0x7F2E
"""Tags of the data: one block of ISO/IEC 19794, or a structure of ISO/IEC 39794."""
_VERSION, _TYPE, _SUBTYPE, _OWNER, _FORMAT = 0x80, 0x81, 0x82, 0x87, 0x88
_RANDOM = 0x53
_CBEFF_1_1 = bytes.fromhex("0101")
OWNER_SC37 = bytes.fromhex("0101")
_MOST = 255


class Modality(IntEnum):
    """What part of the body: byte 81 of the header. ISO/IEC 7816-11 table C.2"""

    FACE = 0x02
    FINGER = 0x08
    IRIS = 0x10


class FormatType(IntEnum):
    """Format of the data: bytes 88 of the header. ICAO Doc 9303-9"""

    FINGER_19794 = 0x0007
    FACE_19794 = 0x0008
    IRIS_19794 = 0x0009
    FINGER_39794 = 0x0028
    FACE_39794 = 0x002A
    IRIS_39794 = 0x002C

    @property
    def data_tag(self) -> int:
        """The tag of its data."""
        return DATA_39794 if self >= FormatType.FINGER_39794 else DATA_19794


@dataclass(frozen=True, slots=True)
class Template:
    """One biometric template.

    :param objects: content of 7F60: header and data, and whatever else there is.
    """

    objects: TlvList

    @classmethod
    def of(cls, modality: Modality, form: FormatType, data: bytes, subtype: int | None = None) -> Template:
        """Return a template.

        :param data: a record of the format.
        :param subtype: of a finger or an eye, mandatory in DG3 and DG4: 1 right, 2 left, the finger's number above.
        """
        values = [(_VERSION, _CBEFF_1_1), (_TYPE, bytes((modality,)))]
        values += [(_SUBTYPE, bytes((subtype,)))] if subtype is not None else []
        values += [(_OWNER, OWNER_SC37), (_FORMAT, form.to_bytes(2, "big"))]
        header = b"".join(tlv.build(tag, value) for tag, value in values)
        return cls(tlv.parse(tlv.build(_HEADER, header) + tlv.build(form.data_tag, data)))

    @property
    def header(self) -> TlvList:
        """Objects of the header (A1).  :raises EncodingError: where it is missing or malformed."""
        value = self.objects.first(_HEADER)
        if value is None:
            raise EncodingError("biometric template: header (A1) is missing")
        return objects_of(value, "biometric header")

    @property
    def modality(self) -> int | None:
        """What part of the body, a :class:`Modality` where it is one we know; None where nothing is said."""
        value = self.header.first(_TYPE)
        return int.from_bytes(value, "big") if value else None

    @property
    def subtype(self) -> int | None:
        """Which finger or eye; None where nothing is said."""
        value = self.header.first(_SUBTYPE)
        return value[0] if value else None

    @property
    def format_owner(self) -> bytes:
        """Who the format is of (87); empty where nothing is said."""
        return self.header.first(_OWNER) or b""

    @property
    def format_type(self) -> int | None:
        """Format of the data, a :class:`FormatType` where it is one we know; None where nothing is said."""
        value = self.header.first(_FORMAT)
        return int.from_bytes(value, "big") if value else None

    @property
    def data_tag(self) -> int:
        """5F2E or 7F2E.  :raises EncodingError: where there is neither."""
        return self._data().tag

    @property
    def data(self) -> bytes:
        """The record.  :raises EncodingError: where there is none."""
        return self._data().value

    @property
    def format_agrees(self) -> bool:
        """Whether the header's format is one that this tag of data belongs to (LDS_E_10, LDS_G_15)."""
        form = self.format_type
        return form in FormatType._value2member_map_ and FormatType(form or 0).data_tag == self.data_tag

    def _data(self) -> tlv.Tlv:
        for item in self.objects:
            if item.tag in (DATA_19794, DATA_39794):
                return item
        raise EncodingError("biometric template: data (5F2E or 7F2E) are missing")


@dataclass(frozen=True, slots=True)
class Biometrics:
    """Data group 2, 3 or 4.

    :param number: of the group.  :param objects: content of the group template 7F61, the count included.
    :param behind: objects behind 7F61, such as the random data (53) of an empty group.
    """

    number: int
    objects: TlvList
    behind: TlvList

    @classmethod
    def parse(cls, number: int, data: bytes) -> Biometrics:
        """Read the group.

        :raises EncodingError: where it is not TLV, does not begin with 7F61, or has no count.
        """
        items = open_group(number, data).objects()
        if not len(items) or items[0].tag != _GROUP:
            raise EncodingError(f"EF.DG{number}: got no group template (7F61)")
        objects = objects_of(items[0].value, f"EF.DG{number}")
        found = cls(number, objects, TlvList(items.items[1:], items.tail))
        found.templates()
        return found

    @classmethod
    def of(cls, number: int, templates: Sequence[Template], random: bytes = b"") -> Biometrics:
        """Return the group of templates.

        :param random: of an empty group, so that its hash tells nothing; 8 bytes or more. 9303-10 4.7.3
        :raises EncodingError: on more than 255 templates, or where random data are with the wrong kind of group.
        """
        if len(templates) > _MOST or bool(templates) == bool(random):
            raise EncodingError(f"EF.DG{number}: got {len(templates)} templates and {len(random)} random bytes")
        written = b"".join(tlv.build(_TEMPLATE, template.objects.build()) for template in templates)
        objects = tlv.parse(tlv.build(COUNT, bytes((len(templates),))) + written)
        return cls(number, objects, tlv.parse(tlv.build(_RANDOM, random) if random else b""))

    def templates(self) -> tuple[Template, ...]:
        """Return the templates.  :raises EncodingError: where one is not TLV."""
        where = f"EF.DG{self.number}: biometric template"
        return tuple(Template(objects_of(item.value, where)) for item in self._instances()[0])

    @property
    def random(self) -> bytes:
        """What makes an empty group different from others; empty where there is none."""
        return self.objects.first(_RANDOM) or self.behind.first(_RANDOM) or b""

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """A count that is wrong."""
        return self._instances()[1]

    def build(self) -> bytes:
        """Return the file."""
        return build_group(self.number, tlv.build(_GROUP, self.objects.build()) + self.behind.build())

    def _instances(self) -> tuple[tuple[tlv.Tlv, ...], tuple[Deviation, ...]]:
        return counted(self.objects, frozenset({_TEMPLATE}), f"EF.DG{self.number}")
