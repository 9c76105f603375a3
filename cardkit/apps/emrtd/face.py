"""Face records of ISO/IEC 19794-5:2005, as DG2 has them in 5F2E (ICAO Doc 9303-9)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.images import Image, ImageKind
from cardkit.apps.emrtd.lds import Departure, Deviation
from cardkit.errors import EncodingError

_MAGIC = b"FAC\x00010\x00"
_HEADER, _FACE, _IMAGE = struct.Struct(">8sIH"), struct.Struct(">IHBBB3sH3s3s"), struct.Struct(">BBHHBBHH")
_POINT_BYTES = 8
_TOLERATED = 8  # how far the length of a record may be wrong: met in the field


class FaceImageType(IntEnum):
    """Type of a face image. ISO/IEC 19794-5 5.7.1"""

    BASIC = 0
    FULL_FRONTAL = 1
    TOKEN = 2


class ImageDataType(IntEnum):
    """How the image is coded. ISO/IEC 19794-5 5.7.2"""

    JPEG = 0
    JPEG2000 = 1


DATA_TYPES = {ImageKind.JPEG: ImageDataType.JPEG, ImageKind.JPEG2000: ImageDataType.JPEG2000}


@dataclass(frozen=True, slots=True)
class Face:
    """One face: its facts, as numbers of the standard (0 is "unspecified"), and its image.

    :param gender: 1 male, 2 female.  :param properties: 3 bytes of bits.  :param pose: yaw, pitch, roll.
    :param points: feature points, 8 bytes each.  :param colour: 1 RGB, 2 YUV 4:2:2, 3 grey.
    """

    image: bytes = field(repr=False)
    width: int
    height: int
    data_type: int
    image_type: int = FaceImageType.FULL_FRONTAL
    gender: int = 0
    eye_colour: int = 0
    hair_colour: int = 0
    properties: bytes = bytes(3)
    expression: int = 0
    pose: bytes = bytes(3)
    pose_uncertainty: bytes = bytes(3)
    points: tuple[bytes, ...] = ()
    colour: int = 1
    source: int = 0
    device: int = 0
    quality: int = 0

    @classmethod
    def of(cls, image: bytes, gender: int = 0) -> Face:
        """Return a full frontal face of a JPEG or JPEG2000 image; its size is read from it.

        :raises EncodingError: on another kind of image, or one of more than 65,535 pixels a side.
        """
        found = Image.of(image)
        if max(found.width, found.height) > 0xFFFF:
            raise EncodingError(f"face image: {found.width} x {found.height} pixels, expected 65535 at most")
        return cls(image, found.width, found.height, DATA_TYPES[found.kind], gender=gender)

    def build(self) -> bytes:
        """Return the face block: information, points, image information, image."""
        size = _FACE.size + _POINT_BYTES * len(self.points) + _IMAGE.size + len(self.image)
        facts = (self.gender, self.eye_colour, self.hair_colour, self.properties, self.expression)
        head = _FACE.pack(size, len(self.points), *facts, self.pose, self.pose_uncertainty)
        form = (self.image_type, self.data_type, self.width, self.height)
        return (
            head
            + b"".join(self.points)
            + _IMAGE.pack(*form, self.colour, self.source, self.device, self.quality)
            + self.image
        )


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """The record of one or more faces; readers take the first.

    :param announced: length in the header where it is not the record's own, which real documents have; 0 else.
    """

    faces: tuple[Face, ...]
    announced: int = 0

    @classmethod
    def parse(cls, data: bytes) -> FaceRecord:
        """Read a record; the length in its header may be wrong by up to 8 bytes.

        :raises EncodingError: on another format or version, or where a face is not whole.
        """
        if len(data) < _HEADER.size or not data.startswith(_MAGIC):
            raise EncodingError(f"face record of {len(data)} bytes: expected FAC 010")
        _, announced, count = _HEADER.unpack_from(data)
        if abs(announced - len(data)) > _TOLERATED:
            raise EncodingError(f"face record: {announced} bytes announced, {len(data)} are there")
        faces, at = [], _HEADER.size
        for number in range(count):
            face, at = _face(data, at, number)
            faces.append(face)
        if at != len(data):
            raise EncodingError(f"face record: {len(data) - at} bytes behind {count} faces")
        return cls(tuple(faces), 0 if announced == len(data) else announced)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """A length that is wrong."""
        if not self.announced:
            return ()
        return (Deviation(Departure.RECORD_LENGTH, "EF.DG2", str(len(self.build())), str(self.announced)),)

    def build(self) -> bytes:
        """Return the record."""
        faces = b"".join(face.build() for face in self.faces)
        return _HEADER.pack(_MAGIC, self.announced or _HEADER.size + len(faces), len(self.faces)) + faces


def _face(data: bytes, at: int, number: int) -> tuple[Face, int]:
    where = f"face record: face {number + 1}"
    if at + _FACE.size > len(data):
        raise EncodingError(f"{where}: not whole")
    size, count, gender, eye, hair, properties, expression, pose, uncertainty = _FACE.unpack_from(data, at)
    inner = at + _FACE.size + _POINT_BYTES * count
    end = at + size
    if end > len(data) or inner + _IMAGE.size > end:
        raise EncodingError(f"{where}: {size} bytes and {count} points announced, {len(data) - at} bytes are there")
    starts = range(at + _FACE.size, inner, _POINT_BYTES)
    points = tuple(data[start : start + _POINT_BYTES] for start in starts)
    kind, coding, width, height, colour, source, device, quality = _IMAGE.unpack_from(data, inner)
    image = data[inner + _IMAGE.size : end]
    facts = (gender, eye, hair, properties, expression, pose, uncertainty)
    return Face(image, width, height, coding, kind, *facts, points, colour, source, device, quality), end


def build_dg2(images: Sequence[bytes], gender: int = 0) -> bytes:
    """Return DG2 of face images in ISO/IEC 19794-5, one template each.

    :param images: JPEG or JPEG2000.  :param gender: 0 unspecified, 1 male, 2 female.
    :raises EncodingError: on another kind of image.
    """
    templates = [
        Template.of(Modality.FACE, FormatType.FACE_19794, FaceRecord((Face.of(image, gender),)).build())
        for image in images
    ]
    return Biometrics.of(2, templates).build()
