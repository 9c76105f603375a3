"""What a kind of desired state is, and what the kinds share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.states import shape
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.payload import OBJECTS
from cardkit.apps.gp.states.product import Product, Value
from cardkit.apps.gp.states.route import Route
from cardkit.apps.gp.tags import Privilege, Privileges, StatusEntry
from cardkit.desired import Access, AfterUnknown, Content, Phase, Role, Seen, State

CONFIRMATION = 1
"""Bytes a card answers to INSTALL, LOAD and DELETE without a receipt."""


class Kind(Protocol):
    """One desired state, or several that are written together."""

    @property
    def states(self) -> tuple[State, ...]:
        """What must be true of the finished card."""
        ...

    def write(self, route: Route) -> None:
        """Add the commands that make it true on a card where it is not."""
        ...

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:
        """Return the names of its states that a begun card does not show."""
        ...


def text(aid: bytes) -> str:
    """Return an AID as it stands in names of states."""
    return aid.hex().upper()


WHOLE_CARD = (
    Privilege.CARD_LOCK | Privilege.CARD_TERMINATE | Privilege.FINAL_APPLICATION | Privilege.MANDATED_DAP_VERIFICATION
)
"""Privileges that reach beyond their holder: whoever reads a plan sees them by name."""


def title_of(name: str, privileges: Privileges) -> str:
    """Return the title of an entry of the registry, with its dangerous privileges.

    >>> title_of("application F04341524401", Privileges.of(["card lock"]))
    'application F04341524401 is there, DANGEROUS: CARD_LOCK'
    """
    dangerous = Privileges(privileges.bits & int(WHOLE_CARD)).names
    return f"{name} is there" + (f", DANGEROUS: {', '.join(dangerous)}" if dangerous else "")


def desired(  # noqa: PLR0913  (all but four have defaults)
    name: str,
    title: str,
    rule: str,
    access: Access,
    *,
    phase: Phase = Phase.WRITE,
    seen: Seen = Seen.BEHAVE,
    after_unknown: AfterUnknown = AfterUnknown.LOOK,
    group: str = "",
    varies: bool = False,
) -> State:
    """Return a state that cannot be taken back, as nearly everything on such a card."""
    return State(name, title, phase, rule, seen, after_unknown, access, reversible=False, group=group, varies=varies)


def entry_of(picture: CardPicture, aid: bytes) -> StatusEntry | None:
    """Return the registry entry of an application, None where there is none."""
    return next((entry for entry in picture.applications or () if entry.aid == aid), None)


def store(
    route: Route, commands: Sequence[CommandAPDU], serves: str, content: str, *, keys: KeySet | None = None
) -> None:
    """Plan STORE DATA commands whose data come when the card is known.

    :param commands: as long as they will be.  :param keys: the set they bring.
    """
    role = Role.WRITE if keys is None else Role.CHANGE
    for number, command in enumerate(commands):
        header = CommandAPDU(command.cla, command.ins, command.p1, command.p2)
        span = (number, len(commands))
        route.send(header, role, serves, content=content, size=command.nc, span=span, nvm=command.nc, keys=keys)


def store_objects(route: Route, product: Product, objects: tuple[Value, ...], serves: str) -> None:
    """Plan the STORE DATA of data objects to the domain whose session is open."""
    names = "+".join(item.name for item in objects)
    store(route, shape.of_objects(product, objects, route.room.plain_bytes), serves, f"{OBJECTS}: {names}")
