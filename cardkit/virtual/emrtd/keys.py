"""The key objects of the chip: passwords, keys for active and chip authentication, trust points (drivers of id.md 15).

8001 to 8004   `81 value [82 tries] [83 uses]`: MRZ information, CAN, PIN, PUK
8101, 8102     RSA for active authentication: `81 n 82 d` or `92 p 93 q 94 q^-1 mod p 95 dp 96 dq`, `[83 hash]`
8103           the same on a curve: `80 number | 81 p 82 a 83 b 84 G 85 n`, `86 d | 87 (empty)`, `[88 hash]`
8105, 8110+k   chip authentication mapping, chip authentication: as 8103, or modular; `[89 keyId]`
8120, 8121     trust points: CV certificates          8130   date of the card, 6 digits
"""

from dataclasses import dataclass
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber
from .cvcert import CvCertificate
from .document import Document
from .groups import EllipticGroup, Group, Random, explicit_group, refuse, standardized

MRZ, CAN, PIN, PUK = 0x8001, 0x8002, 0x8003, 0x8004
AA_RSA, AA_CRT, AA_EC, MAPPING_KEY = 0x8101, 0x8102, 0x8103, 0x8105
_AUTHENTICATION: Final = (AA_RSA, AA_CRT, AA_EC)
CHIP_KEYS: Final = range(0x8110, 0x8120)
TRUST_POINTS: Final = (0x8120, 0x8121)
DATE: Final = 0x8130
_DATE_SIZE, _LAST_DIGIT = 6, 9
FOR_BAC, FOR_PACE = 0x01, 0x02  # uses of the MRZ information

_VALUE, _TRIES, _USES = 0x81, 0x82, 0x83
_NUMBER, _EXPLICIT, SECRET, _GENERATE, _HASH, _KEY_ID = 0x80, (0x81, 0x82, 0x83, 0x84, 0x85), 0x86, 0x87, 0x88, 0x89
_RSA_HASH: Final = 0x83
_CRT: Final = (0x92, 0x93, 0x94, 0x95, 0x96)
_RSA_SIZES: Final = range(128, 513)
_DEFAULT_TRIES: Final = {PIN: 3, PUK: 10}
_MOST_TRIES: Final = 15
_LONGEST_PASSWORD: Final = 64
_MRZ_TAIL: Final = 14  # birth, digit, expiry, digit
_PUBLIC_KEY: Final = 0x7F49
HASHES: Final = {1: "sha1", 2: "sha224", 3: "sha256", 4: "sha384", 5: "sha512"}
DEFAULT_HASH: Final = 3


@dataclass(frozen=True, slots=True, repr=False)
class AgreementKey:
    """A private key on a curve or modulo a prime.

    :ivar key_id: None without a reference.  :ivar hash: number of the hash it signs with; None for the default.
    """

    group: Group
    secret: int
    key_id: int | None = None
    hash: int | None = None

    def public(self) -> bytes:
        """The public key, as an element."""
        return self.group.power(self.secret, self.group.generator)


@dataclass(frozen=True, slots=True, repr=False)
class RsaKey:
    """A private key for active authentication.

    :ivar hash: number of the hash its trailer names.
    """

    modulus: int
    exponent: int
    hash: int

    @property
    def size(self) -> int:
        """Bytes of the modulus."""
        return (self.modulus.bit_length() + 7) // 8


def is_secret(identifier: int) -> bool:
    """Must the object travel enciphered?"""
    return MRZ <= identifier <= PUK or AA_RSA <= identifier < TRUST_POINTS[0]


def is_known(identifier: int) -> bool:
    """Is there such an object?"""
    listed = {MRZ, CAN, PIN, PUK, AA_RSA, AA_CRT, AA_EC, MAPPING_KEY, *TRUST_POINTS, DATE}
    return identifier in listed or identifier in CHIP_KEYS


def put(document: Document, identifier: int, value: bytes, random: Random) -> None:
    """Check a key object and store it.

    :raises StatusWordError: 6A88 unknown, 6A80 wrong.
    """
    if not is_known(identifier):
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if identifier <= PUK:
        _put_password(document, identifier, value)
    elif identifier in _AUTHENTICATION or identifier in (MAPPING_KEY, *CHIP_KEYS):
        value = _checked_key(identifier, value, random)
    else:
        _check_public(identifier, value)
    if identifier in _AUTHENTICATION:
        for other in _AUTHENTICATION:
            document.put_key(other, b"")
    document.put_key(identifier, value)


def _checked_key(identifier: int, value: bytes, random: Random) -> bytes:
    if identifier in (AA_RSA, AA_CRT):
        _rsa(value)
        return value
    value = _with_secret(value, random)
    _agreement(value)
    return value


def _check_public(identifier: int, value: bytes) -> None:
    """A trust point or the date."""
    if identifier in TRUST_POINTS:
        CvCertificate.parse(value).require_authority()
    elif len(value) != _DATE_SIZE or max(value) > _LAST_DIGIT:
        raise refuse()


def _put_password(document: Document, identifier: int, value: bytes) -> None:
    objects = ber.unique(value, frozenset((_VALUE, _TRIES, _USES)))
    text = objects.get(_VALUE, b"")
    fits = text.isdigit() if identifier != MRZ else len(text) > _MRZ_TAIL and text.isascii()
    if not fits or len(text) > _LONGEST_PASSWORD or (_USES in objects) > (identifier == MRZ):
        raise refuse()
    if identifier in _DEFAULT_TRIES:
        tries = _byte(objects.get(_TRIES), _DEFAULT_TRIES[identifier])
        if not 1 <= tries <= _MOST_TRIES:
            raise refuse()
        document.put_tries(identifier, tries, tries)
    elif _TRIES in objects:
        raise refuse()


def _byte(value: bytes | None, default: int) -> int:
    if value is None:
        return default
    if len(value) != 1:
        raise refuse()
    return value[0]


def password(document: Document, identifier: int) -> bytes:
    """The text of a password, empty when there is none."""
    found = document.key(identifier)
    return ber.unique(found)[_VALUE] if found else b""


def mrz_uses(document: Document) -> int:
    """What the MRZ information is for."""
    found = document.key(MRZ)
    return _byte(ber.unique(found).get(_USES), FOR_BAC | FOR_PACE) if found else 0


def document_number(document: Document) -> bytes:
    """Document number and check digit, as the chip's identifier after BAC."""
    return password(document, MRZ)[:-_MRZ_TAIL]


def authentication_key(document: Document) -> RsaKey | AgreementKey | None:
    """The key of active authentication."""
    rsa = document.key(AA_RSA) or document.key(AA_CRT)
    if rsa:
        return _rsa(rsa)
    return _agreement(document.key(AA_EC)) if document.key(AA_EC) else None


def mapping_key(document: Document) -> AgreementKey | None:
    """The key of chip authentication mapping."""
    found = document.key(MAPPING_KEY)
    return _agreement(found) if found else None


def chip_keys(document: Document) -> list[AgreementKey]:
    """The keys of chip authentication."""
    found = (identifier for identifier in document.key_identifiers() if identifier in CHIP_KEYS)
    return [_agreement(document.key(identifier)) for identifier in found]


def public_object(document: Document, identifier: int) -> bytes:
    """`7F49 { 86 | 84 public key }` of a key for agreement; nothing for any other object.

    :raises StatusWordError: 6A88 when there is no such object.
    """
    found = document.key(identifier)
    if not found:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if identifier not in (AA_EC, MAPPING_KEY, *CHIP_KEYS):
        return b""
    key = _agreement(found)
    return tlv.build(_PUBLIC_KEY, tlv.build(key.group.token_tag, key.public()))


def _group(objects: dict[int, bytes]) -> Group:
    number = objects.get(_NUMBER)
    if number is not None:
        found = standardized(_byte(number, 0))
        if found is None or objects.keys() & set(_EXPLICIT):
            raise refuse()
        return found
    if not objects.keys() >= set(_EXPLICIT):
        raise refuse()
    return explicit_group([objects[tag] for tag in _EXPLICIT])


def _with_secret(value: bytes, random: Random) -> bytes:
    """The object as it came, or with a key the chip has made."""
    objects = ber.unique(value)
    if _GENERATE not in objects:
        return value
    if objects[_GENERATE] or SECRET in objects:
        raise refuse()
    group = _group(objects)
    size = (group.order.bit_length() + 7) // 8
    rest = b"".join(tlv.build(tag, part) for tag, part in objects.items() if tag != _GENERATE)
    return rest + tlv.build(SECRET, group.draw(random).to_bytes(size, "big"))


def _agreement(value: bytes) -> AgreementKey:
    objects = ber.unique(value, frozenset((_NUMBER, *_EXPLICIT, SECRET, _HASH, _KEY_ID)))
    group = _group(objects)
    secret = int.from_bytes(objects.get(SECRET, b""), "big")
    key_id, digest = objects.get(_KEY_ID), objects.get(_HASH)
    if not 0 < secret < group.order or (digest is not None and _byte(digest, 0) not in HASHES):
        raise refuse()
    if digest is not None and not isinstance(group, EllipticGroup):
        raise refuse()
    number = None if key_id is None else int.from_bytes(key_id, "big")
    return AgreementKey(group, secret, number, None if digest is None else digest[0])


def _rsa(value: bytes) -> RsaKey:
    objects = ber.unique(value, frozenset((0x81, 0x82, _RSA_HASH, *_CRT)))
    digest = _byte(objects.pop(_RSA_HASH, None), DEFAULT_HASH)
    numbers = {tag: int.from_bytes(part, "big") for tag, part in objects.items()}
    if set(numbers) == set(_CRT):
        p, q, inverse, dp, dq = (numbers[tag] for tag in _CRT)
        key = RsaKey(p * q, _exponent(p, q, dp, dq), digest)
        if inverse * q % p != 1:
            raise refuse()
    elif set(numbers) == {0x81, 0x82}:
        key = RsaKey(numbers[0x81], numbers[0x82], digest)
    else:
        raise refuse()
    if key.size not in _RSA_SIZES or not key.modulus & 1 or not 1 < key.exponent < key.modulus or digest not in HASHES:
        raise refuse()
    return key


def _exponent(p: int, q: int, dp: int, dq: int) -> int:
    """An exponent that is dp modulo p - 1 and dq modulo q - 1: p - 1 and q - 1 share the factor 2 at least."""
    if p < 3 or q < 3 or not p & q & 1:
        raise refuse()
    e = next((e for e in (3, 5, 17, 257, 65_537) if e * dp % (p - 1) == 1 and e * dq % (q - 1) == 1), None)
    if e is None:
        raise refuse()
    return pow(e, -1, (p - 1) * (q - 1))
