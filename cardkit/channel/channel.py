"""The channel: what lies between a command and its complete answer, whatever the protocol."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.channel.chase import Chase
from cardkit.channel.cla import HIGHEST_CHANNEL, chained, on_channel
from cardkit.channel.messaging import SecureMessaging
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProtocolError, StatusError
from cardkit.transport.base import Connection, TransmissionProtocol

# The longest short APDU: header, Lc, 255 bytes, Le (ISO/IEC 7816-3 12.1.3).
_LONGEST_SHORT = 261
_SHORT_NE = 256
_BLOCK = 255
_HEADER = 4
_EXTENDED_HEADER = 7
_MORE = 0x80  # P1 of GlobalPlatform: more segments follow

_MANAGE_CHANNEL = 0x70
_OPEN = 0x00
_CLOSE = 0x80

# The commonest answer, made once: a response cannot be changed.
_DONE_ON_WIRE = b"\x90\x00"
_DONE = ResponseAPDU(b"", 0x9000)

# First status bytes that ask for more work: 61xx, 6Cxx, 9Fxx; at T=0 data may wait behind 62xx and 63xx too.
_UNFINISHED = frozenset((0x61, 0x6C, 0x9F))
_UNFINISHED_T0 = _UNFINISHED | {0x62, 0x63}


class Channel:
    """One logical channel of a card.

    Commands go out as the protocol can carry them (T=0 without Le in case 4, chained where too long) and answers come
    back whole (61xx, 9Fxx and 6Cxx are followed). ISO/IEC 7816-3 12.2, ETSI TS 102 221 7.3.

    :param connection: the powered card.  :param number: logical channel, 0 to 19.
    :param extended: the card and its reader take extended lengths.  :param chaining: the card takes command chaining.

    ``secure`` is the slot for secure messaging: with a session in it, commands go out protected and answers come back
    plain, checked when they are whole. SELECT and INITIALIZE UPDATE are sent with the slot empty.
    """

    def __init__(
        self, connection: Connection, *, number: int = 0, extended: bool = False, chaining: bool = False
    ) -> None:
        if not 0 <= number <= HIGHEST_CHANNEL:
            raise EncodingError(f"logical channel {number}, expected 0 to {HIGHEST_CHANNEL}")
        self.connection = connection
        self.number = number
        self.extended = extended and connection.protocol != TransmissionProtocol.T0
        self.chaining = chaining
        self.secure: SecureMessaging | None = None
        self._transmit = connection.transmit
        self._t0 = connection.protocol == TransmissionProtocol.T0
        self._rewrites = self._t0 or number > 0
        self._unfinished = _UNFINISHED_T0 if self._t0 else _UNFINISHED

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self.connection.atr

    @property
    def protocol(self) -> TransmissionProtocol:
        """The protocol in use."""
        return self.connection.protocol

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command and return its complete response; no status word raises.

        :raises EncodingError: when this card and protocol cannot carry the command; nothing was sent.
        :raises ProtocolError: when the card's chain of answers breaks the rules.
        :raises TransportError: when the link fails.
        :raises SecureMessagingError: when the session in ``secure`` is over, or ends with this answer.
        """
        secure = self.secure
        if secure is None:
            return self._carry(command)
        return secure.unwrap(self._carry(secure.wrap(self._fitting(command))))

    def send_segments(self, command: CommandAPDU, *, size: int = _BLOCK) -> ResponseAPDU:
        """Send a long command as GlobalPlatform cuts it: P1 bit 8 says that more follows (GPCS 11.1.5).

        The session in ``secure`` protects the whole command once; its MAC ends the last segment.

        :param command: whole, P1 as in the last segment.  :param size: the most data bytes of a segment, 1 to 255.
        :returns: the answer to the last segment, or the first other than 9000.
        :raises EncodingError: when P1 has bit 8 already, or on another size.
        :raises ProtocolError: when a card answers data to a segment that is not the last.  Else as :meth:`send`.
        """
        if command.p1 & _MORE:
            raise EncodingError(f"{command!r}: P1 bit 8 is for the segments, expected it clear")
        if not 1 <= size <= _BLOCK:
            raise EncodingError(f"segments of {size} bytes, expected 1 to {_BLOCK}")
        whole = replace(command, ne=min(command.ne, _SHORT_NE), extended=False)
        secure = self.secure
        if secure is None:
            return self._carry_segments(whole, size)
        return secure.unwrap(self._carry_segments(secure.wrap(whole), size))

    def _carry(self, command: CommandAPDU) -> ResponseAPDU:
        """Bring a command to the card as it is, and its whole answer back."""
        wire = command.encode()
        if self._rewrites or (len(wire) > _HEADER + 1 and not wire[_HEADER]):
            wire = self._mapped(command, wire)
            if len(wire) > _LONGEST_SHORT and not self.extended:
                return self._send_chain(command, wire)
        answer = self._transmit(wire)
        if answer == _DONE_ON_WIRE:
            return _DONE
        if answer[-2] in self._unfinished:
            return Chase(self._transmit, wire, command, t0=self._t0).finish(answer)
        return ResponseAPDU(answer[:-2], answer[-2] << 8 | answer[-1])

    def require(self, command: CommandAPDU, ok: Collection[int] = (0x9000,), *, what: str = "") -> bytes:
        """Send a command that must succeed and return its data.

        :param ok: the status words that count as success.  :param what: the command in words, for the error.
        :raises StatusError: on another status word.
        """
        return self._required(command, self.send(command), ok, what)

    @staticmethod
    def _required(command: CommandAPDU, response: ResponseAPDU, ok: Collection[int], what: str) -> bytes:
        if response.sw in ok:
            return response.data
        name = what or f"command {command.cla:02X} {command.ins:02X} {command.p1:02X} {command.p2:02X}"
        raise StatusError(name, response.sw, expected=" or ".join(f"{sw:04X}" for sw in ok))

    def reset(self, *, cold: bool) -> bytes:
        """Reset the card and return its ATR; every other logical channel is gone then.

        :param cold: by power, else by the reset line.
        """
        return self.connection.reset(cold=cold)

    def open_channel(self) -> Channel:
        """Open a further logical channel, its number chosen by the card (ISO/IEC 7816-4 11.1.2).

        :raises StatusError: when the card has none left.  :raises ProtocolError: on an impossible number.
        """
        command = CommandAPDU(0x00, _MANAGE_CHANNEL, _OPEN, 0x00, ne=1)
        answer = self._manage(command, "MANAGE CHANNEL (open)")
        if len(answer) != 1 or not 0 < answer[0] <= HIGHEST_CHANNEL:
            raise ProtocolError(
                f"MANAGE CHANNEL (open): card answered {answer.hex().upper() or 'nothing'}, "
                f"expected one byte from 01 to {HIGHEST_CHANNEL:02X}"
            )
        return Channel(self.connection, number=answer[0], extended=self.extended, chaining=self.chaining)

    def close_channel(self, number: int) -> None:
        """Close a logical channel other than this one (ISO/IEC 7816-4 11.1.2).

        :raises StatusError: when it was not open.
        """
        self._manage(CommandAPDU(0x00, _MANAGE_CHANNEL, _CLOSE, number), f"MANAGE CHANNEL (close {number})")

    def _manage(self, command: CommandAPDU, what: str) -> bytes:
        """Send a command that is never protected (GPCS 11.7: 6882)."""
        return self._required(command, self._carry(command), (0x9000,), what)

    def _fitting(self, command: CommandAPDU) -> CommandAPDU:
        """Give a command the length form it will have on the wire, which a MAC covers."""
        if self.extended or not command.is_extended or command.nc > _BLOCK:
            return command
        return replace(command, ne=min(command.ne, _SHORT_NE), extended=False)

    def _mapped(self, command: CommandAPDU, wire: bytes) -> bytes:
        """Move the command to this channel and give it the form its protocol carries."""
        if self.number:
            wire = bytes((on_channel(wire[0], self.number),)) + wire[1:]
        if len(wire) > _HEADER + 1 and not wire[_HEADER]:
            return wire if self.extended else self._shortened(command, wire)
        return wire[:-1] if self._t0 and command.ne and command.nc else wire

    def _shortened(self, command: CommandAPDU, wire: bytes) -> bytes:
        """Write an extended APDU with one-byte lengths, unless its data field makes that impossible."""
        if command.nc > _BLOCK:
            if not self.chaining:
                raise EncodingError(
                    f"command {wire[:_HEADER].hex().upper()} has {command.nc} data bytes: this card takes 255 at once "
                    "(no extended length, no command chaining)"
                )
            return wire
        data = wire[_EXTENDED_HEADER : _EXTENDED_HEADER + command.nc]
        return self._short(wire[:_HEADER], data, command.ne)

    def _short(self, header: bytes, data: bytes, ne: int) -> bytes:
        lc = bytes((len(data),)) if data else b""
        le = bytes((min(ne, _SHORT_NE) & 0xFF,)) if ne and not (self._t0 and data) else b""
        return header + lc + data + le

    def _carry_segments(self, whole: CommandAPDU, size: int) -> ResponseAPDU:
        data = replace(whole, ne=0, extended=True).encode()[_EXTENDED_HEADER:]
        last = (len(data) - 1) // size * size if data else 0
        for start in range(0, last, size):
            segment = (Secret(data[start : start + size], "segment"),)
            response = self._carry(replace(whole, p1=whole.p1 | _MORE, data=segment, ne=0))
            if response.sw != _DONE.sw:
                return response
            if response.data:
                raise ProtocolError(f"{whole.ins:02X}: card answered {len(response.data)} bytes to a part of a command")
        return self._carry(replace(whole, data=(Secret(data[last:], "segment"),)))

    def _send_chain(self, command: CommandAPDU, wire: bytes) -> ResponseAPDU:
        """Send by command chaining (ISO/IEC 7816-4 5.3.3): a link that is refused ends it."""
        for link in self._links(command, wire):
            answer = self._transmit(link)
            if answer[-2:] != _DONE_ON_WIRE:
                break
        return Chase(self._transmit, link, command, t0=self._t0).finish(answer)

    def _links(self, command: CommandAPDU, wire: bytes) -> Iterator[bytes]:
        data = wire[_EXTENDED_HEADER : _EXTENDED_HEADER + command.nc]
        header = bytes((chained(wire[0]),)) + wire[1:_HEADER]
        last = (len(data) - 1) // _BLOCK * _BLOCK
        for start in range(0, last, _BLOCK):
            yield self._short(header, data[start : start + _BLOCK], 0)
        yield self._short(wire[:_HEADER], data[last:], command.ne)
