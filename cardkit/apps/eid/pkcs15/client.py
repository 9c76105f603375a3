"""A PKCS#15 card on one channel: each command, and its answer read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid.algorithms import KeyAlgorithm, digest_info, public_key_info
from cardkit.apps.eid.client import card_at_fault
from cardkit.apps.eid.holder import HolderClient
from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.commands import WHOLE_EXTENDED, Environment
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.iso7816.commands import ANY_LENGTH, read_binary, update_binary
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm, digest
from cardkit.apps.pki.publickey import RsaKey
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProtocolError
from cardkit.transport.base import TransmissionProtocol

SERIAL_BYTES = 8
MOST_FILE_BYTES = 0x7FFF
"""No file is longer: offsets of READ BINARY end here."""
CREATION, OPERATIONAL = 0x03, 0x05
"""Life cycle bytes of the MF and of every file. ISO/IEC 7816-4 7.4.10"""
_OK, _EXISTS = 0x9000, 0x6A89
_COUNTER, _COUNTER_MASK = 0x63C0, 0xFFF0
_FCI, _FCP = 0x6F, 0x62
_SIZE, _WITHOUT_STRUCTURE, _DESCRIPTOR, _CONDITIONS, _LIFE_CYCLE = 0x81, 0x80, 0x82, 0x86, 0x8A
_PUBLIC_KEY, _POINT, _MODULUS, _EXPONENT = 0x7F49, 0x86, 0x81, 0x82
_EXTENDED_LENGTH = 0x01
_PART_BYTES = 128
"""Least of a file at once, but at its end: who gives less would never come to an end."""
_MESSAGE_BYTES = 32
_PADDING_LEAST = 8  # RFC 8017 7.2.1


@dataclass(frozen=True, slots=True)
class Fci:
    """What a card says of a file when it is selected.

    :param size: bytes.  :param descriptor: 38 of a directory.  :param conditions: as they were; empty for none.
    :param life_cycle: 05 of a file in force.
    """

    size: int
    descriptor: int
    conditions: bytes
    life_cycle: int

    @classmethod
    def parse(cls, data: bytes) -> Fci:
        """Read an answer to SELECT.  :raises EncodingError: where it is no template of a file."""
        found = tlv.parse(data)
        if len(found) != 1 or found[0].tag not in (_FCI, _FCP):
            raise EncodingError(f"{len(data)} bytes, expected one object 6F or 62")
        parts = {item.tag: item.value for item in found[0].children()}
        numbers = (parts.get(tag, b"") for tag in (_DESCRIPTOR, _LIFE_CYCLE))
        size = parts.get(_SIZE, parts.get(_WITHOUT_STRUCTURE, b""))
        descriptor, life_cycle = (value[0] if value else 0 for value in numbers)
        return cls(int.from_bytes(size, "big"), descriptor, parts.get(_CONDITIONS, b""), life_cycle)


@dataclass(frozen=True, slots=True)
class Applet:
    """What the chip's application says of itself.  :param serial: the chip's number, 8 bytes."""

    version: tuple[int, int]
    features: int
    serial: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> Applet:
        """Read the answer to SELECT.  :raises EncodingError: where it has another length."""
        if len(data) != 3 + SERIAL_BYTES:
            raise EncodingError(f"{len(data)} bytes, expected {3 + SERIAL_BYTES}")
        return cls((data[0], data[1]), data[2], data[3:])


class Pkcs15Client(HolderClient):
    """A PKCS#15 card.

    Every method raises TransportError when the link fails, StatusError when the card refuses, ProtocolError when its
    answer cannot be read.
    """

    def enter(self, aid: bytes) -> Applet:
        """Select the chip's application; long commands go out from now on as it says it takes them."""
        what = "SELECT of the chip's application"
        answer = self.send(commands.select_applet(aid), what)
        with card_at_fault(what):
            found = Applet.parse(answer)
        self._channel.chaining = True  # ISO/IEC 7816-4 5.3.3; every such card takes it
        self._channel.extended = bool(
            found.features & _EXTENDED_LENGTH and self._channel.protocol != TransmissionProtocol.T0
        )
        return found

    # Files

    def select(self, path: bytes) -> Fci:
        """Select a file and return what the card says of it.  :raises NotFoundError: when it is not there."""
        what = f"SELECT {path.hex().upper()}"
        answer = self.send(commands.select(path), what)
        with card_at_fault(what):
            return Fci.parse(answer)

    def read(self, size: int) -> bytes:
        """Return the selected file.  :param size: as its selection told; more than 32,767 is not believed."""
        if size > MOST_FILE_BYTES:
            raise ProtocolError(f"a file of {size:,} bytes, expected {MOST_FILE_BYTES:,} at most")
        data = b""
        while len(data) < size:
            most = WHOLE_EXTENDED if self._channel.extended else ANY_LENGTH
            left = size - len(data)
            part = self.send(read_binary(len(data), min(left, most)), "READ BINARY")
            if not min(left, _PART_BYTES) <= len(part) <= left:
                raise ProtocolError(f"READ BINARY: {len(part)} bytes, expected {min(left, _PART_BYTES)} to {left}")
            data += part
        return data

    def create(self, command: CommandAPDU, fid: int, what: str) -> None:
        """Create a file; one that has its place and was found to be wrong is deleted first."""
        response = self._channel.send(command)
        if response.sw == _EXISTS:
            self.send(commands.delete_file(fid), f"DELETE {what}")
            response = self._channel.send(command)
        if response.sw != _OK:
            raise status_error(f"CREATE {what}", response.sw)

    def write(self, data: bytes, what: str) -> None:
        """Write a whole file that was just created: it is the selected one."""
        self.send(update_binary(0, data), f"UPDATE BINARY {what}")

    # Keys

    def generate(self, algorithm: KeyAlgorithm) -> bytes:
        """Make the key pair of the environment and return its SubjectPublicKeyInfo."""
        what = "GENERATE"
        answer = self.send(commands.generate(algorithm), what)
        with card_at_fault(what):
            found = tlv.parse(answer)
            if len(found) != 1 or found[0].tag != _PUBLIC_KEY:
                raise EncodingError(f"{len(answer)} bytes, expected one object 7F49")
            wanted = (_POINT,) if algorithm.curve else (_MODULUS, _EXPONENT)
            parts = b"".join(item.build() for item in found[0].children() if item.tag in wanted)
            return public_key_info(algorithm, parts)

    def signs(self, algorithm: KeyAlgorithm, public_key: bytes, challenge: Callable[[int], bytes]) -> bool:
        """Whether the key of the environment signs fresh data.  :param public_key: SubjectPublicKeyInfo."""
        message = challenge(_MESSAGE_BYTES)
        hashed = digest(algorithm.hash, message)
        signature = self.send(commands.sign(hashed if algorithm.curve else digest_info(algorithm.hash, hashed)), "PSO")
        with card_at_fault("signature"):
            named = SignatureAlgorithm("", algorithm.scheme, algorithm.hash)
            return publickey.verifies(public_key, named, message, signature)

    def deciphers(self, public_key: bytes, challenge: Callable[[int], bytes]) -> bool:
        """Whether the key of the environment deciphers what was enciphered for a public key (RSAES-PKCS1-v1_5)."""
        with card_at_fault("public key"):
            key = publickey.parse(public_key)
        message = challenge(_MESSAGE_BYTES)
        if not isinstance(key, RsaKey):
            return False
        return self.send(commands.decipher(enciphered(key, message, challenge)), "PSO DECIPHER") == message

    def environment(self, purpose: Environment, algorithm: KeyAlgorithm, reference: int) -> None:
        """Say which key is meant from now on."""
        self.send(commands.environment(purpose, algorithm, reference), f"MSE {purpose.name} {reference:02X}")

    # Codes

    def tries_left(self, reference: int) -> int:
        """Return the tries a code has left.

        :raises StatusError: 6A88 when it is not set, 6983 when it is blocked, 9000 when it was presented already.
        """
        response = self._channel.send(commands.ask(reference))
        if response.sw & _COUNTER_MASK != _COUNTER:
            raise status_error(f"tries of code {reference:02X}", response.sw, expected="63Cx")
        return response.sw & ~_COUNTER_MASK


def enciphered(key: RsaKey, message: bytes, challenge: Callable[[int], bytes]) -> bytes:
    """Encipher a message. RFC 8017 7.2.1

    :param challenge: source of random bytes.  :raises EncodingError: when it is longer than the key takes.
    """
    size = (key.bits + 7) // 8
    length = size - 3 - len(message)
    if length < _PADDING_LEAST:
        raise EncodingError(f"message of {len(message)} bytes: a key of {key.bits} bits takes {size - 11}")
    padding = bytes(byte or 0xFF for byte in challenge(length))
    block = b"\x00\x02" + padding + b"\x00" + message
    return pow(int.from_bytes(block, "big"), key.e, key.n).to_bytes(size, "big")
