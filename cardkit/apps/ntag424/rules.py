"""The rules that apply to a tag: its settings, the URL it gives, its keys (transport sheet 4, 10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from cardkit.apps.desfire.sdm import SdmSettings
from cardkit.apps.desfire.settings import FREE, FileSettings
from cardkit.apps.desfire.sun import check_rising
from cardkit.apps.desfire.version import NXP
from cardkit.apps.ntag424.plan import AGAIN, MIRROR, TEXT, UID
from cardkit.apps.ntag424.product import NtagProduct
from cardkit.apps.ntag424.seen import NOTE, SeenTag
from cardkit.apps.ntag424.text import MARKS, Mirror, url_of
from cardkit.desired import ATR_FITS, NOT_CHECKED, REPEATED, Finding, Observations, Part, Rule, Secrecy, Severity
from cardkit.errors import AuthenticationError, EncodingError

_S, _E, _W = Severity.STOP, Severity.ERROR, Severity.WARNING
_NTAG = (0x04, 0x30)
_LRP_ONLY = 0x919D  # permission denied


def _rule(number: int, severity: Severity, clause: str, text: str, code: str = "", *, delivered: bool = False) -> Rule:
    return Rule(f"TRANSIT-{number:03}", severity, f"transport sheet {clause}", text, code, delivered=delivered)


KEYS_PROVEN = _rule(2, _S, "3.6", "every key opens a session with this tag's own value", "KEY", delivered=True)
VERSIONS = _rule(4, _E, "3.7", "key versions are the profile's")
RIGHTS = _rule(14, _S, "3.5", "rights to the NDEF file are the profile's")
CHANGE_CLOSED = _rule(16, _S, "4", "nobody but the master key changes what the tag mirrors")
CONTENTS = _rule(21, _E, "profile", "the URL is the record's")
UID_PROVEN = _rule(31, _S, "1, 3.3", "the UID inside a session is the one the reader tells", "UID")
UID_UNIQUE = _rule(33, _S, "1", "no other tag has this UID", "UID")
PLAUSIBLE = _rule(36, _W, "3.2", "the version block is an NTAG 424 DNA's")
ATR = _rule(37, _E, "1", "the ATR is the chip's")
SETTINGS = _rule(47, _S, "4", "what the tag mirrors is the profile's; PICCData and MAC have two keys")
MESSAGE = _rule(48, _S, "4", "the URL opens, its MAC and UID are right, the counter rises by one a reading", "SUN")
OFFSETS = _rule(49, _E, "4", "places of the mirror lie in the text, apart, the MAC behind what it covers")
NDEF = _rule(50, _E, "4", "the NDEF file is one URL, of the profile's host")
MODE = _rule(51, _S, "3.18", "the tag works with AES, as the profile says, and was not switched to LRP")

RULES = (
    KEYS_PROVEN, VERSIONS, RIGHTS, CHANGE_CLOSED, CONTENTS, UID_PROVEN, UID_UNIQUE, PLAUSIBLE, ATR, SETTINGS, MESSAGE,
    OFFSETS, NDEF, MODE,
)  # fmt: skip


def judge(product: NtagProduct, mirror: Mirror | None, seen: Observations, part: Part | None) -> list[Finding]:
    """Apply the rules.

    :param mirror: of the record's tag.  :param part: CHECK before sealing, STRANGER after it, None for a survey.
    """
    assert mirror is not None
    notes: SeenTag = seen.notes[NOTE]
    asked = {Part.CHECK: product.keys[1:], Part.STRANGER: product.keys[:1]}.get(part, product.keys) if part else None
    states = {key.state: key.version for key in asked or product.keys}
    return [*_keys(notes, states), *_tag(notes, seen), *_file(product, mirror, notes), *_text(mirror, notes)]


def _said(rule: Rule, where: str, expected: str, actual: str) -> Finding:
    return rule.finding(where, expected, actual, secrecy=Secrecy.PUBLIC)


def _missing(rule: Rule, notes: SeenTag, where: str, expected: str) -> Finding:
    return _said(rule, where, expected, notes.troubles.get(where, NOT_CHECKED))


def _keys(notes: SeenTag, states: Mapping[str, int]) -> Iterator[Finding]:
    if notes.refused == _LRP_ONLY:
        yield _said(MODE, "session", "AES", "refused: the tag works with LRP only")
        return
    for state, version in states.items():
        shown = notes.versions.get(state)
        if shown is None:
            yield _missing(VERSIONS, notes, state, f"{version:02X}")
        elif shown != version:
            yield _said(VERSIONS, state, f"{version:02X}", f"{shown:02X}")
        if state not in notes.proven and shown in (None, version):
            yield _missing(KEYS_PROVEN, notes, state, "opens a session")


def _tag(notes: SeenTag, seen: Observations) -> Iterator[Finding]:
    if not notes.uid:
        if notes.refused != _LRP_ONLY:
            yield _missing(UID_PROVEN, notes, UID, "told inside a session")
    elif {notes.told, notes.identified} != {notes.uid}:
        yield _said(UID_PROVEN, UID, notes.told.hex().upper(), notes.uid.hex().upper())
    if "uid" in seen.notes.get(REPEATED, ()):
        yield _said(UID_UNIQUE, UID, "no other tag's", "another tag's")
    version = notes.version
    if version is None or version.hardware.vendor != NXP or (version.hardware.type, version.hardware.major) != _NTAG:
        yield _said(PLAUSIBLE, "version", "NTAG 424 DNA", version.product if version else NOT_CHECKED)
    if seen.notes.get(ATR_FITS) is False:
        yield _said(ATR, "ATR", "the chip's", "another")


def _file(product: NtagProduct, mirror: Mirror, notes: SeenTag) -> Iterator[Finding]:
    shown, wanted = notes.settings, product.settings(mirror)
    if shown is None:
        if notes.refused != _LRP_ONLY:
            yield _missing(SETTINGS, notes, MIRROR, "settings")
        return
    if (shown.rights.read, shown.rights.write, shown.rights.both) != (
        wanted.rights.read,
        wanted.rights.write,
        wanted.rights.both,
    ):
        yield _said(RIGHTS, TEXT, str(wanted.rights), str(shown.rights))
    if shown.rights.change != wanted.rights.change:
        yield _said(CHANGE_CLOSED, TEXT, "master key", f"{shown.rights.change:X}")
    misplaced = shown.sdm is not None and list(_misplaced(shown.sdm, len(mirror.file)))
    if misplaced:
        yield _said(OFFSETS, MIRROR, "places in the text, one behind the other", "; ".join(misplaced))
    elif (shown.options, shown.sdm) != (wanted.options, wanted.sdm):
        yield _said(SETTINGS, MIRROR, _change(wanted), _change(shown))
    elif shown.sdm is not None and shown.sdm.meta_read == shown.sdm.file_read != FREE:
        yield _said(SETTINGS, MIRROR, "two keys", f"key {shown.sdm.meta_read} for both")


def _change(settings: FileSettings) -> str:
    return settings.change().hex().upper()


def _misplaced(sdm: SdmSettings, size: int) -> Iterator[str]:
    """Yield what is wrong with places, whatever the profile says."""
    told = {"picc": sdm.picc_data_offset, "uid": sdm.uid_offset, "ctr": sdm.counter_offset, "mac": sdm.mac_offset}
    places = sorted((at, at + MARKS[name], name) for name, at in told.items() if at is not None)
    for (_, end, name), (begin, _, other) in pairwise(places):
        if begin < end:
            yield f"{name} reaches into {other}"
    if places and places[-1][1] > size:
        yield f"{places[-1][2]} ends at {places[-1][1]} of {size}"
    if sdm.mac_offset is not None and (sdm.mac_input_offset or 0) > sdm.mac_offset:
        yield "the MAC stands before what it covers"


def _text(mirror: Mirror, notes: SeenTag) -> Iterator[Finding]:
    if not notes.readings:
        yield _missing(NDEF, notes, TEXT, "read by anybody")
        return
    texts = []
    for body in notes.readings:
        try:
            texts.append(url_of(body))
        except EncodingError as error:
            yield _said(NDEF, TEXT, "a URL", str(error))
            return
    if any(_host(text) != _host(mirror.template) for text in texts):
        yield _said(NDEF, TEXT, _host(mirror.template), _host(texts[0]))
    elif any(_still(body, mirror) != _still(mirror.file, mirror) for body in notes.readings):
        yield CONTENTS.finding(TEXT, mirror.template, texts[0], secrecy=Secrecy.PERSONAL)
    else:
        yield from _messages(notes)


def _host(url: str) -> str:
    """Return scheme and host."""
    return "/".join(url.split("/")[:3])


def _still(file: bytes, mirror: Mirror) -> bytes:
    """Return what the tag does not write itself, as long as the record's text is."""
    kept = bytearray(file[: len(mirror.file)])
    for name, at in mirror.places.items():
        kept[at : at + MARKS[name]] = bytes(MARKS[name])
    return bytes(kept)


def _messages(notes: SeenTag) -> Iterator[Finding]:
    if len(notes.messages) != len(notes.readings):
        why = notes.troubles.get(TEXT) or notes.troubles.get(AGAIN) or "it does not open"
        yield _said(MESSAGE, TEXT, "opens under the tag's keys", why)
        return
    if any(message.uid != notes.identified for message in notes.messages):
        yield _said(MESSAGE, TEXT, f"UID {notes.identified.hex().upper()}", notes.messages[0].uid.hex().upper())
    try:
        for before, after in pairwise(notes.messages):
            check_rising(before, after)
    except AuthenticationError as error:
        yield _said(MESSAGE, TEXT, "a counter that rises by one", str(error))
