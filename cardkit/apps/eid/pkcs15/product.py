"""One product on one chip, checked once for every card of it: its keys, and the files it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from cardkit.apps.eid.algorithms import KeyAlgorithm
from cardkit.apps.eid.certificates import read_issuer
from cardkit.apps.eid.pkcs15.commands import ALGORITHMS, CLOSED, READ_BY_PIN, READ_ONLY, Conditions
from cardkit.apps.eid.pkcs15.schema import ChipBlock, Pkcs15Block
from cardkit.apps.eid.pkcs15.structure import KeyUsage, Listed
from cardkit.apps.pki import publickey
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.publickey import RsaKey
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.chipkeys import make_chip_key
from cardkit.crypto.curves import BY_NAME
from cardkit.crypto.secret import joined
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError, ProfileError

PIN, PUK = "PIN", "PUK"
DIRECTORY, APPLICATION = "EF.DIR", "DF.PKCS15"
ODF, TOKEN = "EF.ODF", "EF.TokenInfo"
MF_PATH = bytes.fromhex("3F00")
DF_FID = 0x5015
DF_PATH = MF_PATH + DF_FID.to_bytes(2, "big")
RSA_EXPONENT = 65537
LISTS: Mapping[Listed, tuple[str, int]] = MappingProxyType(
    {
        Listed.CODES: ("EF.AODF", 0x4401),
        Listed.PRIVATE_KEYS: ("EF.PrKDF", 0x4402),
        Listed.PUBLIC_KEYS: ("EF.PuKDF", 0x4403),
        Listed.CERTIFICATES: ("EF.CDF", 0x4404),
        Listed.DATA: ("EF.DODF", 0x4405),
    }
)
"""Files of the lists, with their identifiers."""
_FIXED_FILES = ((ODF, 0x5031), (TOKEN, 0x5032))
_DIRECTORY_FID, _PUBLIC_FID, _CERTIFICATE_FID, _DATA_FID = 0x2F00, 0x3301, 0x3401, 0x3501
_MOST_KEYS = 15
"""Of 16 references; the last stays free."""
_NUMBER_BYTES = 16
_MODULUS_BYTES = 256


@dataclass(frozen=True, slots=True)
class Use:
    """What a key pair is for.

    :param certificate: first byte of keyUsage.  :param private, public: usage of its halves.
    """

    certificate: int
    private: tuple[KeyUsage, ...]
    public: tuple[KeyUsage, ...]

    @property
    def deciphers(self) -> bool:
        """Whether its key signs nothing."""
        return KeyUsage.DECRYPT in self.private


USES: Mapping[str, Use] = MappingProxyType(
    {
        "authentication": Use(0x80, (KeyUsage.SIGN,), (KeyUsage.VERIFY,)),
        "signature": Use(0xC0, (KeyUsage.SIGN, KeyUsage.NON_REPUDIATION), (KeyUsage.VERIFY,)),
        "encipherment": Use(0x20, (KeyUsage.DECRYPT, KeyUsage.UNWRAP), (KeyUsage.ENCRYPT, KeyUsage.WRAP)),
    }
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair.

    :param reference: in commands, from 0.  :param issued: whether it is made before there is a card.
    """

    reference: int
    label: str
    algorithm: KeyAlgorithm
    use: Use
    issued: bool

    @property
    def name(self) -> str:
        """Of the state: ``key signature``."""
        return f"key {self.label}"

    @property
    def public(self) -> str:
        """Of the file with its public half."""
        return f"public key {self.label}"

    @property
    def certificate(self) -> str:
        """Of the file with its certificate."""
        return f"certificate {self.label}"

    @property
    def identifier(self) -> bytes:
        """What key and certificate have in common in the lists."""
        return bytes((self.reference + 1,))

    def value_of(self, public_key: bytes) -> bytes:
        """Return what the file of a public key holds: RSAPublicKey, or SubjectPublicKeyInfo. ISO/IEC 7816-15 8.5"""
        key = publickey.parse(public_key)
        return der.sequence(der.integer(key.n), der.integer(key.e)) if isinstance(key, RsaKey) else public_key

    def public_key_in(self, value: bytes) -> bytes:
        """Return the SubjectPublicKeyInfo in the file of a public key.

        :raises EncodingError: where it is of another algorithm.
        """
        built = value
        if not self.algorithm.curve:
            fields = Fields(der.only(value, Tag.SEQUENCE, self.public).value, self.public)
            built = publickey.build_rsa(fields.integer("modulus"), fields.integer("exponent"))
        key = publickey.parse(built)
        found = f"RSA-{key.bits}" if isinstance(key, RsaKey) else key.curve.name
        if found != self.algorithm.name:
            raise EncodingError(f"{self.public}: {found}, expected {self.algorithm.name}")
        return built


@dataclass(frozen=True, slots=True)
class File:
    """A transparent file.

    :param name: of its state.  :param path: FIDs from the MF on, 3F00 included.
    :param ahead: whether its contents are known before there is a card.
    """

    name: str
    path: bytes
    conditions: Conditions
    ahead: bool = True

    @property
    def fid(self) -> int:
        """Its own identifier."""
        return int.from_bytes(self.path[-2:], "big")

    @property
    def private(self) -> bool:
        """Whether only the PIN opens it."""
        return self.conditions == READ_BY_PIN


def _in_application(fid: int) -> bytes:
    return DF_PATH + fid.to_bytes(2, "big")


@dataclass(frozen=True)
class Pkcs15Product:
    """All of it.

    :param issuer: certificate of who issues those of the cards.
    """

    block: Pkcs15Block
    chip: ChipBlock
    keys: tuple[KeyPair, ...]
    issuer: Certificate

    @cached_property
    def files(self) -> Mapping[str, File]:
        """Every file, by name, in the order they are made."""
        return MappingProxyType({file.name: file for file in self._files()})

    @cached_property
    def lists(self) -> Mapping[Listed, bytes]:
        """Where each list is that such a card has."""
        there = (kind for kind in LISTS if kind is not Listed.DATA or self.block.data)
        return MappingProxyType({kind: _in_application(LISTS[kind][1]) for kind in there})

    def _files(self) -> Iterator[File]:
        yield File(DIRECTORY, MF_PATH + _DIRECTORY_FID.to_bytes(2, "big"), READ_ONLY)
        for name, fid in (*_FIXED_FILES, *(LISTS[kind] for kind in self.lists)):
            yield File(name, _in_application(fid), READ_ONLY)
        for number, item in enumerate(self.block.data):
            conditions = READ_BY_PIN if item.private else READ_ONLY
            yield File(data_name(item.label), _in_application(_DATA_FID + number), conditions)
        for pair in self.keys:
            yield File(pair.public, _in_application(_PUBLIC_FID + pair.reference), READ_ONLY, pair.issued)
            yield File(pair.certificate, _in_application(_CERTIFICATE_FID + pair.reference), READ_ONLY, False)

    def conditions_of(self, name: str) -> Conditions:
        """Return the conditions of a file, or of the directory."""
        return CLOSED if name == APPLICATION else self.files[name].conditions

    # What is made for each card

    def draw(self, keystore: KeyStore, rng: Callable[[int], bytes]) -> dict[str, Secret]:
        """Return the numbers of a card's certificates, 16 bytes each, and the keys the issuer makes, by name."""
        values = {pair.certificate: Secret(rng(_NUMBER_BYTES), pair.certificate) for pair in self.keys}
        for pair in self.keys:
            if pair.issued:
                values[pair.name] = _made(pair, keystore, rng)
        return values

    def check_values(self, values: Mapping[str, Secret]) -> None:
        """Refuse values that were drawn for another product.  :raises ProfileError: naming what is expected."""
        expected = {pair.certificate: _NUMBER_BYTES for pair in self.keys}
        expected |= {pair.name: _value_bytes(pair) for pair in self.keys if pair.issued}
        if {name: len(value) for name, value in values.items()} != expected:
            wanted = ", ".join(f"{name} ({size} bytes)" for name, size in expected.items())
            raise ProfileError(f"prepared values: expected {wanted}")


def data_name(label: str) -> str:
    """Return the name of a file of data."""
    return f"data {label}"


def _made(pair: KeyPair, keystore: KeyStore, rng: Callable[[int], bytes]) -> Secret:
    """Make a key: a scalar, or modulus, q^-1, dq, dp, q and p behind each other."""
    if pair.algorithm.curve:
        return make_chip_key(BY_NAME[pair.algorithm.curve], rng).scalar
    made = keystore.make_card_rsa(pair.algorithm.bits, RSA_EXPONENT)
    return Secret(made.public.modulus + joined(made.crt), pair.name)


def _value_bytes(pair: KeyPair) -> int:
    if pair.algorithm.curve:
        return BY_NAME[pair.algorithm.curve].scalar_size
    return _MODULUS_BYTES + 5 * _MODULUS_BYTES // 2


def build_product(block: Pkcs15Block, chip: ChipBlock, attached: Mapping[str, bytes]) -> Pkcs15Product:
    """Join a profile's block with its chip's.

    :raises ProfileError, EncodingError: naming the entry that is wrong.
    """
    for what, labels in (("keys", [key.label for key in block.keys]), ("data", [item.label for item in block.data])):
        if len(set(labels)) != len(labels):
            raise ProfileError(f"pkcs15.{what}: labels {', '.join(labels)}, expected each once")
    if not 1 <= len(block.keys) <= _MOST_KEYS:
        raise ProfileError(f"pkcs15.keys: got {len(block.keys)}, expected 1 to {_MOST_KEYS}")
    pairs = []
    for reference, key in enumerate(block.keys):
        algorithm, use = ALGORITHMS[key.algorithm], USES[key.use]
        if use.deciphers and algorithm.curve:
            raise ProfileError(f"pkcs15.keys {key.label}: this chip deciphers with RSA only, got {key.algorithm}")
        pairs.append(KeyPair(reference, key.label, algorithm, use, key.made == "issuer"))
    issuer = read_issuer(attached[block.issuer.certificate], "pkcs15.issuer.certificate")
    return Pkcs15Product(block, chip, tuple(pairs), issuer)
