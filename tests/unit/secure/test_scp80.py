"""Secured packets: every published packet both ways, a card written again, lying responses, malformed packets."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Role, Scheme
from cardkit.encoding.crc import crc16, crc32
from cardkit.errors import (
    CounterGuardError,
    EncodingError,
    KeyStoreError,
    ProfileError,
    SecureMessagingError,
    UnsupportedKeyOperationError,
)
from cardkit.secure.counter import HIGHEST, Counter
from cardkit.secure.por import ProofOfReceipt, ResponsePacket, Status, status_text
from cardkit.secure.scp80 import CommandPacket, PacketTerms, Scp80, terms_for
from cardkit.secure.spi import CounterMode, Integrity, Receipt, Spi, check_key_byte, key_byte
from tests.unit.secure.naive import cmac
from tests.unit.secure.naive80 import Card, crc16_bitwise

VECTORS = Path(__file__).parents[2] / "vectors"
REAL = json.loads((VECTORS / "scp80.json").read_text(encoding="utf-8"))
PUBLISHED = json.loads((VECTORS / "gp_scp80.json").read_text(encoding="utf-8"))
COMMANDS = [entry for entry in PUBLISHED if "apdu" in entry["in"]]
RESPONSES = [entry for entry in PUBLISHED if "response" in entry["in"] and "reject" not in entry["out"]]
unhex = bytes.fromhex

TAR = unhex("B00011")
SELECT = unhex("00A40004023F00")
ZERO = Counter(0)
KIC = unhex("300102030405060708090A0B0C0D0E0F")
KID = unhex("301102030405060708090A0B0C0D0E0F")
LONG = KIC + unhex("7071727374757677")
FAMILIES = {
    "3DES-128": (KIC, KID, False),
    "3DES-192": (LONG, LONG[::-1], False),
    "AES-128": (KIC, KID, True),
    "AES-256": (KIC + KID, KID + KIC, True),
}


def key_set(kvn: int) -> CardKeySet:
    enc, mac, dek = (CardKey(f"test:{name}", role=role) for name, role in zip(("kic", "kid", "kik"), Role, strict=True))
    return CardKeySet(kvn, enc, mac, dek)


def store(kic: bytes, kid: bytes, algorithm: str) -> MemoryKeyStore:
    family = algorithm.partition("-")[0]
    usages = {"kic": (kic, Usage.DATA_ENC), "kid": (kid, Usage.DATA_MAC)}
    return MemoryKeyStore(
        {
            f"test:{name}": Key(value, name, f"{family}-{8 * len(value)}", usage)
            for name, (value, usage) in usages.items()
        }
    )


def family_of(entry) -> str:
    return "AES-128" if entry["in"]["kic"].endswith("2") else "3DES-128"


def scp80_of(entry) -> Scp80:
    given_ = entry["in"]
    keys = store(unhex(given_["kic_key"]), unhex(given_["kid_key"]), family_of(entry))
    kic, kid = unhex(given_["kic"])[0], unhex(given_["kid"])[0]
    return Scp80(keys, key_set(kic >> 4), PacketTerms(Spi.parse(unhex(given_["spi"])), kic, kid))


def both(spi: str, algorithm: str = "3DES-128", *, checksum_size: int = 8, kvn: int = 3) -> tuple[Scp80, Card]:
    kic, kid, aes = FAMILIES[algorithm]
    keys, held = key_set(kvn), store(kic, kid, algorithm)
    terms = terms_for(held, keys, Spi.parse(unhex(spi)), checksum_size=checksum_size)
    return Scp80(held, keys, terms), Card(kic, kid, aes=aes, mac_size=checksum_size)


def ids(entry) -> str:
    return entry["name"]


# Published packets.


@pytest.mark.parametrize("entry", REAL, ids=ids)
def test_packets_a_real_card_took_are_made_byte_for_byte(entry):
    packet = scp80_of(entry).command(unhex(entry["in"]["tar"]), ZERO, unhex(entry["in"]["apdu"]))

    assert packet.hex() == entry["out"]["command_packet"]


@pytest.mark.parametrize("entry", REAL, ids=ids)
def test_packets_a_real_card_took_are_read_back(entry):
    scp80 = scp80_of(entry)
    wire = unhex(entry["out"]["command_packet"])
    opened = scp80.read_command(wire)

    assert (opened.tar.hex(), opened.counter) == (entry["in"]["tar"], 0)
    with opened.data.reveal() as clear:
        assert clear.hex() == entry["in"]["apdu"]
    assert CommandPacket.parse(wire).build() == wire


@pytest.mark.parametrize("entry", REAL, ids=ids)
def test_responses_of_a_real_card_are_read(entry):
    scp80 = scp80_of(entry)
    receipt = scp80.receipt(unhex(entry["in"]["response_packet"]), TAR, ZERO)

    assert receipt.status == Status.OK
    assert receipt.data == unhex("016132")
    assert receipt.proven == bool(unhex(entry["in"]["spi"])[1] & 0x0C)
    assert not receipt.refused


@pytest.mark.parametrize("entry", COMMANDS, ids=ids)
def test_published_packets_follow_the_standard_even_where_their_source_does_not(entry):
    expected = entry["out"].get("per_ts102225") or entry["out"]["value"]
    packet = scp80_of(entry).command(
        unhex(entry["in"]["tar"]), Counter(entry["in"]["counter"]), unhex(entry["in"]["apdu"])
    )

    assert packet.hex().upper() == expected


@pytest.mark.parametrize("entry", [entry for entry in COMMANDS if "pysim" in entry["out"]], ids=ids)
def test_packet_without_its_length_is_refused(entry):
    with pytest.raises(EncodingError, match=r"command packet: CPL says"):
        scp80_of(entry).read_command(unhex(entry["out"]["pysim"]))


def response_terms(entry) -> Scp80:
    spi2 = 0x01 | entry["in"]["por_cc"] << 3 | entry["in"]["por_ciphered"] << 4
    held = store(unhex(entry["in"]["kic_key"]), unhex(entry["in"]["kid_key"]), "3DES-128")
    return Scp80(held, key_set(3), PacketTerms(Spi(0x02, spi2), 0x35, 0x35))


@pytest.mark.parametrize("entry", RESPONSES, ids=ids)
def test_published_responses_are_read_and_rebuilt(entry):
    wire = unhex(entry["in"]["response"])
    receipt = response_terms(entry).receipt(wire, TAR, ZERO)

    assert (receipt.status, receipt.data) == (0, unhex(entry["out"]["data"]))
    assert ResponsePacket.parse(wire).build() == wire


def test_published_tampered_response_is_refused():
    (entry,) = [entry for entry in PUBLISHED if "reject" in entry["out"]]
    held = store(KIC, unhex(entry["in"]["kid_key"]), "3DES-128")
    scp80 = Scp80(held, key_set(3), PacketTerms(Spi(0x02, 0x09), 0x35, 0x35))

    with pytest.raises(SecureMessagingError, match=r"the CC of the packet is wrong$"):
        scp80.receipt(unhex(entry["in"]["response"]), TAR, ZERO)


# A card written again.

EVERY_PROTECTION = ["0001", "0401", "0105", "0505", "0115", "0209", "0609", "1619", "0219", "0411", "1E1A", "1239"]


@pytest.mark.parametrize("algorithm", FAMILIES)
@pytest.mark.parametrize("spi", EVERY_PROTECTION)
def test_packets_and_responses_agree_with_a_card_written_again(spi, algorithm):
    scp80, card = both(spi, algorithm)
    counter = Counter(0x0102030405)
    for size in (0, 1, 7, 8, 9, 16, 100):
        data = bytes(range(size))
        packet = scp80.command(TAR, counter, data)

        assert card.read(packet) == (TAR, counter.last, data)
        with scp80.read_command(packet).data.reveal() as clear:
            assert clear == data

        receipt = scp80.receipt(card.answer(packet, 0x00, data, counter=counter.last), TAR, counter)
        assert receipt == ProofOfReceipt(TAR, counter.last, 0, data, proven=scp80.terms.spi.receipt_integrity > 0)


@pytest.mark.parametrize("algorithm", ["AES-128", "AES-256"])
def test_aes_checksums_of_four_bytes(algorithm):
    scp80, card = both("1619", algorithm, checksum_size=4)
    packet = scp80.command(TAR, Counter(7), SELECT)

    assert packet[2] == 13 + 4
    assert card.read(packet) == (TAR, 7, SELECT)
    assert scp80.receipt(card.answer(packet, 0, b"\x01\x90\x00", counter=7), TAR, Counter(7)).data == b"\x01\x90\x00"


def test_redundancy_check_of_two_bytes():
    terms = PacketTerms(Spi.parse(unhex("0105")), 0x00, 0x01)
    scp80 = Scp80(MemoryKeyStore(), None, terms)
    packet = scp80.command(TAR, Counter(1), SELECT)

    assert packet[2] == 13 + 2
    assert Card(KIC, KID).read(packet) == (TAR, 1, SELECT)
    assert scp80.receipt(Card(KIC, KID).answer(packet, 0, b"", counter=1), TAR, Counter(1)).proven


@given(data=st.binary(max_size=40))
@settings(max_examples=30)
def test_redundancy_checks_are_those_of_the_standard(data):
    assert crc16(data) == crc16_bitwise(data)
    assert crc32(data)[::-1] == (0xFFFFFFFF ^ _crc32_bitwise(data)).to_bytes(4, "little")


def _crc32_bitwise(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        for place in range(8):
            bit = (value ^ byte >> place) & 1
            value = value >> 1 ^ (0xEDB88320 if bit else 0)
    return value


def test_without_keys_packets_may_be_plain():
    scp80 = Scp80(MemoryKeyStore(), None, terms_for(MemoryKeyStore(), None, Spi(0x00, 0x01)))

    assert (
        scp80.command(TAR, ZERO, SELECT).hex() == "0015" + "0d" + "0001" + "0000" + "b00011" + "00" * 6 + SELECT.hex()
    )


def test_derived_keys_protect_as_the_card_has_them():
    master = MemoryKeyStore({"test:m": Key(KIC, "m", "AES-128", Usage.MASTER_DERIVE)})
    kdd = bytes(range(10))
    keys = CardKeySet(1, *(CardKey("test:m", Scheme.KDF3, kdd, role) for role in Role))
    scp80 = Scp80(master, keys, terms_for(master, keys, Spi(0x06, 0x19)))

    kic, kid = (cmac(KIC, bytes((1, 0, 0, 0, number, 0)) + kdd) for number in (1, 2))
    assert Card(kic, kid, aes=True).read(scp80.command(TAR, ZERO, SELECT)) == (TAR, 0, SELECT)


# Room.


@pytest.mark.parametrize("algorithm", FAMILIES)
@pytest.mark.parametrize("spi", EVERY_PROTECTION)
def test_room_is_what_fits_and_not_a_byte_less(spi, algorithm):
    scp80, _ = both(spi, algorithm)
    for packet_size in (0, 10, 24, 40, 137, 138, 271):
        room = scp80.room(packet_size)

        assert room == 0 or len(scp80.command(TAR, ZERO, bytes(room))) <= packet_size
        assert len(scp80.command(TAR, ZERO, bytes(room + 1))) > packet_size


# Responses that lie.


def answered(spi="1619", status=0, data=b"\x01\x90\x00", algorithm="3DES-128"):
    scp80, card = both(spi, algorithm)
    packet = scp80.command(TAR, Counter(5), SELECT)
    return scp80, card, packet, card.answer(packet, status, data, counter=5)


@pytest.mark.parametrize("spi", ["0209", "1619", "0105"])
@pytest.mark.parametrize("algorithm", ["3DES-128", "AES-128"])
def test_no_byte_of_a_proven_response_can_be_changed(spi, algorithm):
    scp80, _, _, response = answered(spi, algorithm=algorithm)
    for place in range(len(response)):
        changed = bytearray(response)
        changed[place] ^= 0x04
        with pytest.raises((SecureMessagingError, EncodingError)):
            scp80.receipt(bytes(changed), TAR, Counter(5))


@pytest.mark.parametrize("spi", ["0209", "1619"])
def test_no_byte_of_a_proven_command_can_be_changed(spi):
    scp80, _ = both(spi)
    packet = scp80.command(TAR, Counter(5), SELECT)
    for place in range(len(packet)):
        changed = bytearray(packet)
        changed[place] ^= 0x40
        with pytest.raises((SecureMessagingError, EncodingError)):
            scp80.read_command(bytes(changed))


def test_response_to_another_packet_is_refused():
    scp80, _, _, response = answered()

    with pytest.raises(SecureMessagingError, match=r"response of TAR B00011 to counter 5, expected B00011 and 6$"):
        scp80.receipt(response, TAR, Counter(6))
    with pytest.raises(SecureMessagingError, match=r"response of TAR B00011 to counter 5, expected B00010 and 5$"):
        scp80.receipt(response, unhex("B00010"), Counter(5))


def test_refusal_may_leave_the_counter_unread():
    scp80, card, packet, _ = answered()
    refusal = scp80.receipt(card.answer(packet, Status.TAR_UNKNOWN, b"", counter=0), TAR, Counter(5))
    assert refusal == ProofOfReceipt(TAR, 0, 9, b"", proven=True)

    for status, counter in ((Status.OK, 0), (Status.MORE_TIME, 0), (Status.TAR_UNKNOWN, 4)):
        with pytest.raises(SecureMessagingError, match=rf"to counter {counter}, expected B00011 and 5$"):
            scp80.receipt(card.answer(packet, status, b"", counter=counter), TAR, Counter(5))


@pytest.mark.parametrize("spi", ["0209", "0411", "1619"])
def test_bare_refusal_is_taken_but_not_proven(spi):
    scp80, _, _, _ = answered(spi)
    bare = unhex("027100000B0AB0001100000000050006")
    receipt = scp80.receipt(bare, TAR, Counter(5))

    assert receipt == ProofOfReceipt(TAR, 5, Status.SECURITY_ERROR, b"", proven=False)
    assert receipt.refused
    assert str(receipt) == "06 (security error the card does not name, not proven)"


@pytest.mark.parametrize("status", ["00", "08", "0B", "0C"])
@pytest.mark.parametrize("spi", ["0209", "0411", "1619"])
def test_bare_success_is_none(spi, status):
    scp80, _, _, _ = answered(spi)

    with pytest.raises(SecureMessagingError, match=rf"status {status} without the protection that was asked for$"):
        scp80.receipt(unhex("027100000B0AB00011000000000500" + status), TAR, Counter(5))


def test_plain_success_with_data_is_no_bare_response():
    scp80, _, _, _ = answered("0209")

    with pytest.raises(SecureMessagingError, match=r"packet with a proof of 0 bytes, expected 8$"):
        scp80.receipt(unhex("027100000E0AB00011000000000500" + "00" + "016132"), TAR, Counter(5))


def test_where_no_protection_was_asked_for_a_bare_success_counts():
    scp80, _, _, response = answered("0601", data=b"")

    assert ResponsePacket.parse(response).is_bare
    assert scp80.receipt(response, TAR, Counter(5)) == ProofOfReceipt(TAR, 5, 0, b"", proven=False)


@pytest.mark.parametrize("status", [0x01, 0x02, 0x0A, 0x7F])
def test_proven_refusals_are_read(status):
    scp80, _, _, response = answered(status=status, data=b"")
    receipt = scp80.receipt(response, TAR, Counter(5))

    assert (receipt.status, receipt.proven, receipt.refused) == (status, True, True)
    assert str(receipt) == f"{status:02X} ({status_text(status)})"


TEXTS = (
    "done", "redundancy check, checksum or signature wrong", "counter too low", "counter too high", "counter blocked",
    "ciphering error", "security error the card does not name", "no memory for the packet",
    "the card needs more time", "no application of this TAR", "security level too low for this application",
    "the response follows as an SMS", "the response follows by USSD",
)  # fmt: skip


def test_status_texts():
    assert [status_text(status) for status in range(len(TEXTS))] == list(TEXTS)
    assert list(Status) == list(range(len(TEXTS)))
    assert status_text(len(TEXTS)) == "reserved status 0D"
    refusing = [status for status in Status if ProofOfReceipt(TAR, 0, status, b"", proven=True).refused]
    assert refusing == [1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_response_under_another_key_does_not_decrypt():
    scp80, _, packet, _ = answered("0411")
    other = Card(LONG[8:], KID)
    seen = set()
    for filler in range(40):
        response = other.answer(packet, 0, bytes((filler,)) * 20, counter=5)
        try:
            scp80.receipt(response, TAR, Counter(5))
        except SecureMessagingError as error:
            seen.add("padding" if "bytes of padding among" in str(error) else str(error).partition(": ")[2][:8])
    assert seen in ({"padding"}, {"padding", "response"})


@pytest.mark.parametrize(("length", "text"), [(9, "15 ciphered bytes"), (10, "14 ciphered bytes")])
def test_part_of_a_ciphered_block_is_refused(length, text):
    scp80, _, _, _ = answered("0411")
    secured = bytes(24 - length)
    head = unhex("027100") + (4 + len(secured)).to_bytes(2) + unhex("0AB00011")

    with pytest.raises(SecureMessagingError, match=rf"{text}, expected blocks of 8$"):
        scp80.receipt(head + secured, TAR, Counter(5))


def test_packets_without_protection_ask_for_a_receipt():
    scp80, _ = both("1619")
    wire = scp80.unprotected().command(TAR, Counter(5), b"script")

    assert wire.hex() == "00140d00010000" + TAR.hex() + "000000000500" + b"script".hex()


def test_packet_with_a_short_checksum_is_read_back():
    """An AES CMAC may be cut to four bytes (TS 102 225 5.1.3)."""
    scp80, _ = both("1619", "AES-128", checksum_size=4)
    opened = scp80.read_command(scp80.command(TAR, Counter(5), b"script"))

    assert (opened.tar, opened.counter, opened.data) == (TAR, 5, Secret(b"script", "script"))


@pytest.mark.parametrize("spi", ["0209", "0609"])
@pytest.mark.parametrize("padding", [1, 3, 8, 255])
def test_padding_of_a_plain_packet_is_refused(padding, spi):
    scp80, card = both(spi)
    fixed = unhex("0000000005") + bytes((padding, 0))
    data = bytes(3)
    head = unhex("027100") + (4 + 7 + 8 + 3).to_bytes(2) + unhex("12B00011")
    response = head + fixed + card.checksum(head + fixed + data) + data

    with pytest.raises(SecureMessagingError, match=rf"packet with {padding} bytes of padding among 3$"):
        scp80.receipt(response, TAR, Counter(5))


@pytest.mark.parametrize(("padding", "data", "right"), [(7, 8, True), (8, 8, False), (1, 0, False), (0, 0, True)])
def test_padding_of_a_ciphered_packet_is_part_of_a_block_and_there(padding, data, right):
    scp80, card = both("0411")
    body = unhex("0000000005") + bytes((padding, 0)) + bytes(data)
    if len(body) % 8:
        body += bytes(-len(body) % 8)
    head = unhex("027100") + (4 + len(body)).to_bytes(2) + unhex("0AB00011")
    total = len(body) - 7
    response = head + card.encrypt(body)
    if padding <= total and padding < 8:
        assert scp80.receipt(response, TAR, Counter(5)).data == bytes(total - padding)
        return
    assert not right
    with pytest.raises(SecureMessagingError, match=rf"packet with {padding} bytes of padding among {total}$"):
        scp80.receipt(response, TAR, Counter(5))


# Malformed packets.


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("", "response packet: got nothing, expected 027100 and its header"),
        ("0271", "response packet: got 0271, expected"),
        ("027000000E0AB000110000000000000001612F", "response packet: got 027000000E0AB000, expected"),
        ("027100000E0AB0", "response packet: got 027100000E0AB0, expected"),
        ("027100000E0AB00011", "response packet: RPL says 14 bytes, 4 follow"),
        ("027100000F0AB000110000000000000001612F", "response packet: RPL says 15 bytes, 14 follow"),
        ("027100000E09B000110000000000000001612F", "response packet: RHL says 9 bytes, expected 10 to 13"),
        ("027100000E0EB000110000000000000001612F", "response packet: RHL says 14 bytes, expected 10 to 13"),
        ("02710000040AB00011", "response packet: RHL says 10 bytes, expected 10 to 3"),
    ],
)
def test_malformed_responses_are_refused(wire, text):
    with pytest.raises(EncodingError, match=rf"^{text}"):
        ResponsePacket.parse(unhex(wire))


def test_longest_header_of_a_response_parses():
    assert ResponsePacket.parse(unhex("027100000E0DB000110000000000000001612F")).proof_size == 3


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("", "command packet: got 0 bytes, expected 16 or more"),
        ("000D0D00193535B0000000000000", "command packet: got 14 bytes, expected 16 or more"),
        ("000E0D00193535B000000000000000", "command packet: got 15 bytes, expected 16 or more"),
        ("00140D00193535B0000000000000000000A40000023F00", "command packet: CPL says 20 bytes, 21 follow"),
        ("00150C00193535B0000000000000000000A40000023F00", "command packet: CHL says 12 bytes, expected 13 to 20"),
        ("00151500193535B0000000000000000000A40000023F00", "command packet: CHL says 21 bytes, expected 13 to 20"),
    ],
)
def test_malformed_commands_are_refused(wire, text):
    with pytest.raises(EncodingError, match=rf"^{text}"):
        CommandPacket.parse(unhex(wire))


def test_shortest_command_and_longest_header_parse():
    assert CommandPacket.parse(unhex("000E0D00193535B00000000000000000")).proof_size == 0
    assert CommandPacket.parse(unhex("00151400193535B0000000000000000000A40000023F00")).proof_size == 7


@given(wire=st.binary(max_size=60))
@settings(max_examples=50)
def test_any_bytes_are_a_packet_or_refused(wire):
    for parse in (CommandPacket.parse, ResponsePacket.parse):
        for candidate in (wire, unhex("027100") + wire, len(wire).to_bytes(2) + wire):
            try:
                assert parse(candidate).build() == candidate
            except EncodingError:
                continue


def test_command_of_other_terms_is_refused():
    scp80, _ = both("1619")
    other, _ = both("1219")

    with pytest.raises(EncodingError, match=r"got SPI 1219 KIc 35 KID 35, expected SPI 1619 KIc 35 KID 35$"):
        scp80.read_command(other.command(TAR, ZERO, SELECT))


# Arguments.


@pytest.mark.parametrize("tar", [b"", bytes(2), bytes(4)])
def test_a_tar_has_three_bytes(tar):
    scp80, _ = both("1619")

    with pytest.raises(EncodingError, match=rf"^TAR: got {len(tar)} bytes, expected 3$"):
        scp80.command(tar, ZERO, SELECT)


def test_packet_of_more_than_two_length_bytes_is_refused():
    scp80, _ = both("0001")
    longest = 0xFFFF - 14

    assert len(scp80.command(TAR, ZERO, bytes(longest))) == 0xFFFF + 2
    with pytest.raises(EncodingError, match=r"^command packet: 65536 bytes, expected 65535 at most$"):
        scp80.command(TAR, ZERO, bytes(longest + 1))


def test_secrets_travel_ciphered_or_not_at_all():
    content = (SELECT, Secret(b"\x01\x02", "k"))
    scp80, card = both("1619")
    assert card.read(scp80.command(TAR, ZERO, content))[2] == SELECT + b"\x01\x02"

    plain, card = both("1209")
    with pytest.raises(ProfileError, match=r"the script holds secrets, expected a ciphered packet$"):
        plain.command(TAR, ZERO, content)
    assert card.read(plain.command(TAR, ZERO, (SELECT, b"\x01")))[2] == SELECT + b"\x01"


def test_opened_command_hides_its_data():
    scp80, _ = both("1619")
    opened = scp80.read_command(scp80.command(TAR, ZERO, SELECT))

    assert repr(opened) == "OpenedCommand(tar=b'\\xb0\\x00\\x11', counter=0, data=<Secret script, 7 bytes>)"
    assert repr(scp80) == "<SCP80 SPI 1619 KIc 35 KID 35>"


def test_ciphering_and_checksums_need_keys():
    for spi in ("0400", "0011", "0200", "0009"):
        with pytest.raises(KeyStoreError, match=rf"^SPI {spi} KIc 35 KID 35: packets need keys, and there are none$"):
            Scp80(MemoryKeyStore(), None, PacketTerms(Spi.parse(unhex(spi)), 0x35, 0x35))


@pytest.mark.parametrize(
    ("spi", "kic", "kid", "text"),
    [
        ("0400", 0x32, 0x35, "KIc 32 says AES, its key is 3DES-128"),
        ("0400", 0x39, 0x35, "KIc 39 says 3DES, three keys, its key is 3DES-128"),
        ("0200", 0x35, 0x31, "KID 31 says DES-CBC, its key is 3DES-128"),
        ("0010", 0x3D, 0x35, "KIc 3D says DES-ECB, its key is 3DES-128"),
        ("0008", 0x35, 0x33, "KID 33 says a reserved or private algorithm, its key is 3DES-128"),
    ],
)
def test_key_of_another_algorithm_than_the_header_says_is_refused(spi, kic, kid, text):
    with pytest.raises(KeyStoreError, match=rf"^{text}$"):
        Scp80(store(KIC, KID, "3DES-128"), key_set(3), PacketTerms(Spi.parse(unhex(spi)), kic, kid))


def test_algorithm_may_be_left_to_what_both_sides_know():
    held = store(KIC, KID, "AES-128")
    scp80 = Scp80(held, key_set(3), PacketTerms(Spi.parse(unhex("1619")), 0x30, 0x30))

    assert Card(KIC, KID, aes=True).read(scp80.command(TAR, ZERO, SELECT)) == (TAR, 0, SELECT)
    assert key_byte(3, "AES-128", implicit=True) == 0x30
    check_key_byte("KIc", 0x30, "AES-128")


def test_redundancy_check_without_code_is_refused():
    with pytest.raises(ProfileError, match=r"^KID 32: no redundancy check, expected X1 \(CRC-16\) or X5 \(CRC-32\)$"):
        Scp80(MemoryKeyStore(), None, PacketTerms(Spi(0x01, 0x00), 0x00, 0x32))


@pytest.mark.parametrize(
    ("spi", "text"),
    [
        ("0300", "a digital signature has no published algorithm"),
        ("000C", "a digital signature has no published algorithm"),
        ("0108", "RC one way and CC the other"),
        ("0204", "RC one way and CC the other"),
    ],
)
def test_proofs_nobody_can_make_are_refused(spi, text):
    with pytest.raises(ProfileError, match=rf"^SPI {spi}: {text}"):
        Scp80(store(KIC, KID, "3DES-128"), key_set(3), PacketTerms(Spi.parse(unhex(spi)), 0x35, 0x35))


# SPI, KIc, KID.


@pytest.mark.parametrize(
    ("first", "second"), [(0x00, 0x00), (0x01, 0x39), (0x06, 0x19), (0x1E, 0xC2), (0xE2, 0x01), (0xFF, 0xFF)]
)
def test_spi_keeps_every_bit(first, second):
    spi = Spi.parse(bytes((first, second)))

    assert spi.build() == bytes((first, second))
    assert (spi.integrity, spi.ciphered, spi.counter) == (first & 3, bool(first & 4), first >> 3 & 3)
    assert (spi.receipt, spi.receipt_integrity) == (second & 3, second >> 2 & 3)
    assert (spi.receipt_ciphered, spi.receipt_by_submit) == (bool(second & 0x10), bool(second & 0x20))
    assert str(spi) == f"{first:02X}{second:02X}"


@pytest.mark.parametrize(
    ("integrity", "options", "expected"),
    [
        (Integrity.CC, {"ciphered": True}, "1619"),
        (Integrity.CC, {"ciphered": True, "by_submit": True}, "1639"),
        (Integrity.CC, {"ciphered": False, "counter": CounterMode.ONE_HIGHER, "receipt": Receipt.ON_ERROR}, "1A0A"),
        (Integrity.RC, {"ciphered": True, "counter": CounterMode.NONE, "receipt": Receipt.NEVER}, "0500"),
        (Integrity.NONE, {"ciphered": True, "counter": CounterMode.UNCHECKED}, "0C11"),
    ],
)
def test_spi_is_coded_as_the_sheet_says(integrity, options, expected):
    assert str(Spi.of(integrity, **options)) == expected


def test_spi_is_two_bytes():
    for data in (b"", b"\x00", bytes(3)):
        with pytest.raises(EncodingError, match=rf"^SPI: got {len(data)} bytes, expected 2$"):
            Spi.parse(data)
    for first, second in ((0x100, 0), (0, 0x100), (-1, 0), (0, -1)):
        with pytest.raises(EncodingError, match=r"^SPI: got .* expected two bytes$"):
            Spi(first, second)
    assert Spi(0xFF, 0xFF).build() == b"\xff\xff"


@pytest.mark.parametrize(
    ("algorithm", "nibble"), [("3DES-128", 5), ("3DES-192", 9), ("AES-128", 2), ("AES-192", 2), ("AES-256", 2)]
)
def test_key_bytes_name_set_and_algorithm(algorithm, nibble):
    assert [key_byte(index, algorithm) for index in (0, 1, 15)] == [nibble, 0x10 + nibble, 0xF0 + nibble]


def test_key_bytes_nobody_can_code_are_refused():
    for index in (-1, 16, 0x30):
        with pytest.raises(KeyStoreError, match=r"over the air there are 00 to 0F$"):
            key_byte(index, "AES-128")
    with pytest.raises(KeyStoreError, match=r"^key of HMAC-256: SCP80 has 3DES-128, 3DES-192, AES-128"):
        key_byte(1, "HMAC-256")


def test_terms_code_the_keys():
    held = MemoryKeyStore(
        {
            "test:kic": Key(KIC + KID, "kic", "AES-256", Usage.SECURE_CHANNEL),
            "test:kid": Key(LONG, "kid", "3DES-192", Usage.SECURE_CHANNEL),
        }
    )
    assert terms_for(held, key_set(7), Spi(0x06, 0x19)) == PacketTerms(Spi(0x06, 0x19), 0x72, 0x79, 8)
    assert terms_for(held, key_set(7), Spi(0x05, 0x15)) == PacketTerms(Spi(0x05, 0x15), 0x72, 0x75, 8)
    assert terms_for(held, key_set(7), Spi(0, 0), checksum_size=4) == PacketTerms(Spi(0, 0), 0x72, 0x79, 4)
    assert terms_for(held, None, Spi(0x01, 0x00)) == PacketTerms(Spi(0x01, 0x00), 0x00, 0x05)


# Counters.


@pytest.mark.parametrize("mode", [CounterMode.UNCHECKED, CounterMode.HIGHER, CounterMode.ONE_HIGHER])
def test_counters_go_up_by_one(mode):
    assert Counter(0).following(mode) == Counter(1)
    assert Counter(HIGHEST - 2).following(mode) == Counter(HIGHEST - 1)
    with pytest.raises(
        CounterGuardError, match=rf"^packet counter: {HIGHEST - 1} used, the next would block the key set$"
    ):
        Counter(HIGHEST - 1).following(mode)


def test_without_a_counter_its_field_is_zero():
    assert Counter(77).following(CounterMode.NONE) == Counter(0)


def test_counters_have_five_bytes():
    scp80, card = both("1619")
    assert HIGHEST == 0xFFFFFFFFFF
    assert card.read(scp80.command(TAR, Counter(HIGHEST), SELECT))[1] == HIGHEST
    for value in (-1, HIGHEST + 1):
        with pytest.raises(EncodingError, match=rf"^packet counter: got {value}, expected 0 to {HIGHEST}$"):
            Counter(value)


# What key stores do.


def test_each_key_serves_its_purpose_only():
    held = store(KIC, KID, "3DES-128")
    keys = key_set(1)
    with pytest.raises(KeyStoreError, match=r"usage data-mac, KIc needs secure-channel or data-enc$"):
        held.ota_encrypt(keys.mac, bytes(8))
    with pytest.raises(KeyStoreError, match=r"usage data-mac, KIc needs secure-channel or data-enc$"):
        held.ota_decrypt(keys.mac, bytes(8))
    with pytest.raises(KeyStoreError, match=r"usage data-enc, KID needs secure-channel or data-mac$"):
        held.ota_checksum(keys.enc, bytes(8), 8)
    held.add("test:kik", Key(KIC, "kik", "3DES-128", Usage.KEK))
    with pytest.raises(KeyStoreError, match=r"usage kek, over the air needs secure-channel or data-enc or data-mac$"):
        held.ota_algorithm(keys.dek)


@pytest.mark.parametrize(("algorithm", "block"), [("3DES-128", 8), ("AES-128", 16)])
def test_parts_of_blocks_are_refused(algorithm, block):
    kic, kid, _ = FAMILIES[algorithm]
    held = store(kic, kid, algorithm)
    for operation in (held.ota_encrypt, held.ota_decrypt):
        for size in (0, 1, block - 1, block + 1):
            with pytest.raises(
                KeyStoreError, match=rf"^packet under kic: {size} bytes, expected a multiple of {block}$"
            ):
                operation(key_set(1).enc, bytes(size))


@pytest.mark.parametrize(
    ("algorithm", "size", "known"), [("3DES-128", 4, "8"), ("AES-128", 16, "4 or 8"), ("AES-128", 0, "4 or 8")]
)
def test_checksum_of_another_size_is_refused(algorithm, size, known):
    kic, kid, _ = FAMILIES[algorithm]

    with pytest.raises(KeyStoreError, match=rf"^key kid: checksum of {size} bytes, {algorithm} has {known}$"):
        store(kic, kid, algorithm).ota_checksum(key_set(1).mac, b"x", size)


def test_store_that_cannot_decrypt_says_so():
    held = store(KIC, KID, "3DES-128")

    class OneWay:
        name, algorithm = "kic", "3DES-128"

        def ecb(self, data): ...
        def cbc(self, data): ...
        def cmac(self, message): ...

    held._card_key = lambda key, purpose, allowed: nullcontext(OneWay())
    with pytest.raises(UnsupportedKeyOperationError, match=r"^key kic: this store does not decrypt with it"):
        held.ota_decrypt(key_set(1).enc, bytes(8))
