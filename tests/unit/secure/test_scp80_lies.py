"""Responses and commands that lie, and malformed packets: none is believed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Secret
from cardkit.errors import (
    EncodingError,
    SecureMessagingError,
)
from cardkit.secure.counter import Counter
from cardkit.secure.por import ProofOfReceipt, ResponsePacket, Status, status_text
from cardkit.secure.scp80 import CommandPacket
from tests.unit.secure.naive80 import Card
from tests.unit.secure.ota import (
    KID,
    LONG,
    SELECT,
    TAR,
    ZERO,
    both,
    unhex,
)

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
