"""Secure dynamic messaging: a file that tells each reader something else (sheet 4)."""

from dataclasses import dataclass
from typing import Final

from . import statuses
from .call import Answer, Call
from .crypto import BlockCipher, odd_bytes
from .lrp import Lrp
from .model import FREE, NEVER, SDM, File
from .session import Mode
from .state import State
from .statuses import RefusedError

_UID, _COUNTER, _LIMIT, _ENCIPHERED, _ASCII = 0x80, 0x40, 0x20, 0x10, 0x01
_META_READ, _FILE_READ, _COUNTER_READ = 12, 8, 0
_KDF: Final = b"\x00\x01\x00\x80"
_ENC_LABEL, _MAC_LABEL, _LRP_LABEL = b"\xc3\x3c", b"\x3c\xc3", b"\x1e\xe1"
_BLOCK: Final = 16
_LAST: Final = 0xFFFFFF
_HEAD: Final = 3


@dataclass(frozen=True, slots=True)
class Settings:
    """As ChangeFileSettings brings them; an offset that is not there is None."""

    options: int
    access: int
    offsets: dict[str, int]

    def key(self, shift: int) -> int:
        """Key number, FREE or NEVER."""
        return self.access >> shift & 0x0F

    @classmethod
    def parse(cls, data: bytes) -> "Settings":
        """From options and access on.

        :raises RefusedError: 7E.
        """
        if len(data) < _HEAD:
            raise RefusedError(statuses.LENGTH)
        options, access = data[0], int.from_bytes(data[1:3], "little")
        found, at = cls(options, access, {}), _HEAD
        for name in found.names():
            if at + 3 > len(data):
                raise RefusedError(statuses.LENGTH)
            found.offsets[name] = int.from_bytes(data[at : at + 3], "little")
            at += 3
        return found

    def names(self) -> list[str]:
        """Which fields follow, in order."""
        plain, file_read = self.key(_META_READ) == FREE, self.key(_FILE_READ) != NEVER
        wanted = {
            "uid": self.options & _UID and plain,
            "counter": self.options & _COUNTER and plain,
            "picc": self.key(_META_READ) < FREE,
            "input": file_read,
            "enc": self.options & _ENCIPHERED and file_read,
            "length": self.options & _ENCIPHERED and file_read,
            "mac": file_read,
            "limit": self.options & _LIMIT,
        }
        return [name for name, there in wanted.items() if there]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return _HEAD + 3 * len(self.names())


def measure(data: bytes) -> int:
    """Length of the settings that stand at the start of `data`."""
    if len(data) < _HEAD:
        return _HEAD
    return Settings(data[0], int.from_bytes(data[1:3], "little"), {}).size


def check(data: bytes, size: int) -> None:
    """Do settings fit a file of that size?

    :raises RefusedError: 7E, 9E.
    """
    found = Settings.parse(data)
    if len(data) != found.size:
        raise RefusedError(statuses.LENGTH)
    lengths = {"uid": 14, "counter": 6, "picc": 2 * _BLOCK, "mac": _BLOCK, "input": 0, "enc": 0}
    ends = [at + lengths.get(name, 0) for name, at in found.offsets.items() if name in lengths]
    wrong = not found.options & _ASCII or any(end > size for end in ends)
    if found.offsets.get("input", 0) > found.offsets.get("mac", _LAST):
        wrong = True
    if "enc" in found.offsets:
        start, length = found.offsets["enc"], found.offsets["length"]
        wrong |= length % (2 * _BLOCK) > 0 or start < found.offsets["input"] or start + length > found.offsets["mac"]
    if wrong:
        raise RefusedError(statuses.PARAMETER)


def restart(state: State, number: int) -> None:
    """SDM is switched on: the counter begins anew."""
    state.put_counter(number, 0)


def mirrored(state: State, file: File, body: bytes, offset: int) -> bytes:
    """The content as a reader sees it; a read from the start counts.

    :raises RefusedError: 9D past the limit.
    """
    shown = state.mirrors.get(file.number)
    if shown is not None and offset:
        return shown
    settings = Settings.parse(file.sdm)
    counter = state.counter(file.number) + 1
    if counter > settings.offsets.get("limit", _LAST):
        raise RefusedError(statuses.PERMISSION)
    state.put_counter(file.number, counter)
    shown = state.mirrors[file.number] = _Mirror(state, settings, counter).of(body)
    return shown


class _Mirror:
    """One reading of a file."""

    def __init__(self, state: State, settings: Settings, counter: int) -> None:
        self._state = state
        self._settings = settings
        self._uid = state.uid if settings.options & _UID else b""
        self._counter = counter.to_bytes(3, "little") if settings.options & _COUNTER else b""

    def of(self, body: bytes) -> bytes:
        """The content with what changes put in."""
        offsets, found = self._settings.offsets, bytearray(body)

        def put(name: str, data: bytes) -> None:
            text = data.hex().upper().encode("ascii")
            found[offsets[name] : offsets[name] + len(text)] = text

        if "uid" in offsets:
            put("uid", self._state.uid)
        if "counter" in offsets:
            put("counter", self._counter[::-1])
        if "picc" in offsets:
            put("picc", self._picc_data())
        if "enc" in offsets:
            plain = bytes(found[offsets["enc"] : offsets["enc"] + offsets["length"] // 2])
            put("enc", self._enciphered(plain))
        if "mac" in offsets:
            put("mac", self._mac(bytes(found[offsets["input"] : offsets["mac"]])))
        return bytes(found)

    def _key(self, shift: int) -> bytes:
        return self._state.key(self._settings.key(shift)).value

    def _picc_data(self) -> bytes:
        tag = bytes((self._settings.options & (_UID | _COUNTER) | len(self._uid),))
        plain = tag + self._uid + self._counter
        plain += self._state.random.randbytes(_BLOCK - len(plain))
        key = self._key(_META_READ)
        if self._state.lrp:
            start = self._state.random.randbytes(8)
            return start + Lrp(key).encrypt(plain, start)
        return BlockCipher(key, aes=True).encrypt(plain, bytes(_BLOCK))

    def _master(self) -> bytes:
        vector = _KDF + self._uid + self._counter
        return Lrp(self._key(_FILE_READ)).cmac(vector + bytes(-(len(vector) + 2) % _BLOCK) + _LRP_LABEL)

    def _derived(self, label: bytes) -> BlockCipher:
        vector = label + _KDF + self._uid + self._counter
        work = BlockCipher(self._key(_FILE_READ), aes=True)
        return BlockCipher(work.cmac(vector + bytes(-len(vector) % _BLOCK), work.zeros), aes=True)

    def _enciphered(self, plain: bytes) -> bytes:
        if self._state.lrp:
            return Lrp(self._master(), 1).encrypt(plain, self._counter + bytes(3))
        work = self._derived(_ENC_LABEL)
        return work.encrypt(plain, work.ecb(self._counter.ljust(_BLOCK, b"\x00")))

    def _mac(self, text: bytes) -> bytes:
        if self._state.lrp:
            return odd_bytes(Lrp(self._master()).cmac(text))
        work = self._derived(_MAC_LABEL)
        return odd_bytes(work.cmac(text, work.zeros))


def reading_counter(state: State, call: Call) -> Mode:
    """Access of GetFileCounters: the right CtrRet.

    :raises RefusedError: F0, 9D, AE.
    """
    file = call.file = state.file(call.data[0])
    right = Settings.parse(file.sdm).key(_COUNTER_READ) if file.communication & SDM else NEVER
    if right == NEVER:
        raise RefusedError(statuses.PERMISSION)
    if right not in (FREE, state.session.key_no):
        raise RefusedError(statuses.AUTHENTICATION)
    return Mode.PLAIN if right == FREE else Mode.FULL


def get_file_counters(state: State, call: Call) -> Answer:
    """F6: the read counter, and two bytes of zeros."""
    return state.counter(call.the_file.number).to_bytes(3, "little") + bytes(2)
