"""The rules by number: severity, clause, and what must hold. Clauses without a number are of TS 31.102."""

from __future__ import annotations

from cardkit.desired import MARKER_GONE, MARKER_STANDS, Rule, Severity

E, W = Severity.ERROR, Severity.WARNING
KEY_LEFT = "TRANSPORT_KEY_STILL_VALID"

_RULES = (
    # id, severity, clause, what must hold, reject code where a card that breaks it stops the batch
    ("UICC-001", E, "TS 102 221 13.2", "EF.ICCID is the record's, nibbles and fill exact"),
    ("UICC-002", E, "ITU-T E.118", "ICCID has 19 or 20 digits, a right check digit and the product's prefix"),
    ("UICC-004", E, "TS 31.102 4.2.2", "EF.IMSI is the record's, length byte, parity and fill exact"),
    ("UICC-005", E, "TS 51.011 10.3.2", "EF.IMSI under DF.GSM is that of the USIM"),
    ("UICC-006", E, "TS 31.102 4.2.18", "EF.AD has the product's MNC length, the IMSI starts with its MCC and MNC"),
    ("UICC-007", E, "TS 31.102 4.2.18", "EF.AD says normal operation, and all its copies agree"),
    ("UICC-008", E, "TS 31.102 4.2.15", "EF.ACC is the class of the last IMSI digit and the product's special classes"),
    ("UICC-009", E, "TS 102 221 13.1", "EF.DIR lists exactly the product's applications"),
    ("UICC-011", E, "TS 102 221 6.3", "the ATR is that of the product's chip"),
    ("UICC-013", E, "TS 31.102 4.2.26", "EF.MSISDN is the record's"),
    ("UICC-020", E, "TS 102 221 11.1.1.4", "every file of the product exists, as long as ordered"),
    ("UICC-027", E, "profile", "copies of one file are equal"),
    ("UICC-030", E, "profile", "every file holds what profile and record say, byte for byte"),
    ("UICC-040", E, "TS 31.102 4.2.8", "every service in EF.UST has its files"),
    ("UICC-041", W, "TS 31.102 4.2.8", "every file has its service in EF.UST"),
    ("UICC-042", E, "TS 31.102 4.2.8", "service 33 on; 46 implies 45, 125 implies 124; 95, 99, 115 off beside an ISIM"),
    ("UICC-043", E, "TS 31.102 4.2.8", "EF.UST is the product's"),
    ("UICC-046", W, "TS 31.102 7.1.2", "AUTHENTICATE returns Kc if service 27 is on, and only then"),
    ("UICC-060", E, "TS 102 221 9.5.2", "PINs are enabled or disabled as the product says"),
    ("UICC-061", E, "TS 102 221 11.1.9", "all retry counters are full"),
    ("UICC-062", E, "TS 102 221 11.1.9", "PINs and PUKs are the record's"),
    ("UICC-064", E, "profile", "no administrative key has the value it was delivered with", KEY_LEFT),
    ("UICC-070", E, "TS 31.102 4.2.12", "EF.SPN is the product's"),
    ("UICC-073", E, "TS 31.102 4.2.84", "EF.EHPLMN holds valid networks, the IMSI's first"),
    ("UICC-074", E, "TS 31.102 4.2.5", "network lists: valid, no network twice with one technology, no hole"),
    ("UICC-077", E, "TS 31.102 4.2.27", "EF.SMSP is the product's"),
    ("UICC-090", E, "TS 33.102 6.3", "K and OPc: a stale AUTN is answered with an AUTS that verifies"),
    ("UICC-091", E, "TS 31.102 7.1.2", "a fresh AUTN gives RES, CK, IK; again, it gives AUTS with the SQN just used"),
    ("UICC-092", E, "TS 31.102 7.1.2", "a wrong MAC is answered with 9862 and nothing else"),
    ("UICC-093", E, "TS 33.102 C", "the card's SQN is not beyond what the product allows"),
    ("UICC-094", E, "TS 33.102 C.2", "an SQN that leaps beyond delta is answered with AUTS"),
    ("UICC-095", E, "TS 31.103 7.1", "the ISIM has K and OPc of its own file"),
    ("UICC-096", E, "TS 51.011 10.2.1", "SRES and Kc are those of the record's key"),
    ("UICC-097", W, "profile", "the algorithm is neither for tests nor broken"),
    ("UICC-098", E, "profile", "K and OPc differ, are not one byte over and over, and are not published"),
    ("UICC-100", E, "TS 31.102 4.4.11.8", "EF.SUCI_Calc_Info: schemes name keys that are there, key ids are unique"),
    ("UICC-101", E, "TS 33.501 C.3", "home network keys are points that their scheme can use"),
    ("UICC-102", E, "TS 31.102 4.4.11.8", "the null scheme is the last or absent, and not the only one beside keys"),
    ("UICC-103", E, "TS 31.102 4.4.11", "service 124 on: EF.SUCI_Calc_Info not empty, EF.Routing_Indicator valid"),
    ("UICC-105", E, "TS 33.501 C.4", "no home network key is published"),
    ("UICC-110", E, "TS 23.003 13", "IMPI, IMPU and domain follow from the IMSI, the MNC with three digits"),
)  # fmt: skip

TABLE = {rule.id: rule for rule in (MARKER_STANDS, MARKER_GONE, *(Rule(*line) for line in _RULES))}

_FILE_RULES = {
    "MF/EF.ICCID": "UICC-001",
    "MF/EF.DIR": "UICC-009",
    "ADF.USIM/EF.IMSI": "UICC-004",
    "ADF.USIM/EF.AD": "UICC-007",
    "ADF.ISIM/EF.AD": "UICC-007",
    "ADF.USIM/EF.ACC": "UICC-008",
    "ADF.USIM/EF.MSISDN": "UICC-013",
    "ADF.USIM/EF.UST": "UICC-043",
    "ADF.USIM/EF.SPN": "UICC-070",
    "ADF.USIM/EF.EHPLMN": "UICC-073",
    "ADF.USIM/EF.SMSP": "UICC-077",
    "ADF.ISIM/EF.IMPI": "UICC-110",
    "ADF.ISIM/EF.IMPU": "UICC-110",
    "ADF.ISIM/EF.DOMAIN": "UICC-110",
}


def file_rule(name: str) -> str:
    """Return the rule that compares a file with what it should hold.

    >>> file_rule("ADF.USIM/EF.SMSP#1"), file_rule("ADF.USIM/EF.FPLMN")
    ('UICC-077', 'UICC-030')
    """
    return _FILE_RULES.get(name.partition("#")[0], "UICC-030")
