"""The card does what it is told and answers something else."""

from . import tlv
from .errors import ImageError
from .faultbase import Fault
from .statuswords import OK, more_data, right_length

_AUTHENTICATE, _SELECT, _READ_RECORD, _GET_RESPONSE, _FETCH, _STATUS = 0x88, 0xA4, 0xB2, 0xC0, 0x12, 0xF2
_DB, _DC = 0xDB, 0xDC  # success, synchronisation failure: 3GPP TS 31.102 7.1.2
_PROACTIVE = bytes.fromhex("D009 8103012100 82028182")  # DISPLAY TEXT without a text


def _flipped(data: bytes, bit: int) -> bytes:
    at = bit // 8
    return data[:at] + bytes((data[at] ^ 1 << bit % 8,)) + data[at + 1 :]


class WrongATR(Fault):
    """The ATR belongs to another product: one historical byte differs, its check byte is right."""

    def atr(self) -> bytes:
        """The wrong ATR, each time."""
        self.fired += 1
        atr = bytearray(super().atr())
        at = len(atr) - 3
        atr[at] ^= 0x40
        if 1 in self.image.protocols:  # T=0 alone has no check byte
            atr[-1] ^= 0x40
        return bytes(atr)


class FlippedAnswerBit(Fault):
    """One bit of the n-th answer with data is wrong."""

    def transmit(self, command: bytes) -> bytes:
        """Flip it when due."""
        answer = super().transmit(command)
        if len(answer) <= 2 or not self._due():
            return answer
        return _flipped(answer, self.random.randrange(8 * (len(answer) - 2)))


class TruncatedAnswer(Fault):
    """The n-th answer with data has lost its last bytes, status word untouched."""

    def transmit(self, command: bytes) -> bytes:
        """Cut it when due."""
        answer = super().transmit(command)
        if len(answer) <= 2 or not self._due():
            return answer
        return answer[: self.random.randrange(len(answer) - 2)] + answer[-2:]


class OneByteAnswer(Fault):
    """The n-th answer is a single byte."""

    def transmit(self, command: bytes) -> bytes:
        """Cut it when due."""
        answer = super().transmit(command)
        return answer[:1] if self._due() else answer


class OversizedAnswer(Fault):
    """The n-th answer with data goes on for 300 bytes nobody asked for."""

    def transmit(self, command: bytes) -> bytes:
        """Append them when due."""
        answer = super().transmit(command)
        if len(answer) <= 2 or not self._due():
            return answer
        return answer[:-2] + self.random.randbytes(300) + answer[-2:]


class EndlessMoreData(Fault):
    """From the n-th good answer on there is always more to fetch: 16 bytes and 6110 each time."""

    lasting = True

    def transmit(self, command: bytes) -> bytes:
        """Announce more."""
        answer = super().transmit(command)
        if command[1:2] == bytes((_GET_RESPONSE,)) and self.fired:
            self.fired += 1
            return bytes(16) + more_data(16)
        return answer[:-2] + more_data(16) if answer[-2:] == OK and self._due() else answer


class MoreDataWithoutData(Fault):
    """From the n-th good answer on 6110 is answered to everything, without data."""

    lasting = True

    def transmit(self, command: bytes) -> bytes:
        """Announce data that never come."""
        answer = super().transmit(command)
        return more_data(16) if (answer[-2:] == OK or self.fired) and self._due() else answer


class LengthLoop(Fault):
    """From the n-th APDU on no Le is right: 6C10 and 6C11 in turn."""

    lasting = True

    def transmit(self, command: bytes) -> bytes:
        """Ask for the other length."""
        return right_length(0x10 + self.fired % 2) if self._due() else super().transmit(command)


class EndlessProactive(Fault):
    """From the n-th good answer on a proactive command waits, whatever is fetched and answered."""

    lasting = True

    def transmit(self, command: bytes) -> bytes:
        """Turn 9000 into 91XX."""
        waiting = bytes((0x91, len(_PROACTIVE)))
        if self.fired and command[1:2] == bytes((_FETCH,)):
            self.fired += 1
            return _PROACTIVE + waiting
        answer = super().transmit(command)
        return answer[:-2] + waiting if answer[-2:] == OK and self._due() else answer


class WrongRecord(Fault):
    """The n-th READ RECORD by number answers the record beside."""

    span = 2

    def transmit(self, command: bytes) -> bytes:
        """Read the one after, or before the last, when due."""
        answer = super().transmit(command)
        if len(answer) <= 2 or command[1] != _READ_RECORD or command[3] & 7 != 4 or not self._due():
            return answer
        for number in (command[2] + 1, command[2] - 1):
            beside = super().transmit(command[:2] + bytes((number & 0xFF,)) + command[3:])
            if number and len(beside) == len(answer):
                return beside
        return answer


class WrongRes(Fault):
    """One bit of RES is wrong in each successful AUTHENTICATE."""

    span, lasting = 1, True

    def transmit(self, command: bytes) -> bytes:
        """Flip it."""
        answer = super().transmit(command)
        if len(answer) < 20 or answer[0] != _DB or command[1] not in (_AUTHENTICATE, _GET_RESPONSE) or not self._due():
            return answer
        return _flipped(answer, 16 + self.random.randrange(8 * answer[1]))


class WrongAuts(Fault):
    """One bit of MAC-S is wrong in each AUTS."""

    span, lasting = 1, True

    def transmit(self, command: bytes) -> bytes:
        """Flip it."""
        answer = super().transmit(command)
        if len(answer) != 18 or answer[0] != _DC or command[1] not in (_AUTHENTICATE, _GET_RESPONSE) or not self._due():
            return answer
        return _flipped(answer, 64 + self.random.randrange(64))


class FcpLies(Fault):
    """The size in the FCP template of each EF is wrong: half of it, or one byte more."""

    span, lasting = 1, True

    def transmit(self, command: bytes) -> bytes:
        """Change tag 80."""
        answer = super().transmit(command)
        if command[1:2] and command[1] in (_SELECT, _GET_RESPONSE, _STATUS) and answer[:1] == b"\x62":
            return self._lie(answer)
        return answer

    def _lie(self, answer: bytes) -> bytes:
        try:
            _, inner, _ = next(tlv.spans(answer[:-2]))
            found = [(start, end) for tag, start, end in tlv.spans(answer[:-2], inner) if tag == 0x80]
        except ImageError:  # a part of a template, fetched in pieces
            return answer
        if not found or not self._due():
            return answer
        start, end = found[0]
        size = int.from_bytes(answer[start:end], "big")
        wrong = size // 2 if size > 1 and self.random.random() < 0.5 else size + 1
        return answer[:start] + wrong.to_bytes(end - start, "big") + answer[end:]
