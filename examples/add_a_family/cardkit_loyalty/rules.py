"""What is checked on a loyalty card: every state of :mod:`states` has the one rule that finds it missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cardkit.desired import ATR_FITS, Content, Finding, Observations, Part, Rule, Secrecy, Severity

from .states import FILE_NOT_FOUND, MARK, MEMBER, POINTS, REMOVED, STARTED

RULES = (
    Rule("PERSO-001", Severity.ERROR, "plant", "the plant's marker names this record until the card is sealed"),
    Rule("PERSO-002", Severity.ERROR, "plant", "a finished card carries no marker of the plant"),
    Rule("LOYALTY-001", Severity.ERROR, "LC-1 data sheet", "EF.MEMBER is the record's"),
    Rule("LOYALTY-002", Severity.ERROR, "LC-1 data sheet", "EF.POINTS is the product's"),
    Rule("LOYALTY-003", Severity.ERROR, "LC-1 data sheet", "the ATR is that of the product's chip"),
)
TABLE = {rule.id: rule for rule in RULES}


def judge(contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
    """Return what is wrong with a card.

    :param part: CHECK while the plant's marker stands; STRANGER or None when it must be gone.
    """
    found = [
        *_body("LOYALTY-001", MEMBER, contents[MEMBER], seen, Secrecy.PERSONAL),
        *_body("LOYALTY-002", POINTS, contents[POINTS], seen),
    ]
    if not seen.notes[ATR_FITS]:
        found.append(_finding("LOYALTY-003", "ATR", "that of the chip model", "another"))
    if part is Part.CHECK:
        found += _body("PERSO-001", MARK, contents[STARTED], seen)
    elif seen.words[REMOVED] != FILE_NOT_FOUND:
        found.append(_finding("PERSO-002", MARK, "no such file", f"status {seen.words[REMOVED]:04X}"))
    return found


def _body(
    rule: str, file: str, expected: Content, seen: Observations, secrecy: Secrecy = Secrecy.PUBLIC
) -> Iterator[Finding]:
    assert isinstance(expected, bytes)  # no file of this card is secret
    body = seen.bodies.get(file)
    if body is None:
        yield _finding(rule, file, f"{len(expected)} bytes", f"status {seen.words[file]:04X}")
    elif body != expected:
        yield _finding(rule, file, expected.hex().upper(), body.hex().upper(), secrecy)


def _finding(rule: str, where: str, expected: str, actual: str, secrecy: Secrecy = Secrecy.PUBLIC) -> Finding:
    entry = TABLE[rule]
    return Finding(rule, entry.severity, entry.clause, where, expected, actual, secrecy=secrecy)
