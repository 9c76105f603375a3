"""One travel document: its files as they are written, and the secrets that open and prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cardkit.apps.emrtd.com import LDS_1_8, Com
from cardkit.apps.emrtd.mrz import Format, Mrz
from cardkit.apps.emrtd.prepare.groups import card_access, card_security, key_groups, record_groups
from cardkit.apps.emrtd.prepare.holder import zone_of
from cardkit.apps.emrtd.prepare.keys import DocumentKeys, keys_of, make_keys
from cardkit.apps.emrtd.prepare.terminals import CVCA, TerminalTrust, date_digits, read_trust
from cardkit.apps.emrtd.schema import EmrtdBlock
from cardkit.apps.emrtd.sod import LdsSecurityObject, Sod, build_card_security, build_sod, parse_card_security
from cardkit.apps.pki.cms import Signer
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import KeyStore
from cardkit.crypto.secret import Secret, joined
from cardkit.errors import EncodingError, KeyStoreError, ProfileError

SOD, CARD_SECURITY = "EF.SOD", "EF.CardSecurity"
_CAN_DIGITS = 6


@dataclass(frozen=True, slots=True)
class TravelDocument:
    """What is written to one chip.

    :param files: by name, in the order they are written.  :param can: access number, None where there is none.
    :param trust: whose terminals read fingers.  :param day: what the chip takes for today, YYMMDD.
    """

    mrz: Mrz
    files: Mapping[str, bytes] = field(repr=False)
    keys: DocumentKeys
    can: Secret | None = None
    trust: TerminalTrust | None = None
    day: bytes = b""


def prepare_document(
    block: EmrtdBlock,
    resolved: Mapping[str, Any],
    attached: Mapping[str, bytes],
    keystore: KeyStore,
    rng: Callable[[int], bytes],
) -> dict[str, Secret]:
    """Make the keys of a document and sign its groups; nobody can make them again.

    :param resolved: the profile's block for this record.  :param attached: files beside the profile, by name.
    :raises EncodingError: where a value of the record does not fit.
    :raises KeyStoreError: where the signer's key is missing, or its certificate is of another.
    """
    keys = make_keys(block, keystore, rng)
    signing = block.signer
    groups = _groups(block, resolved, attached, keys)
    _can(resolved)
    versions = (LDS_1_8,) if signing.lds == LDS_1_8 else ()
    security_object = LdsSecurityObject.of(signing.hash, groups, *versions)
    signer = Signer(SigningKey(keystore, signing.key), attached[signing.certificate])
    values = keys.to_values() | {SOD: Secret(build_sod(security_object, signer), SOD)}
    if keys.mapping is not None:
        signed = build_card_security(card_security(block, keys), signer)
        values[CARD_SECURITY] = Secret(signed, CARD_SECURITY)
    return values


def document_of(
    block: EmrtdBlock, resolved: Mapping[str, Any], attached: Mapping[str, bytes], values: Mapping[str, Secret]
) -> TravelDocument:
    """Return a document with the values it was prepared with.

    :raises ProfileError: where they are of another record or profile: the security object is not of these groups.
    """
    if SOD not in values:
        raise ProfileError(f"prepared values: no {SOD}")
    try:
        keys = keys_of(block, values)
        groups = _groups(block, resolved, attached, keys)
        sod = joined((values[SOD],))
        signed = Sod.parse(sod).object
    except (EncodingError, KeyStoreError) as error:
        raise ProfileError(f"prepared values are not of this record: {error}") from None
    if LdsSecurityObject.of(signed.hash, groups, signed.lds_version, signed.unicode_version) != signed:
        raise ProfileError("prepared values are not of this record: EF.SOD is of other data groups")
    access = card_access(block.access)
    files = {"EF.CardAccess": access} if access else {}
    if keys.mapping is not None:
        files[CARD_SECURITY] = _card_security(block, keys, values)
    files["EF.COM"] = Com.of(groups, block.signer.lds).build()
    files |= {f"EF.DG{number}": body for number, body in groups.items()}
    files[SOD] = sod
    trust, terminals = read_trust(block.terminal_authentication, attached), resolved["terminal_authentication"]
    if trust is None:
        return TravelDocument(_zone(block, resolved), files, keys, _can(resolved))
    files[CVCA] = trust.file
    return TravelDocument(_zone(block, resolved), files, keys, _can(resolved), trust, date_digits(terminals["date"]))


def _card_security(block: EmrtdBlock, keys: DocumentKeys, values: Mapping[str, Secret]) -> bytes:
    """Return EF.CardSecurity as it was signed.  :raises ProfileError: where it is of other keys."""
    signed = joined((values[CARD_SECURITY],)) if CARD_SECURITY in values else b""
    try:
        _, infos = parse_card_security(signed)
    except EncodingError as error:
        raise ProfileError(f"prepared values: {error}") from None
    if infos.der != card_security(block, keys).der:
        raise ProfileError("prepared values are not of this record: EF.CardSecurity is of other keys")
    return signed


def _zone(block: EmrtdBlock, resolved: Mapping[str, Any]) -> Mrz:
    return zone_of(Format(block.format), resolved["holder"])


def _groups(
    block: EmrtdBlock, resolved: Mapping[str, Any], attached: Mapping[str, bytes], keys: DocumentKeys
) -> dict[int, bytes]:
    images = {name: attached[name] for name in block.groups.images}
    groups = record_groups(_zone(block, resolved), resolved["groups"], images) | key_groups(block, keys)
    return dict(sorted(groups.items()))


def _can(resolved: Mapping[str, Any]) -> Secret | None:
    """Return the access number.  :raises EncodingError: where it is no secret field of six digits. 9303-11 4.4.2"""
    can = resolved["access"]["can"]
    if not can:
        return None
    if not isinstance(can, Secret) or len(can) != _CAN_DIGITS:
        raise EncodingError(f"access.can: expected one secret field of {_CAN_DIGITS} digits")
    return can
