"""Rules about data object lists (EMV 4.4 Book 3 5.4)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.dol import DolEntry, parse_dol
from cardkit.apps.emv.picture import CONTACTLESS
from cardkit.apps.emv.rules.check import Scene, SideCheck, Trouble, text_of
from cardkit.apps.emv.tags import Source, lookup
from cardkit.errors import EncodingError

# What every cryptogram version but the contactless ones covers (Book 2, 8.1.1).
_COVERED = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37")
_UNPREDICTABLE, _RESPONSE, _AUTHENTICATION = b"\x9f\x37", b"\x8a", b"\x91"
_NUMERIC_UN = b"\x9f\x6a"
_LONGEST, _LONGEST_WITH_HEADER, _TWO_BYTE_LENGTH = 252, 255, 128
_CDA, _DDA, _EXTERNAL_AUTHENTICATE = 0x01, 0x20, 0x04  # of the AIP's first byte
_LISTS = ("8C", "8D", "9F49", "97")


def wishes(dol: bytes | None) -> tuple[DolEntry, ...]:
    """Return the entries of a list; nothing where it is malformed."""
    try:
        return parse_dol(dol or b"")
    except EncodingError:
        return ()


def _tags(dol: bytes | None) -> frozenset[bytes]:
    return frozenset(entry.tag for entry in wishes(dol))


def _parse(scene: Scene) -> Iterator[Trouble]:
    for tag in ("8C", "8D"):
        value = scene.side.get(tag)
        if value is None:
            continue
        try:
            entries = parse_dol(value)
        except EncodingError as error:
            yield scene.trouble(tag, str(error))
            continue
        for entry in entries:
            info = lookup(entry.tag)
            if info is not None and entry.size not in info.lengths:
                got = f"{entry.size} bytes of {text_of(entry.tag)}, {info.name}"
                yield scene.trouble(tag, got, f"{info.lengths.text} bytes")


def _covered(scene: Scene) -> Iterator[Trouble]:
    asked = _tags(scene.side.get("8C"))
    lacking = [tag for tag in _COVERED if bytes.fromhex(tag) not in asked]
    # The unpredictable number is EMV-073's where the card signs.
    lacking = [tag for tag in lacking if tag != "9F37" or not scene.side.supports(_CDA)]
    if asked and lacking:
        yield scene.trouble("8C", f"does not ask for {', '.join(lacking)}", "what the cryptogram covers")


def _second(scene: Scene) -> Iterator[Trouble]:
    asked = _tags(scene.side.get("8D"))
    if not asked:
        return
    if _RESPONSE not in asked:
        yield scene.trouble("8D", "does not ask for 8A", "the response code")
    by_cryptogram = scene.side.options is not None and not scene.side.supports(_EXTERNAL_AUTHENTICATE)
    if by_cryptogram and _AUTHENTICATION not in asked:
        yield scene.trouble("8D", "does not ask for 91", "the issuer's authentication")


def _combined(scene: Scene) -> Iterator[Trouble]:
    asked = _tags(scene.side.get("8C"))
    if scene.side.supports(_CDA) and asked and _UNPREDICTABLE not in asked:
        yield scene.trouble("8C", "does not ask for 9F37", "the unpredictable number")


def _dynamic(scene: Scene) -> Iterator[Trouble]:
    try:
        asked = {entry.tag for entry in parse_dol(scene.side.get("9F49") or b"")}
    except EncodingError as error:
        yield scene.trouble("9F49", str(error))
        return
    if _UNPREDICTABLE not in asked:
        yield scene.trouble("9F49", "does not ask for 9F37", "the unpredictable number")


def _fit(scene: Scene) -> Iterator[Trouble]:
    for tag in _LISTS:
        size = sum(entry.size for entry in wishes(scene.side.get(tag)))
        if size > _LONGEST:
            yield scene.trouble(tag, f"asks for {size} bytes", f"{_LONGEST} or fewer")
    size = sum(entry.size for entry in wishes(scene.side.pdol))
    if size + (2 if size < _TWO_BYTE_LENGTH else 3) > _LONGEST_WITH_HEADER:
        yield scene.trouble("9F38", f"asks for {size} bytes", f"{_LONGEST_WITH_HEADER} or fewer with their header")


def _stripe(scene: Scene) -> Iterator[Trouble]:
    """Mag-stripe mode of kernel 2: its track data (9F6B) come with a list (9F69)."""
    side = scene.side
    if side.interface != CONTACTLESS or side.decides_at_once:
        return
    if _NUMERIC_UN not in _tags(side.get("9F69")):
        got = "missing" if side.get("9F69") is None else f"{text_of(side.get('9F69') or b'')} does not ask for 9F6A"
        yield scene.trouble("9F69", got, "a list that asks for 9F6A")


def _own(scene: Scene) -> Iterator[Trouble]:
    for tag in _LISTS:
        for entry in wishes(scene.side.get(tag)):
            info = lookup(entry.tag)
            if info is not None and info.source is Source.CARD:
                yield scene.trouble(tag, f"asks for {text_of(entry.tag)}, {info.name}", "what a terminal has")


SIDE_CHECKS = (
    SideCheck("EMV-070", _parse),
    SideCheck("EMV-071", _covered, tags=("8C",)),
    SideCheck("EMV-072", _second, tags=("8D",)),
    SideCheck("EMV-073", _combined, tags=("8C",), needs=("options",)),
    SideCheck("EMV-074", _dynamic, tags=("9F49",)),
    SideCheck("EMV-075", _fit),
    SideCheck("EMV-076", _stripe, tags=("9F6B",)),
    SideCheck("EMV-077", _own),
)
CARD_CHECKS = ()
