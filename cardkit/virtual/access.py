"""Access rules: what EF.ARR records say, and whether they are met (ETSI TS 102 221 9.2; ISO/IEC 7816-4 7.4).

A condition is a set of alternatives; each alternative is the set of key references that must all be granted.
NOT (tag AF) and authentication templates other than user authentication can never be met on this chip.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from . import tlv
from .errors import ImageError

Condition = tuple[frozenset[int], ...]
ALWAYS: Final[Condition] = (frozenset(),)
NEVER: Final[Condition] = ()

# Access mode byte (TS 102 221 tables 9.1, 9.2): the upper four mean the same for an EF and a DF.
READ: Final = 0x01
UPDATE: Final = 0x02
DELETE_CHILD: Final = 0x01
CREATE_EF: Final = 0x02
CREATE_DF: Final = 0x04
DEACTIVATE: Final = 0x08
ACTIVATE: Final = 0x10
TERMINATE: Final = 0x20
DELETE: Final = 0x40

_ADM1: Final = 0x0A


@dataclass(slots=True, eq=False)
class Rules:
    """The conditions of one file: by access mode bit, and by INS for modes given as a command header.

    :ivar otherwise: condition of everything without a rule.
    """

    read: Condition = NEVER
    update: Condition = NEVER
    modes: dict[int, Condition] = field(default_factory=dict)
    instructions: dict[int, Condition] = field(default_factory=dict)
    otherwise: Condition = NEVER

    def mode(self, bit: int) -> Condition:
        """The condition of an access mode bit."""
        return self.modes.get(bit, self.otherwise)

    def instruction(self, ins: int) -> Condition:
        """The condition of a rule of the form `84 01 INS`."""
        return self.instructions.get(ins, self.otherwise)


NO_RULES: Final = Rules()
_BY_ADM1: Final[Condition] = (frozenset((_ADM1,)),)
ADMINISTRATION: Final = Rules(_BY_ADM1, _BY_ADM1, otherwise=_BY_ADM1)  # ADM1 for everything


def met(condition: Condition, granted: frozenset[int]) -> bool:
    """Is one of the alternatives covered by the granted key references?"""
    return any(needed <= granted for needed in condition)


def either(left: Condition, right: Condition) -> Condition:
    """OR of two conditions; ALWAYS stays the one object that fast paths look for."""
    if ALWAYS in (left, right):
        return ALWAYS
    return tuple(dict.fromkeys(left + right))


def both(left: Condition, right: Condition) -> Condition:
    """AND of two conditions."""
    if left == ALWAYS:
        return right
    return left if right == ALWAYS else tuple(dict.fromkeys(a | b for a in left for b in right))


@lru_cache(maxsize=1024)
def compile_rules(record: bytes) -> Rules:
    """Read one EF.ARR record: {AM_DO, SC_DO+}* then FF fill.

    Several rules of one mode: any is enough. A record that does not parse grants nothing.
    """
    try:
        return _compile(record)
    except ImageError:
        return NO_RULES


def compact_rules(value: bytes) -> Rules:
    """Read compact security attributes: an access mode byte, then a condition byte for each set bit from b7 down.

    00 is always; this chip can meet no other condition of this form.
    """
    rules = Rules()
    bits = [1 << n for n in range(6, -1, -1) if value and value[0] >> n & 1]
    for bit, condition in zip(bits, value[1:], strict=False):
        rules.modes[bit] = ALWAYS if condition == 0 else NEVER
    rules.read, rules.update = rules.mode(READ), rules.mode(UPDATE)
    return rules


def _compile(record: bytes) -> Rules:
    rules = Rules()
    mode: tuple[int, bytes] | None = None
    for tag, value in tlv.parse(_strip_fill(record)):
        if 0x80 <= tag <= 0x8F:
            mode = (tag, value)
        elif mode is not None:
            _add(rules, mode, security_condition(tag, value))
    rules.read, rules.update = rules.mode(READ), rules.mode(UPDATE)
    return rules


def _strip_fill(record: bytes) -> bytes:
    """Cut the FF tail: walk whole TLVs until a tag FF, which no AM_DO or SC_DO has."""
    at = 0
    while at + 1 < len(record) and record[at] != 0xFF:
        at += 2 + record[at + 1]
    return record[:at]


def _add(rules: Rules, mode: tuple[int, bytes], condition: Condition) -> None:
    tag, value = mode
    if tag == 0x80 and len(value) == 1:
        for bit in (1 << n for n in range(7) if value[0] >> n & 1):
            rules.modes[bit] = either(rules.modes.get(bit, NEVER), condition)
    elif tag == 0x84 and len(value) == 1:
        rules.instructions[value[0]] = either(rules.instructions.get(value[0], NEVER), condition)


def security_condition(tag: int, value: bytes) -> Condition:
    """One SC_DO: 90 always, 97 never, A4 key reference, A0 OR, A7 AND; anything else is never met."""
    if tag == 0x90:
        return ALWAYS
    if tag == 0xA4:
        parts = dict(tlv.parse(value))
        user = parts.get(0x95, b"\x08") == b"\x08"
        return (frozenset(parts[0x83]),) if user and len(parts.get(0x83, b"")) == 1 else NEVER
    if tag == 0xA0:
        joined = NEVER
        for inner_tag, inner in tlv.parse(value):
            joined = either(joined, security_condition(inner_tag, inner))
        return joined
    if tag == 0xA7:
        joined = ALWAYS
        for inner_tag, inner in tlv.parse(value):
            joined = both(joined, security_condition(inner_tag, inner))
        return joined
    return NEVER
