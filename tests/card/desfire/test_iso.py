"""The ISO 7816 layer: names, FIDs, binaries, records, the other way into a session of EV1 (sheet 3.6, 3.11)."""

import os

import pytest

from cardkit.virtual import make_card
from tests.card.desfire.host import Host, cbc, chained_cmac, session_key

ALGORITHMS = {"02": (bytes(16), False, "23"), "04": (bytes(24), False, "63"), "09": (bytes(16), True, "a3")}


def prepared(keys="23"):
    """An application with DF name and FID; a data file open to all, one with a MAC, one enciphered; records."""
    host = Host(make_card("desfire-ev1", seed=1))
    host.plain(f"ca0102030f{keys}0110{b'my.app'.hex()}")
    host.plain("5a010203")
    host.plain("cd01 01e1 00eeee200000")
    host.plain("cd02 02e1 010000200000")
    host.plain("cd03 03e1 030000200000")
    host.plain("c104 04e1 00eeee040000050000")
    host.plain("5a000000")
    return host


def iso(host):
    def send(command):
        return host.card.transmit(bytes.fromhex(command)).hex()

    return send


def test_select():
    host = prepared()
    send = iso(host)
    cases = {
        "00A4040007D2760000850100": "9000", "00A4040C066D792E61707000": "9000", "00A4040006FFFFFFFFFFFF00": "6a82",
        "00A4000002100100": "9000", "00A4000002E10100": "9000", "00A40000023F00": "9000", "00A40000": "9000",
        "00A4000002E101": "6a82", "00A4030002E101": "6a86", "00A4000102E101": "6a86", "00A40000013F": "6700",
        "00C0000000": "6d00", "00B0000000": "6985",
    }  # fmt: skip
    assert {command: send(command) for command in cases} == cases


def test_binaries():
    host = prepared()
    send = iso(host)
    send("00A4000C021001")
    cases = {
        "00D6810003AABBCC": "9000", "00B0810104": "bbcc00009000", "00B0001D10": "0000006282", "00B0002001": "6a86",
        "00D6001E03AABBCC": "6a86", "00B0820004": "6982", "00B0830004": "6982", "00B0840004": "6981",
        "00B0990004": "6a82", "00D6000000": "6700", "00B08100": "6700",
    }  # fmt: skip
    assert {command: send(command) for command in cases} == cases


def test_records():
    host = prepared()
    send = iso(host)
    send("00A4000C021001")
    for number in range(1, 4):
        assert send(f"00E2002002AA{number:02x}") == "9000"
        assert host.plain("c7") == b""
    cases = {
        "00B2012400": "aa0300009000", "00B2032400": "aa0100009000", "00B2042400": "6a83",
        "00B2022500": "aa010000aa0200009000", "00B2012504": "6c0c", "00B2012600": "6a86",
        "00E2002005AABBCCDDEE": "6700",
    }  # fmt: skip
    assert {command: send(command) for command in cases} == cases


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_authentication(algorithm):
    key, aes, keys = ALGORITHMS[algorithm]
    host = prepared(keys)
    send = iso(host)
    send("00A4000C021001")
    size = 8 if algorithm == "02" else 16
    zero = bytes(16 if aes else 8)
    challenge = bytes.fromhex(send(f"00840000{size:02x}")[:-4])
    mine = os.urandom(size)
    proof = cbc(key, zero, mine + challenge, aes=aes).hex()
    assert send(f"0082{algorithm}80{2 * size:02x}{proof}") == "9000"
    other = os.urandom(size)
    answer = bytes.fromhex(send(f"0088{algorithm}80{size:02x}{other.hex()}00"))
    assert answer[-2:] == b"\x90\x00"
    plain = cbc(key, zero, answer[:-2], aes=aes, decrypt=True)
    assert plain[size:] == other
    host.scheme, host.number, host.aes = "ev1", 0, aes
    host.key, host.block, host.iv = session_key(key, mine, plain[:size], aes), len(zero), zero
    assert host.send(0x64, "00") == b"\x00"
    read = bytes.fromhex(send("00B0820004"))
    host.iv = chained_cmac(host.key, host.iv, read[:4] + b"\x00", aes=aes)
    assert read == bytes(4) + host.iv[:8] + b"\x90\x00"
    assert send("00B0830004") == "6982", "enciphered files are for native commands"
    assert send("0084000010")[-4:] == "9000"


def test_a_write_with_a_mac_has_no_form_here():
    host = prepared("a3")
    host.plain("5a010203")
    host.authenticate(0xAA, 0, bytes(16))
    assert iso(host)("00D6820001AA") == "6982"
    assert host.card.chip.state.session.key_no is None, "an error ends the session"
    assert host.card.chip.state.body(2) == bytes(32)


def test_authentication_refused():
    host = prepared("a3")
    send = iso(host)
    send("00A4000C021001")
    nothing = "00" * 32
    assert send(f"0082098020{nothing}") == "6985"
    assert send("0084000005") == "6700"
    send("0084000010")
    assert send(f"0082098020{nothing}") == "6982"
    assert send(f"0082098020{nothing}") == "6985", "a challenge counts once"
    send("0084000010")
    assert send(f"0082020020{nothing}") == "6a86"
    assert send(f"0082028020{nothing}") == "6985"
    assert send(f"0082098420{nothing}") == "6a88"
    assert send("0088098010" + "00" * 16 + "00") == "6985"
