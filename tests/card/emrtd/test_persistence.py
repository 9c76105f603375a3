"""A chip outlives its process, and a power cut leaves it as it was before a command or after it."""

import pytest

from cardkit.virtual import make_card

from . import issuance
from .issuance import CAN, DG1, domain
from .plant import AID, Plant, apdu, create, make_applet, make_native
from .reader import Reader
from .tlv import tlv

MAKERS = {"emrtd-native": make_native, "emrtd-applet": make_applet}


@pytest.mark.parametrize("image", MAKERS)
def test_a_finished_document_is_the_same_after_its_process(tmp_path, image):
    path = tmp_path / "document.chip"
    made = MAKERS[image](make_card(image, seed=1, store=path), issuance.document())
    again = make_card(image, store=path)
    assert (again.serial, again.memory()) == (made.serial, made.memory())
    reader = Reader(again)
    reader.pace(2, 2, domain(13), 13, CAN, password=2)
    reader.select_application()
    assert reader.read("0101") == DG1


COMMANDS = {
    "create a directory": lambda plant: plant.send(
        apdu(0, 0xE0, 0, 0, tlv("62", tlv("82", b"\x38"), tlv("83", b"\x3f\x01"), tlv("84", AID)))
    ),
    "create a file": lambda plant: create(plant, b"\x01\x1c", 20, "always"),
    "a password": lambda plant: plant.send(apdu(0, 0xDA, 0x80, 0x03, tlv("81", b"123456"))),
    "a key": lambda plant: plant.send(apdu(0, 0xDA, 0x81, 0x03, issuance.private(12, 7))),
}


@pytest.mark.parametrize("what", COMMANDS)
def test_a_torn_command_happened_or_did_not(what):
    def plant():
        return Plant(make_card("emrtd-native", seed=1))

    before, after = plant(), plant()
    assert COMMANDS[what](after) == b"\x90\x00"
    states = [card.card.memory() for card in (before, after)]
    seen, step = [], 1
    while True:
        torn = plant()
        torn.card.cut_at(step)
        answer = COMMANDS[what](torn)
        torn.card.power(True)
        seen.append(states.index(torn.card.memory()))
        if answer:
            break
        step += 1
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1
    assert len(seen) > 1
