"""A terminal of the tests' own, written with `cryptography` alone: every authentication, every secure messaging."""

import os
import zlib

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

PLAIN, MACED, FULL = 0, 1, 3
SENT = {0x3D, 0x3B, 0xDB, 0x0C, 0xDC, 0x1C}
ZERO = bytes(16)


class RefusedError(Exception):
    """The card answered another status than 00."""

    def __init__(self, status):
        super().__init__(f"{status:02X}")
        self.status = status


def algorithm(key, aes):
    return AES(key) if aes else TripleDES(key + key[:8] if len(key) == 16 else key)


def cbc(key, iv, data, *, aes=True, decrypt=False):
    work = Cipher(algorithm(key, aes), modes.CBC(iv))
    return (work.decryptor() if decrypt else work.encryptor()).update(data)


def cmac(key, data, *, aes=True):
    work = CMAC(algorithm(key, aes))
    work.update(data)
    return work.finalize()


def chained_cmac(key, iv, data, *, aes):
    """CMAC from a running IV: of a message that is whole blocks longer, with the IV XORed into the first block."""
    block = 16 if aes else 8
    if len(data) >= block:
        first = bytes(a ^ b for a, b in zip(data[:block], iv, strict=True))
        return cmac(key, first + data[block:], aes=aes)
    zero = int.from_bytes(cbc(key, bytes(block), bytes(block), aes=aes), "big")
    for _ in range(2):
        zero = zero << 1 ^ ((1 << 8 * block | (0x87 if aes else 0x1B)) if zero >> 8 * block - 1 else 0)
    padded = (data + b"\x80").ljust(block, b"\x00")
    mixed = int.from_bytes(padded, "big") ^ int.from_bytes(iv, "big") ^ zero
    return cbc(key, bytes(block), mixed.to_bytes(block, "big"), aes=aes)


def crc16(data):
    crc = 0x6363
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


def crc32(data):
    return (~zlib.crc32(data) & 0xFFFFFFFF).to_bytes(4, "little")


def pad(data, block):
    return data + bytes(-len(data) % block)


class Host:
    """Commands to a card; `wrapped` ones or raw frames.

    :ivar scheme: None, "d40", "ev1" or "ev2".
    """

    def __init__(self, card, *, wrapped=False, frame=59):
        self.card = card
        self.wrapped = wrapped
        self.size = frame
        self.scheme = None

    def exchange(self, opcode, data=b""):
        """One frame; returns status, data."""
        if not self.wrapped:
            answer = self.card.transmit(bytes((opcode,)) + data)
            return answer[0], answer[1:]
        body = bytes((len(data),)) + data if data else b""
        answer = self.card.transmit(bytes((0x90, opcode, 0, 0)) + body + b"\x00")
        assert answer[-2] == 0x91
        return answer[-1], answer[:-2]

    def raw(self, opcode, data=b""):
        """A whole command in frames, unprotected; returns status, data."""
        status, found = self.exchange(opcode, data[: self.size])
        rest = data[self.size :]
        while status == 0xAF:
            status, more = self.exchange(0xAF, rest[: self.size])
            rest = rest[self.size :]
            found += more
            assert len(found) < 10_000, "an answer without end"
            assert more or rest or status != 0xAF, "a frame without data"
        return status, found

    def plain(self, command):
        """A command in hex that needs no session."""
        data = bytes.fromhex(command)
        status, found = self.raw(data[0], data[1:])
        if status:
            raise RefusedError(status)
        return found

    def status(self, command):
        """Status of a command in hex."""
        data = bytes.fromhex(command)
        return self.raw(data[0], data[1:])[0]

    def authenticate(self, opcode, number, key, capabilities=b""):
        """Any of 0A 1A AA 71 77."""
        aes = opcode not in (0x0A, 0x1A)
        size = 16 if aes or len(key) == 24 else 8
        block = 16 if aes else 8
        first = bytes((number,)) + (bytes((len(capabilities),)) + capabilities if opcode == 0x71 else b"")
        status, challenge = self.exchange(opcode, first)
        if status != 0xAF:
            raise RefusedError(status)
        a = os.urandom(size)
        iv = challenge[-block:] if opcode in (0x1A, 0xAA) else bytes(block)
        b = cbc(key, bytes(block), challenge, aes=aes, decrypt=True)
        sent = self._proof(opcode, key, a, b[1:] + b[:1], iv)
        status, proof = self.exchange(0xAF, sent)
        if status:
            raise RefusedError(status)
        iv = sent[-block:] if opcode in (0x1A, 0xAA) else bytes(block)
        shown = cbc(key, iv, proof, aes=aes, decrypt=True)
        self._open(opcode, number, key, a, b, shown)
        return self

    @staticmethod
    def _proof(opcode, key, a, b, iv):
        if opcode != 0x0A:
            return cbc(key, iv, a + b, aes=opcode != 0x1A)
        first = cbc(key, bytes(8), a, aes=False, decrypt=True)
        second = bytes(x ^ y for x, y in zip(b, first, strict=True))
        return first + cbc(key, bytes(8), second, aes=False, decrypt=True)

    def _open(self, opcode, number, key, a, b, shown):
        self.number = number
        if opcode in (0x71, 0x77):
            if opcode == 0x71:
                self.ti, self.counter, shown = shown[:4], 0, shown[4:20]
            mixed = a[:2] + bytes(x ^ y for x, y in zip(a[2:8], b[:6], strict=True)) + b[6:] + a[8:]
            self.enc, self.mac = (cmac(key, bytes.fromhex(label) + mixed) for label in ("a55a00010080", "5aa500010080"))
            self.scheme = "ev2"
        else:
            self.aes = opcode == 0xAA
            self.key = session_key(key, a, b, self.aes)
            self.block = 16 if self.aes else 8
            self.iv = bytes(self.block)
            self.scheme = "d40" if opcode == 0x0A else "ev1"
        assert shown == a[1:] + a[:1], "the card has not proven itself"

    def send(self, opcode, header="", payload=b"", mode=MACED, *, size=None):
        """A command in the session; returns the plain data.

        :param size: bytes of data expected when they come enciphered.
        """
        header = bytes.fromhex(header)
        body = payload if self.scheme is None else getattr(self, f"_{self.scheme}_out")(opcode, header, payload, mode)
        status, data = self.raw(opcode, header + body)
        if status:
            self.scheme = None if self.scheme != "d40" or status in (0xAE, 0x1E) else "d40"
            raise RefusedError(status)
        return data if self.scheme is None else getattr(self, f"_{self.scheme}_in")(opcode, data, mode, size)

    # D40

    def _d40_out(self, opcode, header, payload, mode):
        if mode == FULL and payload:
            return self._receivable(pad(payload + crc16(payload), 8))
        return payload + (self._d40_mac(payload) if mode == MACED and opcode in SENT else b"")

    def _d40_mac(self, data):
        return cbc(self.key, bytes(8), pad(data, 8), aes=False)[-8:][:4]

    def _receivable(self, data):
        sent, last = b"", bytes(8)
        for at in range(0, len(data), 8):
            mixed = bytes(x ^ y for x, y in zip(data[at : at + 8], last, strict=True))
            last = cbc(self.key, bytes(8), mixed, aes=False, decrypt=True)
            sent += last
        return sent

    def _d40_in(self, opcode, data, mode, size):
        if mode == FULL and data:
            plain = cbc(self.key, bytes(8), data, aes=False, decrypt=True)
            assert plain[size : size + 2] == crc16(plain[:size])
            assert not any(plain[size + 2 :])
            return plain[:size]
        if mode == MACED and opcode in (0xBD, 0xBB, 0x6C):
            assert data[-4:] == self._d40_mac(data[:-4])
            return data[:-4]
        return data

    # EV1

    def _ev1_out(self, opcode, header, payload, mode):
        opening = bytes((opcode,)) + header
        if mode == FULL and payload:
            return self.enciphered(payload + crc32(opening + payload))
        self.iv = chained_cmac(self.key, self.iv, opening + payload, aes=self.aes)
        return payload + (self.iv[:8] if mode == MACED and opcode in SENT | {0xC8, 0x55, 0x56, 0x57} else b"")

    def enciphered(self, data):
        """Blocks in the session of EV1, padded with zeros."""
        sent = cbc(self.key, self.iv, pad(data, self.block), aes=self.aes)
        self.iv = sent[-self.block :]
        return sent

    def _ev1_in(self, opcode, data, mode, size):
        if mode == FULL and size:
            plain = cbc(self.key, self.iv, data, aes=self.aes, decrypt=True)
            self.iv = data[-self.block :]
            assert plain[size : size + 4] == crc32(plain[:size] + b"\x00")
            assert plain[size + 4 :].strip(b"\x00") in (b"", b"\x80")
            return plain[:size]
        self.iv = chained_cmac(self.key, self.iv, data[:-8] + b"\x00", aes=self.aes)
        assert data[-8:] == self.iv[:8]
        return data[:-8]

    # EV2

    def _ev2_out(self, opcode, header, payload, mode):
        if mode == PLAIN:
            return payload
        if mode == FULL and payload:
            payload = cbc(self.enc, self._iv("a55a"), pad(payload + b"\x80", 16))
        return payload + self._mact(bytes((opcode,)) + self._count() + self.ti + header + payload)

    def _count(self):
        return self.counter.to_bytes(2, "little")

    def _mact(self, data):
        return cmac(self.mac, data)[1::2]

    def _iv(self, label):
        return cbc(self.enc, ZERO, bytes.fromhex(label) + self.ti + self._count() + bytes(8))

    def _ev2_in(self, opcode, data, mode, size):
        self.counter += 1
        if mode == PLAIN:
            return data
        data, mac = data[:-8], data[-8:]
        assert mac == self._mact(b"\x00" + self._count() + self.ti + data)
        if mode == FULL and data:
            plain = cbc(self.enc, self._iv("5aa5"), data, decrypt=True).rstrip(b"\x00")
            assert len(data) % 16 == 0
            assert plain[-1:] == b"\x80"
            return plain[:-1]
        return data

    # keys

    def change_key(self, number, new, old=None, *, version=None, kind=0):
        """C4; `old` for a key that is not the one in use, `kind` at PICC level."""
        header = f"{number | kind:02x}"
        rest = b"" if version is None else bytes((version,))
        content = (bytes(x ^ y for x, y in zip(new, old, strict=True)) if old else new) + rest
        crc = crc16 if self.scheme == "d40" else crc32
        trailer = crc(new) if old else b""
        if self.scheme == "ev2":
            body = self._ev2_out(0xC4, bytes.fromhex(header), content + trailer, FULL)
        elif self.scheme == "ev1":
            body = self.enciphered(content + crc32(b"\xc4" + bytes.fromhex(header) + content) + trailer)
        else:
            body = self._receivable(pad(content + crc16(content) + trailer, 8))
        status, data = self.raw(0xC4, bytes.fromhex(header) + body)
        if status:
            raise RefusedError(status)
        if old is None:
            assert data == b""
            self.scheme = None
        else:
            getattr(self, f"_{self.scheme}_in")(0xC4, data, MACED, None)


def session_key(key, a, b, aes):
    if aes:
        return a[:4] + b[:4] + a[12:] + b[12:]
    if len(key) == 24:
        return a[:4] + b[:4] + a[6:10] + b[6:10] + a[12:] + b[12:]
    return (a[:4] + b[:4]) * 2 if key[:8] == key[8:] else a[:4] + b[:4] + a[4:8] + b[4:8]
