"""A document chip as those of 2006 were: everything is open until the lock, then BAC, RSA-1024, chip authentication.

CREATE FILE 00E0 `63 04 size fid`, UPDATE BINARY 00D6, PUT DATA 00DA P1 62 BAC, 60 and 61 RSA, 63 curve, 64
certificate, DEAD lock. Quirks: Le = 00 asks for nothing, Le above C8 is refused; errors leave the session naked.
"""

from collections.abc import Callable, Mapping
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import StatusWordError
from ..gp import ber, wire
from . import creation, factory, keys
from .chip import CPLC, LIFE_CYCLE, DocumentChip
from .document import EMRTD_AID, INITIALIZED, MF, OPERATIONAL, Condition, Ef
from .groups import refuse
from .passport import (
    CHIP_AUTHENTICATION,
    GENERAL_AUTHENTICATE,
    MANAGE_ENVIRONMENT,
    PACE,
    READ_BINARY,
    READ_BINARY_ODD,
    RESET_RETRY_COUNTER,
    SELECT,
    Handler,
    Passport,
)
from .reading import addressed
from .session import FULL_SHORT, Answer, Command

_DIRECTORY: Final = 0x3F01
_FILE: Final = 0x63
_SFI: Final = 0x1F
_MOST_READ: Final = 0xC8
_LOCK: Final = 0xDEAD
_MODULUS, _EXPONENT, _BAC, _CURVE, _CERTIFICATE = 0x60, 0x61, 0x62, 0x63, 0x64  # P2 of PUT DATA
_NUMBER: Final = 0x04
_RSA1024: Final = 128
_HALF: Final = "rsa"  # cell of the half of a key pair that came first
_SHA1: Final = b"\x01"
_WEIGHTS: Final = (7, 3, 1)
_NOT_THEN: Final = (GENERAL_AUTHENTICATE, RESET_RETRY_COUNTER, READ_BINARY_ODD)


class Passport2006(Passport):
    """What readers meet: neither PACE nor AES."""

    def handler(self, command: Command) -> Handler | None:
        """The instructions of that time."""
        later = command.ins == MANAGE_ENVIRONMENT and command.parameters in (PACE, CHIP_AUTHENTICATION)
        return None if later or command.ins in _NOT_THEN else super().handler(command)

    def work(self, command: Command) -> Answer:
        """The command, with its quirks of reading."""
        if command.ins == READ_BINARY and command.ne == FULL_SHORT:
            return b"", sw.OK
        if command.ins == READ_BINARY and command.ne > _MOST_READ:
            raise StatusWordError(sw.WRONG_LENGTH)
        return super().work(command)

    def protected(self, apdu: wire.Apdu, header: bytes) -> bytes:
        """An error leaves the session as a bare status word."""
        answer = super().protected(apdu, header)
        return answer if answer[-2:] == sw.OK else answer[-2:]


class Chip2006(DocumentChip):
    """The state of one chip, and its way from blank to locked."""

    def _passport(self) -> Passport:
        return Passport2006(self.document, self.random)

    def before_lock(self, apdu: wire.Apdu) -> bytes:
        """A plain command."""
        if apdu.secured or apdu.chained or apdu.extended:
            raise StatusWordError(sw.NO_SECURE_MESSAGING if apdu.secured else sw.WRONG_LENGTH)
        data, status = self.answer(Command(apdu.cla, apdu.ins, apdu.p1, apdu.p2, apdu.data, apdu.ne))
        return data + status

    def work(self, command: Command) -> Answer:
        """Everything is allowed, once the application is selected."""
        if command.ins == SELECT and command.p1 == 0x04 and command.data == EMRTD_AID:
            self.session.df, self.session.ef = _DIRECTORY, None
            return b"", sw.OK
        if command.ins == factory.GET_DATA and command.parameters in (CPLC, LIFE_CYCLE):
            return self.identity(command.parameters)
        if self.session.df == MF:
            raise StatusWordError(sw.CONDITIONS)
        writer = _WRITERS.get(command.ins)
        if writer is None:
            return factory.read(self.document, self.session, command, opened=True)
        writer(self, command)
        return b"", sw.OK

    def create_file(self, command: Command) -> None:
        """CREATE FILE `63 04 size2 fid2`.

        :raises StatusWordError: 6A80, 6A89, 6A84.
        """
        command.require(0)
        objects = ber.parse(command.data)
        if [tag for tag, _ in objects] != [_FILE] or len(objects[0][1]) != 4:
            raise refuse()
        size, fid = (int.from_bytes(part, "big") for part in (objects[0][1][:2], objects[0][1][2:]))
        if self.document.find(_DIRECTORY, fid) is not None:
            raise StatusWordError(sw.FILE_EXISTS)
        if not size or self.document.used() + size > self.image.nvm:
            raise StatusWordError(sw.NO_MEMORY)
        self.document.put_directory(_DIRECTORY, EMRTD_AID)
        read = {0x0103: Condition.FINGERS, 0x0104: Condition.IRIS}.get(fid, Condition.SESSION)
        self.document.put_file(Ef(_DIRECTORY, fid, fid & _SFI, read), bytes(size))
        self.document.life_cycle = INITIALIZED

    def update_binary(self, command: Command) -> None:
        """UPDATE BINARY."""
        file, offset = addressed(self.document, self.session, command)
        creation.update(self.document, file, offset, command.data)

    def put_data(self, command: Command) -> None:
        """PUT DATA: keys, and the lock.

        :raises StatusWordError: 6A80 malformed, 6A88 unknown, 6985 a second certificate, or nothing to lock.
        """
        if command.parameters == _LOCK:
            self._lock()
        elif command.p2 in (_MODULUS, _EXPONENT):
            self._put_rsa(command.p2, command.data)
        elif command.p2 == _BAC:
            self._put(keys.MRZ, tlv.build(0x81, _mrz_information(command.data)))
        elif command.p2 == _CURVE:
            self._put_curve(command.data)
        elif command.p2 == _CERTIFICATE and command.p1 < len(keys.TRUST_POINTS):
            self._put_certificate(keys.TRUST_POINTS[command.p1], command.data)
        else:
            raise StatusWordError(sw.DATA_NOT_FOUND)

    def _put(self, identifier: int, value: bytes) -> None:
        keys.put(self.document, identifier, value, self.random.randbytes)

    def _put_certificate(self, identifier: int, value: bytes) -> None:
        if self.document.key(identifier):
            raise StatusWordError(sw.CONDITIONS)
        self._put(identifier, value)

    def _put_curve(self, data: bytes) -> None:
        """`81 p 82 a 83 b 84 G 85 r 86 s 87 k`: the cofactor must be 1."""
        objects = ber.unique(data)
        if int.from_bytes(objects.pop(0x87, b"\x01"), "big") != 1:
            raise refuse()
        self._put(keys.CHIP_KEYS[0], b"".join(tlv.build(tag, value) for tag, value in objects.items()))

    def _put_rsa(self, tag: int, data: bytes) -> None:
        """`60 00 04 L modulus`, `61 00 04 L exponent`: the pair counts when both are there."""
        if data[:2] != bytes((tag, 0)):
            raise refuse()
        number = ber.unique(data[2:], frozenset((_NUMBER,))).get(_NUMBER, b"")
        if len(number.lstrip(b"\x00")) > _RSA1024 or not number:
            raise refuse()
        other, half = self.journal.get(_HALF)[:1], self.journal.get(_HALF)[1:]
        self.journal.put(_HALF, bytes((tag,)) + number)
        if other and other[0] != tag:
            modulus, exponent = (number, half) if tag == _MODULUS else (half, number)
            value = tlv.build(0x81, modulus) + tlv.build(0x82, exponent) + tlv.build(0x83, _SHA1)
            self._put(keys.AA_RSA, value)

    def _lock(self) -> None:
        if self.document.application(EMRTD_AID) is None:
            raise StatusWordError(sw.CONDITIONS)
        self.document.life_cycle = OPERATIONAL
        self.passport.reset()


def _mrz_information(data: bytes) -> bytes:
    """`62 L { t L number, t L birth, t L expiry }` with the check digits the chip computes (Doc 9303-3 4.9)."""
    objects = ber.parse(data)
    if [tag for tag, _ in objects] != [_BAC]:
        raise refuse()
    fields = [value for _, value in ber.parse(objects[0][1])]
    if [len(field) for field in fields[1:]] != [6, 6] or not fields[0]:
        raise refuse()
    return b"".join(field + _check_digit(field) for field in (fields[0].ljust(9, b"<"), *fields[1:]))


def _check_digit(field: bytes) -> bytes:
    total = 0
    for place, character in enumerate(field):
        if character == ord("<"):
            continue
        if not (chr(character).isdigit() or "A" <= chr(character) <= "Z"):
            raise refuse()
        total += int(chr(character), 36) * _WEIGHTS[place % 3]
    return b"%d" % (total % 10)


_WRITERS: Final[Mapping[int, Callable[[Chip2006, Command], None]]] = {
    0xE0: Chip2006.create_file,
    0xD6: Chip2006.update_binary,
    0xDA: Chip2006.put_data,
}
