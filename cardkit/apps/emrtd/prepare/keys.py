"""The key pairs of one document: active authentication, chip authentication."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emrtd.schema import ActiveAuthenticationBlock, EmrtdBlock, PaceBlock
from cardkit.crypto import KeyStore
from cardkit.crypto.chipkeys import ChipKey, chip_key_of, make_chip_key
from cardkit.crypto.curves import BY_NAME, BY_PARAMETER_ID
from cardkit.crypto.secret import Secret, joined
from cardkit.errors import ProfileError

ACTIVE = "active authentication key"
MODULUS = "active authentication modulus"
MAPPING = "PACE-CAM key"
RSA_EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class RsaChipKey:
    """An RSA key pair of a chip, exponent :data:`RSA_EXPONENT`.  :param private: d, as long as the modulus."""

    modulus: bytes
    private: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class DocumentKeys:
    """Keys as the profile names them.

    :param chip: of chip authentication, in the profile's order.  :param mapping: of PACE with it; None without.
    """

    active: ChipKey | RsaChipKey | None = field(repr=False)
    chip: tuple[ChipKey, ...] = field(repr=False)
    mapping: ChipKey | None = field(default=None, repr=False)

    def to_values(self) -> dict[str, Secret]:
        """Return their private halves by name."""
        found = {chip_name(number): key.scalar for number, key in enumerate(self.chip)}
        found |= {} if self.mapping is None else {MAPPING: self.mapping.scalar}
        if isinstance(self.active, RsaChipKey):
            return {ACTIVE: self.active.private, MODULUS: Secret(self.active.modulus, MODULUS)} | found
        return found if self.active is None else {ACTIVE: self.active.scalar} | found


def chip_name(number: int) -> str:
    """Return the name of a chip authentication key.  :param number: its place in the profile, from 0."""
    return f"chip authentication key {number}"


def make_keys(block: EmrtdBlock, keystore: KeyStore, rng: Callable[[int], bytes]) -> DocumentKeys:
    """Make the keys of one document; those of RSA are the key store's."""
    return DocumentKeys(
        _make_active(block.active_authentication, keystore, rng),
        tuple(make_chip_key(BY_NAME[item.curve], rng) for item in block.chip_authentication),
        make_chip_key(BY_PARAMETER_ID[mapping.parameters], rng) if (mapping := chip_mapping(block)) else None,
    )


def chip_mapping(block: EmrtdBlock) -> PaceBlock | None:
    """Return the way of PACE by which the chip proves itself; None without one."""
    return next((item for item in block.access.pace if item.mapping == "ECDH-CAM"), None)


def _make_active(
    active: ActiveAuthenticationBlock | None, keystore: KeyStore, rng: Callable[[int], bytes]
) -> ChipKey | RsaChipKey | None:
    if active is None:
        return None
    if active.rsa_bits is None:
        return make_chip_key(BY_NAME[active.curve], rng)
    key = keystore.make_card_rsa(active.rsa_bits, RSA_EXPONENT)
    return RsaChipKey(key.public.modulus, key.exponent)


def keys_of(block: EmrtdBlock, values: Mapping[str, Secret]) -> DocumentKeys:
    """Return the keys a document was prepared with.

    :raises ProfileError: where one is missing.  :raises KeyStoreError: where one is of another curve.
    """
    try:
        return DocumentKeys(
            _active_of(block.active_authentication, values),
            tuple(
                chip_key_of(BY_NAME[item.curve], values[chip_name(number)])
                for number, item in enumerate(block.chip_authentication)
            ),
            chip_key_of(BY_PARAMETER_ID[way.parameters], values[MAPPING]) if (way := chip_mapping(block)) else None,
        )
    except KeyError as error:
        raise ProfileError(f"prepared values: no {error.args[0]}") from None


def _active_of(active: ActiveAuthenticationBlock | None, values: Mapping[str, Secret]) -> ChipKey | RsaChipKey | None:
    if active is None:
        return None
    if active.rsa_bits is None:
        return chip_key_of(BY_NAME[active.curve], values[ACTIVE])
    return RsaChipKey(joined((values[MODULUS],)), values[ACTIVE])
