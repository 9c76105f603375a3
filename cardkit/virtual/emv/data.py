"""What one payment application keeps: its cells `app/AID/NAME`, read and written through the journal.

state           01 personalized, 02 blocked     record/SSRR     a record
dgi/TAG         a data grouping as it came      internal/TAG    an object of DGI 0D01, contactless/TAG of 0E01
atc, online     ATC and tag 9F13                pin, tries      PIN block; tries left and their limit
risk            see Risk                        log             transaction log, newest record first
file/SS         bytes that the records of an SFI may take
"""

from dataclasses import dataclass, replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import cells
from ..gp.journal import Journal
from . import dol, objects, rsa

INSTALLED, PERSONALIZED, BLOCKED = b"", b"\x01", b"\x02"
INTERNAL, CONTACTLESS = "internal", "contactless"
LARGEST_AMOUNT: Final = 10**12 - 1  # of 12 digits

_ATC_SIZE: Final = 2
_KEY_SIZE: Final = 16
_INCOMPLETE, _ONLINE_NEXT, _AUTHENTICATION_FAILED, _SCRIPT_FAILED = 1, 2, 4, 8
TEMPLATE_FILES: Final = range(1, 11)  # SFIs whose records are templates 70
_RECORD_TEMPLATE: Final = 0x70
_LONGEST_RECORD: Final = 256


@dataclass(frozen=True, slots=True)
class Risk:
    """What card risk management remembers from one transaction to the next.

    :ivar incomplete: the last online transaction ended before its second cryptogram.
    :ivar online_next: the issuer wants the next transaction online.
    :ivar failed: issuer authentication failed in the last online transaction.
    :ivar scripts: script commands done in the last transaction that brought any.
    :ivar script_failed: one of them failed.
    :ivar count: consecutive offline transactions.  :ivar amount: their sum.
    """

    incomplete: bool = False
    online_next: bool = False
    failed: bool = False
    scripts: int = 0
    script_failed: bool = False
    count: int = 0
    amount: int = 0

    def counting(self, amount: int) -> "Risk":
        """After one more offline transaction; counters stop at their highest values."""
        return replace(self, count=min(self.count + 1, 0xFF), amount=min(self.amount + amount, LARGEST_AMOUNT))

    def encode(self) -> bytes:
        """The body of its cell: flags 1, scripts 1, count 1, amount 6."""
        flags = (
            self.incomplete * _INCOMPLETE
            | self.online_next * _ONLINE_NEXT
            | self.failed * _AUTHENTICATION_FAILED
            | self.script_failed * _SCRIPT_FAILED
        )
        return bytes((flags, min(self.scripts, 15), min(self.count, 0xFF))) + self.amount.to_bytes(6, "big")


def _decode_risk(cell: bytes) -> Risk:
    if not cell:
        return Risk()
    flags = cell[0]
    return Risk(
        incomplete=bool(flags & _INCOMPLETE),
        online_next=bool(flags & _ONLINE_NEXT),
        failed=bool(flags & _AUTHENTICATION_FAILED),
        scripts=cell[1],
        script_failed=bool(flags & _SCRIPT_FAILED),
        count=cell[2],
        amount=int.from_bytes(cell[3:], "big"),
    )


@dataclass(frozen=True, slots=True)
class KeyGroupings:
    """The data groupings a private key comes in.

    :ivar crt: q^-1 mod p, d mod (q-1), d mod (p-1), q, p.  :ivar plain: exponent and modulus instead.
    """

    crt: range
    plain: tuple[int, int]


ICC_KEY: Final = KeyGroupings(range(0x8201, 0x8206), (0x8101, 0x8103))
PIN_KEY: Final = KeyGroupings(range(0x8301, 0x8306), (0x8102, 0x8104))


class CardData:
    """The data of one payment application."""

    def __init__(self, journal: Journal, aid: bytes) -> None:
        self._journal = journal
        self.aid = aid

    def get(self, name: str) -> bytes:
        """A cell, empty when there is none."""
        return self._journal.get(cells.application(self.aid, name))

    def put(self, name: str, value: bytes) -> None:
        """Change a cell when the command succeeds."""
        self._journal.put(cells.application(self.aid, name), value)

    def put_now(self, name: str, value: bytes) -> None:
        """Change a cell at once, whatever becomes of the command."""
        self._journal.put_now(cells.application(self.aid, name), value)

    def names(self, folder: str) -> tuple[str, ...]:
        """Names below a folder of cells, without it."""
        prefix = cells.application(self.aid, f"{folder}/")
        return tuple(name.removeprefix(prefix) for name in self._journal.names(prefix))

    @property
    def state(self) -> bytes:
        """INSTALLED, PERSONALIZED or BLOCKED."""
        return self.get("state")

    def dgi(self, tag: int) -> bytes:
        """A data grouping, empty when it did not come."""
        return self.get(f"dgi/{tag:04X}")

    def parameter(self, folder: str, tag: int) -> bytes:
        """A tag of the internal data, empty when it did not come."""
        return self.get(f"{folder}/{tag:04X}")

    def record(self, sfi: int, number: int) -> bytes:
        """A record, empty when there is none."""
        return self.get(f"record/{sfi:02X}{number:02X}")

    def has_file(self, sfi: int) -> bool:
        """Is there any record under an SFI?"""
        return any(name.startswith(f"{sfi:02X}") for name in self.names("record"))

    # Counters

    @property
    def atc(self) -> bytes:
        """The application transaction counter, 2 bytes."""
        return self.get("atc") or bytes(_ATC_SIZE)

    def count_transaction(self) -> None:
        """Move the counter on.

        :raises StatusWordError: 6985 at its end.
        """
        atc = int.from_bytes(self.atc, "big")
        if atc >= 0xFFFF:
            raise StatusWordError(sw.CONDITIONS)
        self.put("atc", (atc + 1).to_bytes(_ATC_SIZE, "big"))

    @property
    def last_online(self) -> bytes:
        """Tag 9F13: the counter at the last online transaction with issuer authentication."""
        return self.get("online") or bytes(_ATC_SIZE)

    @property
    def risk(self) -> Risk:
        """What risk management remembers."""
        return _decode_risk(self.get("risk"))

    @risk.setter
    def risk(self, risk: Risk) -> None:
        self.put("risk", risk.encode())

    @property
    def tries(self) -> int:
        """PIN tries left; 0 also without a PIN."""
        return (self.get("tries") or bytes(1))[0]

    @property
    def pin_blocked(self) -> bool:
        """Is there a PIN, and no try left?"""
        return bool(self.get("tries")) and not self.tries

    # Keys

    def master_key(self, index: int) -> bytes:
        """A key of DGI 8000: 0 cryptograms, 1 script integrity, 2 script confidentiality, 3 dynamic numbers, 4 CVC3.

        :returns: 16 bytes; nothing when there is none.
        """
        return self.dgi(0x8000)[index * _KEY_SIZE : (index + 1) * _KEY_SIZE]

    def rsa_key(self, groupings: KeyGroupings = ICC_KEY) -> rsa.PrivateKey | None:
        """A private key, if it came.

        :raises StatusWordError: 6A80 when its components do not belong together.
        """
        inverse, *others = (self.dgi(tag) for tag in groupings.crt)
        if inverse and all(others):
            return rsa.from_crt((inverse[: len(others[-1])], *others))  # the padding of an inverse goes only here
        exponent, modulus = (self.dgi(tag) for tag in groupings.plain)
        return rsa.from_exponent(exponent, modulus) if exponent and modulus else None

    # What an interface shows

    def fci(self, *, contactless: bool) -> bytes:
        """The contents of the FCI proprietary template."""
        return (self.dgi(0x9103) if contactless else b"") or self.dgi(0x9102)

    def pdol(self, *, contactless: bool) -> bytes:
        """The list of GET PROCESSING OPTIONS, empty without one."""
        return objects.find(self.fci(contactless=contactless), 0x9F38) or b""

    def options(self, *, contactless: bool) -> dict[int, bytes]:
        """The objects for GET PROCESSING OPTIONS: AIP, AFL and more; none for an interface that the card has not."""
        return objects.unique((self.dgi(0xB104) if contactless else b"") or self.dgi(0x9104))

    def in_records(self, afl: bytes, tag: int) -> bytes:
        """A data object from the records an AFL names, empty when it is in none."""
        for sfi, number in records_of(afl):
            record = self.record(sfi, number) if sfi in TEMPLATE_FILES else b""
            found = objects.find(record, tag) if record else None
            if found is not None:
                return found
        return b""

    def ddol(self, afl: bytes) -> bytes:
        """The list of INTERNAL AUTHENTICATE."""
        return self.in_records(afl, 0x9F49) or dol.DEFAULT_DDOL


def records_of(afl: bytes) -> list[tuple[int, int]]:
    """SFI and number of the records an application file locator names, in its order (EMV Book 3, 10.2).

    :raises StatusWordError: 6A80 for one that is none.
    """
    found = []
    if not afl or len(afl) % 4:
        raise StatusWordError(sw.WRONG_DATA)
    for at in range(0, len(afl), 4):
        sfi, first, last, signed = afl[at : at + 4]
        if sfi & 7 or not 1 <= sfi >> 3 <= 30 or not 1 <= first <= last or signed > last - first + 1:
            raise StatusWordError(sw.WRONG_DATA)
        found += [(sfi >> 3, number) for number in range(first, last + 1)]
    return found


def check_record(sfi: int, value: bytes) -> None:
    """Refuse a record that cannot stand in its file: one whole template 70 in SFI 1 to 10, anything elsewhere.

    :raises StatusWordError: 6A80, also for more bytes than one READ RECORD shows.
    """
    if not 1 <= len(value) <= _LONGEST_RECORD:
        raise StatusWordError(sw.WRONG_DATA)
    if sfi in TEMPLATE_FILES:
        found = objects.parse(value)
        if value[0] != _RECORD_TEMPLATE or len(found) != 1 or not value.endswith(found[0][1]):
            raise StatusWordError(sw.WRONG_DATA)
        objects.check(value)
