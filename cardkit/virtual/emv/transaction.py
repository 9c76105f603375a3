"""The volatile side of a payment application: one transaction, from SELECT to its end (sheet payment.md 4)."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Channel, GpChip
from .cvr import Cryptogram, Issuer
from .data import CardData

INTERFACE: Final = "payment interface"  # name of what the chip remembers until its next reset
_CONTACTLESS: Final = b"contactless"


class State(Enum):
    """How far the transaction has come."""

    SELECTED = 1
    INITIATED = 2
    ONLINE = 3
    DONE = 4


@dataclass(slots=True)
class Transaction:
    """What the application remembers until it is deselected.

    :ivar contactless: the interface, when the application was selected.
    :ivar afl: as answered.  :ivar initial: data of GET PROCESSING OPTIONS behind 83.
    :ivar values: what the terminal has sent so far, by tag.  :ivar sent: CDOL data so far, as they came.
    :ivar challenge: for one enciphered PIN.  :ivar pin: result of offline PIN; None when it was not presented.
    :ivar idn: ICC dynamic number, once something was signed.  :ivar dda: INTERNAL AUTHENTICATE or fDDA has signed.
    :ivar first: type of the first cryptogram.  :ivar cryptogram: the first one.
    :ivar issuer: issuer authentication.  :ivar external: EXTERNAL AUTHENTICATE came.
    :ivar csu: card status update of a right response cryptogram.
    :ivar online: it went through the state ONLINE.
    :ivar scripts: script commands with a right MAC.  :ivar scripted: any came.
    :ivar fast: values that GET PROCESSING OPTIONS puts into records: 9F4B, 9F69.
    """

    contactless: bool
    state: State = State.SELECTED
    afl: bytes = b""
    aip: bytes = b""
    initial: bytes = b""
    values: dict[int, bytes] = field(default_factory=dict)
    sent: bytes = b""
    challenge: bytes = b""
    pin: bool | None = None
    enciphered: bool = False
    idn: bytes = b""
    dda: bool = False
    first: Cryptogram = Cryptogram.AAC
    cryptogram: bytes = b""
    issuer: Issuer = Issuer.NOT_PERFORMED
    external: bool = False
    csu: bytes = b""
    online: bool = False
    scripts: int = 0
    scripted: bool = False
    fast: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the maker of the image has chosen where EMV leaves a choice; see images/emv-cps.toml."""

    sign_aac: bool = True
    records_before_gpo: bool = True
    blocked: str = "aac"
    format: int = 2
    interface: str = "ppse"


@dataclass(frozen=True, slots=True)
class Scene:
    """All a command works on."""

    chip: GpChip
    data: CardData
    choices: Choices
    transaction: Transaction

    def require(self, *states: State) -> None:
        """Refuse a command that has no place in the transaction now.

        :raises StatusWordError: 6985.
        """
        if self.transaction.state not in states:
            raise StatusWordError(sw.CONDITIONS)


def choices(chip: GpChip) -> Choices:
    """The choices of a chip's maker."""
    options: dict[str, Any] = dict(chip.image.options.get("payment", {}))
    return Choices(**options)


def is_contactless(chip: GpChip) -> bool:
    """Do applications that are selected now show their contactless side?"""
    interface = choices(chip).interface
    return interface == "contactless" or (interface == "ppse" and chip.transient.get(INTERFACE) == _CONTACTLESS)


def enter(chip: GpChip, *, contactless: bool) -> None:
    """A payment directory was selected: what follows belongs to its interface."""
    chip.transient[INTERFACE] = _CONTACTLESS if contactless else b""


def on(chip: GpChip, channel: Channel) -> Transaction:
    """The transaction of the application selected on a channel."""
    found = channel.transient
    if not isinstance(found, Transaction):
        found = Transaction(is_contactless(chip))
        channel.transient = found
    return found
