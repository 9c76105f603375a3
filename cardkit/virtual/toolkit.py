"""The card application toolkit as far as this card uses it: a profile, proactive commands, their responses.

TERMINAL PROFILE, FETCH and TERMINAL RESPONSE (ETSI TS 102 221 11.2; TS 102 223 5, 6). A card whose terminal has sent no
profile stays quiet.
"""

from typing import Final

from . import statuswords as sw
from . import tlv
from .chip import Answer, Chip, Command
from .errors import ImageError, StatusWordError

REFRESH, SEND_SHORT_MESSAGE = 0x01, 0x13
_SUPPORT: Final = {REFRESH: (2, 0x80), SEND_SHORT_MESSAGE: (3, 0x02)}  # byte and bit of the terminal profile
_PROACTIVE, _DETAILS, _DEVICES, _RESULT = 0xD0, 0x81, 0x82, 0x83
_UICC, _TERMINAL = 0x81, 0x82
_COMPREHENSION: Final = 0x80
_BUSY: Final = 0x20  # general results 20 to 2F: later perhaps
_TRIES: Final = 3


class Toolkit:
    """Volatile: what the terminal can do, and what waits for it.

    :ivar running: what was fetched and is not answered yet.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Reset."""
        self._profile = b""
        self._waiting: list[tuple[bytes, int]] = []
        self._running: tuple[bytes, int] | None = None
        self._number = 0

    def supports(self, kind: int) -> bool:
        """Has the terminal said that it can do a proactive command?"""
        byte, bit = _SUPPORT[kind]
        return len(self._profile) > byte and bool(self._profile[byte] & bit)

    def ask(self, kind: int, qualifier: int, receiver: int, *objects: tuple[int, bytes]) -> None:
        """Queue a proactive command, unless the terminal cannot do it.

        :param receiver: device identity: 82 terminal, 83 network.
        """
        if not self.supports(kind):
            return
        self._number = self._number % 0xFE + 1
        parts = [(_DETAILS, bytes((self._number, kind, qualifier))), (_DEVICES, bytes((_UICC, receiver))), *objects]
        command = tlv.build(_PROACTIVE, b"".join(tlv.build(tag, value) for tag, value in parts))
        self._waiting.append((command, _TRIES))

    def announced(self, answer: bytes) -> bytes:
        """An answer, its 9000 turned into 91XX when a proactive command waits."""
        if not self._waiting or self._running is not None or answer[-2:] != sw.OK:
            return answer
        return answer[:-2] + bytes((0x91, len(self._waiting[0][0]) & 0xFF))

    def terminal_profile(self, chip: Chip, command: Command) -> Answer:
        """TERMINAL PROFILE: a new start."""
        del chip
        self._profile, self._running = command.data, None
        return b"", sw.OK

    def fetch(self, chip: Chip, command: Command) -> Answer:
        """FETCH: the command that 91XX announced; Le is its length.

        :raises StatusWordError: 6985 when none waits.
        """
        if not self._waiting:
            raise StatusWordError(sw.CONDITIONS)
        data, _ = self._waiting[0]
        if len(data) > command.ne or (chip.exact_le and len(data) != command.ne):
            raise StatusWordError(sw.right_length(len(data)))
        self._running = self._waiting[0]
        return data, sw.OK

    def terminal_response(self, chip: Chip, command: Command) -> Answer:
        """TERMINAL RESPONSE: a terminal that is busy is asked again, twice at most.

        :raises StatusWordError: 6985 without a command, 6A80 when it answers another one or is malformed.
        """
        del chip
        if self._running is None:
            raise StatusWordError(sw.CONDITIONS)
        data, tries = self._running
        try:
            said = {tag | _COMPREHENSION: value for tag, value in tlv.parse(command.data)}
        except ImageError:
            raise StatusWordError(sw.WRONG_DATA) from None
        asked = dict(tlv.parse(next(tlv.parse(data))[1]))
        if said.get(_DETAILS) != asked[_DETAILS] or not said.get(_RESULT):
            raise StatusWordError(sw.WRONG_DATA)
        self._running = None
        del self._waiting[0]
        if said[_RESULT][0] & 0xF0 == _BUSY and tries > 1:
            self._waiting.append((data, tries - 1))
        return b"", sw.OK


def valid_nothing(p1: int, p2: int) -> bool:
    """P1 P2 00 00."""
    return p1 == p2 == 0
