"""The issuer's certificate of a BIN range: read once for a product, checked again for every card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.apps.emv.capk import CapkStore, parse_capk
from cardkit.apps.emv.oda.certificate import Certificate, SignedKey
from cardkit.apps.emv.oda.recover import recover_issuer
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.schema import IssuerBlock
from cardkit.crypto import KeyStore
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError, ProfileError

INDEX, CERTIFICATE, REMAINDER, EXPONENT = b"\x8f", b"\x90", b"\x92", b"\x9f\x32"
_EXPECTED = "data objects 8F, 90, 9F32, and 92 where the key has a remainder, in hexadecimal digits"


@dataclass(frozen=True, slots=True)
class IssuerCertificate:
    """A certificate of an issuer's key, recovered.

    :param index: of the authority's key.  :param signed: data objects 90, 92, 9F32.
    :param key: reference of the private key.
    """

    index: int
    signed: SignedKey
    certificate: Certificate
    key: str

    def objects(self) -> dict[bytes, bytes]:
        """Return its data objects by tag; 92 is empty where there is no remainder."""
        return {
            INDEX: bytes((self.index,)),
            CERTIFICATE: self.signed.certificate,
            REMAINDER: self.signed.remainder,
            EXPONENT: self.signed.exponent,
        }

    def check_key(self, keystore: KeyStore) -> None:
        """Check that the key store has the key the certificate is of.

        :raises KeyStoreError: when it is another, or missing.
        """
        if keystore.emv_public(self.key) != self.certificate.key:
            raise KeyStoreError(f"key {self.key}: another than the one the issuer certificate is of")

    def check(self, holder: Holder) -> None:
        """Check that it is good for a card.

        :raises EncodingError: when it ends before the card, or is of other PANs (EMV 4.4 Book 2, 5.3 steps 8 and 9).
        """
        if not holder.pan.startswith(self.certificate.owner):
            raise EncodingError("issuer certificate: its issuer identifier does not begin the PAN")
        if self.certificate.last_day < holder.expiry:
            raise EncodingError(
                f"issuer certificate: good until {self.certificate.last_day}, the card until {holder.expiry}"
            )


def file_names(block: IssuerBlock) -> tuple[str, ...]:
    """Return the names of the files a profile's issuer is described in."""
    return tuple(name for name in (block.certificate, block.authorities) if name)


def issuer_certificates(
    block: IssuerBlock, rids: frozenset[bytes], files: Mapping[str, bytes]
) -> dict[bytes, IssuerCertificate]:
    """Read and recover an issuer's certificate with the authority of each RID; nothing where the profile names none.

    :param rids: of the applications that need one.  :param files: contents of the files, by name.
    :raises ProfileError: when a file is malformed, an authority is unknown, or the certificate is not its own.
    """
    if not rids:
        return {}
    if not (block.key and block.certificate and block.authorities):
        raise ProfileError("emv.issuer: key, certificate and authorities: all are needed to sign data of a card")
    found = _objects(block.certificate, files[block.certificate])
    authorities = _authorities(block.authorities, files[block.authorities])
    return {rid: _recovered(block, found, authorities, rid) for rid in sorted(rids)}


def _objects(name: str, content: bytes) -> dict[bytes, bytes]:
    try:
        items = tlv.parse(bytes.fromhex(content.decode("ascii")))
    except (ValueError, EncodingError):
        raise ProfileError(f"emv.issuer.certificate: {name}: expected {_EXPECTED}") from None
    found = {item.tag.to_bytes(1 if item.tag < 0x100 else 2, "big"): item.value for item in items}
    if not {INDEX, CERTIFICATE, EXPONENT} <= set(found) <= {INDEX, CERTIFICATE, EXPONENT, REMAINDER}:
        raise ProfileError(f"emv.issuer.certificate: {name}: got {len(items)} objects, expected {_EXPECTED}")
    return found


def _authorities(name: str, content: bytes) -> CapkStore:
    try:
        return parse_capk(content.decode("utf-8"), name)
    except (UnicodeDecodeError, EncodingError) as error:
        raise ProfileError(f"emv.issuer.authorities: {error}") from None


def _recovered(
    block: IssuerBlock, found: Mapping[bytes, bytes], authorities: CapkStore, rid: bytes
) -> IssuerCertificate:
    signed = SignedKey(found[CERTIFICATE], found.get(REMAINDER, b""), found[EXPONENT])
    authority = authorities.find(rid, found[INDEX][0])
    if authority is None:
        raise ProfileError(
            f"emv.issuer.authorities: {block.authorities}: no key {rid.hex().upper()} {found[INDEX].hex().upper()}"
        )
    try:
        certificate = recover_issuer(authority.key, signed).checked()
    except AuthenticationError as error:
        raise ProfileError(f"emv.issuer.certificate: {block.certificate}: {error}") from None
    return IssuerCertificate(found[INDEX][0], signed, certificate, block.key)
