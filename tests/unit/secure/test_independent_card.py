"""Sessions with the card side of this repository: written from the clauses by other people, it shares no code.

Two independent sides are the evidence where no vector exists: implicit SCP02, BEGIN and END R-MAC SESSION, S16.
"""

from __future__ import annotations

from itertools import product

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet
from cardkit.secure import (
    SecurityLevel,
    check_card_challenge,
    decode_parameters,
    implicit_session_keys,
    initialize_update,
    open_implicit_session,
    open_session,
    parse_initialize_update,
    session_keys,
)
from cardkit.virtual.gp.keysets import CardKeyEntry, KeyRing, KeySet
from cardkit.virtual.gp.protection import Command
from cardkit.virtual.gp.session import SecureChannel

AID = bytes.fromhex("A000000151000000")
NONE, R_MAC, BOTH = SecurityLevel.NONE, SecurityLevel.R_MAC, SecurityLevel.R_MAC | SecurityLevel.R_ENC

EXPLICIT = [
    *product((1,), (0x05, 0x15)),
    *product((2,), (0x04, 0x05, 0x07, 0x15, 0x16, 0x24, 0x35, 0x37, 0x55, 0x75)),
    *product((3,), (0x00, 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x60, 0x61, 0x70, 0x71)),
]
CASES = [
    pytest.param(scp, i, level, id=f"scp0{scp}-i{i:02X}-level{level:02X}")
    for scp, i in EXPLICIT
    for level in decode_parameters(scp, i).levels
]
IMPLICIT = [pytest.param(2, i, 0x01, id=f"implicit-i{i:02X}") for i in (0x0A, 0x0B, 0x1A, 0x1B, 0x2A, 0x3B)]


class Pair:
    """A host and a card with an open session between them."""

    def __init__(self, scp: int, i: int, level: int, size: int = 16) -> None:
        self.parameters = decode_parameters(scp, i)
        values = [bytes(range(start, start + size)) for start in (0x40, 0x60, 0x80)]
        if not self.parameters.three_keys:
            values = values[:1] * 3
        kind = 0x88 if scp == 3 else 0x80
        entries = {number: CardKeyEntry(number, 0x30, kind, value) for number, value in enumerate(values, 1)}
        self.card = SecureChannel(
            KeyRing(KeySet(0x30, scp, i, entries)),
            AID,
            kdd=bytes(range(10)),
            random=lambda count: bytes(range(0xC0, 0xC0 + count)),
        )
        family = "AES" if scp == 3 else "3DES"
        names = ("test:a", "test:b", "test:c") if self.parameters.three_keys else ("test:a",) * 3
        self.store = MemoryKeyStore(
            {
                name: Key(value, name, f"{family}-{8 * size}", Usage.SECURE_CHANNEL)
                for name, value in dict(zip(names, values, strict=True)).items()
            }
        )
        self.keys = CardKeySet(0x30, *map(CardKey, names))
        self.host = self._explicit(level) if self.parameters.explicit else self._implicit()

    def _explicit(self, level: int):
        challenge = bytes(range(self.parameters.challenge_size))
        answer = self.card.open(self._as_card(initialize_update(0x30, challenge)))
        greeting = parse_initialize_update(answer, asked_kvn=0x30, parameters=self.parameters)
        check_card_challenge(self.parameters, greeting, AID, keystore=self.store, keys=self.keys)
        keys = session_keys(self.store, self.keys, self.parameters, challenge, greeting)
        host = open_session(self.parameters, greeting, challenge, keys, SecurityLevel(level))
        host.authenticated(ResponseAPDU(self.card.open(self._as_card(host.external_authenticate())), 0x9000))
        return host

    def _implicit(self):
        keys = implicit_session_keys(self.store, self.keys, self.parameters, bytes(2))
        return open_implicit_session(self.parameters, AID, keys)

    @staticmethod
    def _as_card(command: CommandAPDU) -> Command:
        data = command.data
        return Command(
            command.cla, command.ins, command.p1, command.p2, data, extended=command.is_extended or command.extended
        )

    def exchange(self, command: CommandAPDU, body: bytes = b"", sw: int = 0x9000, run=None) -> ResponseAPDU:
        """Send a command; the card reads it, does `run` with its data, and answers."""
        data = self.card.unwrap(self._as_card(self.host.wrap(command)))
        assert data == command.data
        if run:
            body = run(data) or b""
        status = sw.to_bytes(2)
        return self.host.unwrap(ResponseAPDU.parse(self.card.wrap_response(body, status).removesuffix(status) + status))


@pytest.mark.parametrize(("scp", "i", "level"), [*CASES, *IMPLICIT])
def test_host_and_card_understand_each_other(scp, i, level):
    pair = Pair(scp, i, level)
    for extended in (False,) if scp == 1 else (False, True):
        for length, ne in product((0, 1, 16, pair.host.max_command_data, 300 if extended else 7), (0, 256)):
            command = CommandAPDU(0x80, 0xE2, 0, 0, bytes(length), ne, extended)
            for body, sw in ((bytes(range(length % 50)), 0x9000), (b"x", 0x6283), (b"", 0x6A88)):
                assert pair.exchange(command, body, sw) == ResponseAPDU(body, sw)
    assert not pair.host.ended


@pytest.mark.parametrize("size", [24, 32])
@pytest.mark.parametrize("i", [0x70, 0x71])
def test_host_and_card_understand_each_other_with_longer_keys(i, size):
    pair = Pair(3, i, 0x33, size)
    for length in (0, 100):
        assert pair.exchange(CommandAPDU(0x80, 0xE2, 0, 0, bytes(length)), b"body").data == b"body"


R_MAC_CASES = [
    pytest.param(scp, i, level, raised, id=f"scp0{scp}-i{i:02X}-level{level:02X}-{raised:02X}")
    for scp, i, level, raised in [
        *product((2,), (0x24, 0x35, 0x37, 0x75), (0x00, 0x01, 0x03), (NONE, R_MAC)),
        *product((2,), (0x2A, 0x3B), (0x01,), (NONE, R_MAC)),
        *product((3,), (0x20, 0x61, 0x70), (0x01, 0x03), (R_MAC,)),
        *product((3,), (0x60, 0x71), (0x03, 0x13), (BOTH,)),
    ]
]


@pytest.mark.parametrize(("scp", "i", "level", "raised"), R_MAC_CASES)
def test_an_r_mac_session_begins_and_ends(scp, i, level, raised):
    pair = Pair(scp, i, level)
    begin = pair.host.begin_r_mac(raised, b"abc")
    pair.exchange(begin, run=lambda data: pair.card.begin_r_mac(begin.p1, begin.p2, data))
    for length in (0, 5, 20):
        command = CommandAPDU(0x80, 0xE2, 0, 0, bytes(length), 256)
        assert pair.exchange(command, bytes(length)).data == bytes(length)
        assert pair.host.proven == bool(raised)
    assert pair.exchange(CommandAPDU(0x80, 0xCA, 0, 0, ne=256), b"", 0x6A88).sw == 0x6A88
    if scp == 2:
        pair.exchange(pair.host.end_r_mac(keep=True), run=lambda _: pair.card.end_r_mac(0, 1))
        assert pair.host.proven
    pair.exchange(pair.host.end_r_mac(), run=lambda _: pair.card.end_r_mac(0, 3))
    assert pair.host.level == level
    assert pair.exchange(CommandAPDU(0x80, 0xCA, 0, 0, ne=256), b"after").data == b"after"
