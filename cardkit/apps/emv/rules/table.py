"""The rules by number: severity, level, clause, what must hold, and what a card that breaks it does at the till.

B1 to B3 are EMV 4.4 Books 1 to 3, CL contactless books, CPS the personalization specification, UPI points published
from test laboratories. "practice": from general knowledge of the books and of payment, unverified. Levels say what has
to be sent to a card: V0 nothing that counts, V1 GET PROCESSING OPTIONS, V2 INTERNAL AUTHENTICATE, V3 GENERATE AC that
declines, V5 what only a sample card may suffer.
"""

from __future__ import annotations

from cardkit.desired import Rule, Severity

E, W, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
_PRACTICE = "practice"

# id, severity, level, clause, what must hold, what it means for the cardholder
_SELECTION = (
    ("EMV-001", E, "V0", "B1 11.3.4, 12.2.2",
     "the FCI of the PSE names it, and its directory (88) is a file of SFI 1 to 10",
     "terminals fall back to their own list: slow, or the card is not known"),
    ("EMV-002", E, "V0", "B1 12.2.3",
     "every record of the PSE is one 70 of 61, each with an AID of 5 to 16 bytes and a label",
     "the application is not offered at the till"),
    ("EMV-003", E, "V0", "B1 12.3", "every AID a directory lists can be selected, and the FCI names it",
     "the terminal offers an application and then cannot use it"),
    ("EMV-004", E, "V0", "CL-B table 3-4", "the PPSE lists applications, each with AID and priority, 9F2A well formed",
     "tapping does nothing"),
    ("EMV-005", W, "V0", "B3 A", "labels are 1 to 16 letters, digits or spaces",
     "the terminal shows garbage for the card's name"),
    ("EMV-006", E, "V0", "B1 12.2.3", "a preferred name has its code table index, and reads in that table",
     "the terminal shows garbage for the card's name"),
    ("EMV-007", E, "V0", "B1 12.2.3", "priorities are unique on the card, reserved bits zero, confirmation as ordered",
     "the terminal asks needless questions, or takes another application"),
    ("EMV-008", E, "V0", "B3 A", "language preference is 1 to 4 lower-case ISO 639 codes",
     "the terminal speaks a language the holder does not"),
    ("EMV-009", W, "V0", _PRACTICE, "label, priority and preferred name are the same in FCI and directories",
     "the name changes between choosing and paying"),
    ("EMV-010", E, "V0", "B3 5.4", "the PDOL parses and asks for what terminals have",
     "the transaction cannot begin"),
    ("EMV-011", W, "V1", _PRACTICE, "the CA key is of the provider (RID) of the AID",
     "other terminals do not find the key: offline payment fails"),
    ("EMV-012", INFO, "V0", _PRACTICE, "log entry (9F4D), log format (9F4F) and log file go together",
     "readers of the log show nothing or nonsense"),
    ("EMV-013", E, "V0", "B1 11.3.4", "nothing follows the template 6F",
     "strict terminals refuse the card"),
    ("EMV-014", E, "V0", "Contact Interface 8.3", "the ATR is one that EMV terminals accept",
     "some terminals reject the card at insertion"),
)  # fmt: skip
_RECORDS = (
    ("EMV-015", E, "V1", "B3 C1", "AIP is 2 bytes, reserved bits zero", "terminals choose methods the card has not"),
    ("EMV-016", E, "V1", "B3 10.2", "the AFL is a multiple of 4 bytes, 4 to 252", "the transaction ends at once"),
    ("EMV-017", E, "V1", "B3 10.2", "files in the AFL are SFI 1 to 30, the low three bits zero",
     "the transaction ends at once"),
    ("EMV-018", E, "V1", "B3 10.2", "record numbers in the AFL begin at 1 or more and do not run backwards",
     "the transaction ends at once"),
    ("EMV-019", E, "V1", "B3 10.2", "no AFL entry counts more signed records than it has",
     "the transaction ends at once"),
    ("EMV-020", E, "V1", "B3 10.2, 6.5.11", "every record of the AFL can be read, the one after the last is not found",
     "the transaction ends at once"),
    ("EMV-021", E, "V1", "B3 6.5.11.4, 10.2", "records of SFI 1 to 10 are one template 70 and nothing else",
     "the transaction ends at once, or offline authentication fails"),
    ("EMV-022", E, "V1", "B3 10.2", "no data object is in the records twice", "the transaction ends at once"),
    ("EMV-023", E, "V1", "B3 7.2, 10.2", "PAN, expiry date and the lists CDOL1 and CDOL2 are there",
     "the transaction ends at once"),
    ("EMV-024", E, "V1", "B3 6.5.8.4", "the answer to GPO is one 80 or 77 with one AIP and one AFL",
     "the transaction cannot begin"),
    ("EMV-025", W, "V1", _PRACTICE, "every record fits one short READ RECORD", "some terminals cannot read it"),
    ("EMV-026", E, "V1", _PRACTICE, "GPO with data of a wrong length is refused",
     "terminals with a fault go unnoticed; disputes later"),
    ("EMV-027", W, "V0", _PRACTICE, "no record lies outside every AFL",
     "data of another product or test may be read by anybody"),
    ("EMV-028", E, "V1", _PRACTICE, "each interface has all its records and its certificates for itself",
     "paying works by one interface and fails by the other"),
    ("EMV-029", W, "V1", "UPI", "contactless: the expiry date is not in the last record",
     "qPBOC terminals may finish before they have seen it"),
)  # fmt: skip
_IDENTITY = (
    ("EMV-030", E, "V1", _PRACTICE, "the PAN has 12 to 19 digits and a right check digit, F only behind it",
     "the acquirer refuses the number"),
    ("EMV-031", E, "V1", _PRACTICE, "the PAN in track 2 data is that of 5A", "two accounts on one card"),
    ("EMV-032", E, "V1", "UPI", "the expiry in track 2 data is the month of 5F24", "online declined: wrong expiry"),
    ("EMV-033", E, "V1", "UPI", "the service code in track 2 data is that of 5F30", "the issuer may decline"),
    ("EMV-034", E, "V1", "UPI", "the service code of the chip begins with 2 or 6",
     "terminals take it for a stripe-only card: fallback, fraud checks"),
    ("EMV-035", E, "V1", _PRACTICE, "track 2 data: up to 19 bytes, one D, at most one F at the end",
     "the acquirer cannot read it"),
    ("EMV-036", E, "V1", _PRACTICE, "5F24 is a date, the last day of its month",
     "the card expires on another day than printed"),
    ("EMV-037", E, "V1", _PRACTICE, "5F25 is a date not after 5F24, nor after the day of issue",
     "the card is not yet valid when the holder gets it"),
    ("EMV-038", E, "V1", _PRACTICE, "the PAN sequence number is there and is the order's",
     "the host derives other keys: every transaction is declined"),
    ("EMV-039", E, "V1", _PRACTICE, "the name is 2 to 26 characters of the set, and the order's",
     "receipts and plastic show different people"),
    ("EMV-040", E, "V1", "B2 5.3 step 8", "the PAN is of the issuer's ranges, and of the issuer certificate's",
     "offline authentication fails, or another bank is asked"),
    ("EMV-041", E, "V1", "B2 6.4 step 8", "the PAN in the ICC certificate is that of 5A",
     "offline authentication fails"),
    ("EMV-042", W, "V1", _PRACTICE, "track 1 data (9F1F, 56) agree with track 2 data",
     "stripe-minded acquirers get another account or code"),
    ("EMV-043", E, "V1", _PRACTICE, "the iCVV is not the stripe's CVV, and recomputes",
     "a stripe made from chip data would pass; or every transaction is declined"),
    ("EMV-044", E, "V1", _PRACTICE, "stripe, plastic and chip agree on PAN, expiry, name and service code",
     "the holder has a card of somebody else"),
    ("EMV-045", E, "V1", _PRACTICE, "the printed CVV2 recomputes", "purchases on the internet are declined"),
    ("EMV-046", E, "V1", _PRACTICE, "PVV or offset in the discretionary data recompute",
     "the right PIN is refused online"),
)  # fmt: skip
_USAGE = (
    ("EMV-047", E, "V1", "B3 C2", "AUC: 2 bytes, reserved bits zero, a kind of terminal and a service",
     "the card is accepted nowhere"),
    ("EMV-048", E, "V1", "UPI", "with an AUC there is an issuer country code", "domestic rules are not applied"),
    ("EMV-049", E, "V1", _PRACTICE, "the issuer country code is of ISO 3166, and the issuer's",
     "domestic transactions count as foreign"),
    ("EMV-050", E, "V1", _PRACTICE,
     "application currency and exponent are of ISO 4217, and there where they are needed",
     "amount limits count in another currency"),
    ("EMV-051", W, "V1", "UPI", "AUC: services and goods are allowed alike", "some merchants' terminals decline"),
    ("EMV-052", E, "V1", "B3 C5", "issuer action codes: 5 bytes each, reserved bits zero, all three or none",
     "the terminal decides otherwise than the issuer wants"),
    ("EMV-053", W, "V1", "UPI", "IAC denial: as the product's, and none that declines where the PIN was not entered",
     "transactions are declined that the issuer would approve"),
    ("EMV-054", W, "V1", _PRACTICE, "what goes online is also declined when there is no line, or the profile says so",
     "what the issuer wants to see is approved offline"),
    ("EMV-055", E, "V1", _PRACTICE,
     "a failed authentication has consequences: the bits of the AIP's methods are in the IACs",
     "a counterfeit card is approved offline"),
    ("EMV-056", E, "V1", "B3 10.4.1", "the version number is the product's", "terminals mark the card as outdated"),
    ("EMV-057", E, "V1", "B3 10.6.3", "lower limit not above the upper one, and only with terminal risk management",
     "the card goes online too often or never"),
    ("EMV-058", E, "V1", _PRACTICE, "not both a name and an extended name", "terminals show either"),
    ("EMV-059", W, "V1", "B3 10.3", "the static data tag list is 82 and there is offline authentication",
     "offline authentication fails"),
    ("EMV-060", W, "V1", _PRACTICE, "issuers' own data have the profile's lengths",
     "the issuer's host cannot read them"),
)  # fmt: skip
_CVM = (
    ("EMV-061", E, "V1", "B3 10.5, C3; UPI", "the CVM list has an even length of 10 or more",
     "the transaction ends at once"),
    ("EMV-062", E, "V1", "B3 C3", "every method and condition of the CVM list is known",
     "cardholder verification fails where it should not"),
    ("EMV-063", E, "V1", "B3 C1", "AIP says cardholder verification if and only if there is a CVM list",
     "no PIN is asked for, or the transaction ends"),
    ("EMV-064", W, "V1", _PRACTICE, "no rule stands behind one that always ends the list",
     "a method the issuer wants is never used"),
    ("EMV-065", W, "V1", _PRACTICE, "rules by amount have an amount and a currency",
     "the rule never or always applies"),
    ("EMV-066", E, "V1", _PRACTICE, "where offline PIN is in the list a PIN is on the card, its counter above zero",
     "the right PIN is never accepted"),
    ("EMV-067", E, "V1", "B2 7.1", "where enciphered PIN is in the list there is a key to encipher it",
     "the PIN cannot be entered at the terminal"),
    ("EMV-068", W, "V1", "UPI", "every kind of terminal finds a method: online PIN, signature or none",
     "the card is of no use where there is no PIN pad"),
    ("EMV-069", E, "V1", "UPI", "plaintext PIN is not in the list if no PIN was loaded",
     "the holder is asked for a PIN that is none"),
)  # fmt: skip
_LISTS = (
    ("EMV-070", E, "V1", "B3 5.4", "CDOL1 and CDOL2 parse, lengths as in the dictionary",
     "the transaction ends at once"),
    ("EMV-071", E, "V1", _PRACTICE, "CDOL1 asks for all the cryptogram covers", "every transaction is declined online"),
    ("EMV-072", E, "V1", _PRACTICE,
     "CDOL2 asks for the response code, and for the issuer's authentication if it comes that way",
     "the issuer's answer is not believed; scripts are lost"),
    ("EMV-073", E, "V1", "B2 6.6", "with CDA, CDOL1 asks for the unpredictable number",
     "combined authentication fails"),
    ("EMV-074", E, "V1", "B2 6.5.1", "the DDOL asks for the unpredictable number", "dynamic authentication fails"),
    ("EMV-075", E, "V1", _PRACTICE, "lists fit a command: 252 bytes of data, 255 with the header of GPO",
     "the transaction ends at once"),
    ("EMV-076", E, "V1", "CL-C2", "mag-stripe mode has a UDOL that asks for the numeric unpredictable number",
     "tapping fails at older terminals"),
    ("EMV-077", W, "V1", _PRACTICE, "no list asks the terminal for what only the card has",
     "the card gets zeros where it expects data"),
)  # fmt: skip
_AUTHENTICATION = (
    ("EMV-078", E, "V1", "B2 5.1.1, 6.1.1", "methods in the AIP and objects for them go together",
     "offline authentication fails"),
    ("EMV-079", E, "V1", "B2 11.2", "8F names a CA key of the provider that is known",
     "offline authentication fails everywhere"),
    ("EMV-080", E, "V1", "B2 5.3", "the issuer certificate recovers: frame, format, algorithms, hash",
     "offline authentication fails everywhere"),
    ("EMV-081", E, "V1", "B2 5.3 step 9; UPI", "the issuer certificate is good today and until the card expires",
     "offline authentication fails before the card expires"),
    ("EMV-082", E, "V1", "B2 5.3 step 1", "90 is as long as the CA key, 92 as long as the rest of the issuer's",
     "offline authentication fails everywhere"),
    ("EMV-083", E, "V1", "B2 6.4", "the ICC certificate recovers, 9F46 and 9F48 have their lengths",
     "offline authentication fails everywhere"),
    ("EMV-084", E, "V1", _PRACTICE, "the ICC certificate is good until the card expires, and not longer than its month",
     "offline authentication fails before the card expires"),
    ("EMV-085", E, "V1", "B3 10.3", "the static data are those that were signed", "offline authentication fails"),
    ("EMV-086", E, "V1", "B2 B2.1", "exponents are 3 or 65537, without leading zeros", "some terminals fail"),
    ("EMV-087", E, "V1", "B2 D",
     "moduli: card's, issuer's, CA's each no longer than the next, 248 bytes at most; answers fit",
     "some terminals cannot read the signature"),
    ("EMV-088", W, "V1", _PRACTICE, "keys are as long as required, the CA key has not expired",
     "the card will be refused before it expires"),
    ("EMV-089", W, "V1", "CVE-2017-15361", "no key is of the broken generator (ROCA)", "the card can be counterfeited"),
    ("EMV-090", W, "V1", _PRACTICE, "keys are unique over the batch and share no factor",
     "the card can be counterfeited"),
    ("EMV-091", E, "V1", "B2 5.4", "the static signature recovers, its code is the issuer's",
     "static authentication fails"),
    ("EMV-092", E, "V2", "B2 6.5.2", "INTERNAL AUTHENTICATE on random data verifies, with a new number each time",
     "dynamic authentication fails"),
    ("EMV-093", E, "V3", "B2 6.6.2", "the signature over a cryptogram verifies, the transaction hash included",
     "combined authentication fails"),
    ("EMV-094", E, "V2", _PRACTICE, "private key and certificate belong together", "dynamic authentication fails"),
    ("EMV-095", E, "V1", "B2 7.1", "the PIN encipherment certificate recovers, for this PAN",
     "the PIN cannot be entered at the terminal"),
    ("EMV-096", W, "V1", _PRACTICE, "what matters is signed: PAN, expiry, country, AUC, CVM list, IACs",
     "a counterfeiter can change limits and dates"),
)  # fmt: skip
_CRYPTOGRAMS = (
    ("EMV-097", E, "V3", "B2 8.1", "the cryptogram recomputes from the issuer's master key",
     "every transaction is declined online"),
    ("EMV-098", E, "V3", "B3 C9", "issuer application data have a known form, key index as the profile's",
     "the issuer's host cannot check the cryptogram"),
    ("EMV-099", E, "V3", "B3 6.5.5.4", "a card that is asked to decline declines, and its CID says nothing reserved",
     "declined transactions are approved"),
    ("EMV-100", E, "V1", "B3 10.1",
     "the transaction counter rises by one each time, the last online one is not above it",
     "the host takes transactions for copies"),
    ("EMV-101", E, "V5", "B2 8.2", "the issuer's answer is accepted if right and refused if wrong",
     "scripts and limits do not reach the card, or anybody's do"),
    ("EMV-102", E, "V5", "B2 9", "scripts with a right MAC are done, with a wrong one refused",
     "the issuer cannot change the card, or anybody can"),
    ("EMV-103", E, "V5", _PRACTICE, "the PIN counter is at its limit, the issued PIN is accepted",
     "the PIN in the letter does not work"),
    ("EMV-104", E, "V0", "CPS 7.15", "check values sent with the keys are those of the key store",
     "every transaction is declined online"),
    ("EMV-105", E, "V3", "CL-C2", "the dynamic code recomputes, its masks are coherent", "tapping is declined online"),
    ("EMV-106", E, "V3", "CL-C3", "the cryptogram and signature of a contactless GPO verify, with card qualifiers",
     "tapping is declined, or asks for no PIN"),
)  # fmt: skip
_PLANT = (
    ("EMV-107", E, "V0", "CPS 4.3.5", "personalization is closed: STORE DATA is refused",
     "anybody can rewrite the card"),
    ("EMV-108", E, "V0", _PRACTICE, "the personalization fields of CPLC are filled",
     "the card cannot be traced to its plant"),
    ("EMV-109", E, "V0", _PRACTICE, "no test AID, CA key, IIN or key in production",
     "anybody can counterfeit the card"),
    ("EMV-110", W, "V0", _PRACTICE, "the transaction counter at delivery is low", "the card has been used before"),
    ("EMV-111", E, "V1", _PRACTICE, "answers come in time", "people wait; transit gates stay closed"),
    ("EMV-112", INFO, "V0", _PRACTICE, "cards of a batch differ only where they may",
     "one card is not like the others"),
)  # fmt: skip
_ROWS = (*_SELECTION, *_RECORDS, *_IDENTITY, *_USAGE, *_CVM, *_LISTS, *_AUTHENTICATION, *_CRYPTOGRAMS, *_PLANT)

_DOCUMENTS = {
    "B1": "EMV 4.4 Book 1", "B2": "EMV 4.4 Book 2", "B3": "EMV 4.4 Book 3", "CL-B": "EMV Contactless Book B",
    "CL-C2": "EMV Contactless Book C-2", "CL-C3": "EMV Contactless Book C-3", "CPS": "EMV CPS 2.0",
    "Contact": "EMV Contact", _PRACTICE: "payment practice", "UPI": "test laboratory letters (UPI)",
}  # fmt: skip


def _clause(text: str) -> str:
    """Return a clause with its document in full.

    >>> _clause("B2 6.5.2")
    'EMV 4.4 Book 2 6.5.2'
    """
    document, _, rest = text.partition(" ")
    return f"{_DOCUMENTS.get(document, document)} {rest}".rstrip()


SHEET: tuple[Rule, ...] = tuple(
    Rule(number, severity, _clause(clause), text, meaning=meaning)
    for number, severity, _, clause, text, meaning in _ROWS
)
TABLE = {rule.id: rule for rule in SHEET}
LEVELS = {number: level for number, _, level, *_ in _ROWS}
"""What has to be sent to a card before a rule can speak: V0 to V5."""
