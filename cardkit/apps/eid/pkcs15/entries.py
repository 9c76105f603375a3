"""Objects of the lists of PKCS#15 as they are written: PINs, keys, certificates, data (ISO/IEC 7816-15 8.5 to 8.9).

Clauses below the chapter are from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cardkit.apps.eid.pkcs15.structure import (
    EC_KEY,
    REFERENCE,
    TYPE,
    CodeFlag,
    KeyAccess,
    KeyUsage,
    ObjectFlag,
    named_bits,
    path_of,
)
from cardkit.encoding import der, tlv
from cardkit.encoding.der import Tag

CODE_TYPES: Mapping[str, int] = MappingProxyType({"ascii-numeric": 1, "utf8": 2})
"""How the characters of a PIN are written. 8.9.2"""


@dataclass(frozen=True, slots=True)
class CodeForm:
    """How a PIN is presented.

    :param least, stored, most: lengths in bytes.  :param pad: what fills it up.  :param path: of its directory.
    """

    least: int
    stored: int
    most: int
    pad: int
    path: bytes
    kind: str = "ascii-numeric"


def code_entry(
    label: str, identifier: bytes, reference: int, flags: Iterable[CodeFlag], form: CodeForm, opener: bytes = b""
) -> bytes:
    """Return the object of a PIN.  :param opener: identifier of the PIN that unblocks it."""
    parts = (
        named_bits(flags),
        tlv.build(Tag.ENUMERATED, bytes((CODE_TYPES[form.kind],))),
        *(der.integer(length) for length in (form.least, form.stored, form.most)),
        tlv.build(REFERENCE, bytes((reference,))),
        der.octets(bytes((form.pad,))),
        path_of(form.path),
    )
    common = _common(label, (ObjectFlag.PRIVATE, ObjectFlag.MODIFIABLE), opener)
    return der.sequence(common, der.sequence(der.octets(identifier)), _type(der.sequence(*parts)))


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is said of a key in both lists of keys.

    :param bits: of modulus or field.  :param path: of the private key's directory, or the public key's file.
    """

    label: str
    identifier: bytes
    reference: int
    bits: int
    curve_based: bool
    path: bytes

    def private(self, usage: Iterable[KeyUsage], access: Iterable[KeyAccess], auth_id: bytes) -> bytes:
        """Return the object of the private key."""
        own = (
            der.octets(self.identifier),
            named_bits(usage),
            named_bits(access),
            der.integer(self.reference),
        )
        return self._whole(_common(self.label, (ObjectFlag.PRIVATE,), auth_id), own)

    def public(self, usage: Iterable[KeyUsage]) -> bytes:
        """Return the object of the public key."""
        own = (der.octets(self.identifier), named_bits(usage), der.integer(self.reference))
        return self._whole(_common(self.label, (), b""), own)

    def _whole(self, common: bytes, own: Iterable[bytes]) -> bytes:
        typed = _type(der.sequence(path_of(self.path), der.integer(self.bits)))
        return tlv.build(EC_KEY if self.curve_based else Tag.SEQUENCE, common + der.sequence(*own) + typed)


def certificate_entry(label: str, identifier: bytes, path: bytes) -> bytes:
    """Return the object of an X.509 certificate. 8.7"""
    typed = _type(der.sequence(path_of(path)))
    return der.sequence(_common(label, (), b""), der.sequence(der.octets(identifier)), typed)


def data_entry(label: str, application: str, path: bytes, auth_id: bytes) -> bytes:
    """Return the object of data that only their application understands. 8.8"""
    flags = (ObjectFlag.PRIVATE,) if auth_id else ()
    own = der.sequence(der.text(Tag.UTF8, application))
    return der.sequence(_common(label, flags, auth_id), own, _type(path_of(path)))


def _common(label: str, flags: Iterable[ObjectFlag], auth_id: bytes) -> bytes:
    opener = (der.octets(auth_id),) if auth_id else ()
    return der.sequence(der.text(Tag.UTF8, label), named_bits(flags), *opener)


def _type(content: bytes) -> bytes:
    return tlv.build(TYPE, content)
