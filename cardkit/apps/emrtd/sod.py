"""EF.SOD, the signed hashes of the data groups, and EF.CardSecurity (ICAO Doc 9303-10 4.6.2; 9303-11 9.2.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.lds import Departure, Deviation, open_file
from cardkit.apps.emrtd.securityinfos import SecurityInfos
from cardkit.apps.pki import cms
from cardkit.apps.pki.algorithms import digest, hash_identifier, hash_of
from cardkit.apps.pki.cms import SignedData, Signer
from cardkit.encoding import der, tlv
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError

_WHAT = "LDSSecurityObject"
_FIRST, _LAST = 1, 16
_LEAST_GROUPS = 2
UNICODE_15 = "150000"


@dataclass(frozen=True, slots=True)
class LdsSecurityObject:
    """The hashes of the data groups.

    :param hash: name of :mod:`hashlib`.  :param hashes: by number of the group.
    :param lds_version, unicode_version: digits; empty in version 0. 9303-10 4.6.2.3
    """

    hash: str
    hashes: Mapping[int, bytes]
    lds_version: str = ""
    unicode_version: str = ""

    @property
    def version(self) -> int:
        """0 of LDS 1.7, whose version is in EF.COM; 1 of LDS 1.8."""
        return 1 if self.lds_version else 0

    @classmethod
    def of(
        cls, hashing: str, groups: Mapping[int, bytes], lds_version: str = "", unicode_version: str = UNICODE_15
    ) -> LdsSecurityObject:
        """Return the object of files.

        :param hashing: name of the hash.  :param groups: each file as it is written, outer tag included, by number.
        :param lds_version: ``0108`` for version 1; empty for version 0.
        """
        hashes = {number: digest(hashing, groups[number]) for number in sorted(groups)}
        return cls(hashing, hashes, lds_version, unicode_version if lds_version else "")

    @classmethod
    def parse(cls, data: bytes) -> LdsSecurityObject:
        """Read the object.

        :raises EncodingError: on a version other than 0 and 1, a group that is not 1 to 16 or is there twice.
        """
        fields = Fields(der.only(data, Tag.SEQUENCE, _WHAT).value, _WHAT)
        version = fields.integer("version")
        hashing = hash_of(fields.take(Tag.SEQUENCE, "hashAlgorithm").build())
        hashes = _hashes(fields.take(Tag.SEQUENCE, "dataGroupHashValues").value)
        versions = fields.maybe(Tag.SEQUENCE)
        fields.end()
        if version not in (0, 1) or (version == 1) != (versions is not None):
            raise EncodingError(
                f"{_WHAT}: version {version} {'without' if versions is None else 'with'} ldsVersionInfo"
            )
        if versions is None:
            return cls(hashing, hashes)
        info = Fields(versions.value, "ldsVersionInfo")
        texts = [der.read_text(info.take(Tag.PRINTABLE, name)) for name in ("ldsVersion", "unicodeVersion")]
        return cls(hashing, hashes, *texts)

    def build(self) -> bytes:
        """Return the object, DER.  :raises EncodingError: on fewer than two groups, or one that is not 1 to 16."""
        if len(self.hashes) < _LEAST_GROUPS or not all(_FIRST <= number <= _LAST for number in self.hashes):
            raise EncodingError(f"{_WHAT}: got {len(self.hashes)} data groups, expected {_LEAST_GROUPS} to {_LAST}")
        values = (der.sequence(der.integer(number), der.octets(value)) for number, value in self.hashes.items())
        texts = (der.text(Tag.PRINTABLE, text) for text in (self.lds_version, self.unicode_version))
        return der.sequence(
            der.integer(self.version),
            hash_identifier(self.hash),
            der.sequence(*values),
            der.sequence(*texts) if self.lds_version else b"",
        )


def _hashes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for item in Fields(data, _WHAT).rest():
        fields = Fields(item.value, "DataGroupHash")
        number, value = fields.integer("dataGroupNumber"), fields.octets("dataGroupHashValue")
        fields.end()
        if not _FIRST <= number <= _LAST or number in found:
            raise EncodingError(f"{_WHAT}: data group {number}: expected 1 to 16, each once")
        found[number] = value
    return found


@dataclass(frozen=True, slots=True)
class Sod:
    """A document security object.

    :param signed: the signature around it.  :param object: the hashes.  :param deviations: what is not as it should be.
    """

    signed: SignedData
    object: LdsSecurityObject
    deviations: tuple[Deviation, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Sod:
        """Read EF.SOD; zeros may follow it. Nothing is verified: see :mod:`cardkit.apps.emrtd.passive`.

        :raises EncodingError: where it is not SignedData around hashes of data groups.
        """
        file = open_file("EF.SOD", data)
        signed = cms.parse(file.content)
        known = (oids.LDS_SECURITY_OBJECT, *oids.LDS_SECURITY_OBJECT_ELSEWHERE)
        if signed.content_type not in known:
            raise EncodingError(f"EF.SOD: content type {signed.content_type}, expected {oids.LDS_SECURITY_OBJECT}")
        return cls(signed, LdsSecurityObject.parse(signed.content), (*file.deviations, *_deviations(signed)))


def _deviations(signed: SignedData) -> tuple[Deviation, ...]:
    found = []
    if signed.ber:
        found.append(Deviation(Departure.BER, "EF.SOD"))
    if signed.content_type != oids.LDS_SECURITY_OBJECT:
        found.append(Deviation(Departure.CONTENT_TYPE, "EF.SOD", oids.LDS_SECURITY_OBJECT, signed.content_type))
    return tuple(found)


def build_sod(security_object: LdsSecurityObject, signer: Signer, signing_time: datetime | None = None) -> bytes:
    """Return EF.SOD, signed by a document signer.

    :param signing_time: aware; None leaves the attribute out.  :raises KeyStoreError: as of the key store.
    """
    return tlv.build(0x77, cms.sign(oids.LDS_SECURITY_OBJECT, security_object.build(), signer, signing_time))


def parse_card_security(data: bytes) -> tuple[SignedData, SecurityInfos]:
    """Read EF.CardSecurity: the signature, and the infos it is over; zeros may follow it.

    :raises EncodingError: where it is not SignedData around SecurityInfos.
    """
    signed = cms.parse(open_file("EF.CardSecurity", data).signed)
    if signed.content_type != oids.SECURITY_OBJECT:
        raise EncodingError(f"EF.CardSecurity: content type {signed.content_type}, expected {oids.SECURITY_OBJECT}")
    return signed, SecurityInfos.parse(signed.content)


def build_card_security(infos: SecurityInfos, signer: Signer, signing_time: datetime | None = None) -> bytes:
    """Return EF.CardSecurity, signed by a document signer; arguments as of :func:`build_sod`."""
    return cms.sign(oids.SECURITY_OBJECT, infos.der, signer, signing_time)
