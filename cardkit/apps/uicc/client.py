"""A UICC on one channel: select, read, write, codes, authentication (ETSI TS 102 221 11; 3GPP TS 31.102 7.1).

Clauses of TS 102 221 chapters 8, 10 and 11 below the first level are from memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cardkit import statuswords
from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.iso7816 import commands
from cardkit.apps.iso7816.commands import Answer, Content, Ins, Occurrence, SelectBy
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.names import key_reference
from cardkit.apps.uicc.pin import CodeState, CodeStatus
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import AuthenticationError, EncodingError, ProtocolError, StatusError

_OK, _DEACTIVATED, _NO_MATCH = 0x9000, 0x6283, 0x6282
_PROACTIVE, _TRANSFER = 0x91, 0x92
_BLOCKED, _DISABLED, _NO_SUCH_KEY = 0x6983, 0x6984, 0x6A88

# TS 31.102 7.1.2: security contexts, with the bit that says the key of the application.
_CONTEXT_GSM, _CONTEXT_3G = 0x80, 0x81
_SUCCESS, _RESYNCHRONIZE = 0xDB, 0xDC
_RES_LENGTHS = range(4, 17)
_KEY_LENGTHS = {16, 32}  # TUAK may give CK and IK of 256 bits
_CHALLENGE_BYTES = 16


def is_done(sw: int) -> bool:
    """Whether the card did what it was told: 9000, 91xx (proactive command waits), 92xx (transfer runs).

    TS 102 221 10.2.1.1
    """
    return sw == _OK or sw >> 8 in {_PROACTIVE, _TRANSFER}


def refused(what: str, sw: int, *, cla: int, ins: int) -> StatusError:
    """Return the error for a status word, with its meaning."""
    return StatusError(what, sw, meaning=statuswords.meaning(sw, ins, cla).text)


def read_in_blocks(read: Callable[[int, int], bytes], length: int, offset: int) -> bytes:
    """Read a stretch of a file in blocks of 255 bytes.

    :param read: (offset, length) -> bytes.
    :raises ProtocolError: when the card answers another number of bytes than asked for.
    """
    parts = []
    for start in range(offset, offset + length, commands.BLOCK_BYTES):
        wanted = min(commands.BLOCK_BYTES, offset + length - start)
        part = read(start, wanted)
        if len(part) != wanted:
            raise ProtocolError(f"READ BINARY at {start}: card answered {len(part)} bytes, expected {wanted}")
        parts.append(part)
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The card accepted the challenge. TS 31.102 7.1.2.1"""

    res: bytes
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    kc: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class OutOfSync:
    """The card found the sequence number unusable and answers AUTS (14 bytes). TS 31.102 7.1.2.1"""

    auts: bytes


class UiccSession:
    """What a phone or a personalization line does with a UICC, on one logical channel.

    Status words other than success raise StatusError with their meaning; 91xx is success.

    :param channel: to the card.
    :ivar pending_fetch: bytes of the proactive command the last status word announced, 0 if none.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.pending_fetch = 0

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command; no status word raises."""
        response = self._channel.send(command)
        self.pending_fetch = response.sw & 0xFF if response.sw >> 8 == _PROACTIVE else 0
        return response

    def require(self, command: CommandAPDU, what: str, *also: int) -> bytes:
        """Send a command that must succeed and return its data.

        :param what: the command in words.  :param also: further status words that count as success.
        :raises StatusError: on another status word.
        """
        response = self.send(command)
        if is_done(response.sw) or response.sw in also:
            return response.data
        raise refused(what, response.sw, cla=command.cla, ins=command.ins)

    # Selection

    def select(self, path: Sequence[int]) -> Fcp:
        """Select by the FIDs from the MF on, the MF itself left out; 7FFF stands for the current application.

        :raises StatusError: 6A82 if it is not there.  :raises ProtocolError: on a malformed answer.
        """
        if not path:
            return self.select_fid(commands.MF)
        return self._selected(SelectBy.PATH_FROM_MF, _fids(path))

    def select_fid(self, fid: int) -> Fcp:
        """Select a file or directory within reach of the current directory (TS 102 221 8.4.1)."""
        return self._selected(SelectBy.FID, _fids((fid,)))

    def select_application(self, aid: bytes, occurrence: Occurrence = Occurrence.FIRST) -> Fcp:
        """Select an application by its AID or the start of it (TS 102 221 8.5.1.2).

        :param aid: 5 to 16 bytes.
        """
        return self._selected(SelectBy.AID, aid, occurrence)

    def _selected(self, by: SelectBy, data: bytes, occurrence: Occurrence = Occurrence.FIRST) -> Fcp:
        command = commands.select(by, data, Answer.FCP, occurrence)
        answer = self.require(command, f"SELECT {data.hex().upper()}", _DEACTIVATED)
        return _template(answer)

    def enter(self, path: Sequence[int]) -> None:
        """Select as :meth:`select` does, and ask for no answer."""
        by, data = (SelectBy.PATH_FROM_MF, _fids(path)) if path else (SelectBy.FID, _fids((commands.MF,)))
        self.require(commands.select(by, data, Answer.NOTHING), f"SELECT {data.hex().upper()}", _DEACTIVATED)

    def status(self) -> Fcp:
        """Return the parameters of the current directory (TS 102 221 11.1.2)."""
        return _template(self.require(commands.status(), "STATUS"))

    # Files

    def read_binary(self, length: int, offset: int = 0, sfi: int | None = None) -> bytes:
        """Read part of a transparent file, in blocks of 255 bytes.

        :param sfi: short identifier; the file is current afterwards, so only the first block needs it.
        """

        def read(start: int, wanted: int) -> bytes:
            command = commands.read_binary(start, wanted, sfi if start == offset else None)
            return self.require(command, f"READ BINARY at {start}")

        return read_in_blocks(read, length, offset)

    def update_binary(self, data: Content, offset: int = 0, sfi: int | None = None) -> None:
        """Write part of a transparent file, in blocks of 255 bytes; a secret goes in one.

        :raises EncodingError: if contents with secret parts are longer than a block.
        """
        if isinstance(data, tuple):
            self.require(commands.update_binary(offset, data, sfi), f"UPDATE BINARY at {offset}")
            return
        for start in range(0, len(data), commands.BLOCK_BYTES):
            block = data[start : start + commands.BLOCK_BYTES]
            command = commands.update_binary(offset + start, block, sfi if not start else None)
            self.require(command, f"UPDATE BINARY at {offset + start}")

    def read_record(self, number: int, length: int, sfi: int | None = None) -> bytes:
        """Read a record whole.

        :raises ProtocolError: when the card answers another number of bytes.
        """
        record = self.require(commands.read_record(number, length, sfi), f"READ RECORD {number}")
        if len(record) != length:
            raise ProtocolError(f"READ RECORD {number}: card answered {len(record)} bytes, expected {length}")
        return record

    def update_record(self, number: int, data: Content, sfi: int | None = None) -> None:
        """Write a record whole."""
        self.require(commands.update_record(number, data, sfi), f"UPDATE RECORD {number}")

    def append_cyclic(self, data: Content, sfi: int | None = None) -> None:
        """Write the next record of a cyclic file: it becomes record 1."""
        command = commands.update_record(0, data, sfi, commands.RecordMode.PREVIOUS)
        self.require(command, "UPDATE RECORD previous")

    def search_record(self, pattern: bytes, start: int = 1, sfi: int | None = None) -> list[int]:
        """Return the numbers of the records that hold a pattern, from one on (TS 102 221 11.1.7)."""
        command = commands.search_record(pattern, start, sfi)
        return list(self.require(command, "SEARCH RECORD", _NO_MATCH))

    def increase(self, amount: int, size: int, sfi: int | None = None) -> int:
        """Add to a cyclic counter and return its new value.

        :param size: bytes of a record.
        """
        answer = self.require(commands.increase(amount.to_bytes(size, "big"), sfi), "INCREASE")
        if len(answer) != 2 * size:
            raise ProtocolError(f"INCREASE: card answered {len(answer)} bytes, expected {2 * size}")
        return int.from_bytes(answer[:size], "big")

    # Codes. A line presents keys through pin.RetryGuard, never directly.

    def code_status(self, reference: int) -> CodeStatus:
        """Ask for the tries left of a PIN or key; changes nothing (TS 102 221 11.1.9)."""
        return self.submit(Ins.VERIFY, reference)

    def unblock_status(self, reference: int) -> CodeStatus:
        """Ask for the tries left of the unblocking code (TS 102 221 11.1.13)."""
        return self.submit(Ins.UNBLOCK, reference)

    def submit(self, ins: Ins, reference: int, *codes: Secret) -> CodeStatus:
        """Send codes, or none to ask for the counter, and return how the card took them.

        :raises StatusError: on a status word that says nothing of a code.
        """
        response = self.send(commands.code_command(ins, reference, *codes))
        sw = response.sw
        if is_done(sw):
            return CodeStatus(CodeState.VERIFIED, None)
        if sw >> 4 == 0x63C:
            return CodeStatus(CodeState.ASKED, sw & 0x0F)
        states = {_BLOCKED: CodeState.BLOCKED, _DISABLED: CodeState.DISABLED, _NO_SUCH_KEY: CodeState.ABSENT}
        if sw in states:
            return CodeStatus(states[sw], 0 if sw == _BLOCKED else None)
        raise refused(f"{ins.name} {key_reference(reference)}", sw, cla=0x00, ins=ins)

    def verify(self, reference: int, code: Secret) -> None:
        """Present a code.  :raises AuthenticationError: if the card refuses it."""
        self._accepted(Ins.VERIFY, reference, code)

    def change(self, reference: int, old: Secret, new: Secret) -> None:
        """Replace a code.  :raises AuthenticationError: if the card refuses the old one."""
        self._accepted(Ins.CHANGE, reference, old, new)

    def disable(self, reference: int, code: Secret) -> None:
        """Make the card stop asking for a PIN.  :raises AuthenticationError: if the card refuses the code."""
        self._accepted(Ins.DISABLE, reference, code)

    def enable(self, reference: int, code: Secret) -> None:
        """Make the card ask for a PIN again.  :raises AuthenticationError: if the card refuses the code."""
        self._accepted(Ins.ENABLE, reference, code)

    def unblock(self, reference: int, puk: Secret, new: Secret) -> None:
        """Set a new PIN with its unblocking code.  :raises AuthenticationError: if the card refuses the code."""
        self._accepted(Ins.UNBLOCK, reference, puk, new)

    def _accepted(self, ins: Ins, reference: int, *codes: Secret) -> None:
        status = self.submit(ins, reference, *codes)
        if status.state is not CodeState.VERIFIED:
            raise AuthenticationError(f"{ins.name} {key_reference(reference)}: {status}")

    # Authentication

    def authenticate(self, rand: bytes, autn: bytes) -> Authenticated | OutOfSync:
        """Send a 3G or IMS challenge to the current application (TS 31.102 7.1.2.1).

        :param rand: 16 bytes.  :param autn: 16 bytes.
        :raises StatusError: 9862 if the card finds the MAC wrong.  :raises ProtocolError: on a malformed answer.
        """
        data = challenge_part("RAND", rand) + challenge_part("AUTN", autn)
        return parse_challenge_answer(self.require(commands.authenticate(_CONTEXT_3G, data), "AUTHENTICATE"))

    def authenticate_gsm(self, rand: bytes) -> tuple[bytes, bytes]:
        """Send a 2G challenge and return SRES (4 bytes) and Kc (8 bytes) (TS 31.102 7.1.2.1)."""
        command = commands.authenticate(_CONTEXT_GSM, challenge_part("RAND", rand))
        parts = length_values(self.require(command, "AUTHENTICATE (GSM)"))
        if [len(part) for part in parts] != [4, 8]:
            raise ProtocolError(f"AUTHENTICATE (GSM): card answered parts of {[len(p) for p in parts]} bytes, not 4, 8")
        return parts[0], parts[1]


def parse_challenge_answer(answer: bytes) -> Authenticated | OutOfSync:
    """Read the answer of AUTHENTICATE in the 3G context.

    :raises ProtocolError: if it is neither DB and RES, CK, IK, perhaps Kc, nor DC and AUTS.
    TS 31.102 7.1.2.1
    """
    parts = length_values(answer[1:])
    lengths = [len(part) for part in parts]
    if answer[:1] == bytes((_RESYNCHRONIZE,)) and lengths == [14]:
        return OutOfSync(parts[0])
    if answer[:1] == bytes((_SUCCESS,)) and _is_answer(lengths):
        return Authenticated(parts[0], parts[1], parts[2], parts[3] if len(parts) > 3 else None)
    raise ProtocolError(
        f"AUTHENTICATE: card answered {answer[:1].hex().upper() or 'nothing'} with parts of {lengths} bytes, "
        "expected DB and RES, CK, IK or DC and AUTS"
    )


def _is_answer(lengths: Sequence[int]) -> bool:
    """Whether these are the lengths of RES, CK, IK and perhaps Kc."""
    if len(lengths) not in (3, 4) or lengths[0] not in _RES_LENGTHS:
        return False
    return {*lengths[1:3]} <= _KEY_LENGTHS and lengths[3:] in ([], [8])


def challenge_part(name: str, value: bytes) -> bytes:
    """Return RAND or AUTN behind its length.  :raises EncodingError: unless it is 16 bytes long."""
    if len(value) != _CHALLENGE_BYTES:
        raise EncodingError(f"{name} must be {_CHALLENGE_BYTES} bytes, got {len(value)}")
    return bytes((_CHALLENGE_BYTES,)) + value


def length_values(data: bytes) -> list[bytes]:
    """Return the values of an answer, each behind a byte with its length.

    :raises ProtocolError: when one is longer than what is left.
    """
    parts: list[bytes] = []
    while data:
        end = 1 + data[0]
        if end > len(data):
            raise ProtocolError(f"AUTHENTICATE: card announces {data[0]} bytes, {len(data) - 1} are there")
        parts.append(data[1:end])
        data = data[end:]
    return parts


def _fids(path: Sequence[int]) -> bytes:
    return b"".join(fid.to_bytes(2, "big") for fid in path)


def _template(answer: bytes) -> Fcp:
    try:
        return Fcp.parse(answer)
    except EncodingError as error:
        raise ProtocolError(str(error)) from None
