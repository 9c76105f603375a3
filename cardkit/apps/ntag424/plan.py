"""States and commands of a tag: the same for every tag of a product; what differs is in the contents.

Keys 1 to 4 first: a tag that was begun shows one of their versions. Then the text, then its rights and mirrors; the
master key last: it is the seal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import UID_BYTES, Op
from cardkit.apps.desfire.states.sizes import Opened, frames
from cardkit.apps.iso7816.commands import Answer, SelectBy, select
from cardkit.apps.ntag424.product import NDEF_FILE, NtagProduct, TagKey
from cardkit.apps.planned import ProductPlan
from cardkit.channel.native import MORE
from cardkit.crypto.desfire import KeyKind
from cardkit.desired import Access, AfterUnknown, Interface, Part, Phase, Role, Seen, State, Step
from cardkit.secure.desfire import CHANGE_KEY, Authentication, Mode, NativeCommand

TAG, UID, TEXT, MIRROR, OPEN, AGAIN = "tag", "UID", "file 2", "file 2 mirror", "file 2 as delivered", "file 2 again"
OWN, DELIVERED = "own", "as delivered"
"""Which value of a key a session is opened with."""
DF_NAME = bytes.fromhex("D2760000850101")
APPLICATION = bytes((0, 0, 1))
"""What the client calls the one application of a tag; it is selected by name only."""
_OPENED = Opened(Authentication.EV2, KeyKind.AES)
_ALL = 256
_AUTHENTICATE, _VERSION_FRAMES = 0x71, (7, 7, 14)
_SETTINGS_ANSWER, _CHANGE_BYTES = 32, 24
_READER_UID = CommandAPDU(0xFF, 0xCA, 0x00, 0x00, ne=_ALL)


@dataclass(frozen=True, slots=True)
class NtagPlan(ProductPlan):
    """States and commands.  :param repair: what a begun tag gets."""

    repair: tuple[Step, ...]


def plan_product(product: NtagProduct) -> NtagPlan:
    """Plan every command."""
    steps = _Steps(product)
    master, *others = product.keys
    identify = tuple(steps.identify())
    writing = (*(step for key in others for step in steps.change_key(key, Phase.WRITE)), *steps.text())
    present = tuple(steps.present(master, DELIVERED, Phase.WRITE))
    check = (*steps.reading(others), *steps.asked(master, DELIVERED), *steps.proofs(others))
    parts = {
        Part.FENCE: identify,
        Part.WRITE: (*present, *writing),
        Part.CHECK: check,
        Part.SEAL: (
            steps.enter(Phase.SEAL),
            *steps.present(master, DELIVERED, Phase.SEAL),
            *steps.change_key(master, Phase.SEAL),
        ),
        Part.STRANGER: (*steps.reading((master,)), *steps.asked(master, OWN)),
    }
    survey = (*steps.reading(product.keys), *steps.asked(master, OWN), *steps.proofs(others))
    repair = (*identify, *present, *steps.settings(OPEN), *writing)
    return NtagPlan(tuple(_states(product)), parts, survey, identify, repair)


def _states(product: NtagProduct) -> Iterator[State]:
    master, *others = product.keys
    for key in others:
        yield _state(key.state, f"{key.name}, in place of zeros", "TRANSIT-002", Phase.WRITE, seen=Seen.BEHAVE)
    yield _state(TEXT, "the URL", "TRANSIT-021", Phase.WRITE, varies=True)
    yield _state(MIRROR, "who may write, and what the tag writes itself", "TRANSIT-047", Phase.WRITE, varies=True)
    title = f"{master.name}, in place of zeros"
    yield _state(master.state, title, "TRANSIT-002", Phase.SEAL, seen=Seen.BEHAVE)


def _state(name: str, title: str, rule: str, phase: Phase, *, seen: Seen = Seen.READ, varies: bool = False) -> State:
    return State(
        name,
        title,
        phase,
        rule,
        seen,
        AfterUnknown.LOOK,
        Access("key 0", 0, -1, TAG),
        reversible=phase is not Phase.SEAL,
        interface=Interface.CONTACTLESS,
        varies=varies,
    )


class _Steps:
    """Commands one by one, with the sizes they have in a session."""

    def __init__(self, product: NtagProduct) -> None:
        self._product = product

    def identify(self) -> Iterator[Step]:
        """Yield what tells which tag it is, and how far it has got."""
        yield Step(Phase.FENCE, Role.READ, UID, TAG, _READER_UID, answer=UID_BYTES)
        yield self.enter(Phase.FENCE)
        yield from self._version(Phase.FENCE)
        yield from self._versions(self._product.keys, Phase.FENCE)

    def enter(self, phase: Phase) -> Step:
        """Return the selection of the application; a session ends."""
        command = select(SelectBy.AID, DF_NAME, Answer.NOTHING)
        return Step(phase, Role.ENTER, TAG, TAG, command, nc=len(DF_NAME))

    def reading(self, keys: Iterable[TagKey]) -> Iterator[Step]:
        """Yield what anybody sees: versions of keys, and the text twice, each time anew."""
        yield Step(Phase.VERIFY, Role.READ, UID, TAG, _READER_UID, answer=UID_BYTES)
        yield self.enter(Phase.VERIFY)
        yield from self._version(Phase.VERIFY)
        yield from self._versions(keys, Phase.VERIFY)
        for serves in (TEXT, AGAIN):
            yield self.enter(Phase.VERIFY)
            command = commands.read_data(NDEF_FILE, 0, self._product.size, Mode.PLAIN)
            yield from self._framed(
                Phase.VERIFY, Role.READ, serves, command, (len(command.header), command.answer or 0)
            )

    def asked(self, master: TagKey, which: str) -> Iterator[Step]:
        """Yield what the tag tells the master key: its UID, and the settings of the file."""
        yield from self.present(master, which, Phase.PROVE)
        uid, settings = commands.get_card_uid(), commands.inform(Op.GET_FILE_SETTINGS, bytes((NDEF_FILE,)))
        yield from self._framed(Phase.PROVE, Role.PROVE, UID, uid, (_OPENED.sent(uid), _OPENED.answered(uid)))
        yield from self._framed(Phase.PROVE, Role.READ, MIRROR, settings, (_OPENED.sent(settings), _SETTINGS_ANSWER))

    def proofs(self, keys: Iterable[TagKey]) -> Iterator[Step]:
        """Yield a session with each key."""
        for key in keys:
            yield from self.present(key, OWN, Phase.PROVE)

    def present(self, key: TagKey, which: str, phase: Phase) -> Iterator[Step]:
        """Yield the two commands of an authentication, a session of its own each time."""
        apdu = CommandAPDU(0x90, _AUTHENTICATE, 0, 0, bytes((key.number, 0)), ne=_ALL)
        access = Access(key.state, key.number, -1, TAG)
        yield Step(
            phase, Role.PRESENT, key.state, TAG, apdu, content=which, access=access, nc=2, answer=16, sw=(0x91AF,)
        )
        yield _more(phase, key.state, nc=32, answer=32)

    def change_key(self, key: TagKey, phase: Phase) -> Iterator[Step]:
        """Yield the change of a key."""
        command = NativeCommand(CHANGE_KEY, bytes((key.number,)))
        size = _OPENED.key_change(1, KeyKind.AES, own=not key.number)
        yield from self._framed(phase, Role.CHANGE, key.state, command, (size, 8 if key.number else 0), nvm=16)

    def text(self) -> Iterator[Step]:
        """Yield the writing of the file, and of its settings."""
        write = commands.write_data(NDEF_FILE, 0, bytes(self._product.size), Mode.PLAIN)
        yield from self._framed(Phase.WRITE, Role.WRITE, TEXT, write, (_OPENED.sent(write), 0), nvm=self._product.size)
        yield from self.settings(MIRROR)

    def settings(self, serves: str) -> Iterator[Step]:
        """Yield the change of the file's settings.  :param serves: ``MIRROR``, or ``OPEN`` to make it writable."""
        change = commands.change_file_settings(NDEF_FILE, bytes(_CHANGE_BYTES), Mode.FULL)
        yield from self._framed(Phase.WRITE, Role.WRITE, serves, change, (_OPENED.sent(change), 8), nvm=_CHANGE_BYTES)

    def _version(self, phase: Phase) -> Iterator[Step]:
        first, *rest = _VERSION_FRAMES
        apdu = CommandAPDU(0x90, Op.GET_VERSION, 0, 0, ne=_ALL)
        yield Step(phase, Role.QUERY, TAG, TAG, apdu, answer=first, sw=(0x91AF,))
        for size in rest:
            yield _more(phase, TAG, answer=size)

    def _versions(self, keys: Iterable[TagKey], phase: Phase) -> Iterator[Step]:
        for key in keys:
            command = commands.inform(Op.GET_KEY_VERSION, bytes((key.number,)), 1)
            yield from self._framed(phase, Role.QUERY, key.state, command, (1, 1))

    def _framed(
        self, phase: Phase, role: Role, serves: str, command: NativeCommand, sizes: tuple[int, int], nvm: int = 0
    ) -> Iterator[Step]:
        """Yield a command and the frames that follow.  :param sizes: bytes sent and answered."""
        sent, answered = sizes
        chip = self._product.chip.native
        apdu = CommandAPDU(0x90, command.op, 0, 0, command.header, ne=_ALL)
        access = Access(serves, 0, -1, TAG) if role is Role.CHANGE else None
        yield Step(
            phase,
            role,
            serves,
            TAG,
            apdu,
            access=access,
            nc=min(sent, chip.frame),
            answer=answered,
            sw=(0x9100,),
            nvm=nvm,
            reversible=phase is not Phase.SEAL,
        )
        for _ in range(frames(chip, command.op, sent, answered) - 1):
            yield _more(phase, serves)


def _more(phase: Phase, serves: str, nc: int = 0, answer: int = 0) -> Step:
    """Return a frame that the command before it brings along."""
    return Step(
        phase, Role.QUERY, serves, TAG, CommandAPDU(0x90, MORE, 0, 0, ne=_ALL), nc=nc, answer=answer, sw=(0x9100,)
    )
