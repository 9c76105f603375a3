"""Planned commands one by one: with what they are sent, protected as the session they belong to."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.rights import effective_mode
from cardkit.apps.desfire.settings import FREE, NEVER, AccessRights, DataBody, FileSettings, FileType, RecordBody
from cardkit.apps.desfire.states.product import AppSpec, DesfireProduct, FileSpec, KeySetSpec, KeySpec
from cardkit.apps.desfire.states.sizes import Opened, frames
from cardkit.apps.iso7816.commands import Answer, Ins, SelectBy
from cardkit.channel.native import MORE
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.desired import Access, Phase, Role, Step
from cardkit.errors import ProfileError
from cardkit.secure.desfire import CHANGE_KEY, CHANGE_KEY_EV2, Authentication, Mode, NativeCommand

CARD = "card"
"""Where steps on the card's own level take place."""
UID, VERSION, APPLICATIONS, MEMORY, SIGNATURE = "UID", "version", "applications", "free memory", "originality"
CARD_KEY, CARD_SETTINGS, CONFIGURATION = "card/key 0", "card/settings", "card/configuration"
BY_NAME, BY_FID = " by DF name", " by ISO identifier"
"""What follows the name of an application that is selected as ISO 7816 does it."""
OWN, ZEROS, DELIVERED = "own", "zeros", "as delivered"
"""Which value of a key a session is opened with."""
_CLASS, _READER, _GET_UID = 0x90, 0xFF, 0xCA
_OK = (0x9100,)
_ALL = 256
_TRANSACTION_MAC_BYTES = 12
_VERSION_FRAME = 7
_OPENING = {Authentication.ISO: 0x1A, Authentication.AES: 0xAA, Authentication.EV2: 0x71}
_NEXT = 0x77
_SET_KINDS = {KeyKind.TDEA2: 0x00, KeyKind.TDEA3: 0x01, KeyKind.AES: 0x02}


def lent_settings(file: FileSpec) -> FileSettings:
    """Return the settings a file is made with while its rights are lent to the master key."""
    settings = file.settings
    return FileSettings(settings.type, settings.options, AccessRights(0, 0, 0, 0), settings.body)


@dataclass(slots=True)
class Steps:
    """Commands in the order they are sent; knows the session they are sent in.

    :ivar number: of the key the session was opened with; None outside a session.
    """

    product: DesfireProduct
    phase: Phase
    place: str = CARD
    steps: list[Step] = field(default_factory=list)
    opened: Opened | None = None
    number: int | None = None

    def _add(self, role: Role, serves: str, command: NativeCommand, *, nvm: int = 0, content: str = "") -> None:
        sent = self.opened.sent(command) if self.opened else len(command.in_clear())
        answered = self.opened.answered(command) if self.opened else command.answer or 0
        self._sized(role, serves, command, (sent, answered), nvm=nvm, content=content)

    def _sized(
        self,
        role: Role,
        serves: str,
        command: NativeCommand,
        sizes: tuple[int, int],
        *,
        nvm: int = 0,
        content: str = "",
    ) -> None:
        sent, answered = sizes
        apdu = CommandAPDU(_CLASS, command.op, 0, 0, command.header, ne=_ALL)
        place, phase = self.place, self.phase
        count = frames(self.product.chip, command.op, sent, answered)
        first = min(sent, self.product.chip.frame)
        self.steps.append(
            Step(
                phase,
                role,
                serves,
                place,
                apdu,
                content=content,
                access=Access(serves, 0, -1) if role is Role.CHANGE else None,
                nc=first,
                answer=answered,
                sw=_OK,
                nvm=nvm,
            )
        )
        more = CommandAPDU(_CLASS, MORE, 0, 0, ne=_ALL)
        self.steps += [Step(phase, Role.QUERY, serves, place, more, sw=_OK) for _ in range(count - 1)]

    # Where, and in which session

    def reader_uid(self) -> None:
        """Let the reader tell the UID."""
        command = CommandAPDU(_READER, _GET_UID, 0, 0, ne=_ALL)
        self.steps.append(Step(self.phase, Role.READ, UID, CARD, command, answer=commands.UID_BYTES))

    def enter(self, app: AppSpec | None) -> None:
        """Select an application, or the card's own level."""
        self.place = app.title if app else CARD
        self.opened = self.number = None
        self._add(Role.ENTER, self.place, commands.select(app.aid if app else commands.PICC))

    def enter_by_name(self, app: AppSpec, *, fid: bool = False) -> None:
        """Select an application by its DF name, as ISO 7816 does it; or by its file identifier."""
        self.place = app.title
        self.opened = self.number = None
        if fid:
            data, by = (app.iso_fid or 0).to_bytes(2, "big"), SelectBy.FID
        else:
            data, by = app.df_name, SelectBy.AID
        command = CommandAPDU(0x00, Ins.SELECT, by, Answer.NOTHING, data)
        serves = app.title + (BY_FID if fid else BY_NAME)
        self.steps.append(Step(self.phase, Role.SELECT, serves, self.place, command, nc=len(data), sw=(0x9000,)))

    def authenticate(self, number: int, kind: KeyKind, value: str) -> None:
        """Open a session.  :param value: which value of the key."""
        how = self.product.authentication(kind)
        follows = how is Authentication.EV2 and self.opened is not None and self.opened.authentication is how
        op = _NEXT if follows else _OPENING[how]
        size = kind.random_bytes
        header = bytes((number,)) + (b"\0" if op == _OPENING[Authentication.EV2] else b"")
        name = f"{self.place}/key {number}"
        apdu = CommandAPDU(_CLASS, op, 0, 0, header, ne=_ALL)
        access = Access(name, number, -1)
        self.steps.append(
            Step(
                self.phase,
                Role.PRESENT,
                name,
                self.place,
                apdu,
                content=value,
                access=access,
                nc=len(header),
                answer=size,
                sw=(0x91AF,),
            )
        )
        proof = CommandAPDU(_CLASS, MORE, 0, 0, ne=_ALL)
        answer = 2 * size if op == _OPENING[Authentication.EV2] else size
        self.steps.append(Step(self.phase, Role.QUERY, name, self.place, proof, nc=2 * size, answer=answer, sw=_OK))
        self.opened, self.number = Opened(how, kind), number

    # Questions

    def ask(self, op: Op, serves: str, header: bytes = b"", answer: int = 0) -> None:
        """Ask for something."""
        self._add(Role.QUERY, serves, commands.inform(op, header, answer))

    def version(self) -> None:
        """Ask which product it is: three frames, outside a session."""
        self.ask(Op.GET_VERSION, VERSION, answer=_VERSION_FRAME)
        more = CommandAPDU(_CLASS, MORE, 0, 0, ne=_ALL)
        sizes = (_VERSION_FRAME, commands.VERSION_BYTES - 2 * _VERSION_FRAME)
        self.steps += [Step(self.phase, Role.QUERY, VERSION, self.place, more, answer=size, sw=_OK) for size in sizes]

    def card_uid(self) -> None:
        """Ask for the real UID."""
        self._add(Role.READ, UID, commands.get_card_uid())

    def signature(self) -> None:
        """Ask for the maker's signature, outside a session."""
        self._add(Role.QUERY, SIGNATURE, commands.read_signature(enciphered=False))

    def read(self, app: AppSpec, file: FileSpec) -> None:
        """Read a file's contents, whole."""
        state, settings = app.file_state(file.number), file.settings
        op = _reading(settings.type)
        mode = effective_mode(op, settings, self.number)
        if op is Op.GET_VALUE:
            command = commands.get_value(file.number, mode)
        elif isinstance(settings.body, RecordBody):
            command = commands.read_records(file.number, 0, settings.body.current, settings.body.size, mode)
        else:
            command = commands.read_data(file.number, 0, file_bytes(file), mode)
        self._add(Role.READ, state, command)

    # Changes

    def create_application(self, app: AppSpec, first: int) -> None:
        """Make an application.  :param first: ks1 it begins with."""
        command = commands.create_application(app.aid, first, app.second_bytes, app.iso_fid, app.df_name)
        self._add(Role.CREATE, app.title, command, nvm=32)

    def create_file(self, app: AppSpec, file: FileSpec, settings: FileSettings) -> None:
        """Make a file, with the settings it begins with."""
        state = app.file_state(file.number)
        if file.op is Op.CREATE_TRANSACTION_MAC:
            command = commands.create_transaction_mac(
                file.number, settings.options, settings.rights, _key_option(settings), DesfireKey.zero(KeyKind.AES)
            )
        else:
            command = commands.create_file(file.op, file.number, settings, iso_fid=file.iso_fid)
        content = state if file.op is Op.CREATE_VALUE else ""
        self._add(Role.CREATE, state, command, nvm=_memory(file), content=content)

    def write(self, app: AppSpec, file: FileSpec, settings: FileSettings) -> None:
        """Write a file's contents, or its first record."""
        state = app.file_state(file.number)
        records = isinstance(settings.body, RecordBody)
        mode = effective_mode(Op.WRITE_RECORD if records else Op.WRITE_DATA, settings, self.number)
        build = commands.write_record if records else commands.write_data
        self._add(Role.WRITE, state, build(file.number, 0, bytes(file.size), mode), nvm=file.size, content=state)

    def commit(self, place: str) -> None:
        """Make what was written count."""
        self._add(Role.ACTIVATE, place, commands.commit(), nvm=32)

    def change_file_settings(self, app: AppSpec, file: FileSpec) -> None:
        """Set mode and rights to what they shall be."""
        command = commands.change_file_settings(file.number, file.settings.change(), Mode.FULL)
        self._add(Role.WRITE, app.file_state(file.number), command, nvm=4)

    def change_key(self, key: KeySpec, state: str) -> None:
        """Set a key."""
        if self.opened is None:
            raise ProfileError(f"{state}: a key is changed in a session")
        own = key.number == self.number and not key.key_set
        header = bytes((key.number | (0x80 if self.place == CARD else 0),))
        op = CHANGE_KEY
        if key.key_set:
            op, header = CHANGE_KEY_EV2, bytes((key.key_set,)) + header
        size = self.opened.key_change(len(header), key.kind, own=own)
        self._sized(Role.CHANGE, state, NativeCommand(op, header), (size, 8), nvm=key.kind.size_bytes)
        if own:
            self.opened = self.number = None

    def fill_key_set(self, app: AppSpec, keys: KeySetSpec) -> None:
        """Make a further set of keys, and fill it; the application goes on with the one it has."""
        state = app.set_state(keys.number)
        self._add(Role.CREATE, state, commands.initialize_key_set(keys.number, _SET_KINDS[app.kind]), nvm=32)
        for key in keys.keys:
            self.change_key(key, state)
        self._add(Role.ACTIVATE, state, commands.finalize_key_set(keys.number, keys.version), nvm=1)

    def change_key_settings(self, state: str, first: int) -> None:
        """Set ks1."""
        self._add(Role.WRITE, state, commands.change_key_settings(first), nvm=1)

    def configure(self, value: int) -> None:
        """Set what cannot be taken back."""
        command = commands.set_configuration(0, bytes((value,)))
        self._add(Role.WRITE, CONFIGURATION, command, nvm=1)

    def format(self) -> None:
        """Make a begun card a blank one."""
        self._add(Role.DELETE, CARD, commands.inform(Op.FORMAT, answer=0), nvm=64)

    # What must be refused

    def refused(self, serves: str, op: int, header: bytes, status: tuple[int, ...]) -> None:
        """Send what a card must refuse, in clear and outside any session."""
        self.opened = self.number = None
        apdu = CommandAPDU(_CLASS, op, 0, 0, header, ne=_ALL)
        words = tuple(0x9100 | one for one in status)
        self.steps.append(Step(self.phase, Role.GONE, serves, self.place, apdu, nc=len(header), sw=words))


def _reading(kind: FileType) -> Op:
    if kind is FileType.VALUE:
        return Op.GET_VALUE
    return Op.READ_RECORDS if kind in (FileType.LINEAR, FileType.CYCLIC) else Op.READ_DATA


def file_bytes(file: FileSpec) -> int:
    """Return how many bytes a data file, or a transaction MAC, is read with."""
    return file.settings.body.size if isinstance(file.settings.body, DataBody) else _TRANSACTION_MAC_BYTES


def _key_option(settings: FileSettings) -> int:
    return getattr(settings.body, "key_option", 0)


def _memory(file: FileSpec) -> int:
    body = file.settings.body
    size = body.size * body.most if isinstance(body, RecordBody) else file.size
    return max(32, size)


def holds(file: FileSpec) -> bool:
    """Whether there is something in a file to be read: not in a record file without records."""
    body = file.settings.body
    return not isinstance(body, RecordBody) or body.current > 0


def closed(rights: AccessRights) -> bool:
    """Whether nobody may read without a key."""
    return FREE not in (rights.read, rights.both) and {rights.read, rights.both} != {NEVER}
