"""A Calypso card made of answers: selected, listed, proven; sessions with a SAM that is nobody's."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.apps.calypso import client as calypso_client
from cardkit.apps.calypso import commands
from cardkit.apps.calypso.app import APP
from cardkit.apps.calypso.certificates import CardCertificate, Expected
from cardkit.apps.calypso.client import CalypsoClient, RootKey
from cardkit.apps.calypso.commands import Ins, SessionKey, SessionMode
from cardkit.apps.calypso.dump import look
from cardkit.apps.calypso.fci import Fci
from cardkit.apps.calypso.sam import Opened, SamSession
from cardkit.apps.registry import get_app
from cardkit.channel import Channel
from cardkit.cli import transit_prove
from cardkit.crypto import Secret
from cardkit.encoding import tlv
from cardkit.errors import (
    AuthenticationError,
    CardError,
    EncodingError,
    ProfileError,
    ProtocolError,
    SecureMessagingError,
    StatusError,
)
from tests.unit.calypso.test_vectors import EXPECTED, named, unhex


def found(kept, key, missing):
    return kept[key] + b"\x90\x00" if key in kept else missing


class Chip:
    """A card that knows a few answers; ``key`` signs its PKI sessions."""

    atr, protocol = unhex("3B8180018080"), 2

    def __init__(self):
        self.key = ec.derive_private_key(12345, ec.SECP256R1())
        aid = unhex("315449432e5445535431")
        inner = tlv.build(0xBF0C, tlv.build(0xC7, unhex("0000000011223344")) + tlv.build(0x53, unhex("0a3c3005141001")))
        self.fci = tlv.build(0x6F, tlv.build(0x84, aid) + tlv.build(0xA5, inner))
        ca = tlv.build(0xDF4A, unhex(named("pki CA certificate")["in"]["certificate"]))
        card = tlv.build(0xDF4C, unhex(named("pki card certificate")["in"]["certificate"]))
        self.objects = {
            0x00C0: tlv.build(0xC0, tlv.build(0xC1, unhex("200107021d02")) + tlv.build(0xC1, unhex("20020801ff01"))),
            0x0062: unhex(named("get data fcp")["out"]["response_example"])[:-2],
            0xDF4A: ca[:220], 0xDF4B: ca[220:], 0xDF4C: card[:220], 0xDF4D: card[220:],
        }  # fmt: skip
        self.records = {(7, 1): b"first".ljust(29), (7, 2): b"second".ljust(29)}
        self.sent, self.said, self.invalidated = [], b"", False
        self.refuses: dict[int, bytes] = {}

    def transmit(self, wire):
        self.sent.append(wire)
        _, ins, p1, p2 = wire[:4]
        answers = {
            Ins.SELECT: lambda: self.select(p1, wire[5:-1]),
            Ins.GET_DATA: lambda: found(self.objects, p1 << 8 | p2, b"\x6a\x88"),
            Ins.READ_RECORDS: lambda: found(self.records, (p2 >> 3, p1), b"\x6a\x83"),
            Ins.OPEN_SESSION: lambda: self.open(wire),
            Ins.CLOSE_SESSION: lambda: self.sign() + b"\x90\x00",
        }
        return self.refuses[ins] if ins in self.refuses else answers[ins]()

    def select(self, p1, name):
        if p1 == 0x04:
            return self.fci + (b"\x62\x83" if self.invalidated else b"\x90\x00")
        return b"\x85\x17\x07\x04" + bytes(3) + unhex("10100000") + unhex("00030101") + bytes(8) + name + b"\x90\x00"

    def open(self, wire):
        aid = unhex("315449432e5445535431")
        answer = bytes((len(aid),)) + aid + unhex("0000000011223344") + b"\x08" + unhex("0004d2a1a2a3a4a500217900")
        answer += b"\x90\x00"
        without_le = wire[:-1]
        self.said = b"\x10" + bytes((len(without_le),)) + without_le + bytes((len(answer),)) + answer
        return answer

    def sign(self):
        r, s = decode_dss_signature(self.key.sign(self.said, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def close(self):
        """Nothing to do."""


@pytest.fixture
def chip():
    return Chip()


@pytest.fixture
def root():
    return RootKey(unhex(named("pki CA certificate")["in"]["issuer_modulus"]), 65537)


@pytest.fixture
def certified(monkeypatch, chip):
    """The card's certificate with a key we have: that of the vector is nobody's."""
    numbers = chip.key.public_key().public_numbers()
    real = CardCertificate.open

    def open_with_our_key(data, modulus, exponent):
        found = real(data, modulus, exponent)
        fields = {name: getattr(found, name) for name in found.__slots__}
        return CardCertificate(**{**fields, "public_key": numbers.x.to_bytes(32) + numbers.y.to_bytes(32)})

    class Ours:
        open = staticmethod(open_with_our_key)

    monkeypatch.setattr(calypso_client, "CardCertificate", Ours)


def seeded(size):
    return bytes(range(size))


def test_a_card_is_looked_at(chip):
    found = look(Channel(chip), date(2026, 11, 22))
    part = found["calypso"]
    assert (found["class"], part["product"], part["uid"]) == ("Calypso", "prime rev 3", "0000000011223344")
    assert (part["pki"], part["session"]) == (True, "430 bytes")
    files = part["applications"]["315449432E5445535431"]["files"]
    assert files["7"]["data"] == [b"first".ljust(29).hex().upper(), b"second".ljust(29).hex().upper()]
    assert files["8"] == {
        "lid": "2002",
        "type": "binary",
        "size": 255,
        "records": 1,
        "access": "10100000",
        "key_indexes": "00030101",
        "status": "00",
    }
    assert "data" not in json.dumps(APP.public(found))
    assert "  Calypso prime rev 3, serial number 0000000011223344" in list(APP.lines(found))
    assert ("Calypso applications 315449432E5445535431 files 7 type", "linear") in list(APP.places(found))


def test_a_card_that_tells_no_files_says_so(chip):
    del chip.objects[0x00C0]
    part = look(Channel(chip), date(2026, 11, 22))["calypso"]
    assert "6A88" in part["applications"]["315449432E5445535431"]["trouble"]
    chip.objects[0x00C0] = tlv.build(0xC0, tlv.build(0xC1, b"\1"))
    part = look(Channel(chip), date(2026, 11, 22))["calypso"]
    assert "entry of 1 bytes" in part["applications"]["315449432E5445535431"]["trouble"]


def test_records_under_rights_are_closed(chip):
    chip.records = {}
    files = look(Channel(chip), date(2026, 11, 22))["calypso"]["applications"]["315449432E5445535431"]["files"]
    assert "6A83" in files["7"]["closed"]


def test_other_cards_are_none(chip):
    chip.refuses = {Ins.SELECT: b"\x6a\x82"}
    with pytest.raises(CardError):
        look(Channel(chip), date(2026, 11, 22))
    assert len(chip.sent) == 3
    chip.atr = unhex("3B00")
    with pytest.raises(ProtocolError, match="no contactless card"):
        look(Channel(chip), date(2026, 11, 22))


def test_an_invalidated_card_is_told(chip):
    chip.invalidated = True
    assert look(Channel(chip), date(2026, 11, 22))["calypso"]["invalidated"]


def test_a_session_is_proven(chip, root, certified):
    client = CalypsoClient(Channel(chip))
    fci = client.select(unhex("315449432e"))
    found = client.prove(root, EXPECTED, fci, seeded)
    assert found.serial == fci.serial
    assert chip.sent[-2] == unhex("008A00030900" + "0001020304050607" + "00")


def test_a_session_signed_by_another_key_is_not(chip, root):
    """The certificate is the vector's, the key is not."""
    client = CalypsoClient(Channel(chip))
    fci = client.select(unhex("315449432e"))
    with pytest.raises(AuthenticationError, match="signature of the card"):
        client.prove(root, EXPECTED, fci, seeded)


@pytest.mark.parametrize(
    ("refuses", "error"),
    [
        ({Ins.OPEN_SESSION: b"\x69\x85"}, StatusError),
        ({Ins.CLOSE_SESSION: b"\x69\x88"}, StatusError),
        ({Ins.CLOSE_SESSION: bytes(63) + b"\x90\x00"}, ProtocolError),
        ({Ins.CLOSE_SESSION: bytes(64) + b"\x90\x00"}, AuthenticationError),
        ({Ins.OPEN_SESSION: b"\1\x90\x00"}, AuthenticationError),
    ],
)
def test_a_session_that_goes_wrong(chip, root, certified, refuses, error):
    client = CalypsoClient(Channel(chip))
    fci = client.select(unhex("315449432e"))
    chip.refuses = refuses
    with pytest.raises(error):
        client.prove(root, EXPECTED, fci, seeded)


def test_a_card_of_another_serial_number_is_not_proven(chip, root, certified):
    client = CalypsoClient(Channel(chip))
    fci = client.select(unhex("315449432e"))
    with pytest.raises(AuthenticationError, match="another serial number"):
        client.prove(root, Expected(fci.aid, bytes(8), EXPECTED.today, EXPECTED.scope), fci, seeded)


def test_proving_on_the_command_line(monkeypatch, tmp_path, chip, root, certified):
    class Card:
        channel = Channel(chip)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            """Nothing to do."""

    public = RSAPublicNumbers(root.exponent, int.from_bytes(root.modulus)).public_key()
    path = tmp_path / "root.der"
    path.write_bytes(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    monkeypatch.setattr(transit_prove, "open_card", lambda _: Card())
    monkeypatch.setattr(transit_prove, "today", lambda: EXPECTED.today)
    arguments = ["--reader", "pcsc:0", "--root", str(path), "--scope", "test"]
    told = CliRunner().invoke(transit_prove.prove, arguments, standalone_mode=False)
    assert "20250101 to 20351231" in told.stdout
    found = CliRunner().invoke(transit_prove.prove, [*arguments, "--json"], standalone_mode=False)
    assert json.loads(found.stdout)["signature"] == "right"
    live = CliRunner().invoke(transit_prove.prove, arguments[:-2], standalone_mode=False)
    assert "another scope" in str(live.exception)
    path.write_bytes(chip.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    wrong = CliRunner().invoke(transit_prove.prove, arguments, standalone_mode=False)
    assert isinstance(wrong.exception, EncodingError)


def test_no_profile_makes_one():
    with pytest.raises(ProfileError, match="takes a SAM"):
        get_app("calypso").compile(None, None, None)


# A SAM that is nobody's: its MACs are AES-CMACs, which no Calypso card takes


class TestSam:
    __test__ = False

    def __init__(self):
        self.log, self.card_mac = [], b"card"

    def challenge(self, size):
        return bytes(range(size))

    def open(self, kif, kvc, answer):
        self.log.append((kif, kvc, answer))

    def update(self, command, answer):
        self.log.append((command, answer))

    def close(self):
        mac = CMAC(AES(bytes(16)))
        mac.update(repr(self.log).encode())
        return mac.finalize()[:4]

    def check(self, mac):
        if mac != self.card_mac:
            raise AuthenticationError("SAM: the card's MAC is wrong")


class Sessions(Chip):
    def open(self, wire):
        return unhex("030490" + "98" + "00" + "30" + "79" + "1d") + b"r" * 29 + b"\x90\x00"

    def sign(self):
        return b"\x03\x00\x00\x07" + b"card"


def test_a_session_with_a_sam():
    chip, sam = Sessions(), TestSam()
    session = SamSession.open(Channel(chip), sam, SessionKey.DEBIT, SessionMode.REGULAR, record=1, sfi=7)
    assert session.opened == Opened(0x030490, True, 0x30, 0x79, b"r" * 29)
    assert session.send(commands.read_records(1, 7, 29)).sw == 0x9000
    assert session.close() == b"\x03\x00\x00\x07"
    assert sam.log[0][:2] == (0x30, 0x79)
    assert sam.log[1] == (unhex("00B2013C1D"), b"first".ljust(29) + b"\x90\x00")
    for again in (session.close, lambda: session.send(commands.read_records(1, 7, 29))):
        with pytest.raises(SecureMessagingError):
            again()


def test_a_card_whose_mac_is_wrong():
    chip, sam = Sessions(), TestSam()
    sam.card_mac = b"else"
    session = SamSession.open(Channel(chip), sam, SessionKey.LOAD, SessionMode.REGULAR)
    with pytest.raises(AuthenticationError):
        session.close()
    chip.refuses = {Ins.CLOSE_SESSION: b"\x69\x88"}
    session = SamSession.open(Channel(chip), sam, SessionKey.LOAD, SessionMode.REGULAR)
    with pytest.raises(StatusError):
        session.close()
    chip.refuses = {Ins.CLOSE_SESSION: b"\1\x90\x00"}
    session = SamSession.open(Channel(chip), sam, SessionKey.LOAD, SessionMode.REGULAR)
    with pytest.raises(ProtocolError):
        session.close()


def test_a_session_that_is_given_up():
    chip = Sessions()
    session = SamSession.open(Channel(chip), TestSam(), SessionKey.LOAD, SessionMode.REGULAR)
    session.abort()
    assert chip.sent[-1] == unhex("008E000000")
    with pytest.raises(SecureMessagingError):
        session.close()


@pytest.mark.parametrize(
    ("answer", "mode", "expected"),
    [
        ("0304909800307900", SessionMode.REGULAR, Opened(0x030490, True, 0x30, 0x79, b"")),
        ("0304909801307901AA", SessionMode.REGULAR, Opened(0x030490, False, 0x30, 0x79, b"\xaa")),
        ("030490A1A2A3A4A50030" + "7900", SessionMode.EXTENDED, Opened(0x030490, True, 0x30, 0x79, b"")),
        ("030490A1A2A3A4A50130" + "7901BB", SessionMode.EXTENDED, Opened(0x030490, False, 0x30, 0x79, b"\xbb")),
    ],
)
def test_answers_to_open_session(answer, mode, expected):
    assert Opened.parse(unhex(answer), mode) == expected
    for wrong in (unhex(answer)[:-1], unhex(answer) + b"\0"):
        with pytest.raises(EncodingError):
            Opened.parse(wrong, mode)


def test_a_pin_does_not_show():
    assert "31323334" not in repr(commands.verify_pin(Secret(b"1234", "pin")))
    assert "31323334" not in repr(commands.change_pin(Secret(b"1234", "pin")))


def test_a_file_of_a_revision_2_card_is_read_in_its_class(chip):
    fci = Fci(b"\1", bytes(8), unhex("0a3c0205141001"))
    chip.records = {(7, 1): b"x"}
    CalypsoClient(Channel(chip)).read(7, 1, fci)
    assert chip.sent == [unhex("94B2013C00")]
