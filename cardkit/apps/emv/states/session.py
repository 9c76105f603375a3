"""One payment card in a reader: the card it stands on does the writing; here its applications show what they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from cardkit.apps.emv.client import ApplicationCryptogram, EmvCard, PinAnswer, application_cryptogram
from cardkit.apps.emv.commands import Cryptogram, Ins, PinForm
from cardkit.apps.emv.dol import build_dol, dol_size
from cardkit.apps.emv.fci import Fci
from cardkit.apps.emv.prepare.application import card_keys
from cardkit.apps.emv.states.plan import CDOL_1, DDOL, DEFAULT_DDOL, PIN_COUNTER, CardPlan, FacePlan
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.apps.emv.template import open_template, primitives
from cardkit.apps.gp.states.session import GpSession
from cardkit.channel import Channel
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.pinblock import format_2
from cardkit.crypto.secret import Secret
from cardkit.desired import Challenge, Fact, Observations, Role, Step, Unmarked
from cardkit.errors import CardError, KeyStoreError, ProtocolError

NOTE = "payment"
"""Name of the note of a session: a mapping of :class:`SeenFace` by place."""

UNPREDICTABLE = b"\x9f\x37"
TTQ = bytes.fromhex("37800080")
"""EMV mode, contacts too, any cardholder verification; an online cryptogram, with a signature all the same (fDDA 1)."""
_UN_BYTES = 4
CRYPTOGRAM = b"\x9f\x26"
_RECORD, _PAN, _PSN = 0x70, b"\x5a", b"\x5f\x34"
_ENTRY = 4


@dataclass(slots=True)
class SeenFace:
    """What one side of an application showed.

    :ivar terminal: values a terminal would have, by tag: what went into the data sent.
    :ivar pdol_data, ddol_data, cdol_data: as sent.  :ivar pin: None where it was not presented.
    :ivar atc: counter of the transaction, as the cryptogram says.  :ivar troubles: what went wrong, by step.
    """

    fci: bytes | None = None
    answer: Mapping[bytes, bytes] | None = field(default=None, repr=False)
    records: dict[tuple[int, int], bytes] = field(repr=False, default_factory=dict)
    data: dict[bytes, bytes] = field(repr=False, default_factory=dict)
    terminal: dict[bytes, bytes] = field(repr=False, default_factory=dict)
    pdol_data: bytes = field(default=b"", repr=False)
    ddol_data: bytes = field(default=b"", repr=False)
    cdol_data: bytes = field(default=b"", repr=False)
    sdad: bytes | None = None
    cryptogram: ApplicationCryptogram | None = None
    pin: PinAnswer | None = None
    troubles: dict[str, str] = field(default_factory=dict)


class PaymentSession:
    """A powered card.

    :param card: what it must show; None where that is not known: to identify it.
    :param gp: session on the card below.  :param challenge: source of unpredictable numbers.
    """

    def __init__(
        self,
        product: PaymentProduct,
        card: CardPlan | None,
        gp: GpSession,
        channel: Channel,
        challenge: Challenge | None,
    ) -> None:
        self._product = product
        self._card = card
        self._gp = gp
        self._emv = EmvCard(channel)
        self._challenge = challenge
        self._strict = True
        self._lost = False
        self._current: Step | None = None
        self._handlers: dict[int, Callable[[Step, FacePlan, SeenFace], None]] = {
            Ins.GET_DATA: self._data,
            Ins.GET_PROCESSING_OPTIONS: self._begin,
            Ins.READ_RECORD: self._record,
            Ins.INTERNAL_AUTHENTICATE: self._sign,
            Ins.VERIFY: self._present,
            Ins.GENERATE_AC: self._cryptogram,
        }

    @property
    def seen(self) -> Observations:
        """What was seen since the last reset."""
        return self._gp.seen

    @property
    def current(self) -> Step | None:
        """The step under way."""
        return self._current or self._gp.current

    @property
    def _faces(self) -> Mapping[str, FacePlan]:
        return self._card.faces if self._card is not None else {}

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order: those of the card below, and those of its applications.

        :param strict: the first wrong answer raises; else it is kept, and what hangs on it is left out.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        self._strict = strict
        for ours, stretch in groupby(steps, lambda step: step.place in self._faces):
            if not ours:
                self._current = None
                self._gp.run(stretch, strict=strict)
                continue
            for step in stretch:
                self._current = step
                self._look(step)

    def restarted(self) -> None:
        """The card was reset."""
        self._gp.restarted()
        self._current = None
        self._lost = False

    def identity(self) -> tuple[str, bytes | Unmarked | None]:
        """Return the chip's number, and whether it is as delivered."""
        return self._gp.identity()

    def number(self) -> str:
        """Read PAN and sequence number of the first application, after a reset; its transaction counter goes up.

        :raises CardError: when the card does not give it.
        """
        return _number(self._emv, bytes.fromhex(self._product.block.applications[0].aid))

    def identities(self) -> dict[str, str]:
        """Return the numbers no other card may have."""
        return self._gp.identities()

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are derived from PAN and sequence number, and those of the card below, by role."""
        found = self._gp.own_keys()
        if self._card is not None:
            for payment in self._product.block.applications:
                keys = card_keys(payment.keys, self._card.holder)
                found |= {f"{payment.aid} {key.reference}": key for key in keys}
        return found

    def facts(self) -> tuple[Fact, ...]:
        """Return what only the card knew, with the transaction counters of its applications."""
        counters = {
            f"ATC {place}": str(face.cryptogram.atc)
            for place, face in self._notes.items()
            if face.cryptogram is not None
        }
        return (*self._gp.facts(), *(Fact(name, value) for name, value in counters.items()))

    def mistreat(self) -> None:
        """Do to a sample what no card that leaves should bear."""
        self._gp.mistreat()

    def unmet(self) -> tuple[str, ...]:
        """Look at a begun card: names of the states that do not hold."""
        return self._gp.unmet()

    def seal_again(self) -> None:
        """Seal from where sealing stopped."""
        self._gp.seal_again()

    # Looking

    @property
    def _notes(self) -> dict[str, SeenFace]:
        found: dict[str, SeenFace] = self.seen.notes.setdefault(NOTE, {})
        return found

    def _look(self, step: Step) -> None:
        face = self._faces[step.place]
        seen = self._notes.setdefault(step.place, SeenFace())
        try:
            if step.role is Role.ENTER:
                self._lost = True
                self._select(face, seen)
                self._lost = False
            elif not self._lost:
                self._handlers[step.command.ins](step, face, seen)
        except CardError as error:
            if self._strict:
                raise
            seen.troubles[step.serves] = str(error)

    def _select(self, face: FacePlan, seen: SeenFace) -> None:
        fci: Fci = self._emv.select(face.aid)
        seen.fci = fci.raw

    def _data(self, step: Step, face: FacePlan, seen: SeenFace) -> None:  # noqa: ARG002
        tag = bytes((step.command.p1, step.command.p2)).lstrip(b"\0")
        seen.data[tag] = self._emv.get_data(tag)

    def _begin(self, step: Step, face: FacePlan, seen: SeenFace) -> None:
        seen.terminal = self._terminal(face)
        seen.pdol_data = build_dol(face.pdol, seen.terminal)
        answer = self._emv.get_processing_options(seen.pdol_data).answer
        seen.answer = answer.values
        if CRYPTOGRAM in answer.values:
            seen.cryptogram = application_cryptogram(answer, step.serves)

    def _record(self, step: Step, face: FacePlan, seen: SeenFace) -> None:
        sfi, number = step.command.p2 >> 3, step.command.p1
        seen.records[sfi, number] = self._emv.read_record(sfi, number)
        self.seen.bodies[f"face {face.place}"] = b"".join(seen.records.values())

    def _sign(self, step: Step, face: FacePlan, seen: SeenFace) -> None:  # noqa: ARG002
        seen.terminal |= {UNPREDICTABLE: self._unpredictable()}
        seen.ddol_data = build_dol(face.objects.get(DDOL, DEFAULT_DDOL), seen.terminal)
        seen.sdad = self._emv.internal_authenticate(seen.ddol_data)

    def _present(self, step: Step, face: FacePlan, seen: SeenFace) -> None:  # noqa: ARG002
        """Present the PIN once, to a card that has the record's PAN, if its counter is full."""
        pin = self._card.holder.pin if self._card is not None else None
        if not isinstance(pin, Secret) or seen.data.get(PIN_COUNTER) != face.data[PIN_COUNTER]:
            raise ProtocolError("the PIN try counter is not full: the PIN was not presented")
        if _objects(seen.records.values()).get(_PAN, b"") != face.objects.get(_PAN):
            raise ProtocolError("not the card of this record: the PIN was not presented")
        seen.pin = self._emv.verify(PinForm.PLAINTEXT, format_2(pin))

    def _cryptogram(self, step: Step, face: FacePlan, seen: SeenFace) -> None:  # noqa: ARG002
        seen.terminal |= {UNPREDICTABLE: self._unpredictable()}
        seen.cdol_data = build_dol(face.objects[CDOL_1], seen.terminal)
        seen.cryptogram = self._emv.generate_ac(Cryptogram.AAC, seen.cdol_data, cda=face.combines)

    def _terminal(self, face: FacePlan) -> dict[bytes, bytes]:
        """Return what a terminal of the card's own country says of a small purchase; all else is zeros."""
        objects = face.objects
        return {
            b"\x9f\x02": bytes.fromhex("000000000100"),
            b"\x9f\x1a": objects.get(b"\x5f\x28", bytes(2)),
            b"\x5f\x2a": objects.get(b"\x9f\x42", bytes(2)),
            b"\x9f\x35": b"\x22",
            b"\x9f\x66": TTQ,
            UNPREDICTABLE: self._unpredictable(),
        }

    def _unpredictable(self) -> bytes:
        if self._challenge is None:
            raise KeyStoreError("a card proves its keys over a fresh number: no source of one was given")
        return self._challenge(_UN_BYTES)


def _objects(records: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the data objects of records by tag.  :raises ProtocolError: when one cannot be read."""
    found: dict[bytes, bytes] = {}
    for body in records:
        found |= primitives(open_template(body, _RECORD, "record"), "record")
    return found


def _number(card: EmvCard, aid: bytes) -> str:
    fci = card.select(aid)
    afl = card.get_processing_options(bytes(dol_size(fci.pdol))).afl
    found: dict[bytes, bytes] = {}
    for start in range(0, len(afl) // _ENTRY * _ENTRY, _ENTRY):
        sfi, first, last, _ = afl[start : start + _ENTRY]
        for number in range(first, last + 1):
            found |= _objects((card.read_record(sfi >> 3, number),))
            if {_PAN, _PSN} <= set(found):
                return f"{found[_PAN].hex().upper().rstrip('F')}|{found[_PSN].hex()}"
    raise ProtocolError("records of the AFL: neither hold both PAN (5A) and PAN sequence number (5F34)")
