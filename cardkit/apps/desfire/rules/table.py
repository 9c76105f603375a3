"""The rules that apply to DESFire cards, one line each (transport sheet 10; clauses are those of the sheet)."""

from __future__ import annotations

from cardkit.desired import Rule, Severity

_S, _E, _W = Severity.STOP, Severity.ERROR, Severity.WARNING


def _rule(number: int, severity: Severity, clause: str, text: str, code: str = "", *, delivered: bool = False) -> Rule:
    return Rule(f"TRANSIT-{number:03}", severity, f"transport sheet {clause}", text, code, delivered=delivered)


NO_DELIVERED_KEY = _rule(
    1, _S, "3.4", "the card's key as delivered opens nothing any more", "DEFAULT_KEY", delivered=True
)
KEYS_PROVEN = _rule(2, _S, "3.6", "every key opens a session with this card's own value", "KEY")
DIVERSIFIED = _rule(3, _S, "5", "a diversified key is another one on every card: the UID is in M")
VERSIONS = _rule(4, _E, "3.7", "key versions are the profile's")
NO_TWO_ALIKE = _rule(6, _S, "3.6", "no two keys of one card are the same")
KEY_TABLE = _rule(7, _E, "3.4", "number and algorithm of keys are the profile's")
KEY_SETTINGS = _rule(10, _S, "3.4", "what may be changed, listed, created without the master key is the profile's")
CHANGE_KEY = _rule(11, _S, "3.4", "the key that changes keys is the profile's")
CARD_KEY_AES = _rule(12, _S, "3.7", "the card's master key is AES")
OLDEST_REFUSED = _rule(13, _S, "3.13", "the oldest authentication is refused")
RIGHTS = _rule(14, _S, "3.5", "access rights are the profile's, nibble by nibble, additional ones too")
FREE_ACCESS = _rule(15, _S, "3.5", "nobody reads without a key what the profile does not leave free")
CHANGE_CLOSED = _rule(16, _S, "3.5", "the right to change settings is closed to operational keys")
MODE = _rule(17, _S, "3.5", "the communication mode of every file is the profile's")
APPLICATIONS = _rule(18, _E, "3.3", "the applications are the profile's, none missing, none more")
FILES = _rule(19, _E, "3.9", "the files are the profile's: numbers, types, ISO identifiers")
SIZES = _rule(20, _E, "3.9", "sizes of files and records, and numbers of records, are the profile's")
CONTENTS = _rule(21, _E, "profile", "contents are the record's, field by field")
FILL = _rule(22, _E, "profile", "unused bytes are the profile's fill")
VALUES = _rule(23, _E, "3.9", "limits and value of value files are the profile's")
LIMITED_CREDIT = _rule(24, _S, "3.16", "a fresh card gives nothing back: limited credit is off, or its amount is 0")
NO_CREDIT = _rule(25, _S, "3.3", "the key that debits credits nothing (samples only)")
FREE_VALUE = _rule(26, _E, "3.9", "anybody may read a value only where the profile says so")
COMMITTED = _rule(27, _E, "3.9, 2.7", "no transaction was left open: what was written was committed")
RECORDS = _rule(28, _E, "3.16", "record files have as many records as the profile writes")
TRANSACTION_MAC = _rule(29, _S, "3.10", "the transaction MAC has the profile's key version, and a fresh counter")
TRANSACTION_PROVEN = _rule(30, _S, "3.10", "the MAC of a transaction holds (samples only)")
UID_PROVEN = _rule(31, _S, "1, 3.3", "the UID inside a session is the one the reader tells", "UID")
UID_BOUND = _rule(32, _E, "profile", "a UID in the card's data is the card's")
UID_UNIQUE = _rule(33, _S, "1", "no other card has this UID", "UID")
RANDOM_UID = _rule(34, _S, "3.13", "the UID is random where the profile says so, and fixed elsewhere")
ORIGINAL = _rule(35, _S, "3.14", "the maker's signature of the UID holds under a key of the profile", "ORIGINALITY")
PLAUSIBLE = _rule(36, _W, "3.2", "the version block says who made the card, and when")
ATR = _rule(37, _E, "1", "the ATR is the chip's")
NO_FORMAT = _rule(38, _S, "3.13", "FormatPICC is disabled where the profile says so")
NO_CREATION = _rule(39, _S, "3.4", "nobody creates applications without the card's key")
RESERVE = _rule(40, _E, "3.3", "there is as much memory left as the profile keeps in reserve")
CHANGED_REFUSED = _rule(45, _S, "3.8", "a command with one bit changed is refused (samples only)")
REPLAY_REFUSED = _rule(46, _S, "3.8", "a command that is sent twice is refused (samples only)")
DELEGATED = _rule(52, _S, "3.12", "delegated applications are the profile's, and their keys no default ones")
BUDGET = _rule(61, _W, "11", "the card took no more commands than the profile allows")
INPUTS = _rule(62, _S, "5", "keys are diversified with what the card tells of itself, in the profile's order")
SAM = _rule(63, _E, "8", "the SAM has the key versions the profile names")
TRIES = _rule(64, _W, "3.13", "no authentication has failed since the card was made")

UNCHECKED = {
    DELEGATED: "no command tells how many slots there are, and a profile orders none",
    SAM: "keys come from a key store, no SAM is at work",
    TRIES: "no command reads the counter",
}
"""Rules nobody can apply to these cards, and why; a survey says so."""

RULES = (
    NO_DELIVERED_KEY,
    KEYS_PROVEN,
    DIVERSIFIED,
    VERSIONS,
    NO_TWO_ALIKE,
    KEY_TABLE,
    KEY_SETTINGS,
    CHANGE_KEY,
    CARD_KEY_AES,
    OLDEST_REFUSED,
    RIGHTS,
    FREE_ACCESS,
    CHANGE_CLOSED,
    MODE,
    APPLICATIONS,
    FILES,
    SIZES,
    CONTENTS,
    FILL,
    VALUES,
    LIMITED_CREDIT,
    NO_CREDIT,
    FREE_VALUE,
    COMMITTED,
    RECORDS,
    TRANSACTION_MAC,
    TRANSACTION_PROVEN,
    UID_PROVEN,
    UID_BOUND,
    UID_UNIQUE,
    RANDOM_UID,
    ORIGINAL,
    PLAUSIBLE,
    ATR,
    NO_FORMAT,
    NO_CREATION,
    RESERVE,
    CHANGED_REFUSED,
    REPLAY_REFUSED,
    BUDGET,
    INPUTS,
    *UNCHECKED,
)
