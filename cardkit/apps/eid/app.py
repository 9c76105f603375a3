"""Identity cards with keys as cardkit sees them: the application in the registry, its blueprint of one product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cardkit.apps.eid import dump
from cardkit.apps.eid.holder import check_issuer_of
from cardkit.apps.eid.schema import ChipBlock, EidBlock
from cardkit.apps.eid.states.judging import RULES, judge
from cardkit.apps.eid.states.plan import EidPlan, plan_product, repair
from cardkit.apps.eid.states.product import MANAGEMENT, PIN, PUK, EidProduct, build_product, fill
from cardkit.apps.eid.states.session import EidSession
from cardkit.apps.planned import PlannedBlueprint
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.desired import (
    BlockWithFiles,
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Step,
)
from cardkit.errors import ProfileError


class EidBlueprint(PlannedBlueprint[EidProduct, EidPlan, Mapping[str, bytes]]):
    """One profile's card, compiled once; :meth:`for_card` gives the one of a card."""

    number_kind = "credential"
    secrets: tuple[str, ...] = (PIN, PUK, MANAGEMENT)
    rules: tuple[Rule, ...] = RULES

    # Before there is a card

    def prepare(self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]) -> dict[str, Secret]:  # noqa: ARG002
        """Draw the numbers of one card and of its certificates; its keys it makes itself.

        :raises EncodingError: when a value of the record does not fit.
        """
        values = self.product.draw(rng)
        fill(self.product, self._template.resolve(record), self.product.numbers_in(values))
        return values

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> EidBlueprint:  # noqa: ARG002
        """Return the blueprint of one card.  :raises ProfileError: when the values are of another product."""
        return self._of(self.product.numbers_in(values))

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card."""
        return repair(self.product, names)

    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        if self._made is None:
            raise ProfileError("a PIV card has no contents before it is prepared")
        return fill(self.product, values, self._made)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find the issuer's key.  :raises KeyStoreError: when it is missing, or its certificate is of another."""
        check_issuer_of(self.product, keystore)

    # On a card

    def session(self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]) -> EidSession:
        """Return a session on a powered card."""
        return EidSession(self.product, self._plan, contents, channel, transport, self._keys)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        return judge(self.product, self._plan, contents, seen, part)


class EidApp:
    """The application as the registry knows it."""

    name = "eid"
    title = "PIV application"
    part = dump.PART
    block = EidBlock
    chip_block = ChipBlock
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: EidBlueprint) -> frozenset[str]:  # noqa: ARG002 - all PIV cards have the same places
        """Return the places of a dump in which good cards of a product differ."""
        return dump.varying()

    def files(self, block: EidBlock) -> tuple[str, ...]:
        """Return the name of the issuer's certificate."""
        return (block.issuer.certificate,)

    def compile(
        self, block: BlockWithFiles[EidBlock], chip: ChipBlock, compile_template: CompileTemplate
    ) -> EidBlueprint:
        """Join a profile's ``[eid]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block.block, chip, block.contents)
        return EidBlueprint(product, compile_template(block.block, "eid"), plan_product(product))


APP = EidApp()
