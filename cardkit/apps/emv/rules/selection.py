"""Rules about choosing an application: directories, FCIs, ATR (EMV 4.4 Book 1 11.3, 12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.dol import parse_dol
from cardkit.apps.emv.picture import CONTACT, CONTACTLESS, RECORD, CardPicture, Reply, objects_of, read_fci
from cardkit.apps.emv.rules.check import CardCheck, Scene, SideCheck, Trouble, of_profile, text_of
from cardkit.apps.emv.rules.codes import LANGUAGES
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.tags import Source, lookup, tag_bytes
from cardkit.atr import ATR
from cardkit.errors import EncodingError, ProtocolError

_LABEL, _PRIORITY, _PREFERRED, _TABLE_INDEX, _LANGUAGE = b"\x50", b"\x87", b"\x9f\x12", b"\x9f\x11", b"\x5f\x2d"
_AID, _KERNEL, _LOG_ENTRY, _LOG_FORMAT = b"\x4f", b"\x9f\x2a", b"\x9f\x4d", b"\x9f\x4f"
_ENTRY, _FCI = 0x61, 0x6F
_AID_SIZES, _LABEL_SIZES, _KERNEL_SIZES, _CODE_TABLES = range(5, 17), range(1, 17), (1, *range(3, 9)), range(1, 11)
_RESERVED_PRIORITY, _CONFIRMATION, _ORDER = 0x70, 0x80, 0x0F
_LONGEST_LANGUAGES, _LOG_SFIS = 8, range(1, 31)
_NO_LATIN_12 = 12


def entries(picture: CardPicture) -> Iterator[tuple[str, str, Mapping[bytes, bytes]]]:
    """Yield every entry of the directories: directory, interface, data objects by tag."""
    for number, reply in picture.pse_records.items():
        if reply.ok:
            yield from ((f"PSE record {number}", CONTACT, values) for values in _in_template(reply.data, RECORD))
    fci = read_fci(picture.ppse)
    for entry in fci.entries if fci else ():
        yield "PPSE", CONTACTLESS, entry.values


def _in_template(data: bytes, tag: int) -> Iterator[Mapping[bytes, bytes]]:
    for outer in objects_of(data):
        for item in objects_of(outer.value) if outer.tag == tag else ():
            if item.tag == _ENTRY:
                yield {tag_bytes(inner.tag): inner.value for inner in reversed(objects_of(item.value))}


def _pse(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    if picture.pse is None or not picture.pse.ok:
        return
    fci = read_fci(picture.pse)
    if fci is None:
        yield Trouble("PSE", "no FCI that could be read")
        return
    if fci.name != PSE:
        yield Trouble("PSE 84", text_of(fci.name), text_of(PSE))
    try:
        _ = fci.directory_sfi
    except ProtocolError as error:
        yield Trouble("PSE 88", str(error))


def _pse_records(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for number, reply in picture.pse_records.items():
        if not reply.ok:
            continue
        where = f"PSE record {number}"
        items = objects_of(reply.data)
        inner = objects_of(items[0].value) if len(items) == 1 and items[0].tag == RECORD else ()
        whole = bool(items) and items[0].build() == reply.data
        if not whole or not inner or any(item.tag != _ENTRY for item in inner):
            yield Trouble(where, f"{len(reply.data)} bytes that are no 70 of 61")
    for where, interface, values in entries(picture):
        if interface == CONTACT:
            yield from _entry(where, values, label=True)


def _entry(where: str, values: Mapping[bytes, bytes], *, label: bool) -> Iterator[Trouble]:
    if len(values.get(_AID, b"")) not in _AID_SIZES:
        yield Trouble(where, f"AID (4F) of {len(values.get(_AID, b''))} bytes", "5 to 16 bytes")
    if label and _LABEL not in values:
        yield Trouble(where, "no label (50)", "a label")


def _ppse(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    if picture.ppse is None or not picture.ppse.ok:
        return
    fci = read_fci(picture.ppse)
    if fci is None or fci.name != PPSE or not fci.entries:
        yield Trouble("PPSE", "no FCI that names it and lists applications")
        return
    for entry in fci.entries:
        yield from _entry("PPSE", entry.values, label=False)
        if _PRIORITY not in entry.values:
            yield Trouble("PPSE", f"{text_of(entry.aid)}: no priority (87)", "a priority")
        kernel = entry.values.get(_KERNEL)
        if kernel is not None and (len(kernel) not in _KERNEL_SIZES or kernel[0] >> 6 == 1):
            yield Trouble("PPSE", f"{text_of(entry.aid)}: kernel identifier {text_of(kernel)}", "1 or 3 to 8 bytes")


def _selectable(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for aid, sw in picture.missing.items():
        yield Trouble(text_of(aid), f"SELECT: status {sw:04X}", "9000")


def _named(scene: Scene) -> Iterator[Trouble]:
    fci = scene.side.selected
    if fci is None:
        yield scene.trouble("FCI", "no FCI that could be read")
    elif not fci.name.startswith(scene.side.aid):
        yield scene.trouble("84", text_of(fci.name), f"{text_of(scene.side.aid)}, or longer")


def _label(scene: Scene) -> Iterator[Trouble]:
    label = scene.side.fci_values.get(_LABEL)
    if label is None:
        return
    text = label.decode("latin-1")
    if len(label) not in _LABEL_SIZES or not text.isascii() or not text.replace(" ", "A").isalnum():
        yield scene.trouble("50", repr(text))


def _preferred(scene: Scene) -> Iterator[Trouble]:
    name, index = (scene.side.fci_values.get(tag) for tag in (_PREFERRED, _TABLE_INDEX))
    if name is None:
        return
    table = int(index.hex()) if index is not None and len(index) == 1 and index.hex().isdecimal() else 0
    if table not in _CODE_TABLES:
        yield scene.trouble("9F11", "none" if index is None else text_of(index), "a code table of ISO 8859, 01 to 10")
        return
    try:
        text = name.decode(f"iso8859-{table}")
    except UnicodeDecodeError:
        text = "\0"
    if not text.isprintable() or len(name) not in _LABEL_SIZES:
        yield scene.trouble("9F12", text_of(name), f"1 to 16 characters of ISO 8859-{table}")


def _priority(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.fci_values.get(_PRIORITY)
    if value is not None and (len(value) != 1 or value[0] & _RESERVED_PRIORITY):
        yield scene.trouble("87", text_of(value), "1 byte, bits 7 to 5 zero")


def _priority_ordered(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.fci_values.get(_PRIORITY, b"\0")
    assert scene.ordered is not None
    if len(value) == 1 and not value[0] & _RESERVED_PRIORITY and value[0] != scene.ordered.priority:
        yield scene.trouble("87", text_of(value), f"{scene.ordered.priority:02X}, as the profile has it")


def _priorities(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for interface in (CONTACT, CONTACTLESS):
        values = [side.fci_values.get(_PRIORITY, b"") for side in picture.sides if side.interface == interface]
        counted = Counter(value[0] & _ORDER for value in values if len(value) == 1 and value[0] & _ORDER)
        for priority, times in counted.items():
            if times > 1:
                yield Trouble(f"{interface} 87", f"{times} applications of priority {priority}", "one of each")


def _languages(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.fci_values.get(_LANGUAGE)
    if value is None:
        return
    text = value.decode("latin-1")
    codes = [text[at : at + 2] for at in range(0, len(text), 2)]
    if not codes or len(value) > _LONGEST_LANGUAGES or not LANGUAGES.issuperset(codes):
        yield scene.trouble("5F2D", repr(text))


def _copies(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    for where, interface, values in entries(scene.picture):
        if interface != side.interface or values.get(_AID) != side.aid:
            continue
        for tag in (_LABEL, _PRIORITY, _PREFERRED):
            if tag in values and tag in side.fci_values and values[tag] != side.fci_values[tag]:
                yield scene.trouble(
                    text_of(tag), text_of(side.fci_values[tag]), f"{text_of(values[tag])} as in {where}"
                )


def _pdol(scene: Scene) -> Iterator[Trouble]:
    try:
        wishes = parse_dol(scene.side.pdol)
    except EncodingError as error:
        yield scene.trouble("9F38", str(error))
        return
    for wish in wishes:
        info = lookup(wish.tag, "C-3" if scene.side.decides_at_once else "")
        if info is not None and info.source is not Source.TERMINAL:
            yield scene.trouble("9F38", f"asks the terminal for {text_of(wish.tag)}, {info.name}", "terminal's data")


def _log(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    entry, has_format = side.fci_values.get(_LOG_ENTRY), _LOG_FORMAT in (side.data or {})
    if (entry is not None) != has_format:
        there, missing = ("9F4D", "9F4F") if entry is not None else ("9F4F", "9F4D")
        yield scene.trouble(missing, f"there is {there} and no {missing}", "both or none")
    elif entry is not None and (len(entry) != 2 or entry[0] not in _LOG_SFIS):
        yield scene.trouble("9F4D", text_of(entry), "SFI 1 to 30 and a number of records")


def _nothing_behind(scene: Scene) -> Iterator[Trouble]:
    yield from _rest(f"{scene.side.place} FCI", scene.side.fci)


def _nothing_behind_directories(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for name, reply in (("PSE", picture.pse), ("PPSE", picture.ppse)):
        if reply is not None and reply.ok:
            yield from _rest(f"{name} FCI", reply)


def _rest(where: str, reply: Reply) -> Iterator[Trouble]:
    items = objects_of(reply.data)
    if items and items[0].tag == _FCI and len(items[0].build()) < len(reply.data):
        yield Trouble(where, f"{len(reply.data) - len(items[0].build())} bytes behind the template", "none")


def _atr(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    """Judge a cold ATR by what contact terminals must accept (EMV Contact Interface 8.3, unverified)."""
    if not picture.atr:
        yield Trouble("ATR", "nobody saw it", unseen=True)
        return
    try:
        atr = ATR.parse(picture.atr)
    except EncodingError as error:
        yield Trouble("ATR", str(error))
        return
    if not atr.contactless:
        yield from (Trouble("ATR", got, wanted) for got, wanted in _interface_faults(atr))


def _interface_faults(atr: ATR) -> Iterator[tuple[str, str]]:
    if atr.tb(1):
        yield f"TB1 {atr.tb(1):02X}", "00 or none"
    if atr.tb(2) is not None:
        yield f"TB2 {atr.tb(2):02X}", "none"
    if atr.tc(1) not in (None, 0x00, 0xFF):
        yield f"TC1 {atr.tc(1):02X}", "00, FF or none"
    if atr.specific_mode and (atr.ta(2) or 0) & 0x10:
        yield f"TA2 {atr.ta(2):02X}", "parameters in the interface bytes"
    if not set(atr.protocols) & {0, 1}:
        yield f"protocols {atr.protocols}", "T=0 or T=1"


SIDE_CHECKS = (
    SideCheck("EMV-003", _named),
    SideCheck("EMV-005", _label),
    SideCheck("EMV-006", _preferred),
    SideCheck("EMV-007", _priority),
    SideCheck("EMV-007", _priority_ordered, asks=of_profile),
    SideCheck("EMV-008", _languages),
    SideCheck("EMV-009", _copies),
    SideCheck("EMV-010", _pdol),
    SideCheck("EMV-012", _log, needs=("data",)),
    SideCheck("EMV-013", _nothing_behind),
)
CARD_CHECKS = (
    CardCheck("EMV-001", _pse, needs=("pse",)),
    CardCheck("EMV-002", _pse_records, needs=("pse",)),
    CardCheck("EMV-003", _selectable),
    CardCheck("EMV-004", _ppse, needs=("ppse",)),
    CardCheck("EMV-007", _priorities),
    CardCheck("EMV-013", _nothing_behind_directories),
    CardCheck("EMV-014", _atr),
)
