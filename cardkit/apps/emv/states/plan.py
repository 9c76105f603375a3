"""One card: what each of its applications and directories has to show, and the commands that make them show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.emv import commands
from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.commands import Cryptogram, PinForm
from cardkit.apps.emv.dol import dol_size
from cardkit.apps.emv.prepare.checking import PreparedFace, faces_of, icc_key
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.schema import PaymentBlock
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.apps.emv.template import open_template, primitives
from cardkit.crypto import Secret
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.desired import Access, AfterUnknown, Phase, Role, Seen, State, Step

DEFAULT_DDOL = bytes.fromhex("9F3704")
CDOL_1, DDOL, PDOL, CVM_LIST, PIN_COUNTER = b"\x8c", b"\x9f\x49", b"\x9f\x38", b"\x8e", b"\x9f\x17"
CARD_DATA, SDAD = b"\x9f\x69", b"\x9f\x4b"
FILLED_IN = frozenset((CARD_DATA, SDAD))
"""Data objects of records that the card fills in when it is read (kernel 3, unverified)."""
_DDA, _CDA = 0x20, 0x01
_PLAIN_PIN = frozenset((0x01, 0x03))
_METHOD = 0x3F
_CVM_RULES_AT = 8
_RID_BYTES = 5
_PROPRIETARY = 0xA5


@dataclass(frozen=True, slots=True)
class FacePlan:
    """One side of one application, or a directory.

    :param place: its name, and the place of its steps.  :param payment: None for a directory.
    :param fci: template A5.  :param answer: data objects of the answer to GPO; empty for a directory.
    :param data: what GET DATA must give, by tag.  :param key: the card's public key, None where it has none.
    :param pin_known: whether the order has the PIN in clear: only then can it be presented.
    """

    place: str
    aid: bytes
    payment: PaymentBlock | None
    fci: bytes
    answer: Mapping[bytes, bytes] = field(repr=False)
    records: tuple[tuple[int, int, bytes], ...] = field(repr=False)
    objects: Mapping[bytes, bytes] = field(repr=False)
    data: Mapping[bytes, bytes]
    key: RsaPublicKey | None
    pin_known: bool = False

    @property
    def aip(self) -> bytes:
        """Application interchange profile; two bytes 00 for a directory."""
        return self.answer.get(b"\x82", bytes(2))

    @property
    def pdol(self) -> bytes:
        """What the card asks for before it begins."""
        inside = primitives(open_template(self.fci, _PROPRIETARY, "FCI"), "FCI")
        return inside.get(PDOL, b"")

    @property
    def signs_fast(self) -> bool:
        """Whether its records hold a signature over the cryptogram that came with GPO (fDDA)."""
        return self.key is not None and CARD_DATA in self.objects

    @property
    def signs(self) -> bool:
        """Whether it signs what INTERNAL AUTHENTICATE brings (AIP 1.6)."""
        return self.key is not None and CDOL_1 in self.objects and bool(self.aip[0] & _DDA)

    @property
    def combines(self) -> bool:
        """Whether it signs its cryptogram (AIP 1.1)."""
        return self.key is not None and bool(self.aip[0] & _CDA)

    @property
    def takes_plain_pin(self) -> bool:
        """Whether its CVM list lets a terminal send the PIN in clear (EMV 4.4 Book 3, C3)."""
        rules = self.objects.get(CVM_LIST, b"")[_CVM_RULES_AT::2]
        return PIN_COUNTER in self.data and any(code & _METHOD in _PLAIN_PIN for code in rules)


@dataclass(frozen=True, slots=True)
class CardPlan:
    """One card.

    :param pin: its block format 2, None where there is none.  :param faces: by place.
    """

    holder: Holder = field(repr=False)
    data: Mapping[bytes, ApplicationData] = field(repr=False)
    faces: Mapping[str, FacePlan] = field(repr=False)
    steps: tuple[Step, ...]
    states: tuple[State, ...]


def plan_card(product: PaymentProduct, holder: Holder, data: Mapping[bytes, ApplicationData]) -> CardPlan:
    """Plan how a card is looked at.

    :param data: prepared, by AID.
    :raises EncodingError: when prepared data cannot be read as a terminal reads them.
    """
    faces = {face.place: face for face in _faces(product, holder, data)}
    steps = tuple(step for face in faces.values() for step in _steps(face))
    return CardPlan(holder, data, faces, steps, tuple(_state(face) for face in faces.values()))


def _faces(product: PaymentProduct, holder: Holder, data: Mapping[bytes, ApplicationData]) -> Iterator[FacePlan]:
    """Yield them in the order they are looked at: with a contactless directory, cards change to that side."""
    names, looks = product.chip.groupings, product.chip.contactless_after_ppse
    contact = [(aid, "contact") for aid in product.aids if aid != PPSE]
    contactless = [(aid, "contactless") for aid in product.aids if aid != PSE]
    for aid, side in (*contact, *(contactless if looks else ())):
        payment = product.application(aid)
        if payment is None:
            records = tuple(sorted(data[aid].records()))
            fci = data[aid].grouping(names.fci)
            yield FacePlan(aid.decode("ascii"), aid, None, fci, {}, records, {}, {}, None)
            continue
        for face in faces_of(data[aid], names):
            if face.name == side:
                yield _application_face(product, payment, holder, data[aid], face)


def _application_face(
    product: PaymentProduct, payment: PaymentBlock, holder: Holder, data: ApplicationData, face: PreparedFace
) -> FacePlan:
    issuer = product.issuers.get(data.aid[:_RID_BYTES])
    shown = {bytes.fromhex(tag): data.grouping(tag) for tag in payment.data}
    if holder.pin is not None:
        shown[PIN_COUNTER] = bytes((payment.pin_tries,))
    return FacePlan(
        f"{data.aid.hex().upper()} {face.name}",
        data.aid,
        payment,
        face.fci,
        face.answer,
        face.records,
        face.objects,
        shown,
        icc_key(face, holder, issuer) if issuer is not None else None,
        isinstance(holder.pin, Secret),
    )


def _steps(face: FacePlan) -> Iterator[Step]:
    yield _step(face, Role.ENTER, f"FCI of {face.place}", commands.select(face.aid), len(face.fci))
    if face.payment is None:
        yield from _record_steps(face)
        return
    for tag, value in face.data.items():
        yield _step(face, Role.READ, f"{tag.hex().upper()} of {face.place}", commands.get_data(tag), len(value))
    pdol = dol_size(face.pdol)
    options = commands.get_processing_options(bytes(pdol))
    yield _step(face, Role.QUERY, f"GPO of {face.place}", options, _size(face.answer))
    yield from _record_steps(face)
    yield from _proofs(face)


def _record_steps(face: FacePlan) -> Iterator[Step]:
    for sfi, number, body in face.records:
        name = f"record {sfi}/{number} of {face.place}"
        yield _step(face, Role.READ, name, commands.read_record(sfi, number), len(body))


def _proofs(face: FacePlan) -> Iterator[Step]:
    """Yield what proves keys: signatures, the PIN, and a cryptogram that declines: no transaction stays open."""
    size = face.key.size if face.key is not None else 0
    if face.signs:
        data = bytes(dol_size(face.objects.get(DDOL, DEFAULT_DDOL)))
        command = commands.internal_authenticate(data)
        yield _step(face, Role.PROVE, f"DDA of {face.place}", command, size)
    if face.takes_plain_pin and face.pin_known:
        command = commands.verify(PinForm.PLAINTEXT, Secret(bytes(8), "PIN"))
        yield _step(face, Role.PRESENT, f"PIN of {face.place}", command, 0)
    if CDOL_1 in face.objects:
        data = bytes(dol_size(face.objects[CDOL_1]))
        command = commands.generate_ac(Cryptogram.AAC, data, cda=face.combines)
        yield _step(face, Role.PROVE, f"cryptogram of {face.place}", command, size)


def _size(objects: Mapping[bytes, bytes]) -> int:
    return sum(len(tag) + 1 + len(value) for tag, value in objects.items())


def pin_access(face: FacePlan) -> Access:
    """Return the right an application's PIN gives."""
    return Access("PIN", int(PinForm.PLAINTEXT), face.data[PIN_COUNTER][0], face.aid.hex().upper())


def _step(face: FacePlan, role: Role, serves: str, command: CommandAPDU, answer: int) -> Step:
    access = pin_access(face) if role is Role.PRESENT else None
    return Step(Phase.VERIFY, role, serves, face.place, command, access=access, nc=command.nc, answer=answer)


def _state(face: FacePlan) -> State:
    """Return the state that says what a side shows; it is made true with the application's data."""
    name = f"face {face.place}"
    return State(
        name,
        f"{face.place}: {len(face.records)} records, {len(face.data)} data objects",
        Phase.WRITE,
        "PERSO-010",
        Seen.READ,
        AfterUnknown.RESTART_GROUP,
        reversible=False,
        group=f"application {face.aid.hex().upper()}",
        varies=face.payment is not None,
    )
