"""Remote commands and what is answered: the compact and the expanded format (ETSI TS 102 226 5.2)."""

from collections.abc import Callable, Iterator
from typing import Final

from .. import statuswords as sw
from .. import tlv
from ..errors import ImageError

Run = Callable[[bytes], bytes]  # one C-APDU -> R-APDU
TakesData = Callable[[bytes], bool]  # header -> has this command a data field?

_EXPANDED, _EXPANDED_INDEFINITE = 0xAA, 0xAE
_COMMAND, _RESPONSE_DEFINITE, _COUNT, _RESPONSE, _BAD_FORMAT = 0x22, 0xAB, 0x80, 0x23, 0x90
_UNKNOWN_TAG, _WRONG_LENGTH = b"\x01", b"\x02"
_END_OF_CONTENTS: Final = bytes(2)


def run(script: bytes, transmit: Run, takes_data: TakesData) -> bytes:
    """Run the commands of a script up to the first that fails.

    :returns: compact: number executed, last status word, last data; expanded: a template with every R-APDU.
    """
    if script[:1] in (bytes((_EXPANDED,)), bytes((_EXPANDED_INDEFINITE,))):
        return _run_expanded(script, transmit)
    count, answer = 0, sw.OK
    for command in _split(script, takes_data):
        answer = transmit(command)
        count += 1
        if is_error(answer):
            break
    return bytes((count & 0xFF,)) + answer[-2:] + answer[:-2]


def is_error(answer: bytes) -> bool:
    """A status word after which a script does not go on: all but 9000, 61XX, 62XX, 63XX, 91XX."""
    return answer[-2] not in (0x61, 0x62, 0x63, 0x90, 0x91)


def _split(script: bytes, takes_data: TakesData) -> Iterator[bytes]:
    """Commands back to back: P3 is Lc or Le by instruction; one byte left over at the end is an Le."""
    at = 0
    while at < len(script):
        end = at + 5
        if takes_data(script[at : at + 4]):
            end += script[at + 4] if at + 4 < len(script) else 0
            end += len(script) - end == 1
        yield script[at:end]
        at = end


def _run_expanded(script: bytes, transmit: Run) -> bytes:
    try:
        commands = _commands(script)
    except ImageError:
        return _answer([], tlv.build(_BAD_FORMAT, _WRONG_LENGTH))
    answers: list[bytes] = []
    for tag, command in commands:
        if tag != _COMMAND:
            return _answer(answers, tlv.build(_BAD_FORMAT, _UNKNOWN_TAG))
        answers.append(transmit(command))
        if is_error(answers[-1]):
            break
    return _answer(answers, b"")


def _commands(script: bytes) -> list[tuple[int, bytes]]:
    """:raises ImageError: malformed."""
    if script[0] == _EXPANDED:
        ((_, inner),) = list(tlv.parse(script)) or [(0, b"")]
        return list(tlv.parse(inner))
    if script[1:2] != b"\x80" or not script.endswith(_END_OF_CONTENTS):
        raise ImageError("a script of indefinite length ends in 0000")
    return list(tlv.parse(script[2:-2]))


def _answer(answers: list[bytes], trouble: bytes) -> bytes:
    count = len(answers).to_bytes(1 if len(answers) < 0x80 else 2, "big")
    parts = tlv.build(_COUNT, count) + b"".join(tlv.build(_RESPONSE, answer) for answer in answers) + trouble
    return tlv.build(_RESPONSE_DEFINITE, parts)
