"""A subscriber application (USIM, ISIM) as the platform sees it: K and all that goes with it come by STORE DATA, once.

Its file system is elsewhere; here are the data groupings whose numbers the image tells under `[applets.subscriber]`:

    algorithm   which one, options, for TUAK sizes and iterations    k, opc   subscriber key; OPc or TOPc
    sqn         policy of sequence numbers, start, or both           constants   r1-r5 and c1-c5 of Milenage

The last block makes them the cells `key`, `sqn`, `constants` that AUTHENTICATE works with (keyfile.py, sqn.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import keyfile
from . import statuswords as sw
from .errors import StatusWordError
from .gp import cells, registry
from .gp.registry import Entry

if TYPE_CHECKING:
    from .gp.chip import Answer, Channel, GpChip, PlainCommand

_OPTIONS: Final = "subscriber"  # under `[applets]`
_ALGORITHM, _SQN, _CONSTANTS, _K, _OPC = "algorithm", "sqn", "constants", "k", "opc"
_KEY: Final = "key"
_SECRET: Final = frozenset((_K, _OPC))
_SIZES: Final[Mapping[str, tuple[int, ...]]] = {
    _ALGORITHM: (1, 2, 4),
    _SQN: (6, 14, 20),
    _CONSTANTS: (85,),
    _K: (16, 32),
    _OPC: (16, 32),
}
_SQN_SIZE, _POLICY_SIZE = 6, 14
_MOST_IND_BITS: Final = 5
_LONG_K: Final = 0x40
_RESERVED_SIZE: Final = 0x80
_DEFAULTS: Final = b"\x00\x01\x01"  # options; sizes and iterations of TUAK


class _Kind(NamedTuple):
    """What belongs to an algorithm.

    :ivar cfg: first byte of its key file.  :ivar options: bits of it that may be chosen.
    :ivar heads, k, opc: lengths of its groupings.  :ivar constants: may they be the operator's own?
    """

    cfg: int
    options: int
    heads: tuple[int, ...]
    k: tuple[int, ...]
    opc: int
    constants: bool = False


_TUAK: Final = _Kind(0x16, 0x20, (1, 2, 4), (16, 32), 32)
_KINDS: Final[Mapping[str, _Kind]] = {
    "milenage": _Kind(0x14, 0x60, (1, 2), (16,), 16, constants=True),
    "tuak": _TUAK,
    "xor": _Kind(0x0F, 0x60, (1, 2), (16,), 0),
}


class SubscriberApplet:
    """One application; the groupings of an unfinished run wait in cells of their numbers."""

    groupings = False
    own_messaging: frozenset[int] = frozenset()

    def __init__(self, chip: "GpChip", entry: Entry) -> None:
        self._chip = chip
        self._aid = entry.aid
        self._table: Mapping[str, Any] = chip.image.options[_OPTIONS]
        self.level: int = self._table["level"]

    def install(self, parameters: bytes) -> None:
        """Its file system cannot be made that way.

        :raises StatusWordError: 6A80.
        """
        del parameters
        raise StatusWordError(sw.WRONG_DATA)

    def select(self) -> "Answer":
        """No data."""
        return b"", sw.OK

    def process(self, channel: "Channel", command: "PlainCommand") -> "Answer":
        """Everything else is for the file system.

        :raises StatusWordError: 6D00.
        """
        del channel, command
        raise StatusWordError(sw.NO_INSTRUCTION)

    def is_secret(self, tag: int) -> bool:
        """K and OPc never come in clear."""
        return self._name(tag) in _SECRET

    def store(self, tag: int, value: bytes) -> None:
        """Keep one grouping until the last block.

        :raises StatusWordError: 6A80 when it is unknown, or of a wrong length.
        """
        name = self._name(tag)
        if len(value) not in _SIZES.get(name, ()):
            raise StatusWordError(sw.WRONG_DATA)
        self._put(_waiting(name), value)

    def store_opaque(self, data: bytes) -> None:
        """There are none.

        :raises StatusWordError: 6A80.
        """
        del data
        raise StatusWordError(sw.WRONG_DATA)

    def close(self) -> None:
        """Make what came the keys of AUTHENTICATE; the registry shows that this is done.

        :raises StatusWordError: 6A80 when something is missing, or does not belong together; it stays open then.
        """
        constants = self._get(_waiting(_CONSTANTS))
        made = {_KEY: self._key_file(constants), _SQN: self._sequence_numbers(), _CONSTANTS: constants}
        for name, body in {**dict.fromkeys(map(_waiting, _SIZES), b""), **made}.items():
            self._put(name, body)
        entries = self._chip.registry
        entries.put(replace(entries.get(self._aid), state=registry.PERSONALIZED))

    @property
    def personalized(self) -> bool:
        """Has the last block come?"""
        return bool(self._get(_KEY))

    def _key_file(self, constants: bytes) -> bytes:
        head, k, opc = (self._get(_waiting(name)) for name in (_ALGORITHM, _K, _OPC))
        kind = self._kind(head)
        if kind is None or len(head) not in kind.heads or len(k) not in kind.k or len(opc) != kind.opc:
            raise StatusWordError(sw.WRONG_DATA)
        options, sizes, iterations = head[1:] + _DEFAULTS[len(head) - 1 :]
        if options & ~kind.options or sizes & _RESERVED_SIZE or (constants and not kind.constants):
            raise StatusWordError(sw.WRONG_DATA)
        if kind is _TUAK:
            long = _LONG_K if len(k) == kind.k[-1] else 0
            body = bytes((kind.cfg | options | long, sizes, iterations)) + opc + k
        else:
            body = bytes((kind.cfg | options,)) + k + opc.ljust(len(k), b"\0")
        try:
            keyfile.aka(body, constants)
        except StatusWordError:
            raise StatusWordError(sw.WRONG_DATA) from None
        return body

    def _kind(self, head: bytes) -> _Kind | None:
        numbers: Mapping[str, int] = self._table["algorithms"]
        return next((_KINDS[name] for name, number in numbers.items() if head[:1] == bytes((number,))), None)

    def _sequence_numbers(self) -> bytes:
        """The file of sequence numbers: policy, then the start value for each IND.

        :raises StatusWordError: 6A80 for more than 5 bits of IND.
        """
        given = self._get(_waiting(_SQN))
        policy = given[:_POLICY_SIZE] if len(given) >= _POLICY_SIZE else bytes.fromhex(self._table["policy"])
        start = given[-_SQN_SIZE:] if given and len(given) != _POLICY_SIZE else bytes(_SQN_SIZE)
        bits = policy[0] & 0x0F
        if bits > _MOST_IND_BITS:
            raise StatusWordError(sw.WRONG_DATA)
        return policy + start * (1 << bits)

    def _name(self, tag: int) -> str:
        """What the image calls a grouping; empty for one that it does not."""
        return next((name for name in _SIZES if self._table[name] == tag), "")

    def _get(self, name: str) -> bytes:
        return self._chip.journal.get(cells.application(self._aid, name))

    def _put(self, name: str, value: bytes) -> None:
        self._chip.journal.put(cells.application(self._aid, name), value)


def _waiting(name: str) -> str:
    """The cell of a grouping that came and whose time is the last block."""
    return f"given-{name}"
