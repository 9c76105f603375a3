"""Commands that make and use a PKCS#15 card (ISO/IEC 7816-4, -8, -9), as OpenSC's driver isoApplet knows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid.algorithms import KeyAlgorithm
from cardkit.apps.iso7816.commands import ANY_LENGTH, MF, Ins, SelectBy
from cardkit.crypto import Secret
from cardkit.crypto.curves import BY_NAME, Curve
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

PIN, PUK = 0x01, 0x02
"""References of the codes."""
NEVER, BY_PIN, ALWAYS = 0xFF, 0x90, 0x00
"""Conditions of access."""
WHOLE_EXTENDED = 65_536
CODE_BYTES = 16
"""Most bytes of a code, and what CHANGE and UNBLOCK fill it up to."""
ALGORITHMS = MappingProxyType(
    {
        item.name: item
        for item in (
            KeyAlgorithm(0xF3, "RSA-2048", 2048),
            KeyAlgorithm(0xEC, "P-256", 256, "P-256"),
            KeyAlgorithm(0xEC, "P-384", 384, "P-384", "sha384"),
            KeyAlgorithm(0xEC, "brainpoolP256r1", 256, "brainpoolP256r1"),
            KeyAlgorithm(0xEC, "brainpoolP384r1", 384, "brainpoolP384r1", "sha384"),
        )
    }
)
"""Key algorithms, with the references they have when a key is made or stored."""
_FIRST = 0x01
_TEMPLATE, _SIZE, _DESCRIPTOR, _FID, _NAME, _CONDITIONS = 0x6F, 0x80, 0x82, 0x83, 0x84, 0x86
_FILE, _DIRECTORY = 0x01, 0x38
_AMODE, _UNUSED = b"\xff", bytes((NEVER,)) * 4
_ALGORITHM, _KEY = 0x80, 0x84
_RSA_RAW, _EC_HASH = 0x11, 0x22
_RSA_PARTS = (0x94, 0x96, 0x95, 0x93, 0x92)  # of cardrsa.CRT_PARTS: q^-1, dq, dp, q, p
_RSA_KEY, _EC_KEY, _EC_SCALAR = 0x7F48, 0xE0, 0x88


class Pkcs15Ins(IntEnum):
    """Instruction bytes besides those of :class:`~cardkit.apps.iso7816.commands.Ins`."""

    ENVIRONMENT = 0x22
    OPERATION = 0x2A
    GENERATE = 0x46
    STORE = 0xDB
    CREATE = 0xE0
    DELETE = 0xE4


class Environment(IntEnum):
    """What the next command does with a key (P1 P2 of MANAGE SECURITY ENVIRONMENT). ISO/IEC 7816-4 11.5.11"""

    MAKE = 0x4100
    SIGN = 0x41B6
    DECIPHER = 0x41B8


@dataclass(frozen=True, slots=True)
class Conditions:
    """Who may do what with a file.

    :param read: or, of a directory, delete what is in it.  :param update: or create files.
    :param write: or create directories.  :param delete: the file itself.
    """

    read: int = ALWAYS
    update: int = NEVER
    write: int = NEVER
    delete: int = NEVER

    def build(self) -> bytes:
        """Return them in the compact form of the chip: access mode byte, then one for each right."""
        return _AMODE + bytes((self.delete,)) + _UNUSED[:3] + bytes((self.write, self.update, self.read))


READ_ONLY, READ_BY_PIN = Conditions(), Conditions(read=BY_PIN)
CLOSED = Conditions(read=NEVER)
"""A directory in which nobody makes or deletes anything."""


def select_applet(aid: bytes) -> CommandAPDU:
    """Select the chip's application; it answers version, features and serial number."""
    return CommandAPDU(0x00, Ins.SELECT, SelectBy.AID, 0x00, aid, ANY_LENGTH)


def select(path: bytes) -> CommandAPDU:
    """Select a file by FIDs from the MF on, 3F00 included; the answer is its FCI."""
    if path == MF.to_bytes(2, "big"):
        return CommandAPDU(0x00, Ins.SELECT, SelectBy.FID, 0x00, path, ANY_LENGTH)
    return CommandAPDU(0x00, Ins.SELECT, SelectBy.PATH_FROM_MF, 0x00, path[2:], ANY_LENGTH)


def create_file(fid: int, size: int, conditions: Conditions) -> CommandAPDU:
    """Create a transparent file in the current directory; it is current then.  :param size: bytes."""
    return _create(_FILE, fid, tlv.build(_SIZE, size.to_bytes(2, "big")), conditions)


def create_directory(fid: int, name: bytes, conditions: Conditions) -> CommandAPDU:
    """Create a directory; it is current then.  :param name: its AID."""
    return _create(_DIRECTORY, fid, tlv.build(_NAME, name), conditions)


def _create(descriptor: int, fid: int, own: bytes, conditions: Conditions) -> CommandAPDU:
    parts = (
        tlv.build(_DESCRIPTOR, bytes((descriptor,))),
        tlv.build(_FID, fid.to_bytes(2, "big")),
        own,
        tlv.build(_CONDITIONS, conditions.build()),
    )
    return CommandAPDU(0x00, Pkcs15Ins.CREATE, 0x00, 0x00, tlv.build(_TEMPLATE, b"".join(parts)))


def delete_file(fid: int) -> CommandAPDU:
    """Delete a file of the current directory, with all that is in it."""
    return CommandAPDU(0x00, Pkcs15Ins.DELETE, 0x00, 0x00, fid.to_bytes(2, "big"))


def environment(purpose: Environment, algorithm: KeyAlgorithm, reference: int) -> CommandAPDU:
    """Say which key the next command works with."""
    number = algorithm.reference
    if purpose is not Environment.MAKE:
        number = _EC_HASH if algorithm.curve else _RSA_RAW
    data = tlv.build(_ALGORITHM, bytes((number,))) + tlv.build(_KEY, bytes((reference,)))
    return CommandAPDU(0x00, Pkcs15Ins.ENVIRONMENT, purpose >> 8, purpose & 0xFF, data)


def _domain(curve: Curve) -> bytes:
    """Return the domain parameters of a curve, 81 to 87."""
    field_numbers = ((0x81, curve.p), (0x82, curve.a), (0x83, curve.b))
    parts = [tlv.build(tag, number.to_bytes(curve.size, "big")) for tag, number in field_numbers]
    parts += [tlv.build(0x84, curve.generator), tlv.build(0x85, curve.n.to_bytes(curve.scalar_size, "big"))]
    return b"".join((*parts, tlv.build(0x87, b"\x01")))


def generate(algorithm: KeyAlgorithm) -> CommandAPDU:
    """Make the key pair of the environment; the answer is the public key, ``7F49``."""
    if algorithm.curve:
        domain = _domain(BY_NAME[algorithm.curve])
        return CommandAPDU(0x00, Pkcs15Ins.GENERATE, 0x00, 0x00, domain, WHOLE_EXTENDED)
    return CommandAPDU(0x00, Pkcs15Ins.GENERATE, 0x42, 0x00, ne=WHOLE_EXTENDED)


def store(template: tuple[bytes | Secret, ...]) -> CommandAPDU:
    """Store a private key for the environment.  :param template: as :func:`rsa_template` or :func:`ec_template`."""
    return CommandAPDU(0x00, Pkcs15Ins.STORE, 0x3F, 0xFF, template)


def rsa_template(crt: tuple[Secret, ...]) -> tuple[bytes | Secret, ...]:
    """Return the private key template.  :param crt: q^-1 mod p, d mod (q-1), d mod (p-1), q and p."""
    parts = sorted(zip(_RSA_PARTS, crt, strict=True), key=lambda part: part[0])
    return _template(_RSA_KEY, b"", parts)


def ec_template(curve: Curve, scalar: Secret) -> tuple[bytes | Secret, ...]:
    """Return the private key template of a key on a curve, with the curve's parameters."""
    return _template(_EC_KEY, _domain(curve), [(_EC_SCALAR, scalar)])


def _template(tag: int, head: bytes, parts: list[tuple[int, Secret]]) -> tuple[bytes | Secret, ...]:
    heads = [tlv.build(part_tag, bytes(len(secret)))[: -len(secret)] for part_tag, secret in parts]
    size = len(head) + sum(len(part_head) + len(secret) for part_head, (_, secret) in zip(heads, parts, strict=True))
    first = tlv.build(tag, bytes(size))[:-size] + head
    pieces: list[bytes | Secret] = []
    for part_head, (_, secret) in zip(heads, parts, strict=True):
        pieces += [part_head, secret]
    return (first, *pieces)


def sign(data: bytes) -> CommandAPDU:
    """Sign with the key of the environment.  :param data: DigestInfo (RSA), hash (EC).  ISO/IEC 7816-8 5.4"""
    return CommandAPDU(0x00, Pkcs15Ins.OPERATION, 0x9E, 0x9A, data, ANY_LENGTH)


def decipher(cryptogram: bytes) -> CommandAPDU:
    """Decipher with the key of the environment.  ISO/IEC 7816-8 5.7"""
    return CommandAPDU(0x00, Pkcs15Ins.OPERATION, 0x80, 0x86, b"\x00" + cryptogram, ANY_LENGTH)


def set_code(reference: int, code: Secret) -> CommandAPDU:
    """Give the card its PUK, or its PIN: that ends the time in which everything is open."""
    return CommandAPDU(0x00, Ins.CHANGE, _FIRST, reference, (code,))


def ask(reference: int) -> CommandAPDU:
    """Ask how many tries a code has left."""
    return CommandAPDU(0x00, Ins.VERIFY, 0x00, reference)


def verify(pin: Secret) -> CommandAPDU:
    """Present the PIN."""
    return CommandAPDU(0x00, Ins.VERIFY, 0x00, PIN, (pin,))


def unblock(puk: Secret, pin: Secret) -> CommandAPDU:
    """Set the PIN by the PUK.  :raises EncodingError: on a code of more than 16 bytes."""
    return CommandAPDU(0x00, Ins.UNBLOCK, 0x00, PIN, (*_filled(puk), *_filled(pin)))


def _filled(code: Secret) -> tuple[bytes | Secret, ...]:
    if not 1 <= len(code) <= CODE_BYTES:
        raise EncodingError(f"{code.name}: got {len(code)} bytes, expected 1 to {CODE_BYTES}")
    return (code, bytes(CODE_BYTES - len(code)))
