"""Whatever comes, a document chip answers two bytes at least, and gives nothing that needs a right."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.virtual import make_card

from . import issuance
from .issuance import CAN, DG1, MRZ_INFORMATION, domain
from .plant import Plant, apdu, make_2006, make_applet, make_native
from .reader import Reader, RefusedError

INSTRUCTIONS = list(bytes.fromhex("222A2C445070828486 88A4B0B1C0CACBD6D7DADBE0E2E4E6"))
PARAMETERS = [(0xC1, 0xA4), (0x41, 0xA4), (0x41, 0xA6), (0x81, 0xB6), (0x81, 0xA4), (0, 0), (0, 0xBE), (4, 12), (2, 12)]
TAGS = ["7C", "80", "81", "83", "84", "85", "91", "7F4E", "5F37", "54", "53", "62", "82", "8C", "7F4C"]
KNOWN = [bytes.fromhex(issuance.BSI + "040202"), bytes.fromhex(issuance.BSI + "030202"), b"\x01", b"UTCVCA00001", b""]


def _objects(inner):
    def build(parts):
        return b"".join(bytes.fromhex(tag) + bytes((len(value) & 0x7F,)) + value[:0x7F] for tag, value in parts)

    return st.lists(st.tuples(st.sampled_from(TAGS), inner), max_size=3).map(build)


VALUES = st.one_of(st.binary(max_size=70), st.sampled_from(KNOWN))
DATA = st.one_of(VALUES, _objects(VALUES), _objects(_objects(VALUES)))
PLAIN = st.tuples(st.sampled_from(INSTRUCTIONS), st.sampled_from(PARAMETERS), DATA)
COMMANDS = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda cla, plain, ne: apdu(cla, plain[0], *plain[1], plain[2][:255], ne),
        st.sampled_from([0x00, 0x10, 0x80, 0x04, 0x84, 0x0C, 0x1C]),
        PLAIN,
        st.sampled_from([None, 0, 8, 256]),
    ),
)
DOCUMENT = issuance.document()
FINISHED = {
    "emrtd-native": make_native(make_card("emrtd-native", seed=1), DOCUMENT),
    "emrtd-applet": make_applet(make_card("emrtd-applet", seed=1), DOCUMENT),
    "emrtd-2006": make_2006(make_card("emrtd-2006", seed=1)),
}


def copied(image):
    card = FINISHED[image]
    return copy.deepcopy(card, {id(card.image): card.image})


@pytest.mark.parametrize("image", FINISHED)
@settings(max_examples=12, deadline=None)
@given(commands=st.lists(COMMANDS, min_size=1, max_size=12))
def test_a_finished_document_gives_strangers_nothing(image, commands):
    card = copied(image)
    for command in commands:
        answer = card.transmit(command)
        assert len(answer) >= 2
        assert DG1[5:40] not in answer
    card.power(True)
    reader = Reader(card)
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    reader.send(0, 0xA4, 2, 0x0C, b"\x01\x01")
    assert reader.send(0, 0xB0, 0, 0, ne=90) == DG1[:90]


@settings(max_examples=12, deadline=None)
@given(commands=st.lists(PLAIN, min_size=1, max_size=8))
def test_a_session_survives_what_is_wrong_inside_it(commands):
    reader = Reader(copied("emrtd-native"))
    reader.pace(2, 2, domain(13), 13, CAN, password=2)
    naked = []
    for ins, (p1, p2), data in commands:
        try:
            reader.send(0, ins, p1, p2, data, 256)
        except RefusedError as refusal:
            naked += [] if refusal.protected else [f"{ins:02X}{p1:02X}{p2:02X} {data.hex()}: {refusal.sw}"]
    assert naked == []


@settings(max_examples=12, deadline=None)
@given(commands=st.lists(PLAIN, min_size=1, max_size=8))
def test_a_blank_chip_survives_its_plant(commands):
    plant = Plant(make_card("emrtd-native", seed=1))
    for ins, (p1, p2), data in commands:
        assert len(plant.send(apdu(0, ins, p1, p2, data[:200], 0))) >= 2
