"""A PIV card on one channel: each command, and its answer read (SP 800-73-4 part 2, chapter 3)."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cardkit.apps.eid import commands
from cardkit.apps.eid.algorithms import MANAGEMENT_ALGORITHMS, KeyAlgorithm, Slot, digest_info, public_key_info
from cardkit.apps.eid.holder import HolderClient
from cardkit.apps.eid.objects import APPLICATION, CONTAINER, DISCOVERY, ApplicationTemplate
from cardkit.apps.pki import publickey
from cardkit.apps.pki.algorithms import SignatureAlgorithm, digest
from cardkit.apps.pki.publickey import EcKey
from cardkit.crypto import Secret
from cardkit.crypto.challengeresponse import decrypt_block, encrypt_block
from cardkit.crypto.curves import BY_NAME
from cardkit.crypto.groups import EcGroup
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError

_OK = 0x9000
_PUBLIC_KEY, _DYNAMIC = 0x7F49, 0x7C
_WITNESS, _RESPONSE = 0x80, 0x82
_META_ALGORITHM, _META_ORIGIN, _META_PUBLIC, _META_DEFAULT, _META_TRIES = 0x01, 0x03, 0x04, 0x05, 0x06
_GENERATED = 0x01
_SERIAL_BYTES = 4
_MESSAGE_BYTES = 32


@contextmanager
def card_at_fault(what: str) -> Iterator[None]:
    """Turn bytes that cannot be read into the error of the card that sent them.

    :raises ProtocolError: in place of EncodingError.
    """
    try:
        yield
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a card says of a key or code.

    :param algorithm: 0 where it says none.  :param generated: whether the key was made on the card.
    :param public: ``86 ..`` or ``81 .. 82 ..``; empty for codes.  :param delivered: whether its value is the maker's.
    :param tries, left: 0 where none are counted.
    """

    algorithm: int = 0
    generated: bool = False
    public: bytes = field(default=b"", repr=False)
    delivered: bool = False
    tries: int = 0
    left: int = 0

    @classmethod
    def parse(cls, data: bytes) -> Metadata:
        """Read an answer.  :raises EncodingError: where it is not TLV, or an element has another length."""
        found = {item.tag: item.value for item in tlv.parse(data)}
        tries = found.get(_META_TRIES, bytes(2))
        if len(tries) != 2:
            raise EncodingError(f"tries ({_META_TRIES:02X}): {len(tries)} bytes, expected 2")
        return cls(
            int.from_bytes(found.get(_META_ALGORITHM, b""), "big"),
            found.get(_META_ORIGIN, b"") == bytes((_GENERATED,)),
            found.get(_META_PUBLIC, b""),
            any(found.get(_META_DEFAULT, b"")),
            *tries,
        )


class PivClient(HolderClient):
    """A PIV application; :meth:`select` comes first.

    Every method raises TransportError when the link fails, StatusError when the card refuses, ProtocolError when its
    answer cannot be read.
    """

    def select(self) -> ApplicationTemplate:
        """Select the application and return what it says of itself; commands may be chained from now on."""
        answer = self.send(commands.select(), "SELECT PIV")
        with card_at_fault("SELECT PIV"):
            found = ApplicationTemplate.parse(self._one(answer, APPLICATION))
        self._channel.chaining = True  # every PIV card takes it. SP 800-73-4 part 2, 3
        return found

    def read(self, tag: int) -> bytes:
        """Return the value of a data object.  :raises NotFoundError: when it is not there."""
        what = f"GET DATA {tag:X}"
        answer = self.send(commands.get_data(tag), what)
        with card_at_fault(what):
            return self._one(answer, DISCOVERY if tag == DISCOVERY else CONTAINER)

    def write(self, tag: int, value: bytes) -> None:
        """Write the value of a data object other than the discovery object."""
        self.send(commands.put_data(tag, tlv.build(CONTAINER, value)), f"PUT DATA {tag:X}")

    def metadata(self, reference: int) -> Metadata:
        """Return what the card says of a key or code.  :raises NotFoundError: when there is none."""
        what = f"metadata of {reference:02X}"
        with card_at_fault(what):
            return Metadata.parse(self.send(commands.metadata(reference), what))

    def serial(self) -> bytes:
        """Return the chip's number, 4 bytes."""
        number = self.send(commands.serial(), "serial number")
        if len(number) != _SERIAL_BYTES:
            raise ProtocolError(f"serial number: {len(number)} bytes, expected {_SERIAL_BYTES}")
        return number

    # Keys

    def generate(self, slot: Slot, algorithm: KeyAlgorithm) -> bytes:
        """Make a key pair and return its SubjectPublicKeyInfo; the management key must have been proven."""
        what = f"GENERATE {slot.name}"
        answer = self.send(commands.generate(slot.reference, algorithm.reference), what)
        with card_at_fault(what):
            return public_key_info(algorithm, self._one(answer, _PUBLIC_KEY))

    def signs(self, slot: Slot, algorithm: KeyAlgorithm, public_key: bytes, challenge: Callable[[int], bytes]) -> bool:
        """Whether the card signs fresh data with the private half of a public key.

        :param public_key: SubjectPublicKeyInfo.  :param challenge: source of random bytes.
        """
        what = f"signature by {slot.name}"
        message = challenge(_MESSAGE_BYTES)
        command = commands.sign(algorithm.reference, slot.reference, to_sign(algorithm, message))
        answer = self.send(command, what)
        with card_at_fault(what):
            signature = self._dynamic(answer, _RESPONSE)
            named = SignatureAlgorithm("", algorithm.scheme, algorithm.hash)
            return publickey.verifies(public_key, named, message, signature)

    def agrees(self, slot: Slot, algorithm: KeyAlgorithm, public_key: bytes, challenge: Callable[[int], bytes]) -> bool:
        """Whether the card agrees on a secret by the private half of a public key on a curve.

        :param public_key: SubjectPublicKeyInfo.  :param challenge: source of random bytes.
        """
        what = f"key agreement by {slot.name}"
        own = EcGroup(BY_NAME[algorithm.curve]).key_pair(challenge)
        answer = self.send(commands.agree(algorithm.reference, slot.reference, own.public), what)
        with card_at_fault(what):
            agreed = self._dynamic(answer, _RESPONSE)
            key = publickey.parse(public_key)
            return isinstance(key, EcKey) and Secret(agreed, "agreed secret") == own.agree(key.point)

    def authenticate(self, algorithm: str, key: Secret, challenge: Callable[[int], bytes]) -> None:
        """Prove the management key, and let the card prove it too.

        :param algorithm: of :data:`~cardkit.apps.eid.algorithms.MANAGEMENT_ALGORITHMS`.
        :raises AuthenticationError: when the card does not have the key.
        """
        what, reference = "management key", MANAGEMENT_ALGORITHMS[algorithm]
        asked = self.send(commands.witness(reference), what)
        with card_at_fault(what):
            sealed = self._dynamic(asked, _WITNESS)
        block = 16 if algorithm.startswith("AES") else 8
        if len(sealed) != block:
            raise ProtocolError(f"{what}: witness of {len(sealed)} bytes, expected {block}")
        own = challenge(block)
        clear = decrypt_block(algorithm, key, sealed)
        answer = self.send(commands.answer_witness(reference, clear, own), what)
        with card_at_fault(what):
            proof = self._dynamic(answer, _RESPONSE)
        if not hmac.compare_digest(proof, encrypt_block(algorithm, key, own)):
            raise AuthenticationError("management key: the card's proof is wrong")

    @staticmethod
    def _one(data: bytes, tag: int) -> bytes:
        """Return the value of the one object an answer is."""
        found = tlv.parse(data)
        if len(found) != 1 or found[0].tag != tag:
            raise EncodingError(f"{len(data)} bytes, expected one object {tag:02X}")
        return found[0].value

    def _dynamic(self, data: bytes, tag: int) -> bytes:
        return self._one(self._one(data, _DYNAMIC), tag)


def to_sign(algorithm: KeyAlgorithm, message: bytes) -> bytes:
    """Return what the card gets to sign a message: its hash (EC), or the block of RSASSA-PKCS1-v1_5 (RFC 8017 9.2)."""
    hashed = digest(algorithm.hash, message)
    if algorithm.curve:
        return hashed
    info = digest_info(algorithm.hash, hashed)
    return b"\x00\x01" + b"\xff" * (algorithm.bits // 8 - 3 - len(info)) + b"\x00" + info
