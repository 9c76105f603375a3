"""Desired states of keys: whole sets, put in one go."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from cardkit.apps.gp.delete import delete_keys
from cardkit.apps.gp.install import for_personalization
from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.putkey import KCV_BYTES, KeyData, put_key
from cardkit.apps.gp.states import shape
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.kind import CONFIRMATION, desired, store, text
from cardkit.apps.gp.states.payload import DOMAIN_KEYS, KEYS
from cardkit.apps.gp.states.product import Domain, Product
from cardkit.apps.gp.states.route import Route
from cardkit.desired import Content, Phase, Role, State

KEY_RULES = {"channel": "GP-006", "dap": "GP-047", "token": "GP-048", "receipt": "GP-048", "ota": "GP-051"}
"""Which rule finds a key missing, by its purpose."""

_LATER = KeyData(b"")


@dataclass(frozen=True, slots=True)
class KeysLoaded:
    """A key set of the issuer security domain, put in one command: all of it or nothing.

    :param by: the set whose session brings it.
    """

    product: Product
    keys: KeySet
    by: KeySet

    @property
    def states(self) -> tuple[State, ...]:
        """The set, by its version."""
        keys = self.keys
        title = f"{keys.name} = {keys.spec.enc}{f'/{keys.spec.scheme}' if keys.spec.scheme != 'none' else ''}"
        phase = Phase.FENCE if keys is self.product.main else Phase.WRITE
        return (desired(keys.name, title, KEY_RULES[keys.purpose], self.by.access, phase=phase, varies=True),)

    def write(self, route: Route) -> None:
        """PUT KEY."""
        keys, product = self.keys, self.product
        route.enter(self.by)
        header = replace(put_key(keys.kvn, keys.kid, [_LATER] * len(keys.kids), replaces=keys.replaces), data=b"")
        size = keys.put_bytes(product.parameters.block_size, bare=product.chip.quirks.put_key_bare_aes)
        answer = 1 + KCV_BYTES * len(keys.kids)
        route.send(
            header,
            Role.CHANGE,
            keys.name,
            content=f"{KEYS}: {keys.name}",
            size=size,
            answer=answer,
            nvm=size,
            keys=keys,
        )

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """Its keys are in the key information."""
        there = {(key.kvn, key.kid) for key in picture.keys or ()}
        return () if there >= {(self.keys.kvn, kid) for kid in self.keys.kids} else (self.keys.name,)


@dataclass(frozen=True, slots=True)
class DeliveredSetGone:
    """The chip maker's set, where it does not go away by itself."""

    product: Product

    @property
    def _name(self) -> str:
        return f"{self.product.delivered.name} gone"

    @property
    def states(self) -> tuple[State, ...]:
        """That it is gone."""
        return (
            desired(self._name, f"{self._name}: no way in with delivered keys", "GP-005", self.product.main.access),
        )

    def write(self, route: Route) -> None:
        """DELETE of the key version."""
        route.enter(self.product.main)
        command = delete_keys(kvn=self.product.delivered.kvn)
        route.send(command, Role.DELETE, self._name, answer=CONFIRMATION)

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """No key of its version is in the key information."""
        left = any(key.kvn == self.product.delivered.kvn for key in picture.keys or ())
        return (self._name,) if left else ()


@dataclass(frozen=True, slots=True)
class DomainKeysLoaded:
    """The keys of a supplementary security domain, which its parent passes on."""

    product: Product
    domain: Domain

    @property
    def states(self) -> tuple[State, ...]:
        """Its key sets."""
        access = self.product.main.access
        return tuple(
            desired(keys.name, f"{keys.name} = {keys.spec.enc}", KEY_RULES[keys.purpose], access, varies=True)
            for keys in self.domain.keys
        )

    def write(self, route: Route) -> None:
        """INSTALL for personalization, then the key groupings by STORE DATA."""
        route.enter(self.product.main)
        name = self.domain.keys[0].name
        route.send(for_personalization(self.domain.aid).command(), Role.WRITE, name, answer=CONFIRMATION)
        commands = shape.of_domain_keys(self.product, self.domain, route.room.plain_bytes)
        store(route, commands, name, f"{DOMAIN_KEYS}: {text(self.domain.aid)}", keys=self.domain.keys[0])

    def unmet(self, picture: CardPicture, contents: Mapping[str, Content]) -> Collection[str]:  # noqa: ARG002
        """They are in its key information."""
        seen = picture.domains.get(self.domain.aid)
        there = {(key.kvn, key.kid) for key in (seen.keys or ())} if seen is not None else set()
        return [k.name for k in self.domain.keys if not there >= {(k.kvn, kid) for kid in k.kids}]
