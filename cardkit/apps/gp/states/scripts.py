"""The planner at work on one product: what a blank card gets, how a begun one is looked at, how a finished one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.discovery import CLA_ISO, DataTag
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.states.card_kinds import CardLifecycle, DomainPersonalized, ObjectsStored
from cardkit.apps.gp.states.content_kinds import (
    ApplicationInstalled,
    DataStored,
    DomainInstalled,
    Extradited,
    PackageLoaded,
)
from cardkit.apps.gp.states.key_kinds import DeliveredSetGone, DomainKeysLoaded, KeysLoaded
from cardkit.apps.gp.states.kind import Kind, text
from cardkit.apps.gp.states.product import Application, Product
from cardkit.apps.gp.states.route import Route
from cardkit.apps.gp.status import get_status
from cardkit.apps.gp.tags import StatusKind
from cardkit.desired import Content, Part, Phase, Role, State, Step

MANAGE_CHANNEL, OPEN, CLOSE = 0x70, 0x00, 0x80

# What steps of a look or survey serve.
SELECTED, PLAIN_STATUS, CHANNELS = "SELECT", "GET STATUS without a session", "logical channels"
PRODUCTION, CARD_DATA, CAPABILITIES, KEYS, RESOURCES = "9F7F", "66", "67", "E0", "FF21"
ISSUER_NUMBER, CARD_NUMBER, COUNTER, CONFIRMATIONS = "42", "45", "C1", "C2"
CERTIFICATES = "BF21"
PLAIN_CARD_DATA, PLAIN_KEYS = "66 with class 00", "E0 with class 00"
LISTS = {kind: f"GET STATUS {kind:02X}" for kind in StatusKind}
REGISTRY = (StatusKind.ISD, StatusKind.APPLICATIONS, StatusKind.MODULES)


def domain_keys(aid: bytes) -> str:
    """Name the key information of a supplementary security domain."""
    return f"{KEYS} of {text(aid)}"


class Scripts:
    """The commands of one product; every card gets the same ones with other contents.

    :ivar kinds: the desired states of fence and writing, in order.  :ivar life_cycle: those of the seal.
    :ivar parts: what a blank card gets.  :ivar survey: a check of a finished card.  :ivar identify: who the card is.
    :ivar look: what a begun card shows; opens a session with the product's keys.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        self.kinds = _kinds(product)
        self.life_cycle = CardLifecycle(product)
        self.states: tuple[State, ...] = tuple(
            state for kind in (*self.kinds, self.life_cycle) for state in kind.states
        )
        self.identify = self._identify()
        self.survey = self._survey(thorough=True)
        self.look = self._look()
        self.number = self._number()
        self.parts = self._parts()

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card; a torn application is made anew."""
        route = Route(self.product, Phase.WRITE)
        for kind in self.kinds:
            wanted = [state.name for state in kind.states if state.name in names]
            if isinstance(kind, ApplicationInstalled):
                self._repair_application(route, kind, names)
            elif wanted and not isinstance(kind, DataStored | Extradited):
                (kind.only(wanted) if isinstance(kind, ObjectsStored) else kind).write(route)
        return route.take()

    def _repair_application(self, route: Route, kind: ApplicationInstalled, names: Collection[str]) -> None:
        data, home = _followers(self.product, kind.application)
        torn = data is not None and data.name in names
        if kind.name not in names and torn:
            kind.remove(route)
        if kind.name in names or torn:
            kind.write(route)
            if data is not None:
                data.write(route)
        if home is not None and (kind.name in names or torn or home.name in names):
            home.write(route)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> tuple[str, ...]:
        """Return the names of the states, up to the seal, that a begun card does not show."""
        return tuple(name for kind in self.kinds for name in kind.unmet(picture, contents))

    def seal_from(self, life_cycle: int) -> tuple[Step, ...]:
        """Return what is left of the seal on a card in this state."""
        route = Route(self.product, Phase.SEAL)
        self.life_cycle.write_from(route, life_cycle)
        return route.take()

    # Parts

    def _parts(self) -> dict[Part, tuple[Step, ...]]:
        route = Route(self.product, Phase.FENCE)
        self._identity(route)
        fence, *others = self.kinds
        fence.write(route)
        fenced = route.take()
        route.phase = Phase.WRITE
        for kind in others:
            kind.write(route)
        written = route.take()
        route.reset()
        route.phase = Phase.SEAL
        self.life_cycle.write(route)
        sealed = route.take()
        return {
            Part.FENCE: fenced,
            Part.WRITE: written,
            Part.CHECK: self._survey(thorough=False),
            Part.SEAL: sealed,
            Part.STRANGER: self._stranger(),
        }

    def _identity(self, route: Route) -> None:
        route.select(self.product.isd, SELECTED)
        route.read(DataTag.CPLC, PRODUCTION)
        route.read(DataTag.KEY_INFORMATION, KEYS)

    def _identify(self) -> tuple[Step, ...]:
        route = Route(self.product, Phase.FENCE)
        self._identity(route)
        return route.take()

    def _number(self) -> tuple[Step, ...]:
        route = Route(self.product, Phase.VERIFY)
        route.select(self.product.isd, SELECTED)
        route.read(DataTag.CARD_NUMBER, CARD_NUMBER)
        return route.take()

    def _look(self) -> tuple[Step, ...]:
        route = Route(self.product, Phase.VERIFY)
        self._identity(route)
        self._numbers(route)
        self._session(route)
        self._domains(route, greet=False)
        return route.take()

    def _survey(self, *, thorough: bool) -> tuple[Step, ...]:
        route = Route(self.product, Phase.VERIFY)
        self._identity(route)
        for tag, name in ((DataTag.CARD_DATA, CARD_DATA), (DataTag.CAPABILITIES, CAPABILITIES)):
            route.read(tag, name)
        route.read(DataTag.CARD_DATA, PLAIN_CARD_DATA, cla=CLA_ISO)
        route.read(DataTag.KEY_INFORMATION, PLAIN_KEYS, cla=CLA_ISO)
        self._numbers(route)
        if self.product.block.memory is not None:
            route.read(DataTag.RESOURCES, RESOURCES)
        route.ask(get_status(StatusKind.ISD), PLAIN_STATUS)
        if thorough:
            self._channels(route)
            if self.product.certified is not None:
                route.prove(self.product.certified.kvn, CERTIFICATES)
        for keys in self.product.keys:
            if keys.opens_channel:
                route.greet(keys)
        self._session(route)
        route.read(DataTag.SEQUENCE_COUNTER, COUNTER, secured=True)
        if self.product.block.hands_off:
            route.read(DataTag.CONFIRMATION_COUNTER, CONFIRMATIONS, secured=True)
        self._domains(route, greet=True)
        return route.take()

    def _numbers(self, route: Route) -> None:
        for item in self.product.objects:
            if item.name in (ISSUER_NUMBER, CARD_NUMBER):
                route.read(item.tag, item.name)

    def _channels(self, route: Route) -> None:
        """Open every further channel there is and one more, which must be refused; close them again."""
        count = self.product.chip.channels
        if count is None:
            return
        for _ in range(count + 1):
            route.ask(CommandAPDU(CLA_ISO, MANAGE_CHANNEL, OPEN, 0x00, ne=1), CHANNELS)
        for number in range(1, count + 1):
            route.ask(CommandAPDU(CLA_ISO, MANAGE_CHANNEL, CLOSE, number), CHANNELS)

    def _session(self, route: Route) -> None:
        """Open a session with the product's keys in the domain that is selected, and read the registry."""
        route.greet(self.product.main)
        route.authenticate(self.product.main)
        for kind in REGISTRY:
            route.list(get_status(kind), LISTS[kind])

    def _domains(self, route: Route, *, greet: bool) -> None:
        for domain in self.product.domains:
            route.select(domain.aid, domain_keys(domain.aid))
            route.read(DataTag.KEY_INFORMATION, domain_keys(domain.aid))
            if greet:
                route.greet(domain.keys[0])

    def _stranger(self) -> tuple[Step, ...]:
        """What anybody with the keys can see of the sealed card: its keys, and that it is sealed."""
        route = Route(self.product, Phase.VERIFY)
        self._identity(route)
        route.greet(self.product.main)
        route.authenticate(self.product.main)
        route.list(get_status(StatusKind.ISD), LISTS[StatusKind.ISD])
        return route.take()


def openings(parts: Mapping[Part, tuple[Step, ...]]) -> tuple[Step, ...]:
    """Return the first step of every session in which a blank card is written, in order."""
    return tuple(step for part in (Part.FENCE, Part.WRITE) for step in parts[part] if step.role is Role.QUERY)


def _kinds(product: Product) -> tuple[Kind, ...]:
    """Return the desired states up to the seal, in the order they are made true; the fence's is the first."""
    main = product.main
    kinds: list[Kind] = [KeysLoaded(product, main, product.delivered)]
    kinds += [KeysLoaded(product, keys, main) for keys in product.keys[1:]]
    if product.chip.delivered.removal == "delete":
        kinds.append(DeliveredSetGone(product))
    for domain in product.domains:
        kinds += [DomainInstalled(product, domain), DomainKeysLoaded(product, domain)]
    kinds += [DomainPersonalized(product, domain) for domain in product.domains]
    kinds += [PackageLoaded(product, package) for package in product.packages]
    for application in product.applications:
        kinds.append(ApplicationInstalled(product, application))
        kinds += [kind for kind in _followers(product, application) if kind is not None]
    if product.objects:
        kinds.append(ObjectsStored(product, product.objects))
    return tuple(kinds)


def _followers(product: Product, application: Application) -> tuple[DataStored | None, Extradited | None]:
    """Return what an application gets once it is there: its data, its own domain."""
    data = DataStored(product, application) if application.data else None
    return data, Extradited(product, application) if application.domain else None
