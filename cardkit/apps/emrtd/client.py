"""A travel document on one channel: each command, and its answer read (ICAO Doc 9303-10 3.6, -11 9.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from cardkit import statuswords
from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.emrtd.lds import LDS1_AID, LdsFile
from cardkit.channel import Channel
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import (
    EncodingError,
    KeyBlockedError,
    NotFoundError,
    ProtocolError,
    SecureMessagingError,
    SecurityStatusError,
    StatusError,
)
from cardkit.secure.icao import IcaoSession
from cardkit.transport.base import TransmissionProtocol

MOST_FILE_BYTES = 262_144
"""No file of a travel document is longer: a chip that announces more is not believed."""

_OK, _END_OF_FILE, _PAST_THE_END = 0x9000, 0x6282, 0x6B00
_READ_DONE = (_OK, _END_OF_FILE)
_CLASSES: dict[int, type[StatusError]] = {
    0x6982: SecurityStatusError,
    0x6983: KeyBlockedError,
    0x6A82: NotFoundError,
    0x6A88: NotFoundError,
}
_SHORT_NE, _SHORT_NC, _LEAST_NE, _HEADER_BYTES = 256, 255, 200, 4
_STATUS_BYTES = 2
_CHAINING = 0x10
_EVEN_OFFSETS = 0x8000
_OFFSET, _DISCRETIONARY, _DYNAMIC = 0x54, 0x53, 0x7C
_ODD_OVERHEAD = 4  # 53 82 LL LL around data
_CHALLENGE_BYTES = 8
_MASTER_FILE = b"\x3f\x00"


@contextmanager
def chip_at_fault(what: str) -> Iterator[None]:
    """Turn bytes that cannot be read into the error of the chip that sent them.

    :raises ProtocolError: in place of EncodingError.
    """
    try:
        yield
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


class DocumentClient:
    """A travel document; the caller knows which directory is selected.

    :ivar exchanges: commands that were sent, each with its answer.
    :ivar talkative: whether SELECT was answered with data that nobody had asked for.
    :ivar careful: whether no more of a file is asked for than there is, as its first bytes say.

    Every method raises TransportError when the link fails, SecureMessagingError when the chip breaks its session.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._response_bytes = _SHORT_NE
        self._knows_sfi: bool | None = None  # before it has shown it
        self.exchanges = 0
        self.talkative = False
        self.careful = False

    @property
    def session(self) -> IcaoSession | None:
        """The secure messaging session; None before there is one, and when it is over."""
        secure = self._channel.secure
        return secure if isinstance(secure, IcaoSession) and secure.open else None

    def protect(self, session: IcaoSession) -> None:
        """Put a new session in force; one that was is ended."""
        if self.session is not None:
            self.session.close()
        self._channel.secure = session

    def leave(self) -> None:
        """Send commands in the clear from now on: a session that was is forgotten."""
        self._channel.secure = None

    def use_extended_length(self, response_bytes: int) -> None:
        """Use extended length from now on, where the link can.

        :param response_bytes: of the longest response APDU, as EF.ATR/INFO says.
        """
        if self._channel.protocol != TransmissionProtocol.T0 and response_bytes > _SHORT_NE:
            self._channel.extended = True
            self._response_bytes = response_bytes - _STATUS_BYTES

    def select_application(self, aid: bytes = LDS1_AID) -> None:
        """Select an application.  :raises StatusError: when there is none."""
        self._select(CommandAPDU(0x00, 0xA4, 0x04, 0x0C, aid), f"SELECT {aid.hex().upper()}")

    def select_master_file(self) -> None:
        """Select the MF; chips that know only their application refuse, which does not matter."""
        self._send(CommandAPDU(0x00, 0xA4, 0x00, 0x0C, _MASTER_FILE))

    def read(self, file: LdsFile) -> bytes:
        """Return a file of the current directory, without what fills it behind its object.

        :raises NotFoundError: when it is not there.  :raises SecurityStatusError: when it may not be read.
        :raises ProtocolError: when it is longer than a file can be, or ends before it says.
        """
        first = self._first_part(file)
        if not file.tag:
            return self._to_the_end(file, first)
        with chip_at_fault(file.name):
            size = tlv.announced(first)
        if size > MOST_FILE_BYTES:
            raise ProtocolError(f"{file.name}: announces {size:,} bytes, expected {MOST_FILE_BYTES:,} at most")
        data = bytearray(first)
        while len(data) < size:
            part = self._next_part(file, len(data), size)
            if not part:
                raise ProtocolError(f"{file.name}: ends after {len(data)} bytes, announces {size}")
            data += part
        return bytes(data[:size])

    def read_fixed(self, file: LdsFile, size: int) -> bytes:
        """Return a file of a known size, whatever is in it."""
        return self._first_part(file)[:size]

    def get_challenge(self) -> bytes:
        """Return 8 fresh bytes.  :raises ProtocolError: on another number of them."""
        command = CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=_CHALLENGE_BYTES)
        challenge = self._require(command, "GET CHALLENGE")
        if len(challenge) != _CHALLENGE_BYTES:
            raise ProtocolError(f"GET CHALLENGE: card answered {len(challenge)} bytes, expected {_CHALLENGE_BYTES}")
        return challenge

    def external_authenticate(self, data: bytes, answer_bytes: int = 0) -> bytes:
        """Prove something to the chip.  :raises StatusError: 6300 where it does not believe it."""
        return self._require(CommandAPDU(0x00, 0x82, 0x00, 0x00, data, answer_bytes), "EXTERNAL AUTHENTICATE")

    def internal_authenticate(self, challenge: bytes, answer_bytes: int) -> bytes:
        """Return a signature over a challenge.

        :param answer_bytes: at least as many as the signature has.
        """
        ne = answer_bytes if self._channel.extended else _SHORT_NE
        return self._require(CommandAPDU(0x00, 0x88, 0x00, 0x00, challenge, ne), "INTERNAL AUTHENTICATE")

    def set_environment(self, p1: int, p2: int, objects: bytes, what: str) -> int:
        """Send MSE:SET; return its status word, 9000 or the 63Cx of a PIN that has tries left.

        :param p1, p2: ``C1A4`` PACE, ``41A4`` and ``41A6`` chip authentication, ``81B6`` and ``81A4`` terminal.
        :raises StatusError: on any other.
        """
        command = CommandAPDU(0x00, 0x22, p1, p2, objects)
        response = self._send(command)
        if response.sw != _OK and response.sw & 0xFFF0 != 0x63C0:
            raise _refused(command, f"MSE:SET for {what}", response.sw)
        return response.sw

    def general_authenticate(self, objects: bytes, what: str, *, last: bool) -> TlvList:
        """Send one step of a protocol and return the objects of the answer, a key as long as the one sent at most.

        :param objects: inside 7C.  :param last: whether no further step follows.
        :raises StatusError: when the chip refuses.  :raises ProtocolError: when its answer is not one object 7C.
        """
        data = tlv.build(_DYNAMIC, objects)
        ne = max(self._response_bytes, len(data)) if len(data) > _SHORT_NC else _SHORT_NE
        answer = self._require(CommandAPDU(0x00 if last else _CHAINING, 0x86, 0x00, 0x00, data, ne), what)
        with chip_at_fault(what):
            found = tlv.parse(answer)
            if len(found) != 1 or found[0].tag != _DYNAMIC:
                raise ProtocolError(f"{what}: card answered {len(answer)} bytes, expected one object 7C")
            return found[0].children()

    def verify_certificate(self, body: bytes, signature: bytes) -> None:
        """Present a card verifiable certificate (PSO), in parts where the link takes only short commands.

        :param body, signature: objects 7F4E and 5F37, whole.  :raises StatusError: when the chip refuses it.
        """
        data, size = body + signature, len(body + signature)
        if not self._channel.extended:
            size = _SHORT_NC if self.session is None else self.session.most_data(_SHORT_NE)
        for start in range(0, len(data), size):
            chained = _CHAINING if start + size < len(data) else 0
            command = CommandAPDU(chained, 0x2A, 0x00, 0xBE, data[start : start + size])
            self._require(command, "PSO VERIFY CERTIFICATE")

    def answers_protected(self, file: LdsFile) -> bool:
        """Whether the chip answers a read inside the session, whatever it says: the proof of its keys."""
        try:
            self._send(CommandAPDU(0x00, 0xB0, 0x80 | file.sfi, 0x00, ne=1))
        except SecureMessagingError:
            return False
        return True

    def _first_part(self, file: LdsFile) -> bytes:
        """Read the beginning; chips of 2006 take Le 00 for nothing at all, and are asked for less from then on."""
        data = self._beginning(file)
        if not data and self._block > _LEAST_NE:
            self._response_bytes, self._knows_sfi = _LEAST_NE, False
            data = self._beginning(file)
        return data

    def _beginning(self, file: LdsFile) -> bytes:
        """Read by short identifier; chips that show to know none are asked to select files from then on."""
        if self._knows_sfi is not False:
            command = CommandAPDU(0x00, 0xB0, 0x80 | file.sfi, 0x00, ne=self._first_block)
            response = self._send(command)
            self._knows_sfi = self._knows_sfi or response.sw in _READ_DONE or None
            if self._knows_sfi and response.sw in (*_READ_DONE, *_CLASSES):
                return self._data(command, response, file.name)
        self._select(CommandAPDU(0x00, 0xA4, 0x02, 0x0C, file.fid.to_bytes(2)), f"SELECT {file.name}")
        data = self._part(file, 0, self._first_block)
        self._knows_sfi = False
        return data

    def _next_part(self, file: LdsFile, offset: int, size: int) -> bytes:
        try:
            return self._part(file, offset, size - offset)
        except StatusError as error:
            raise ProtocolError(f"{file.name}: ends after {offset} bytes, announces {size}: {error}") from None

    def _part(self, file: LdsFile, offset: int, size: int) -> bytes:
        """Return what comes at an offset of the current file: `size` bytes or fewer."""
        size = min(size, self._block)
        if offset < _EVEN_OFFSETS:
            command = _read_binary(offset, size)
            return self._data(command, self._send(command), file.name)
        size -= _ODD_OVERHEAD * (size > _ODD_OVERHEAD)
        where = tlv.build(_OFFSET, offset.to_bytes((offset.bit_length() + 7) // 8))
        command = CommandAPDU(0x00, 0xB1, 0x00, 0x00, where, ne=size + _ODD_OVERHEAD)
        answer = self._data(command, self._send(command), file.name)
        with chip_at_fault(file.name):
            item, end = tlv.first(answer)
        if item.tag != _DISCRETIONARY or end != len(answer):
            raise ProtocolError(f"{file.name}: READ BINARY at {offset}: expected one object 53")
        return item.value

    def _to_the_end(self, file: LdsFile, data: bytes) -> bytes:
        """Return a file that does not say its length."""
        whole, part = bytearray(data), data
        while part and len(whole) < _EVEN_OFFSETS:
            command = _read_binary(len(whole), self._block)
            response = self._send(command)
            if response.sw == _PAST_THE_END:
                break
            part = self._data(command, response, file.name)
            whole += part
        if len(whole) >= _EVEN_OFFSETS:
            raise ProtocolError(f"{file.name}: more than {_EVEN_OFFSETS} bytes")
        return bytes(whole)

    def _select(self, command: CommandAPDU, what: str) -> None:
        """Select, P2 asking for no data; a chip that talks all the same is heard, and noted (9303-10 3.6.2)."""
        response = self._send(command)
        if response.sw != _OK:
            raise _refused(command, what, response.sw)
        self.talkative = self.talkative or bool(response.data)

    def _send(self, command: CommandAPDU) -> ResponseAPDU:
        self.exchanges += 1
        return self._channel.send(command)

    @property
    def _first_block(self) -> int:
        return _HEADER_BYTES if self.careful else self._block

    @property
    def _block(self) -> int:
        """Most data bytes of one answer."""
        session = self.session
        return self._response_bytes if session is None else session.most_data(self._response_bytes)

    def _require(self, command: CommandAPDU, what: str) -> bytes:
        return self._data(command, self._send(command), what, ok=(_OK,))

    @staticmethod
    def _data(command: CommandAPDU, response: ResponseAPDU, what: str, *, ok: Collection[int] = _READ_DONE) -> bytes:
        if response.sw not in ok:
            raise _refused(command, what, response.sw)
        if len(response.data) > command.ne:
            raise ProtocolError(f"{what}: card answered {len(response.data)} bytes, {command.ne} were asked for")
        return response.data


def _read_binary(offset: int, ne: int) -> CommandAPDU:
    return CommandAPDU(0x00, 0xB0, offset >> 8, offset & 0xFF, ne=ne)


def _refused(command: CommandAPDU, what: str, sw: int) -> StatusError:
    kind = _CLASSES.get(sw, StatusError)
    return kind(what, sw, meaning=statuswords.meaning(sw, command.ins, command.cla).text)
