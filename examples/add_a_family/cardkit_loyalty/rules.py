"""What is checked on a loyalty card: every state of :mod:`states` has the one rule that finds it missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.desired import (
    ATR_FITS,
    MARKER_GONE,
    MARKER_STANDS,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Secrecy,
    Severity,
)

from .states import FILE_NOT_FOUND, MARK, MEMBER, POINTS, REMOVED, STARTED

MEMBER_RULE = Rule("LOYALTY-001", Severity.ERROR, "LC-1 data sheet", "EF.MEMBER is the record's")
POINTS_RULE = Rule("LOYALTY-002", Severity.ERROR, "LC-1 data sheet", "EF.POINTS is the product's")
ATR_RULE = Rule("LOYALTY-003", Severity.ERROR, "LC-1 data sheet", "the ATR is that of the product's chip")
RULES = (MARKER_STANDS, MARKER_GONE, MEMBER_RULE, POINTS_RULE, ATR_RULE)


def judge(contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
    """Return what is wrong with a card; who the member is stays hidden in reports.

    :param part: CHECK while the plant's marker stands; STRANGER or None when it must be gone.
    """
    found = [
        *_body(MEMBER_RULE, MEMBER, contents[MEMBER], seen, Secrecy.PERSONAL),
        *_body(POINTS_RULE, POINTS, contents[POINTS], seen),
    ]
    if not seen.notes[ATR_FITS]:
        found.append(ATR_RULE.finding("ATR", "that of the chip model", "another"))
    if part is Part.CHECK:
        found += _body(MARKER_STANDS, MARK, contents[STARTED], seen)
    elif seen.words[REMOVED] != FILE_NOT_FOUND:
        found.append(MARKER_GONE.finding(MARK, "no such file", f"status {seen.words[REMOVED]:04X}"))
    return found


def _body(
    rule: Rule, file: str, expected: Content, seen: Observations, secrecy: Secrecy = Secrecy.PUBLIC
) -> Iterator[Finding]:
    assert isinstance(expected, bytes)  # no file of this card is secret
    body = seen.bodies.get(file)
    if body is None:
        yield rule.finding(file, f"{len(expected)} bytes", f"status {seen.words[file]:04X}", secrecy=secrecy)
    elif body != expected:
        yield rule.finding(file, expected.hex().upper(), body.hex().upper(), secrecy=secrecy)
