"""How many bytes and frames a command takes in a session: what a plan is priced with (transport sheet 3.1, 3.8)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apps.desfire.commands import LONG_FORMS
from cardkit.apps.desfire.schema import ChipBlock
from cardkit.crypto.desfire import KeyKind
from cardkit.secure.desfire import SENDING_MAC_EV1, Authentication, Mode, NativeCommand

_MAC, _CRC, _CMAC_BLOCK = 8, 4, 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as far as sizes go.  :param kind: of its key."""

    authentication: Authentication
    kind: KeyKind

    def _blocks(self, size: int) -> int:
        block = self.kind.block_bytes
        return max(1, -(-size // block)) * block

    def _counted(self, size: int) -> int:
        """Return what 80-padding makes of a size, nothing of nothing."""
        return (size // _CMAC_BLOCK + 1) * _CMAC_BLOCK if size else 0

    @property
    def _running_iv(self) -> bool:
        return self.authentication in (Authentication.ISO, Authentication.AES)

    def sent(self, command: NativeCommand) -> int:
        """Return the bytes behind the command byte."""
        header, payload = len(command.header), len(command.in_clear()) - len(command.header)
        if self._running_iv:
            if command.mode is Mode.FULL and payload:
                return header + self._blocks(payload + _CRC)
            return header + payload + (_MAC if command.mode is Mode.MAC and command.op in SENDING_MAC_EV1 else 0)
        if command.mode is Mode.PLAIN:
            return header + payload
        return header + (self._counted(payload) if command.mode is Mode.FULL else payload) + _MAC

    def answered(self, command: NativeCommand) -> int:
        """Return the bytes before the status."""
        size = command.answer or 0
        ciphered = command.mode is Mode.FULL and command.reads
        if self._running_iv:
            return self._blocks(size + _CRC) if ciphered else size + _MAC
        if command.mode is Mode.PLAIN:
            return size
        return (self._counted(size) if ciphered else size) + _MAC

    def key_change(self, header: int, kind: KeyKind, *, own: bool) -> int:
        """Return the bytes behind the command byte of a change of key.  :param own: of the session's key."""
        version = 1 if kind is KeyKind.AES or not self._running_iv else 0
        if self._running_iv:
            return header + self._blocks(kind.size_bytes + version + _CRC * (1 if own else 2))
        return header + self._counted(kind.size_bytes + version + (0 if own else _CRC)) + _MAC


def frames(chip: ChipBlock, op: int, sent: int, answered: int) -> int:
    """Return how many APDUs a command takes."""
    answer = chip.long_frames if chip.long_frames and op in LONG_FORMS else chip.answer
    return max(1, -(-sent // chip.frame)) + max(1, -(-answered // answer)) - 1
