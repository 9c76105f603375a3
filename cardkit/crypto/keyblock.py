"""Key blocks of ANSI X9.143 (TR-31): versions B (3DES), D and, where asked for, E (AES) written and read, strictly.

Checks of a block come in one order: length field, characters, header, optional blocks, MAC, and only then the key.
Versions A and C are refused: their MAC is short and their keys are variants. Clauses as security.md 8 gives them.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.cmac import CMAC

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import StaticKey, block_bytes, is_aes, key_bytes
from cardkit.errors import KeyStoreError

HEADER_CHARACTERS = 16
LONGEST = 9999
VERSIONS = {"B": "3DES", "D": "AES", "E": "AES"}  # and the family of the key that protects the block
ACCEPTED = ("B", "D")
# Sizes in bytes of symmetric keys; the padding hides which one it is.
SIZES = {"A": (16, 24, 32), "T": (16, 24)}
_HEADER = re.compile(
    r"(?P<version>.)(?P<length>....)(?P<usage>[A-Z][0-9A-Z])(?P<algorithm>[ATREH])(?P<mode>[BCDEGNSVXY])"
    r"(?P<key_version>[0-9A-Za-z]{2})(?P<exportability>[ENS])(?P<count>[0-9]{2})(?P<context>[012])(?P<reserved>0)"
)
_OPTIONAL = re.compile(r"([0-9A-Z]{2})(?:00([0-9A-F]{2})|([0-9A-F]{2}))")  # id, then length: extended or short
_ENCRYPTION = {"B": 0, "D": 0, "E": 2}  # key usage indicator of the derivation, MAC is always 1
_MAC = 1
_DERIVATION_ALGORITHM = {"3DES-128": 0, "3DES-192": 1, "AES-128": 2, "AES-192": 3, "AES-256": 4}

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Header:
    """What a block says of its key, bound to it by the MAC.

    :param version: B, D or E.  :param usage: two characters: K0, B0, E0 ...  :param algorithm: A, T, R, E or H.
    :param mode: of use, one of BCDEGNSVXY.  :param key_version: two characters, 00 without meaning.
    :param exportability: E under a trusted key, N not, S under any.  :param optional: id and data of each block.
    :param context: 0, 1 storage or 2 exchange.
    """

    version: str
    usage: str
    algorithm: str
    mode: str
    key_version: str = "00"
    exportability: str = "N"
    optional: tuple[tuple[str, str], ...] = ()
    context: str = "0"


@dataclass(frozen=True, slots=True)
class KeyBlock:
    """A block whose MAC was right: its header and the key, as long as the block says."""

    header: Header
    key: Secret


def read_block(protection: StaticKey, text: str, *, versions: Sequence[str] = ACCEPTED) -> KeyBlock:
    """Return what a key block holds.

    :param protection: the block protection key: 3DES for version B, AES for D and E.
    :param text: the block as it was given, no blanks.  :param versions: which ones are accepted.
    :raises KeyStoreError: on the first check that fails; before the MAC nothing of the key is used.
    ANSI X9.143, TR-31:2018; E: ISO 20038
    """
    header, end = _read_header(text, versions)
    family = _check_protection(protection, header)
    cipher_text, mac = _read_body(text, end, header.version)
    with _block_keys(protection, header.version) as (encryption, authentication):
        payload = _crypt(encryption, header.version, cipher_text, mac, decrypt=True)
        if not hmac.compare_digest(_mac(family, authentication, text[:end], payload), mac):
            raise KeyStoreError("key block: the MAC is wrong: another protection key, or a changed block")
    try:
        return KeyBlock(header, _key_of(protection, header, payload))
    finally:
        payload[:] = bytes(len(payload))


def write_block(protection: StaticKey, header: Header, key: Secret, random: Random) -> str:
    """Return a key block.

    :param protection: as for :func:`read_block`, and as strong as the key.
    :param random: gives that many random bytes for the padding.
    :raises KeyStoreError: where header, key and protection key do not fit together.
    """
    text = _write_header(header, 0)
    _read_optional(text, _read_fields(text, tuple(VERSIONS)))  # the header must be one that is read again
    family = _check_protection(protection, header)
    _check_key(protection, header, len(key))
    size = block_bytes(protection)
    with key.reveal() as clear:
        payload = bytearray((8 * len(clear)).to_bytes(2, "big")) + clear
    payload += random(_padding_bytes(header, len(key), size))
    text = _write_header(header, len(text) + 2 * len(payload) + 2 * size)
    try:
        with _block_keys(protection, header.version) as (encryption, authentication):
            mac = _mac(family, authentication, text, payload)
            cipher_text = _crypt(encryption, header.version, payload, mac, decrypt=False)
    finally:
        payload[:] = bytes(len(payload))
    return text + bytes(cipher_text).hex().upper() + mac.hex().upper()


def _check_protection(protection: StaticKey, header: Header) -> str:
    """Return the cipher family of a version; KeyStoreError where the protection key is of another."""
    family = VERSIONS[header.version]
    if not protection.algorithm.startswith(f"{family}-"):
        raise KeyStoreError(
            f"key block {header.version}: protection key {protection.name} is {protection.algorithm}, expected {family}"
        )
    return family


def _padding_bytes(header: Header, size: int, block: int) -> int:
    """Return how much padding makes every key of an algorithm look alike, in whole blocks; version E has none."""
    if header.version == "E":
        return 0
    longest = max(size, *SIZES.get(header.algorithm, (0,)))
    return longest - size + -(2 + longest) % block


def _read_header(text: str, versions: Sequence[str]) -> tuple[Header, int]:
    if len(text) < HEADER_CHARACTERS or text[1:5] != f"{len(text):04}":
        raise KeyStoreError(f"key block: length field {text[1:5]!r} differs from the block's {len(text)} characters")
    if not text.isascii() or not text.isprintable():
        raise KeyStoreError("key block: expected printable ASCII characters")
    return _read_optional(text, _read_fields(text, versions))


def _read_fields(text: str, versions: Sequence[str]) -> re.Match[str]:
    if text[0] not in versions:
        raise KeyStoreError(f"key block: version {text[0]!r} is not accepted, expected {' or '.join(versions)}")
    match = _HEADER.match(text)
    if match is None:
        raise KeyStoreError(f"key block: header {text[:HEADER_CHARACTERS]!r}: a field has a value it cannot have")
    return match


def _read_optional(text: str, fields: re.Match[str]) -> tuple[Header, int]:
    """Return the header with its optional blocks, and where it ends."""
    at, optional = HEADER_CHARACTERS, []
    for number in range(int(fields["count"])):
        match = _OPTIONAL.match(text, at)
        if match is None:
            raise KeyStoreError(f"key block: optional block {number + 1} does not parse")
        start, end = _span(text, at, match)
        optional.append((match[1], text[start:end]))
        at = end
    header = Header(
        fields["version"],
        fields["usage"],
        fields["algorithm"],
        fields["mode"],
        fields["key_version"],
        fields["exportability"],
        tuple(optional),
        fields["context"],
    )
    size = 8 if VERSIONS[header.version] == "3DES" else 16
    if header.version != "E" and at % size:
        raise KeyStoreError(f"key block: header of {at} characters, expected a multiple of {size}: padding is missing")
    return header, at


def _span(text: str, at: int, match: re.Match[str]) -> tuple[int, int]:
    """Return where the data of an optional block begin and end; its length counts the whole block."""
    start = match.end()
    digits = match[3] or ""
    if match[2] is not None:  # extended: so many digits of length follow
        digits = text[start : start + int(match[2], 16)]
        start += len(digits)
        if not re.fullmatch(r"(?:[0-9A-F]{2})+", digits) or len(digits) != int(match[2], 16):
            raise KeyStoreError(f"key block: optional block {match[1]}: its length does not parse")
    end = at + int(digits, 16)
    if not start <= end <= len(text):
        raise KeyStoreError(f"key block: optional block {match[1]}: a length of {end - at} does not fit")
    return start, end


def _read_body(text: str, end: int, version: str) -> tuple[bytearray, bytes]:
    size = 8 if VERSIONS[version] == "3DES" else 16
    if not re.fullmatch(r"(?:[0-9A-F]{2})+", text[end:]):
        raise KeyStoreError("key block: expected pairs of upper-case hex digits after the header")
    body = bytearray.fromhex(text[end:])
    payload = len(body) - size
    if payload <= 0 or (version != "E" and payload % size):
        raise KeyStoreError(f"key block: {payload} bytes of ciphertext, expected whole blocks of {size}")
    return body[:-size], bytes(body[-size:])


def _write_header(header: Header, length: int) -> str:
    blocks = "".join(_write_optional(name, data) for name, data in header.optional)
    if length > LONGEST:
        raise KeyStoreError(f"key block: {length} characters, expected {LONGEST} at most")
    return (
        f"{header.version}{length:04}{header.usage}{header.algorithm}{header.mode}{header.key_version}"
        f"{header.exportability}{len(header.optional):02}{header.context}0{blocks}"
    )


def _write_optional(name: str, data: str) -> str:
    short = len(data) + 4
    if short <= 0xFF:
        return f"{name}{short:02X}{data}"
    return f"{name}0004{len(data) + 10:04X}{data}"


@contextmanager
def _block_keys(protection: StaticKey, version: str) -> Iterator[tuple[bytearray, bytearray]]:
    """Derive the keys of encryption and MAC, wiped afterwards (TR-31:2018 5.3.2)."""
    encryption, authentication = (_derive(protection, usage) for usage in (_ENCRYPTION[version], _MAC))
    try:
        yield encryption, authentication
    finally:
        for key in (encryption, authentication):
            key[:] = bytes(len(key))


def _derive(protection: StaticKey, usage: int) -> bytearray:
    size = key_bytes(protection)
    algorithm = _DERIVATION_ALGORITHM[protection.algorithm]
    tail = usage.to_bytes(2, "big") + b"\0" + algorithm.to_bytes(2, "big") + (8 * size).to_bytes(2, "big")
    derived = bytearray()
    for counter in range(1, -(-size // block_bytes(protection)) + 1):
        derived += protection.cmac(bytes((counter,)) + tail)
    return derived[:size]


def _mac(family: str, key: bytearray, header: str, payload: bytearray) -> bytes:
    mac = CMAC(block_cipher(family, key))
    mac.update(header.encode("ascii"))
    mac.update(bytes(payload))
    return mac.finalize()


def _crypt(key: bytearray, version: str, data: bytearray, iv: bytes, *, decrypt: bool) -> bytearray:
    mode = modes.CTR(iv) if version == "E" else modes.CBC(iv)
    cipher = Cipher(block_cipher(VERSIONS[version], key), mode)
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    out = bytearray(len(data) + 15)
    return out[: context.update_into(data, out)]


def _key_of(protection: StaticKey, header: Header, payload: bytearray) -> Secret:
    bits = int.from_bytes(payload[:2], "big")
    size = bits // 8
    if bits % 8 or not 0 < size <= len(payload) - 2:
        raise KeyStoreError(f"key block: a key of {bits} bits in {len(payload)} bytes")
    _check_key(protection, header, size)
    clear = payload[2 : 2 + size]
    try:
        return Secret(clear, f"key block {header.usage}")
    finally:
        clear[:] = bytes(size)


def _check_key(protection: StaticKey, header: Header, size: int) -> None:
    """Raise KeyStoreError for a length the algorithm does not have, or a key that would travel under a weaker one."""
    if header.algorithm not in SIZES:  # RSA, EC, HMAC: not compared
        return
    if size not in SIZES[header.algorithm]:
        raise KeyStoreError(f"key block: a key of {size} bytes, algorithm {header.algorithm} has none of that length")
    if _strength(is_aes(protection), key_bytes(protection)) < _strength(header.algorithm == "A", size):
        raise KeyStoreError(
            f"key block: {size} bytes of {header.algorithm} under {protection.algorithm}: the protection key is weaker"
        )


def _strength(aes: bool, size: int) -> int:
    """Return bits of strength; two- and three-key 3DES have 80 and 112 (NIST SP 800-57 part 1, table 2)."""
    return 8 * size if aes else {16: 80, 24: 112}[size]
