"""Rule packs: what a payment scheme or an issuer asks for beyond the standard, as data that licensees write.

A pack is TOML: ``[pack]`` with name, version and the prefix of its rules; ``[limits]``; ``[[rule]]``; ``[[severity]]``,
which weighs a rule of the standard otherwise; ``[[waiver]]``, which lets one go, with a reason the report quotes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec

from cardkit.apps.emv.picture import CardPicture, Side
from cardkit.apps.emv.rules.check import text_of
from cardkit.apps.emv.rules.expectation import Expectation, Limits
from cardkit.apps.emv.rules.table import TABLE
from cardkit.apps.emv.values import is_personal
from cardkit.desired import NOT_CHECKED, Finding, Secrecy, Severity
from cardkit.errors import EncodingError

Hex = Annotated[str, msgspec.Meta(pattern="^([0-9A-Fa-f]{2})+$")]
Position = Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*[.][1-8]$")]
Grade = Literal["E", "W", "I"]


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of one data object; what is not said does not matter.

    :param source: where it stands: ``card`` is records and the answer to GPO, ``fci``, ``data`` what GET DATA gives.
    :param lengths: in bytes.  :param any: values that are right.
    :param set, clear: bits, as ``1.8`` for the highest of the first byte.
    """

    tag: Hex
    source: Literal["card", "fci", "data"] = "card"
    present: bool | None = None
    lengths: tuple[int, ...] = ()
    any: tuple[Hex, ...] = ()
    set: tuple[Position, ...] = ()
    clear: tuple[Position, ...] = ()


class PackRule(Condition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule over one data object.

    :param aids: beginnings of AIDs it is about; empty for all.  :param interface: empty for both.
    :param when: another condition: where it does not hold the rule says nothing.
    """

    id: str
    severity: Grade
    clause: str
    text: str
    aids: tuple[Hex, ...] = ()
    interface: Literal["", "contact", "contactless"] = ""
    when: Condition | None = None


class PackHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Name of a pack.  :param prefix: its rules' numbers begin so."""

    name: str
    version: str
    prefix: Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9]*$")]


class PackLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits, see :class:`~cardkit.apps.emv.rules.expectation.Limits`."""

    gpo_ms: int | None = None
    answer_ms: int | None = None
    atc: int | None = None
    issuer_bits: int | None = None
    icc_bits: int | None = None
    denial: Annotated[str, msgspec.Meta(pattern="^[0-9A-Fa-f]{10}$")] | None = None


class Weight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another severity of a rule of the standard."""

    rule: str
    severity: Grade


class Waiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that is let go.  :param reason: quoted in the report."""

    rule: str
    reason: Annotated[str, msgspec.Meta(min_length=10)]


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One pack."""

    pack: PackHead
    limits: PackLimits = PackLimits()
    rule: tuple[PackRule, ...] = ()
    severity: tuple[Weight, ...] = ()
    waiver: tuple[Waiver, ...] = ()


def parse_pack(text: str, where: str = "rule pack") -> Pack:
    """Read a pack.

    :param where: the file, for messages.
    :raises EncodingError: on another form, a number of another prefix or that is there twice, or an unknown rule.
    """
    try:
        pack = msgspec.convert(tomllib.loads(text), Pack)
    except (ValueError, RecursionError) as error:
        raise EncodingError(f"{where}: {error}") from None
    numbers = [rule.id for rule in pack.rule]
    for number in numbers:
        if not number.startswith(f"{pack.pack.prefix}-") or numbers.count(number) > 1 or number in TABLE:
            raise EncodingError(f"{where}: rule {number}: expected a number of its own, {pack.pack.prefix}-...")
    for name in (*(item.rule for item in pack.severity), *(item.rule for item in pack.waiver)):
        if name not in TABLE:
            raise EncodingError(f"{where}: rule {name}: expected one of EMV-001 to EMV-112")
    return pack


def with_limits(expected: Expectation, packs: Iterable[Pack]) -> Expectation:
    """Return an expectation with the limits of packs; of two that set one, the later counts."""
    for pack in packs:
        found = {name: value for name, value in msgspec.structs.asdict(pack.limits).items() if value is not None}
        if "denial" in found:
            found["denial"] = bytes.fromhex(found["denial"])
        expected = replace(expected, limits=_merged(expected.limits, found))
    return expected


def _merged(limits: Limits, found: dict[str, int | bytes]) -> Limits:
    return replace(limits, **found)  # type: ignore[arg-type]  # the names and kinds are those of PackLimits


def weighed(findings: Sequence[Finding], packs: Sequence[Pack]) -> list[Finding]:
    """Return findings as packs weigh them; one that is waived stays, as information with the reason."""
    weights = {item.rule: Severity(item.severity) for pack in packs for item in pack.severity}
    waivers = {item.rule: (pack.pack.name, item.reason) for pack in packs for item in pack.waiver}
    found = []
    for item in findings:
        if item.not_checked:
            found.append(item)
        elif item.rule in waivers:
            name, reason = waivers[item.rule]
            found.append(replace(item, severity=Severity.INFO, decoded=f"waived by {name}: {reason}"))
        else:
            found.append(replace(item, severity=weights.get(item.rule, item.severity)))
    return found


# Their rules


def pack_findings(picture: CardPicture, packs: Iterable[Pack]) -> list[Finding]:
    """Return what the rules of packs say of one card."""
    return [
        found
        for pack in packs
        for rule in pack.rule
        for side in picture.sides
        if _concerns(rule, side)
        for found in _judged(rule, side)
    ]


def _concerns(rule: PackRule, side: Side) -> bool:
    if rule.interface and rule.interface != side.interface:
        return False
    if rule.aids and not side.aid.startswith(tuple(map(bytes.fromhex, rule.aids))):
        return False
    return rule.when is None or _fault(rule.when, side) is None


def _judged(rule: PackRule, side: Side) -> Iterator[Finding]:
    tag = bytes.fromhex(rule.tag)
    where = f"{side.place} {rule.tag.upper()}"
    if rule.source == "card" and tag in side.masked:
        yield _finding(rule, where, f"{NOT_CHECKED}: the dump hides it", rule.text)
    elif rule.source == "data" and side.data is None:
        yield _finding(rule, where, f"{NOT_CHECKED}: nobody looked at GET DATA", rule.text)
    else:
        fault = _fault(rule, side)
        if fault is not None:
            yield _finding(rule, where, *fault)


def _finding(rule: PackRule, where: str, actual: str, expected: str) -> Finding:
    severity = Severity.INFO if actual.startswith(NOT_CHECKED) else Severity(rule.severity)
    secrecy = Secrecy.PERSONAL if is_personal(bytes.fromhex(rule.tag)) else Secrecy.PUBLIC
    return Finding(rule.id, severity, rule.clause, where, expected, actual, rule.text, secrecy)


def _value(condition: Condition, side: Side) -> bytes | None:
    tag = bytes.fromhex(condition.tag)
    if condition.source == "fci":
        return side.fci_values.get(tag)
    if condition.source == "data":
        return (side.data or {}).get(tag)
    return side.objects.get(tag)


def _fault(condition: Condition, side: Side) -> tuple[str, str] | None:
    """Say what does not hold, and what should; None where all holds."""
    value = _value(condition, side)
    if value is None:
        wanted = condition.present or (condition.present is None and _asks_for_a_value(condition))
        return ("missing", "there") if wanted else None
    if condition.present is False:
        return "there", "not there"
    if condition.lengths and len(value) not in condition.lengths:
        return f"{len(value)} bytes", f"{' or '.join(map(str, condition.lengths))} bytes"
    if condition.any and value not in map(bytes.fromhex, condition.any):
        return text_of(value), " or ".join(map(str.upper, condition.any))
    wrong = [f"{place} clear" for place in condition.set if not _bit(value, place)]
    wrong += [f"{place} set" for place in condition.clear if _bit(value, place)]
    return (f"{text_of(value)}: {', '.join(wrong)}", "the other way") if wrong else None


def _asks_for_a_value(condition: Condition) -> bool:
    return bool(condition.lengths or condition.any or condition.set or condition.clear)


def _bit(value: bytes, place: str) -> bool:
    byte, _, bit = place.partition(".")
    return int(byte) <= len(value) and bool(value[int(byte) - 1] >> (int(bit) - 1) & 1)
