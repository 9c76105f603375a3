"""Images of a document, told by their first bytes; DG5 and DG7 hold nothing else (ICAO Doc 9303-9, -10 4.7.5).

Pixels are never touched: what is printed and what is in the chip are the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cardkit.apps.emrtd.groups import build_group, open_group
from cardkit.apps.emrtd.lds import COUNT, Deviation, counted
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

_JPEG, _JP2, _CODESTREAM = bytes.fromhex("FFD8FF"), bytes.fromhex("0000000C6A502020"), bytes.fromhex("FF4FFF51")
_HEADER_BOX = b"ihdr"
# Start-of-frame markers of a JPEG; C4, C8 and CC among them are tables. ISO/IEC 10918-1 B.1.1.3
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_METADATA = frozenset((*range(0xE1, 0xF0), 0xFE))
_SCAN = 0xDA
_INSTANCE = {5: 0x5F40, 7: 0x5F43}
_MOST = 255


class ImageKind(StrEnum):
    """How an image is coded."""

    JPEG = "JPEG"
    JPEG2000 = "JPEG2000"


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its bytes, and what its header says.

    :param metadata: whether there are segments besides the picture: EXIF and its thumbnails, comments.
    """

    kind: ImageKind
    width: int
    height: int
    data: bytes = field(repr=False)
    metadata: bool = False

    @classmethod
    def of(cls, data: bytes) -> Image:
        """Read the header of an image; pixels are not decoded.

        :raises EncodingError: where it is neither JPEG nor JPEG2000, or has no size.
        """
        if data.startswith(_JPEG):
            return _jpeg(data)
        if data.startswith(_CODESTREAM):
            return _jpeg2000(data, 0)
        if data.startswith(_JP2):
            at = data.find(_HEADER_BOX)
            if at >= 0 and at + 12 <= len(data):
                height, width = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (4, 8))
                return cls(ImageKind.JPEG2000, width, height, data)
        raise EncodingError(f"image of {len(data)} bytes: expected JPEG or JPEG2000 with a header")


def _jpeg2000(data: bytes, at: int) -> Image:
    """Read the size at the head of a codestream. ISO/IEC 15444-1 A.5.1"""
    if len(data) < at + 24:
        raise EncodingError(f"image of {len(data)} bytes: JPEG2000 without its size")
    right, bottom, left, top = (int.from_bytes(data[at + 8 + n : at + 12 + n], "big") for n in (0, 4, 8, 12))
    return Image(ImageKind.JPEG2000, right - left, bottom - top, data)


def _jpeg(data: bytes) -> Image:
    at, metadata = 2, False
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        marker = data[at + 1]
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[at + n : at + n + 2], "big") for n in (5, 7))
            return Image(ImageKind.JPEG, width, height, data, metadata)
        metadata = metadata or marker in _METADATA
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    raise EncodingError(f"image of {len(data)} bytes: JPEG without a frame")


@dataclass(frozen=True, slots=True)
class DisplayedImages:
    """DG5, the portrait as it is printed, or DG7, the signature.

    :param number: 5 or 7.  :param objects: content of the template, the count included.
    """

    number: int
    objects: TlvList

    @classmethod
    def parse(cls, number: int, data: bytes) -> DisplayedImages:
        """Read the group.  :raises EncodingError: where it is not TLV, or has no count."""
        found = cls(number, open_group(number, data).objects())
        found.images()
        return found

    @classmethod
    def of(cls, number: int, images: Sequence[bytes]) -> DisplayedImages:
        """Return the group of images.  :raises EncodingError: where there is none, or there are more than 255."""
        if not 1 <= len(images) <= _MOST:
            raise EncodingError(f"EF.DG{number}: got {len(images)} images, expected 1 to {_MOST}")
        written = (tlv.build(_INSTANCE[number], image) for image in images)
        return cls(number, tlv.parse(tlv.build(COUNT, bytes((len(images),))) + b"".join(written)))

    def images(self) -> tuple[bytes, ...]:
        """Return the images."""
        return tuple(item.value for item in self._instances()[0])

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """A count that is wrong."""
        return self._instances()[1]

    def build(self) -> bytes:
        """Return the file."""
        return build_group(self.number, self.objects.build())

    def _instances(self) -> tuple[tuple[tlv.Tlv, ...], tuple[Deviation, ...]]:
        return counted(self.objects, frozenset({_INSTANCE[self.number]}), f"EF.DG{self.number}")
