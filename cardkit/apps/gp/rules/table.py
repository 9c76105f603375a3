"""The rules by number: severity, clause, and what must hold. Clauses are of GPCS 2.3.1 unless named otherwise."""

from __future__ import annotations

from dataclasses import replace

from cardkit.desired import Rule, Severity

E, W, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
HOUSE = "house rule"
KEY_LEFT = "TRANSPORT_KEY_STILL_VALID"

_RULES = (
    # id, severity, clause, what must hold, reject code where a card that breaks it stops the batch
    ("GP-001", E, "5.1, 11.1.1", "the card's life cycle is the profile's"),
    ("GP-002", E, "5.1.1.4, 11.9.3.2", "the card is not locked or terminated unless that was ordered"),
    ("GP-003", E, "H.1.3, 11.9.3", "the issuer security domain has the profile's AID, in FCI and registry"),
    ("GP-004", E, "7.5, house rule", "no published or default key fits", KEY_LEFT),
    ("GP-005", E, "7.5.1, house rule", "no initial key set (version FF) is left", KEY_LEFT),
    ("GP-006", E, "11.3.3.1.1", "every key of the profile is there: version, identifier, type, length, usage, access"),
    ("GP-007", E, "7.5.1, house rule", "no other key is there"),
    ("GP-008", E, "Amd D 6.1, E.2", "ENC, MAC and DEK of a set have one type and length"),
    ("GP-009", E, "D to E, Amd D 5.2", "the record's keys open a session at the profile's level"),
    ("GP-010", E, HOUSE, "keys are the card's own: not the bare master key, diversification data unique"),
    ("GP-011", W, HOUSE, "ENC, MAC and DEK differ from each other"),
    ("GP-012", E, "11.8.3.1", "PUT KEY was answered with the check values of the order"),
    ("GP-013", E, "10.7, Amd D 7.1.1", 'INITIALIZE UPDATE shows the profile\'s protocol and "i"'),
    ("GP-014", E, "H.2", 'card recognition data lists exactly the protocols and "i" that INITIALIZE UPDATE shows'),
    ("GP-015", E, "7.4.2.3, H.3", "FCI (73) and GET DATA 66 agree"),
    ("GP-016", W, "H.4, C.2", 'card capabilities name protocol, "i" and AES size in use, and a hash besides SHA-1'),
    ("GP-017", W, "10.7, house rule", "no older protocol is offered beside SCP03 or SCP11"),
    ("GP-018", E, "E.4.2.3, Amd D 6.2.2.1", "a pseudo-random card challenge is the one the keys give"),
    ("GP-019", E, "E.1.2, Amd D 6.2.2.1", "challenges differ, the sequence counter moves by one"),
    ("GP-020", W, "11.3.2.1, house rule", "the sequence counter is within the profile's limit, and C1 is the same"),
    ("GP-021", E, "E.4.5, Amd D 6.2.5, 6.2.7", "every response is proven as the profile's level says"),
    ("GP-022", E, "Table 11-2", "management commands without a session are refused"),
    ("GP-023", E, "E.1.6, Amd D 5.6", "an unprotected command in a session is refused and ends it"),
    ("GP-024", E, "E.5.2.7, 7.5.1", "a wrong host cryptogram is refused and counted"),
    ("GP-025", E, "6.5, 11.4", "the applications are the profile's, none more"),
    ("GP-026", E, "6.5, 11.4", "the load files are the profile's: AID, version, modules"),
    ("GP-027", E, HOUSE, "no test, loader or example package is there"),
    ("GP-028", E, "5.3, 11.1.1", "every application has the profile's life cycle, none is locked"),
    ("GP-029", E, "6.6, 11.1.2", "every application has the profile's privileges, bit for bit"),
    ("GP-030", E, "6.6.2", "the issuer security domain has the profile's privileges"),
    ("GP-031", E, "6.6.2", "Card Reset and Final Application have one holder each"),
    ("GP-032", E, "6.6.2", "privileges that exclude each other are not combined"),
    ("GP-033", E, "6.6, house rule", "privileges over the whole card are only where the profile grants them"),
    ("GP-034", E, "7.2, 11.4.3", "every application belongs to the profile's security domain and load file"),
    ("GP-035", E, "5.3.2.3", "supplementary security domains are PERSONALIZED and answer with their own key set"),
    ("GP-036", W, "11.1.7", "implicit selections are the profile's"),
    ("GP-037", E, "CPLC, house rule", "CPLC is there, with the chip's fabricator, type and operating system"),
    ("GP-038", E, "CPLC, house rule", "CPLC names personalizer, day and equipment as ordered"),
    ("GP-039", E, "CPLC, house rule", "CPLC names pre-personalizer, day and equipment as ordered"),
    ("GP-040", W, "CPLC, house rule", "CPLC dates are days, not in the future, and do not run backwards"),
    ("GP-041", E, "CPLC, house rule", "serial number and batch of the chip are new to the plant, and those of its KDD"),
    ("GP-042", E, "7.4.1", "issuer and card image number (42, 45) are the record's, no defaults, and new to the plant"),
    ("GP-043", E, "11.3.3.1", "GET DATA gives the same with class 00 and 80"),
    ("GP-044", E, "11.4.3", "GET STATUS ends, is well formed and holds no AID twice"),
    ("GP-045", W, "TS 102 226, 9.7", "free memory is the profile's or more, applications are counted right"),
    ("GP-046", E, "C.2", "loaded code is the released code: hashes of load file and CAP file"),
    ("GP-047", E, "9.2.1, C.3", "domains that verify signatures of load files can: privilege, key, PERSONALIZED"),
    ("GP-048", E, "9.1.3, C.4, C.5", "token and receipt keys are there, the confirmation counter is as expected"),
    ("GP-049", E, "11.11, CPS", "personalization of every application is closed"),
    ("GP-050", W, "Amd F", "the certificate chain leads to the pinned root, is in force, and matches a session"),
    ("GP-051", E, "TS 102 225", "key sets for use over the air are there as ordered only, and hold no test key"),
    ("GP-052", E, "6.4, 11.7", "there are as many logical channels as the profile says, all closed at the end"),
    ("GP-053", W, "11.1.3", "the card answered with documented status words only"),
    ("GP-054", INFO, HOUSE, "the card differs from the golden one only where the profile says so"),
)  # fmt: skip

_TABLE = (Rule(*line) for line in _RULES)
TABLE = {rule.id: replace(rule, delivered=rule.security_code == KEY_LEFT) for rule in _TABLE}
RULES = tuple(TABLE.values())
