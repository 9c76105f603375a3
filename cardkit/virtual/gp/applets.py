"""Virtual applications: what runs behind an application of the registry, chosen by the AID of its module.

An image names the application behind each module it delivers; the modules of load files that came by LOAD are
`StoringApplet`s. Applets keep their state in cells `app/AID/NAME`, through the journal like everything else.
"""

from collections.abc import Callable
from typing import Final, Protocol

from ..emrtd.applet import EmrtdApplet
from ..emv.directory import PpseApplet, PseApplet
from ..emv.payment import PaymentApplet
from ..subscriber import SubscriberApplet
from .chip import Answer, Channel, GpChip, PlainCommand
from .registry import Entry
from .storing import StoringApplet

_SUBSCRIBER: Final = "subscriber"
DOMAIN: Final = "domain"  # the module of supplementary security domains


class Applet(Protocol):
    """One virtual application.

    :ivar groupings: STORE DATA that says nothing about structure brings DGIs, as with CPS.
    :ivar level: security level STORE DATA needs at least, beyond an authenticated session.
    :ivar own_messaging: instructions whose secure messaging it checks itself, outside a session of its domain.
    """

    groupings: bool
    level: int
    own_messaging: frozenset[int]

    def install(self, parameters: bytes) -> None:
        """Come into being.

        :param parameters: the value of C9 of INSTALL [for install].
        :raises StatusWordError: to refuse them.
        """

    def select(self) -> Answer:
        """The answer to SELECT: file control information, or nothing; 9000 or a warning.

        :raises StatusWordError: to refuse; it is selected nevertheless.
        """

    def process(self, channel: Channel, command: PlainCommand) -> Answer:
        """Work on a command, unwrapped if the session of the channel asks for it.

        :raises StatusWordError: to refuse it.
        """

    def is_secret(self, tag: int) -> bool:
        """Is it a DGI that must never come in clear?"""

    def store(self, tag: int, value: bytes) -> None:
        """Take one DGI or BER-TLV object of STORE DATA, decrypted.

        :raises StatusWordError: to refuse it.
        """

    def store_opaque(self, data: bytes) -> None:
        """Take a block of STORE DATA without a structure."""

    def close(self) -> None:
        """The last block has come."""

    @property
    def personalized(self) -> bool:
        """Is its personalization closed?"""


_APPLETS: Final[dict[str, Callable[[GpChip, Entry], Applet]]] = {
    "storing": StoringApplet,
    _SUBSCRIBER: SubscriberApplet,
    "emrtd": EmrtdApplet,
    "payment": PaymentApplet,
    "pse": PseApplet,
    "ppse": PpseApplet,
}


def of(chip: GpChip, entry: Entry) -> Applet:
    """The virtual application behind an entry."""
    return _APPLETS[chip.image.applets.get(entry.module, "storing")](chip, entry)


def takes_keys(chip: GpChip, entry: Entry) -> bool:
    """Is it an application of a file system that gets its keys by STORE DATA?"""
    return chip.image.applets.get(entry.module) == _SUBSCRIBER


def is_domain_module(chip: GpChip, module: bytes) -> bool:
    """Do instances of a module become security domains?"""
    return chip.image.applets.get(module) == DOMAIN
