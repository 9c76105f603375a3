"""Hosts that open sessions with the card's channel, written out from the clauses, and channels to open them with."""

import json
from pathlib import Path

import pytest

from cardkit.virtual.errors import StatusWordError
from cardkit.virtual.gp import crypto
from cardkit.virtual.gp.keysets import CardKeyEntry, KeyRing, KeySet, RetryPolicy
from cardkit.virtual.gp.protection import Behaviour, Command
from cardkit.virtual.gp.session import SecureChannel

VECTORS = Path(__file__).parents[3] / "vectors"
AID = bytes.fromhex("A000000151000000")
KDD = bytes(range(10))
KEY_TYPES = {1: 0x80, 2: 0x80, 3: 0x88}


def parse(command):
    """A short or extended APDU, hex, as the channel takes it."""
    raw = bytes.fromhex(command)
    if len(raw) < 6:
        return Command(*raw[:4], b"")
    if raw[4] == 0:
        return Command(*raw[:4], raw[7 : 7 + int.from_bytes(raw[5:7], "big")], extended=True)
    return Command(*raw[:4], raw[5 : 5 + raw[4]])


def static_keys(scp, size=16):
    """Three different keys."""
    del scp
    return [bytes(range(start, start + size)) for start in (0x40, 0x60, 0x80)]


def make_set(scp, i, keys, *, kvn=0x30, counter=0, policy=RetryPolicy()):  # noqa: B008 - frozen
    entries = {n: CardKeyEntry(n, kvn, KEY_TYPES[scp], key) for n, key in enumerate(keys, 1)}
    found = KeySet(kvn, scp, i, entries, policy=policy)
    found.settle(counter)
    return found


def make_channel(key_set, *, aid=AID, kdd=KDD, challenge=None, **behaviour):
    return SecureChannel(
        KeyRing(key_set),
        aid,
        kdd=kdd,
        random=lambda size: challenge if challenge is not None else bytes(range(0xC0, 0xC0 + size)),
        behaviour=Behaviour(**behaviour),
    )


class Host:
    """What the hosts of all protocols share.

    :ivar level: 0 until EXTERNAL AUTHENTICATE has been made.
    """

    mac_size = 8
    challenge_size = 8

    def __init__(self, channel, key_set, *, keys=None):
        self.channel = channel
        self.key_set = key_set
        self.i = key_set.i
        self.keys = keys or [key_set.keys[n].value for n in sorted(key_set.keys)]
        self.host_challenge = bytes(range(0x10, 0x10 + self.challenge_size))
        self.level = 0

    def initialize_update(self):
        answer = self.channel.open(Command(0x80, 0x50, self.key_set.kvn, 0, self.host_challenge))
        self.derive(answer)
        return answer

    def external_authenticate(self, level):
        return self.protect(Command(0x84, 0x82, level, 0, self.host_cryptogram), 0x01)

    def open(self, level):
        self.initialize_update()
        assert self.channel.open(self.external_authenticate(level)) == b""
        assert self.channel.level == level | 0x80
        self.level = level
        return self

    def wrap(self, command):
        return self.protect(command, self.level)

    def send(self, command):
        """What the card reads of a protected command."""
        return self.channel.unwrap(self.wrap(command))

    @staticmethod
    def header(command, size, *, secured=True):
        plain = command.cla & (0x90 if command.cla & 0x40 else 0xF0)
        lc = bytes((0, size >> 8, size & 0xFF)) if command.extended or size > 255 else bytes((size,))
        return bytes((plain | (4 if secured else 0), command.ins, command.p1, command.p2)) + lc

    @staticmethod
    def secured(command, data):
        return command._replace(cla=command.cla | (0x20 if command.cla & 0x40 else 0x04), data=data)


class Host01(Host):
    """GPCS D.3."""

    icv = None

    def derive(self, answer):
        card, host = answer[12:20], self.host_challenge
        enc, mac, _ = self.keys
        mixed = card[4:] + host[:4] + card[:4] + host[4:]
        self.enc, self.mac = crypto.des3_ecb(enc, mixed), crypto.des3_ecb(mac, mixed)
        assert answer[20:] == crypto.full_mac(self.enc, host + card)
        self.host_cryptogram = crypto.full_mac(self.enc, card + host)
        self.icv = None

    def protect(self, command, level):
        if not level & 1:
            return command
        data = command.data
        iv = bytes(8)
        if self.icv is not None:
            iv = crypto.des3_ecb(self.mac, self.icv) if self.i & 0x10 else self.icv
        self.icv = crypto.full_mac(self.mac, self.header(command, len(data) + 8) + data, iv)
        if level & 2 and data and command.ins != 0x82:
            data = bytes((len(data),)) + data
            data = crypto.des3_cbc(self.enc, crypto.pad80(data, 8) if len(data) % 8 else data)
        return self.secured(command, data + self.icv)


class Host02(Host):
    """GPCS E.3 to E.5."""

    icv = ricv = bytes(8)
    first = True

    def derive(self, answer):
        sequence, card, host = answer[12:14], answer[14:20], self.host_challenge
        self.session_keys(int.from_bytes(sequence, "big"))
        assert answer[20:] == crypto.full_mac(self.enc, host + sequence + card)
        self.host_cryptogram = crypto.full_mac(self.enc, sequence + card + host)
        self.icv, self.first = bytes(8), True

    def session_keys(self, counter, later=None):
        enc, mac, dek = self.keys if self.i & 1 else self.keys[:1] * 3
        before = counter.to_bytes(2, "big") + bytes(12)
        after = before if later is None else later.to_bytes(2, "big") + bytes(12)
        self.enc = crypto.des3_cbc(enc, b"\x01\x82" + before)
        self.mac = crypto.des3_cbc(mac, b"\x01\x01" + before)
        self.rmac = crypto.des3_cbc(mac, b"\x01\x02" + after)
        self.dek = crypto.des3_cbc(dek, b"\x01\x81" + after)

    def open_implicitly(self, counter, aid=AID):
        """E.1.2.2: nothing is exchanged; the next protected command opens the session."""
        self.session_keys(counter, counter + 1)
        self.icv = self.ricv = bytes(8)
        if self.i & 0x08:
            self.icv, self.ricv = crypto.retail_mac(self.mac, aid), crypto.retail_mac(self.rmac, aid)
        self.first, self.level = True, 1
        return self

    def protect(self, command, level):
        data = command.data
        if level & 1:
            iv = self.icv
            if self.i & 0x10 and not self.first:
                iv = crypto.des_ecb(self.mac[:8], iv)
            unmodified = bool(self.i & 0x02)
            header = self.header(command, len(data) + (0 if unmodified else 8), secured=not unmodified)
            self.icv = crypto.retail_mac(self.mac, header + data, iv)
            self.first = False
            if command.ins == 0x82:
                self.ricv = self.icv
        self.covered = self.header(command, len(data), secured=False) + data
        if not level & 1:
            return command
        if level & 2 and data and command.ins != 0x82:
            data = crypto.des3_cbc(self.enc, crypto.pad80(data, 8))
        return self.secured(command, data + self.icv)

    def r_mac(self, data, status):
        self.ricv = crypto.retail_mac(self.rmac, self.covered + bytes((len(data) % 256,)) + data + status, self.ricv)
        return self.ricv


class Host03(Host):
    """Amendment D 6.2."""

    def __init__(self, channel, key_set, *, keys=None):
        self.challenge_size = self.mac_size = 16 if key_set.i & 1 else 8
        super().__init__(channel, key_set, keys=keys)

    def derive(self, answer):
        m = self.mac_size
        card = answer[13 : 13 + m]
        enc, mac, _ = self.keys
        context, size = self.host_challenge + card, len(enc)
        self.enc, self.mac, self.rmac = (
            crypto.kdf(key, constant, context, size) for key, constant in ((enc, 4), (mac, 6), (mac, 7))
        )
        assert answer[13 + m : 13 + 2 * m] == crypto.kdf(self.mac, 0, context, m)
        self.host_cryptogram = crypto.kdf(self.mac, 1, context, m)
        self.chain, self.counter = bytes(16), 0

    def iv(self, first):
        return crypto.aes_ecb(self.enc, bytes((first,)) + self.counter.to_bytes(15, "big"))

    def protect(self, command, level):
        if not level & 1:
            return command
        data = command.data
        if level & 2 and command.ins != 0x82:
            self.counter += 1
            if data:
                data = crypto.aes_cbc(self.enc, crypto.pad80(data, 16), self.iv(0))
        return self.mac_only(command, data)

    def mac_only(self, command, data):
        head = self.header(command, len(data) + self.mac_size)
        self.chain = crypto.aes_cmac(self.mac, self.chain + head + data)
        return self.secured(command, data + self.chain[: self.mac_size])

    def read(self, body, status):
        """The plain data of a response with R-MAC, and R-ENC where the level has it."""
        data, mac = body[: -self.mac_size], body[-self.mac_size :]
        assert mac == crypto.aes_cmac(self.rmac, self.chain + data + status)[: self.mac_size]
        if self.level & 0x20 and data:
            data = crypto.unpad80(crypto.aes_cbc_decrypt(self.enc, data, self.iv(0x80)), 16)
        return data


HOSTS = {1: Host01, 2: Host02, 3: Host03}


@pytest.fixture(scope="session")
def vectors():
    """All entries of a vector file, chosen by category where the file has them."""

    def load(name, category=None):
        found = json.loads((VECTORS / f"{name}.json").read_text())
        chosen = [entry for entry in found if category in (None, entry.get("category"))]
        assert chosen
        return chosen

    return load


@pytest.fixture(scope="session")
def apdu():
    return parse


@pytest.fixture(scope="session")
def key_set():
    return make_set


@pytest.fixture(scope="session")
def channel():
    return make_channel


@pytest.fixture(scope="session")
def host():
    """host(scp, i, size=16, ...) -> a host before a fresh channel with three different keys."""

    def make(scp, i, *, size=16, counter=0, policy=RetryPolicy(), **options):  # noqa: B008 - frozen
        found = make_set(scp, i, static_keys(scp, size), counter=counter, policy=policy)
        return HOSTS[scp](make_channel(found, **options), found)

    return make


@pytest.fixture(scope="session")
def refusal():
    """refusal(function, *arguments) -> status word, upper-case hex."""

    def call(function, *arguments):
        with pytest.raises(StatusWordError) as caught:
            function(*arguments)
        return caught.value.sw.hex().upper()

    return call
