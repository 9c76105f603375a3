"""Probes of how a chip answers inside a session: reading beyond offsets, and the form of what it says (9303-10 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.terminal.bench import Bench, by_fid, by_sfi
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, SecureMessagingError

_EVEN_OFFSETS = 0x8000
_OFFSET, _DISCRETIONARY = 0x54, 0x53
_PART_BYTES, _HEADER_BYTES = 16, 2
_COM = FILES["EF.COM"]
_DG1 = FILES["EF.DG1"]


def _far_reading(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-011: READ BINARY with an odd instruction gives what stands beyond its even one's reach, by SFI too."""
    for name, content in bench.reading.files.items():
        if len(content) <= _EVEN_OFFSETS or FILES[name].in_master_file:
            continue
        bench.opened()
        offset = tlv.build(_OFFSET, _EVEN_OFFSETS.to_bytes(2))
        command = CommandAPDU(0x00, 0xB1, 0x00, FILES[name].sfi, offset, _PART_BYTES + _HEADER_BYTES)
        response = bench.channel.send(command)
        expected = content[_EVEN_OFFSETS : _EVEN_OFFSETS + _PART_BYTES]
        if response.data != tlv.build(_DISCRETIONARY, expected):
            got = f"{len(response.data)} bytes, {response.sw:04X}"
            yield Trouble("EMRTD-011", f"{name} from byte {_EVEN_OFFSETS}", "53 and what was read there", got)


def _well_formed(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-015: answers with and without data come in the form of the standard, their counter going on."""
    bench.opened()
    commands = {
        "an answer without data": by_fid(_DG1),
        "an answer with data": CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=3),
        "an answer of one block": by_sfi(_COM, 16),
        "an answer after others": by_fid(_COM),
    }
    for what, command in commands.items():
        try:
            bench.channel.send(command)
        except (SecureMessagingError, EncodingError) as error:
            yield Trouble("EMRTD-015", what, "objects in order, checksum and counter right", str(error))
            return


FORM_PROBES: tuple[Callable[[Bench], Iterator[Trouble]], ...] = (_far_reading, _well_formed)
"""Probes of the form of answers."""
