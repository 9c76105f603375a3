"""Storage cards behind a reader that answers for them: known by their ATR, read, and opened with a key."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.registry import get_app
from cardkit.apps.storage.app import APP
from cardkit.apps.storage.client import KeyKind, StorageClient
from cardkit.apps.storage.dump import look, look_with_key
from cardkit.apps.storage.layout import CLASSIC, PagesHead, access_bits, sectors
from cardkit.channel import Channel
from cardkit.cli import transit, transit_blocks
from cardkit.crypto import Secret
from cardkit.errors import AuthenticationError, CardError, EncodingError, NotFoundError, ProfileError, ProtocolError

TODAY = date(2026, 11, 22)
UID = bytes.fromhex("04112233445566")
KEY = Secret(bytes.fromhex("A0A1A2A3A4A5"), "key")
TRAILER = bytes(6) + bytes.fromhex("FF078069") + bytes(6)


def head():
    first, second = UID[:3], UID[3:]
    check1 = 0x88 ^ first[0] ^ first[1] ^ first[2]
    check2 = second[0] ^ second[1] ^ second[2] ^ second[3]
    return first + bytes((check1,)) + second + bytes((check2, 0x48, 0xF0, 0x0F)) + bytes.fromhex("E1100600")


def atr_of(name, standard=3):
    body = bytes.fromhex("8F8001804F0CA000000306") + bytes((standard,)) + name.to_bytes(2, "big") + bytes(4)
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes((check,))


class Reader:
    """A reader with a storage card: answers pseudo-APDUs as PC/SC part 3 says."""

    protocol = 2

    def __init__(self, name, blocks, uid=UID, key=b""):
        self.atr, self.uid, self.blocks, self.key = atr_of(name), uid, blocks, key
        self.loaded, self.opened, self.sent = b"", None, []

    def transmit(self, command):
        self.sent.append(command)
        cla, ins, p1, p2 = command[:4]
        assert cla == 0xFF
        if ins == 0xCA:
            return self.uid + b"\x90\x00" if p1 == 0 else b"\x6a\x81"
        if ins == 0x82:
            self.loaded = command[5:]
            return b"\x90\x00"
        if ins == 0x86:
            assert command[4:7] == bytes((5, 1, 0))
            self.opened = command[7] if self.loaded == self.key else None
            return b"\x90\x00" if self.opened is not None else b"\x63\x00"
        if ins == 0xB0 and p2 in self.blocks and (not self.key or self.opened is not None):
            return self.blocks[p2] + b"\x90\x00"
        return b"\x63\x00"

    def close(self):
        """Nothing to do."""


def ultralight():
    pages = head() + b"\x03\x0b" + b"NDEF message" * 4
    return Reader(0x0003, {page: pages[4 * page : 4 * page + 16].ljust(16, b"\0") for page in range(0, 16, 4)})


def classic(name=0x0001):
    blocks = {number: bytes((number % 256,)) * 16 for number in range(256)}
    for sector in sectors(CLASSIC[name]):
        blocks[sector.trailer] = TRAILER
    return Reader(name, blocks, uid=UID[:4], key=bytes.fromhex("A0A1A2A3A4A5"))


def test_an_ultralight_is_read_without_a_key():
    found = look(Channel(ultralight()), TODAY)
    part = found["storage"]
    assert (found["class"], part["uid"]) == ("storage card", UID.hex().upper())
    assert "Ultralight" in part["product"]
    assert (part["lock"], part["capability"]) == ("F00F", "E1100600")
    assert len(part["pages"]) == 16
    assert part["pages"]["4"] == b"\x03\x0bND".hex().upper()
    assert "pages" not in APP.public(found)["storage"]
    assert any("capability: E1100600" in line for line in APP.lines(found))
    assert ("storage card capability", "E1100600") in list(APP.places(found))


def test_reading_ends_where_the_card_does():
    reader = ultralight()
    del reader.blocks[8]
    assert list(look(Channel(reader), TODAY)["storage"]["pages"]) == [str(page) for page in range(8)]


@pytest.mark.parametrize("place", range(9))
def test_a_uid_whose_check_bytes_are_wrong_is_the_cards_fault(place):
    reader = ultralight()
    changed = bytearray(reader.blocks[0])
    changed[place] ^= 1
    reader.blocks[0] = bytes(changed)
    with pytest.raises(ProtocolError, match="check byte"):
        look(Channel(reader), TODAY)


@pytest.mark.parametrize(("name", "count"), sorted(CLASSIC.items()))
def test_a_classic_is_read_with_its_key(name, count):
    reader = classic(name)
    part = look_with_key(Channel(reader), KEY, KeyKind.A)["storage"]
    assert len(part["sectors"]) == count
    assert part["sectors"]["0"] == {"0": "00" * 16, "1": "01" * 16, "2": "02" * 16, "access": "0 0 0 1"}
    assert {command[8] for command in reader.sent if command[1] == 0x86} == {KeyKind.A}


def test_a_classic_with_another_key_stays_closed():
    reader = classic()
    part = look_with_key(Channel(reader), Secret(bytes(6), "other"), KeyKind.B)["storage"]
    assert set(part["sectors"].values()) == {"closed"}
    client = StorageClient(Channel(reader))
    with pytest.raises(AuthenticationError, match="key B is refused"):
        client.authenticate(4, KeyKind.B, 0)
    with pytest.raises(NotFoundError):
        client.read(4)


def test_without_a_key_nothing_of_a_classic_is_read():
    reader = classic()
    assert "sectors" not in look(Channel(reader), TODAY)["storage"]
    assert {command[1] for command in reader.sent} == {0xCA}


@pytest.mark.parametrize("size", [0, 5, 16])
def test_a_key_of_another_length_is_not_loaded(size):
    reader = classic()
    with pytest.raises(EncodingError, match=f"{size} bytes"):
        look_with_key(Channel(reader), Secret(bytes(size), "k"), KeyKind.A)
    assert reader.sent == []


def test_historical_bytes_are_told_or_not():
    assert StorageClient(Channel(ultralight())).historical() == b""


@pytest.mark.parametrize("uid", [b"", b"\x04", bytes(8)])
def test_a_uid_of_another_length_is_none(uid):
    reader = ultralight()
    reader.uid = uid
    with pytest.raises(ProtocolError, match="expected 4, 7 or 10"):
        look(Channel(reader), TODAY)


@pytest.mark.parametrize("atr", ["3B8180018080", "3B00", "3BFB9600008131FE458073C821C0555645504956B4"])
def test_other_cards_are_none(atr):
    reader = ultralight()
    reader.atr = bytes.fromhex(atr)
    with pytest.raises(CardError):
        look(Channel(reader), TODAY)
    assert reader.sent == []


@given(st.binary(min_size=16, max_size=16))
@settings(max_examples=100, deadline=None)
def test_access_bits_agree_with_their_complements_or_are_refused(trailer):
    try:
        bits = access_bits(trailer)
    except EncodingError:
        return
    assert all(0 <= condition <= 7 for condition in bits)
    flipped = bytearray(trailer)
    flipped[6] ^= 1
    with pytest.raises(EncodingError):
        access_bits(bytes(flipped))


@given(st.binary(max_size=20))
@settings(max_examples=100, deadline=None)
def test_first_pages_are_a_head_or_an_error(data):
    try:
        found = PagesHead.parse(data)
    except EncodingError:
        return
    assert (len(data), len(found.uid)) == (16, 7)


def test_no_profile_makes_one():
    with pytest.raises(ProfileError, match="no profile makes one"):
        get_app("storage").compile(None, None, None)


class Opened:
    """What the command line opens."""

    def __init__(self, connection):
        self.channel, self.atr = Channel(connection), connection.atr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing to do."""


def test_blocks_on_the_command_line(monkeypatch):
    monkeypatch.setattr(transit_blocks, "open_card", lambda _: Opened(classic()))

    class Store:
        def card_secret(self, reference):
            return {"test:transport": KEY}[reference]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            """Nothing to do."""

    monkeypatch.setattr("cardkit.cli.keys_option.open_keystore", lambda *_: Store())
    arguments = ["--reader", "pcsc:0", "--key", "test:transport"]
    told = CliRunner().invoke(transit_blocks.blocks, arguments, standalone_mode=False)
    assert "access: 0 0 0 1" in told.stdout
    found = CliRunner().invoke(transit_blocks.blocks, [*arguments, "--key-b", "--json"], standalone_mode=False)
    assert json.loads(found.stdout)["storage"]["uid"] == UID[:4].hex().upper()


def test_the_family_is_asked():
    assert "storage" in transit.FAMILIES
