"""Secured packets against those exchanged with a real card (TS 102 225 5; osmocom pySim unit tests, data only)."""

import json

import pytest

from cardkit.virtual.gp.keysets import CardKeyEntry
from cardkit.virtual.ota import packet
from cardkit.virtual.ota.packet import Integrity, Keys, PacketError, Response, Status
from tests.card.conftest import VECTORS

DES, AES = 0x80, 0x88
EXCHANGES = json.loads((VECTORS / "scp80.json").read_text())
SINGLE = json.loads((VECTORS / "gp_scp80.json").read_text())
RESPONSES = [vector for vector in SINGLE if "response" in vector["in"] and "data" in vector["out"]]
UDH = bytes.fromhex("027100")


def keys(given):
    kind = AES if "aes" in given.get("cipher", "") else DES
    cipher, check = (bytes.fromhex(given.get(name, "")) for name in ("kic_key", "kid_key"))
    return Keys(
        CardKeyEntry(1, 3, kind, cipher) if cipher else None, CardKeyEntry(2, 3, kind, check) if check else None
    )


@pytest.mark.parametrize("vector", EXCHANGES, ids=lambda vector: vector["name"])
def test_exchanges_of_a_real_card(vector):
    given, out = vector["in"], vector["out"]
    whole = bytes.fromhex(out["command_packet"])
    head = packet.read_head(whole)
    assert (head.tar.hex(), f"{head.spi1:02x}{head.spi2:02x}") == (given["tar"], given["spi"])
    opened = packet.open_packet(whole, head, keys(given))
    assert (opened.counter.hex(), opened.data.hex()) == (given["counter"], given["apdu"])
    answer = bytes.fromhex("01" + out["last_sw"])
    built = packet.build_response(head, keys(given), Response(opened.counter, Status.OK, answer), UDH)
    assert (UDH + built).hex() == given["response_packet"]


@pytest.mark.parametrize("vector", [v for v in SINGLE if "apdu" in v["in"]], ids=lambda vector: vector["name"])
def test_command_packets(vector):
    whole = bytes.fromhex(vector["out"].get("value") or vector["out"]["per_ts102225"])
    opened = packet.open_packet(whole, packet.read_head(whole), keys(vector["in"]))
    assert opened.data.hex().upper() == vector["in"]["apdu"]


@pytest.mark.parametrize("vector", RESPONSES, ids=lambda vector: vector["name"])
def test_response_packets(vector):
    given = vector["in"]
    spi2 = 0x01 | (0x08 if given["por_cc"] else 0) | (0x10 if given["por_ciphered"] else 0)
    head = packet.Head(0x16, spi2, 0x35, 0x35, bytes.fromhex("B00011"))
    response = Response(bytes(5), Status.OK, bytes.fromhex(vector["out"]["data"]))
    built = packet.build_response(head, keys(given), response, UDH)
    assert (UDH + built).hex().upper() == given["response"]


def test_redundancy_checks():
    """The examples of TS 102 225, from memory."""
    data = bytes.fromhex("0102030405")
    assert packet.checksum(Integrity.RC, 0x31, None, data).hex() == "22ec"
    assert packet.checksum(Integrity.RC, 0x35, None, data).hex() == "470b99f4"


def test_every_bit_of_a_packet_with_a_checksum_counts():
    given = EXCHANGES[0]["in"]
    whole = bytes.fromhex(EXCHANGES[0]["out"]["command_packet"])
    for bit in range(24, 8 * len(whole)):
        wrong = bytearray(whole)
        wrong[bit // 8] ^= 0x80 >> bit % 8
        head = packet.read_head(bytes(wrong))
        with pytest.raises(PacketError):
            packet.open_packet(bytes(wrong), head, keys(given))


@pytest.mark.parametrize("change", ["00", "0020", "001F15", "0020FF", "00200C"])
def test_lengths_that_do_not_add_up(change):
    whole = EXCHANGES[0]["out"]["command_packet"]
    with pytest.raises(PacketError):
        packet.read_head(bytes.fromhex(change + (whole[len(change) :] if len(change) > 4 else "")))
