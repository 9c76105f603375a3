"""A card's end of the air interface, written from the sheet: it takes ENVELOPEs apart byte by byte."""

from __future__ import annotations

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKeySet, KeySetSpec
from cardkit.secure.scp80 import Scp80, terms_for
from cardkit.secure.spi import Spi
from tests.unit.secure.naive80 import Card

KIC = bytes.fromhex("300102030405060708090A0B0C0D0E0F")
KID = bytes.fromhex("301102030405060708090A0B0C0D0E0F")
TAR = bytes.fromhex("B00011")


def tlv(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, value and what follows."""
    length, start = data[1], 2
    if length == 0x81:
        length, start = data[2], 3
    assert len(data) >= start + length
    return data[0], data[start : start + length], data[start + length :]


class AirCard:
    """Answers SMS-PP download with whatever its application says; speaks first what is queued.

    :param respond: data of a command packet -> status and response data, or None for no proof of receipt.
    """

    def __init__(self, respond, *, by_submit: bool = False) -> None:
        self.card = Card(KIC, KID)
        self.respond = respond
        self.by_submit = by_submit
        self.parts: dict[int, bytes] = {}
        self.queue: list[bytes] = []
        self.commands: list[CommandAPDU] = []
        self.responses: list[bytes] = []
        self.scripts: list[bytes] = []
        self.sw_done = 0x9000

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        self.commands.append(command)
        data = b""
        if (command.cla, command.ins) == (0x80, 0xC2):
            data = self.envelope(bytes(command.data))
        elif (command.cla, command.ins) == (0x80, 0x12):
            data = self.queue.pop(0)
            assert command.ne == len(data)
        elif (command.cla, command.ins) == (0x80, 0x14):
            self.responses.append(bytes(command.data))
        sw = 0x9100 | len(self.queue[0]) & 0xFF if self.queue else self.sw_done
        return ResponseAPDU(data, sw)

    def envelope(self, data: bytes) -> bytes:
        tag, value, rest = tlv(data)
        assert (tag, rest) == (0xD1, b"")
        tag, devices, value = tlv(value)
        assert (tag, devices) == (0x82, b"\x83\x81")
        if value[0] == 0x06:
            _, self.service_centre, value = tlv(value)
        tag, tpdu, rest = tlv(value)
        assert (tag, rest) == (0x8B, b"")
        return self.deliver(tpdu)

    def deliver(self, tpdu: bytes) -> bytes:
        assert tpdu[0] == 0x40
        at = 3 + (tpdu[1] + 1) // 2
        assert tpdu[at : at + 2] == b"\x7f\xf6"
        length, user_data = tpdu[at + 9], tpdu[at + 10 :]
        assert length == len(user_data) <= 140
        header, body = user_data[1 : 1 + user_data[0]], user_data[1 + user_data[0] :]
        if header[0] == 0x70:
            assert header == b"\x70\x00"
            return self.packet(body)
        assert header[:2] == b"\x00\x03"
        total, number = header[3], header[4]
        assert (header[5:] == b"\x70\x00") == (number == 1)
        self.parts[number] = body
        if len(self.parts) < total:
            return b""
        whole = b"".join(self.parts[number] for number in sorted(self.parts))
        self.parts = {}
        return self.packet(whole)

    def packet(self, packet: bytes) -> bytes:
        _, counter, data = self.card.read(packet)
        self.scripts.append(data)
        answer = self.respond(data)
        if answer is None:
            return b""
        response = self.card.answer(packet, *answer, counter=counter)
        if not self.by_submit:
            return response
        tpdu = b"\x41\x00\x0a\x81\x21\x43\x65\x87\x09\x00\xf6" + bytes((len(response),)) + response
        objects = bytes.fromhex("8103011300 82028183") + b"\x8b" + bytes((len(tpdu),)) + tpdu
        self.queue.append(b"\xd0" + bytes((len(objects),)) + objects)
        return b""


@pytest.fixture(scope="session")
def keystore() -> MemoryKeyStore:
    return MemoryKeyStore(
        {
            "test:kic": Key(KIC, "kic", "3DES-128", Usage.SECURE_CHANNEL),
            "test:kid": Key(KID, "kid", "3DES-128", Usage.SECURE_CHANNEL),
        }
    )


@pytest.fixture(scope="session")
def keys() -> CardKeySet:
    return KeySetSpec(3, "test:kic", "test:kid", "test:kid").for_card(b"")


@pytest.fixture
def scp80(keystore, keys):
    def make(spi: str = "1619") -> Scp80:
        return Scp80(keystore, keys, terms_for(keystore, keys, Spi.parse(bytes.fromhex(spi))))

    return make
