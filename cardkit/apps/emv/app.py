"""Payment cards as cardkit sees them: the application in the registry, and its blueprint of one product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.emv import dump
from cardkit.apps.emv.cps import stored_remark
from cardkit.apps.emv.prepare.card import holder_in, prepare_card
from cardkit.apps.emv.prepare.groupings import from_values, to_values
from cardkit.apps.emv.prepare.issuer import file_names
from cardkit.apps.emv.prepare.printing import printed_card
from cardkit.apps.emv.prepare.tracks import tracks_of
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.rules.ordered import expectation_of
from cardkit.apps.emv.rules.table import SHEET
from cardkit.apps.emv.schema import ChipBlock, EmvBlock
from cardkit.apps.emv.states.filling import contents_of, with_data
from cardkit.apps.emv.states.judging import RULES, SHOWN, judge
from cardkit.apps.emv.states.plan import CardPlan, plan_card
from cardkit.apps.emv.states.product import PaymentProduct, build_product
from cardkit.apps.emv.states.session import PaymentSession
from cardkit.apps.emv.states.validating import validated
from cardkit.apps.gp.app import APP as GP_APP
from cardkit.apps.gp.app import GpBlueprint
from cardkit.apps.gp.discovery import DataTag, get_data
from cardkit.apps.gp.states.scripts import Scripts
from cardkit.apps.gp.states.varying import varying as gp_varying
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.pinblock import PinFormat
from cardkit.desired import (
    BlockWithFiles,
    Challenge,
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    State,
    Step,
    Template,
)
from cardkit.errors import AuthenticationError, EncodingError, ProfileError, ProtocolError


@dataclass(frozen=True, slots=True)
class Common:
    """What all cards of a product share.

    :param template: of the profile's block.  :param gp_template: of the card below.
    :param gp: that card, its applications without data.
    """

    product: PaymentProduct
    template: Template
    gp_template: Template
    gp: GpBlueprint


class EmvBlueprint:
    """One profile's payment card, compiled once; :meth:`for_card` gives the one of a card.

    :param gp: the card it stands on, with the data of one card where it is known.
    :param card: what one card shows, None before it is known.  :param keystore, challenge: of a blueprint at work.
    """

    number_kind = "pan"
    secrets: tuple[str, ...] = ()

    def __init__(
        self,
        common: Common,
        gp: GpBlueprint,
        card: CardPlan | None = None,
        keystore: KeyStore | None = None,
        challenge: Challenge | None = None,
    ) -> None:
        self.product = common.product
        self._common = common
        self._gp = gp
        self._card = card
        self._keystore = keystore
        self._challenge = challenge
        looks = card.steps if card else ()
        self.states: tuple[State, ...] = (*gp.states, *(card.states if card else ()))
        self.rules: tuple[Rule, ...] = (*gp.rules, *RULES)
        self.parts: Mapping[Part, tuple[Step, ...]] = {
            part: (*steps, *looks) if part is Part.CHECK else steps for part, steps in gp.parts.items()
        }
        self.survey: tuple[Step, ...] = (*gp.survey, *looks)
        self.identify = gp.identify
        self.rands = gp.rands

    @property
    def remarks(self) -> Mapping[str, str]:
        """How many STORE DATA commands are planned, and the fewest there can be."""
        return {"STORE DATA": stored_remark(self._gp.product, self.parts[Part.WRITE])} if self._card else {}

    # Before there is a card

    def prepare(self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]) -> dict[str, Secret]:
        """Prepare one card: its RSA keys, certificates, records, groupings."""
        return to_values(prepare_card(self.product, self._common.template.resolve(record), keystore, rng))

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> EmvBlueprint:
        """Return the blueprint of one card."""
        holder = holder_in(self.product, self._common.template.resolve(record))
        data = from_values(values, self.product.aids)
        try:
            scripts = Scripts(with_data(self.product, holder, data))
            card = plan_card(self.product, holder, data)
        except (EncodingError, AuthenticationError, ProtocolError) as error:
            raise ProfileError(f"prepared values are not of this record: {error}") from None
        return EmvBlueprint(self._common, GpBlueprint(scripts, self._common.gp_template), card)

    def expectation(
        self, today: date, record: Mapping[str, Any] | None = None, keystore: KeyStore | None = None
    ) -> Expectation:
        """Return what the verification rules expect of a card, or of any card of this product.

        :param record: of the order, None where it is not known.  :param keystore: None where no key is to be used.
        :raises KeyStoreError: when a key is missing.
        """
        holder = None if record is None else holder_in(self.product, self._common.template.resolve(record))
        return expectation_of(self.product, today, keystore, holder)

    def printed(self, record: Mapping[str, Any], values: Mapping[str, Secret], keystore: KeyStore) -> tuple[str, ...]:
        """Return what the printer gets: named fields, stripe, and the clear groupings of the chip."""
        holder = holder_in(self.product, self._common.template.resolve(record))
        tracks = tracks_of(self.product.block.tracks, holder, keystore)
        return tuple(printed_card(holder, tracks, from_values(values, self.product.aids).values()))

    def mailed(self, record: Mapping[str, Any], keystore: KeyStore, key: str) -> tuple[str, ...]:
        """Return the holder's name, the last digits of the PAN, and the PIN in a block of format 1 under a key."""
        holder = holder_in(self.product, self._common.template.resolve(record))
        if holder.pin is None:
            raise EncodingError("emv.holder.pin: the record has no PIN to mail")
        block = keystore.translate_pin(holder.pin, key, PinFormat.ISO_1, holder.pan)
        return (f"NAME={holder.name}", f"LAST4={holder.pan[-4:]}", f"PINBLOCK={block.hex().upper()}")

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card; a torn application is made anew."""
        return self._gp.repair(names)

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:
        """Return one card's contents.

        :raises ProfileError: when this is no blueprint of one card.
        """
        if self._card is None:
            raise ProfileError("a payment card has no contents before it is prepared")
        card = self._card
        below = self._common.gp.fill(record, tag, rands)
        return {**below, **dict(contents_of(self.product, card.holder, card.data))}

    # Beside other applications

    @property
    def aids(self) -> frozenset[bytes]:
        """The directories and applications."""
        return frozenset(self.product.aids)

    @property
    def key_references(self) -> frozenset[str]:
        """The issuer's master keys; its key for certificates is not among them: a station needs none."""
        sets = (item.keys for item in self.product.block.applications)
        masters = (key for keys in sets for key in (keys.ac, keys.smi, keys.smc, keys.idn, keys.cvc3))
        return frozenset(filter(None, masters))

    @property
    def own_questions(self) -> tuple[CommandAPDU, ...]:
        """GET DATA of the life cycle data, by the platform."""
        return (get_data(DataTag.CPLC),)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key.

        The issuer's own is not asked for: a station needs none.

        :raises KeyStoreError: when one is missing.
        """
        self._gp.check_keys(keystore)
        if self.product.block.holder.pin_key:
            keystore.find(self.product.block.holder.pin_key)
        for reference in sorted(self.key_references):
            keystore.find(reference)

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> EmvBlueprint:
        """Return the blueprint at work."""
        gp = self._gp.with_keys(keystore, challenge)
        return EmvBlueprint(self._common, gp, self._card, keystore, challenge)

    # On a card

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> PaymentSession:
        """Return a session on a powered card."""
        return PaymentSession(
            self.product, self._card, self._gp.session(contents, channel, transport), channel, self._challenge
        )

    def file_classes(self) -> None:
        """Let a trace show the contents of no file: such a card has none."""

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        found = self._gp.judge(contents, seen, part)
        if self._card is not None and part is not Part.STRANGER:
            found += judge(self._card, seen, self._keystore)
        if self._card is not None and part is None:
            found += validated(self.product, self._card, seen, self._keystore)
        return found


class EmvApp:
    """The application as the registry knows it."""

    name = "emv"
    title = "payment application"
    part = dump.PART
    block = EmvBlock
    chip_block = ChipBlock
    rules = (SHOWN, *SHEET)
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: EmvBlueprint) -> frozenset[str]:
        """Return the places of a dump in which good cards of a product differ, those of the card below included."""
        product = blueprint.product
        return dump.varying(product.aids) | gp_varying(product.gp)

    def files(self, block: EmvBlock) -> tuple[str, ...]:
        """Return the names of the issuer's files, and of those of the card below."""
        return (*file_names(block.issuer), *GP_APP.files(block.gp))

    def compile(
        self, block: BlockWithFiles[EmvBlock], chip: ChipBlock, compile_template: CompileTemplate
    ) -> EmvBlueprint:
        """Join a profile's ``[emv]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block.block, chip, block.contents)
        gp_template = compile_template(product.gp.block, "emv.gp")
        gp = GpBlueprint(Scripts(product.gp), gp_template)
        return EmvBlueprint(Common(product, compile_template(block.block, "emv"), gp_template, gp), gp)


APP = EmvApp()
