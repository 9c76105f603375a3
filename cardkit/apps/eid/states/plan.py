"""States and commands of a PIV card: the same for every card of a product; what differs is in the contents.

Keys first, each with its certificate, then the objects; PUK, PIN and management key last: they are the seal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid import commands, objects
from cardkit.apps.eid.algorithms import MANAGEMENT_ALGORITHMS
from cardkit.apps.eid.states.product import CAPABILITIES, CHUID, MANAGEMENT, PIN, PUK, EidProduct, KeyPair
from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.planned import ProductPlan
from cardkit.crypto.key import ALGORITHMS
from cardkit.desired import Access, AfterUnknown, Part, Phase, Role, Seen, State, Step

PIV = "PIV"
SERIAL, DISCOVERY = "serial number", "discovery"
MANAGEMENT_ACCESS = Access(MANAGEMENT, commands.MANAGEMENT, -1)
OBJECTS: Mapping[str, int] = {
    DISCOVERY: objects.DISCOVERY,
    CHUID: objects.CHUID,
    CAPABILITIES: objects.CAPABILITIES,
}
CODES: Mapping[str, int] = {PIN: commands.PIN, PUK: commands.PUK, MANAGEMENT: commands.MANAGEMENT}
WITHOUT_PIN, WITHOUT_FRESH_PIN, WITHOUT_MANAGEMENT = " without PIN", " without fresh PIN", " without management key"
"""What follows the name of what a card must refuse."""
_REFUSED = (0x6982,)
_CERTIFICATE_BYTES, _OBJECT_BYTES, _METADATA_BYTES, _SIGNATURE_BYTES = 420, 60, 80, 76
_CODE_BYTES = 8


@dataclass(frozen=True, slots=True)
class EidPlan(ProductPlan):
    """States and commands."""

    look: tuple[Step, ...]
    codes: tuple[Step, ...]


def plan_product(product: EidProduct) -> EidPlan:
    """Plan every command."""
    identify = (_select(), _serial(), _query(MANAGEMENT), _query(product.keys[0].name, product.keys[0]))
    names = [pair.name for pair in product.keys] + [pair.certificate for pair in product.keys] + [CHUID, CAPABILITIES]
    codes = tuple(_query(name) for name in CODES)
    look = (_select(), *codes, *_looks(product))
    parts = {
        Part.FENCE: identify,
        Part.WRITE: repair(product, names),
        Part.CHECK: (*look, *_proofs(product)),
        Part.SEAL: tuple(_seal(product)),
        Part.STRANGER: tuple(_stranger(product)),
    }
    return EidPlan(tuple(_states(product)), parts, parts[Part.STRANGER], identify, look, codes)


def repair(product: EidProduct, names: Collection[str]) -> tuple[Step, ...]:
    """Return the commands that make these states true."""
    return (_select(), _authenticate(product.chip.management_algorithm), *_written(product, names))


def _written(product: EidProduct, names: Collection[str]) -> Iterator[Step]:
    for pair in product.keys:
        if pair.name in names:
            reference = pair.algorithm.reference
            command = commands.generate(pair.slot.reference, reference)
            yield _step(Phase.WRITE, Role.CREATE, pair.name, command, answer=_METADATA_BYTES, nvm=_METADATA_BYTES)
        elif pair.certificate in names:
            yield _query(pair.name, pair)
        if {pair.name, pair.certificate} & set(names):
            yield _put(pair.certificate, pair.slot.certificate, _CERTIFICATE_BYTES)
    for name in (CHUID, CAPABILITIES):
        if name in names:
            yield _put(name, OBJECTS[name], _OBJECT_BYTES)


def _states(product: EidProduct) -> Iterator[State]:
    access, look = MANAGEMENT_ACCESS, AfterUnknown.LOOK
    for pair in product.keys:
        title = f"{pair.slot.title} key, {pair.algorithm.name}"
        yield State(pair.name, title, Phase.WRITE, "EID-002", Seen.BEHAVE, look, access, varies=True)
        title = f"certificate of the {pair.slot.title} key"
        yield State(pair.certificate, title, Phase.WRITE, "EID-002", Seen.READ, look, access, varies=True)
    for name, title in ((CHUID, "card holder unique identifier"), (CAPABILITIES, "card capability container")):
        yield State(name, title, Phase.WRITE, "EID-001", Seen.READ, AfterUnknown.REWRITE, access, varies=True)
    for name in (PUK, PIN, MANAGEMENT):
        code = _access(product, name)
        yield State(name, name, Phase.SEAL, "EID-003", Seen.BEHAVE, look, code, reversible=False, varies=True)


def _access(product: EidProduct, name: str) -> Access:
    return MANAGEMENT_ACCESS if name == MANAGEMENT else Access(name, CODES[name], product.chip.tries)


def _step(phase: Phase, role: Role, serves: str, command: CommandAPDU, *, answer: int, nvm: int = 0) -> Step:
    return Step(phase, role, serves, PIV, command, nc=command.nc, answer=answer, nvm=nvm)


def _select() -> Step:
    return _step(Phase.FENCE, Role.ENTER, PIV, commands.select(), answer=_OBJECT_BYTES)


def _serial() -> Step:
    return _step(Phase.FENCE, Role.READ, SERIAL, commands.serial(), answer=4)


def _query(name: str, pair: KeyPair | None = None) -> Step:
    """Return a question about a key or code, by the name of its state."""
    reference = CODES[name] if pair is None else pair.slot.reference
    return _step(Phase.VERIFY, Role.QUERY, name, commands.metadata(reference), answer=_METADATA_BYTES)


def _authenticate(algorithm: str, content: str = "") -> Step:
    """Return the proof of the management key.  :param content: names the card's own; empty for the one delivered."""
    command = commands.witness(MANAGEMENT_ALGORITHMS[algorithm])
    return Step(
        Phase.PROVE if content else Phase.WRITE,
        Role.PRESENT,
        MANAGEMENT,
        PIV,
        command,
        content=content,
        access=MANAGEMENT_ACCESS,
        nc=command.nc,
        answer=4 + (16 if algorithm.startswith("AES") else 8),
    )


def _put(name: str, tag: int, size: int) -> Step:
    command = commands.put_data(tag, b"")
    return Step(Phase.WRITE, Role.WRITE, name, PIV, command, content=name, nc=command.nc + size, nvm=size)


def _looks(product: EidProduct) -> Iterator[Step]:
    for name, tag in OBJECTS.items():
        yield _step(Phase.VERIFY, Role.READ, name, commands.get_data(tag), answer=_OBJECT_BYTES)
    for pair in product.keys:
        yield _query(pair.name, pair)
        command = commands.get_data(pair.slot.certificate)
        yield _step(Phase.VERIFY, Role.READ, pair.certificate, command, answer=_CERTIFICATE_BYTES)


def _verify(product: EidProduct) -> Step:
    command = CommandAPDU(0x00, Ins.VERIFY, 0x00, commands.PIN)
    return Step(Phase.PROVE, Role.PRESENT, PIN, PIV, command, content=PIN, access=_access(product, PIN), nc=_CODE_BYTES)


def _use(pair: KeyPair) -> CommandAPDU:
    """Return what a key is asked for, over zeros: the session fills in a fresh hash, or a fresh point."""
    size = pair.algorithm.bits // 8
    if pair.agrees:
        return commands.agree(pair.algorithm.reference, pair.slot.reference, bytes(1 + 2 * size))
    return commands.sign(pair.algorithm.reference, pair.slot.reference, bytes(size))


def _proofs(product: EidProduct) -> Iterator[Step]:
    """Yield a use of each key, the PIN presented as often as it is asked for."""
    presented = False
    for pair in sorted(product.keys, key=lambda pair: (pair.slot.needs_pin, pair.slot.needs_fresh_pin)):
        if pair.slot.needs_fresh_pin or (pair.slot.needs_pin and not presented):
            yield _verify(product)
            presented = True
        yield _step(Phase.PROVE, Role.PROVE, pair.name, _use(pair), answer=_SIGNATURE_BYTES)


def _seal(product: EidProduct) -> Iterator[Step]:
    yield _select()
    yield _authenticate(product.chip.management_algorithm)
    for name in (PUK, PIN):
        command = CommandAPDU(0x00, Ins.CHANGE, 0x00, CODES[name])
        access = _access(product, name)
        yield Step(
            Phase.SEAL,
            Role.CHANGE,
            name,
            PIV,
            command,
            content=name,
            access=access,
            nc=2 * _CODE_BYTES,
            nvm=_CODE_BYTES,
        )
    size = ALGORITHMS[product.block.codes.management_algorithm][0]
    command = CommandAPDU(0x00, commands.PivIns.SET_MANAGEMENT_KEY, 0xFF, 0xFF)
    access = MANAGEMENT_ACCESS
    yield Step(
        Phase.SEAL, Role.CHANGE, MANAGEMENT, PIV, command, content=MANAGEMENT, access=access, nc=3 + size, nvm=size
    )


def _stranger(product: EidProduct) -> Iterator[Step]:
    """Yield what a finished card is asked: it refuses, is read, proves its keys, takes the codes of the order."""
    yield _select()
    yield from (_query(name) for name in CODES)
    yield from _looks(product)
    for pair in product.keys:
        if pair.slot.needs_pin:
            yield _refused(pair.name + WITHOUT_PIN, _use(pair))
    yield _refused(CHUID + WITHOUT_MANAGEMENT, commands.put_data(OBJECTS[CHUID], b""), CHUID)
    yield from _proofs(product)
    for pair in product.keys:
        if pair.slot.needs_fresh_pin:
            yield _refused(pair.name + WITHOUT_FRESH_PIN, _use(pair))
    command = CommandAPDU(0x00, Ins.UNBLOCK, 0x00, commands.PIN)
    access = _access(product, PUK)
    yield Step(Phase.PROVE, Role.PRESENT, PUK, PIV, command, content=PUK, access=access, nc=2 * _CODE_BYTES)
    yield _authenticate(product.block.codes.management_algorithm, MANAGEMENT)


def _refused(serves: str, command: CommandAPDU, content: str = "") -> Step:
    return Step(Phase.VERIFY, Role.GONE, serves, PIV, command, content=content, nc=command.nc, sw=_REFUSED)
