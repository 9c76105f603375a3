"""A native chip: ISO commands under SCP03 build its file system, ACTIVATE FILE on the MF locks it (drivers, id.md 15).

CREATE FILE 00E0, DELETE FILE 00E4, UPDATE BINARY 00D6 00D7, PUT DATA 00DA, ACTIVATE FILE 0044, TERMINATE DF 00E6
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import protection, wire
from ..gp.crypto import KEY_AES
from ..gp.keycells import JournalCell
from ..gp.keysets import SCP03, CardKeyEntry, KeyRing, KeySet, RetryPolicy
from ..gp.protection import C_DEC, C_MAC
from ..gp.session import SecureChannel
from ..memory import Memory
from . import creation, factory, keys
from .chip import CPLC, LIFE_CYCLE, DocumentChip
from .document import EMRTD_AID, INITIALIZED, MF, OPERATIONAL, TERMINATED
from .image import CPLC_CELL, EmrtdImage
from .reading import addressed, addressed_odd, offset_object, written_object
from .session import Answer, Command

_TRIES_CELL: Final = "transport"
_LONGEST: Final = 4096
_I: Final = 0x70


class NativeChip(DocumentChip):
    """The state of one chip, and its way from blank to locked."""

    def __init__(self, image: EmrtdImage, memory: Memory, random: Random) -> None:
        super().__init__(image, memory, random)
        self._secure = self._channel()
        self._parts: tuple[bytes, bytes] | None = None

    def _channel(self) -> SecureChannel:
        entries = {kid: CardKeyEntry(kid, self.image.kvn, KEY_AES, self.image.transport_key) for kid in (1, 2, 3)}
        cell = JournalCell(self.journal, _TRIES_CELL)
        ring = KeyRing(KeySet(self.image.kvn, SCP03, _I, entries, cell, RetryPolicy()))
        kdd = self.image.kdd(self.memory.cells[CPLC_CELL])
        return SecureChannel(ring, EMRTD_AID, kdd=kdd, random=self.random.randbytes)

    def reset(self) -> None:
        """Forget everything volatile, the factory session too."""
        super().reset()
        self._secure.reset()
        self._parts = None

    def before_lock(self, apdu: wire.Apdu) -> bytes:
        """A command of the plant: joined, checked against its session, its answer protected."""
        whole = self._joined(apdu)
        if whole is None:
            return sw.OK
        if self._secure.opens(whole):
            return self._secure.open(whole) + sw.OK
        data = self._secure.unwrap(whole)
        room = factory.room(self._secure, extended=apdu.extended)
        command = Command(whole.cla, whole.ins, whole.p1, whole.p2, data, apdu.ne, room=room)
        answer, status = self.answer(command)
        return self._secure.wrap_response(answer, status) + status

    def _joined(self, apdu: wire.Apdu) -> protection.Command | None:
        """The whole command, wrapped as one before it was cut, or None while parts are missing."""
        parts, self._parts = self._parts, None
        header = bytes((apdu.cla & ~0x10, apdu.ins, apdu.p1, apdu.p2))
        data = parts[1] + apdu.data if parts is not None and parts[0] == header else apdu.data
        if len(data) > _LONGEST:
            raise StatusWordError(sw.WRONG_LENGTH)
        if apdu.chained:
            self._parts = header, data
            return None
        extended = apdu.extended or len(data) > 0xFF
        return protection.Command(header[0], apdu.ins, apdu.p1, apdu.p2, data, extended)

    def work(self, command: Command) -> Answer:
        """The command itself.

        :raises StatusWordError: 6982 without a session where it needs one, and as each says.
        """
        opened = self._secure.authenticated and bool(self._secure.level & C_MAC)
        if command.ins == factory.GET_DATA and command.parameters in (CPLC, LIFE_CYCLE):
            return self.identity(command.parameters)
        writer = _WRITERS.get(command.ins)
        if writer is None:
            return factory.read(self.document, self.session, command, opened=opened)
        if not opened:
            raise StatusWordError(sw.SECURITY_STATUS)
        writer(self, command)
        return b"", sw.OK

    def create_file(self, command: Command) -> None:
        """CREATE FILE: a directory in the MF, or a file in the current directory; it becomes current."""
        command.require(0)
        creation.create(self.document, self.session, command.data, self.image.nvm)
        self.document.life_cycle = INITIALIZED

    def delete_file(self, command: Command) -> None:
        """DELETE FILE: a file of the current directory.

        :raises StatusWordError: 6A82.
        """
        found = self.document.find(self.session.df, int.from_bytes(command.data, "big"))
        if found is None or len(command.data) != 2:
            raise StatusWordError(sw.FILE_NOT_FOUND)
        self.document.delete_file(found)
        self.session.ef = None

    def update_binary(self, command: Command) -> None:
        """UPDATE BINARY, even instruction."""
        file, offset = addressed(self.document, self.session, command)
        creation.update(self.document, file, offset, command.data)

    def update_binary_odd(self, command: Command) -> None:
        """UPDATE BINARY, odd instruction: `54 L offset 53 L data`."""
        file = addressed_odd(self.document, self.session, command)
        creation.update(self.document, file, offset_object(command.data), written_object(command.data))

    def put_data(self, command: Command) -> None:
        """PUT DATA of a key object.

        :raises StatusWordError: 6982 for a secret one that came in clear, and as `keys.put`.
        """
        if keys.is_secret(command.parameters) and not self._secure.level & C_DEC:
            raise StatusWordError(sw.SECURITY_STATUS)
        keys.put(self.document, command.parameters, command.data, self.random.randbytes)

    def activate_file(self, command: Command) -> None:
        """ACTIVATE FILE: of the MF, it locks the chip for good; of another file, its contents are final.

        :raises StatusWordError: 6985 without the directory of the application.
        """
        command.require(0)
        if self.session.ef is not None:
            creation.activate(self.document, self.session, self.session.ef)
        elif self.session.df == MF:
            if self.document.application(EMRTD_AID) is None:
                raise StatusWordError(sw.CONDITIONS)
            self.document.life_cycle = OPERATIONAL
            self.passport.reset()

    def terminate(self, command: Command) -> None:
        """TERMINATE DF: the chip is scrap.

        :raises StatusWordError: 6985 unless the MF is current.
        """
        command.require(0)
        if self.session.df != MF or self.session.ef is not None:
            raise StatusWordError(sw.CONDITIONS)
        self.document.life_cycle = TERMINATED


_WRITERS: Final[Mapping[int, Callable[[NativeChip, Command], None]]] = {
    0xE0: NativeChip.create_file,
    0xE4: NativeChip.delete_file,
    0xD6: NativeChip.update_binary,
    0xD7: NativeChip.update_binary_odd,
    0xDA: NativeChip.put_data,
    0x44: NativeChip.activate_file,
    0xE6: NativeChip.terminate,
}
