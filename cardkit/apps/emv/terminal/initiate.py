"""Initiating a transaction and reading the card's records (EMV 4.4 Book 3 10.1, 10.2)."""

from __future__ import annotations

from cardkit.apps.emv.afl import parse_afl
from cardkit.apps.emv.client import ProcessingOptions
from cardkit.apps.emv.tags import name_of, tag_bytes
from cardkit.apps.emv.template import open_template
from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.apps.emv.values import value_words
from cardkit.errors import EncodingError, ProtocolError, StatusError

_RECORD = 0x70
_LAST_EMV_SFI = 10
# An AFL can name 16,065 records. No card has more than a few dozen: one that says so wants to be read for ever.
_MOST_RECORDS = 255
_MANDATORY = ("5F24", "5A", "8C")
# Without contacts there is no second GENERATE AC.
_MANDATORY_BY_CONTACT = ("8D",)
_CONDITIONS = 0x6985
# A contactless card that cannot do this without contacts (Book C-3, unverified).
_OTHER_INTERFACE = 0x6984
_FROM_OPTIONS = frozenset((b"\x82", b"\x94"))


def initiate(transaction: Transaction) -> bool:
    """Send GET PROCESSING OPTIONS; False where the card refuses this application, so that another is tried.

    :raises CardError: when the answer cannot be used.
    """
    pdol = transaction.fci.pdol if transaction.fci else b""
    transaction.pdol_data = _asked(transaction, pdol)
    if pdol:
        transaction.say(f"PDOL asks for {len(transaction.pdol_data)} bytes of the terminal", clause="Book 3 5.4")
        transaction.tell_list(pdol, transaction.pdol_data)
    try:
        options = transaction.card.get_processing_options(transaction.pdol_data)
    except StatusError as error:
        if transaction.around.contactless and error.sw == _OTHER_INTERFACE:
            transaction.problem("the card wants to be put into a reader with contacts", clause="Book C-3")
        if error.sw != _CONDITIONS:
            raise
        transaction.problem("card answered 6985: this application is not for this transaction", clause="Book 3 10.1")
        return False
    _keep(transaction, options)
    return True


def _asked(transaction: Transaction, pdol: bytes) -> bytes:
    try:
        return transaction.listed(pdol)
    except EncodingError as error:
        raise ProtocolError(f"PDOL (9F38): {error}") from None


def _keep(transaction: Transaction, options: ProcessingOptions) -> None:
    transaction.card_data.update(options.answer.values)
    transaction.afl = options.afl
    transaction.say(f"AIP {options.aip.hex().upper()}", clause="Book 3 10.1")
    for word in value_words(b"\x82", options.aip):
        transaction.say(f"  {word}", clause="Book 3 C1")
    for word in value_words(b"\x94", options.afl):
        transaction.say(f"  AFL {word}", clause="Book 3 10.2")


def read_records(transaction: Transaction) -> None:
    """Read every record of the AFL and keep its objects.

    :raises ProtocolError: on a malformed AFL or record, or an object that is there twice.
    :raises StatusError: when a record is not there.
    """
    try:
        entries = parse_afl(transaction.afl)
    except EncodingError as error:
        raise ProtocolError(str(error)) from None
    total = sum(entry.last - entry.first + 1 for entry in entries)
    if total > _MOST_RECORDS:
        raise ProtocolError(f"AFL: names {total} records, expected {_MOST_RECORDS} or fewer")
    found: dict[bytes, bytes] = {}
    for entry in entries:
        for number, signed in entry.records():
            record = transaction.card.read_record(entry.sfi, number)
            if signed:
                transaction.records.append((entry.sfi, record))
            if entry.sfi <= _LAST_EMV_SFI:
                _keep_record(found, record, f"record {number} of SFI {entry.sfi}")
    transaction.card_data.update(found)
    transaction.say(f"read {total} records, {len(transaction.records)} of them signed", clause="Book 3 10.2")


def _keep_record(found: dict[bytes, bytes], record: bytes, what: str) -> None:
    for item in open_template(record, _RECORD, what):
        tag = tag_bytes(item.tag)
        if tag in found or tag in _FROM_OPTIONS:
            raise ProtocolError(f"{what}: {item.tag:02X} ({name_of(tag)}) is there a second time")
        found[tag] = item.value


def require_mandatory(transaction: Transaction) -> None:
    """Look for what no transaction goes without (Book 3 7.2).

    :raises ProtocolError: when something is missing.
    """
    wanted = _MANDATORY if transaction.around.contactless else _MANDATORY + _MANDATORY_BY_CONTACT
    missing = [tag for tag in wanted if bytes.fromhex(tag) not in transaction.card_data]
    if missing:
        names = ", ".join(f"{tag} {name_of(bytes.fromhex(tag))}" for tag in missing)
        raise ProtocolError(f"mandatory objects are missing: {names}")
    card = f"card {transaction.text_of('5A')}, expires {transaction.text_of('5F24')}"
    transaction.say(card, mark=Mark.NOTE, clause="Book 3 7.2")
