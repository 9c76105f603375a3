"""Face blocks of ISO/IEC 39794-5: the form of the published sample, and blocks nobody may accept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.face39794 import FaceBlock, build_dg2_39794
from cardkit.apps.emrtd.rules.biometric import faces
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

from .test_biometrics import JPEG, SIZED


def block(information="A003800102", faces=1, version="800103 810207E3"):
    """Return the content of 7F2E for an image of one byte, put together by hand."""

    def within(tag, content):
        return tlv.build(tag, content)

    picture = within(0xA0, within(0xA0, bytes.fromhex("8001FF") + within(0xA1, bytes.fromhex(information))))
    face = within(0x30, bytes.fromhex("800100") + within(0xA1, picture))
    inner = within(0xA0, bytes.fromhex(version)) + within(0xA1, faces * face)
    return within(0xA1, within(0x65, inner))


def test_the_minimal_form_of_the_sample():
    expected = "A1226520 A007800103810207E3 A1153013800100 A10EA00CA00A8001FF A105A003800102"
    assert block() == bytes.fromhex(expected)
    found = FaceBlock.parse(block())
    assert (found.version, found.image, found.data_format, found.kind, found.size) == (
        (3, 2019),
        b"\xff",
        2,
        None,
        None,
    )


def test_kind_and_size_where_they_are_said():
    found = FaceBlock.parse(block("A003800104 A103800100 A708 800200F0 81020140"))
    assert (found.data_format, found.kind, found.size) == (4, 0, (240, 320))


@pytest.mark.parametrize(("image", "form"), [(JPEG, 2), (SIZED, 3)])
def test_a_group_of_a_face(image, form):
    template = Biometrics.parse(2, build_dg2_39794(image)).templates()[0]
    assert (template.data_tag, template.format_type, template.format_agrees) == (0x7F2E, 0x2A, True)
    found = FaceBlock.parse(template.data)
    assert (found.image, found.data_format, found.version) == (image, form, (3, 2019))


@pytest.mark.parametrize(
    "content",
    [b"", block(faces=0), block(faces=2), block(information=""), block(version="800103"), block()[:-1], b"\xa1\x00"],
)
def test_blocks_that_are_none(content):
    with pytest.raises(EncodingError, match="face block"):
        FaceBlock.parse(content)


def found_in(content):
    template = Template.of(Modality.FACE, FormatType.FACE_39794, content)
    return [one.rule for one in faces({"EF.DG2": Biometrics.of(2, [template]).build()})]


def test_each_fault_of_a_block_is_named_by_its_rule():
    good = FaceBlock.of(JPEG).content
    assert found_in(good) == []
    assert found_in(good.replace(bytes.fromhex("A003800102"), bytes.fromhex("A003800103"))) == ["EMRTD-053"]
    assert found_in(good.replace(bytes.fromhex("810207E3"), bytes.fromhex("810207E4"))) == ["EMRTD-053"]
    assert found_in(block()) == ["EMRTD-054"]
    assert found_in(b"") == ["EMRTD-053"]


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_changed_byte_gives_a_block_or_an_error(at, value):
    data = bytearray(block("A003800104 A103800100 A708 800200F0 81020140"))
    data[at % len(data)] = value
    try:
        assert FaceBlock.parse(bytes(data)).content == bytes(data)
    except EncodingError:
        return
