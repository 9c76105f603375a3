"""PKCS#15 cards as cardkit sees them: the application in the registry, its blueprint of one product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid.holder import check_issuer_of
from cardkit.apps.eid.pkcs15 import commands, dump
from cardkit.apps.eid.pkcs15.contents import fill
from cardkit.apps.eid.pkcs15.judging import RULES, judge
from cardkit.apps.eid.pkcs15.plan import Pkcs15Plan, plan_product, repair
from cardkit.apps.eid.pkcs15.product import Pkcs15Product, build_product
from cardkit.apps.eid.pkcs15.schema import ChipBlock, Pkcs15Block
from cardkit.apps.eid.pkcs15.session import Pkcs15Session
from cardkit.apps.eid.rules import STRUCTURE
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


class Pkcs15Blueprint(PlannedBlueprint[Pkcs15Product, Pkcs15Plan, Mapping[str, Secret]]):
    """One profile's card, compiled once; :meth:`for_card` gives the one of a card."""

    rules: tuple[Rule, ...] = RULES

    @property
    def number_kind(self) -> str:
        """Kind of the number that people know the card by."""
        return self.product.block.serial_kind

    # Before there is a card

    def prepare(self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]) -> dict[str, Secret]:
        """Draw the numbers of one card's certificates, and make the keys that the issuer makes.

        :raises EncodingError: when a value of the record does not fit.
        """
        values = self.product.draw(keystore, rng)
        fill(self.product, self._template.resolve(record), values)
        return values

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> Pkcs15Blueprint:  # noqa: ARG002
        """Return the blueprint of one card.  :raises ProfileError: when the values are of another product."""
        self.product.check_values(values)
        return self._of(values)

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card."""
        return repair(self.product, names)

    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        if self._made is None:
            raise ProfileError("a PKCS#15 card has no contents before it is prepared")
        return fill(self.product, values, self._made)

    # Beside other applications

    @property
    def aids(self) -> frozenset[bytes]:
        """The applet's one name."""
        return frozenset((bytes.fromhex(self.product.chip.aid),))

    @property
    def key_references(self) -> frozenset[str]:
        """The issuer's key for certificates."""
        return frozenset((self.product.block.issuer.key,))

    @property
    def own_questions(self) -> tuple[CommandAPDU, ...]:
        """VERIFY without a value: how many tries of the PIN are left."""
        return (commands.ask(commands.PIN),)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find the issuer's key.  :raises KeyStoreError: when it is missing, or its certificate is of another."""
        check_issuer_of(self.product, keystore)

    # On a card

    def session(
        self,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],  # noqa: ARG002 - such a chip is open until its PIN is set
    ) -> Pkcs15Session:
        """Return a session on a powered card."""
        return Pkcs15Session(self.product, self._plan, contents, channel, self._keys)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        return judge(self.product, self._plan, contents, seen, part)


class Pkcs15App:
    """The application as the registry knows it."""

    name = "pkcs15"
    title = "PKCS#15 application"
    part = dump.PART
    block = Pkcs15Block
    chip_block = ChipBlock
    rules: tuple[Rule, ...] = (STRUCTURE,)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def look(self, channel: Channel, today: date) -> dict[str, Any]:  # noqa: ARG002 - no date is checked here
        """Return the PKCS#15 part of a dump.  :raises CardError: when this is no PKCS#15 card."""
        return dump.look(channel)

    def observe(self, channel: Channel, document: Mapping[str, Any], *, toolkit: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return nothing: a dump holds all that the rule asks for."""
        return {}

    def check(self, document: Mapping[str, Any], printed: str) -> list[Finding]:  # noqa: ARG002 - such a card prints none
        """Apply the rule of the structure to a dump.  :raises EncodingError: when it is no such dump."""
        return dump.check(document)

    def varying(self, blueprint: Pkcs15Blueprint) -> frozenset[str]:
        """Return the places of a dump in which good cards of a product differ."""
        return dump.varying(pair.label for pair in blueprint.product.keys)

    def files(self, block: Pkcs15Block) -> tuple[str, ...]:
        """Return the name of the issuer's certificate."""
        return (block.issuer.certificate,)

    def compile(
        self, block: BlockWithFiles[Pkcs15Block], chip: ChipBlock, compile_template: CompileTemplate
    ) -> Pkcs15Blueprint:
        """Join a profile's ``[pkcs15]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block.block, chip, block.contents)
        return Pkcs15Blueprint(product, compile_template(block.block, "pkcs15"), plan_product(product))


APP = Pkcs15App()
