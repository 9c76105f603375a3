"""The client on a virtual card, command by command: what a library user does without a profile."""

from __future__ import annotations

import copy

import pytest

from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import STANDARD, FileRules, Operation, Security
from cardkit.apps.cipurse.attributes import EfAttributes, FileType
from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.cipurse.commands import KeyToLoad, NewDirectory, Syntax
from cardkit.apps.iso7816.commands import update_record
from cardkit.crypto import Key, Usage
from cardkit.crypto.cipurse import enciphered, kvv
from cardkit.errors import AuthenticationError, NotFoundError, StatusError
from cardkit.secure.cipurse import Level, Pair
from cardkit.virtual import make_card

from .conftest import inserted

DELIVERED = Key(b"\x73" * 16, "delivered", "AES-128", Usage.SECURE_CHANNEL)
OWN = Key(bytes(range(0x40, 0x50)), "own", "AES-128", Usage.SECURE_CHANNEL)
ROOT = FileRules(Security(bytes(2), b"\xff" * 9), STANDARD.directory)
APP = FileRules(Security(bytes.fromhex("5555"), b"\xff\xff"), STANDARD.directory)
AID = bytes.fromhex("F04D4554524F")
NINE = [Pair(command, response) for command in Level for response in Level]


def security(pair):
    """Rules of a file whose READ and UPDATE have one pair of levels; its attributes have MACs."""
    return Security(bytes((pair.nibble << 4 | pair.nibble, 0x55)), b"\xff\xff")


class Made:
    """A card with one application, its key, and a file for each of the nine pairs, in transactions."""

    def __init__(self):
        self.chip = make_card("cipurse", seed=1)
        client = self.client()
        client.select_mf()
        self.open(client, 2, DELIVERED)
        new = NewDirectory(FileType.DIRECTORY, 0x40, 0x5F00, 16, 16, AID)
        key = KeyToLoad(enciphered(OWN, DELIVERED), kvv(OWN), 1, 2)
        command = commands.create_directory(Syntax.V3, new, APP.security, [key], 2)
        client.require(command, "application", Pair(Level.ENC, Level.MAC))
        client.leave()
        client.select_application(AID)
        self.open(client, 1, OWN)
        for number, pair in enumerate(NINE, 1):
            file = EfAttributes(FileType.BINARY_T, number, 0x6000 + number, 40, security=security(pair))
            client.require(commands.create_file(Syntax.V3, file), "file", APP.pair(Operation.CREATE))
        rules = security(NINE[4])
        for sfid, kind in ((10, FileType.LINEAR_T), (11, FileType.CYCLIC), (12, FileType.VALUE_T)):
            file = EfAttributes(kind, sfid, 0x6000 + sfid, records=3, record_size=16, security=rules)
            client.require(commands.create_file(Syntax.V3, file), "file", APP.pair(Operation.CREATE))

    def client(self, chip=None):
        return CipurseClient(inserted(chip or self.chip).channel)

    @staticmethod
    def open(client, number, key):
        client.authenticate(number, key, client.challenge(), bytes(range(number, 22 + number)))


@pytest.fixture(scope="module")
def made():
    return Made()


@pytest.fixture
def client(made):
    """A session with the application's key, on a card of one's own."""
    found = made.client(copy.deepcopy(made.chip))
    found.select_application(AID)
    made.open(found, 1, OWN)
    return found


MAC = FileRules(security(NINE[4]), STANDARD.file)


@pytest.mark.parametrize("number", range(1, 10), ids=map(str, NINE))
def test_files_of_all_nine_pairs_are_written_and_read(client, number):
    rules, body = FileRules(security(NINE[number - 1]), STANDARD.file), bytes(range(number, number + 40))
    client.write(rules, body, number)
    assert client.read(rules, 40, number) == body
    client.perform()
    assert client.read(rules, 40, number) == body


def test_a_session_over_all_pairs_never_breaks(client):
    for number, pair in enumerate(NINE, 1):
        rules = FileRules(security(pair), STANDARD.file)
        client.write(rules, bytes([number]) * 40, number)
        with pytest.raises(StatusError):
            client.require(commands.read_value(1, number), "no counter", pair)
    client.perform()
    for number, pair in enumerate(NINE, 1):
        assert client.read(FileRules(security(pair), STANDARD.file), 40, number) == bytes([number]) * 40


def test_what_is_cancelled_is_as_before(client):
    client.write(MAC, b"\x01" * 40, 5)
    client.cancel()
    assert client.read(MAC, 40, 5) == bytes(40)


def test_records_are_appended(client):
    for text in (b"first", b"second"):
        client.append(MAC, text, 11)
    assert client.record(MAC, 1, 16, 11) == b"second".ljust(16, b"\0")
    assert client.record(MAC, 2, 16, 11) == b"first".ljust(16, b"\0")


def test_limited_credit_gives_back_what_was_taken_and_no_more(client):
    rules = FileRules(MAC.security, STANDARD.value)
    record = b"".join(number.to_bytes(4, signed=True) for number in (50, 0, 100)) + bytes(4)
    client.require(update_record(1, record, 12), "counter", NINE[4])
    client.perform()
    assert client.change_value(Operation.DECREASE, rules, 1, 30, 12) == 20
    client.perform()
    with pytest.raises(StatusError, match="6985"):
        client.change_value(Operation.LIMITED_INCREASE, rules, 1, 31, 12)
    assert client.change_value(Operation.LIMITED_INCREASE, rules, 1, 30, 12) == 50
    client.perform()
    assert client.value(rules, 1, 12) == 50


def test_an_application_goes_out_of_use_and_back(made, client):
    client.deactivate(APP)
    with pytest.raises(StatusError, match="6985"):
        client.read(MAC, 40, 5)
    client.activate(APP)
    assert client.read(MAC, 40, 5) == bytes(40)


def test_files_and_applications_are_deleted(made, client):
    client.delete(APP, 0x6005)
    with pytest.raises(NotFoundError):
        client.read(MAC, 40, 5)
    client.delete(APP)
    assert client.key == 0
    with pytest.raises(NotFoundError):
        client.select_application(AID)


def test_an_application_is_deleted_by_its_name(made):
    client = made.client(copy.deepcopy(made.chip))
    client.select_mf()
    made.open(client, 2, DELIVERED)
    client.delete(ROOT, AID)
    with pytest.raises(NotFoundError):
        client.select_application(AID)


def test_a_card_is_made_blank_again(made):
    chip = copy.deepcopy(made.chip)
    client = made.client(chip)
    client.select_mf()
    made.open(client, 2, DELIVERED)
    client.format_all(ROOT)
    with pytest.raises(NotFoundError):
        client.select_application(AID)
    assert client.directory(ROOT).memory == (4096, 4096)


def test_a_wrong_key_is_tried_once(made):
    sent = []
    chip = copy.deepcopy(made.chip)
    transmit = chip.transmit
    chip.transmit = lambda command: sent.append(command[1]) or transmit(command)
    client = made.client(chip)
    client.select_application(AID)
    with pytest.raises(AuthenticationError, match="it has another key"):
        made.open(client, 1, DELIVERED)
    assert sent.count(0x82) == 1
    assert client.key == 0


@pytest.mark.parametrize(
    ("image", "syntax"), [("cipurse-v1", Syntax.V1), ("cipurse-v2", Syntax.V2), ("cipurse", Syntax.V3)]
)
def test_the_syntax_is_the_cards(image, syntax):
    client = CipurseClient(inserted(make_card(image, seed=1)).channel)
    client.select_mf()
    info = client.id_info()
    assert (client.syntax, info.syntax) == (syntax, syntax)
    assert (info.profiles, info.maker, info.modes) == ("LST", "Infineon", ["file system", "transactions"])
