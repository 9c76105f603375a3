"""Rules about where and how a card may be used: usage control, action codes, limits (EMV 4.4 Book 3 10.4, 10.6, C)."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.emv.bits.card import AUC
from cardkit.apps.emv.bits.terminal import TVR
from cardkit.apps.emv.picture import objects_of
from cardkit.apps.emv.rules.check import Scene, SideCheck, Trouble, of_profile, text_of
from cardkit.apps.emv.rules.codes import COUNTRIES, CURRENCIES
from cardkit.apps.emv.tags import tag_bytes

_DEFAULT, _DENIAL, _ONLINE = "9F0D", "9F0E", "9F0F"
_CODES = (_DEFAULT, _DENIAL, _ONLINE)
_CODE_BYTES = 5
_TERMINALS, _SERVICES = 0x03, 0xFC  # of the AUC's first byte
_SDA, _DDA, _CDA, _ANY_METHOD = 0x40, 0x20, 0x01, 0x61  # of the AIP's first byte
_RISK_MANAGEMENT = 0x08
_FAILED = {_SDA: "SDA failed", _DDA: "DDA failed", _CDA: "CDA failed"}
_PIN_NOT_ENTERED = "PIN entry required, PIN pad present, but PIN was not entered"
_BY_AMOUNT = range(0x06, 0x0A)
_CASHBACK = 0xC0
_DISCRETIONARY = 0xBF0C


def _usage(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("9F07") or b""
    if len(value) != AUC.size:
        yield scene.trouble("9F07", f"{len(value)} bytes", "2 bytes")
        return
    for position in AUC.reserved(value):
        yield scene.trouble("9F07", f"{text_of(value)}: bit {position} set", "reserved bits zero")
    if not value[0] & _TERMINALS:
        yield scene.trouble("9F07", f"{text_of(value)}: neither at ATMs nor elsewhere", "a kind of terminal")
    if not value[0] & _SERVICES and not value[1] & _CASHBACK:
        yield scene.trouble("9F07", f"{text_of(value)}: for nothing", "a service")


def _usage_country(scene: Scene) -> Iterator[Trouble]:
    if scene.side.get("5F28") is None and b"\x5f\x28" not in scene.side.masked:
        yield scene.trouble("5F28", "missing, and there is an AUC (9F07)", "there")


def _country(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("5F28") or b""
    text = value.hex()
    ordered = scene.ordered_value("5F28")
    if len(value) != 2 or not text.isdecimal() or int(text) not in COUNTRIES:
        yield scene.trouble("5F28", text_of(value), "a number of ISO 3166")
    elif ordered is not None and value != ordered:
        yield scene.trouble("5F28", text, f"{ordered.hex()}, the issuer's")


def _currency(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    currency, exponent = side.get("9F42"), side.get("9F44")
    if currency is None:
        by_amount = any(condition in _BY_AMOUNT for condition in (side.get("8E") or b"")[9::2])
        if by_amount:
            yield scene.trouble("9F42", "missing, and CVM conditions ask for it", "there")
        return
    text = currency.hex()
    if len(currency) != 2 or not text.isdecimal() or int(text) not in CURRENCIES:
        yield scene.trouble("9F42", text_of(currency), "a number of ISO 4217")
    elif exponent is not None and exponent.hex() != f"{CURRENCIES[int(text)]:02}":
        yield scene.trouble("9F44", text_of(exponent), f"{CURRENCIES[int(text)]:02}, of currency {text}")


def _alike(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("9F07") or b"\0"
    goods, services = value[0] >> 4 & 3, value[0] >> 2 & 3
    if goods != services:
        yield scene.trouble("9F07", f"goods {goods:02b}, services {services:02b}", "the same")


def _action_codes(scene: Scene) -> Iterator[Trouble]:
    found = {tag: value for tag in _CODES if (value := scene.side.get(tag)) is not None}
    if found and len(found) < len(_CODES):
        missing = ", ".join(tag for tag in _CODES if tag not in found)
        yield scene.trouble(missing, "missing, and there are others", "all three or none")
    for tag, value in found.items():
        if len(value) != _CODE_BYTES:
            yield scene.trouble(tag, f"{len(value)} bytes", "5 bytes")
        for position in TVR.reserved(value) if len(value) == _CODE_BYTES else ():
            yield scene.trouble(tag, f"{text_of(value)}: bit {position} set", "reserved bits zero")


def _number(scene: Scene, tag: str) -> int | None:
    value = scene.side.get(tag) or b""
    return int.from_bytes(value, "big") if len(value) == _CODE_BYTES else None


def _words(bits: int) -> str:
    return "; ".join(str(word) for word in TVR.words(bits.to_bytes(_CODE_BYTES, "big")) if word.position)


def _denial(scene: Scene) -> Iterator[Trouble]:
    value = _number(scene, _DENIAL)
    if value is None:
        return
    ordered = scene.ordered_value(_DENIAL)
    allowed = scene.expected.limits.denial
    beyond = value & ~int.from_bytes(allowed, "big") if allowed is not None else 0
    if ordered is not None and value.to_bytes(_CODE_BYTES, "big") != ordered:
        yield scene.trouble(_DENIAL, f"{value:010X}", f"{text_of(ordered)}, as the profile has it")
    elif beyond:
        yield scene.trouble(_DENIAL, f"{value:010X}", "no bits beyond the product's", decoded=_words(beyond))
    bypass = value & TVR.mask(_PIN_NOT_ENTERED)
    if bypass and ordered is None:
        yield scene.trouble(_DENIAL, f"{value:010X}", "no bit that declines where the PIN was not entered")


def _online_default(scene: Scene) -> Iterator[Trouble]:
    online, default = _number(scene, _ONLINE), _number(scene, _DEFAULT)
    if online is None or default is None:
        return
    lacking = online & ~default
    explained = scene.ordered_value(_ONLINE), scene.ordered_value(_DEFAULT)
    if None not in explained:
        first, second = (int.from_bytes(value or b"", "big") for value in explained)
        lacking &= ~(first & ~second)
    if lacking:
        yield scene.trouble(_DEFAULT, f"{default:010X}", "every bit of the IAC online", decoded=_words(lacking))


def _consequences(scene: Scene) -> Iterator[Trouble]:
    codes = [_number(scene, tag) for tag in _CODES]
    if None in codes:
        return
    together = 0
    for code in codes:
        together |= code or 0
    for method, name in _FAILED.items():
        if scene.side.supports(method) and not together & TVR.mask(name):
            yield scene.trouble("9F0D, 9F0E, 9F0F", f"{name!r} is in none of them", "in one of them")


def _version(scene: Scene) -> Iterator[Trouble]:
    value, ordered = scene.side.get("9F08"), scene.ordered_value("9F08")
    if ordered is not None and value != ordered:
        yield scene.trouble("9F08", text_of(value or b""), text_of(ordered))


def _velocity(scene: Scene) -> Iterator[Trouble]:
    side = scene.side
    lower, upper = side.get("9F14"), side.get("9F23")
    if lower is None and upper is None:
        return
    if lower is not None and upper is not None and lower > upper:
        yield scene.trouble("9F14", f"{text_of(lower)}, above the upper limit {text_of(upper)}", "not above it")
    if side.options is not None and not side.supports(_RISK_MANAGEMENT):
        yield scene.trouble("9F14", "limits, and the AIP has no terminal risk management", "both or none")


def _names(scene: Scene) -> Iterator[Trouble]:
    if scene.side.get("5F20") is not None:
        yield scene.trouble("9F0B", "there beside 5F20", "one of them")


def _tag_list(scene: Scene) -> Iterator[Trouble]:
    value = scene.side.get("9F4A") or b""
    if value != b"\x82":
        yield scene.trouble("9F4A", text_of(value), "82")
    elif scene.side.options is not None and not (scene.side.aip and scene.side.aip[0] & _ANY_METHOD):
        yield scene.trouble("9F4A", "there, and the AIP offers no offline authentication", "not there")


def _private(scene: Scene) -> Iterator[Trouble]:
    """Compare the sizes of issuers' own data with the profile's."""
    assert scene.ordered is not None
    found = dict(_own_data(scene))
    for tag in sorted(found):
        right = scene.ordered.value(scene.side.interface, tag)
        if right is None or len(right) != len(found[tag]):
            wanted = "none" if right is None else f"{len(right)} bytes"
            yield scene.trouble(text_of(tag), f"{len(found[tag])} bytes", f"{wanted}, as the profile has it")


def _own_data(scene: Scene) -> Iterator[tuple[bytes, bytes]]:
    discretionary = scene.side.get("9F05")
    if discretionary is not None:
        yield b"\x9f\x05", discretionary
    for outer in objects_of(scene.side.fci.data):
        for template in objects_of(outer.value) if outer.constructed else ():
            for item in objects_of(template.value) if template.constructed else ():
                if item.tag == _DISCRETIONARY:
                    yield from ((tag_bytes(each.tag), each.value) for each in objects_of(item.value))


SIDE_CHECKS = (
    SideCheck("EMV-047", _usage, tags=("9F07",)),
    SideCheck("EMV-048", _usage_country, tags=("9F07",)),
    SideCheck("EMV-049", _country, tags=("5F28",)),
    SideCheck("EMV-050", _currency),
    SideCheck("EMV-051", _alike, tags=("9F07",)),
    SideCheck("EMV-052", _action_codes),
    SideCheck("EMV-053", _denial, tags=(_DENIAL,)),
    SideCheck("EMV-054", _online_default, tags=(_ONLINE, _DEFAULT)),
    SideCheck("EMV-055", _consequences, tags=_CODES, needs=("options",)),
    SideCheck("EMV-056", _version, tags=("9F08",), asks=of_profile),
    SideCheck("EMV-057", _velocity),
    SideCheck("EMV-058", _names, tags=("9F0B",)),
    SideCheck("EMV-059", _tag_list, tags=("9F4A",)),
    SideCheck("EMV-060", _private, asks=of_profile),
)
CARD_CHECKS = ()
