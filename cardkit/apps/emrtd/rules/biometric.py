"""Rules about faces, fingers and irises: containers, records, images (ICAO Doc 9303-9); pixels are not decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.apps.emrtd.biometrics import DATA_19794, OWNER_SC37, Biometrics, Template
from cardkit.apps.emrtd.face import DATA_TYPES, Face, FaceRecord
from cardkit.apps.emrtd.face39794 import DATA_FORMATS, GENERATION, YEAR, FaceBlock
from cardkit.apps.emrtd.images import Image
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.errors import EncodingError

_DG2 = "EF.DG2"


def faces(files: Mapping[str, bytes]) -> Iterator[Trouble]:
    """EMRTD-050 to 055: container, format, record, image of DG2."""
    content = files.get(_DG2)
    if content is None:
        return
    try:
        group = Biometrics.parse(2, content)
        templates = group.templates()
        for template in templates:
            _ = template.header, template.data
    except EncodingError as error:
        yield Trouble("EMRTD-050", _DG2, "a group template (7F61) of templates (7F60) with a header (A1)", str(error))
        return
    for one in group.deviations:
        yield Trouble("EMRTD-050", one.where, one.expected, f"{one.kind.value}: {one.actual}")
    for template in templates:
        yield from _format(_DG2, template)
        if template.data_tag == DATA_19794:
            yield from _record(template)
        else:
            yield from _block(template)


def others(files: Mapping[str, bytes]) -> Iterator[Trouble]:
    """EMRTD-056: fingers and irises say their format, type and which they are; empty groups differ from each other."""
    for number in (3, 4):
        where = f"EF.DG{number}"
        if where not in files:
            continue
        try:
            group = Biometrics.parse(number, files[where])
            for template in group.templates():
                if None in (template.format_type, template.modality, template.subtype):
                    yield Trouble("EMRTD-056", where, "type (81), subtype (82) and format (88)", "one is missing")
                yield from _format(where, template)
        except EncodingError as error:
            yield Trouble("EMRTD-056", where, "a group template (7F61) of templates (7F60)", str(error))
            continue
        if not group.templates() and not group.random:
            yield Trouble("EMRTD-056", where, "random data (53) in an empty group", "none")


def _format(where: str, template: Template) -> Iterator[Trouble]:
    """EMRTD-051: the owner is ISO/IEC JTC 1 SC 37, and the format that of the data."""
    if template.format_owner != OWNER_SC37 or not template.format_agrees:
        form = template.format_type
        said = f"{template.format_owner.hex().upper() or 'none'}, {'none' if form is None else f'{form:04X}'}"
        expected = f"owner {OWNER_SC37.hex()}, and the format of data {template.data_tag:04X}"
        yield Trouble("EMRTD-051", where, expected, said)


def _record(template: Template) -> Iterator[Trouble]:
    """EMRTD-052: the record of ISO/IEC 19794-5."""
    try:
        record = FaceRecord.parse(template.data)
    except EncodingError as error:
        yield Trouble("EMRTD-052", _DG2, "a face record", str(error))
        return
    for one in record.deviations:
        yield Trouble("EMRTD-052", one.where, one.expected, f"{one.kind.value}: {one.actual}")
    for face in record.faces:
        yield from _image(face)


def _block(template: Template) -> Iterator[Trouble]:
    """EMRTD-053, 054 and 055: the block of ISO/IEC 39794-5, and its image."""
    try:
        block = FaceBlock.parse(template.data)
    except EncodingError as error:
        yield Trouble("EMRTD-053", _DG2, "a face block", str(error))
        return
    if block.version != (GENERATION, YEAR):
        yield Trouble("EMRTD-053", _DG2, f"version {GENERATION}, {YEAR}", "{}, {}".format(*block.version))
    try:
        image = Image.of(block.image)
    except EncodingError as error:
        yield Trouble("EMRTD-054", _DG2, "a JPEG or JPEG2000 image", str(error))
        return
    if DATA_FORMATS.get(block.data_format) is not image.kind:
        yield Trouble("EMRTD-053", _DG2, f"the data format of {image.kind}", str(block.data_format))
    if block.size is not None and block.size != (image.width, image.height):
        said = "{} x {}".format(*block.size)
        yield Trouble("EMRTD-054", _DG2, said, f"{image.width} x {image.height}")
    if image.metadata:
        yield Trouble("EMRTD-055", _DG2, "no segments besides the picture", "metadata")


def _image(face: Face) -> Iterator[Trouble]:
    """EMRTD-054 and 055: the image is of the size and kind its record says, and nothing besides."""
    try:
        image = Image.of(face.image)
    except EncodingError as error:
        yield Trouble("EMRTD-054", _DG2, "a JPEG or JPEG2000 image", str(error))
        return
    said = (face.width, face.height, face.data_type)
    found = (image.width, image.height, DATA_TYPES[image.kind])
    if said != found:
        expected, actual = (f"{width} x {height}, type {kind}" for width, height, kind in (said, found))
        yield Trouble("EMRTD-054", _DG2, expected, actual)
    if image.metadata:
        yield Trouble("EMRTD-055", _DG2, "no segments besides the picture", "metadata")
