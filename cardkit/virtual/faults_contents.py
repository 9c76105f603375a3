"""The card answers well, but its memory, its keys or its selection are not what they should be."""

from abc import ABC, abstractmethod

from .errors import ImageError, WriteFailedError
from .faultbase import Fault
from .image import Image
from .maker import AnyCard, make_card
from .statuswords import OK

_VERIFY, _SELECT, _AUTHENTICATE, _EXTERNAL_AUTHENTICATE = 0x20, 0xA4, 0x88, 0x82
_ADM1 = 0x0A
_FAR_AHEAD = (1 << 47).to_bytes(6, "big")
_FRESHNESS_AT = 14  # offset of the freshness entries in an SQN file
_BOOKKEEPING = ("journal", "tries/")  # cells of a GlobalPlatform card that are no content
_FREE_FORM = ("data/", "app/")  # cells whose every bit is content, not structure


class _Intercepting(Fault, ABC):
    """Sees each write before it reaches the memory. A card carries one fault of this kind."""

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None) -> None:
        super().__init__(card, seed, at=at)
        self.chip.memory.intercept = self._intercept

    @abstractmethod
    def _intercept(self, cell: str, value: bytes) -> bytes | None:
        """What reaches the cell instead of `value`; None: nothing."""


class _WriteFault(_Intercepting):
    """Strikes at writes that change a file body, a subscriber key, or the registry, keys and data of a GP card.

    Counters pass, and the life cycle bytes of files.
    """

    def _intercept(self, cell: str, value: bytes) -> bytes | None:
        old = self.chip.memory.cells.get(cell, b"")
        if old == value or not self._strikes(cell, old, value) or not self._due():
            return value
        return self._stored(old, value)

    def _strikes(self, cell: str, old: bytes, value: bytes) -> bool:
        """Does this write count?"""
        image = self.image
        if cell.startswith(_BOOKKEEPING):
            return False
        if not isinstance(image, Image):
            return True
        is_new_key = bool(value) and cell in _key_cells(image)
        return (len(old) == len(value) or is_new_key) and cell not in {spec.cell for spec in image.secrets}

    @abstractmethod
    def _stored(self, old: bytes, value: bytes) -> bytes | None:
        """What reaches the memory instead of `value`."""


class DroppedWrite(_WriteFault):
    """The n-th write that would change a file is lost and answered 9000."""

    def _stored(self, old: bytes, value: bytes) -> bytes | None:
        del old, value
        return None


class FlippedMemoryBit(_WriteFault):
    """The n-th write that changes a file leaves one wrong bit among the bytes it changed."""

    def _strikes(self, cell: str, old: bytes, value: bytes) -> bool:
        """Only where the card can still read what lies there."""
        readable = len(old) == len(value) or (bool(value) and cell.startswith(_FREE_FORM))
        return readable and super()._strikes(cell, old, value)

    def _stored(self, old: bytes, value: bytes) -> bytes | None:
        before = old if len(old) == len(value) else b""
        at = self.random.choice([at for at, byte in enumerate(value) if not before or byte != before[at]])
        return value[:at] + bytes((value[at] ^ 1 << self.random.randrange(8),)) + value[at + 1 :]


class WriteError(_WriteFault):
    """The n-th write that would change a file fails with 6581 and changes nothing."""

    def _stored(self, old: bytes, value: bytes) -> bytes | None:
        del old
        raise WriteFailedError(f"{len(value)} bytes not written")


class OtherKey(_Intercepting):
    """Whatever is written into the key files, one byte of K becomes another: the card computes with another key."""

    span, lasting = 1, True

    def _intercept(self, cell: str, value: bytes) -> bytes | None:
        if cell not in _key_cells(self.files.image) or not self._due():
            return value
        return value[:1] + bytes((value[1] ^ 0x01,)) + value[2:]


def _key_cells(image: Image) -> set[str]:
    return {slot.key for slot in image.key_slots.values()}


class OneTryLeft(Fault):
    """The card arrives with a single try left on its ADM key."""

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None) -> None:
        super().__init__(card, seed, at=at)
        spec = next(spec for spec in self.files.image.secrets if spec.reference == _ADM1)
        state = self.chip.memory.cells[spec.cell]
        self.chip.memory.write(spec.cell, state[:1] + b"\x01" + state[2:])

    def transmit(self, command: bytes) -> bytes:
        """Count the moments at which a client can notice."""
        self.fired += command[1:2] == bytes((_VERIFY,)) and command[3:4] == bytes((_ADM1,))
        return super().transmit(command)


class SqnFarAhead(Fault):
    """The card arrives with sequence numbers half way to their end."""

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None) -> None:
        super().__init__(card, seed, at=at)
        cells = {slot.sqn for slot in self.files.image.key_slots.values()} & self.chip.memory.cells.keys()
        if not cells:
            raise ImageError(f"fault SqnFarAhead: image {self.image.name} is delivered without sequence numbers")
        for cell in cells:
            body = self.chip.memory.cells[cell]
            entries = (len(body) - _FRESHNESS_AT) // 6
            self.chip.memory.write(cell, body[:_FRESHNESS_AT] + _FAR_AHEAD * entries)

    def transmit(self, command: bytes) -> bytes:
        """Count the moments at which a client can notice."""
        self.fired += command[1:2] == bytes((_AUTHENTICATE,))
        return super().transmit(command)


class SelectsAnother(Fault):
    """The n-th SELECT of an EF answers well, but an EF beside it is current; one of the same size if there is one."""

    span = 4

    def transmit(self, command: bytes) -> bytes:
        """Select the neighbour when due."""
        answer = super().transmit(command)
        channel = self.files.channels.get(command[0] & 0x03) if command else None
        if channel is None or channel.ef is None or command[1] != _SELECT or not self._due():
            return answer
        right = channel.ef
        beside = [file for file in channel.df.children.values() if file.kind is right.kind and file is not right]
        same = [file for file in beside if (file.size, file.record_length) == (right.size, right.record_length)]
        if same or beside:
            channel.use(self.random.choice(same or beside))
        else:
            self.fired -= 1
        return answer


class CardSwapped(Fault):
    """After the n-th good VERIFY or EXTERNAL AUTHENTICATE the card is swapped for a fresh one behind the connection.

    :ivar first: the card before the swap; `memory()` shows the one that answers now.
    """

    span = 1

    def __init__(self, card: AnyCard | Fault, seed: int = 0, *, at: int | None = None) -> None:
        super().__init__(card, seed, at=at)
        self.first = card

    def transmit(self, command: bytes) -> bytes:
        """Swap after the answer has left."""
        answer = super().transmit(command)
        proof = command[1:2] in (bytes((_VERIFY,)), bytes((_EXTERNAL_AUTHENTICATE,)))
        if proof and len(command) > 5 and answer == OK and self._due():
            self.card = make_card(self.image, seed=self.random.getrandbits(32), protocol=self.protocol)
        return answer
