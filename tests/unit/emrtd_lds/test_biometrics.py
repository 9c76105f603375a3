"""DG2 to DG5, DG7: written here, taken apart by hand; lying counts and lengths."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.face import Face, FaceRecord, build_dg2
from cardkit.apps.emrtd.images import DisplayedImages, Image, ImageKind
from cardkit.apps.emrtd.lds import Departure
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

# SOI, APP0, (EXIF,) a baseline frame of 240 x 320 in 3 components, then a scan that nobody decodes.
APP0 = bytes.fromhex("FFE00010") + b"JFIF\0" + bytes(9)
EXIF = bytes.fromhex("FFE10008") + b"Exif\0\0"
FRAME = bytes.fromhex("FFC0001108") + struct.pack(">HH", 320, 240) + bytes.fromhex("03012200021101031101")
JPEG = b"\xff\xd8" + APP0 + FRAME + bytes.fromhex("FFDA") + bytes(20) + b"\xff\xd9"
SIZED = bytes.fromhex("FF4FFF51002F0000") + struct.pack(">IIII", 260, 330, 20, 10) + bytes(40)
JP2 = (
    bytes.fromhex("0000000C6A5020200D0A870A")
    + bytes.fromhex("000000166A7032680000000E69686472")
    + struct.pack(">II", 320, 240)
)  # "ihdr" is 16 bytes into the boxes; height comes first


@pytest.mark.parametrize(
    ("data", "kind", "metadata"),
    [(JPEG, ImageKind.JPEG, False), (b"\xff\xd8" + EXIF + JPEG[2:], ImageKind.JPEG, True),
     (SIZED, ImageKind.JPEG2000, False),
     (JP2, ImageKind.JPEG2000, False)],
)  # fmt: skip
def test_the_size_of_an_image_comes_from_its_header(data, kind, metadata):
    image = Image.of(data)
    assert (image.kind, image.width, image.height, image.metadata) == (kind, 240, 320, metadata)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff\xd9", JPEG[:22], SIZED[:20], JP2[:30]])
def test_what_has_no_size_is_no_image(data):
    with pytest.raises(EncodingError, match=f"image of {len(data)} bytes"):
        Image.of(data)


def test_dg2_is_laid_out_as_the_standard_has_it():
    group = tlv.first(build_dg2([JPEG], gender=2))[0]
    assert group.tag == 0x75
    template = group.children()[0]
    count, instance = template.children()
    assert (template.tag, count.build().hex(), instance.tag) == (0x7F61, "020101", 0x7F60)
    header, data = instance.children()
    assert (header.build().hex(), data.tag) == ("a10f800201018101028702010188020008", 0x5F2E)
    record = data.value
    size = len(record)
    assert record[:14] == b"FAC\x00010\x00" + struct.pack(">IH", size, 1)
    assert record[14:34] == struct.pack(">IHBBB", size - 14, 0, 2, 0, 0) + bytes(11)
    assert record[34:46] == struct.pack(">BBHHBBHH", 1, 0, 240, 320, 1, 0, 0, 0)
    assert record[46:] == JPEG


def test_a_group_with_two_faces_gives_both_images():
    templates = Biometrics.parse(2, build_dg2([JPEG, SIZED]) + bytes(100)).templates()
    faces = [FaceRecord.parse(one.data).faces[0] for one in templates]
    assert [(face.image, face.data_type) for face in faces] == [(JPEG, 0), (SIZED, 1)]
    assert [(one.modality, one.format_owner.hex(), one.format_agrees) for one in templates] == [(2, "0101", True)] * 2


def test_fingers_have_a_subtype_and_their_own_format():
    group = Biometrics.of(3, [Template.of(Modality.FINGER, FormatType.FINGER_19794, b"FIR\0", subtype=0x05)])
    found = Biometrics.parse(3, group.build()).templates()[0]
    assert (found.modality, found.subtype, found.format_type, found.data) == (8, 5, 7, b"FIR\0")
    assert group.build()[0] == 0x63


def test_an_empty_group_carries_random_data_so_that_its_hash_tells_nothing():
    assert Biometrics.of(3, [], random=bytes.fromhex("0102030405060708")).build().hex() == (
        "63107f610302010053080102030405060708"
    )
    assert Biometrics.parse(3, bytes.fromhex("63067F6103020100")).random == b""
    assert Biometrics.parse(3, bytes.fromhex("63097F61030201005301 01")).random == b"\x01"
    with pytest.raises(EncodingError, match=r"EF\.DG3: got 0 templates and 0 random bytes"):
        Biometrics.of(3, [])


def test_a_header_whose_format_is_not_that_of_the_data():
    objects = Template.of(Modality.FACE, FormatType.FACE_39794, b"").objects
    swapped = Template(tlv.parse(objects[0].build() + tlv.build(0x5F2E, b"")))
    assert Template(objects).format_agrees
    assert not swapped.format_agrees


def test_a_count_of_255_templates_makes_none():
    data = bytes.fromhex("75077F61040201FF00")
    with pytest.raises(EncodingError):
        Biometrics.parse(2, data)
    found = Biometrics.parse(2, bytes.fromhex("75067F61030201FF"))
    assert found.templates() == ()
    assert [(one.kind, one.actual) for one in found.deviations] == [(Departure.WRONG_COUNT, "0")]


def test_a_record_length_that_is_8_bytes_wrong_is_read_and_named():
    record = FaceRecord((Face.of(JPEG),)).build()
    wrong = record[:8] + struct.pack(">I", len(record) + 8) + record[12:]
    found = FaceRecord.parse(wrong)
    assert (found.faces, [one.kind for one in found.deviations]) == ((Face.of(JPEG),), [Departure.RECORD_LENGTH])
    assert found.build() == wrong
    with pytest.raises(EncodingError, match="bytes announced"):
        FaceRecord.parse(record[:8] + struct.pack(">I", len(record) + 9) + record[12:])


@given(st.lists(st.tuples(st.binary(max_size=40), st.lists(st.binary(min_size=8, max_size=8), max_size=3)), max_size=3))
def test_faces_with_points_are_read_as_they_were_written(drawn):
    faces = tuple(Face(image, 1, 2, 0, points=tuple(points), pose=b"abc") for image, points in drawn)
    assert FaceRecord.parse(FaceRecord(faces).build()).faces == faces


@given(st.binary(max_size=80))
def test_any_record_is_read_or_refused(tail):
    data = b"FAC\x00010\x00" + struct.pack(">IH", 14 + len(tail), 1) + tail
    try:
        assert FaceRecord.parse(data).build() == data
    except EncodingError:
        return


@given(st.sampled_from([2, 3, 4]), st.binary(max_size=60))
def test_any_group_is_read_or_refused(number, content):
    data = tlv.build({2: 0x75, 3: 0x63, 4: 0x76}[number], content)
    try:
        found = Biometrics.parse(number, data)
        shown = [(one.modality, one.format_type, one.data) for one in found.templates()]
    except EncodingError:
        return
    assert len(shown) == len(found.templates())


def test_portraits_and_signatures():
    group = DisplayedImages.of(7, [JPEG, SIZED])
    assert group.build()[:1].hex() == "67"
    found = DisplayedImages.parse(7, group.build() + bytes(3))
    assert (found.images(), found.deviations) == ((JPEG, SIZED), ())
    assert found.objects[1].tag == 0x5F43
    assert DisplayedImages.of(5, [JPEG]).objects[1].tag == 0x5F40
    with pytest.raises(EncodingError, match="got 0 images"):
        DisplayedImages.of(5, [])
