"""Payment cards that lie to terminals and validators, behind the same seam as a good one; one lie each.

    card = payment_lies()["sdad-of-yesterday"](personalized_card)

The lie is told in the answer of the application: it is the same over T=0 and T=1. Each is told whenever there is an
occasion; what the card holds and does stays right.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from ..faultbase import Fault
from ..faults_answers import EndlessMoreData
from ..gp.chip import GpChip
from ..gp.lies import ChannelLie, LyingChannel
from ..maker import AnyCard
from ..statuswords import OK, RECORD_NOT_FOUND
from . import objects, rsa
from .data import CardData

_GPO, _READ_RECORD, _SIGN, _GENERATE_AC = 0xA8, 0xB2, 0x88, 0xAE
_FORMAT_1: Final = 0x80
_PAN, _AFL, _CID, _ATC, _IAD, _SIGNATURE = 0x5A, 0x94, 0x9F27, 0x9F36, 0x9F10, 0x9F4B
_LONG_IAD: Final = 33
_JUMP: Final = 5

Objects = list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Lie:
    """What is told instead of the truth.

    :ivar instructions: INS of the commands whose answers change.
    :ivar objects: what stands in the template -> what is told; None for no data at all.
    :ivar whole: the whole answer -> what is told, in place of `objects`.
    :ivar status: told instead of 9000.
    """

    instructions: tuple[int, ...]
    objects: "Callable[[PaymentLie, Objects], Objects | None] | None" = None
    whole: Callable[[bytes], bytes] | None = None
    status: bytes = b""


class PaymentLie(ChannelLie):
    """Changes the answers to some instructions.

    :ivar command: the one being answered.  :ivar kept: the first signature it gave.
    """

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None, lie: Lie) -> None:
        super().__init__(card, seed, at=at)
        self._lie = lie
        self.command = b""
        self.kept = b""
        self._status = b""

    def transmit(self, command: bytes) -> bytes:
        """Put the other status word where the honest one would have stood."""
        if command[1:2] != b"\xc0":
            self.command = command
        self._status = b""
        answer = super().transmit(command)
        return answer[:-2] + self._status if self._status and not answer[:-2] else answer

    def response(self, channel: LyingChannel, data: bytes, status: bytes) -> bytes:
        """The answer, changed when it is one of those."""
        honest = channel.honest_response(data, status)
        if self.command[1] not in self._lie.instructions or status != OK or not honest:
            return honest
        told = self._lie.whole(honest) if self._lie.whole is not None else self._changed(honest)
        if told == honest or not self._due():
            return honest
        self._status = self._lie.status
        return told

    def _changed(self, answer: bytes) -> bytes:
        ((template, inside),) = objects.parse(answer)
        if template == _FORMAT_1 or self._lie.objects is None:
            return answer
        told = self._lie.objects(self, objects.parse(inside))
        if told is None:
            return b""
        return objects.build(template, b"".join(objects.build(tag, value) for tag, value in told))

    @property
    def key(self) -> rsa.PrivateKey | None:
        """The key of the application that is selected."""
        chip = self.chip
        return CardData(chip.journal, chip.channels[0].selected).rsa_key() if isinstance(chip, GpChip) else None


def _with(found: Objects, tag: int, change: Callable[[bytes], bytes]) -> Objects:
    return [(name, change(value) if name == tag else value) for name, value in found]


def _repeated(lie: PaymentLie, found: Objects) -> Objects:
    del lie
    return [*found, found[0]]


def _omitted(lie: PaymentLie, found: Objects) -> Objects:
    del lie
    return [one for one in found if one[0] != _PAN]


def _in_two_records(lie: PaymentLie, found: Objects) -> Objects:
    """The PAN also stands where the first record has something else."""
    del lie
    return found if any(tag == _PAN for tag, _ in found) else [*found, (_PAN, bytes.fromhex("9999990000000014"))]


def _other_pan(lie: PaymentLie, found: Objects) -> Objects:
    del lie
    return _with(found, _PAN, lambda value: value[:-1] + bytes((value[-1] ^ 0x01,)))


def _missing(lie: PaymentLie, found: Objects) -> Objects | None:
    """The second record of a file is not there."""
    return None if lie.command[2] == 2 else found


def _afl(change: Callable[[bytes], bytes]) -> Lie:
    return Lie((_GPO,), lambda _, found: _with(found, _AFL, change))


def _without_length(lie: PaymentLie, found: Objects) -> Objects:
    """Signed again, the dynamic number without its length byte."""
    key = lie.key
    terminal = lie.command[5 : 5 + lie.command[4]]
    signed = rsa.signed_dynamic_data(key, bytes(8), terminal) if key is not None else b""
    return _with(found, _SIGNATURE, lambda value: signed or value)


def _by_other_key(lie: PaymentLie, found: Objects) -> Objects:
    """No signature of this card's key."""
    return _with(found, _SIGNATURE, lambda value: b"\x01" + lie.random.randbytes(len(value) - 1))


def _of_yesterday(lie: PaymentLie, found: Objects) -> Objects:
    fresh = dict(found).get(_SIGNATURE, b"")
    lie.kept = lie.kept or fresh
    return _with(found, _SIGNATURE, lambda _: lie.kept)


def _tc_for_aac(lie: PaymentLie, found: Objects) -> Objects:
    asked_aac = not lie.command[2] & 0xC0
    return _with(found, _CID, lambda value: b"\x40" if asked_aac else value)


def _jumping(lie: PaymentLie, found: Objects) -> Objects:
    del lie
    return _with(found, _ATC, lambda value: (int.from_bytes(value, "big") + _JUMP & 0xFFFF).to_bytes(2, "big"))


def _long_iad(lie: PaymentLie, found: Objects) -> Objects:
    del lie
    return _with(found, _IAD, lambda value: value.ljust(_LONG_IAD, b"\x00"))


def _swapped(lie: PaymentLie, found: Objects) -> Objects:
    """Another order than the one that was signed."""
    del lie
    return found[::-1] if any(tag == _SIGNATURE for tag, _ in found) else found


_LIES: Final[Mapping[str, Lie]] = {
    "tag-repeated": Lie((_READ_RECORD,), _repeated),
    "tag-omitted": Lie((_READ_RECORD,), _omitted),
    "tag-in-two-records": Lie((_READ_RECORD,), _in_two_records),
    "pan-differs": Lie((_READ_RECORD,), _other_pan),
    "record-missing": Lie((_READ_RECORD,), _missing, status=RECORD_NOT_FOUND),
    "record-without-70": Lie((_READ_RECORD,), whole=lambda answer: objects.parse(answer)[0][1]),
    "record-with-more": Lie((_READ_RECORD,), whole=lambda answer: answer + b"\x00\x01"),
    "record-cut": Lie((_READ_RECORD,), whole=lambda answer: answer[:-1]),
    "afl-sfi-0": _afl(lambda afl: b"\x00" + afl[1:]),
    "afl-last-before-first": _afl(lambda afl: afl[:1] + b"\x03\x02" + afl[3:]),
    "afl-5-bytes": _afl(lambda afl: afl[:4] + b"\x10"),
    "sdad-without-length": Lie((_SIGN,), _without_length),
    "sdad-of-other-key": Lie((_SIGN, _GENERATE_AC), _by_other_key),
    "sdad-of-yesterday": Lie((_SIGN, _GENERATE_AC), _of_yesterday),
    "cda-order-swapped": Lie((_GENERATE_AC,), _swapped),
    "tc-for-aac": Lie((_GENERATE_AC,), _tc_for_aac),
    "atc-jumps": Lie((_GENERATE_AC,), _jumping),
    "iad-33-bytes": Lie((_GENERATE_AC,), _long_iad),
    "nothing-but-9000": Lie((_GPO, _SIGN, _GENERATE_AC), whole=lambda _: b""),
}


def payment_lies() -> Mapping[str, Callable[..., Fault]]:
    """Every lie by its name; call it as factory(card, seed) on a personalized card."""
    return _FACTORIES


_FACTORIES: Final[Mapping[str, Callable[..., Fault]]] = MappingProxyType(
    {name: partial(PaymentLie, lie=lie) for name, lie in _LIES.items()} | {"61-for-ever": EndlessMoreData}
)
