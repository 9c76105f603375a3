"""Reading a card back: what can be seen without a key, and in the session of each key.

A file that was named by its SFID is the current one: its attributes follow without a SELECT. Those of an application
come first, for they can be read only while none of its files is current.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import ALWAYS, FileRules, Operation
from cardkit.apps.cipurse.commands import CipurseIns
from cardkit.apps.cipurse.states.contents import reading
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory, ProductFile, ProductList
from cardkit.apps.iso7816 import commands as iso
from cardkit.crypto.cipurse import BLOCK, CHALLENGE_BYTES
from cardkit.desired import Phase, Role, Step
from cardkit.encoding.dgi import DGI
from cardkit.secure.cipurse import Level

OWN, DELIVERED = "own", "delivered"
"""Which value of a key is meant: the product's, or the chip maker's."""

UNREAD, UNWRITTEN, UNPROTECTED, UNCREDITED = " read by nobody", " written by nobody", " read in plain", " credited by "
UNMADE, UNFORMATTED = " files made by nobody", " formatted by nobody"
"""What follows the name of what a card must refuse."""

FORBIDDEN = (0x6982,)
_NOT_FOUND = 0x6A82
_ATTRIBUTES_BYTES = 100
_NO_CONFIRMATION = b"Confirm"  # a card that would format checks it after the rights, and refuses this one
_NO_FILE = DGI(0x9201, b"\xff").build()  # and this is no file


@dataclass(frozen=True, slots=True)
class Visit:
    """What is looked for in an application.

    :param sealed: whether its final rules are in force.
    :param proofs: prove every key and read all that can be; else only the rules that changed when it was sealed.
    :param probes: try without a key what must be refused.
    """

    sealed: bool
    proofs: bool
    probes: bool


def enter(directory: ProductDirectory | ProductList, phase: Phase = Phase.VERIFY, *, ne: int = 0) -> Step:
    """Return the selection of a directory, the MF without an AID."""
    name = directory.name
    aid = directory.new.aid if directory.new else b""
    command = commands.select_application(aid, ne=ne) if aid else commands.select_mf()
    return Step(phase, Role.ENTER, name, name, command, nc=command.nc, answer=ne and 40)


def present(key: DirectoryKey, which: str, phase: Phase = Phase.PROVE) -> Iterator[Step]:
    """Yield the two commands that prove a key.  :param which: ``OWN`` or ``DELIVERED``."""
    pairs = (
        (commands.get_challenge(), 0, CHALLENGE_BYTES),
        (commands.mutual_authenticate(key.number), BLOCK + CHALLENGE_BYTES, BLOCK),
    )
    for command, nc, answer in pairs:
        yield Step(
            phase, Role.PRESENT, key.name, key.place, command, content=which, access=key.access, nc=nc, answer=answer
        )


def bare(directory: ProductDirectory, command: CommandAPDU, phase: Phase) -> Step:
    """Return a command that says nothing of a file."""
    return Step(phase, Role.ACTIVATE, directory.name, directory.name, command, access=directory.manager.access)


def attributes(name: str, place: str, key: DirectoryKey | None, phase: Phase = Phase.VERIFY) -> Step:
    """Return the question for attributes of what is current."""
    access = key.access if key else None
    command = commands.read_file_attributes()
    return Step(phase, Role.READ, name, place, command, access=access, answer=_ATTRIBUTES_BYTES)


def select_file(file: ProductFile, place: str, key: DirectoryKey | None, phase: Phase = Phase.VERIFY) -> Step:
    """Return the selection of a file; a session goes on."""
    command = commands.select_file(file.attributes.fid)
    return Step(phase, Role.SELECT, file.name, place, command, access=key.access if key else None, nc=command.nc)


def _may(rules: FileRules, operation: Operation, key: int) -> bool:
    """Whether a session of a key can do something, or nobody's (0), who cannot protect commands."""
    return rules.allows(operation, key) and (key != ALWAYS or not rules.pair(operation).nibble)


class _Guests:
    """Who reads what of an application: nobody where that is enough, else the first key that may."""

    def __init__(self, directory: ProductDirectory, visit: Visit) -> None:
        self._directory, self._visit = directory, visit
        rules = directory.rules(sealed=visit.sealed)
        self.first = self._reader(rules, Operation.READ_ATTRIBUTES)
        keys = range(1, 1 + len(directory.keys))
        first = [self.first] if self.first else []
        self.order = [ALWAYS, *first, *(key for key in keys if key != self.first)]
        self.contents = {file.name: self._reader(self._rules(file), Operation.READ) for file in directory.files}
        self.attributes = {file.name: self._attributes_reader(file) for file in directory.files}

    def _rules(self, file: ProductFile) -> FileRules:
        return file.rules(sealed=self._visit.sealed)

    def _reader(self, rules: FileRules, operation: Operation) -> int | None:
        candidates = range(1 + len(self._directory.keys))
        return next((key for key in candidates if _may(rules, operation, key)), None)

    def _attributes_reader(self, file: ProductFile) -> int | None:
        """Prefer whoever reads the contents: the file is current then."""
        reader = self.contents[file.name]
        rules = self._rules(file)
        if reader is not None and _may(rules, Operation.READ_ATTRIBUTES, reader):
            return reader
        return self._reader(rules, Operation.READ_ATTRIBUTES)


def visit(directory: ProductDirectory, wanted: Visit) -> Iterator[Step]:
    """Yield the commands of a visit."""
    guests = _Guests(directory, wanted)
    yield enter(directory)
    for number in guests.order:
        key = directory.keys[number - 1] if number else None
        steps = list(_as_guest(directory, wanted, guests, number, key))
        if key is not None and (steps or wanted.proofs):
            yield from present(key, OWN)
        yield from steps


def _as_guest(
    directory: ProductDirectory, wanted: Visit, guests: _Guests, number: int, key: DirectoryKey | None
) -> Iterator[Step]:
    """Yield what is asked in one session, or before the first."""
    if guests.first == number and (wanted.proofs or directory.locked_later):
        yield attributes(directory.name, directory.name, key)
    for file in directory.files:
        wants_rules = guests.attributes[file.name] == number and (wanted.proofs or file.locked_later)
        current = False
        if wanted.proofs and guests.contents[file.name] == number:
            yield from _reads(file, directory.name, key)
            current = True
        elif wanted.probes and key is None:
            yield from _refusals(file, directory.name, wanted)
        if wants_rules:
            if not current:
                yield select_file(file, directory.name, key)
            yield attributes(file.name, directory.name, key)
        if wanted.probes and wanted.proofs and key is not None:
            yield from _misuses(file, directory.name, key, wanted)


def _reads(file: ProductFile, place: str, key: DirectoryKey | None) -> Iterator[Step]:
    access = key.access if key else None
    for command, span in reading(file):
        yield Step(Phase.VERIFY, Role.READ, file.contents, place, command, access=access, span=span, answer=command.ne)


def _refusals(file: ProductFile, place: str, wanted: Visit) -> Iterator[Step]:
    """Yield reading and writing by nobody where that is forbidden; nothing is written even by a card that lets us."""
    rules, sfid, size = file.rules(sealed=wanted.sealed), file.attributes.sfid, file.attributes.size
    if not rules.allows(Operation.READ):
        command = iso.read_binary(0, 1, sfid) if file.kind.binary else iso.read_record(1, 1, sfid)
        yield _refused(file.name + UNREAD, place, command)
    if rules.allows(Operation.UPDATE):
        return
    if file.kind.counting:
        yield _refused(file.name + UNWRITTEN, place, commands.change_value(CipurseIns.INCREASE_VALUE, 1, 0, sfid))
    elif file.kind.binary and size < 1 << 8:
        yield _refused(file.name + UNWRITTEN, place, iso.update_binary(size, b"\x00", sfid))  # behind its end


def _misuses(file: ProductFile, place: str, key: DirectoryKey, wanted: Visit) -> Iterator[Step]:
    """Yield reading weaker than the rules ask for, counters as terminals see them, crediting by who may only debit."""
    rules, sfid = file.rules(sealed=wanted.sealed), file.attributes.sfid
    if rules.allows(Operation.READ, key.number) and rules.pair(Operation.READ).command is not Level.PLAIN:
        command = iso.read_binary(0, 1, sfid) if file.kind.binary else iso.read_record(1, 1, sfid)
        yield _refused(file.name + UNPROTECTED, place, command, key)
    if not file.kind.counting:
        return
    if rules.allows(Operation.READ, key.number):
        for number in range(1, 1 + file.attributes.records):
            yield _value(file, place, key, number)
    if rules.allows(Operation.DECREASE, key.number) and not rules.allows(Operation.INCREASE, key.number):
        command = commands.change_value(CipurseIns.INCREASE_VALUE, 1, 0, sfid)
        refused = _refused(f"{file.name}{UNCREDITED}{key.name}", place, command, key)
        yield replace(refused, content=file.name)  # at the level its rules ask for: only the right is missing


def _value(file: ProductFile, place: str, key: DirectoryKey, number: int) -> Step:
    """Return the reading of a counter as terminals read it."""
    command, name = commands.read_value(number, file.attributes.sfid), counter_of(file, number)
    return Step(
        Phase.VERIFY, Role.READ, file.contents, place, command, content=name, access=key.access, answer=command.ne
    )


def counter_of(file: ProductFile, number: int) -> str:
    """Name a counter."""
    return f"{file.name}#{number}"


def _refused(serves: str, place: str, command: CommandAPDU, key: DirectoryKey | None = None) -> Step:
    access = key.access if key else None
    return Step(Phase.VERIFY, Role.GONE, serves, place, command, access=access, nc=command.nc, sw=FORBIDDEN)


def lists(product: CipurseProduct) -> Iterator[Step]:
    """Yield what terminals select first."""
    for one in product.lists:
        yield enter(one, ne=iso.ANY_LENGTH)


def master(product: CipurseProduct, *, proofs: bool) -> Iterator[Step]:
    """Yield what is asked of the MF of a sealed card."""
    directory, (info,) = product.master, product.master.files
    yield enter(directory)
    yield attributes(directory.name, directory.name, None)
    rules = directory.rules(sealed=True)
    if not rules.allows(Operation.CREATE):
        command = CommandAPDU(0x00, CipurseIns.CREATE_FILE, 0x00, 0x00, _NO_FILE)
        yield _refused(directory.name + UNMADE, directory.name, command)
    if not rules.allows(Operation.FORMAT_ALL):
        yield _refused(directory.name + UNFORMATTED, directory.name, commands.format_all(_NO_CONFIRMATION))
    yield from id_info(product)
    yield attributes(info.name, directory.name, None)
    for key in directory.keys if proofs else ():
        yield from present(key, OWN)


def id_info(product: CipurseProduct) -> Iterator[Step]:
    """Yield the reading of EF.ID_INFO; the MF is selected."""
    (info,) = product.master.files
    yield select_file(info, product.master.name, None)
    command = iso.read_binary(0, iso.ANY_LENGTH)
    yield Step(Phase.VERIFY, Role.READ, info.contents, product.master.name, command, answer=len(product.id_info.data))
