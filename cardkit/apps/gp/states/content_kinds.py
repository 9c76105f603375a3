"""Desired states of card content: packages, security domains, applications and their data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import for_extradition, for_install, for_load, for_personalization
from cardkit.apps.gp.load import LoadFile, load_blocks
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.states import shape
from cardkit.apps.gp.states.keysets import aid_of
from cardkit.apps.gp.states.kind import CONFIRMATION, desired, entry_of, store, text, title_of
from cardkit.apps.gp.states.payload import DATA
from cardkit.apps.gp.states.product import Application, Domain, Package, Product
from cardkit.apps.gp.states.route import Route
from cardkit.apps.gp.tags import ApplicationState, CardState
from cardkit.desired import AfterUnknown, Content, Role, State


@dataclass(frozen=True, slots=True)
class PackageLoaded:
    """A package, loaded whole or not at all."""

    product: Product
    package: Package

    @property
    def _name(self) -> str:
        return f"package {text(self.package.aid)}"

    @property
    def states(self) -> tuple[State, ...]:
        """The load file."""
        title = f"{self._name}, {len(self.package.block)} bytes"
        return (desired(self._name, title, "GP-026", self.product.main.access),)

    def write(self, route: Route) -> None:
        """INSTALL for load, and as few LOAD as its bytes need."""
        package = self.package
        route.enter(self.product.main)
        announced = for_load(package.aid, package.domain or self.product.isd, digest=package.digest)
        route.send(announced.command(), Role.WRITE, self._name, answer=CONFIRMATION)
        for command in load_blocks(LoadFile(package.block).build(), route.room.plain_bytes):
            route.send(command, Role.WRITE, self._name, answer=CONFIRMATION, nvm=command.nc)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The registry has the load file."""
        there = any(entry.aid == self.package.aid for entry in picture.load_files or ())
        return () if there else (self._name,)


@dataclass(frozen=True, slots=True)
class DomainInstalled:
    """A supplementary security domain, made of the chip's package."""

    product: Product
    domain: Domain

    @property
    def _name(self) -> str:
        return f"domain {text(self.domain.aid)}"

    @property
    def states(self) -> tuple[State, ...]:
        """The domain in the registry."""
        title = title_of(self._name, self.domain.privileges)
        return (desired(self._name, title, "GP-025", self.product.main.access),)

    def write(self, route: Route) -> None:
        """INSTALL for install and make selectable."""
        chip, domain = self.product.chip, self.domain
        route.enter(self.product.main)
        module = (aid_of(chip.domain_package, "chip.gp"), aid_of(chip.domain_module, "chip.gp"))
        command = for_install(module, domain.aid, domain.privileges, parameters=domain.parameters)
        route.send(command.command(), Role.WRITE, self._name, answer=CONFIRMATION, nvm=len(domain.aid))

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The registry has it."""
        return () if entry_of(picture, self.domain.aid) is not None else (self._name,)


@dataclass(frozen=True, slots=True)
class ApplicationInstalled:
    """An application, selectable."""

    product: Product
    application: Application

    @property
    def name(self) -> str:
        """Name of the state, and of the group that is begun again as a whole."""
        return f"application {text(self.application.aid)}"

    @property
    def states(self) -> tuple[State, ...]:
        """The application in the registry."""
        title = title_of(self.name, self.application.privileges)
        return (desired(self.name, title, "GP-025", self.product.main.access, group=self.name),)

    def write(self, route: Route) -> None:
        """INSTALL for install and make selectable."""
        item = self.application
        route.enter(self.product.main)
        module = (item.load_file, item.module)
        command = for_install(module, item.aid, item.privileges, parameters=item.parameters)
        route.send(command.command(), Role.WRITE, self.name, answer=CONFIRMATION, nvm=len(item.aid))

    def remove(self, route: Route) -> None:
        """DELETE an instance whose data nobody can vouch for."""
        route.enter(self.product.main)
        route.send(Delete(self.application.aid).command(), Role.DELETE, self.name, answer=CONFIRMATION)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The registry has it."""
        return () if entry_of(picture, self.application.aid) is not None else (self.name,)


@dataclass(frozen=True, slots=True)
class DataStored:
    """The data of an application; torn, the application is made anew."""

    product: Product
    application: Application

    @property
    def name(self) -> str:
        """Name of the state."""
        return f"data of {text(self.application.aid)}"

    @property
    def states(self) -> tuple[State, ...]:
        """The data."""
        group = ApplicationInstalled(self.product, self.application).name
        title = f"{self.name}: {len(self.application.data)} groupings"
        return (
            desired(
                self.name,
                title,
                "GP-028",
                self.product.main.access,
                after_unknown=AfterUnknown.RESTART_GROUP,
                group=group,
                varies=True,
            ),
        )

    def write(self, route: Route) -> None:
        """INSTALL for personalization, then STORE DATA; where the application takes them itself, in its own session."""
        if self.application.block.direct:
            route.enter(self.product.main, self.application.aid)
        else:
            route.enter(self.product.main)
            route.send(for_personalization(self.application.aid).command(), Role.WRITE, self.name, answer=CONFIRMATION)
        commands = shape.of_data(self.product, self.application, route.room.plain_bytes)
        store(route, commands, self.name, f"{DATA}: {text(self.application.aid)}")

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The application is in a state of its own that it takes with its last grouping; SELECTABLE tells nothing.

        A card whose sealing has begun was whole before.
        """
        entry = entry_of(picture, self.application.aid)
        if entry is None:
            return (self.name,)
        sealing = picture.isd is not None and picture.isd.life_cycle != CardState[self.product.chip.life_cycle]
        told = entry.life_cycle == self.application.block.life_cycle != ApplicationState.SELECTABLE
        return () if told or sealing else (self.name,)


@dataclass(frozen=True, slots=True)
class Extradited:
    """An application in the hands of its own security domain."""

    product: Product
    application: Application

    @property
    def name(self) -> str:
        """Name of the state."""
        return f"domain of {text(self.application.aid)}"

    @property
    def states(self) -> tuple[State, ...]:
        """Its association."""
        group = ApplicationInstalled(self.product, self.application).name
        title = f"{self.name} = {text(self.application.domain)}"
        return (desired(self.name, title, "GP-034", self.product.main.access, group=group),)

    def write(self, route: Route) -> None:
        """INSTALL for extradition."""
        route.enter(self.product.main)
        command = for_extradition(self.application.domain, self.application.aid)
        route.send(command.command(), Role.WRITE, self.name, answer=CONFIRMATION)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """The registry says so."""
        entry = entry_of(picture, self.application.aid)
        return () if entry is not None and entry.domain == self.application.domain else (self.name,)
