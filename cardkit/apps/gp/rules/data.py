"""Rules about data objects, production data, memory, and what the run and the plant remember."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from cardkit.apps.gp.discovery import CARD_LOCKED, OK
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules.check import Check, Trouble, aid_text, unknown
from cardkit.apps.gp.rules.expectation import Expectation
from cardkit.apps.gp.rules.statuswords import is_documented
from cardkit.apps.gp.tags import CPLC, cplc_date
from cardkit.apps.gp.tags.cplc import PRODUCTION_DATES
from cardkit.desired import NOT_ALIKE, Secrecy
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

BLANKS = (b"\x00", b"\xff")


def _fields(cplc: CPLC, wanted: Mapping[str, bytes]) -> Iterator[Trouble]:
    for name, value in wanted.items():
        got: bytes = getattr(cplc, name)
        if got != value:
            decoded = "not set" if _is_blank(got) else ""
            yield Trouble(f"CPLC {name.replace('_', ' ')}", value.hex().upper(), got.hex().upper(), decoded)


def _is_blank(value: bytes) -> bool:
    return any(not value.strip(blank) for blank in BLANKS)


def _chip(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    yield from _fields(picture.cplc, expected.cplc.chip)


def _personalized(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    yield from _fields(picture.cplc, expected.cplc.personalized)


def _pre_personalized(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    yield from _fields(picture.cplc, expected.cplc.made)


def _dates(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    assert expected.cplc.day is not None
    before: tuple[str, date] | None = None
    for field in PRODUCTION_DATES:
        name = field.replace("_", " ")
        try:
            day = cplc_date(getattr(picture.cplc, field), expected.cplc.day)
        except EncodingError as error:
            yield Trouble(f"CPLC {name}", "a day as YDDD", str(error))
            continue
        if day is None:
            continue
        if before is not None and day < before[1]:
            yield Trouble(f"CPLC {name}", f"not before the {before[0]}, {before[1]}", str(day))
        before = name, day


def _chip_number(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.cplc is not None
    cplc = picture.cplc
    if picture.history is None:
        yield unknown("chip serial and batch", "new to the plant", "no history at hand", by_design=True)
    elif picture.history.chip:
        yield Trouble("chip serial and batch", "new to the plant", "seen before")
    if not expected.cplc.in_kdd:
        return
    number = cplc.ic_fabrication_date + cplc.chip_id
    for greeting in picture.greetings[:1]:
        if greeting.kdd[2:] != number:
            yield Trouble("KDD", f"....{number.hex().upper()}", greeting.kdd.hex().upper())


def _image_number(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    pairs = (
        ("issuer number (42)", expected.issuer_number, picture.issuer_number, "issuer_number"),
        ("card number (45)", expected.card_number, picture.card_number, "card_number"),
    )
    for where, want, got, field in pairs:
        if want is None:
            continue
        text = want.hex().upper()
        if got is None:
            trouble = picture.troubles.get(field)
            yield Trouble(where, text, trouble) if trouble else unknown(where, text, "it was not read")
        elif got != want:
            decoded = "a default" if _is_blank(got) else ""
            yield Trouble(where, text, got.hex().upper(), decoded, Secrecy.PERSONAL)
    if picture.history is None:
        yield unknown("card image number", "new to the plant", "no history at hand", by_design=True)
    elif picture.history.image:
        yield Trouble("card image number", "new to the plant", "seen before")


def _both_classes(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for tag, (whole, value) in (picture.values or {}).items():
        try:
            inner = tlv.parse(whole)[0].value
        except (EncodingError, IndexError):
            inner = whole
        if inner != value:
            yield Trouble(f"GET DATA {tag:02X} with class 00", inner.hex().upper(), value.hex().upper())


def _memory(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.memory is not None
    memory = picture.memory
    for what, least, free in (
        ("non-volatile memory", expected.free_nvm, memory.free_nvm),
        ("RAM", expected.free_ram, memory.free_ram),
    ):
        if least is None:
            continue
        if free is None:
            yield unknown(f"free {what}", f"{least} bytes or more", "the card does not tell it")
        elif free < least:
            yield Trouble(f"free {what}", f"{least} bytes or more", str(free))
    listed = picture.applications
    if listed is not None and memory.applications is not None and memory.applications != len(listed):
        yield Trouble("number of applications (FF21)", str(len(listed)), str(memory.applications))


def _released(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.journal is not None
    for item in expected.load_files:
        if not item.lfdbh:
            continue
        where, load = aid_text(item.aid), picture.journal.loads.get(item.aid)
        text = f"hash {item.lfdbh.hex().upper()}, CAP {item.cap_sha256.hex().upper()}"
        if load is None:
            yield unknown(where, text, "it was not loaded in this run", by_design=True)
        elif (load.lfdbh, load.cap_sha256) != (item.lfdbh, item.cap_sha256):
            yield Trouble(where, text, f"hash {load.lfdbh.hex().upper()}, CAP {load.cap_sha256.hex().upper()}")


def _closed(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    late = picture.refusals.late_data if picture.refusals is not None else None
    for item in expected.applications:
        if not item.personalized:
            continue
        where, text = aid_text(item.aid), "STORE DATA refused"
        sw = late.get(item.aid) if late is not None else None
        if sw is None:
            yield unknown(where, text, "destructive, not tried", by_design=True)
        elif sw == OK:
            yield Trouble(where, text, f"{sw:04X}")


def _channels(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert picture.channels is not None
    if picture.select_sw == CARD_LOCKED:
        yield unknown("logical channels", f"{expected.channels} besides the basic one", "the card is locked")
    elif picture.channels.opened != expected.channels:
        yield Trouble("logical channels", f"{expected.channels} besides the basic one", str(picture.channels.opened))
    elif picture.channels.left:
        yield Trouble("logical channels", "all closed", f"{picture.channels.left} left open")


def _documented(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for ins, sw in sorted(picture.words or ()):
        if not is_documented(ins, sw):
            yield Trouble(f"command {ins:02X}", "a documented status word", f"{sw:04X}")


def _golden(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    for name in sorted((picture.golden or frozenset()) - expected.variable):
        yield Trouble(name, *NOT_ALIKE)


CHECKS = (
    Check("GP-037", _chip, ("cplc",), owns="cplc"),
    Check("GP-038", _personalized, ("cplc",), asks=lambda expected: bool(expected.cplc.personalized)),
    Check("GP-039", _pre_personalized, ("cplc",), asks=lambda expected: bool(expected.cplc.made)),
    Check("GP-040", _dates, ("cplc",), asks=lambda expected: expected.cplc.day is not None),
    Check("GP-041", _chip_number, ("cplc",)),
    Check(
        "GP-042",
        _image_number,
        asks=lambda expected: expected.issuer_number is not None or expected.card_number is not None,
    ),
    Check("GP-043", _both_classes, ("values",)),
    Check("GP-045", _memory, ("memory",), owns="memory", asks=lambda expected: expected.free_nvm is not None),
    Check("GP-046", _released, ("journal",), asks=lambda expected: any(item.lfdbh for item in expected.load_files)),
    Check("GP-049", _closed, asks=lambda expected: any(item.personalized for item in expected.applications)),
    Check("GP-052", _channels, ("channels",), owns="channels", asks=lambda expected: expected.channels is not None),
    Check("GP-053", _documented, ("words",)),
    Check("GP-054", _golden, ("golden",)),
)
