"""Rules about the beginning of a transaction: AIP, AFL, records (EMV 4.4 Book 3 6.5.8, 7.2, 10.2)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.bits.card import AIP as AIP_TABLE
from cardkit.apps.emv.picture import (
    AFL,
    AIP,
    CONTACTLESS,
    FORMAT_1,
    FORMAT_2,
    LAST_EMV_SFI,
    RECORD,
    CardPicture,
    RecordId,
    Side,
    is_readable,
    objects_of,
)
from cardkit.apps.emv.rules.check import CardCheck, Scene, SideCheck, Trouble, text_of
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.tags import name_of

_ENTRY, _SHORTEST_AFL, _LONGEST_AFL, _SFIS = 4, 4, 252, range(1, 31)
_NOT_FOUND, _REFUSALS = (0x6A83, 0x6A82), (0x6700, 0x6985, 0x6A80)
_LONGEST_RECORD = 255
_AUTHENTICATES = 0x61  # SDA, DDA, CDA in the first byte of the AIP
_LOG_ENTRY, _LAST_RECORD = b"\x9f\x4d", 0xFF


def _aip(scene: Scene) -> Iterator[Trouble]:
    aip = scene.side.aip
    if AIP not in scene.side.answer:
        return
    if len(aip) != AIP_TABLE.size:
        yield scene.trouble("82", f"{len(aip)} bytes", "2 bytes")
    for position in AIP_TABLE.reserved(aip):
        yield scene.trouble("82", f"{text_of(aip)}: bit {position} set", "reserved bits zero")


def _afl_size(scene: Scene) -> Iterator[Trouble]:
    size = len(scene.side.afl)
    if AFL in scene.side.answer and (size % _ENTRY or not _SHORTEST_AFL <= size <= _LONGEST_AFL):
        yield scene.trouble("94", f"{size} bytes", "a multiple of 4, 4 to 252 bytes")


def _coded(scene: Scene) -> Iterator[tuple[int, int, int, int]]:
    afl = scene.side.afl
    for start in range(0, len(afl) - len(afl) % _ENTRY, _ENTRY):
        sfi, first, last, signed = afl[start : start + _ENTRY]
        yield sfi, first, last, signed


def _afl_files(scene: Scene) -> Iterator[Trouble]:
    for sfi, *_ in _coded(scene):
        if sfi & 0x07 or sfi >> 3 not in _SFIS:
            yield scene.trouble("94", f"SFI byte {sfi:02X}", "SFI 1 to 30, low three bits zero")


def _afl_numbers(scene: Scene) -> Iterator[Trouble]:
    for sfi, first, last, _ in _coded(scene):
        if not 1 <= first <= last:
            yield scene.trouble("94", f"SFI {sfi >> 3}: records {first} to {last}", "from 1 on, upwards")


def _afl_signed(scene: Scene) -> Iterator[Trouble]:
    for sfi, first, last, signed in _coded(scene):
        if 1 <= first <= last and signed > last - first + 1:
            yield scene.trouble("94", f"SFI {sfi >> 3}: {signed} signed of records {first} to {last}")


def _readable(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    for sfi, number in side.listed:
        reply = side.records.get((sfi, number))
        if reply is None or not reply.ok:
            got = "it was not read" if reply is None else f"status {reply.sw:04X}"
            yield scene.trouble(_name((sfi, number)), got, "9000")
    for sfi in dict.fromkeys(sfi for sfi, _ in side.listed):
        yield from _end_of_file(scene, sfi)


def _end_of_file(scene: Scene, sfi: int) -> Iterator[Trouble]:
    """The record behind the last one that was found."""
    numbers = {number: reply for (file, number), reply in scene.side.records.items() if file == sfi}
    last = max((number for number, reply in numbers.items() if reply.ok), default=0)
    behind = numbers.get(last + 1)
    if behind is None or last >= _LAST_RECORD or (sfi, last + 1) in scene.side.listed:
        return
    if behind.sw not in _NOT_FOUND:
        yield scene.trouble(_name((sfi, last + 1)), f"status {behind.sw:04X}", "6A83", mild=True)


def _templates(scene: Scene) -> Iterator[Trouble]:
    for (sfi, number), body in scene.side.read.items():
        if sfi > LAST_EMV_SFI:
            continue
        items = objects_of(body)
        if len(items) != 1 or items[0].tag != RECORD or items[0].build() != body or not is_readable(items[0].value):
            yield scene.trouble(_name((sfi, number)), f"{len(body)} bytes", "one template 70 and nothing else")


def _repeated(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    for tag, times in side.counted.items():
        if times > 1:
            yield scene.trouble(text_of(tag), f"{times} times: {name_of(tag)}", "once")
    for tag in (AIP, AFL):
        if tag in side.counted and side.options is not None:
            yield scene.trouble(text_of(tag), "in the records, too", "in the answer to GPO alone")


def _mandatory(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    if not side.read and not side.answered:  # EMV-024 says why there is nothing
        return
    wanted = ["5F24", "8C", "8D"]
    if side.interface == CONTACTLESS:
        wanted = ["5F24"] if side.decides_at_once else ["5F24", "8C"]
    if side.decides_at_once and not side.listed:
        wanted = []
    missing = [tag for tag in wanted if side.get(tag) is None]
    if side.get("5A") is None and not (side.decides_at_once and side.get("57") is not None):
        missing.insert(0, "5A")
    hidden = [tag for tag in missing if bytes.fromhex(tag) in side.masked]
    for tag in missing:
        if tag not in hidden:
            yield scene.trouble(tag, f"missing: {name_of(bytes.fromhex(tag))}", "there")


def _answer(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    assert side.options is not None
    if not side.options.ok:
        yield scene.trouble("GPO", f"status {side.options.sw:04X}", "9000")
        return
    items = objects_of(side.options.data)
    if len(items) != 1 or items[0].tag not in (FORMAT_1, FORMAT_2) or items[0].build() != side.options.data:
        yield scene.trouble("GPO", f"{len(side.options.data)} bytes", "one template 80 or 77 and nothing else")
        return
    tags = [tag for tag, _ in side.answered]
    for tag in (AIP, AFL):
        times = tags.count(tag)
        may_lack = tag == AFL and side.decides_at_once
        if times > 1 or (times == 0 and not may_lack) or (tag == AIP and not side.aip):
            yield scene.trouble(text_of(tag), f"{times} times in the answer to GPO", "once")


def _short(scene: Scene) -> Iterator[Trouble]:
    for name, body in scene.side.read.items():
        if len(body) > _LONGEST_RECORD:
            yield scene.trouble(_name(name), f"{len(body)} bytes", f"{_LONGEST_RECORD} or fewer")


def _wrong_length(scene: Scene) -> Iterator[Trouble]:
    if scene.side.mislengthed not in _REFUSALS:
        yield scene.trouble("GPO", f"data of a wrong length: status {scene.side.mislengthed:04X}", "6700 or 6985")


def _outside(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    """Look at the records of each application that none of its sides lists; the log is not meant to be listed."""
    for aid in dict.fromkeys(side.aid for side in picture.sides):
        sides = [side for side in picture.sides if side.aid == aid]
        if any(not side.scanned or not _tells_its_files(side) for side in sides):
            yield Trouble(text_of(aid), "not all files were looked through with an AFL at hand", unseen=True)
            continue
        listed = {name for side in sides for name in side.listed}
        logs = {side.fci_values[_LOG_ENTRY][0] for side in sides if side.fci_values.get(_LOG_ENTRY)}
        found = {name for side in sides for name, reply in side.records.items() if reply.ok}
        for name in sorted(found - listed):
            if name[0] not in logs:
                yield Trouble(f"{text_of(aid)} {_name(name)}", "in no AFL", "listed, or not there")


def _tells_its_files(side: Side) -> bool:
    """Whether there is an AFL whose entries can all be read; a card that decides at once may have none."""
    if not side.afl:
        return side.decides_at_once and side.options is not None and side.options.ok
    return len(side.entries) * _ENTRY == len(side.afl)


def _coherent(scene: Scene) -> Iterator[Trouble]:
    """An interface that authenticates offline lists signed records and its own certificates."""
    side = scene.side
    if side.entries and side.supports(0) and side.aip[0] & _AUTHENTICATES and not any(side.listed.values()):
        yield scene.trouble("94", "no signed record, and the AIP offers offline authentication", "signed records")
    other = next((each for each in scene.picture.sides if each.aid == side.aid and each is not side), None)
    if other is None or not side.pan or not other.pan or side.interface != CONTACTLESS:
        return
    for tag in ("5A", "5F24", "5F34"):
        ours, theirs = side.get(tag), other.get(tag)
        if ours is not None and theirs is not None and ours != theirs:
            yield scene.trouble(tag, "another value than by contact", "the same")


def _last_record(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    if side.interface == CONTACTLESS and len(side.listed) > 1:
        last = tuple(side.listed)[-1]
        if b"\x5f\x24" in side.by_record.get(last, {}):
            yield scene.trouble("5F24", f"in the last record, {_name(last)}", "in another one")


def _name(name: RecordId) -> str:
    return f"record {name[1]} of SFI {name[0]}"


_GPO = ("options",)
SIDE_CHECKS = (
    SideCheck("EMV-015", _aip, needs=_GPO),
    SideCheck("EMV-016", _afl_size, needs=_GPO),
    SideCheck("EMV-017", _afl_files, needs=_GPO),
    SideCheck("EMV-018", _afl_numbers, needs=_GPO),
    SideCheck("EMV-019", _afl_signed, needs=_GPO),
    SideCheck("EMV-020", _readable, needs=_GPO),
    SideCheck("EMV-021", _templates),
    SideCheck("EMV-022", _repeated, needs=_GPO),
    SideCheck("EMV-023", _mandatory),
    SideCheck("EMV-024", _answer, needs=_GPO),
    SideCheck("EMV-025", _short),
    SideCheck("EMV-026", _wrong_length, needs=("mislengthed",)),
    SideCheck("EMV-028", _coherent, needs=_GPO),
    SideCheck("EMV-029", _last_record, needs=_GPO),
)
CARD_CHECKS = (CardCheck("EMV-027", _outside),)
