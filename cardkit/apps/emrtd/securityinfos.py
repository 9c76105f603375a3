"""SecurityInfos: which protocols a chip speaks, with which parameters and keys (ICAO Doc 9303-11 9.2, TR-03110-3 A.1).

They are the content of EF.CardAccess and DG14, and what EF.CardSecurity signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.lds import open_file
from cardkit.encoding import der, tlv
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

PACE_VERSION = 2
_WHAT = "SecurityInfo"


@dataclass(frozen=True, slots=True)
class PACEInfo:
    """A PACE protocol. 9303-11 9.2.1

    :param parameter_id: standardized domain parameters (9303-11 9.5.1), or a number of the document's own.
    """

    oid: str
    version: int = PACE_VERSION
    parameter_id: int | None = None

    @property
    def mapping(self) -> oids.Mapping:
        """How the nonce is mapped."""
        return oids.Mapping(int(self.oid.split(".")[-2]))

    @property
    def cipher(self) -> oids.Cipher:
        """Cipher of the session."""
        return oids.Cipher(int(self.oid.split(".")[-1]))

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, der.integer(self.version), _number(self.parameter_id))


@dataclass(frozen=True, slots=True)
class DomainParameterInfo:
    """Domain parameters of PACE or of chip authentication. 9303-11 9.2.2, TR-03110-3 A.1.1.2

    :param algorithm: AlgorithmIdentifier, DER.  :param number: parameterId of PACE, keyId of chip authentication.
    """

    oid: str
    algorithm: bytes
    number: int | None = None

    @property
    def standardized(self) -> int | None:
        """Number of standardized parameters (9303-11 9.5.1); None where the parameters are written out."""
        fields = der.Fields(der.only(self.algorithm, Tag.SEQUENCE, _WHAT).value, _WHAT)
        return fields.integer("parameters") if fields.oid("algorithm") == oids.STANDARDIZED_PARAMETERS else None

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, self.algorithm, _number(self.number))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationInfo:
    """A chip authentication protocol. 9303-11 9.2.5

    :param version: 1 of EAC1 and ICAO, 2 of EAC2, 3.
    """

    oid: str
    version: int = 1
    key_id: int | None = None

    @property
    def cipher(self) -> oids.Cipher:
        """Cipher of the session."""
        return oids.Cipher(int(self.oid.split(".")[-1]))

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, der.integer(self.version), _number(self.key_id))


@dataclass(frozen=True, slots=True)
class ChipAuthenticationPublicKeyInfo:
    """A public key of chip authentication. 9303-11 9.2.6

    :param public_key: SubjectPublicKeyInfo, DER.
    """

    oid: str
    public_key: bytes
    key_id: int | None = None

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, self.public_key, _number(self.key_id))


@dataclass(frozen=True, slots=True)
class TerminalAuthenticationInfo:
    """Terminal authentication. TR-03110-3 A.1.1.3

    :param fid: 2-byte identifier of EF.CVCA where it is not 011C; empty otherwise.  :param sfi: its short one, 1 byte.
    """

    version: int = 1
    fid: bytes = b""
    sfi: bytes = b""
    oid: str = oids.TERMINAL_AUTHENTICATION

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        parts = [der.octets(self.fid)] if self.fid else []
        parts += [der.octets(self.sfi)] if self.sfi else []
        return _build(self.oid, der.integer(self.version), der.sequence(*parts) if parts else b"")


@dataclass(frozen=True, slots=True)
class ActiveAuthenticationInfo:
    """Active authentication with ECDSA. 9303-11 9.2.7

    :param signature_algorithm: in dots, one of plain ECDSA.
    """

    signature_algorithm: str
    version: int = 1
    oid: str = oids.ACTIVE_AUTHENTICATION

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, der.integer(self.version), der.oid(self.signature_algorithm))


@dataclass(frozen=True, slots=True)
class EFDIRInfo:
    """A copy of EF.DIR. 9303-11 9.2.8"""

    oid: str
    directory: bytes

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, der.octets(self.directory), b"")


@dataclass(frozen=True, slots=True)
class OtherInfo:
    """An info of a kind that is kept and not used.

    :param fields: what follows the identifier, DER.
    """

    oid: str
    fields: bytes = b""

    def build(self) -> bytes:
        """Return the SecurityInfo."""
        return _build(self.oid, self.fields, b"")


SecurityInfo: TypeAlias = (
    PACEInfo
    | DomainParameterInfo
    | ChipAuthenticationInfo
    | ChipAuthenticationPublicKeyInfo
    | TerminalAuthenticationInfo
    | ActiveAuthenticationInfo
    | EFDIRInfo
    | OtherInfo
)
Info = TypeVar("Info")


@dataclass(frozen=True, slots=True)
class SecurityInfos:
    """A SET OF SecurityInfo.

    :param der: as read, or in DER order where it was made here.
    """

    infos: tuple[SecurityInfo, ...]
    der: bytes

    @classmethod
    def parse(cls, data: bytes) -> SecurityInfos:
        """Read a set; nothing may follow it.

        :raises EncodingError: on a malformed info of a known kind; those of others are kept.
        """
        outer = der.only(data, Tag.SET, "SecurityInfos")
        items = Fields(outer.value, "SecurityInfos").rest()
        for item in items:
            if item.tag != Tag.SEQUENCE:
                raise EncodingError(f"SecurityInfos: got tag {item.tag:02X}, expected 30")
        return cls(tuple(_parse(item.value) for item in items), data)

    @classmethod
    def of(cls, infos: Iterable[SecurityInfo]) -> SecurityInfos:
        """Return a set of infos, in DER order."""
        ordered = sorted(infos, key=lambda info: info.build())
        return cls(tuple(ordered), der.set_of(info.build() for info in ordered))

    def all(self, kind: type[Info]) -> tuple[Info, ...]:
        """Return the infos of one kind."""
        return tuple(info for info in self.infos if isinstance(info, kind))

    def missing_from(self, other: SecurityInfos) -> tuple[SecurityInfo, ...]:
        """Return the infos that another set does not repeat: DG14 repeats those of EF.CardAccess. 9303-11 9.2"""
        return tuple(info for info in self.infos if info not in other.infos)


def parse_card_access(data: bytes) -> SecurityInfos:
    """Read EF.CardAccess; zeros may follow the set.  :raises EncodingError: as :meth:`SecurityInfos.parse`."""
    return SecurityInfos.parse(open_file("EF.CardAccess", data).signed)


def parse_dg14(data: bytes) -> SecurityInfos:
    """Read DG14; zeros may follow it.  :raises EncodingError: as :meth:`SecurityInfos.parse`."""
    return SecurityInfos.parse(open_file("EF.DG14", data).content)


def build_dg14(infos: SecurityInfos) -> bytes:
    """Return DG14. EF.CardAccess is ``infos.der`` itself."""
    return tlv.build(0x6E, infos.der)


def _build(oid: str, required: bytes, optional: bytes) -> bytes:
    return der.sequence(der.oid(oid), required, optional)


def _number(value: int | None) -> bytes:
    return b"" if value is None else der.integer(value)


def _parse(value: bytes) -> SecurityInfo:
    fields = Fields(value, _WHAT)
    oid = fields.oid("protocol")
    reader = _READERS.get(oid)
    if reader is None:
        return OtherInfo(oid, b"".join(item.build() for item in fields.rest()))
    info = reader(oid, fields)
    fields.end()
    return info


def _optional_number(fields: Fields) -> int | None:
    item = fields.maybe(Tag.INTEGER)
    return None if item is None else der.read_integer(item.value)


def _pace(oid: str, fields: Fields) -> PACEInfo:
    version = fields.integer("version")
    if version != PACE_VERSION:
        raise EncodingError(f"PACEInfo: got version {version}, expected {PACE_VERSION}")
    return PACEInfo(oid, version, _optional_number(fields))


def _domain_parameters(oid: str, fields: Fields) -> DomainParameterInfo:
    return DomainParameterInfo(oid, fields.take(Tag.SEQUENCE, "parameters").build(), _optional_number(fields))


def _chip_authentication(oid: str, fields: Fields) -> ChipAuthenticationInfo:
    return ChipAuthenticationInfo(oid, fields.integer("version"), _optional_number(fields))


def _public_key(oid: str, fields: Fields) -> ChipAuthenticationPublicKeyInfo:
    return ChipAuthenticationPublicKeyInfo(oid, fields.take(Tag.SEQUENCE, "key").build(), _optional_number(fields))


def _terminal_authentication(oid: str, fields: Fields) -> TerminalAuthenticationInfo:
    version = fields.integer("version")
    file = fields.maybe(Tag.SEQUENCE)
    if file is None:
        return TerminalAuthenticationInfo(version, oid=oid)
    inner = Fields(file.value, "TerminalAuthenticationInfo: efCVCA")
    fid, sfi = inner.octets("fid"), inner.maybe(Tag.OCTET_STRING)
    inner.end()
    return TerminalAuthenticationInfo(version, fid, b"" if sfi is None else sfi.value, oid)


def _active_authentication(oid: str, fields: Fields) -> ActiveAuthenticationInfo:
    version = fields.integer("version")
    return ActiveAuthenticationInfo(fields.oid("signatureAlgorithm"), version, oid)


def _directory(oid: str, fields: Fields) -> EFDIRInfo:
    return EFDIRInfo(oid, fields.octets("EF.DIR"))


_Reader: TypeAlias = Callable[[str, Fields], SecurityInfo]
_READERS: Mapping[str, _Reader] = {
    oids.PUBLIC_KEY_DH: _public_key,
    oids.PUBLIC_KEY_ECDH: _public_key,
    oids.TERMINAL_AUTHENTICATION: _terminal_authentication,
    oids.ACTIVE_AUTHENTICATION: _active_authentication,
    oids.CHIP_AUTHENTICATION_DH: _domain_parameters,
    oids.CHIP_AUTHENTICATION_ECDH: _domain_parameters,
    **dict.fromkeys(oids.EF_DIR_INFO, _directory),
    **{f"{oids.PACE}.{mapping:d}": _domain_parameters for mapping in oids.Mapping},
    **{oids.pace(mapping, cipher): _pace for mapping in oids.Mapping for cipher in oids.Cipher},
    **{
        oids.chip_authentication(agreement, cipher): _chip_authentication
        for agreement in (oids.CHIP_AUTHENTICATION_DH, oids.CHIP_AUTHENTICATION_ECDH)
        for cipher in oids.Cipher
    },
}
