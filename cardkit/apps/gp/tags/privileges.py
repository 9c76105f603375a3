"""Privileges: 3 bytes, 1 byte on old cards (GPCS 6.6, 11.1.2, Tables 11-7 to 11-9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag

from cardkit.errors import EncodingError


class Privilege(IntFlag):
    """One privilege as its bit of the three bytes read as a number."""

    SECURITY_DOMAIN = 0x800000
    DAP_VERIFICATION = 0x400000
    DELEGATED_MANAGEMENT = 0x200000
    CARD_LOCK = 0x100000
    CARD_TERMINATE = 0x080000
    CARD_RESET = 0x040000
    CVM_MANAGEMENT = 0x020000
    MANDATED_DAP_VERIFICATION = 0x010000
    TRUSTED_PATH = 0x008000
    AUTHORIZED_MANAGEMENT = 0x004000
    TOKEN_VERIFICATION = 0x002000
    GLOBAL_DELETE = 0x001000
    GLOBAL_LOCK = 0x000800
    GLOBAL_REGISTRY = 0x000400
    FINAL_APPLICATION = 0x000200
    GLOBAL_SERVICE = 0x000100
    RECEIPT_GENERATION = 0x000080
    CIPHERED_LOAD_FILE_DATA_BLOCK = 0x000040
    CONTACTLESS_ACTIVATION = 0x000020
    CONTACTLESS_SELF_ACTIVATION = 0x000010


_ONE_BYTE, _THREE_BYTES = 1, 3
_KNOWN = sum(Privilege)
# What old cards mean by bytes 2 and 3 they do not show: Table 6-2.
_ISD_REST, _DOMAIN_REST = 0x00FE80, 0x008000
_DM = Privilege.DELEGATED_MANAGEMENT
_EXCLUSIVE = (
    Privilege.AUTHORIZED_MANAGEMENT | _DM,
    Privilege.TOKEN_VERIFICATION | _DM,
    Privilege.RECEIPT_GENERATION | _DM,
)
_FOR_DOMAINS = (
    Privilege.DAP_VERIFICATION,
    Privilege.DELEGATED_MANAGEMENT,
    Privilege.AUTHORIZED_MANAGEMENT,
    Privilege.MANDATED_DAP_VERIFICATION,
)


@dataclass(frozen=True, slots=True)
class Privileges:
    """The privileges of one application; bits reserved for future use are kept.

    :param bits: the three bytes as a number; in the old form the first byte in its place.
    :param size: bytes of the coded form, 3 or 1.

    >>> privileges = Privileges.parse(bytes.fromhex("80C000"))
    >>> privileges.names
    ('SECURITY_DOMAIN', 'TRUSTED_PATH', 'AUTHORIZED_MANAGEMENT')
    >>> Privilege.CARD_LOCK in privileges
    False
    """

    bits: int = 0
    size: int = _THREE_BYTES

    def __post_init__(self) -> None:
        low = 8 * (_THREE_BYTES - self.size)
        if self.size not in (_ONE_BYTE, _THREE_BYTES) or self.bits >> 24 or self.bits & ((1 << low) - 1):
            raise EncodingError(f"privileges: {self.bits:06X} is no value of {self.size} bytes, expected 1 or 3 bytes")

    @classmethod
    def parse(cls, data: bytes) -> Privileges:
        """Read 1 or 3 bytes.  :raises EncodingError: on another length."""
        if len(data) not in (_ONE_BYTE, _THREE_BYTES):
            raise EncodingError(f"privileges: got {len(data)} bytes, expected 1 or 3")
        return cls(int.from_bytes(data.ljust(_THREE_BYTES, b"\x00"), "big"), len(data))

    @classmethod
    def of(cls, privileges: Iterable[Privilege | str], size: int = _THREE_BYTES) -> Privileges:
        """Return a set of privileges, members or their names in any case with ``-``, ``_`` or blanks.

        :raises EncodingError: on a name there is not, or one that has no place in one byte.

        >>> Privileges.of(["card lock", "final-application"]).encode().hex()
        '100200'
        """
        bits = 0
        for item in privileges:
            bits |= item if isinstance(item, Privilege) else _named(item)
        return cls(int(bits), size)

    def encode(self) -> bytes:
        """Return the bytes, in the form read."""
        return self.bits.to_bytes(_THREE_BYTES, "big")[: self.size]

    def __contains__(self, privilege: Privilege) -> bool:
        return self.bits & privilege == privilege

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the bits."""
        return tuple(str(item.name) for item in Privilege if item in self)

    @property
    def reserved(self) -> int:
        """Bits that have no meaning yet."""
        return self.bits & ~_KNOWN

    @property
    def is_domain(self) -> bool:
        """Whether the application is a security domain."""
        return Privilege.SECURITY_DOMAIN in self

    def completed(self, *, issuer: bool = False) -> Privileges:
        """Return three bytes, with the rest old cards mean where one was read (Table 6-2).

        :param issuer: for the issuer security domain.

        >>> Privileges.parse(b"\\x9e").completed(issuer=True).encode().hex()
        '9efe80'
        """
        if self.size == _THREE_BYTES:
            return self
        rest = _ISD_REST if issuer else _DOMAIN_REST if self.is_domain else 0
        return Privileges(self.bits | rest)

    def contradictions(self) -> tuple[str, ...]:
        """Say which privileges cannot stand together or need another one (6.6.2); empty when all is well."""
        found = [
            f"{first} together with {second}"
            for first, second in (Privileges(int(pair)).names[::-1] for pair in _EXCLUSIVE if pair in self)
        ]
        if not self.is_domain:
            found += [f"{item.name} without SECURITY_DOMAIN" for item in _FOR_DOMAINS if item in self]
        if Privilege.MANDATED_DAP_VERIFICATION in self and Privilege.DAP_VERIFICATION not in self:
            found.append("MANDATED_DAP_VERIFICATION without DAP_VERIFICATION")
        return tuple(found)


def _named(name: str) -> Privilege:
    try:
        return Privilege[name.strip().upper().replace("-", "_").replace(" ", "_")]
    except KeyError:
        known = ", ".join(str(item.name) for item in Privilege)
        raise EncodingError(f"privilege {name!r}: expected one of {known}") from None
