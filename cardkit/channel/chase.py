"""Following 61xx, 9Fxx and 6Cxx to the end of an answer (ISO/IEC 7816-4 5.3.4; ETSI TS 102 221 7.3.1.1)."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.channel.cla import CLASS_2G, get_response_class, is_secured
from cardkit.errors import ProtocolError

# Guards against a card that never ends. The longest response APDU carries 65,536 bytes.
MOST_BYTES = 65_536
MOST_ROUNDS = 300

_GET_RESPONSE = 0xC0
_MORE = 0x61
_MORE_2G = 0x9F
_WRONG_LE = 0x6C
_WARNINGS = (0x62, 0x63)
_SHORT_NE = 256
_EXTENDED_NE = 65_536
_HEADER_AND_P3 = 5


class Chase:
    """One command's answer until it is whole.

    :param transmit: the connection's.  :param wire: the command as sent.  :param command: as asked for.
    """

    def __init__(self, transmit: Callable[[bytes], bytes], wire: bytes, command: CommandAPDU, *, t0: bool) -> None:
        self._transmit = transmit
        self._wire = wire
        self._command = command
        self._t0 = t0
        self._data = b""
        # A protected command counts for its MAC chain: it is never sent twice, and its answer is taken whole.
        self._secured = is_secured(wire[0])
        # Le = 00 (or 0000) asks for all there is, however many rounds that takes.
        whole = self._secured or command.ne in (_SHORT_NE, _EXTENDED_NE)
        self._wanted = MOST_BYTES + _SHORT_NE if whole else command.ne
        self._rounds = 0

    def finish(self, answer: bytes) -> ResponseAPDU:
        """Return the whole response, beginning with the card's first answer to the command.

        :raises ProtocolError: after 300 rounds, 65,536 bytes, or a round that brings nothing new.
        """
        if self._may_repeat(answer):
            answer = self._transmit(_with_le(self._wire, answer[-1]))
        if self._t0 and answer[-2] in _WARNINGS and len(answer) == 2 and self._command.nc and self._command.ne:
            return self._behind_warning(answer)
        self._keep(answer)
        while self._wants_more(answer):
            self._count_round()
            answer = self._get_response(self._missing(answer[-1]))
            if not self._keep(answer) and answer[-2] in (_MORE, _MORE_2G):
                raise self._broken("promises data with 61xx and sends none")
        return ResponseAPDU(self._data, answer[-2] << 8 | answer[-1])

    def _may_repeat(self, answer: bytes) -> bool:
        """Whether 6Cxx names the right Le of a command. At T=0 one with data carries no Le to correct."""
        wrong_le = answer[-2] == _WRONG_LE and self._command.ne > 0 and not self._secured
        return wrong_le and not (self._t0 and self._command.nc > 0)

    def _wants_more(self, answer: bytes) -> bool:
        pending = answer[-2] == _MORE or (answer[-2] == _MORE_2G and self._wire[0] == CLASS_2G)
        return pending and len(self._data) < self._wanted

    def _behind_warning(self, warning: bytes) -> ResponseAPDU:
        """T=0: data may wait behind 62xx or 63xx; the status reported is the warning."""
        answer = self._get_response(0)
        if answer[-2:] == b"\x90\x00":
            self._keep(answer)
        return ResponseAPDU(self._data, warning[-2] << 8 | warning[-1])

    def _get_response(self, le: int) -> bytes:
        fetch = bytes((get_response_class(self._wire[0]), _GET_RESPONSE, 0, 0, le))
        answer = self._transmit(fetch)
        if answer[-2] == _WRONG_LE:
            answer = self._transmit(_with_le(fetch, answer[-1]))
        return answer

    def _missing(self, announced: int) -> int:
        """Le of the next GET RESPONSE: what is announced, but not more than was asked for."""
        return min(announced or _SHORT_NE, self._wanted - len(self._data)) & 0xFF

    def _keep(self, answer: bytes) -> int:
        new = len(answer) - 2
        if len(self._data) + new > MOST_BYTES:
            raise self._broken(f"sends more than {MOST_BYTES:,} bytes")
        self._data += answer[:-2]
        return new

    def _count_round(self) -> None:
        self._rounds += 1
        if self._rounds > MOST_ROUNDS:
            raise self._broken(f"has not finished after {MOST_ROUNDS} rounds")

    def _broken(self, fault: str) -> ProtocolError:
        return ProtocolError(f"command {self._wire[:4].hex().upper()}: the card {fault}")


def _with_le(wire: bytes, le: int) -> bytes:
    """Correct the Le field, which ends the command: one byte, or two of an extended command."""
    if len(wire) > _HEADER_AND_P3 and wire[4] == 0:
        return wire[:-2] + (le or _SHORT_NE).to_bytes(2, "big")
    return wire[:-1] + bytes((le,))
