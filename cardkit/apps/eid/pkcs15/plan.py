"""States and commands of a PKCS#15 card: the same for every card of a product; what differs is in the contents.

Files first, then keys, each with its public half and certificate; PUK and PIN last: the PIN is the seal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid.pkcs15 import commands
from cardkit.apps.eid.pkcs15.commands import READ_ONLY, Environment
from cardkit.apps.eid.pkcs15.product import (
    APPLICATION,
    DF_FID,
    DF_PATH,
    DIRECTORY,
    MF_PATH,
    PIN,
    PUK,
    TOKEN,
    File,
    KeyPair,
    Pkcs15Product,
)
from cardkit.apps.eid.pkcs15.structure import AID
from cardkit.apps.iso7816.commands import Ins, read_binary, update_binary
from cardkit.apps.planned import ProductPlan
from cardkit.desired import Access, AfterUnknown, Part, Phase, Role, Seen, State, Step

PKCS15 = "PKCS#15"
APPLET, MASTER_FILE = "chip", "MF"
WITHOUT_PIN, WITH_PIN = " without PIN", " with PIN"
"""What follows the name of what a card must refuse."""
WRITING, CREATING, MAKING = f"writing {TOKEN}", "creating a file", "making a key"
_REFUSED = (0x6982,)
_FREE_REFERENCE, _FREE_FID = 0x0F, 0x4FFF
_FILE_BYTES, _CERTIFICATE_BYTES, _PUBLIC_BYTES = 120, 560, 120
_FCI_BYTES, _APPLET_BYTES, _SIGNATURE_BYTES = 26, 11, 72


@dataclass(frozen=True, slots=True)
class Pkcs15Plan(ProductPlan):
    """States and commands.

    :param look: at a card that was begun.
    """

    look: tuple[Step, ...]


def plan_product(product: Pkcs15Product) -> Pkcs15Plan:
    """Plan every command."""
    identify = (
        _enter(),
        _select(MASTER_FILE, MF_PATH, Role.QUERY),
        _select(APPLICATION, DF_PATH, Role.QUERY),
        _select(DIRECTORY, product.files[DIRECTORY].path, Role.QUERY),
    )
    states = tuple(_states(product))
    names = [state.name for state in states if state.phase is Phase.WRITE]
    directory = _select(APPLICATION, DF_PATH)
    look = (_enter(), directory, *_reads(product.files.values()), *_proofs(product))
    parts = {
        Part.FENCE: identify,
        Part.WRITE: repair(product, names),
        Part.CHECK: look,
        Part.SEAL: (_enter(), *(_code(product, name) for name in (PUK, PIN))),
        Part.STRANGER: tuple(_stranger(product)),
    }
    return Pkcs15Plan(states, parts, parts[Part.STRANGER], identify, look)


def _states(product: Pkcs15Product) -> Iterator[State]:
    look, write = AfterUnknown.LOOK, Phase.WRITE
    yield State(APPLICATION, "directory of the application", write, "EID-005", Seen.READ, look)
    for file in product.files.values():
        rule = "EID-005" if file.ahead else "EID-002"
        yield State(file.name, file.name, write, rule, Seen.READ, look, varies=True)
    for pair in product.keys:
        made = "stored" if pair.issued else "made on the card"
        title = f"{pair.label} key, {pair.algorithm.name}, {made}"
        yield State(pair.name, title, write, "EID-002", Seen.BEHAVE, look, varies=True)
    for name in (PUK, PIN):
        access = _access(product, name)
        yield State(name, name, Phase.SEAL, "EID-003", Seen.BEHAVE, look, access, reversible=False, varies=True)


def _access(product: Pkcs15Product, name: str) -> Access:
    return Access(name, commands.PIN if name == PIN else commands.PUK, product.chip.tries)


# Writing


def repair(product: Pkcs15Product, names: Collection[str]) -> tuple[Step, ...]:
    """Return the commands that make these states true."""
    return tuple(_repair(product, frozenset(names)))


def _repair(product: Pkcs15Product, names: frozenset[str]) -> Iterator[Step]:
    files = product.files
    late = {name for pair in product.keys for name in (pair.public, pair.certificate)}
    yield _enter()
    yield _select(MASTER_FILE, MF_PATH)
    if DIRECTORY in names:
        yield from _made(files[DIRECTORY])
    if APPLICATION in names:
        command = commands.create_directory(DF_FID, AID, product.conditions_of(APPLICATION))
        yield _step(Phase.WRITE, Role.CREATE, APPLICATION, command, nvm=command.nc)
    else:
        yield _select(APPLICATION, DF_PATH)
    for name, file in files.items():
        if name in names and name != DIRECTORY and name not in late:
            yield from _made(file)
    for pair in product.keys:
        yield from _repaired(product, pair, names)


def _repaired(product: Pkcs15Product, pair: KeyPair, names: frozenset[str]) -> Iterator[Step]:
    """Yield the commands for a key; one that is made anew has another public half and another certificate."""
    if pair.name in names:
        yield _environment(pair, Environment.MAKE)
        if pair.issued:
            command = commands.store(())
            yield replace(_step(Phase.WRITE, Role.WRITE, pair.name, command, nvm=700), content=pair.name, nc=700)
        else:
            command = commands.generate(pair.algorithm)
            yield _step(Phase.WRITE, Role.CREATE, pair.name, command, answer=_PUBLIC_BYTES, nvm=_PUBLIC_BYTES)
            names |= {pair.public, pair.certificate}
    public, certificate = (product.files[name] for name in (pair.public, pair.certificate))
    if pair.public in names:
        yield from _made(public)
    elif pair.certificate in names:
        yield from _reads([public])
    if pair.certificate in names:
        yield from _made(certificate)


def _made(file: File) -> Iterator[Step]:
    size = _size(file)
    command = commands.create_file(file.fid, size, file.conditions)
    yield _step(Phase.WRITE, Role.CREATE, file.name, command, nvm=command.nc)
    command = update_binary(0, b"")
    yield replace(_step(Phase.WRITE, Role.WRITE, file.name, command, nvm=size), content=file.name, nc=size)


def _size(file: File) -> int:
    """Return about how long a file is; the session knows."""
    return _FILE_BYTES if file.ahead else _CERTIFICATE_BYTES if file.name.startswith("certificate") else _PUBLIC_BYTES


def _code(product: Pkcs15Product, name: str) -> Step:
    access = _access(product, name)
    command = CommandAPDU(0x00, Ins.CHANGE, 0x01, access.reference)
    size = commands.CODE_BYTES
    return Step(Phase.SEAL, Role.CHANGE, name, PKCS15, command, content=name, access=access, nc=size, nvm=size)


# Looking


def _step(phase: Phase, role: Role, serves: str, command: CommandAPDU, *, answer: int = 0, nvm: int = 0) -> Step:
    return Step(phase, role, serves, PKCS15, command, nc=command.nc, answer=answer, nvm=nvm)


def _enter() -> Step:
    command = CommandAPDU(0x00, Ins.SELECT, 0x04, 0x00, ne=256)
    return replace(_step(Phase.FENCE, Role.ENTER, APPLET, command, answer=_APPLET_BYTES), nc=12)


def _select(name: str, path: bytes, role: Role = Role.SELECT) -> Step:
    return _step(Phase.VERIFY, role, name, commands.select(path), answer=_FCI_BYTES)


def _environment(pair: KeyPair, purpose: Environment) -> Step:
    command = commands.environment(purpose, pair.algorithm, pair.reference)
    phase = Phase.WRITE if purpose is Environment.MAKE else Phase.PROVE
    return _step(phase, Role.SELECT, pair.name, command)


def _reads(files: Iterable[File]) -> Iterator[Step]:
    for file in files:
        yield _select(file.name, file.path)
        yield _step(Phase.VERIFY, Role.READ, file.name, read_binary(0, _size(file)), answer=_size(file))


def _use(pair: KeyPair) -> tuple[Step, Step]:
    """Return how a key is used: over zeros, the session fills in something fresh."""
    size = pair.algorithm.bits // 8
    if pair.use.deciphers:
        purpose, command = Environment.DECIPHER, commands.decipher(bytes(size))
    else:
        purpose, command = Environment.SIGN, commands.sign(bytes(size if pair.algorithm.curve else 51))
    return _environment(pair, purpose), _step(Phase.PROVE, Role.PROVE, pair.name, command, answer=_SIGNATURE_BYTES)


def _proofs(product: Pkcs15Product) -> Iterator[Step]:
    for pair in product.keys:
        yield from _use(pair)


# A stranger


def _stranger(product: Pkcs15Product) -> Iterator[Step]:
    """Yield what a finished card is asked: it refuses, is read, takes the order's codes, proves its keys."""
    yield _enter()
    yield _select(MASTER_FILE, MF_PATH)
    yield _step(Phase.VERIFY, Role.QUERY, PIN, commands.ask(commands.PIN))
    yield _select(APPLICATION, DF_PATH)
    yield from _reads(file for file in product.files.values() if not file.private)
    yield from _refusals(product)
    access = _access(product, PIN)
    size, code = commands.CODE_BYTES, CommandAPDU(0x00, Ins.VERIFY, 0x00, commands.PIN)
    yield Step(Phase.PROVE, Role.PRESENT, PIN, PKCS15, code, content=PIN, access=access, nc=size)
    yield from _reads(file for file in product.files.values() if file.private)
    yield from _proofs(product)
    yield from _writing(product, WITH_PIN)
    access, code = _access(product, PUK), CommandAPDU(0x00, Ins.UNBLOCK, 0x00, commands.PIN)
    yield Step(Phase.PROVE, Role.PRESENT, PUK, PKCS15, code, content=PUK, access=access, nc=2 * size)


def _refusals(product: Pkcs15Product) -> Iterator[Step]:
    for file in product.files.values():
        if file.private:
            yield _select(file.name, file.path)
            yield _refused(file.name + WITHOUT_PIN, read_binary(0, 1))
    for pair in product.keys:
        environment, use = _use(pair)
        yield environment
        yield _refused(pair.name + WITHOUT_PIN, use.command)
    yield from _writing(product, WITHOUT_PIN)
    yield _select(APPLICATION, DF_PATH)
    yield _refused(CREATING, commands.create_file(_FREE_FID, 1, READ_ONLY))
    pair = product.keys[0]
    command = commands.environment(Environment.MAKE, pair.algorithm, _FREE_REFERENCE)
    yield _step(Phase.VERIFY, Role.SELECT, MAKING, command)
    yield _refused(MAKING + WITHOUT_PIN, commands.generate(pair.algorithm))


def _writing(product: Pkcs15Product, how: str) -> Iterator[Step]:
    """Yield the writing of what stands there already, should the card take it: a SEQUENCE begins with 30."""
    yield _select(TOKEN, product.files[TOKEN].path)
    yield _refused(WRITING + how, update_binary(0, b"\x30"))


def _refused(serves: str, command: CommandAPDU) -> Step:
    return Step(Phase.VERIFY, Role.GONE, serves, PKCS15, command, nc=command.nc, sw=_REFUSED)
