"""Application selection (EMV 4.4 Book 1 12; EMV Contactless Book B 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cardkit.apps.emv.aids import NAMES, PPSE, PSE, aid_name, kernel_of
from cardkit.apps.emv.bits.card import PRIORITY
from cardkit.apps.emv.fci import DirectoryEntry, Fci, directory_record
from cardkit.apps.emv.terminal.transaction import Mark, Transaction
from cardkit.apps.gp.aids import AID_BYTES
from cardkit.errors import CardError, ProtocolError, StatusError

_CARD_BLOCKED, _NO_RECORD, _NO_FILE = 0x6A81, 0x6A83, 0x6A82
_LAST_RECORD = 0xFF
# A card with more applications of one name than this answers for ever.
_MOST_OCCURRENCES = 16
_PRIORITY_BITS = 0x0F


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application both sides know.

    :ivar values: its directory entry, or the A5 of its FCI.
    """

    aid: bytes
    values: dict[bytes, bytes]

    @property
    def priority(self) -> int:
        """1 to 15, 1 highest; 16 where the card gives none."""
        return self.values.get(b"\x87", b"\x00")[:1].ljust(1, b"\x00")[0] & _PRIORITY_BITS or 16

    @property
    def confirmed(self) -> bool:
        """Whether the cardholder must agree."""
        bit = PRIORITY.mask("cannot be selected without the cardholder's confirmation")
        return bool(self.values.get(b"\x87", b"\x00")[:1].ljust(1, b"\x00")[0] & bit)

    @property
    def label(self) -> str:
        """Application label."""
        return self.values.get(b"\x50", b"").decode("latin-1")


def candidates(transaction: Transaction) -> list[Candidate]:
    """Return what can be selected, best first.

    :raises ProtocolError: when the card is blocked, or there is nothing.
    """
    found = _contactless(transaction) if transaction.around.contactless else _contact(transaction)
    if not found:
        raise ProtocolError("no application that card and terminal have in common")
    ordered = sorted(found, key=lambda each: each.priority)
    transaction.say("candidates, by priority: " + ", ".join(map(_described, ordered)), clause="Book 1 12.4")
    return ordered


def select_application(transaction: Transaction, candidate: Candidate) -> bool:
    """Select one for good; False where the card refuses, so that the next one is tried.

    Book 1 12.4
    """
    if candidate.confirmed:
        asked = "the card asks for the cardholder's confirmation: taken as given"
        transaction.say(asked, mark=Mark.NOTE, clause="Book 1 12.4")
    try:
        fci = transaction.card.select(candidate.aid)
    except StatusError as error:
        transaction.problem(f"{error}: application dropped", clause="Book 1 12.4")
        return False
    if fci.blocked:
        transaction.problem(f"{candidate.aid.hex().upper()} is blocked (6283): dropped", clause="Book 1 12.4")
        return False
    transaction.fci = fci
    transaction.card_data = {b"\x84": fci.name, b"\x4f": fci.name, **fci.values}
    transaction.data[b"\x9f\x06"] = fci.name
    if transaction.around.contactless:
        transaction.kernel = kernel_of(fci.name, candidate.values.get(b"\x9f\x2a", b""))
        transaction.context = f"C-{transaction.kernel}" if transaction.kernel else ""
    transaction.say(f"selected {_described(Candidate(fci.name, dict(fci.values)))}", clause="Book 1 12.4")
    return True


def _described(candidate: Candidate) -> str:
    owner = aid_name(candidate.aid)
    about = " ".join(filter(None, (repr(candidate.label) if candidate.label else "", f"({owner})" if owner else "")))
    rank = f" priority {candidate.priority}" if candidate.priority <= _PRIORITY_BITS else ""
    return f"{candidate.aid.hex().upper()} {about}".rstrip() + rank


def _contact(transaction: Transaction) -> list[Candidate]:
    """Take the directory where there is a good one, else the terminal's list (Book 1 12.3)."""
    entries: list[DirectoryEntry] = []
    try:
        _read_directory(transaction, entries)
        found = list(_supported(transaction, entries))
    except StatusError as error:
        if error.sw == _CARD_BLOCKED:
            raise ProtocolError("SELECT: card answered 6A81: it is blocked, or cannot select by name") from None
        transaction.say(f"no directory: {error}", mark=Mark.NOTE, clause="Book 1 12.3.2")
        found = []
    except ProtocolError as error:
        transaction.problem(f"directory unusable: {error}", clause="Book 1 12.3.2")
        found = []
    return found or _by_list(transaction, [entry.aid for entry in entries if len(entry.aid) in AID_BYTES])


def _read_directory(transaction: Transaction, entries: list[DirectoryEntry]) -> None:
    """Read the payment system environment into a list, which keeps what was read before an error (Book 1 12.3.2)."""
    fci = transaction.card.select(PSE)
    if fci.blocked:
        raise ProtocolError("the payment system environment is blocked (6283)")
    for number in range(1, _LAST_RECORD + 1):
        try:
            record = transaction.card.read_record(fci.directory_sfi, number)
        except StatusError as error:
            if error.sw != _NO_RECORD:
                raise ProtocolError(str(error)) from None
            break
        entries += directory_record(record)
    transaction.say(f"directory 1PAY.SYS.DDF01 lists {len(entries)} applications", clause="Book 1 12.3.2")


def _supported(transaction: Transaction, entries: Iterable[DirectoryEntry]) -> Iterator[Candidate]:
    """Yield entries the terminal takes, each AID once."""
    seen: set[bytes] = set()
    wanted = transaction.settings.applications
    for entry in entries:
        aid = entry.aid
        if len(aid) not in AID_BYTES:
            transaction.problem(f"directory entry with an AID of {len(aid)} bytes: ignored", clause="Book 1 12.2.3")
        elif wanted and not any(aid.startswith(name) for name in wanted):
            ignored = f"{aid.hex().upper()} is none of the terminal's: ignored"
            transaction.say(ignored, mark=Mark.NOTE, clause="Book 1 12.3")
        elif aid not in seen:
            seen.add(aid)
            yield Candidate(aid, dict(entry.values))


def _by_list(transaction: Transaction, heard: Iterable[bytes] = ()) -> list[Candidate]:
    """Ask for one application after another (Book 1 12.3.3).

    :param heard: of the card itself; a terminal that takes any application asks for these, too.
    """
    known = (*heard, *(bytes.fromhex(text) for text in NAMES))
    names = transaction.settings.applications or tuple(dict.fromkeys(known))
    transaction.say(f"asking for {len(names)} applications by name", clause="Book 1 12.3.3")
    found: dict[bytes, Candidate] = {}
    for name in names:
        for fci in _occurrences(transaction, name):
            if not fci.blocked:
                found.setdefault(fci.name, Candidate(fci.name, dict(fci.values)))
    return list(found.values())


def _occurrences(transaction: Transaction, name: bytes) -> Iterator[Fci]:
    """Yield every application whose name begins so.

    :raises ProtocolError: when the card is blocked, or never comes to an end.
    """
    seen: set[bytes] = set()
    for count in range(_MOST_OCCURRENCES):
        try:
            fci = transaction.card.select(name, further=count > 0)
        except StatusError as error:
            if error.sw == _CARD_BLOCKED and not count:
                raise ProtocolError("SELECT: card answered 6A81: it is blocked") from None
            return
        if not fci.name.startswith(name) or fci.name in seen:
            return
        seen.add(fci.name)
        yield fci
        if fci.name == name:
            return
    raise ProtocolError(f"SELECT: more than {_MOST_OCCURRENCES} applications begin with {name.hex().upper()}")


def _contactless(transaction: Transaction) -> list[Candidate]:
    """Take the directory in the answer to SELECT; a card without one is asked by name all the same."""
    try:
        fci = transaction.card.select(PPSE)
    except CardError as error:
        transaction.problem(f"no 2PAY.SYS.DDF01: {error}; a terminal would stop here", clause="Book B 3.3.2")
        return _by_list(transaction)
    transaction.say(f"directory 2PAY.SYS.DDF01 lists {len(fci.entries)} applications", clause="Book B 3.3.2")
    return list(_supported(transaction, fci.entries))
