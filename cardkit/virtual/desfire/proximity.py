"""The proximity check of EV2: is the card as near as it seems? A virtual card only plays its part (sheet 3.12)."""

from dataclasses import dataclass, field
from typing import Final

from . import statuses
from .call import Answer, Call
from .crypto import BlockCipher, odd_bytes
from .session import check
from .state import State
from .statuses import RefusedError

_OPTION: Final = b"\x00"  # no PPS1
_RESPONSE_TIME: Final = b"\x03\xe8"  # published, in microseconds
_KEY: Final = 0x21  # at PICC level
_RANDOM: Final = 8
_VERIFY, _VERIFIED = b"\xfd", b"\x90"


@dataclass(slots=True)
class Rounds:
    """A check under way.

    :ivar random: the card's, as far as it is not sent yet.  :ivar exchanged: both parts of each round.
    """

    random: bytes
    exchanged: list[tuple[bytes, bytes]] = field(default_factory=list)


def prepare(state: State, call: Call) -> Answer:
    """F0: option, published response time."""
    del call
    state.rounds = Rounds(state.random.randbytes(_RANDOM))
    return _OPTION + _RESPONSE_TIME


def proximity_check(state: State, call: Call) -> Answer:
    """F2: length, part of the host's random; as much of the card's comes back.

    :raises RefusedError: 7E; 9D without a check under way, or past its 8 bytes.
    """
    size, theirs, rounds = call.data[0], call.data[1:], state.rounds
    if rounds is None or size > len(rounds.random):
        raise RefusedError(statuses.PERMISSION)
    if size != len(theirs) or not size:
        raise RefusedError(statuses.LENGTH)
    ours, rounds.random = rounds.random[:size], rounds.random[size:]
    rounds.exchanged.append((ours, theirs))
    return ours


def verify(state: State, call: Call) -> Answer:
    """FD: MACs over everything, both ways.

    :raises RefusedError: 9D before all 8 bytes are exchanged, 1E.
    """
    rounds, state.rounds = state.rounds, None
    if rounds is None or rounds.random:
        raise RefusedError(statuses.PERMISSION)
    work = BlockCipher(state.picc_key(_KEY).value, aes=True)
    parts = b"".join(ours + theirs for ours, theirs in rounds.exchanged)
    told, answer = (
        odd_bytes(work.cmac(code + _OPTION + _RESPONSE_TIME + parts, work.zeros)) for code in (_VERIFY, _VERIFIED)
    )
    check(told, call.data)
    return answer
