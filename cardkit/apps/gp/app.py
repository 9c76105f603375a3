"""GlobalPlatform cards as cardkit sees them: the application in the registry, and its blueprint of one product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cardkit.apps.gp import dump
from cardkit.apps.gp.rules.engine import findings
from cardkit.apps.gp.rules.table import RULES
from cardkit.apps.gp.schema import ChipBlock, GpBlock
from cardkit.apps.gp.states.beforehand import CHALLENGES, check_scriptable, scripts_of
from cardkit.apps.gp.states.expecting import expectation_of
from cardkit.apps.gp.states.filling import fill
from cardkit.apps.gp.states.product import Product, build_product
from cardkit.apps.gp.states.scripts import Scripts
from cardkit.apps.gp.states.seeing import picture_of
from cardkit.apps.gp.states.session import GpSession
from cardkit.apps.gp.states.varying import varying
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.desired import (
    ATR_FITS,
    BlockWithFiles,
    Challenge,
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Script,
    Severity,
    State,
    Step,
    Template,
)

CHIP = Rule("PERSO-003", Severity.ERROR, "ISO/IEC 7816-3 8.2", "the ATR is that of the product's chip")

_IN_A_SURVEY = frozenset(("GP-050", "GP-052"))
"""Rules that wait for a survey: they cost more commands than a card in production has time for."""

_AS_A_STRANGER = frozenset(("GP-001", "GP-002", "GP-003", "GP-005", "GP-009", "GP-013", "GP-021"))
"""Rules for the last look at a sealed card; all others were applied before, and nothing followed but the seal."""


_RULES_OF = {Part.CHECK: frozenset(rule.id for rule in RULES) - _IN_A_SURVEY, Part.STRANGER: _AS_A_STRANGER}


class GpBlueprint:
    """One profile's GlobalPlatform card, planned once and used for every card of it.

    :param template: of the profile's block.  :param keystore, challenge, planned: of a blueprint at work.
    """

    number_kind = "cin"
    secrets: tuple[str, ...] = ()

    def __init__(
        self,
        scripts: Scripts,
        template: Template,
        keystore: KeyStore | None = None,
        challenge: Challenge | None = None,
        planned: tuple[Script, ...] = (),
    ) -> None:
        self.product: Product = scripts.product
        self._scripts = scripts
        self._template = template
        self._keystore = keystore
        self._challenge = challenge
        self._planned = planned
        self.states: tuple[State, ...] = scripts.states
        self.rules: tuple[Rule, ...] = (CHIP, *RULES)
        self.parts: Mapping[Part, tuple[Step, ...]] = scripts.parts
        self.survey = scripts.survey
        self.identify = scripts.identify
        self.rands = CHALLENGES if self.product.block.script else ()

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card, after a reset."""
        return self._scripts.repair(names)

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:  # noqa: ARG002
        """Return one card's contents.  :raises EncodingError: when a value is not as long as the profile says."""
        return fill(self.product, self._template, record)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key.

        :raises KeyStoreError: when one is missing, or does not give keys of the algorithm the profile says.
        """
        for keys in (self.product.delivered, *self.product.all_keys):
            keys.check(keystore)

    def scripts(
        self, contents: Mapping[str, Content], rands: Mapping[str, bytes], keystore: KeyStore
    ) -> tuple[Script, ...]:
        """Return the sessions that can be computed before the card is touched; none unless the profile asks for it."""
        return scripts_of(self._scripts, contents, rands, keystore) if self.rands else ()

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> GpBlueprint:
        """Return the blueprint at work."""
        return GpBlueprint(self._scripts, self._template, keystore, challenge, self._planned)

    def with_scripts(self, scripts: tuple[Script, ...]) -> GpBlueprint:
        """Return the blueprint whose session sends these."""
        return GpBlueprint(self._scripts, self._template, self._keystore, self._challenge, scripts)

    # On a card

    def session(
        self,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],  # noqa: ARG002  (no key of such a card is ever presented in clear)
    ) -> GpSession:
        """Return a session on a powered card."""
        return GpSession(self._scripts, contents, channel, self._keystore, self._challenge, self._planned)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file: such a card has none."""

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        keystore = None if part is Part.STRANGER else self._keystore
        picture = picture_of(self.product, seen, keystore)
        expected = expectation_of(self.product, contents, picture, keystore, sealed=part is not Part.CHECK)
        found = findings(picture, expected, rules=_RULES_OF[part] if part is not None else None)
        if seen.notes.get(ATR_FITS) is not True:
            found.append(CHIP.finding("ATR", "that of the chip model", "another"))
        return found


class GpApp:
    """The application as the registry knows it."""

    name = "gp"
    title = "security domain"
    part = dump.PART
    block = GpBlock
    chip_block = ChipBlock
    look = staticmethod(dump.look)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def public(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document: nothing a domain tells without a session is of a holder."""
        return {**document}

    def varying(self, blueprint: GpBlueprint) -> frozenset[str]:
        """Return the places of a dump in which good cards of a product differ."""
        return varying(blueprint.product)

    def files(self, block: GpBlock) -> tuple[str, ...]:
        """Return the names of the CAP files, and of the file with a pinned root."""
        roots = (block.certificate.root,) if block.certificate is not None else ()
        return (*(item.cap for item in block.load), *roots)

    def compile(
        self, block: BlockWithFiles[GpBlock], chip: ChipBlock, compile_template: CompileTemplate
    ) -> GpBlueprint:
        """Join a profile's ``[gp]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block.block, chip, block.contents)
        if product.block.script is not None:
            check_scriptable(product)
        return GpBlueprint(Scripts(product), compile_template(block.block, "gp"))


APP = GpApp()
