"""The card's side of SCP80, written again from the sheet: plain calls, fields by hand, nothing of the package."""

from __future__ import annotations

import binascii
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.unit.secure.naive import aes_cbc, cmac, des3_cbc


def crc16_bitwise(data: bytes) -> bytes:
    """x^16 + x^12 + x^5 + 1 over the bits as they are sent: least significant first, inverted both ends."""
    register = [1] * 16
    for byte in data:
        for position in range(8):
            feedback = register[15] ^ (byte >> position & 1)
            register = [feedback, *register[:15]]
            register[5] ^= feedback
            register[12] ^= feedback
    bits = [1 - bit for bit in reversed(register)]
    number = sum(bit << place for place, bit in enumerate(bits))
    return bytes((number >> 8, number & 0xFF))


@dataclass
class Card:
    """One key set of one card.

    :param aes: both keys are for AES, else 3DES.  :param mac_size: of a checksum.
    """

    kic: bytes
    kid: bytes
    aes: bool = False
    mac_size: int = 8

    def encrypt(self, data: bytes) -> bytes:
        return aes_cbc(self.kic, bytes(16), data) if self.aes else des3_cbc(self.kic, bytes(8), data)

    def decrypt(self, data: bytes) -> bytes:
        if self.aes:
            cipher = Cipher(algorithms.AES(self.kic), modes.CBC(bytes(16)))
        else:
            long_key = self.kic + self.kic[:8] if len(self.kic) == 16 else self.kic
            cipher = Cipher(TripleDES(long_key), modes.CBC(bytes(8)))
        return cipher.decryptor().update(data)

    def checksum(self, data: bytes) -> bytes:
        if self.aes:
            return cmac(self.kid, data)[: self.mac_size]
        while len(data) % 8:
            data += b"\x00"
        return des3_cbc(self.kid, bytes(8), data)[-8:]

    def proof(self, kind: int, kid: int, data: bytes) -> bytes:
        if kind == 2:
            return self.checksum(data)
        if kind == 1:
            return crc16_bitwise(data) if kid & 0xF == 1 else binascii.crc32(data).to_bytes(4, "big")
        return b""

    def read(self, packet: bytes) -> tuple[bytes, int, bytes]:
        """Return TAR, counter and data of a command packet; AssertionError where anything is wrong."""
        assert int.from_bytes(packet[:2], "big") == len(packet) - 2
        chl, spi1, kid, tar = packet[2], packet[3], packet[6], packet[7:10]
        body = self.decrypt(packet[10:]) if spi1 & 4 else packet[10:]
        size = chl - 13
        counter, padding, proof, rest = body[:5], body[5], body[6 : 6 + size], body[6 + size :]
        assert proof == self.proof(spi1 & 3, kid, packet[:10] + body[:6] + rest)
        assert rest[len(rest) - padding :] == bytes(padding)
        if spi1 & 4:
            assert padding < (16 if self.aes else 8)
        else:
            assert padding == 0
        return tar, int.from_bytes(counter, "big"), rest[: len(rest) - padding]

    def answer(self, packet: bytes, status: int, data: bytes, *, counter: int) -> bytes:
        """Return the response to a command packet, protected as its SPI asks."""
        spi2, kid, tar = packet[4], packet[6], packet[7:10]
        kind, ciphered = spi2 >> 2 & 3, spi2 & 0x10
        size = len(self.proof(kind, kid, b"any"))
        padding = 0
        if ciphered:
            while (7 + size + len(data) + padding) % (16 if self.aes else 8):
                padding += 1
        fixed = counter.to_bytes(5, "big") + bytes((padding, status))
        rest = data + bytes(padding)
        head = bytes((10 + size,)) + tar
        head = b"\x02\x71\x00" + (len(head) + 7 + size + len(rest)).to_bytes(2, "big") + head
        body = fixed + self.proof(kind, kid, head + fixed + rest) + rest
        return head + (self.encrypt(body) if ciphered else body)
