"""A blank LC-1 in this process, written from DATA-SHEET.md: what cardkit runs against while there is no hardware.

It imports nothing of the family and nothing of cardkit; ``LoopbackConnection`` needs the three methods below.
"""

from __future__ import annotations

AID = bytes.fromhex("F04C4F59414C5459")
ISSUER_CODE = bytes.fromhex("5152535455565758")
TRIES = 3
SERIAL, MARK, MEMBER, POINTS = 0x0101, 0x0102, 0x0103, 0x0104


class LoyaltyCard:
    """One chip.

    :param serial: 8 bytes.
    :ivar files: contents by FID; they survive a reset.
    """

    def __init__(self, serial: bytes = bytes.fromhex("4C43310000000001")) -> None:
        self.files = {SERIAL: serial, MARK: b"\xff" * 18, MEMBER: b"\xff" * 8, POINTS: b"\xff" * 4}
        self.tries = TRIES
        self._selected = self._verified = False

    def atr(self) -> bytes:
        """Return the answer to reset."""
        return bytes.fromhex("3B84014C432D3196")

    def power(self, cold: bool) -> None:  # noqa: ARG002  (a reset by the line forgets as much)
        """Reset: selection and code are forgotten."""
        self._selected = self._verified = False

    def transmit(self, command: bytes) -> bytes:
        """Run one command and return data and status word."""
        commands = {0xA4: self._select, 0xB0: self._read, 0xD6: self._update, 0x20: self._verify, 0xE4: self._delete}
        run = commands.get(command[1]) if command[0] == 0x00 else None
        return run(command) if run else b"\x6d\x00"

    def store(self, fid: int, offset: int, data: bytes) -> None:
        """Write to the memory."""
        body = self.files[fid]
        self.files[fid] = body[:offset] + data + body[offset + len(data) :]

    def _select(self, command: bytes) -> bytes:
        self._selected = command[5:] == AID
        return b"\x90\x00" if self._selected else b"\x6a\x82"

    def _read(self, command: bytes) -> bytes:
        fid, offset, length = 0x0100 | command[2] & 0x1F, command[3], command[4]
        if not self._selected or fid not in self.files:
            return b"\x6a\x82"
        if offset + length > len(self.files[fid]):
            return b"\x6b\x00"
        return self.files[fid][offset : offset + length] + b"\x90\x00"

    def _update(self, command: bytes) -> bytes:
        fid, offset, data = 0x0100 | command[2] & 0x1F, command[3], command[5:]
        if not self._selected or fid not in self.files:
            return b"\x6a\x82"
        if fid == SERIAL or not self._verified:
            return b"\x69\x82"
        if offset + len(data) > len(self.files[fid]):
            return b"\x6b\x00"
        self.store(fid, offset, data)
        return b"\x90\x00"

    def _verify(self, command: bytes) -> bytes:
        if len(command) > 4 and self.tries:
            self._verified = command[5:] == ISSUER_CODE
            self.tries = TRIES if self._verified else self.tries - 1
        elif len(command) > 4:
            return b"\x69\x83"
        return b"\x90\x00" if self._verified else bytes((0x63, 0xC0 | self.tries))

    def _delete(self, command: bytes) -> bytes:
        fid = int.from_bytes(command[5:])
        if not self._selected or fid not in self.files:
            return b"\x6a\x82"
        if fid != MARK or not self._verified:
            return b"\x69\x82"
        del self.files[fid]
        return b"\x90\x00"
