"""Desired states of the card and its security domains: data objects, life cycles, restrictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.install import for_registry_update
from cardkit.apps.gp.install_parameters import InstallParameters
from cardkit.apps.gp.lifecycle import Scope, card_steps, set_status
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.schema import Restriction
from cardkit.apps.gp.states.keysets import aid_of
from cardkit.apps.gp.states.kind import CONFIRMATION, desired, entry_of, store_objects, text
from cardkit.apps.gp.states.product import Domain, Product, Value
from cardkit.apps.gp.states.route import Route
from cardkit.apps.gp.tags import CardState, DomainState
from cardkit.desired import AfterUnknown, Content, Phase, Role, Seen, State

OBJECT_RULES = {0x42: "GP-042", 0x45: "GP-042", 0x9F66: "GP-038", 0x9F67: "GP-039"}

# Bits of D9 (GPCS 11.5.2.3.7).
_FORBIDDEN: dict[Restriction, int] = {
    "delete": 0x01, "load": 0x02, "install": 0x04, "selectable": 0x08, "extradition": 0x10, "personalization": 0x20,
    "registry": 0x40,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DomainPersonalized:
    """A supplementary security domain in its own hands: its numbers, and PERSONALIZED by a session of its own."""

    product: Product
    domain: Domain

    @property
    def _name(self) -> str:
        return f"domain {text(self.domain.aid)} personalized"

    @property
    def states(self) -> tuple[State, ...]:
        """Its life cycle."""
        return (
            desired(self._name, f"{self._name}: it answers with its own keys", "GP-035", self.domain.keys[0].access),
        )

    def write(self, route: Route) -> None:
        """Open a session with its own keys, store its numbers, set its status."""
        domain = self.domain
        route.enter(domain.keys[0])
        if domain.objects:
            store_objects(route, self.product, domain.objects, self._name)
        command = set_status(Scope.APPLICATION, DomainState.PERSONALIZED, domain.aid)
        route.send(command, Role.DELETE, self._name)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The registry says PERSONALIZED."""
        entry = entry_of(picture, self.domain.aid)
        done = entry is not None and entry.life_cycle == DomainState.PERSONALIZED
        return () if done else (self._name,)


@dataclass(frozen=True, slots=True)
class ObjectsStored:
    """Data objects of the issuer security domain, written together."""

    product: Product
    objects: tuple[Value, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """Each object by its tag."""
        access = self.product.main.access
        return tuple(
            desired(
                item.name, f"object {item.name} = <record>", OBJECT_RULES[item.tag], access, seen=Seen.READ, varies=True
            )
            for item in self.objects
        )

    def only(self, names: Collection[str]) -> ObjectsStored:
        """Return those of these names."""
        return replace(self, objects=tuple(item for item in self.objects if item.name in names))

    def write(self, route: Route) -> None:
        """STORE DATA to the domain itself."""
        route.enter(self.product.main)
        store_objects(route, self.product, self.objects, self.objects[0].name)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:
        """GET DATA gives them as they should be."""
        return [item.name for item in self.objects if seen_object(picture, item.tag) != contents[item.name]]


def seen_object(picture: CardPicture, tag: int) -> bytes | None:
    """Return a data object as a card shows it; the parts of the CPLC as they were written."""
    numbers = {0x42: picture.issuer_number, 0x45: picture.card_number}
    if tag in numbers or picture.cplc is None:
        return numbers.get(tag)
    cplc = picture.cplc
    if tag == 0x9F67:
        return cplc.pre_personalizer + cplc.pre_personalization_date + cplc.pre_personalization_equipment
    return cplc.personalizer + cplc.personalization_date + cplc.personalization_equipment


@dataclass(frozen=True, slots=True)
class CardLifecycle:
    """Restrictions and the last steps of the card's life in the plant; nothing that can fail follows them."""

    product: Product

    @property
    def states(self) -> tuple[State, ...]:
        """What is forbidden, then each life cycle step."""
        access = self.product.main.access
        forbidden = [
            desired(name, name, "", access, phase=Phase.SEAL, seen=Seen.NEVER, after_unknown=AfterUnknown.PEOPLE)
            for name, _ in self._restrictions()
        ]
        steps = [
            desired(state.name, f"card is {state.name}, for good", "GP-001", access, phase=Phase.SEAL)
            for state in self.steps(self._delivered)
        ]
        return (*forbidden, *steps)

    @property
    def _delivered(self) -> CardState:
        return CardState[self.product.chip.life_cycle]

    def steps(self, now: int) -> tuple[CardState, ...]:
        """Return the life cycle steps that are still to be taken; none beyond what was ordered."""
        wanted = CardState[self.product.block.life_cycle]
        return card_steps(CardState(now), wanted) if now < wanted else ()

    def write(self, route: Route) -> None:
        """Forbid what is forbidden, then SET STATUS, one step at a time."""
        self.write_from(route, self._delivered)

    def write_from(self, route: Route, now: int) -> None:
        """Go on from a state of the card; restrictions are made again while a step is missing."""
        steps = self.steps(now)
        restrictions = self._restrictions() if steps or not self.steps(self._delivered) else ()
        if steps or restrictions:
            route.enter(self.product.main)
        for name, command in restrictions:
            route.send(command, Role.DELETE, name, answer=CONFIRMATION)
        for state in steps:
            route.send(set_status(Scope.CARD, state), Role.DELETE, state.name)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """It is looked at when the card is sealed."""
        return ()

    def _restrictions(self) -> tuple[tuple[str, CommandAPDU], ...]:
        found = []
        for index, item in enumerate(self.product.block.restrictions):
            bits = sum(_FORBIDDEN[name] for name in set(item.forbid))
            aid = aid_of(item.aid, f"gp.restrictions[{index}].aid") if item.aid else b""
            parameters = InstallParameters(restrict=bytes((bits,))).build()
            name = f"no {', '.join(item.forbid)} by {text(aid) or 'anybody'}"
            found.append((name, for_registry_update(aid, parameters=parameters).command()))
        return tuple(found)
