"""The rules by number: severity, where the sheet speaks of it, and what must hold. Numbers are those of DESFire too."""

from __future__ import annotations

from dataclasses import replace

from cardkit.desired import Rule, Severity

S, E, W = Severity.STOP, Severity.ERROR, Severity.WARNING
KEY_LEFT = "TRANSPORT_KEY_STILL_VALID"

_RULES = (
    # id, severity, clause, what must hold, reject code where a card that breaks it stops the batch
    ("TRANSIT-001", S, "CIPURSE 2.8", "no key is one that was delivered, or a published one", KEY_LEFT),
    ("TRANSIT-002", S, "CIPURSE 2.4", "every key of the profile authenticates, both sides proven"),
    ("TRANSIT-003", S, "CIPURSE 2.4, 8", "keys are the card's own: neither the master key nor another card's is taken"),
    ("TRANSIT-004", E, "CIPURSE 2.3", "key versions are the profile's"),
    ("TRANSIT-005", E, "CIPURSE 2.4", "the check value of every key is the expected key's"),
    ("TRANSIT-006", S, "house rule", "no two keys of the card are equal"),
    ("TRANSIT-007", E, "CIPURSE 2.3", "number and algorithm of keys are the profile's"),
    ("TRANSIT-008", S, "CIPURSE 2.3", "what may be done with each key is what the profile says"),
    ("TRANSIT-009", S, "CIPURSE 2.3", "keys are enciphered only under keys the profile has for it"),
    ("TRANSIT-014", S, "CIPURSE 2.3", "rights of every key to every file are the profile's"),
    ("TRANSIT-015", S, "CIPURSE 2.3", "nobody without a key may do anything the profile does not name"),
    ("TRANSIT-016", S, "CIPURSE 2.3", "rules of files can be changed by those the profile names only"),
    ("TRANSIT-017", S, "CIPURSE 2.6", "secure messaging is the profile's; a weaker one is refused"),
    ("TRANSIT-018", E, "CIPURSE 2.8", "the applications are the profile's: none missing, none more"),
    ("TRANSIT-019", E, "CIPURSE 2.3", "the files are the profile's, with their numbers and types"),
    ("TRANSIT-020", E, "CIPURSE 2.3", "sizes of files and records are the profile's"),
    ("TRANSIT-021", E, "profile", "contents of files are the record's"),
    ("TRANSIT-022", E, "profile", "what the contents leave free is the profile's fill"),
    ("TRANSIT-023", E, "CIPURSE 2.7", "counters have the profile's value and limits"),
    ("TRANSIT-025", S, "CIPURSE 2.3", "no counter can be credited with a key that may only debit"),
    ("TRANSIT-027", E, "CIPURSE 2.7", "no transaction was left open"),
    ("TRANSIT-028", E, "CIPURSE 2.7", "records that are not the profile's are empty"),
    ("TRANSIT-031", S, "PC/SC part 3", "the UID is the order's, and the same at each activation"),
    ("TRANSIT-032", E, "profile", "the UID in a file is the card's"),
    ("TRANSIT-033", S, "house rule", "the UID is no other card's"),
    ("TRANSIT-034", S, "ISO/IEC 14443-3", "the UID is not drawn anew at each activation"),
    ("TRANSIT-037", E, "PC/SC part 3", "the ATR is that of the profile's chip"),
    ("TRANSIT-038", S, "CIPURSE 2.7", "nobody without a key formats the card"),
    ("TRANSIT-039", S, "CIPURSE 2.3", "nobody without a key makes files or applications"),
    ("TRANSIT-040", E, "CIPURSE 2.3", "as much memory is left as the profile asks for"),
    ("TRANSIT-041", E, "CIPURSE 2.2", "EF.ID_INFO is that of the profile's chip"),
    ("TRANSIT-042", E, "CIPURSE 2.3, 2.7", "lists of applications are there, and list exactly the profile's"),
    ("TRANSIT-043", S, "CIPURSE 2.3", "rules of the MF and of EF.ID_INFO are the profile's"),
    ("TRANSIT-044", E, "CIPURSE 2.1", "every application is in use"),
    ("TRANSIT-045", S, "CIPURSE 2.6", "changed and repeated frames are refused"),
    ("TRANSIT-061", W, "CIPURSE 2.8, 11", "the card took no more commands than the profile allows"),
    ("TRANSIT-062", S, "CIPURSE 2.4, 5", "keys are diversified with what the card tells of itself"),
    ("TRANSIT-063", E, "8", "the SAM has the key versions the profile names"),
    ("TRANSIT-064", W, "3.13", "no authentication has failed since the card was made"),
)  # fmt: skip

_TABLE = (Rule(*line) for line in _RULES)
TABLE = {rule.id: replace(rule, delivered=rule.security_code == KEY_LEFT) for rule in _TABLE}
RULES = tuple(TABLE.values())
