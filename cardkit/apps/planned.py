"""What blueprints share whose commands are planned once for a product, whatever card it will be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, Self, TypeVar

from cardkit.crypto import KeyStore
from cardkit.desired import Challenge, Part, State, Step, Template
from cardkit.errors import KeyStoreError


class ProductPlan(Protocol):
    """States and commands of a product."""

    @property
    def states(self) -> tuple[State, ...]:
        """What must be true of a finished card."""
        ...

    @property
    def parts(self) -> Mapping[Part, tuple[Step, ...]]:
        """The commands a blank card gets."""
        ...

    @property
    def survey(self) -> tuple[Step, ...]:
        """The commands that check a finished card."""
        ...

    @property
    def identify(self) -> tuple[Step, ...]:
        """The commands that say which card it is."""
        ...


def check_aes(keystore: KeyStore, references: Iterable[str]) -> None:
    """Find keys of a card that works with AES-128 alone.

    :raises KeyStoreError: when one is missing, or for something else.
    """
    for reference in references:
        algorithm = keystore.find(reference).algorithm
        if algorithm != "AES-128":
            raise KeyStoreError(f"key {reference}: {algorithm or 'no cipher key'}, the card works with AES-128")


Product = TypeVar("Product")
PlanT = TypeVar("PlanT", bound=ProductPlan)
Made = TypeVar("Made")


class PlannedBlueprint(Generic[Product, PlanT, Made]):
    """The part of a blueprint that is the same for all such families.

    :param template: of the profile's block.
    :param made: what was made for one card, None before it is known and where nothing is.
    :param keys: key store and source of random numbers, of a blueprint at work.
    """

    secrets: tuple[str, ...] = ()
    rands: tuple[str, ...] = ()

    def __init__(
        self,
        product: Product,
        template: Template,
        plan: PlanT,
        made: Made | None = None,
        keys: tuple[KeyStore, Challenge] | None = None,
    ) -> None:
        self.product = product
        self._template = template
        self._plan = plan
        self._made = made
        self._keys = keys
        self.states = plan.states
        self.parts: Mapping[Part, tuple[Step, ...]] = plan.parts
        self.survey = plan.survey
        self.identify = plan.identify

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> Self:
        """Return the blueprint at work."""
        return type(self)(self.product, self._template, self._plan, self._made, (keystore, challenge))

    def _of(self, made: Made) -> Self:
        """Return the blueprint of one card."""
        return type(self)(self.product, self._template, self._plan, made)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file: they may be a person's."""
