"""INITIALIZE UPDATE and the card's answer to it (GPCS D.5.1, E.5.1; Amd D 7.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.errors import EncodingError, ProfileError, ProtocolError
from cardkit.secure.parameters import SCP01, SCP02, SCP03, Parameters, decode_parameters

_INITIALIZE_UPDATE = 0x50
_NE = 256

# Offsets in the answer.
_KVN = 10
_SCP = 11
_I = 12

# Any option of these protocols: they do not tell theirs, and their answers are all alike.
_LAYOUTS = {SCP01: Parameters(SCP01, 0x05), SCP02: Parameters(SCP02, 0x15)}


def initialize_update(kvn: int, host_challenge: bytes, *, key_index: int = 0, le: bool = True) -> CommandAPDU:
    """Return the command that begins an explicit session.

    :param kvn: key version number; 0 for the card's default set.  :param host_challenge: 8 bytes, 16 in S16 mode.
    :param key_index: first key of the set; SCP01 only.  :param le: false for a card that takes no Le here.
    :raises EncodingError: on another length of the challenge.
    """
    if len(host_challenge) not in (8, 16):
        raise EncodingError(f"host challenge: got {len(host_challenge)} bytes, expected 8 or 16")
    return CommandAPDU(0x80, _INITIALIZE_UPDATE, kvn, key_index, host_challenge, _NE if le else 0)


@dataclass(frozen=True, slots=True)
class Greeting:
    """A card's answer to INITIALIZE UPDATE.

    :param kdd: key diversification data, 10 bytes.  :param kvn: version of the key set in use.
    :param i: SCP03 options; None where the card does not tell.
    :param challenge: 6 (SCP02), 8 or 16 bytes.  :param cryptogram: 8 or 16 bytes.
    :param sequence: 2 bytes (SCP02), 3 (SCP03 with pseudo-random challenge), None elsewhere.
    """

    kdd: bytes
    kvn: int
    scp: int
    i: int | None
    challenge: bytes
    cryptogram: bytes
    sequence: bytes | None


def parse_initialize_update(data: bytes, *, asked_kvn: int, parameters: Parameters | None) -> Greeting:
    """Read the answer to INITIALIZE UPDATE.

    :param asked_kvn: P1 of the command; 0 lets the card choose.
    :param parameters: what is expected of the card; None takes what it says.
    :raises ProtocolError: on another length than the protocol has, another key version than asked for, another
        protocol or other options than expected: a card does not choose a weaker protocol.
    """
    if len(data) <= _I:
        raise ProtocolError(f"INITIALIZE UPDATE: card answered {len(data)} bytes, expected 28 or more")
    scp = data[_SCP]
    actual = _options(scp, data[_I])
    size = _size(actual)
    if len(data) != size:
        raise ProtocolError(f"INITIALIZE UPDATE: card answered {len(data)} bytes, expected {size} for {actual}")
    if asked_kvn not in (0, data[_KVN]):
        raise ProtocolError(f"INITIALIZE UPDATE: card uses key version {data[_KVN]:02X}, expected {asked_kvn:02X}")
    i = actual.i if scp == SCP03 else None
    if parameters is not None and (scp != parameters.scp or i not in (None, parameters.i)):
        name = actual if scp == SCP03 else f"SCP{scp:02X}"
        raise ProtocolError(f"INITIALIZE UPDATE: card offers {name}, expected {parameters}")
    return _read(data, actual)


def _options(scp: int, i: int) -> Parameters:
    if scp == SCP03:
        try:
            return decode_parameters(SCP03, i)
        except ProfileError as error:
            raise ProtocolError(f"INITIALIZE UPDATE: card offers {error}") from None
    if scp in _LAYOUTS:
        return _LAYOUTS[scp]
    raise ProtocolError(f"INITIALIZE UPDATE: card offers protocol {scp:02X}, expected SCP01, SCP02 or SCP03")


def _size(parameters: Parameters) -> int:
    fixed = _SCP + 1 + (parameters.scp == SCP03)
    return fixed + parameters.sequence_size + parameters.card_challenge_size + parameters.cryptogram_size


def _read(data: bytes, parameters: Parameters) -> Greeting:
    """Cut the answer: SCP02 has the sequence counter before the challenge, SCP03 at the end."""
    scp, sequence_size = parameters.scp, parameters.sequence_size
    rest = data[_I + (scp == SCP03) :]
    if scp == SCP02:
        sequence, rest = rest[:sequence_size], rest[sequence_size:]
    else:
        sequence = rest[len(rest) - sequence_size :]
    split = parameters.card_challenge_size
    return Greeting(
        kdd=data[:_KVN],
        kvn=data[_KVN],
        scp=scp,
        i=parameters.i if scp == SCP03 else None,
        challenge=rest[:split],
        cryptogram=rest[split : split + parameters.cryptogram_size],
        sequence=sequence or None,
    )
