"""2G SIMs: the answers and commands of class A0 (3GPP TS 51.011 8, 9).

Clauses of TS 51.011 chapter 9.4 are from memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.iso7816 import commands
from cardkit.apps.iso7816.commands import Content, Ins
from cardkit.apps.uicc.client import read_in_blocks, refused
from cardkit.apps.uicc.codecs.base import Value
from cardkit.apps.uicc.files.spec import Structure
from cardkit.apps.uicc.pin import CodeState, CodeStatus
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProtocolError

CLASS_2G = 0xA0

_NIBBLES = {0: "always", 1: "CHV1", 2: "CHV2", 15: "never"}
_MF, _DF = 1, 2
_GSM_STRUCTURES = {0: Structure.TRANSPARENT, 1: Structure.LINEAR_FIXED, 3: Structure.CYCLIC}


def _nibble(value: int) -> str:
    return _NIBBLES.get(value, f"ADM {value}")


@dataclass(frozen=True, slots=True)
class ChvStatus:
    """A code of a 2G SIM: bit 8 initialised, bits 4-1 tries left."""

    byte: int

    @property
    def initialised(self) -> bool:
        """Whether the code has a value."""
        return bool(self.byte & 0x80)

    @property
    def left(self) -> int:
        """Tries left."""
        return self.byte & 0x0F


@dataclass(frozen=True, slots=True)
class GsmStatus:
    """The answer of a 2G SELECT: 15 bytes or so for a file, 22 or 23 for a directory; kept as given.

    :param raw: the answer.
    """

    raw: bytes

    @classmethod
    def parse(cls, data: bytes) -> GsmStatus:
        """Read an answer.  :raises EncodingError: if it is too short for its type.

        >>> GsmStatus.parse(bytes.fromhex("000000096F07040015F01501020000")).access["update"]
        'ADM 5'
        """
        least = 13 if len(data) > 6 and data[6] in {_MF, _DF} else 14
        if len(data) < least:
            raise EncodingError(f"2G SELECT answer: got {len(data)} bytes, expected {least} or more")
        return cls(data)

    def build(self) -> bytes:
        """Return the bytes that were read."""
        return self.raw

    @property
    def fid(self) -> int:
        """File identifier."""
        return int.from_bytes(self.raw[4:6], "big")

    @property
    def is_directory(self) -> bool:
        """Whether it is the MF or a DF."""
        return self.raw[6] in {_MF, _DF}

    @property
    def size(self) -> int:
        """Bytes of the body; of a directory: memory not used yet."""
        return int.from_bytes(self.raw[2:4], "big")

    @property
    def structure(self) -> Structure | None:
        """How the body is divided, None for directories."""
        return None if self.is_directory else _GSM_STRUCTURES.get(self.raw[13])

    @property
    def record_length(self) -> int | None:
        """Bytes of a record, None where there are none."""
        if self.structure is None or not self.structure.has_records or len(self.raw) < 15:
            return None
        return self.raw[14] or None

    @property
    def record_count(self) -> int | None:
        """Number of records, None where there are none."""
        return self.size // self.record_length if self.record_length else None

    @property
    def invalidated(self) -> bool:
        """Whether the file is invalidated: bit 1 of byte 12 is 0. That byte is no life cycle status."""
        return not self.is_directory and not self.raw[11] & 1

    @property
    def access(self) -> dict[str, str]:
        """What each operation on a file takes."""
        if self.is_directory:
            return {}
        read, increase, restore = self.raw[8], self.raw[9], self.raw[10]
        return {
            "read": _nibble(read >> 4),
            "update": _nibble(read & 0x0F),
            "increase": _nibble(increase >> 4),
            "rehabilitate": _nibble(restore >> 4),
            "invalidate": _nibble(restore & 0x0F),
        }

    @property
    def chv1_enabled(self) -> bool:
        """Whether the card asks for CHV1: bit 8 of byte 14 is 0."""
        return len(self.raw) > 13 and not self.raw[13] & 0x80

    @property
    def codes(self) -> dict[str, ChvStatus]:
        """The codes of a directory with their counters; bytes the answer does not have are left out."""
        if not self.is_directory:
            return {}
        names = ("CHV1", "UNBLOCK CHV1", "CHV2", "UNBLOCK CHV2")
        return {name: ChvStatus(byte) for name, byte in zip(names, self.raw[18:22], strict=False)}

    def describe(self) -> Value:
        """Return the answer in words."""
        if self.is_directory:
            codes = {name: {"initialised": s.initialised, "left": s.left} for name, s in self.codes.items()}
            return {"kind": "directory", "fid": f"{self.fid:04X}", "free_memory": self.size,
                    "chv1_enabled": self.chv1_enabled, "codes": codes}  # fmt: skip
        found: Value = {
            "kind": self.structure.value if self.structure else None,
            "fid": f"{self.fid:04X}",
            "size": self.size,
            "record_length": self.record_length,
            "record_count": self.record_count,
            "life_cycle": "invalidated" if self.invalidated else "valid",
        }
        return {name: value for name, value in found.items() if value is not None}


# TS 51.011 9.4: a refused code, a blocked one, a disabled or unknown one.
_WRONG_LENGTH = 0x67
_REFUSED, _BLOCKED, _NOT_USABLE = 0x9804, 0x9840, 0x9808
_CHV1, _CHV2 = 0x01, 0x02
_UNBLOCK_CHV1 = 0x00
_RAND_BYTES, _SRES_BYTES, _KC_BYTES = 16, 4, 8


class GsmSession:
    """A 2G SIM, or the 2G side of a UICC, on one channel.

    Files are selected one step at a time, as class A0 asks. 91xx and 9Exx count as success.

    :param channel: to the card; T=0 in the field.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, command: CommandAPDU) -> ResponseAPDU:
        """Send a command as class A0; no status word raises.

        67xx names the right length: the command goes out once more with it (TS 51.011 9.4.6).
        """
        command = replace(command, cla=CLASS_2G)
        response = self._channel.send(command)
        right = response.sw & 0xFF
        if response.sw >> 8 == _WRONG_LENGTH and right and command.ne and not command.nc:
            response = self._channel.send(replace(command, ne=right))
        return response

    def _require(self, command: CommandAPDU, what: str) -> bytes:
        response = self.send(command)
        if response.sw == 0x9000 or (response.sw >> 8 in {0x91, 0x92, 0x9E, 0x9F} and response.sw != 0x9240):
            return response.data
        raise refused(what, response.sw, cla=CLASS_2G, ins=command.ins)

    def select(self, path: Sequence[int]) -> GsmStatus:
        """Select a file by the FIDs from the MF on, the MF itself left out.

        :raises StatusError: 9404 if a step is not there.  :raises ProtocolError: on a malformed answer.
        """
        answer = b""
        for fid in (commands.MF, *path):
            answer = self._select(fid)
        return self._status(answer)

    def select_fid(self, fid: int) -> GsmStatus:
        """Select a file or directory within reach of the current directory."""
        return self._status(self._select(fid))

    def _select(self, fid: int) -> bytes:
        command = CommandAPDU(CLASS_2G, Ins.SELECT, 0x00, 0x00, fid.to_bytes(2, "big"), commands.ANY_LENGTH)
        return self._require(command, f"SELECT {fid:04X}")

    def _status(self, answer: bytes) -> GsmStatus:
        try:
            return GsmStatus.parse(answer)
        except EncodingError as error:
            raise ProtocolError(str(error)) from None

    def read_binary(self, length: int, offset: int = 0) -> bytes:
        """Read part of the current transparent file, in blocks of 255 bytes."""
        return read_in_blocks(self._read_block, length, offset)

    def _read_block(self, offset: int, length: int) -> bytes:
        return self._require(commands.read_binary(offset, length), f"READ BINARY at {offset}")

    def update_binary(self, data: bytes, offset: int = 0) -> None:
        """Write part of the current transparent file, in blocks of 255 bytes."""
        for start in range(0, len(data), commands.BLOCK_BYTES):
            block = data[start : start + commands.BLOCK_BYTES]
            self._require(commands.update_binary(offset + start, block), f"UPDATE BINARY at {offset + start}")

    def read_record(self, number: int, length: int) -> bytes:
        """Read a record of the current file."""
        return self._require(commands.read_record(number, length), f"READ RECORD {number}")

    def update_record(self, number: int, data: Content) -> None:
        """Write a record of the current linear file."""
        self._require(commands.update_record(number, data), f"UPDATE RECORD {number}")

    def code_status(self, reference: int) -> CodeStatus:
        """Return what the card says of CHV1 or CHV2: class A0 has the counters in the answer of SELECT only.

        Other codes have no counter a phone could read.
        """
        codes = self._status(self._require(commands.status(CLASS_2G), "STATUS")).codes
        name = {_CHV1: "CHV1", _CHV2: "CHV2"}.get(reference, "")
        if name not in codes or not codes[name].initialised:
            return CodeStatus(CodeState.UNKNOWN, None)
        left = codes[name].left
        return CodeStatus(CodeState.ASKED if left else CodeState.BLOCKED, left)

    def submit(self, ins: Ins, reference: int, *codes: Secret) -> CodeStatus:
        """Send codes and return how the card took them; 2G does not say how many tries are left."""
        if ins is Ins.UNBLOCK and reference == _CHV1:
            reference = _UNBLOCK_CHV1
        response = self.send(commands.code_command(ins, reference, *codes))
        if response.sw == 0x9000:
            return CodeStatus(CodeState.VERIFIED, None)
        if response.sw == _REFUSED:
            return CodeStatus(CodeState.ASKED, None)
        if response.sw == _BLOCKED:
            return CodeStatus(CodeState.BLOCKED, 0)
        if response.sw == _NOT_USABLE:
            return CodeStatus(CodeState.DISABLED, None)
        raise refused(f"{ins.name} {reference:02X}", response.sw, cla=CLASS_2G, ins=ins)

    def run_gsm_algorithm(self, rand: bytes) -> tuple[bytes, bytes]:
        """Return SRES (4 bytes) and Kc (8 bytes) for a challenge of 16; DF.GSM must be current.

        :raises EncodingError: on a challenge of another length.  :raises ProtocolError: on such an answer.
        """
        if len(rand) != _RAND_BYTES:
            raise EncodingError(f"RAND must be {_RAND_BYTES} bytes, got {len(rand)}")
        command = CommandAPDU(CLASS_2G, Ins.AUTHENTICATE, 0x00, 0x00, rand, _SRES_BYTES + _KC_BYTES)
        answer = self._require(command, "RUN GSM ALGORITHM")
        if len(answer) != _SRES_BYTES + _KC_BYTES:
            raise ProtocolError(f"RUN GSM ALGORITHM: card answered {len(answer)} bytes, expected 12")
        return answer[:_SRES_BYTES], answer[_SRES_BYTES:]
