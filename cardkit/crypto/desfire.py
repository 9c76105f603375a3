"""DESFire's keys and ciphers: DES family and AES, chained the ways its protocols ask for (transport sheet 3.6 to 3.8).

Published keys of blank cards are weak (a DES key of zeros), which no :class:`~cardkit.crypto.key.Key` may be: here a
key is a :class:`DesfireKey`.
"""

from __future__ import annotations

import zlib
from enum import StrEnum

from cardkit.crypto.cbc import CbcDecryptor, CbcEncryptor
from cardkit.crypto.key import Key
from cardkit.crypto.mac import Cmac, pad80
from cardkit.crypto.secret import Secret
from cardkit.errors import KeyStoreError

_DES_BLOCK, _AES_BLOCK = 8, 16
_CRC_A_START, _CRC_A_POLYNOMIAL = 0x6363, 0x8408
_RB = {_DES_BLOCK: 0x1B, _AES_BLOCK: 0x87}  # NIST SP 800-38B 5.3
_VERSION_BITS = 8
_PARITY = 0x01


class KeyKind(StrEnum):
    """What a key is for: two-key and three-key triple DES, AES-128."""

    TDEA2 = "2TDEA"
    TDEA3 = "3TDEA"
    AES = "AES"

    @property
    def size_bytes(self) -> int:
        """Of a key of this kind."""
        return 24 if self is KeyKind.TDEA3 else 16

    @property
    def random_bytes(self) -> int:
        """Of the random numbers of an authentication (transport sheet 3.6)."""
        return 8 if self is KeyKind.TDEA2 else 16

    @property
    def block_bytes(self) -> int:
        """Of its cipher."""
        return _AES_BLOCK if self is KeyKind.AES else _DES_BLOCK


_KINDS = {"AES-128": KeyKind.AES, "3DES-128": KeyKind.TDEA2, "3DES-192": KeyKind.TDEA3}


class DesfireKey(Secret):
    """A card's key.

    :param value: 16 bytes, 24 for three-key triple DES; a two-key one of equal halves is a DES key.
    :param version: 0 to 255; of the DES family it stands in the parity bits, and is read from there.
    :raises KeyStoreError: on another length, or a version that is no byte.
    """

    __slots__ = ("_version", "kind")

    def __init__(self, value: bytes | bytearray | memoryview, name: str, kind: KeyKind, version: int = 0) -> None:
        super().__init__(value, name)
        if len(self) != kind.size_bytes:
            raise KeyStoreError(f"key {name}: {len(self)} bytes, {kind} has {kind.size_bytes}")
        if not 0 <= version <= 0xFF:
            raise KeyStoreError(f"key {name}: version {version}, expected 0 to 255")
        self.kind = kind
        self._version = version

    @classmethod
    def of(cls, key: Key, version: int) -> DesfireKey:
        """Return a store's key with a version, which is written into the parity bits of the DES family.

        :raises KeyStoreError: on an algorithm no DESFire card has.
        """
        kind = _KINDS.get(key.algorithm)
        if kind is None:
            raise KeyStoreError(f"key {key.name}: {key.algorithm}, expected one of {', '.join(_KINDS)}")
        with key.reveal() as clear:
            value = clear if kind is KeyKind.AES else with_version(clear, version)
            return cls(value, key.name, kind, version)

    @classmethod
    def delivered(cls, secret: Secret, kind: KeyKind) -> DesfireKey:
        """Return a key as a chip's maker delivered it.  :raises KeyStoreError: on another length."""
        with secret.reveal() as clear:
            return cls(clear, secret.name, kind)

    @classmethod
    def zero(cls, kind: KeyKind) -> DesfireKey:
        """Return the key a new application begins with: zeros, version 0."""
        return cls(bytes(kind.size_bytes), "zeros", kind)

    @property
    def version(self) -> int:
        """What GetKeyVersion shows of it."""
        return self._version if self.kind is KeyKind.AES else key_version(self._buffer)

    @property
    def is_single_des(self) -> bool:
        """Whether both halves are the same, parity bits included: its session key is a DES key."""
        return self.kind is KeyKind.TDEA2 and self._buffer[:8] == self._buffer[8:]

    @property
    def is_default(self) -> bool:
        """Whether it is a key cards are delivered with: one byte over and over, or 00 to 0F; versions do not count."""
        bare = bytes(byte & ~_PARITY for byte in self._buffer) if self.kind is not KeyKind.AES else bytes(self._buffer)
        return len(set(bare)) == 1 or bytes(self._buffer[:16]) == bytes(range(16))

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} version={self.version:02X}>"


def key_version(key: bytes | bytearray) -> int:
    """Return the version a key of the DES family has: the lowest bits of its first 8 bytes.

    >>> f"{key_version(bytes.fromhex('0011223344556677')):02X}"
    '55'
    """
    return sum((key[place] & _PARITY) << (_VERSION_BITS - 1 - place) for place in range(_VERSION_BITS))


def with_version(key: bytes | bytearray, version: int) -> bytearray:
    """Return a key of the DES family with this version in the parity bits of its first 8 bytes.

    The second half of a two-key triple DES key gets the complement, that of a DES key the same (transport sheet 3.7).
    """
    marked = bytearray(key)
    _mark(marked, 0, version)
    if len(key) == KeyKind.TDEA2.size_bytes:
        _mark(marked, _DES_BLOCK, version if key[:_DES_BLOCK] == key[_DES_BLOCK:] else ~version)
    return marked


def _mark(key: bytearray, start: int, version: int) -> None:
    for place in range(_VERSION_BITS):
        key[start + place] = key[start + place] & ~_PARITY | version >> (_VERSION_BITS - 1 - place) & 1


class BlockKey:
    """One key at work; its contexts stay. Every IV is one block; empty for zeros.

    :param key: of any kind.
    """

    __slots__ = ("_decryptor", "_encryptor", "_subkeys", "block", "kind")

    def __init__(self, key: DesfireKey) -> None:
        self.kind = key.kind
        self.block = key.kind.block_bytes
        family = "AES" if key.kind is KeyKind.AES else "3DES"
        with key.reveal() as clear:
            self._encryptor = CbcEncryptor(family, clear)
            self._decryptor = CbcDecryptor(family, clear)
        self._subkeys = (0, 0)  # of CMAC, for whole and padded messages, made when they are needed

    def encrypt(self, data: bytes, iv: bytes = b"") -> bytes:
        """Return whole blocks encrypted, chained."""
        return self._encryptor.encrypt(data, iv)

    def decrypt(self, data: bytes, iv: bytes = b"") -> bytes:
        """Return whole blocks decrypted, chained."""
        return self._decryptor.decrypt(data, iv)

    def send_decipher(self, data: bytes) -> bytes:
        """Return whole blocks as a host of the first protocol sends them: each decrypted after it is chained.

        The card can only encrypt, and takes them back by it. Transport sheet 3.6, D40
        """
        sent = bytearray()
        last = bytes(self.block)
        for start in range(0, len(data), self.block):
            mixed = bytes(a ^ b for a, b in zip(data[start : start + self.block], last, strict=True))
            last = self._decryptor.decrypt(mixed)
            sent += last
        return bytes(sent)

    def cmac(self, message: bytes, iv: bytes = b"") -> bytes:
        """Return the CMAC, one block, of a message chained from an IV (NIST SP 800-38B where it is zeros)."""
        block = self.block
        if not self._subkeys[0]:
            whole = self._doubled(int.from_bytes(self._encryptor.encrypt(bytes(block))))
            self._subkeys = whole, self._doubled(whole)
        subkey, padded = self._subkeys
        if not message or len(message) % block:
            message, subkey = pad80(message, block), padded
        last = int.from_bytes(message[-block:]) ^ subkey
        return self._encryptor.encrypt(message[:-block] + last.to_bytes(block), iv)[-block:]

    def _doubled(self, value: int) -> int:
        bits = 8 * self.block
        return value << 1 & (1 << bits) - 1 ^ (_RB[self.block] if value >> (bits - 1) else 0)

    def __repr__(self) -> str:
        return f"<{self.kind} at work>"


def crc16(data: bytes | bytearray) -> bytes:
    """Return CRC_A, 2 bytes, low byte first (ISO/IEC 14443-3 6.2.4); the redundancy of D40.

    >>> crc16(bytes.fromhex("04440f32763180")).hex()
    '2798'
    """
    value = _CRC_A_START
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (_CRC_A_POLYNOMIAL if value & 1 else 0)
    return value.to_bytes(2, "little")


def crc32(data: bytes | bytearray) -> bytes:
    """Return the CRC of EV1, 4 bytes, low byte first: that of zlib without the final inversion.

    >>> crc32(bytes.fromhex("04440f3276318000")).hex()
    '99ce1ad4'
    """
    return (zlib.crc32(data) ^ 0xFFFFFFFF).to_bytes(4, "little")


def session_key(key: DesfireKey, rnd_a: bytes, rnd_b: bytes) -> DesfireKey:
    """Return the session key of D40 and EV1 (transport sheet 3.6).

    :param rnd_a: the host's random number.  :param rnd_b: the card's, as long.
    """
    first = rnd_a[:4] + rnd_b[:4]
    if key.kind is KeyKind.AES:
        value = first + rnd_a[12:16] + rnd_b[12:16]
    elif key.kind is KeyKind.TDEA3:
        value = first + rnd_a[6:10] + rnd_b[6:10] + rnd_a[12:16] + rnd_b[12:16]
    else:
        value = first + (first if key.is_single_des else rnd_a[4:8] + rnd_b[4:8])
    return DesfireKey(value, "session", key.kind)


def ev2_vector(rnd_a: bytes, rnd_b: bytes) -> bytes:
    """Return what the random numbers add to every session vector of EV2 and LRP, 26 bytes (transport sheet 3.6)."""
    mixed = bytes(a ^ b for a, b in zip(rnd_a[2:8], rnd_b[:6], strict=True))
    return rnd_a[:2] + mixed + rnd_b[6:] + rnd_a[8:]


_ENC_LABEL, _MAC_LABEL = bytes.fromhex("A55A00010080"), bytes.fromhex("5AA500010080")


def ev2_session_keys(key: DesfireKey, rnd_a: bytes, rnd_b: bytes) -> tuple[DesfireKey, DesfireKey]:
    """Return SesAuthENC and SesAuthMAC of EV2 (AN12196 5.2; transport sheet 3.6).

    :param key: AES.  :param rnd_a, rnd_b: 16 bytes each.
    """
    vector = ev2_vector(rnd_a, rnd_b)
    with key.reveal() as clear:
        mac = Cmac(clear)
    enc, signing = (mac.mac(label + vector) for label in (_ENC_LABEL, _MAC_LABEL))
    return DesfireKey(enc, "SesAuthENC", KeyKind.AES), DesfireKey(signing, "SesAuthMAC", KeyKind.AES)


def truncated(mac: bytes) -> bytes:
    """Return MACt: every second byte of a MAC, beginning with the second (transport sheet 3.8)."""
    return mac[1::2]


def transaction_mac_keys(key: DesfireKey, counter: int, uid: bytes) -> tuple[DesfireKey, DesfireKey]:
    """Return SesTMMAC and SesTMENC of a transaction (MF2DL(H)x0, transaction MAC; transport sheet 3.10).

    :param key: AppTransactionMACKey, AES.  :param counter: TMC before the commit.
    :param uid: 7 bytes.
    """
    tail = bytes((0, 1, 0, 0x80)) + (counter + 1).to_bytes(4, "little") + uid
    with key.reveal() as clear:
        mac = Cmac(clear)
    signing, enc = (mac.mac(bytes((label,)) + tail) for label in (0x5A, 0xA5))
    return DesfireKey(signing, "SesTMMAC", KeyKind.AES), DesfireKey(enc, "SesTMENC", KeyKind.AES)
