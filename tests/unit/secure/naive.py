"""The other side of each secure channel, written again: one plain call of `cryptography` after the other, nothing kept.

Works on bytes of keys and whole APDUs, follows GPCS appendices D and E and Amendment D line by line, and shares
nothing with the package. Where no published vector exists (SCP02 without ICV encryption, unmodified APDU, implicit
initiation, R-MAC at the end only) this is the evidence.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

C_MAC, C_DEC, R_MAC, R_ENC = 1, 2, 0x10, 0x20


def aes_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(data)


def aes_block(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def cmac(key: bytes, data: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(data)
    return mac.finalize()


def des3_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    long_key = key + key[:8] if len(key) == 16 else key
    return Cipher(TripleDES(long_key), modes.CBC(iv)).encryptor().update(data)


def des3_ecb(key: bytes, data: bytes) -> bytes:
    return b"".join(des3_cbc(key, bytes(8), data[i : i + 8]) for i in range(0, len(data), 8))


def des_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    return des3_cbc(key * 3, iv, data)


def padded(data: bytes, size: int) -> bytes:
    data += b"\x80"
    while len(data) % size:
        data += b"\x00"
    return data


def full(key: bytes, data: bytes, iv: bytes = bytes(8)) -> bytes:
    return des3_cbc(key, iv, padded(data, 8))[-8:]


def retail(key: bytes, data: bytes, iv: bytes = bytes(8)) -> bytes:
    data = padded(data, 8)
    for start in range(0, len(data) - 8, 8):
        iv = des_cbc(key[:8], iv, data[start : start + 8])
    return des3_cbc(key, iv, data[-8:])


def lc_field(count: int, *, long: bool) -> bytes:
    return b"\x00" + count.to_bytes(2, "big") if long else bytes([count])


def le_field(ne: int, *, long: bool, after_data: bool) -> bytes:
    if not ne:
        return b""
    if not long:
        return bytes([ne % 256])
    return (b"" if after_data else b"\x00") + (ne % 65_536).to_bytes(2, "big")


def plain_class(cla: int) -> int:
    return cla & 0x90 if cla & 0x40 else cla & 0xF0


def secured_class(cla: int) -> int:
    return cla | (0x20 if cla & 0x40 else 0x04)


@dataclass
class Command:
    """A plain command as its fields."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0
    extended: bool = False

    def wire(self, cla: int, data: bytes, ne: int, *, long: bool) -> bytes:
        lc = lc_field(len(data), long=long) if data else b""
        return bytes([cla, self.ins, self.p1, self.p2]) + lc + data + le_field(ne, long=long, after_data=bool(data))


@dataclass
class Card03:
    """SCP03: what a command must look like on the wire, and its answer."""

    enc: bytes
    mac: bytes
    rmac: bytes
    level: int
    mac_size: int = 8
    chain: bytes = bytes(16)
    counter: int = 0
    enc_empty_data: bool = False
    counter_data_only: bool = False

    def expected(self, command: Command) -> bytes:
        if not self.level & C_MAC:
            return command.wire(command.cla, command.data, command.ne, long=command.extended)
        data = command.data
        if self.level & C_DEC:
            if data or self.enc_empty_data or not self.counter_data_only:
                self.counter += 1
            if data or self.enc_empty_data:
                iv = aes_block(self.enc, self.counter.to_bytes(16, "big"))
                data = aes_cbc(self.enc, iv, padded(data, 16))
        long = command.extended or len(data) + self.mac_size > 255 or command.ne > 256
        header = bytes([plain_class(command.cla) | 4, command.ins, command.p1, command.p2])
        length = lc_field(len(data) + self.mac_size, long=long)
        self.chain = cmac(self.mac, self.chain + header + length + data)
        return command.wire(secured_class(command.cla), data + self.chain[: self.mac_size], command.ne, long=long)

    def answer(self, body: bytes, sw: int) -> bytes:
        status = sw.to_bytes(2, "big")
        if not self.level & R_MAC or sw >> 8 not in (0x90, 0x62, 0x63):
            return body + status
        if self.level & R_ENC and body:
            iv = aes_block(self.enc, b"\x80" + self.counter.to_bytes(15, "big"))
            body = aes_cbc(self.enc, iv, padded(body, 16))
        return body + self.r_mac(body, sw) + status

    def r_mac(self, body: bytes, sw: int) -> bytes:
        return cmac(self.rmac, self.chain + body + sw.to_bytes(2, "big"))[: self.mac_size]


@dataclass
class Card02:
    """SCP02: what a command must look like on the wire, and its answer."""

    enc: bytes
    mac: bytes
    rmac: bytes
    level: int
    icv_encryption: bool = False
    unmodified: bool = False
    icv: bytes = bytes(8)
    ricv: bytes | None = None
    first: bool = True
    rmac_on_error: bool = True
    block: bytes = field(default=b"", repr=False)

    def expected(self, command: Command) -> bytes:
        ne = command.ne or (256 if self.level & R_MAC else 0)
        header = bytes([command.ins, command.p1, command.p2])
        body = padded(command.data, 8) if self.level & C_DEC and command.data else command.data
        long = bool(command.extended and (command.data or ne)) or len(body) > 255 or ne > 256
        if self.level & C_MAC:
            long = command.extended or len(body) + 8 > 255 or ne > 256
        covered = lc_field(len(command.data), long=long) + command.data
        self.block = bytes([plain_class(command.cla)]) + header + covered
        if not self.level & C_MAC:
            return command.wire(command.cla, command.data, ne, long=long)
        modified = bytes([plain_class(command.cla) | 4]) + header + lc_field(len(command.data) + 8, long=long)
        message = self.block if self.unmodified else modified + command.data
        iv = self.icv
        if self.icv_encryption and not self.first:
            iv = des_cbc(self.mac[:8], bytes(8), iv)
        self.first = False
        self.icv = retail(self.mac, message, iv)
        if body != command.data:
            body = des3_cbc(self.enc, bytes(8), body)
        return command.wire(secured_class(command.cla), body + self.icv, ne, long=long)

    def answer(self, body: bytes, sw: int) -> bytes:
        status = sw.to_bytes(2, "big")
        if self.ricv is None:
            return body + status
        error = sw >> 8 not in (0x90, 0x62, 0x63)
        covered = b"" if error else body
        self.ricv = retail(self.rmac, self.block + bytes([len(covered) % 256]) + covered + status, self.ricv)
        if not self.level & R_MAC or (error and not self.rmac_on_error):
            return covered + status
        return covered + self.ricv + status


@dataclass
class Card01:
    """SCP01: what a command must look like on the wire; answers are plain."""

    enc: bytes
    mac: bytes
    level: int
    icv_encryption: bool = False
    icv: bytes = b""

    def expected(self, command: Command) -> bytes:
        if not self.level & C_MAC:
            return command.wire(command.cla, command.data, command.ne, long=False)
        header = bytes([plain_class(command.cla) | 4, command.ins, command.p1, command.p2, len(command.data) + 8])
        iv = self.icv or bytes(8)
        if self.icv and self.icv_encryption:
            iv = des3_ecb(self.mac, iv)
        self.icv = full(self.mac, header + command.data, iv)
        body = command.data
        if self.level & C_DEC and body:
            body = bytes([len(body)]) + body
            body = des3_cbc(self.enc, bytes(8), body if len(body) % 8 == 0 else padded(body, 8))
        return command.wire(secured_class(command.cla), body + self.icv, command.ne, long=False)

    def answer(self, body: bytes, sw: int) -> bytes:
        return body + sw.to_bytes(2, "big")
