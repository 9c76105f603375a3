"""Rules of identity cards with keys (rules EID of the identity sheet)."""

from __future__ import annotations

from cardkit.desired import Rule, Severity

READABLE = Rule(
    "EID-001", Severity.ERROR, "NIST SP 800-73-4", "application template, discovery, CHUID and CCC are read, as planned"
)
KEYS = Rule(
    "EID-002",
    Severity.ERROR,
    "NIST SP 800-73-4; ISO/IEC 7816-15",
    "every certificate is the planned one, its key is the card's",
)
CODES_SET = Rule(
    "EID-003",
    Severity.ERROR,
    "NIST SP 800-73-4; ISO/IEC 7816-15",
    "PIN, PUK and management key are the order's, counters full, those delivered dead",
    delivered=True,
)
REFUSED = Rule(
    "EID-004",
    Severity.ERROR,
    "NIST SP 800-73-4; ISO/IEC 7816-4",
    "keys sign only after the PIN, 9C after a fresh one, nothing is written without the right",
)
STRUCTURE = Rule(
    "EID-005",
    Severity.ERROR,
    "ISO/IEC 7816-15",
    "PKCS#15: DIR, ODF, TokenInfo and lists are read, identifiers pair, paths select, files are as long as they say",
)
