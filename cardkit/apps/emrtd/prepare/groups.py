"""The data groups a record fills, and those its keys are in (ICAO Doc 9303-10 4.7; -11 9.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.biometrics import Biometrics, FormatType, Modality, Template
from cardkit.apps.emrtd.details import Details, Value
from cardkit.apps.emrtd.face import build_dg2
from cardkit.apps.emrtd.face39794 import build_dg2_39794
from cardkit.apps.emrtd.groups import build_dg1, build_dg15, build_group
from cardkit.apps.emrtd.images import DisplayedImages
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.prepare.keys import RSA_EXPONENT, DocumentKeys, RsaChipKey, chip_mapping
from cardkit.apps.emrtd.schema import AccessBlock, EmrtdBlock
from cardkit.apps.emrtd.securityinfos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PACEInfo,
    SecurityInfo,
    SecurityInfos,
    TerminalAuthenticationInfo,
    build_dg14,
)
from cardkit.apps.pki.publickey import build_ec, build_rsa
from cardkit.errors import EncodingError

_GENDERS = {"M": 1, "F": 2}
_SIDES = {"right": 1, "left": 2}
_FINGERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "little": 5}
_CIPHERS = {
    "3DES": oids.Cipher.TDES,
    "AES-128": oids.Cipher.AES_128,
    "AES-192": oids.Cipher.AES_192,
    "AES-256": oids.Cipher.AES_256,
}
_PLAIN_ECDSA = {"sha224": 2, "sha256": 3, "sha384": 4, "sha512": 5}  # last arc, TR-03111 5.2.1
_DATES = frozenset({"full_date_of_birth", "date_of_issue", "personalization_time"})


def record_groups(mrz: Mrz, groups: Mapping[str, Any], images: Mapping[str, bytes]) -> dict[int, bytes]:
    """Return the groups a record fills, by number.

    :param groups: values of the profile's block, resolved.  :param images: files beside the profile, by name.
    :raises EncodingError: on an image that is none, or a value its group does not take.
    """
    face = _image(groups["face"], images)
    modern = groups["face_format"] == "39794-5"
    gender = _GENDERS.get(mrz.field("sex"), 0)
    found = {1: build_dg1(mrz), 2: build_dg2_39794(face) if modern else build_dg2([face], gender)}
    for number, name in ((5, "portrait"), (7, "signature")):
        if groups[name]:
            found[number] = DisplayedImages.of(number, [_image(groups[name], images)]).build()
    for number, name in ((11, "details"), (12, "document")):
        if values := dict(_details(groups[name])):
            found[number] = Details.of(number, values).build()
    for number, name in ((3, "fingers"), (4, "irises")):
        if groups[name]:
            found[number] = Biometrics.of(number, [_template(item, images) for item in groups[name]]).build()
    if groups["national"]:
        found[13] = build_group(13, _bytes("national", groups["national"]))
    return found


def _template(item: Mapping[str, Any], images: Mapping[str, bytes]) -> Template:
    """Return the template of a finger or an eye, with its place on the body. ISO/IEC 7816-11 table C.3"""
    record = _image(item["record"], images)
    if "eye" in item:
        return Template.of(Modality.IRIS, FormatType.IRIS_19794, record, _SIDES[item["eye"]])
    side, _, finger = item["finger"].partition(" ")
    return Template.of(Modality.FINGER, FormatType.FINGER_19794, record, _FINGERS[finger] << 2 | _SIDES[side])


def key_groups(block: EmrtdBlock, keys: DocumentKeys) -> dict[int, bytes]:
    """Return the groups that tell a reader protocols and public keys: DG14, DG15."""
    infos = (*_pace(block.access), *_chip_authentication(block, keys), *_active_authentication(block))
    infos += (TerminalAuthenticationInfo(),) if block.terminal_authentication else ()
    found = {14: build_dg14(SecurityInfos.of(infos))} if infos else {}
    if isinstance(keys.active, RsaChipKey):
        found[15] = build_dg15(build_rsa(int.from_bytes(keys.active.modulus, "big"), RSA_EXPONENT))
    elif keys.active is not None:
        found[15] = build_dg15(build_ec(keys.active.curve, keys.active.public, explicit=True))
    return found


def card_security(block: EmrtdBlock, keys: DocumentKeys) -> SecurityInfos:
    """Return what EF.CardSecurity says: the ways of PACE, and the key by which the chip proves itself in one of them.

    9303-11 9.2.11
    """
    way, key = chip_mapping(block), keys.mapping
    assert way is not None
    assert key is not None
    public = build_ec(key.curve, key.public, explicit=True)
    info = ChipAuthenticationPublicKeyInfo(oids.PUBLIC_KEY_ECDH, public, way.parameters)
    return SecurityInfos.of((*_pace(block.access), info))


def card_access(access: AccessBlock) -> bytes:
    """Return EF.CardAccess; empty where there is no PACE."""
    return SecurityInfos.of(_pace(access)).der if access.pace else b""


def pace_protocol(mapping: str, cipher: str) -> str:
    """Return the object identifier of a way of PACE.

    >>> pace_protocol("ECDH-GM", "AES-128")
    '0.4.0.127.0.7.2.2.4.2.2'
    """
    return oids.pace(oids.Mapping[mapping.replace("-", "_")], _CIPHERS[cipher])


def _pace(access: AccessBlock) -> Iterator[SecurityInfo]:
    for item in access.pace:
        yield PACEInfo(pace_protocol(item.mapping, item.cipher), parameter_id=item.parameters)


def _chip_authentication(block: EmrtdBlock, keys: DocumentKeys) -> Iterator[SecurityInfo]:
    for item, key in zip(block.chip_authentication, keys.chip, strict=True):
        protocol = oids.chip_authentication(oids.CHIP_AUTHENTICATION_ECDH, _CIPHERS[item.cipher])
        public = build_ec(key.curve, key.public, explicit=True)
        yield ChipAuthenticationInfo(protocol, 1, item.key_id)
        yield ChipAuthenticationPublicKeyInfo(oids.PUBLIC_KEY_ECDH, public, item.key_id)


def _active_authentication(block: EmrtdBlock) -> Sequence[SecurityInfo]:
    item = block.active_authentication
    if item is None or item.rsa_bits is not None:
        return ()
    return (ActiveAuthenticationInfo(f"{oids.PLAIN_ECDSA}.{_PLAIN_ECDSA[item.hash]}"),)


def _image(value: str, images: Mapping[str, bytes]) -> bytes:
    return images[value] if value in images else _bytes("image", value)


def _bytes(what: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EncodingError(
            f"{what}: {len(text)} characters are neither hex digits nor a file the profile names"
        ) from None


def _details(values: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    for name, value in values.items():
        if name in _DATES:
            yield name, value.replace("-", "")
        elif value:
            yield name, tuple(value) if isinstance(value, list) else value
