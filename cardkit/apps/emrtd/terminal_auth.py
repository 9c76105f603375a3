"""Terminal authentication: a terminal proves what it may read (BSI TR-03110-1 3.5, -2 3.3; ICAO Doc 9303-11 7.1).

Version 1 comes after chip authentication, version 2 before it: the key it names is used there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.apps.emrtd.client import DocumentClient, chip_at_fault
from cardkit.apps.emrtd.lds import FILES, LdsFile
from cardkit.apps.emrtd.securityinfos import SecurityInfos, TerminalAuthenticationInfo
from cardkit.apps.pki.cvc import INSPECTION_SYSTEM, CvCertificate, Right
from cardkit.apps.pki.signing import SigningKey
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError, EncodingError, StatusError

_PROTOCOL, _REFERENCE, _EPHEMERAL, _SIGNATURE = 0x80, 0x83, 0x91, 0x5F37
_OID = 0x06
_VERSION_2 = 2
_AUTHORITY = 0x42
_CVCA_BYTES = 36
_LONGEST_CHAIN = 8
_WHAT = "terminal authentication"
_CVCA = FILES["EF.CVCA"]


@dataclass(frozen=True, slots=True)
class Terminal:
    """What a terminal has.

    :param certificates: links, document verifiers, its own last.  :param key: of its own certificate.
    :param authority: the key of who issued the first of a chain; None where that is another house's, as it should be.
    """

    certificates: tuple[CvCertificate, ...]
    key: SigningKey
    authority: SigningKey | None = None

    def chain(self, trust_points: Sequence[str]) -> tuple[CvCertificate, ...]:
        """Return the certificates from one of a chip's trust points down to the terminal's.

        :param trust_points: references of CVCA keys the chip knows.
        :raises EncodingError: where there is none.
        """
        by_holder = {one.holder: one for one in self.certificates}
        found = [self.certificates[-1]]
        while found[0].authority not in trust_points:
            above = by_holder.get(found[0].authority)
            if above is None or above in found or len(found) >= _LONGEST_CHAIN:
                known = " ".join(trust_points) or "nobody"
                raise EncodingError(f"{_WHAT}: no certificate of {found[0].authority}; the chip trusts {known}")
            found.insert(0, above)
        return tuple(found)


def effective_rights(chain: Sequence[CvCertificate]) -> Right:
    """Return what an inspection system may read by its chain: what every certificate allows. TR-03110-1 2.4.2

    :raises EncodingError: where a certificate is not of an inspection system.
    """
    rights = Right.FINGER | Right.IRIS
    for one in chain:
        if one.role != INSPECTION_SYSTEM or len(one.authorization) != 1:
            raise EncodingError(f"{_WHAT}: certificate {one.holder} is not of an inspection system")
        rights &= Right(one.authorization[0])
    return rights


def trust_points(client: DocumentClient, infos: SecurityInfos | None) -> tuple[str, ...]:
    """Return the references in EF.CVCA.

    :param infos: of DG14, which may name another file.
    :raises StatusError: when the file is not there.  :raises ProtocolError: when it is malformed.
    """
    content = client.read_fixed(_cvca_file(infos), _CVCA_BYTES)
    with chip_at_fault("EF.CVCA"):
        items = tlv.parse(content, b"\x00")
        return tuple(item.value.decode("latin-1") for item in items if item.tag == _AUTHORITY)


def authenticate_terminal(
    client: DocumentClient,
    chain: Sequence[CvCertificate],
    key: SigningKey,
    chip_id: bytes,
    ephemeral: bytes,
    *,
    version: int = 1,
) -> None:
    """Present a chain and sign the chip's challenge.

    :param chip_id: document number and digit after BAC, short form of the chip's key after PACE.
    :param ephemeral: short form of the terminal's key of chip authentication, which came before; in version 2 follows.
    :raises AuthenticationError: when the chip does not believe it, naming the certificate.
    :raises KeyStoreError: as of the key store.
    """
    for one in chain:
        reference = tlv.build(_REFERENCE, one.authority.encode("latin-1"))
        try:
            client.set_environment(0x81, 0xB6, reference, f"certificate of {one.authority}")
            client.verify_certificate(one.body, tlv.build(_SIGNATURE, one.signature))
        except StatusError as error:
            raise AuthenticationError(f"{_WHAT}: certificate {one.holder}: {error}") from None
    holder = chain[-1].holder
    environment = tlv.build(_REFERENCE, holder.encode("latin-1"))
    if version == _VERSION_2:
        protocol = chain[-1].public_key.first(_OID) or b""
        environment = tlv.build(_PROTOCOL, protocol) + environment + tlv.build(_EPHEMERAL, ephemeral)
    try:
        client.set_environment(0x81, 0xA4, environment, f"key of {holder}")
        client.external_authenticate(key.sign_plain(chip_id + client.get_challenge() + ephemeral))
    except StatusError as error:
        raise AuthenticationError(f"{_WHAT}: key of {holder}: {error}") from None


def _cvca_file(infos: SecurityInfos | None) -> LdsFile:
    """Return EF.CVCA, elsewhere where DG14 says so."""
    for info in infos.all(TerminalAuthenticationInfo) if infos else ():
        if len(info.fid) == 2:
            sfi = info.sfi[0] & 0x1F if info.sfi else _CVCA.sfi
            return LdsFile(_CVCA.name, int.from_bytes(info.fid), sfi, _CVCA.tag)
    return _CVCA
