"""A national identity card: travel document, keys of authentication and signature (ICAO Doc 9303-10, ISO 7816-15)."""

import copy
from functools import lru_cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from cardkit.virtual import make_card
from cardkit.virtual.chips import ChipDirectory
from cardkit.virtual.social.lies import social_lies
from tests.card.eid import structure
from tests.card.eid.test_pkcs15 import P256, curve
from tests.card.emrtd import issuance
from tests.card.emrtd.issuance import CAN, DG1, domain
from tests.card.emrtd.plant import AID, Plant, apdu, make_applet
from tests.card.emrtd.reader import Reader, RefusedError
from tests.card.social.conftest import Terminal

IMAGE = "national-id"
ISD, DOCUMENT, IDENTITY = "A000000151000000", AID.hex().upper(), "F276A288BCFBA69D34F31001"
PIN, PUK = "31323334", "3132333435363738"
VERIFY, PIN_STATE = "0020000104" + PIN, "0020000100"
AUTHENTICATION, SIGNATURE = "00", "01"  # key references
DIGEST = bytes(range(32))
TO_PERSONALIZE = bytes((0, 0, len(AID))) + AID + bytes(3)


def give_keys(terminal):
    """The PKCS#15 part: a directory, both keys made on the card, PUK and PIN; the public keys."""
    assert terminal.select(IDENTITY).endswith("9000")
    terminal.ok(structure.directory("5015", "A000000063504B43532D3135"), structure.file("5031", 8))
    public, parameters = {}, curve(*P256)
    for reference in (AUTHENTICATION, SIGNATURE):
        terminal.ok(f"00224100068001EC8401{reference}")
        made = terminal.ok(f"0046000000{len(parameters) // 2:04X}{parameters}0000")
        public[reference] = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(made)[-65:])
    terminal.ok(f"0024010208{PUK}", f"0024010104{PIN}")
    return public


def sign(terminal, reference):
    return bytes.fromhex(terminal.ok(f"002241B6068001228401{reference}", f"002A9E9A20{DIGEST.hex()}00"))


@lru_cache(maxsize=1)
def finished_card():
    terminal = Terminal(make_applet(make_card(IMAGE, seed=1), issuance.document()))
    return terminal, give_keys(terminal)


@pytest.fixture
def blank():
    return Terminal(make_card(IMAGE, seed=1))


@pytest.fixture
def finished():
    """A fresh copy of a card with both, after a reset, and the public keys."""
    terminal, public = finished_card()
    copied = Terminal(copy.deepcopy(terminal.card, {id(terminal.card.image): terminal.card.image}))
    copied.card.power(cold=True)
    return copied, public


def read_document(card):
    reader = Reader(card)
    reader.pace(2, 2, domain(13), 13, CAN, password=2)
    reader.select_application()
    assert reader.read("0101") == DG1
    return reader


def test_the_answer_to_reset_tells_it_from_a_document_alone(blank):
    atr = blank.card.atr()
    check = 0
    for byte in atr[1:]:
        check ^= byte
    assert (check, atr[-6:-1]) == (0, b"TVN-1")
    assert atr != make_card("emrtd-applet").atr()


def test_a_blank_card_has_the_platform_and_an_empty_signature_part(blank):
    serial = blank.card.serial.hex().upper()
    assert blank.ok("80CA9F7F00")[6 + 24 : 6 + 36] == serial
    assert blank.select(DOCUMENT) == "6A82"
    assert blank.select(IDENTITY) == f"0006070000{serial}9000"
    assert blank(PIN_STATE) == "6A88"
    assert blank("80CA9F7F00") == "6E00"
    blank.card.power(cold=False)
    assert blank("80CA9F7F00").endswith("9000")


def test_both_parts_are_made_in_either_order():
    first, second = Terminal(make_card(IMAGE, seed=1)), Terminal(make_card(IMAGE, seed=1))
    make_applet(first.card, issuance.document())
    give_keys(first)
    give_keys(second)
    second.ok(f"00A4040008{ISD}00")
    make_applet(second.card, issuance.document())
    for terminal in (first, second):
        terminal.card.power(cold=True)
        read_document(terminal.card)
        terminal.select(IDENTITY)
        terminal.ok(VERIFY)


def test_the_document_is_read_and_both_keys_sign(finished):
    terminal, public = finished
    read_document(terminal.card)
    assert terminal.select(IDENTITY).endswith("9000")
    assert terminal(f"002A9E9A20{DIGEST.hex()}00") == "6985"
    terminal.ok(VERIFY)
    for reference, key in public.items():
        key.verify(sign(terminal, reference), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_the_document_answers_first_after_a_reset(finished):
    terminal, _ = finished
    assert terminal("00A4020C02011C") == "9000", "EF.CardAccess without a selection"
    terminal.select(IDENTITY)
    assert terminal("00A4020C02011C") == "6A82"
    terminal.card.power(cold=False)
    assert terminal("00A4020C02011C") == "9000"


@pytest.mark.parametrize("other", [ISD, DOCUMENT])
def test_a_verified_pin_is_forgotten_when_the_other_is_selected(finished, other):
    terminal, _ = finished
    terminal.select(IDENTITY)
    terminal.ok(VERIFY)
    assert terminal.select(other).endswith("9000")
    assert terminal.card.chip.ask("identity/", bytes.fromhex(PIN_STATE)) == b"\x63\xc3"
    terminal.select(IDENTITY)
    assert terminal(PIN_STATE) == "63C3"


def test_a_session_with_the_document_ends_when_the_keys_are_selected(finished):
    terminal, _ = finished
    reader = read_document(terminal.card)
    terminal.select(IDENTITY)
    with pytest.raises(RefusedError, match=r"6882|6D00|6E00"):
        reader.read("0101")
    terminal.select(DOCUMENT)
    with pytest.raises(RefusedError):
        reader.read("0101")
    terminal("00A4020C020101")
    assert terminal("00B0000004") == "6982"


def test_a_failed_selection_changes_nothing(finished):
    terminal, _ = finished
    terminal.select(IDENTITY)
    terminal.ok(VERIFY)
    for name in ("A0000000999999", IDENTITY[:-2]):
        assert terminal.select(name) == "6A82"
    assert terminal(PIN_STATE) == "9000"
    assert terminal.select("A000000063504B43532D3135").endswith("9000"), "a directory of the current application"


def test_each_part_has_a_state_of_its_own(finished):
    terminal, _ = finished
    terminal.ok(f"00A4040008{ISD}00")
    plant = Plant(terminal.card)
    assert plant.send(apdu(0x80, 0xE6, 0x20, 0, TO_PERSONALIZE, 0)) == b"\x69\x85"
    terminal.select(IDENTITY)
    terminal.ok("00224100068001EC840103")
    assert terminal(f"00460000{len(curve(*P256)) // 2:06X}{curve(*P256)}0000") == "6982"
    for _ in range(3):
        terminal("0020000104" + "39393939")
    assert terminal(VERIFY) == "6983"
    terminal.card.power(cold=True)
    read_document(terminal.card)


def test_the_locked_document_leaves_the_keys_open():
    terminal = Terminal(make_applet(make_card(IMAGE, seed=1), issuance.document()))
    terminal.select(IDENTITY)
    terminal.ok(structure.file("0002", 4), "00D6000004CAFEBABE")


def test_a_locked_card_has_no_other_application(finished):
    terminal, _ = finished
    terminal.ok(f"00A4040008{ISD}00")
    plant = Plant(terminal.card)
    for state in (0x07, 0x0F, 0x7F):
        plant.ok(0x80, 0xF0, 0x80, state)
    assert terminal.select(IDENTITY)[-4:] in ("6A81", "6A82", "6985")
    assert terminal(PIN_STATE) != "63C3"


def test_it_outlives_its_process(tmp_path):
    chips = ChipDirectory(tmp_path, IMAGE)
    made = Terminal(chips.fresh())
    make_applet(made.card, issuance.document())
    public = give_keys(made)
    again = Terminal(chips.open(made.card.serial))
    assert again.card.memory() == made.card.memory()
    read_document(again.card)
    again.select(IDENTITY)
    again.ok(VERIFY)
    public[SIGNATURE].verify(sign(again, SIGNATURE), DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def test_it_lies_as_social_cards_do(finished):
    terminal, _ = finished
    lying = Terminal(social_lies()["selection-ignored"](terminal.card))
    assert lying.select(IDENTITY).endswith("9000")
    assert lying("80CA9F7F00").endswith("9000"), "the platform still answers"
    terminal.card.power(cold=True)
    lying = Terminal(social_lies()["neighbour-answers"](terminal.card))
    lying.select(IDENTITY)
    assert lying("80CA9F7F00").endswith("9000"), "the platform does, unasked"


def lock(terminal):
    terminal.ok(f"00A4040008{ISD}00")
    plant = Plant(terminal.card)
    plant.ok(0x80, 0xE6, 0x20, 0, TO_PERSONALIZE, 0)
    return lambda: plant.send(apdu(0x80, 0xE2, 0x88, 0, bytes.fromhex("9F010101"))).hex().upper()


def first_pin(terminal):
    terminal.select(IDENTITY)
    return lambda: terminal(f"0024010104{PIN}")


def create(terminal):
    terminal.select(IDENTITY)
    return lambda: terminal(structure.directory("5016"))


@pytest.mark.parametrize(("prepare", "prefix"), [(lock, "document/"), (first_pin, "identity/"), (create, "identity/")])
def test_a_torn_command_happened_or_did_not_and_only_in_its_part(prepare, prefix):
    base = Terminal(make_applet(make_card(IMAGE, seed=1), issuance.document(), lock=False))
    other = "identity/" if prefix == "document/" else "document/"

    def copied():
        terminal = Terminal(copy.deepcopy(base.card, {id(base.card.image): base.card.image}))
        return terminal, prepare(terminal)

    terminal, command = copied()
    before = lasting(terminal, prefix)
    assert command() == "9000"
    states, seen = [before, lasting(terminal, prefix)], []
    for step in range(1, 20):
        terminal, command = copied()
        untouched = lasting(terminal, other)
        terminal.card.cut_at(step)
        answer = command()
        terminal.card.power(cold=True)
        assert lasting(terminal, other) == untouched
        seen.append(states.index(lasting(terminal, prefix)))
        if answer:
            break
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 1)


def lasting(terminal, prefix):
    """Cells of one part, but for what an unfinished command leaves behind and the session counter."""
    cells = terminal.cells(prefix).items()
    return {name: value for name, value in cells if not name.endswith("/journal") and "/tries/" not in name}
