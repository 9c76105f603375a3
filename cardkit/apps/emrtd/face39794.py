"""Face blocks of ISO/IEC 39794-5, as DG2 has them in 7F2E (ICAO Doc 9303-9).

Tags as in the published sample; of its many optional parts those are read that the standard asks a document for, the
others are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.images import Image, ImageKind
from cardkit.apps.emrtd.lds import objects_of
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

GENERATION, YEAR = 3, 2019
_STANDARD, _FACE_BLOCK = 0xA1, 0x65
_VERSION, _REPRESENTATIONS, _REPRESENTATION = 0xA0, 0xA1, 0x30
_IDENTIFIER, _IMAGE_PART, _BASE, _FLAT = 0x80, 0xA1, 0xA0, 0xA0
_IMAGE, _INFORMATION = 0x80, 0xA1
_FORMAT, _KIND, _SIZE = 0xA0, 0xA1, 0xA7
_FIRST, _SECOND = 0x80, 0x81
_WHAT = "face block"
DATA_FORMATS = {2: ImageKind.JPEG, 3: ImageKind.JPEG2000, 4: ImageKind.JPEG2000}
"""Image data formats: JPEG, JPEG2000 lossy and lossless."""
_FORMAT_OF = {ImageKind.JPEG: 2, ImageKind.JPEG2000: 3}


@dataclass(frozen=True, slots=True)
class FaceBlock:
    """A block with one face.

    :param content: of 7F2E, as read.  :param version: generation and year of the standard.
    :param data_format: of :data:`DATA_FORMATS`.  :param kind: 0 of a travel document, 1 general; None where not said.
    :param size: width and height, None where not said.
    """

    content: bytes = field(repr=False)
    version: tuple[int, int]
    image: bytes = field(repr=False)
    data_format: int
    kind: int | None = None
    size: tuple[int, int] | None = None

    @classmethod
    def parse(cls, content: bytes) -> FaceBlock:
        """Read the content of 7F2E.

        :raises EncodingError: where a part is missing, or there is not exactly one face.
        """
        block = _path(objects_of(content, _WHAT), (_STANDARD, _FACE_BLOCK))
        version = _path(block, (_VERSION,))
        faces = _path(block, (_REPRESENTATIONS,)).find(_REPRESENTATION)
        if len(faces) != 1:
            raise EncodingError(f"{_WHAT}: got {len(faces)} representations, expected 1")
        picture = _path(objects_of(faces[0].value, _WHAT), (_IMAGE_PART, _BASE, _FLAT))
        information = _path(picture, (_INFORMATION,))
        size = information.first(_SIZE)
        return cls(
            content,
            _pair(version),
            _value(picture, _IMAGE),
            _number(_path(information, (_FORMAT,)), _FIRST),
            _number(_path(information, (_KIND,)), _FIRST) if _KIND in information else None,
            None if size is None else _pair(objects_of(size, _WHAT)),
        )

    @classmethod
    def of(cls, image: bytes) -> FaceBlock:
        """Return the block of a JPEG or JPEG2000 image.  :raises EncodingError: on another kind of image."""
        found = Image.of(image)
        information = tlv.build(_FORMAT, tlv.build(_FIRST, bytes((_FORMAT_OF[found.kind],))))
        picture = tlv.build(_IMAGE, image) + tlv.build(_INFORMATION, information)
        face = tlv.build(_IDENTIFIER, b"\x00") + _nested(picture, (_FLAT, _BASE, _IMAGE_PART))
        numbers = tlv.build(_FIRST, bytes((GENERATION,))) + tlv.build(_SECOND, YEAR.to_bytes(2, "big"))
        block = tlv.build(_VERSION, numbers) + _nested(face, (_REPRESENTATION, _REPRESENTATIONS))
        return cls.parse(_nested(block, (_FACE_BLOCK, _STANDARD)))


def build_dg2_39794(image: bytes) -> bytes:
    """Return DG2 of a face image in ISO/IEC 39794-5.  :raises EncodingError: on another kind of image."""
    template = Template.of(Modality.FACE, FormatType.FACE_39794, FaceBlock.of(image).content)
    return Biometrics.of(2, [template]).build()


def _nested(content: bytes, tags: tuple[int, ...]) -> bytes:
    """Return content in objects within each other, the innermost tag first."""
    for tag in tags:
        content = tlv.build(tag, content)
    return content


def _path(objects: TlvList, tags: tuple[int, ...]) -> TlvList:
    """Return what is in objects within each other, the outermost tag first."""
    for tag in tags:
        objects = objects_of(_value(objects, tag), _WHAT)
    return objects


def _value(objects: TlvList, tag: int) -> bytes:
    value = objects.first(tag)
    if value is None:
        raise EncodingError(f"{_WHAT}: {tag:02X} is missing")
    return value


def _pair(objects: TlvList) -> tuple[int, int]:
    return _number(objects, _FIRST), _number(objects, _SECOND)


def _number(objects: TlvList, tag: int) -> int:
    return int.from_bytes(_value(objects, tag), "big")
