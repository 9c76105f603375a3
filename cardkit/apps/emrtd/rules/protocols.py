"""Rules about what a document says of its protocols and keys (ICAO Doc 9303-11 9.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from cardkit.apps.emrtd.active_auth import LEAST_RSA_BITS
from cardkit.apps.emrtd.chip_auth import chip_keys
from cardkit.apps.emrtd.domain import mislabelled
from cardkit.apps.emrtd.groups import parse_dg15
from cardkit.apps.emrtd.oids import Mapping as PaceMapping
from cardkit.apps.emrtd.pace import offers
from cardkit.apps.emrtd.securityinfos import (
    ChipAuthenticationPublicKeyInfo,
    PACEInfo,
    SecurityInfos,
    parse_card_access,
    parse_dg14,
)
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.sod import parse_card_security
from cardkit.apps.pki import publickey
from cardkit.apps.pki.publickey import RsaKey
from cardkit.errors import EncodingError

Files = Mapping[str, bytes]
_GENERIC_OR_INTEGRATED = frozenset(PaceMapping) - {PaceMapping.ECDH_CAM}


def offered(files: Files) -> Iterator[Trouble]:
    """EMRTD-061 and 063: DG14 and EF.CardAccess are well-formed, and what they offer can be used."""
    if "EF.CardAccess" in files:
        yield from _pace(files)
    if "EF.DG14" not in files:
        return
    try:
        infos = parse_dg14(files["EF.DG14"])
    except EncodingError as error:
        yield Trouble("EMRTD-061", "EF.DG14", "a SET of SecurityInfo", str(error))
        return
    keys = chip_keys(infos)
    public = [info for info in infos.all(ChipAuthenticationPublicKeyInfo) if not mislabelled(info.public_key)]
    if len({key.public for key in keys}) != len({info.public_key for info in public}):
        yield Trouble("EMRTD-061", "EF.DG14", "keys of chip authentication on known groups", "one that is none")
    if any(key.inferred for key in keys):
        yield Trouble("EMRTD-061", "EF.DG14", "a ChipAuthenticationInfo for each key", "none: 3DES is inferred")
    if len(public) > 1 and any(info.key_id is None for info in public):
        yield Trouble("EMRTD-061", "EF.DG14", "a keyId in each of several keys", "one has none")


def agreement(files: Files) -> Iterator[Trouble]:
    """EMRTD-062: DG14 repeats EF.CardAccess, which nobody signed; so does EF.CardSecurity. EMRTD-004: it is free."""
    access, signed = _infos(files, "EF.CardAccess"), _infos(files, "EF.DG14")
    if "EF.CardAccess" not in files and signed and signed.all(PACEInfo):
        yield Trouble("EMRTD-004", "EF.CardAccess", "a file anybody reads, as EF.DG14 offers PACE", "none was given")
    if access is None:
        return
    for name in ("EF.DG14", "EF.CardSecurity"):
        other = _infos(files, name)
        missing = access.missing_from(other) if other else ()
        if missing:
            said = " ".join(sorted(info.oid for info in missing))
            yield Trouble("EMRTD-062", name, "every SecurityInfo of EF.CardAccess", f"without {said}")


def key_of_dg15(files: Files) -> Iterator[Trouble]:
    """EMRTD-065: the key of active authentication can be used."""
    if "EF.DG15" not in files or any(where == "EF.DG15" for where, _ in _wrong_labels(files)):
        return
    try:
        key = publickey.parse(parse_dg15(files["EF.DG15"]))
    except EncodingError as error:
        yield Trouble("EMRTD-065", "EF.DG15", "a SubjectPublicKeyInfo", str(error))
        return
    if isinstance(key, RsaKey) and key.bits < LEAST_RSA_BITS:
        yield Trouble("EMRTD-065", "EF.DG15", f"{LEAST_RSA_BITS} bits of RSA or more", str(key.bits))


def labels(files: Files) -> Iterator[Trouble]:
    """EMRTD-064: every key is on the curve it names."""
    for where, (said, found) in _wrong_labels(files):
        yield Trouble("EMRTD-064", where, f"a key on {said}, as it says", f"one on {found}")


def _wrong_labels(files: Files) -> Iterator[tuple[str, tuple[str, str]]]:
    keys = [
        (name, info.public_key)
        for name in ("EF.DG14", "EF.CardSecurity")
        if (infos := _infos(files, name))
        for info in infos.all(ChipAuthenticationPublicKeyInfo)
    ]
    with suppress(KeyError, EncodingError):  # EMRTD-065 says so
        keys.append(("EF.DG15", parse_dg15(files["EF.DG15"])))
    for where, key in keys:
        if wrong := mislabelled(key):
            yield where, wrong


def _pace(files: Files) -> Iterator[Trouble]:
    where = "EF.CardAccess"
    try:
        infos = parse_card_access(files[where])
    except EncodingError as error:
        yield Trouble("EMRTD-063", where, "a SET of SecurityInfo, PACEInfo of version 2", str(error))
        return
    found = infos.all(PACEInfo)
    if len(offers(infos)) != len(found):
        yield Trouble("EMRTD-063", where, "known parameters in each PACEInfo", "one has others")
    mappings = {info.mapping for info in found}
    if PaceMapping.ECDH_CAM in mappings and not mappings & _GENERIC_OR_INTEGRATED:
        yield Trouble("EMRTD-063", where, "generic or integrated mapping beside chip authentication's", "none")


def _infos(files: Files, name: str) -> SecurityInfos | None:
    """Return the infos of a file; None where it is not there or not readable, which another rule says."""
    readers: Mapping[str, Callable[[bytes], SecurityInfos]] = {
        "EF.CardAccess": parse_card_access,
        "EF.DG14": parse_dg14,
        "EF.CardSecurity": lambda content: parse_card_security(content)[1],
    }
    try:
        return readers[name](files[name])
    except (KeyError, EncodingError):
        return None
