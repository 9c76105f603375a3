"""Transport cards that lie to terminals, behind the same seam as a good one; one lie each.

    card = cipurse_lies()["wrong-mac"](personalized_card)

Each is told whenever there is an occasion; what the chip holds stays right, except where the lie is about that.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..faultbase import Fault
from ..maker import AnyCard
from . import crypto
from .chip import CipurseChip
from .files import ID_INFO
from .liars import Change, CipurseLie, Instruction, OneError, Response, ResponseLie, Tell, WorkLie
from .messaging import ENC, MAC, Command, Session
from .rules import SMR_SIZE

_UNASKED: Final = 16  # bytes more than Le
_OLD_VERSION: Final = b"\x02\x00"
_CHALLENGE, _AUTHENTICATE, _READ_BINARY = (0x00, 0x84), (0x00, 0x82), (0x00, 0xB0)
_READ_VALUE, _INCREASE, _DECREASE = (0x80, 0x34), (0x80, 0x32), (0x80, 0x30)
_PERFORM, _READ_ATTRIBUTES = (0x80, 0x7E), (0x80, 0xCE)
_EXTENT_AT, _KEYS_AT = 4, 6  # in the attributes of files and directories alike
_RECORD_SHOWN: Final = 7  # bytes of a key in the attributes of a directory
_KVV_AT: Final = 4


def _flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _wrong_mac(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    return _flipped(response.honest, -3) if response.level == MAC else None


def _no_mac(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    return response.data + response.status if response.level == MAC else None


def _short_mac(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    return response.honest[:-3] + response.status if response.level == MAC else None


def _replayed(lie: ResponseLie, response: Response) -> bytes | None:
    """The first secured response, again and again."""
    if not response.level:
        return None
    first, lie.kept = lie.kept, lie.kept or response.honest
    return first or None


def _plain(lie: ResponseLie, response: Response) -> bytes | None:
    """In clear what was to be enciphered or authentic."""
    del lie
    return response.data + response.status if response.level and response.data else None


def _authentic_only(lie: ResponseLie, response: Response) -> bytes | None:
    """A right MAC instead of a cryptogram."""
    del lie
    if response.level != ENC:
        return None
    mac, _ = crypto.mac(response.frame_key, response.data + response.status)
    return response.data + mac + response.status


def _bare(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    return sw.OK if response.level else None


def _wrong_mic(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    code = _flipped(crypto.mic(response.data + response.status), 0)
    padded = crypto.pad(response.data + code + response.status)
    return response.enciphered(padded) if response.level == ENC else None


def _bad_padding(lie: ResponseLie, response: Response) -> bytes | None:
    """The last block ends in 00 alone."""
    del lie
    whole = response.data + crypto.mic(response.data + response.status) + response.status
    padded = whole + bytes(len(crypto.pad(whole)) - len(whole))
    return response.enciphered(padded) if response.level == ENC else None


def _status_differs(lie: ResponseLie, response: Response) -> bytes | None:
    """Inside another status word than outside, with a right MIC."""
    del lie
    padded = crypto.pad(response.data + crypto.mic(response.data + sw.CONDITIONS) + sw.CONDITIONS)
    return response.enciphered(padded) if response.level == ENC else None


def _more_than_asked(lie: ResponseLie, response: Response) -> bytes | None:
    """More data than Le, rightly secured."""
    if not response.data or len(response.honest) + _UNASKED > 0x100:
        return None
    data = response.data + lie.random.randbytes(_UNASKED)
    return Session(1, response.frame_key).wrap(data, response.status, response.level)


def _error(lie: ResponseLie, response: Response) -> bytes | None:
    del lie
    return None if response.data else sw.CONDITIONS


def _number_off(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """One more or less than the value is."""
    del lie, command
    return _flipped(data, -1) if data else data


def _old_version(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """EF.ID_INFO says V1."""
    chip = lie.transit
    is_start = not command.p1 and not command.p2 and len(data) >= len(_OLD_VERSION)
    if chip.current_file != ID_INFO or not is_start:
        return data
    return _OLD_VERSION + data[len(_OLD_VERSION) :]


def _same_challenge(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """The first challenge for ever."""
    del command
    lie.kept = lie.kept or data
    lie.transit.challenge = lie.kept
    return lie.kept


def _impostor(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """Says that it knows the key."""
    lie.transit.session = Session(command.p2, lie.random.randbytes(crypto.BLOCK))
    return lie.random.randbytes(len(data))


def _keys(lie: WorkLie, data: bytes) -> int:
    """For how many keys an answer to READ FILE ATTRIBUTES holds rules; 0 for one without."""
    whole = len(data) > _KEYS_AT
    return data[_KEYS_AT] if whole and lie.transit.image.memory.keys >= data[_KEYS_AT] else 0


def _plain_levels(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """The SMR says that everything goes in plain."""
    del command
    at = _KEYS_AT + 1
    return data[:at] + bytes(SMR_SIZE) + data[at + SMR_SIZE :] if _keys(lie, data) else data


def _open_rules(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """The ART says that everything is open."""
    del command
    count, at = _keys(lie, data), _KEYS_AT + 1 + SMR_SIZE
    return data[:at] + b"\xff" * (count + 1) + data[at + count + 1 :] if count else data


def _in_keys(lie: WorkLie, data: bytes, offset: int) -> bytes:
    """One bit off at an offset in what is shown of each key."""
    chip, count = lie.transit, _keys(lie, data)
    if chip.current_file is not None:
        return data
    start = _KEYS_AT + 1 + SMR_SIZE + 1 + count
    for number in range(count):
        data = _flipped(data, start + _RECORD_SHOWN * number + offset)
    return data


def _other_kvv(lie: WorkLie, command: Command, data: bytes) -> bytes:
    del command
    return _in_keys(lie, data, _KVV_AT)


def _other_version(lie: WorkLie, command: Command, data: bytes) -> bytes:
    del command
    return _in_keys(lie, data, 0)


def _other_size(lie: WorkLie, command: Command, data: bytes) -> bytes:
    """A file is one byte larger or smaller than it is."""
    del command
    return _flipped(data, _EXTENT_AT + 1) if lie.transit.current_file is not None else data


class CredulousLie(CipurseLie):
    """Takes any proof of the terminal, and has none of its own."""

    def __init__(self, card: "AnyCard | Fault", seed: int = 0, *, at: int | None = 1) -> None:
        super().__init__(card, seed, at=at)
        honest = self.transit.operations[_AUTHENTICATE]

        def work(chip: CipurseChip, command: Command) -> bytes:
            try:
                return honest.work(chip, command)
            except StatusWordError as refusal:
                if refusal.sw != sw.WRONG_SECURE_MESSAGING or not self._due():
                    raise
                chip.session = Session(command.p2, self.random.randbytes(crypto.BLOCK))
                return self.random.randbytes(crypto.BLOCK)

        self.transit.operations = {**self.transit.operations, _AUTHENTICATE: honest._replace(work=work)}


class SessionLostLie(CipurseLie):
    """The n-th PERFORM TRANSACTION finds the session over: 6988, and nothing is written."""

    lasting = False

    def transmit(self, command: bytes) -> bytes:
        """Lose it when due."""
        if command[1:2] == bytes(_PERFORM[1:]) and self._due():
            self.transit.end_session()
        return super().transmit(command)


class ChangingUidLie(CipurseLie):
    """Another UID after each activation, and none of a kind that changes."""

    def power(self, cold: bool) -> None:
        """Reset, with another UID."""
        super().power(cold)
        prefix = self.transit.image.uid_prefix
        self.transit.uid = prefix + self.random.randbytes(len(self.transit.uid) - len(prefix))
        self.fired += 1


_RESPONSES: Final[Mapping[str, Tell]] = {
    "wrong-mac": _wrong_mac,
    "no-mac": _no_mac,
    "short-mac": _short_mac,
    "response-replayed": _replayed,
    "plain-answer": _plain,
    "mac-for-enciphered": _authentic_only,
    "bare-9000": _bare,
    "wrong-mic": _wrong_mic,
    "bad-padding": _bad_padding,
    "status-differs": _status_differs,
    "more-than-asked": _more_than_asked,
}
_DATA: Final[Mapping[str, tuple[Change, tuple[Instruction, ...]]]] = {
    "value-lies": (_number_off, (_READ_VALUE, _INCREASE, _DECREASE)),
    "version-lies": (_old_version, (_READ_BINARY,)),
    "challenge-repeated": (_same_challenge, (_CHALLENGE,)),
    "impostor": (_impostor, (_AUTHENTICATE,)),
    "smr-weaker": (_plain_levels, (_READ_ATTRIBUTES,)),
    "art-open": (_open_rules, (_READ_ATTRIBUTES,)),
    "kvv-lies": (_other_kvv, (_READ_ATTRIBUTES,)),
    "add-info-lies": (_other_version, (_READ_ATTRIBUTES,)),
    "size-lies": (_other_size, (_READ_ATTRIBUTES,)),
}


def cipurse_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie by its name; call it as factory(card, seed)."""
    return _FACTORIES


_FACTORIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {name: partial(ResponseLie, tell=tell) for name, tell in _RESPONSES.items()}
    | {name: partial(WorkLie, change=change, instructions=keys) for name, (change, keys) in _DATA.items()}
    | {
        "executed-then-error": partial(OneError, tell=_error),
        "believes-anybody": CredulousLie,
        "session-lost": SessionLostLie,
        "uid-changes": ChangingUidLie,
    }
)
