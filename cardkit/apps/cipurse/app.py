"""CIPURSE transport cards as cardkit sees them: the application in the registry, its blueprint of one product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import dump
from cardkit.apps.cipurse.commands import read_file_attributes
from cardkit.apps.cipurse.rules.case import Case
from cardkit.apps.cipurse.rules.engine import findings
from cardkit.apps.cipurse.rules.table import RULES
from cardkit.apps.cipurse.schema import ChipBlock, CipurseBlock
from cardkit.apps.cipurse.states.contents import UID, bound, fill
from cardkit.apps.cipurse.states.plan import CipursePlan, plan_product, repair
from cardkit.apps.cipurse.states.product import CipurseProduct, build_product
from cardkit.apps.cipurse.states.seen import NOTE, SeenTransit
from cardkit.apps.cipurse.states.session import TransitSession
from cardkit.apps.planned import PlannedBlueprint, check_aes
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.secret import joined
from cardkit.desired import (
    ATR_FITS,
    REPEATED,
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Step,
)


class CipurseBlueprint(PlannedBlueprint[CipurseProduct, CipursePlan, None]):
    """One profile's card, compiled once."""

    number_kind = "uid"
    rules: tuple[Rule, ...] = RULES

    # Before there is a card

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card."""
        return repair(self.product, names)

    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        return fill(self.product, values)

    # Beside other applications

    @property
    def aids(self) -> frozenset[bytes]:
        """Applications, and the lists of them."""
        lists = (one.new.aid for one in self.product.lists)
        return frozenset((*lists, *(one.new.aid for one in self.product.applications if one.new is not None)))

    @property
    def key_references(self) -> frozenset[str]:
        """The master keys of the MF and of every application."""
        return frozenset(key.reference for key in self.product.keys)

    @property
    def own_questions(self) -> tuple[CommandAPDU, ...]:
        """READ FILE ATTRIBUTES of whatever is current."""
        return (read_file_attributes(),)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key.  :raises KeyStoreError: when one is missing, or none for AES-128."""
        check_aes(keystore, self.key_references | {self.product.delivered.reference})

    # On a card

    def session(
        self,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],  # noqa: ARG002
    ) -> TransitSession:
        """Return a session on a powered card."""
        return TransitSession(self.product, self._plan, contents, channel, self._keys)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        notes: SeenTransit = seen.notes[NOTE]
        files = {file.contents: file for app in self.product.applications for file in app.files}
        case = Case(
            product=self.product,
            order={name: bound(file, joined(contents[name]), notes.uid) for name, file in files.items()},
            uid=joined(contents[UID]),
            seen=notes,
            bodies=seen.bodies,
            words=seen.words,
            questions=self._plan.questions[part],
            sealed=part is not Part.CHECK,
            whole=part is None,
            repeated=seen.notes.get(REPEATED),
            atr_fits=seen.notes.get(ATR_FITS),
        )
        return findings(case)


class CipurseApp:
    """The application as the registry knows it."""

    name = "cipurse"
    title = "CIPURSE card"
    part = dump.PART
    block = CipurseBlock
    chip_block = ChipBlock
    rules = RULES
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: CipurseBlueprint) -> frozenset[str]:
        """Return the places of a dump in which good cards of a product differ."""
        return dump.varying(blueprint.product)

    def compile(self, block: CipurseBlock, chip: ChipBlock, compile_template: CompileTemplate) -> CipurseBlueprint:
        """Join a profile's ``[cipurse]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block, chip)
        return CipurseBlueprint(product, compile_template(block, "cipurse"), plan_product(product))


APP = CipurseApp()
