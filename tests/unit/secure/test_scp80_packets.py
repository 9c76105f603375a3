"""Secured packets: every published packet both ways, a card written again, and what fits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Role, Scheme
from cardkit.encoding.crc import crc16, crc32
from cardkit.errors import (
    EncodingError,
    SecureMessagingError,
)
from cardkit.secure.counter import Counter
from cardkit.secure.por import ProofOfReceipt, ResponsePacket, Status
from cardkit.secure.scp80 import CommandPacket, PacketTerms, Scp80, terms_for
from cardkit.secure.spi import Spi
from tests.unit.secure.naive import cmac
from tests.unit.secure.naive80 import Card, crc16_bitwise
from tests.unit.secure.ota import (
    COMMANDS,
    FAMILIES,
    KIC,
    KID,
    PUBLISHED,
    REAL,
    RESPONSES,
    SELECT,
    TAR,
    ZERO,
    both,
    ids,
    key_set,
    scp80_of,
    store,
    unhex,
)

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
