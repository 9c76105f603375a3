"""Access rules: EF.ARR records, expanded and compact security attributes (ETSI TS 102 221 9.2; ISO/IEC 7816-4 5.4.3).

A condition is ``"always"``, ``"never"``, the name of a key (``"PIN1"``, ``"ADM1"``), ``{"or": [...]}``,
``{"and": [...]}``, ``{"not": [...]}``, or ``{"raw": "HEX"}`` for an object not known here.

Clauses of ISO/IEC 7816-4 are from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from cardkit.apps.uicc.codecs.base import Codec, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import as_list, from_hex, to_hex, within
from cardkit.apps.uicc.names import key_number, key_reference
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

Condition: TypeAlias = str | dict[str, Any]

_ACCESS_MODE = 0x80
_HEADER_FIRST, _HEADER_LAST = 0x81, 0x8F
_ALWAYS, _NEVER, _KEY = 0x90, 0x97, 0xA4
_FIXED = {"always": _ALWAYS, "never": _NEVER}
_KEY_REFERENCE, _USAGE = 0x83, 0x95
_VERIFY_KNOWLEDGE = b"\x08"
_TEMPLATES = {0xA0: "or", 0xA7: "and", 0xAF: "not"}
_TEMPLATE_TAGS = {word: tag for tag, word in _TEMPLATES.items()}


class FileKind(Enum):
    """What an access mode byte belongs to: its bits mean different things (ISO/IEC 7816-4 tables 16 and 17)."""

    EF = ("read", "update", "write", "deactivate", "activate", "terminate", "delete")
    DF = ("delete child", "create EF", "create DF", "deactivate", "activate", "terminate", "delete")

    def modes(self, byte: int) -> list[str]:
        """Return the operations whose bit is 1, b1 first."""
        return [word for bit, word in enumerate(self.value) if byte >> bit & 1]


@dataclass(frozen=True, slots=True)
class Rule:
    """One access mode and what it takes; any one of several conditions is enough.

    :param tag: 80 for an access mode byte, 81 to 8F for a command header of which bits 8, 4, 2, 1 say what is given
        (CLA, INS, P1, P2).  :param mode: the byte, or the header bytes.
    """

    tag: int
    mode: bytes
    conditions: tuple[Condition, ...]

    def operations(self, kind: FileKind) -> list[str]:
        """Return the operations in words."""
        if self.tag == _ACCESS_MODE:
            return kind.modes(self.mode[0]) if len(self.mode) == 1 else [f"access mode {to_hex(self.mode)}"]
        return [_command(self.tag, self.mode)]


# Commands a header rule of EF.ARR is used for: TS 102 221 11.1.8, TS 102 222 6.10.
_COMMANDS = {0x32: "increase", 0xD4: "resize"}


def _command(tag: int, header: bytes) -> str:
    if tag == _ACCESS_MODE | 0x04 and len(header) == 1:
        return _COMMANDS.get(header[0], f"command {header[0]:02X}")
    given = [name for bit, name in ((8, "CLA"), (4, "INS"), (2, "P1"), (1, "P2")) if tag & bit]
    values = [f"{name} {byte:02X}" for name, byte in zip(given, header, strict=False)]
    return f"command {' '.join(values)}"


def parse_rules(data: bytes) -> list[Rule]:
    """Read the rules of a record or of an object AB; FF behind them is skipped.

    :raises EncodingError: on an object where none may stand.
    """
    rules: list[Rule] = []
    for item in tlv.parse(data, b"\xff"):
        if item.tag == _ACCESS_MODE or _HEADER_FIRST <= item.tag <= _HEADER_LAST:
            rules.append(Rule(item.tag, item.value, ()))
        elif rules:
            last = rules[-1]
            rules[-1] = Rule(last.tag, last.mode, (*last.conditions, _read_condition(item)))
        else:
            raise EncodingError(f"access rule: got object {item.tag:02X} first, expected an access mode (80 to 8F)")
    return rules


def build_rules(rules: Iterable[Rule]) -> bytes:
    """Write rules.  :raises EncodingError: on a condition that is none."""
    parts = []
    for rule in rules:
        parts.append(tlv.build(rule.tag, rule.mode))
        parts += [_write_condition(condition) for condition in rule.conditions]
    return b"".join(parts)


def _read_condition(item: tlv.Tlv) -> Condition:
    if item.tag in _TEMPLATES:
        return {_TEMPLATES[item.tag]: [_read_condition(child) for child in item.children()]}
    if item.tag in {_ALWAYS, _NEVER} and not item.value:
        return "always" if item.tag == _ALWAYS else "never"
    reference = _reference(item) if item.tag == _KEY else None
    if reference is not None and _key(reference) == item.build():
        return key_reference(reference)
    return {"raw": to_hex(item.build())}


def _reference(item: tlv.Tlv) -> int | None:
    try:
        value = item.children().first(_KEY_REFERENCE)
    except EncodingError:
        return None
    return value[0] if value and len(value) == 1 else None


def _key(reference: int) -> bytes:
    inner = tlv.build(_KEY_REFERENCE, bytes((reference,))) + tlv.build(_USAGE, _VERIFY_KNOWLEDGE)
    return tlv.build(_KEY, inner)


def _write_condition(condition: Any) -> bytes:
    if isinstance(condition, str):
        if condition in _FIXED:
            return tlv.build(_FIXED[condition], b"")
        number = key_number(condition)
        if number is None:
            raise EncodingError(f"condition: got {condition!r}, expected always, never or a key such as PIN1, ADM1")
        return _key(number)
    if isinstance(condition, Mapping) and len(condition) == 1:
        word, content = next(iter(condition.items()))
        if word == "raw":
            return from_hex(content)
        if word in _TEMPLATE_TAGS:
            return tlv.build(_TEMPLATE_TAGS[word], b"".join(_write_condition(part) for part in as_list(content)))
    raise EncodingError("condition: got something else, expected a word or one of or, and, not")


def words(condition: Condition) -> str:
    """Return a condition in words.

    >>> words({"or": ["PIN2", {"and": ["ADM1", "ADM2"]}]})
    'PIN2 or (ADM1 and ADM2)'
    """
    if isinstance(condition, str):
        return condition
    word, content = next(iter(condition.items()))
    if word == "raw":
        return _raw_words(content)
    parts = [f"({words(part)})" if isinstance(part, dict) and "raw" not in part else words(part) for part in content]
    return f"not ({' or '.join(parts)})" if word == "not" else f" {word} ".join(parts)


def _raw_words(digits: str) -> str:
    """Return the key an object of another form than ours names, with its bytes."""
    try:
        items = tlv.parse(bytes.fromhex(digits))
    except EncodingError:
        return f"condition {digits}"
    reference = _reference(items[0]) if len(items) == 1 and items[0].tag == _KEY else None
    return f"condition {digits}" if reference is None else f"{key_reference(reference)} ({digits})"


def conditions(rules: Iterable[Rule], kind: FileKind) -> dict[str, Condition]:
    """Return what each operation takes; an operation without a rule is never allowed. TS 102 221 9.2.4

    Several rules of one operation: any is enough (from memory).
    """
    found: dict[str, list[Condition]] = {}
    for rule in rules:
        for operation in rule.operations(kind):
            found.setdefault(operation, []).extend(rule.conditions or ("always",))
    table: dict[str, Condition] = {}
    for operation in (*kind.value, *(name for name in found if name not in kind.value)):
        given = found.get(operation, ["never"])
        table[operation] = given[0] if len(given) == 1 else {"or": given}
    return table


def compact_conditions(data: bytes, kind: FileKind) -> dict[str, Condition]:
    """Return what each operation takes by compact attributes (tag 8C): mode byte, one condition byte a set bit.

    :raises EncodingError: if the bytes do not match the bits.
    ISO/IEC 7816-4 5.4.3.1
    """
    if not data or data[0].bit_count() != len(data) - 1:
        raise EncodingError(f"compact security attributes: got {len(data)} bytes, expected one a bit of the first")
    operations = list(reversed(kind.modes(data[0] & 0x7F)))
    found = dict(zip(operations, map(_compact, data[-len(operations) :] if operations else b""), strict=True))
    return {operation: found.get(operation, "never") for operation in kind.value}


def _compact(byte: int) -> Condition:
    if byte in {0x00, 0xFF}:
        return "never" if byte else "always"
    if byte & 0xF0 == 0x90:
        return f"user authentication, environment {byte & 0x0F}"
    return f"condition byte {byte:02X}"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the rules of a file are: a record of an EF.ARR, one for each security environment (tag 8B).

    :param fid: the EF.ARR, looked up in the file's own directory first.
    :param records: environment number -> record number; environment 0 where the card names none.
    """

    fid: int
    records: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, data: bytes) -> Reference:
        """Read 3 bytes, or 2 and 2 for each environment.  :raises EncodingError: on another length."""
        fid = int.from_bytes(data[:2], "big")
        if len(data) == 3:
            return cls(fid, ((0, data[2]),))
        if len(data) < 4 or len(data) % 2:
            raise EncodingError(f"reference to access rules: got {len(data)} bytes, expected 3, 4, 6 ...")
        return cls(fid, tuple((data[i], data[i + 1]) for i in range(2, len(data), 2)))

    @property
    def record(self) -> int:
        """The record of the usual environment (00 or 01)."""
        return dict(self.records).get(0x01, self.records[0][1])


class AccessRules(Codec):
    """A record of EF.ARR: ``{"rules": [{"mode": "01", "conditions": ["PIN1"]}]}``. TS 102 221 13.4

    The codec does not say "read" or "create": that depends on the kind of file the rule is applied to, see
    :func:`conditions`. A rule for a command header has ``command`` with tag and bytes instead of ``mode``.
    """

    names = ("rules",)

    def _read(self, body: bytes) -> Value:
        items = tlv.parse(body, b"\xff\x00")
        rules = [self._rule(rule) for rule in parse_rules(body[: len(body) - len(items.tail)])]
        return with_rest({"rules": rules}, items.tail)

    def _rule(self, rule: Rule) -> Value:
        place = {"mode": to_hex(rule.mode)}
        if rule.tag != _ACCESS_MODE:
            place = {"command": f"{rule.tag:02X}{to_hex(rule.mode)}"}
        return {**place, "conditions": list(rule.conditions)}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        rules = []
        for index, entry in enumerate(as_list(value.get("rules"))):
            with within(f"rules[{index}]"):
                rules.append(rule_of(entry))
        return padded(build_rules(rules), value, size)


def rule_of(entry: Any) -> Rule:
    """Return the rule of a decoded entry.  :raises EncodingError: if it is none."""
    if not isinstance(entry, Mapping) or "conditions" not in entry or len(entry) != 2:
        raise EncodingError("got something else, expected mode (or command) and conditions")
    found = tuple(as_list(entry["conditions"]))
    if "mode" in entry:
        return Rule(_ACCESS_MODE, from_hex(entry["mode"]), found)
    header = from_hex(entry.get("command"))
    if not header or not _HEADER_FIRST <= header[0] <= _HEADER_LAST:
        raise EncodingError("command: got another first byte, expected 81 to 8F")
    return Rule(header[0], header[1:], found)


ACCESS_RULES = AccessRules()
