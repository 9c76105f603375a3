"""One picture of a payment card for the rules: every answer as it came, well formed or not.

What nobody looked at is None or missing: a rule says then that it was not checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from cardkit.apps.emv.afl import LARGEST_SFI, AflEntry
from cardkit.apps.emv.fci import Fci
from cardkit.apps.emv.tags import tag_bytes
from cardkit.apps.emv.template import parse_objects
from cardkit.apps.emv.values import pan_of
from cardkit.encoding.tlv import BerTlv, Tlv
from cardkit.errors import EncodingError, ProtocolError

OK, BLOCKED = 0x9000, 0x6283
CONTACT, CONTACTLESS = "contact", "contactless"
AIP, AFL = b"\x82", b"\x94"
RECORD, FORMAT_1, FORMAT_2 = 0x70, 0x80, 0x77
LAST_EMV_SFI = 10
_AIP_BYTES, _ENTRY_BYTES = 2, 4
_SFIS = range(1, LARGEST_SFI + 1)
_TTQ = b"\x9f\x66"

RecordId = tuple[int, int]
"""SFI and record number."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a card answered.

    :ivar ms: how long it took, in milliseconds; None where nobody measured.
    """

    data: bytes = field(repr=False)
    sw: int = OK
    ms: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the command was done."""
        return self.sw == OK


@dataclass(frozen=True, slots=True)
class Signed:
    """A dynamic signature that was asked for: the data of the DDOL as sent, and the answer."""

    sent: bytes = field(repr=False)
    reply: Reply


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """A first GENERATE AC that asked for an AAC.

    :ivar sent: data of the CDOL1.  :ivar combined: whether a signature was asked for, too.
    :ivar unpredictable: tag 9F37 as sent.
    """

    sent: bytes = field(repr=False)
    combined: bool
    unpredictable: bytes
    reply: Reply


@dataclass(frozen=True, slots=True)
class Code:
    """A dynamic code of mag-stripe mode that was asked for: the data of the UDOL as sent, and the answer."""

    sent: bytes = field(repr=False)
    reply: Reply


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What only a sample card may suffer; None where it was not tried.

    :ivar right_answer, wrong_answer: whether the card believed the issuer's right authentication, and a wrong one.
    :ivar right_script, wrong_script: whether it did a script with a right MAC, and with a wrong one.
    :ivar pin: whether it took the issued PIN.  :ivar tries_after: its counter then.
    """

    right_answer: bool | None = None
    wrong_answer: bool | None = None
    right_script: bool | None = None
    wrong_script: bool | None = None
    pin: bool | None = None
    tries_after: int | None = None


@dataclass(frozen=True, repr=False, eq=False)
class Side:
    """One application through one interface; its holder's data stay out of its ``repr``.

    :param aid: as asked for.  :param fci: answer to SELECT.  :param data: answers to GET DATA, by tag.
    :param records: answers to READ RECORD, those that found nothing included; files were read to their ends.
    :param scanned: whether all files were looked through.
    :param options: answer to GET PROCESSING OPTIONS, and ``pdol_data`` what was sent.
    :param mislengthed: answer to one with data of a wrong length.
    :param atc: transaction counter before and after the right one.
    :param signatures: of INTERNAL AUTHENTICATE.  :param stored: answer to STORE DATA outside a session.
    :param masked: tags whose value somebody has hidden.
    :param terminal: values sent in answer to lists, by tag.
    """

    interface: str
    aid: bytes
    fci: Reply
    data: Mapping[bytes, bytes] | None = None
    records: Mapping[RecordId, Reply] = field(default_factory=dict)
    scanned: bool = False
    options: Reply | None = None
    pdol_data: bytes = b""
    mislengthed: int | None = None
    atc: tuple[int, int] | None = None
    signatures: tuple[Signed, ...] | None = None
    cryptogram: Cryptogram | None = None
    code: Code | None = None
    stored: int | None = None
    destroyed: Destroyed | None = None
    masked: frozenset[bytes] = frozenset()
    terminal: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """AID and interface: ``F0434B49540101 contact``."""
        return f"{self.aid.hex().upper()} {self.interface}"

    # SELECT

    @cached_property
    def selected(self) -> Fci | None:
        """The FCI, None where the answer is none."""
        return read_fci(self.fci)

    @property
    def fci_values(self) -> Mapping[bytes, bytes]:
        """Data objects of the FCI, by tag."""
        return self.selected.values if self.selected else {}

    @property
    def pdol(self) -> bytes:
        """What the card asks for before it begins; empty where it asks for nothing."""
        return self.fci_values.get(b"\x9f\x38", b"")

    @property
    def decides_at_once(self) -> bool:
        """Whether the cryptogram comes with GPO, as of kernel 3 and its kin: the card asks for qualifiers (9F66)."""
        return self.interface == CONTACTLESS and _TTQ in self.pdol

    # GET PROCESSING OPTIONS

    @cached_property
    def answered(self) -> tuple[tuple[bytes, bytes], ...]:
        """Data objects of the answer to GPO in order; nothing where it is none."""
        if self.options is None or not self.options.ok:
            return ()
        items = objects_of(self.options.data)
        if len(items) != 1 or items[0].tag not in (FORMAT_1, FORMAT_2):
            return ()
        (template,) = items
        if template.tag == FORMAT_1:
            return ((AIP, template.value[:_AIP_BYTES]), (AFL, template.value[_AIP_BYTES:]))
        return tuple((tag_bytes(item.tag), item.value) for item in objects_of(template.value))

    @cached_property
    def answer(self) -> Mapping[bytes, bytes]:
        """The same by tag, the first of a kind."""
        return first_of_each(self.answered)

    @property
    def aip(self) -> bytes:
        """Application interchange profile; empty where the card gave none."""
        return self.answer.get(AIP, b"")

    @property
    def afl(self) -> bytes:
        """Application file locator, as it came; empty where the card gave none."""
        return self.answer.get(AFL, b"")

    @cached_property
    def entries(self) -> tuple[AflEntry, ...]:
        """The entries of the AFL that name records; one that counts more signed records than it has signs none."""
        afl = self.afl
        coded = (afl[start : start + _ENTRY_BYTES] for start in range(0, len(afl) - _ENTRY_BYTES + 1, _ENTRY_BYTES))
        return tuple(
            AflEntry(sfi >> 3, first, last, signed if signed <= last - first + 1 else 0)
            for sfi, first, last, signed in coded
            if sfi >> 3 in _SFIS and 1 <= first <= last
        )

    @cached_property
    def listed(self) -> Mapping[RecordId, bool]:
        """Records of the AFL in its order, and whether each is signed."""
        return {(each.sfi, number): signed for each in self.entries for number, signed in each.records()}

    # Records

    @cached_property
    def read(self) -> Mapping[RecordId, bytes]:
        """Records that were read: those of the AFL in its order; where there is none, all that were found."""
        names = self.listed if self.options is not None else self.records
        return {name: self.records[name].data for name in names if name in self.records and self.records[name].ok}

    @cached_property
    def by_record(self) -> Mapping[RecordId, Mapping[bytes, bytes]]:
        """Primitive data objects by record; of a file beyond SFI 10 that holds none, nothing."""
        return {name: first_of_each(contents(body)) for name, body in self.read.items()}

    @cached_property
    def counted(self) -> Counter[bytes]:
        """How often each primitive data object is in the records."""
        return Counter(tag for body in self.read.values() for tag, _ in contents(body))

    @cached_property
    def objects(self) -> Mapping[bytes, bytes]:
        """What the card says of itself to a terminal: data objects of records and of the answer to GPO, by tag."""
        return first_of_each(item for values in (*self.by_record.values(), self.answer) for item in values.items())

    @property
    def signed_records(self) -> tuple[tuple[int, bytes], ...]:
        """SFI and body of those that take part in offline data authentication, in order."""
        return tuple((name[0], self.read[name]) for name, signed in self.listed.items() if signed and name in self.read)

    def get(self, tag: str) -> bytes | None:
        """Return a data object of records or answer.  :param tag: in hexadecimal digits."""
        return self.objects.get(bytes.fromhex(tag))

    def supports(self, mask: int) -> bool:
        """Whether bits of the first byte of the AIP are set."""
        return bool(self.aip) and self.aip[0] & mask == mask

    @property
    def pan(self) -> str:
        """Digits of the PAN; empty where there is none."""
        return pan_of(self.objects)


@dataclass(frozen=True, repr=False, eq=False)
class CardPicture:
    """All of one card.

    :param name: what to call it among its siblings.  :param atr: empty where nobody saw it.
    :param pse, ppse: answers to SELECT of the directories; None where nobody tried.
    :param pse_records: of the contact directory, those that found nothing included.
    :param sides: applications by interface, in the order of the directories.
    :param missing: AIDs a directory lists, with the status word of SELECT that failed.
    :param cplc: data of 9F7F of the card; None where nobody read it, empty where there is none.
    """

    name: str = "card"
    atr: bytes = b""
    pse: Reply | None = None
    ppse: Reply | None = None
    pse_records: Mapping[int, Reply] = field(default_factory=dict)
    sides: tuple[Side, ...] = ()
    missing: Mapping[bytes, int] = field(default_factory=dict)
    cplc: bytes | None = None


def read_fci(reply: Reply | None) -> Fci | None:
    """Read an answer to SELECT, whatever is behind the template; None where it is no FCI."""
    if reply is None or reply.sw not in (OK, BLOCKED):
        return None
    items = objects_of(reply.data)
    try:
        return Fci.parse(items[0].build() if items else b"", blocked=reply.sw == BLOCKED)
    except ProtocolError:
        return None


def objects_of(data: bytes) -> tuple[Tlv, ...]:
    """Read data objects; where something behind the first cannot be read, the first alone; nothing where it cannot."""
    try:
        return parse_objects(data)
    except EncodingError:
        pass
    try:
        return (BerTlv.parse(data.lstrip(b"\0")),)
    except EncodingError:
        return ()


def is_readable(data: bytes) -> bool:
    """Whether data objects can be read to their end."""
    try:
        parse_objects(data)
    except EncodingError:
        return False
    return True


def first_of_each(objects: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return data objects by tag, in order; the first of a kind counts."""
    found: dict[bytes, bytes] = {}
    for tag, value in objects:
        found.setdefault(tag, value)
    return found


def contents(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the primitive data objects of a record in order, those within templates included."""
    for item in objects_of(body):
        if item.constructed:
            yield from contents(item.value)
        else:
            yield tag_bytes(item.tag), item.value
