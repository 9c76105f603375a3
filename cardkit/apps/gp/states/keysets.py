"""Key sets of a product: which keys come from which references, and what they look like on a card."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.putkey import key_type, symmetric_key
from cardkit.apps.gp.schema import ChipBlock, KeySetBlock, Purpose
from cardkit.crypto.cardkeys import CardKey, CardKeySet, KeySetSpec, Scheme, WrappedCardKey, parse_key_set
from cardkit.crypto.diversify import derived_algorithm
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.keystore import KeyStore
from cardkit.desired import Access
from cardkit.errors import EncodingError, KeyStoreError, ProfileError

FIRST_KID, SET_KEYS = 1, 3
UNCOUNTED = -1
"""A card does not tell how many tries a key set has left."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys of one security domain under one version.

    :param domain: its AID, empty for the issuer's.  :param replaces: version that goes for it, 0 for none.
    :param own_kdd: whether the profile says what the keys are diversified with.
    """

    spec: KeySetSpec
    algorithm: str
    purpose: Purpose = "channel"
    kid: int = FIRST_KID
    usage: bytes | None = None
    access_code: bytes | None = None
    domain: bytes = b""
    replaces: int = 0
    own_kdd: bool = False

    @property
    def kvn(self) -> int:
        """Key version number."""
        return self.spec.kvn

    @property
    def name(self) -> str:
        """Name of its state: ``KVN 30``, ``KVN 31 of F053534401``."""
        return f"KVN {self.kvn:02X}" + (f" of {self.domain.hex().upper()}" if self.domain else "")

    @property
    def access(self) -> Access:
        """The right it gives."""
        return Access(f"KVN {self.kvn:02X}", self.kvn, UNCOUNTED, self.domain.hex().upper())

    @property
    def opens_channel(self) -> bool:
        """Whether it is a set of ENC, MAC and DEK."""
        return self.purpose == "channel"

    @property
    def size_bytes(self) -> int:
        """Length of each key."""
        return ALGORITHMS[self.algorithm][0]

    @property
    def type(self) -> int:
        """GPCS Table 11-16."""
        return key_type(self.algorithm)

    @property
    def kids(self) -> tuple[int, ...]:
        """Identifiers of its keys."""
        return tuple(range(self.kid, self.kid + (SET_KEYS if self.opens_channel else 1)))

    def for_card(self, kdd: bytes) -> CardKeySet:
        """Return the set of one card.  :param kdd: what it is diversified with."""
        return self.spec.for_card(kdd)

    def card_keys(self, kdd: bytes) -> tuple[CardKey, ...]:
        """Return its keys in the order of their identifiers."""
        if not self.opens_channel:
            return (CardKey(self.spec.enc),)
        keys = self.for_card(kdd)
        return keys.enc, keys.mac, keys.dek

    @property
    def references(self) -> tuple[str, ...]:
        """References in the key store, each once."""
        return tuple(dict.fromkeys((self.spec.enc, self.spec.mac, self.spec.dek)))

    def check(self, keystore: KeyStore) -> None:
        """Find its keys in a store.

        :raises KeyStoreError: when one is missing, or does not give keys of the algorithm the profile says.
        """
        for reference in self.references:
            given = derived_algorithm(keystore.find(reference).algorithm, self.spec.scheme)
            if given != self.algorithm:
                raise KeyStoreError(f"{self.name}: key {reference} gives {given} keys, expected {self.algorithm}")

    def wrapped_bytes(self, block: int) -> int:
        """Return the length of one key under a DEK whose cipher has blocks of so many bytes."""
        return -(-self.size_bytes // block) * block

    def put_bytes(self, block: int, *, bare: bool) -> int:
        """Return the length of the data field of PUT KEY."""
        wrapped = WrappedCardKey(self.algorithm, self.size_bytes, bytes(self.wrapped_bytes(block)), bytes(3))
        return 1 + len(self.kids) * len(symmetric_key(wrapped, bare=bare).data)


def aid_of(text: str, where: str) -> bytes:
    """Return an AID given in digits.  :raises ProfileError: naming the entry."""
    value = hex_of(text, where)
    try:
        return checked_aid(value)
    except EncodingError as error:
        raise ProfileError(f"{where}: {error}") from None


def hex_of(text: str, where: str) -> bytes:
    """Return bytes given in digits.  :raises ProfileError: naming the entry."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ProfileError(f"{where}: expected pairs of hexadecimal digits") from None


def delivered_set(chip: ChipBlock) -> KeySet:
    """Return the chip maker's set.  :raises ProfileError: naming the entry that is wrong."""
    return KeySet(_spec(chip.delivered.set, "chip.gp.delivered.set"), _algorithm(chip.delivered.algorithm))


def _algorithm(name: str) -> str:
    if name not in ALGORITHMS:
        raise ProfileError(f"chip.gp.delivered.algorithm: got {name!r}, expected one of {', '.join(ALGORITHMS)}")
    return name


def _spec(text: str, where: str) -> KeySetSpec:
    try:
        return parse_key_set(text)
    except KeyStoreError as error:
        raise ProfileError(f"{where}: {error}") from None


def key_set(block: KeySetBlock, where: str, domain: bytes = b"") -> KeySet:
    """Return a set of a profile.

    :param where: its place, for errors.  :param domain: AID of its security domain, empty for the issuer's.
    :raises ProfileError: naming the entry that is wrong.
    """
    spec = _spec(block.set, f"{where}.set")
    if not 1 <= spec.kvn <= 0x7F:
        raise ProfileError(f"{where}.set: version {spec.kvn:02X}, expected 01 to 7F")
    if block.purpose != "channel" and (spec.scheme is not Scheme.NONE or spec.enc != spec.mac):
        raise ProfileError(f"{where}.set: a {block.purpose} key is one key without diversification")
    return KeySet(
        spec,
        block.algorithm,
        block.purpose,
        block.kid,
        hex_of(block.usage, f"{where}.usage") if block.usage else None,
        hex_of(block.access, f"{where}.access") if block.access else None,
        domain,
        own_kdd=bool(block.kdd),
    )


def replacing(keys: KeySet, kvn: int) -> KeySet:
    """Return the same set, put in the place of another.  :raises ProfileError: where PUT KEY cannot name that one."""
    if not 1 <= kvn <= 0x7F:
        raise ProfileError(f"chip.gp.delivered: version {kvn:02X} cannot be replaced by PUT KEY, expected 01 to 7F")
    return replace(keys, replaces=kvn)
