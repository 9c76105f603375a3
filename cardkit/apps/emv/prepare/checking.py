"""What was prepared, read as a terminal reads it: every certificate is recovered before a card is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emv.oda.certificate import SignedKey
from cardkit.apps.emv.oda.recover import recover_icc, recover_pin_key, recover_ssad
from cardkit.apps.emv.oda.static import static_data
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.prepare.issuer import IssuerCertificate
from cardkit.apps.emv.schema import GroupingMap
from cardkit.apps.emv.template import open_template, parse_objects, primitives
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError

AIP, AFL, TAG_LIST, SSAD = b"\x82", b"\x94", b"\x9f\x4a", b"\x93"
ICC_CERTIFICATE, ICC_REMAINDER, ICC_EXPONENT = b"\x9f\x46", b"\x9f\x48", b"\x9f\x47"
PIN_CERTIFICATE, PIN_REMAINDER, PIN_EXPONENT = b"\x9f\x2d", b"\x9f\x2f", b"\x9f\x2e"
_RECORD = 0x70
_ENTRY, _AIP_BYTES = 4, 2


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """One interface of an application, as a terminal sees it.

    :param fci: template A5.  :param answer: data objects of the answer to GET PROCESSING OPTIONS, by tag.
    :param records: SFI, number and body in the order of the AFL.  :param signed: those that are static data.
    :param objects: of all records, by tag.
    """

    name: str
    fci: bytes
    answer: Mapping[bytes, bytes] = field(repr=False)
    records: tuple[tuple[int, int, bytes], ...] = field(repr=False)
    signed: tuple[tuple[int, bytes], ...] = field(repr=False)
    objects: Mapping[bytes, bytes] = field(repr=False)

    @property
    def aip(self) -> bytes:
        """Application interchange profile, 2 bytes."""
        return self.answer[AIP]

    def static(self) -> bytes:
        """Return the static data to be authenticated; EncodingError where there can be none."""
        return static_data(self.signed, self.objects.get(TAG_LIST), self.aip)


def faces_of(data: ApplicationData, names: GroupingMap) -> Iterator[PreparedFace]:
    """Yield the interfaces of an application out of its groupings.

    :raises EncodingError: when they cannot be read.
    """
    for name, fci, gpo in (
        ("contact", names.fci, names.gpo),
        ("contactless", names.fci_contactless, names.gpo_contactless),
    ):
        if int(gpo, 16) not in data.clear:
            continue
        answer = primitives(parse_objects(data.grouping(gpo)), "GPO")
        if len(answer.get(AIP, b"")) != _AIP_BYTES:
            raise EncodingError(f"data grouping {gpo}: expected an AIP of {_AIP_BYTES} bytes")
        records = tuple(_listed(answer.get(AFL, b""), data))
        objects: dict[bytes, bytes] = {}
        for _, _, body, _ in records:
            objects |= primitives(open_template(body, _RECORD, "record"), "record")
        yield PreparedFace(
            name,
            data.grouping(fci),
            answer,
            tuple(record[:3] for record in records),
            tuple((sfi, body) for sfi, _, body, signed in records if signed),
            objects,
        )


def _listed(afl: bytes, data: ApplicationData) -> Iterator[tuple[int, int, bytes, bool]]:
    if len(afl) % _ENTRY:
        raise EncodingError(f"AFL: {len(afl)} bytes, expected a multiple of {_ENTRY}")
    for start in range(0, len(afl), _ENTRY):
        sfi, first, last, signed = afl[start : start + _ENTRY]
        for number in range(first, last + 1):
            body = data.clear.get(sfi >> 3 << 8 | number)
            if body is None:
                raise EncodingError(f"AFL: record {number} of SFI {sfi >> 3} was not prepared")
            yield sfi >> 3, number, body, number - first < signed


def check_application(
    data: ApplicationData, names: GroupingMap, holder: Holder, issuer: IssuerCertificate | None
) -> None:
    """Recover everything that was signed.

    :raises EncodingError: when a terminal would refuse it.
    """
    try:
        faces = list(faces_of(data, names))
        if issuer is not None:
            for face in faces:
                _check_face(face, holder, issuer)
    except (AuthenticationError, ProtocolError) as error:
        raise EncodingError(f"prepared data of {data.aid.hex().upper()}: {error}") from None


def icc_key(face: PreparedFace, holder: Holder, issuer: IssuerCertificate) -> RsaPublicKey | None:
    """Return the card's public key out of its certificate; None where an interface has none.

    :raises AuthenticationError: when the certificate is wrong.
    """
    if ICC_CERTIFICATE not in face.objects:
        return None
    signed = SignedKey(
        face.objects[ICC_CERTIFICATE], face.objects.get(ICC_REMAINDER, b""), face.objects.get(ICC_EXPONENT, b"")
    )
    recovered = recover_icc(issuer.certificate.key, signed, face.static(), pan=holder.pan, on=holder.expiry)
    return recovered.checked().key


def _check_face(face: PreparedFace, holder: Holder, issuer: IssuerCertificate) -> None:
    icc_key(face, holder, issuer)
    if PIN_CERTIFICATE in face.objects:
        tags = (PIN_CERTIFICATE, PIN_REMAINDER, PIN_EXPONENT)
        signed = SignedKey(*(face.objects.get(tag, b"") for tag in tags))
        recover_pin_key(issuer.certificate.key, signed, pan=holder.pan, on=holder.expiry).checked()
    if SSAD in face.objects:
        recover_ssad(issuer.certificate.key, face.objects[SSAD], face.static()).checked()
