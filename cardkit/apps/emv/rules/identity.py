"""Rules about whose card it is: PAN, dates, name, tracks, verification values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from cardkit.apps.emv.oda.block import Step
from cardkit.apps.emv.picture import CONTACT, CardPicture, Side
from cardkit.apps.emv.rules.check import CardCheck, Scene, SideCheck, Trouble, of_holder, text_of
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.desired import Secrecy
from cardkit.encoding.digits import luhn_valid

_PAN_DIGITS, _NAME_SIZES, _LONGEST_TRACK_2 = range(12, 20), range(2, 27), 19
_IN_NAMES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /.-'")
_CENTURY = 50
_CHIP_SERVICE = ("2", "6")
_DISCRETIONARY_AT = 7  # behind expiry and service code (ISO/IEC 7813)
_PART_DIGITS = {"pvki": 1, "pvv": 4, "cvv": 3}


def _personal(scene: Scene, tag: str, actual: str, expected: str = "", *, mild: bool = False) -> Trouble:
    where = f"{scene.side.place} {tag}".rstrip()
    return Trouble(where, actual, expected, mild=mild, secrecy=Secrecy.PERSONAL)


def day_of(value: bytes | None) -> date | None:
    """Read a date as cards have it, YYMMDD; None where it is none (years from 50 on are of the last century)."""
    text = value.hex() if value is not None else ""
    if len(text) != 6 or not text.isdecimal():
        return None
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= _CENTURY else 2000), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


def _track(side: Side) -> tuple[str, str]:
    """Return the two halves of track 2 data around the separator, F at the end removed."""
    text = (side.get("57") or b"").hex().upper()
    pan, _, rest = text.partition("D")
    return pan, rest.rstrip("F")


def _pan(scene: Scene) -> Iterator[Trouble]:
    text = (scene.side.get("5A") or b"").hex().upper()
    digits = text.rstrip("F")
    if not digits.isdecimal() or len(digits) not in _PAN_DIGITS:
        yield _personal(scene, "5A", f"{len(digits)} digits", "12 to 19 digits, F only behind them")
    elif not luhn_valid(digits):
        yield _personal(scene, "5A", "the check digit is wrong", "one by Luhn")


def _same_pan(scene: Scene) -> Iterator[Trouble]:
    pan, rest = _track(scene.side)
    if rest and pan != (scene.side.get("5A") or b"").hex().upper().rstrip("F"):
        yield _personal(scene, "57", "another PAN than in 5A")


def _same_expiry(scene: Scene) -> Iterator[Trouble]:
    rest, expiry = _track(scene.side)[1], (scene.side.get("5F24") or b"").hex()
    if rest and rest[:4] != expiry[:4]:
        yield scene.trouble("57", f"expiry {rest[:4]}", f"{expiry[:4]}, as in 5F24")


def _same_service(scene: Scene) -> Iterator[Trouble]:
    rest, code = _track(scene.side)[1], (scene.side.get("5F30") or b"").hex()
    if rest and rest[4:_DISCRETIONARY_AT].rjust(4, "0") != code:
        yield scene.trouble("57", f"service code {rest[4:_DISCRETIONARY_AT]}", f"{code}, as in 5F30")


def _chip_service(scene: Scene) -> Iterator[Trouble]:
    rest = _track(scene.side)[1]
    if rest and not rest[4:_DISCRETIONARY_AT].startswith(_CHIP_SERVICE):
        yield scene.trouble("57", f"service code {rest[4:_DISCRETIONARY_AT]}", "one that begins with 2 or 6")


def _track_form(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("57") or b""
    text = value.hex().upper()
    pan, separator, rest = text.partition("D")
    rest = rest.removesuffix("F")
    if len(value) > _LONGEST_TRACK_2 or not separator or not pan.isdecimal() or not rest.isdecimal():
        yield _personal(scene, "57", f"{len(value)} bytes, {text.count('D')} separators")


def _expiry(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("5F24") or b""
    day = day_of(value)
    if day is None:
        yield scene.trouble("5F24", text_of(value), "a date, YYMMDD")
    elif day.month == date.fromordinal(day.toordinal() + 1).month:
        yield scene.trouble("5F24", day.isoformat(), "the last day of the month", mild=True)


def _effective(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("5F25") or b""
    day, expiry = day_of(value), day_of(scene.side.get("5F24"))
    if day is None:
        yield scene.trouble("5F25", text_of(value), "a date, YYMMDD")
    elif expiry is not None and day > expiry:
        yield scene.trouble("5F25", day.isoformat(), f"not after {expiry.isoformat()}, the expiry")
    elif day > scene.expected.today:
        yield scene.trouble("5F25", day.isoformat(), f"not after {scene.expected.today.isoformat()}, today", mild=True)


def _sequence_number(scene: Scene) -> Iterator[Trouble]:
    number, holder = scene.side.get("5F34"), scene.expected.holder
    assert holder is not None
    if number is None:
        if b"\x5f\x34" not in scene.side.masked and scene.side.read:
            yield scene.trouble("5F34", "missing", "the order's")
    elif number.hex() != holder.psn:
        yield scene.trouble("5F34", number.hex(), f"{holder.psn}, as ordered")


def _name(scene: Scene) -> Iterator[Trouble]:
    name = scene.side.get("5F20") or b""
    holder = scene.expected.holder
    if len(name) not in _NAME_SIZES or not _IN_NAMES.issuperset(name):
        yield _personal(scene, "5F20", f"{len(name)} bytes", "2 to 26 capitals, digits, space and / . - '")
    elif holder is not None and name.decode("ascii").rstrip() != holder.name:
        yield _personal(scene, "5F20", "another name than the order's")


def _ranges(scene: Scene) -> Iterator[Trouble]:
    if scene.side.pan and not scene.side.pan.startswith(scene.expected.iins):
        yield _personal(scene, "5A", f"begins with {scene.side.pan[:6]}", f"{' or '.join(scene.expected.iins)}")


def _iins_known(scene: Scene) -> str:
    return "" if scene.expected.iins else "without a profile nobody knows the issuer's ranges"


def _issuer_identifier(scene: Scene) -> Iterator[Trouble]:
    issuer = scene.chain.issuer
    for fault in issuer.faults if issuer is not None else ():
        if fault.step is Step.IDENTITY:
            yield scene.trouble("90", f"issuer identifier {fault.actual}", fault.expected)


def _certified_pan(scene: Scene) -> Iterator[Trouble]:
    certificate = scene.chain.icc_key
    if certificate is not None and scene.side.pan and certificate.owner != scene.side.pan:
        yield _personal(scene, "9F46", "another PAN than in 5A")


def _track_1(scene: Scene) -> Iterator[Trouble]:
    rest = _track(scene.side)[1]
    data, track = scene.side.get("9F1F"), scene.side.get("56")
    if not rest:
        return
    if data is not None and data.decode("latin-1").strip() != rest[_DISCRETIONARY_AT:]:
        yield _personal(scene, "9F1F", "other discretionary data than in 57")
    if track is not None and not _agrees(track.decode("latin-1"), scene.side):
        yield _personal(scene, "56", "another PAN, expiry or service code than in 57")


def _agrees(track: str, side: Side) -> bool:
    pan, rest = _track(side)
    parts = track.removeprefix("B").split("^")
    return len(parts) == 3 and parts[0] == pan and parts[2][:_DISCRETIONARY_AT] == rest[:_DISCRETIONARY_AT]


# Values that are computed under the issuer's keys


def _tracks_known(scene: Scene) -> str:
    if scene.expected.tracks is None or not scene.expected.layout:
        return "without order and key store nobody can compute it"
    return ""


def _parts(data: str, layout: tuple[str, ...]) -> dict[str, str]:
    """Take discretionary data apart; an offset is what the other parts leave."""
    sizes = {part: _PART_DIGITS.get(part, len(part)) for part in layout if part != "offset"}
    room, found, place = max(0, len(data) - sum(sizes.values())), {}, 0
    for part in layout:
        size = sizes.get(part, room)
        found[part] = data[place : place + size]
        place += size
    return found


def _icvv(scene: Scene) -> Iterator[Trouble]:
    tracks, layout, printed = scene.expected.tracks, scene.expected.layout, scene.expected.printed
    assert tracks is not None
    rest = _track(scene.side)[1]
    if not rest or "cvv" not in layout:
        return
    shown = _parts(rest[_DISCRETIONARY_AT:], layout)["cvv"]
    stripe = _parts(_stripe_data(printed.track2), layout)["cvv"] if printed else _parts(tracks.stripe, layout)["cvv"]
    if shown != _parts(tracks.chip, layout)["cvv"]:
        yield Trouble(f"{scene.side.place} 57", "another iCVV than the key store's")
    elif shown == stripe:
        yield Trouble(f"{scene.side.place} 57", "the iCVV is the stripe's CVV", "two values")
    if stripe != _parts(tracks.stripe, layout)["cvv"]:
        yield Trouble("stripe", "another CVV than the key store's")


def _stripe_data(track: str) -> str:
    return track.strip(";?").partition("=")[2][_DISCRETIONARY_AT:]


def _pin_value(scene: Scene) -> Iterator[Trouble]:
    tracks, layout = scene.expected.tracks, scene.expected.layout
    assert tracks is not None
    rest = _track(scene.side)[1]
    shown, right = _parts(rest[_DISCRETIONARY_AT:], layout), _parts(tracks.chip, layout)
    for part in ("pvki", "pvv", "offset"):
        if rest and shown.get(part) != right.get(part):
            yield Trouble(f"{scene.side.place} 57", f"another {part.upper()} than the key store's")


def _printed_known(expected: Expectation) -> str:
    return "" if expected.printed is not None else "without the printer's file nobody can tell"


def _agreement(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    printed = expected.printed
    assert printed is not None
    side = next((side for side in picture.sides if side.interface == CONTACT), None)
    if side is None or side.get("57") is None:
        yield Trouble("card", "no track 2 data by contact", unseen=True)
        return
    pan, rest = _track(side)
    stripe_pan, _, stripe_rest = printed.track2.strip(";?").partition("=")
    name = (side.get("5F20") or b"").decode("latin-1").rstrip()
    pairs = (
        ("PAN in print", printed.pan.replace(" ", ""), pan), ("PAN of the stripe", stripe_pan, pan),
        ("expiry in print", printed.thru[3:] + printed.thru[:2], rest[:4]),
        ("expiry and service code of the stripe", stripe_rest[:_DISCRETIONARY_AT], rest[:_DISCRETIONARY_AT]),
        ("name of the stripe", "".join(printed.track1.split("^")[1:2]).rstrip(), printed.name),
    )  # fmt: skip
    for what, theirs, ours in pairs:
        if theirs != ours:
            yield Trouble(what, "another than the chip's", "the same", secrecy=Secrecy.PERSONAL)
    if name and expected.holder is None and printed.name != name:
        yield Trouble("name in print", "another than the chip's", "the same", secrecy=Secrecy.PERSONAL)


def _printed_value(_picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    assert expected.printed is not None
    if expected.tracks is None:
        yield Trouble("print", "without order and key store nobody can compute it", unseen=True)
    elif expected.printed.cvv2 != expected.tracks.cvv2:
        yield Trouble("CVV2 in print", "another than the key store's")


_T57 = ("57",)
SIDE_CHECKS = (
    SideCheck("EMV-030", _pan, tags=("5A",)),
    SideCheck("EMV-031", _same_pan, tags=("57", "5A")),
    SideCheck("EMV-032", _same_expiry, tags=("57", "5F24")),
    SideCheck("EMV-033", _same_service, tags=("57", "5F30")),
    SideCheck("EMV-034", _chip_service, tags=_T57),
    SideCheck("EMV-035", _track_form, tags=_T57),
    SideCheck("EMV-036", _expiry, tags=("5F24",)),
    SideCheck("EMV-037", _effective, tags=("5F25",)),
    SideCheck("EMV-038", _sequence_number, asks=of_holder),
    SideCheck("EMV-039", _name, tags=("5F20",)),
    SideCheck("EMV-040", _ranges, tags=("5A",), asks=_iins_known),
    SideCheck("EMV-040", _issuer_identifier, tags=("90", "5A")),
    SideCheck("EMV-041", _certified_pan, tags=("9F46", "5A")),
    SideCheck("EMV-042", _track_1, tags=_T57),
    SideCheck("EMV-043", _icvv, tags=_T57, asks=_tracks_known),
    SideCheck("EMV-046", _pin_value, tags=_T57, asks=_tracks_known),
)
CARD_CHECKS = (
    CardCheck("EMV-044", _agreement, asks=_printed_known),
    CardCheck("EMV-045", _printed_value, asks=_printed_known),
)
