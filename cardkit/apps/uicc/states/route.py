"""The planner: turns wishes (read this, write that) into the fewest commands.

It remembers the directory and file a command leaves current and the accesses opened since the last reset, uses the
short file identifiers that the chip model declares, and asks for no FCP. ETSI TS 102 221 8.4 (selection), 11.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.admin import NewDirectory, activate, create_file
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.targets import MF, MF_FID, Place, Target
from cardkit.apps.uicc.suci import ASK_FOR_SUCI
from cardkit.desired import Access, Phase, Role, Step

CLA = 0x00
SELECT, READ_BINARY, READ_RECORD, UPDATE_BINARY, UPDATE_RECORD = 0xA4, 0xB0, 0xB2, 0xD6, 0xDC
VERIFY, CHANGE_PIN, UNBLOCK_PIN, AUTHENTICATE, DELETE_FILE = 0x20, 0x24, 0x2C, 0x88, 0xE4
DEACTIVATE_FILE = 0x04

# SELECT P1 (TS 102 221 table 11.1) and P2 "no data, first occurrence" (table 11.2).
BY_FID, BY_AID, BY_PATH = 0x00, 0x04, 0x08
NO_DATA, FCP = 0x0C, 0x04

BY_SFI = 0x80
ABSOLUTE = 0x04
FILE_NOT_FOUND = 0x6A82
# Selected, but deactivated; referenced data invalidated (TS 102 221 10.2.1.2, 10.2.1.5).
DEACTIVATED, REFERENCE_INVALID = 0x6283, 0x6984
SECRET_BYTES = 8
CHUNK = 255
# As long as file control parameters usually are.
FCP_BYTES = 24

# AUTHENTICATE P2 (TS 31.102 7.1.2.1).
CONTEXT_3G, CONTEXT_GSM = 0x81, 0x80
CHALLENGE_3G_BYTES, CHALLENGE_GSM_BYTES = 34, 17
ANY_LENGTH = 256
GSM_ANSWER_BYTES = 14
MAC_FAILURE, SECURITY_STATUS = 0x9862, 0x6982


@dataclass(slots=True)
class Route:
    """Commands in the making, and where they leave the card.

    :param phase: counted under this total; set it before adding.
    """

    phase: Phase
    steps: list[Step] = field(default_factory=list)
    place: str = MF
    file: str = ""
    opened: set[str] = field(default_factory=set)

    def reset(self) -> None:
        """The card is reset here: the MF is current again and every access closed."""
        self.place, self.file = MF, ""
        self.opened.clear()

    def take(self) -> tuple[Step, ...]:
        """Return what was added since the last call."""
        taken = tuple(self.steps)
        self.steps.clear()
        return taken

    def take_over(self, steps: Iterable[Step], *, place: str) -> None:
        """Add steps that were planned elsewhere.

        :param place: where they leave the card, no file current.
        """
        self.steps.extend(steps)
        self.place, self.file = place, ""

    # Selection

    def enter(self, place: Place, serves: str) -> None:
        """Make a directory current."""
        if self.place == place.name:
            return
        if place.parent is not None and self.place.rpartition("/")[0] != place.parent.name:
            self.enter(place.parent, serves)  # from a sibling it is within reach (TS 102 221 8.4.1)
        command = select_place(place)
        self.steps.append(Step(self.phase, Role.ENTER, serves, place.name, command, nc=command.nc))
        self.place, self.file = place.name, ""

    def _reach(self, target: Target) -> int:
        """Make a file addressable; return the SFI to address it by, 0 if it is current."""
        if self.file == target.file:
            return 0
        if target.sfi:
            self.enter(target.place, target.name)
            self.file = target.file
            return target.sfi
        if self.place == target.place.name:
            command = CommandAPDU(CLA, SELECT, BY_FID, NO_DATA, target.fid)
        elif not target.place.by_path:
            self.enter(target.place, target.name)
            command = CommandAPDU(CLA, SELECT, BY_FID, NO_DATA, target.fid)
        else:
            command = CommandAPDU(CLA, SELECT, BY_PATH, NO_DATA, target.place.path + target.fid)
        place = target.place.name
        self.steps.append(Step(self.phase, Role.SELECT, target.name, place, command, nc=command.nc))
        self.place, self.file = target.place.name, target.file
        return 0

    # Files

    def read(self, target: Target) -> None:
        """Read a body or record whole, in pieces of 255 bytes where it is longer."""
        sfi = self._reach(target)
        for offset in range(0, target.size, CHUNK):
            length = min(CHUNK, target.size - offset)
            ins = READ_RECORD if target.record else READ_BINARY
            p1, p2 = _address(target, sfi, offset)
            span = (offset, length) if target.size > CHUNK else None
            command = CommandAPDU(CLA, ins, p1, p2, b"", length)
            step = Step(self.phase, Role.READ, target.name, target.place.name, command, span=span, answer=length)
            self.steps.append(step)
            sfi = 0

    def gone(self, target: Target, *, serves: str) -> None:
        """Show that a file with an SFI does not exist any more."""
        self.enter(target.place, serves)
        command = CommandAPDU(CLA, READ_BINARY, BY_SFI | target.sfi, 0, b"", target.size)
        self.steps.append(Step(self.phase, Role.GONE, serves, self.place, command, sw=(FILE_NOT_FOUND,)))

    def shut(self, target: Target, *, serves: str) -> None:
        """Show that a file gives its first bytes to nobody yet."""
        sfi = self._reach(target)
        p1, p2 = _address(target, sfi, 0)
        ins = READ_RECORD if target.record else READ_BINARY
        command = CommandAPDU(CLA, ins, p1, p2, b"", min(CHUNK, target.size))
        self.steps.append(Step(self.phase, Role.GONE, serves, self.place, command, sw=(SECURITY_STATUS,)))

    def write(self, target: Target, *, serves: str = "", content: str = "") -> None:
        """Write a body or record whole, in pieces of 255 bytes where it is longer.

        :param serves: the state, the target's name if empty.  :param content: likewise.
        """
        sfi = self._reach(target)
        for offset in range(0, target.size, CHUNK):
            length = min(CHUNK, target.size - offset)
            ins = UPDATE_RECORD if target.record else UPDATE_BINARY
            p1, p2 = _address(target, sfi, offset)
            step = Step(
                self.phase,
                Role.WRITE,
                serves or target.name,
                target.place.name,
                CommandAPDU(CLA, ins, p1, p2),
                content=content or target.name,
                span=(offset, length) if target.size > CHUNK else None,
                nc=length,
                nvm=length,
                reversible=False,
            )
            self.steps.append(step)
            sfi = 0

    def create(self, creation: Creation) -> None:
        """Make a file or directory; it is current then. ETSI TS 102 222 6.3"""
        name, new = creation.name, creation.new
        if name != MF:
            self.enter(creation.place, name)
        command = create_file(new)
        step = Step(self.phase, Role.CREATE, name, self.place, command, nc=command.nc, nvm=command.nc, reversible=False)
        self.steps.append(step)
        self.place, self.file = (name, "") if isinstance(new, NewDirectory) else (self.place, name)

    def activate(self, creation: Creation) -> None:
        """Put the current file into use: its access rules hold from here on. ETSI TS 102 221 11.1.15"""
        step = Step(self.phase, Role.ACTIVATE, creation.name, self.place, activate(), nvm=1, reversible=False)
        self.steps.append(step)

    def deactivate(self, target: Target, *, serves: str) -> None:
        """Put a file out of use until it is activated. ETSI TS 102 221 11.1.14"""
        self.enter(target.place, serves)
        command = CommandAPDU(CLA, DEACTIVATE_FILE, 0, 0, target.fid)
        step = Step(self.phase, Role.DEACTIVATE, serves, self.place, command, nc=command.nc, nvm=1, reversible=False)
        self.steps.append(step)

    def idle(self, target: Target) -> None:
        """Show that a file is deactivated and gives no content. ETSI TS 102 221 11.1.1.4.9, 10.2.1.2"""
        self.enter(target.place, target.name)
        command = CommandAPDU(CLA, SELECT, BY_FID, FCP, target.fid, ANY_LENGTH)
        place = self.place
        self.steps.append(
            Step(
                self.phase, Role.SELECT, target.name, place, command, nc=command.nc, answer=FCP_BYTES, sw=(DEACTIVATED,)
            )
        )
        self.file = target.file
        read = CommandAPDU(CLA, READ_RECORD if target.record else READ_BINARY, *_address(target, 0, 0), b"", 1)
        self.steps.append(Step(self.phase, Role.READ, target.name, place, read, sw=(REFERENCE_INVALID,)))

    def attributes(self, creation: Creation, place: Place) -> None:
        """Select what was made and ask for its file control parameters.

        :param place: the directory itself, or the one a file lies in.
        """
        name, new = creation.name, creation.new
        if isinstance(new, NewDirectory):
            if place.parent is not None:
                self.enter(place.parent, name)
            role = Role.ENTER
            self.place, self.file = name, ""
        else:
            self.enter(place, name)
            role = Role.SELECT
            self.file = name
        command, answer = select_made(creation, place), len(new.template())
        self.steps.append(Step(self.phase, role, name, place.name, command, nc=command.nc, answer=answer))

    def delete(self, target: Target, *, serves: str) -> None:
        """Remove a file. ETSI TS 102 222 6.4"""
        self.enter(target.place, serves)
        command = CommandAPDU(CLA, DELETE_FILE, 0, 0, target.fid)
        step = Step(self.phase, Role.DELETE, serves, self.place, command, nc=len(target.fid), reversible=False)
        self.steps.append(step)
        self.file = ""

    # Secrets

    def query(self, access: Access, *, ins: int = VERIFY, serves: str = "") -> None:
        """Ask how many tries are left: the empty VERIFY or UNBLOCK PIN. TS 102 221 11.1.9.1.5"""
        command = CommandAPDU(CLA, ins, 0, access.reference)
        full = 0x63C0 | access.tries
        step = Step(self.phase, Role.QUERY, serves or access.name, self.place, command, access=access, sw=(full,))
        self.steps.append(step)

    def present(self, access: Access, content: str, *, serves: str = "") -> None:
        """Ask for the counter, then present a secret; nothing if it has been presented since the last reset."""
        if access.name in self.opened:
            return
        self.query(access, serves=serves)
        command = CommandAPDU(CLA, VERIFY, 0, access.reference)
        step = Step(
            self.phase,
            Role.PRESENT,
            serves or access.name,
            self.place,
            command,
            content,
            access,
            nc=SECRET_BYTES,
            reversible=False,
        )
        self.steps.append(step)
        self.opened.add(access.name)

    def exchange(self, access: Access, ins: int, content: str, *, serves: str) -> None:
        """CHANGE PIN (old, new) or UNBLOCK PIN (PUK, PIN). TS 102 221 11.1.10, 11.1.13"""
        command = CommandAPDU(CLA, ins, 0, access.reference)
        size = 2 * SECRET_BYTES
        step = Step(
            self.phase, Role.CHANGE, serves, self.place, command, content, access, nc=size, nvm=size, reversible=False
        )
        self.steps.append(step)

    # Proofs

    def prove(self, serves: str, content: str, *, answer: int, sw: int = 0x9000) -> None:
        """AUTHENTICATE in the 3G or IMS context with a challenge the session makes. TS 31.102 7.1"""
        command = CommandAPDU(CLA, AUTHENTICATE, 0, CONTEXT_3G, ne=ANY_LENGTH)
        size = CHALLENGE_3G_BYTES
        step = Step(
            self.phase, Role.PROVE, serves, self.place, command, content=content, nc=size, answer=answer, sw=(sw,)
        )
        self.steps.append(step)

    def prove_gsm(self, serves: str, content: str) -> None:
        """AUTHENTICATE in the GSM context. TS 31.102 7.1.2.1"""
        command = CommandAPDU(CLA, AUTHENTICATE, 0, CONTEXT_GSM, ne=ANY_LENGTH)
        size = CHALLENGE_GSM_BYTES
        step = Step(
            self.phase, Role.PROVE, serves, self.place, command, content=content, nc=size, answer=GSM_ANSWER_BYTES
        )
        self.steps.append(step)

    def ask_identity(self, serves: str, content: str, *, answer: int) -> None:
        """GET IDENTITY: the card conceals the identity. TS 31.102 7.5"""
        self.steps.append(
            Step(self.phase, Role.PROVE, serves, self.place, ASK_FOR_SUCI, content=content, answer=answer)
        )


def _address(target: Target, sfi: int, offset: int) -> tuple[int, int]:
    """P1 and P2 of a read or update (TS 102 221 tables 11.10, 11.11)."""
    if target.record:
        return target.record, sfi << 3 | ABSOLUTE
    if sfi:
        return BY_SFI | sfi, offset
    return offset >> 8, offset & 0xFF


def select_place(place: Place, *, fcp: bool = False) -> CommandAPDU:
    """Return the command that makes a directory current; the child of an ADF only from there.

    :param fcp: ask for its file control parameters.
    """
    answer, length = (FCP, ANY_LENGTH) if fcp else (NO_DATA, 0)
    if place.parent is not None:
        return CommandAPDU(CLA, SELECT, BY_FID, answer, place.path, length)
    if place.aid:
        return CommandAPDU(CLA, SELECT, BY_AID, answer, place.aid, length)
    if place.path:
        return CommandAPDU(CLA, SELECT, BY_PATH, answer, place.path, length)
    return CommandAPDU(CLA, SELECT, BY_FID, answer, MF_FID, length)


def select_made(creation: Creation, place: Place) -> CommandAPDU:
    """Return the command that selects what was made, from the directory it was made in, and asks for its parameters.

    :param place: the directory itself, or the one a file lies in.
    """
    if isinstance(creation.new, NewDirectory):
        return select_place(place, fcp=True)
    return CommandAPDU(CLA, SELECT, BY_FID, FCP, creation.new.fid.to_bytes(2), ANY_LENGTH)


def in_order(targets: Iterable[Target], current: str = MF) -> list[Target]:
    """Group targets by directory, the current one first, else in order of first appearance.

    In a directory that is reached by path, files without an SFI come first: their SELECT enters the directory as well.
    """
    places: dict[str, list[Target]] = {current: []}
    for target in targets:
        places.setdefault(target.place.name, []).append(target)
    ordered: list[Target] = []
    for group in places.values():
        by_path = bool(group) and group[0].place.by_path and group[0].place.name != current
        ordered += sorted(group, key=lambda target: bool(target.sfi)) if by_path else group
    return ordered
