"""Rules about what a card must not hold before its first use: locations, keys of sessions, messages, call lists.

Blank contents are those of TS 31.102 annex E, as the catalogue has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, Values, hindrance, is_absent, read_files
from cardkit.apps.uicc.rules.expectation import GSM, USIM, Expectation, Ground
from cardkit.apps.uicc.rules.networks import home_of
from cardkit.desired import Secrecy

TELECOM, ACCESS, FIVE_GS = "DF.TELECOM", f"{USIM}/DF.GSM-ACCESS", f"{USIM}/DF.5GS"
FF, UNUSED = b"\xff", "not updated"

# Files and their temporary identity.
LOCATIONS = {
    f"{USIM}/EF.LOCI": "tmsi",
    f"{USIM}/EF.PSLOCI": "p_tmsi",
    f"{USIM}/EF.EPSLOCI": "guti",
    f"{FIVE_GS}/EF.5GS3GPPLOCI": "guti",
    f"{FIVE_GS}/EF.5GSN3GPPLOCI": "guti",
    f"{GSM}/EF.LOCI": "tmsi",
    f"{GSM}/EF.LOCIGPRS": "p_tmsi",
}
# Files and the byte that says which key it is; 7 stands for none.
SESSION_KEYS = {
    f"{USIM}/EF.Keys": 0, f"{USIM}/EF.KeysPS": 0, f"{ACCESS}/EF.Kc": 8, f"{ACCESS}/EF.KcGPRS": 8,
    f"{GSM}/EF.Kc": 8, f"{GSM}/EF.KcGPRS": 8,
}  # fmt: skip
NO_KEY = 7
CONTEXTS = (
    f"{USIM}/EF.EPSNSC", f"{FIVE_GS}/EF.5GS3GPPNSC", f"{FIVE_GS}/EF.5GSN3GPPNSC", f"{FIVE_GS}/EF.5GAUTHKEYS",
)  # fmt: skip
HISTORY = (
    *(f"{USIM}/EF.{name}" for name in ("NETPAR", "DCK", "ICI", "OCI", "ICT", "OCT", "ACM")),
    f"{TELECOM}/EF.LND", f"{GSM}/EF.ACM", f"{GSM}/EF.DCK", f"{GSM}/EF.BCCH",
)  # fmt: skip
# Lists the subscriber, or somebody before him, fills.
LISTS = (
    *(f"{USIM}/EF.{name}" for name in ("SMS", "SMSR", "FDN", "BDN", "EXT2", "EXT3", "EXT4", "EXT5", "EXT6", "EXT7",
                                       "EXT8")),
    *(f"{TELECOM}/EF.{name}" for name in ("ADN", "SMS", "SMSR", "FDN", "BDN", "EXT1", "EXT2", "EXT3", "EXT4")),
)  # fmt: skip
FREE_RECORD = 0
CALL_LISTS = ("EF.ICI", "EF.OCI")
HIDDEN = "not as before the first use (secret)"


def _location(file: str, identity: str) -> Check:
    def test(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
        trouble = _location_trouble(picture.value(file), identity, home_of(picture, expected))
        if trouble:
            yield Trouble(file, trouble, "no temporary identity, no location, status not updated")

    return Check("UICC-031", test, files=(file,))


def _location_trouble(value: dict[str, Any], identity: str, home: str | None) -> str | None:
    given = value.get(identity)
    if not isinstance(given, str) or given.strip("F"):
        return "a temporary identity is stored" if isinstance(given, str) else "it cannot be read"
    if value.get("plmn") not in ("", home):
        return f"network {value.get('plmn')} is stored"
    return None if value.get("status") == UNUSED else f"status {value.get('status')}"


def _session_key(file: str, marker: int) -> Check:
    def test(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
        body = picture.bodies.get(file)
        if body is None:
            yield from _hidden(picture, file)
        elif body[marker : marker + 1] != bytes((NO_KEY,)) or _used(body[:marker] + body[marker + 1 :]):
            yield Trouble(file, "a key of a session is stored", "no key", secrecy=Secrecy.PUBLIC)

    return Check("UICC-032", test)


def _used(body: bytes) -> bool:
    """Whether there is more than fill: FF, or 00 as some makers leave it."""
    return bool(body.strip(FF)) and bool(body.strip(b"\0"))


def _hidden(picture: CardPicture, file: str) -> Iterator[Trouble]:
    """What can be said of a secret file a dump does not show."""
    names = [name for name in picture.blanks if name.partition("#")[0] == file]
    if any(not picture.blanks[name] for name in names):
        yield Trouble(file, HIDDEN, secrecy=Secrecy.PUBLIC)
    trouble = None if names or is_absent(picture, file) else hindrance(picture, file)
    if trouble is not None:
        yield trouble


def _context(file: str) -> Check:
    def test(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
        records = picture.records(file)
        if any(_used(body) for body in records.values()):
            yield Trouble(file, "a security context is stored", "FF", secrecy=Secrecy.PUBLIC)
        if not records:
            yield from _hidden(picture, file)

    return Check("UICC-033", test)


def _start(values: Values, _ground: Ground) -> str | None:
    value = values[f"{USIM}/EF.START-HFN"]
    used = [name for name in ("start_cs", "start_ps") if value.get(name) != "F00000"]
    return f"{used[0]} {value.get(used[0])}, expected F00000" if used else None


def _history(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, HISTORY):
        number = next((number for number, body in records.items() if _filled(picture, file, number, body)), None)
        if number is not None:
            yield Trouble(f"{file}#{number}" if number else file, "in use", "empty or zero")
    for file in HISTORY:
        if picture.blanks.get(file) is False:
            yield Trouble(file, HIDDEN, secrecy=Secrecy.PUBLIC)


def _filled(picture: CardPicture, file: str, number: int, body: bytes) -> bool:
    """Whether a record holds something; of a call, its number tells, as the rest has no blank form of its own."""
    if not set(body) - {0x00, 0xFF}:
        return False
    if file.endswith(CALL_LISTS):
        return bool(picture.value(f"{file}#{number}").get("number"))
    return not picture.is_blank(f"{file}#{number}" if number else file)


def _lists(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, (*LISTS, *_phone_book(picture))):
        if expected.fills(file):
            continue
        kept = [number for number, body in records.items() if _kept(file, body)]
        if kept:
            count = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
            # They may be the operator's own: only a profile could tell.
            yield Trouble(f"{file}#{kept[0]}", f"in use{count}", "empty", mild=expected.product is None)


def _phone_book(picture: CardPicture) -> list[str]:
    return [name for name in picture.specs if name.rpartition("/")[2].startswith(("EF.ADN", "EF.ANR", "EF.EMAIL"))]


def _kept(file: str, body: bytes) -> bool:
    """Whether a record is in use; a message or extension by its first byte, as what is behind may be anything."""
    title = file.rpartition("/")[2]
    if title.startswith(("EF.SMS", "EF.EXT")):
        return body[:1] not in (bytes((FREE_RECORD,)), FF)
    return bool(body.strip(FF))


def _waiting(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for file, records in read_files(picture, (f"{USIM}/EF.MWIS", f"{GSM}/EF.MWIS")):
        yield from (
            Trouble(f"{file}#{number}", "a message is said to wait", "00")
            for number, body in records.items()
            if body.strip(b"\0") and body.strip(FF)
        )
    for file, records in read_files(picture, (f"{USIM}/EF.CFIS", f"{GSM}/EF.CFIS")):
        for number in records:
            value = picture.value(f"{file}#{number}")
            if "empty" not in value and (value.get("forwarding") or value.get("msp") not in (1, 2, 3, 4)):
                actual = f"profile {value.get('msp')}, forwarding {value.get('forwarding')}"
                yield Trouble(f"{file}#{number}", actual, "profile 1 to 4, nothing forwarded")


def _room(file: str) -> Relation:
    def test(values: Values, _ground: Ground) -> str | None:
        return None if values[file].get("memory_available") is True else "no room for messages"

    return Relation("UICC-079", (file,), test)


RELATIONS = (
    Relation("UICC-034", (f"{USIM}/EF.START-HFN",), _start),
    _room(f"{USIM}/EF.SMSS"),
    _room(f"{TELECOM}/EF.SMSS"),
)
CHECKS = (
    *(_location(file, identity) for file, identity in LOCATIONS.items()),
    *(_session_key(file, marker) for file, marker in SESSION_KEYS.items()),
    *map(_context, CONTEXTS),
    Check("UICC-035", _history, files=HISTORY),
    Check("UICC-078", _lists, files=LISTS),
    Check("UICC-081", _waiting, files=(f"{USIM}/EF.MWIS", f"{USIM}/EF.CFIS")),
)
