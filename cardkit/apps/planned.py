"""What blueprints share whose commands are planned once for a product, whatever card it will be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from cardkit.crypto import KeyStore
from cardkit.desired import Challenge, Content, Part, State, Step, Template
from cardkit.errors import KeyStoreError


@dataclass(frozen=True, slots=True)
class ProductPlan:
    """States and commands of a product.

    :param states: what must be true of a finished card.  :param parts: the commands a blank card gets.
    :param survey: the commands that check a finished card.  :param identify: those that say which card it is.
    """

    states: tuple[State, ...]
    parts: Mapping[Part, tuple[Step, ...]]
    survey: tuple[Step, ...]
    identify: tuple[Step, ...]


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


class PlannedBlueprint(ABC, Generic[Product, PlanT, Made]):
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
        self.parts = plan.parts
        self.survey = plan.survey
        self.identify = plan.identify

    def fill(
        self,
        record: Mapping[str, Any],
        tag: bytes,  # noqa: ARG002
        rands: Mapping[str, bytes],  # noqa: ARG002
    ) -> Mapping[str, Content]:
        """Return one card's contents: these families write no marker and draw nothing for a run.

        :raises EncodingError: when a value does not fit.  :raises ProfileError: when this is no blueprint of one card.
        """
        return self._contents(self._template.resolve(record))

    @abstractmethod
    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        """Return contents by state.  :param values: of the profile's block, with the record's in them."""

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> Self:
        """Return the blueprint at work."""
        return type(self)(self.product, self._template, self._plan, self._made, (keystore, challenge))

    def _of(self, made: Made) -> Self:
        """Return the blueprint of one card."""
        return type(self)(self.product, self._template, self._plan, made)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file: they may be a person's."""
