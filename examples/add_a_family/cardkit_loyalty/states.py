"""What must be true of a finished loyalty card, and the commands that make it so on a blank one."""

from __future__ import annotations

from collections.abc import Collection

from cardkit.apdu import CommandAPDU
from cardkit.apps.iso7816.commands import Answer, Ins, SelectBy, code_command, read_binary, select, update_binary
from cardkit.desired import Access, AfterUnknown, Part, Phase, Role, Seen, State, Step

from .schema import ChipBlock, FileName

DIRECTORY = "DF.LOYALTY"
SERIAL, MARK, MEMBER, POINTS = "EF.SERIAL", "EF.MARK", "EF.MEMBER", "EF.POINTS"
STARTED, REMOVED = "marker started", "marker removed"
ISSUER = "ISSUER"

DELETE_FILE = 0xE4
FILE_NOT_FOUND = 0x6A82
TRIES_LEFT = 0x63C0
CODE_BYTES = 8


def issuer_of(chip: ChipBlock) -> Access:
    """Return the right that the issuer code gives."""
    return Access(ISSUER, chip.issuer.reference, chip.issuer.tries)


def states_of(chip: ChipBlock) -> tuple[State, ...]:
    """Return the four states: the plant's marker, the two files, and the marker gone again."""
    issuer = issuer_of(chip)

    def state(name: str, title: str, phase: Phase, rule: str, *, varies: bool = False) -> State:
        return State(name, title, phase, rule, Seen.READ, AfterUnknown.LOOK, issuer, varies=varies)

    return (
        state(STARTED, f"{MARK} = started, with the record's tag", Phase.FENCE, "PERSO-001", varies=True),
        state(MEMBER, f"{MEMBER} = <record>", Phase.WRITE, "LOYALTY-001", varies=True),
        state(POINTS, f"{POINTS} = <profile>", Phase.WRITE, "LOYALTY-002"),
        state(REMOVED, f"{MARK} is gone", Phase.SEAL, "PERSO-002"),
    )


class Scripts:
    """The commands of one product; every card gets the same ones with other contents.

    :ivar identify: read chip id and marker.  :ivar look: read both files.  :ivar survey: check a finished card.
    :ivar parts: what a blank card gets. FENCE begins with ``identify``; the card is reset before CHECK and STRANGER.
    """

    def __init__(self, chip: ChipBlock) -> None:
        self._chip = chip
        read, enter = self._read, self._enter
        self.identify = (enter(Phase.FENCE), read(Phase.FENCE, "SERIAL"), read(Phase.FENCE, "MARK"))
        files = (read(Phase.VERIFY, "MEMBER"), read(Phase.VERIFY, "POINTS"))
        self.look = (enter(Phase.VERIFY), *files)
        self.survey = (enter(Phase.VERIFY), self._gone(), *files)
        self.parts = {
            Part.FENCE: (*self.identify, *self._open(Phase.FENCE), self._write(Phase.FENCE, "MARK", STARTED)),
            Part.WRITE: (self._write(Phase.WRITE, "MEMBER", MEMBER), self._write(Phase.WRITE, "POINTS", POINTS)),
            Part.CHECK: (enter(Phase.VERIFY), read(Phase.VERIFY, "MARK"), *files),
            Part.SEAL: (*self._open(Phase.SEAL), self._delete()),
            Part.STRANGER: self.survey,
        }

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Write these files on a card that was begun, after a reset."""
        writes = tuple(step for step in self.parts[Part.WRITE] if step.serves in names)
        return (self._enter(Phase.WRITE), *self._open(Phase.WRITE), *writes) if writes else ()

    def _enter(self, phase: Phase) -> Step:
        command = select(SelectBy.AID, bytes.fromhex(self._chip.aid), Answer.NOTHING)
        return Step(phase, Role.ENTER, DIRECTORY, DIRECTORY, command, nc=command.nc)

    def _read(self, phase: Phase, name: FileName) -> Step:
        file = self._chip.files[name]
        command = read_binary(0, file.size, file.sfi)
        return Step(phase, Role.READ, f"EF.{name}", DIRECTORY, command, answer=file.size)

    def _gone(self) -> Step:
        mark = self._chip.files["MARK"]
        command = read_binary(0, mark.size, mark.sfi)
        return Step(Phase.VERIFY, Role.GONE, REMOVED, DIRECTORY, command, sw=(FILE_NOT_FOUND,))

    def _write(self, phase: Phase, name: FileName, content: str) -> Step:
        file = self._chip.files[name]
        command = update_binary(0, b"", file.sfi)
        return Step(phase, Role.WRITE, content, DIRECTORY, command, content, nc=file.size, nvm=file.size)

    def _open(self, phase: Phase) -> tuple[Step, Step]:
        """Ask for the counter, then present the issuer code: never a try on a card that has lost one."""
        issuer = issuer_of(self._chip)
        command = code_command(Ins.VERIFY, issuer.reference)
        query = Step(phase, Role.QUERY, ISSUER, DIRECTORY, command, access=issuer, sw=(TRIES_LEFT | issuer.tries,))
        return query, Step(phase, Role.PRESENT, ISSUER, DIRECTORY, command, ISSUER, issuer, nc=CODE_BYTES)

    def _delete(self) -> Step:
        fid = bytes.fromhex(self._chip.files["MARK"].fid)
        command = CommandAPDU(0x00, DELETE_FILE, 0x00, 0x00, fid)
        return Step(Phase.SEAL, Role.DELETE, REMOVED, DIRECTORY, command, nc=len(fid), reversible=False)
