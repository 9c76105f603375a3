"""States and commands of one document: written through the driver, then read as a stranger reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.driver import (
    ACCESS,
    CAN,
    DOCUMENT,
    LOCK,
    MRZ,
    PLAIN,
    UNCOUNTED,
    read_commands,
    select_application,
    select_file,
)
from cardkit.apps.emrtd.prepare.document import CARD_SECURITY, SOD, TravelDocument
from cardkit.apps.emrtd.prepare.keys import ACTIVE, RsaChipKey, chip_name
from cardkit.apps.emrtd.states.product import DocumentProduct, is_public
from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.pki.cvc import Right
from cardkit.desired import Access, AfterUnknown, Part, Phase, Role, Seen, State, Step

MRZ_ACCESS, CAN_ACCESS = Access(MRZ, 1, UNCOUNTED), Access(CAN, 2, UNCOUNTED)
BY_BAC = "BAC"
INSIDE = " inside secure messaging"
"""What follows the name of a refused command that was sent in a session."""
WITHOUT_TERMINAL, WITHOUT_RIGHT = " without terminal authentication", " without the right"
"""What follows the name of a group that must stay closed."""
TERMINAL = "terminal authentication"
RIGHTS = {"EF.DG3": Right.FINGER, "EF.DG4": Right.IRIS}
"""What a terminal needs to read a group."""
_MF = 0x3F00
_TERMINAL_BYTES = 64
_SM_COMMAND_BYTES, _SM_ANSWER_BYTES = 13, 14
_CHALLENGE_BYTES = 8
_SIGNATURES = 3
_NUMBER_DIGITS = 20


@dataclass(frozen=True, slots=True)
class DocumentPlan:
    """One document on one chip.

    :param stranger: what a sealed card is asked first; :param survey: all a finished one shows.
    """

    product: DocumentProduct
    document: TravelDocument
    states: tuple[State, ...]
    parts: Mapping[Part, tuple[Step, ...]]
    survey: tuple[Step, ...]

    @property
    def number(self) -> str:
        """What names a locked chip to who knows its document: 10 bytes of the hash of EF.SOD, hexadecimal digits."""
        return hashlib.sha256(self.document.files[SOD]).hexdigest()[:_NUMBER_DIGITS].upper()


def plan_document(product: DocumentProduct, document: TravelDocument) -> DocumentPlan:
    """Plan one document.  :raises ProfileError: where it does not fit the chip."""
    product.check_size(document)
    driver = product.driver
    states = tuple(_states(product, document))
    names = frozenset(state.name for state in states)
    light = tuple(_stranger(product, document, [name for name in ("EF.CardAccess", SOD) if name in document.files]))
    parts = {
        Part.FENCE: driver.identify,
        Part.WRITE: driver.make(document, names),
        Part.CHECK: (*driver.open, *driver.look(document)),
        Part.SEAL: driver.lock,
        Part.STRANGER: light,
    }
    return DocumentPlan(product, document, states, parts, tuple(_stranger(product, document, list(document.files))))


def _states(product: DocumentProduct, document: TravelDocument) -> Iterator[State]:
    access = product.transport.access if product.transport is not None else None
    again = AfterUnknown.REWRITE
    for name in product.driver.made(document):
        yield State(name, name, Phase.WRITE, "EMRTD-092", Seen.READ, AfterUnknown.LOOK, access, reversible=False)
    for name, body in document.files.items():
        title = f"{name}, {len(body)} bytes"
        yield State(name, title, Phase.WRITE, "EMRTD-092", Seen.READ, again, access, varies=not is_public(name))
    for item in product.driver.key_objects(document):
        yield State(item.name, item.name, Phase.WRITE, item.rule, Seen.BEHAVE, again, access, varies=True)
    yield State(
        LOCK, "locked for good", Phase.SEAL, "EMRTD-090", Seen.BEHAVE, AfterUnknown.LOOK, access, reversible=False
    )


def _stranger(product: DocumentProduct, document: TravelDocument, names: list[str]) -> Iterator[Step]:
    """Yield what is asked of a locked card: writing is refused, passwords open it, keys prove it, files are read."""
    yield from product.driver.refused
    for name in filter(is_public, names):
        yield Step(Phase.VERIFY, Role.SELECT, name, PLAIN, select_file(_MF), nc=2)
        yield from _reads(product, document, name, PLAIN)
    yield from _openings(product, document)
    if CARD_SECURITY in names:
        yield from _reads(product, document, CARD_SECURITY, DOCUMENT)
    yield Step(Phase.VERIFY, Role.ENTER, ACCESS, DOCUMENT, select_application(), nc=_protected(7))
    closed = [name for name in RIGHTS if name in names]
    inside = [name for name in names if not is_public(name) and name not in (*closed, CARD_SECURITY)]
    for number in range(len(document.keys.chip)):
        command = CommandAPDU(0x00, 0x86, 0x00, 0x00, ne=256)
        yield Step(Phase.PROVE, Role.PROVE, chip_name(number), DOCUMENT, command, nc=_protected(70))
    if document.keys.active is not None:
        command = CommandAPDU(0x00, Ins.AUTHENTICATE, 0x00, 0x00, bytes(_CHALLENGE_BYTES), 256)
        active = document.keys.active
        size = len(active.modulus) if isinstance(active, RsaChipKey) else 2 * active.curve.scalar_size
        lengths = _protected(_CHALLENGE_BYTES), _protected(size)
        step = Step(Phase.PROVE, Role.PROVE, ACTIVE, DOCUMENT, command, nc=lengths[0], answer=lengths[1])
        yield from (step,) * _SIGNATURES
    for name in inside:
        yield from _reads(product, document, name, DOCUMENT)
    yield from _closed_groups(product, document, closed)
    yield from _refused_inside(product)


def _closed_groups(product: DocumentProduct, document: TravelDocument, names: list[str]) -> Iterator[Step]:
    """Yield what is tried of fingers and irises: nobody reads them, and a terminal what it has the right to."""
    yield from (_closed(name + WITHOUT_TERMINAL, name) for name in names)
    trust = document.trust
    if not names or trust is None or not trust.chain:
        return
    command = CommandAPDU(0x00, 0x82, 0x00, 0x00, ne=0)
    size = _protected(_TERMINAL_BYTES)
    yield Step(Phase.PROVE, Role.PROVE, TERMINAL, DOCUMENT, command, nc=size, answer=_SM_ANSWER_BYTES)
    for name in names:
        if RIGHTS[name] in trust.rights:
            yield from _reads(product, document, name, DOCUMENT)
        else:
            yield _closed(name + WITHOUT_RIGHT, name)


def _closed(serves: str, name: str) -> Step:
    command, _, _ = next(read_commands(name, 1, 1))
    refused = (0x6982,)
    return Step(
        Phase.VERIFY, Role.GONE, serves, DOCUMENT, command, nc=_protected(0), answer=_SM_ANSWER_BYTES, sw=refused
    )


def _reads(product: DocumentProduct, document: TravelDocument, name: str, place: str) -> Iterator[Step]:
    size = len(document.files[name])
    inside = place == DOCUMENT
    for command, offset, length in read_commands(name, size, product.chip.answer_bytes):
        nc = _protected(0) if inside else 0
        answer = _protected(length) + 1 if inside else length
        yield Step(Phase.VERIFY, Role.READ, name, place, command, span=(offset, length), nc=nc, answer=answer)


def _openings(product: DocumentProduct, document: TravelDocument) -> Iterator[Step]:
    """Yield one step for every password and protocol; the last one's session is read in."""
    access = product.block.access
    authenticate = CommandAPDU(0x00, 0x86, 0x00, 0x00, ne=256)
    if access.bac:
        command = CommandAPDU(0x00, 0x82, 0x00, 0x00, ne=40)
        yield Step(Phase.PROVE, Role.PRESENT, BY_BAC, DOCUMENT, command, access=MRZ_ACCESS, nc=40, answer=40)
    if document.can is not None:
        yield Step(Phase.PROVE, Role.PRESENT, CAN, DOCUMENT, authenticate, access=CAN_ACCESS, nc=69, answer=69)
    if access.pace:
        yield Step(Phase.PROVE, Role.PRESENT, MRZ, DOCUMENT, authenticate, access=MRZ_ACCESS, nc=69, answer=69)


def _refused_inside(product: DocumentProduct) -> Iterator[Step]:
    """Yield the commands of the factory that are commands of the document's application too, under its own session."""
    for step in () if product.chip.plain_errors else product.driver.refused:
        if not step.command.cla & 0x80:
            yield Step(
                Phase.VERIFY,
                Role.GONE,
                step.serves + INSIDE,
                DOCUMENT,
                step.command,
                nc=_protected(step.nc),
                answer=_SM_ANSWER_BYTES,
                sw=step.sw,
            )


def _protected(size: int) -> int:
    """Return the length of a protected data field or answer, about: AES, short form."""
    return _SM_COMMAND_BYTES + (size // 16 * 16 + 19 if size else 0)
