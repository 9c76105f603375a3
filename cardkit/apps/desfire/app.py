"""DESFire cards as cardkit sees them: the application in the registry, its blueprint of one product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cardkit.apps.desfire import dump
from cardkit.apps.desfire.rules.table import RULES
from cardkit.apps.desfire.schema import ChipBlock, DesfireBlock
from cardkit.apps.desfire.settings import FileType, ValueBody
from cardkit.apps.desfire.states.contents import encode_fields
from cardkit.apps.desfire.states.judging import judge
from cardkit.apps.desfire.states.keyring import PICC_KEY
from cardkit.apps.desfire.states.plan import DesfirePlan, plan_product
from cardkit.apps.desfire.states.product import ALGORITHMS, DesfireProduct, FileSpec, build_product
from cardkit.apps.desfire.states.session import DesfireSession
from cardkit.apps.planned import PlannedBlueprint
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import Scheme
from cardkit.crypto.key import Usage
from cardkit.desired import (
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Step,
)
from cardkit.errors import EncodingError, KeyStoreError

_DERIVING = (Usage.MASTER_DERIVE, Usage.SECURE_CHANNEL)
_PLAIN = (Usage.CARD_KEY, Usage.SECURE_CHANNEL)


class DesfireBlueprint(PlannedBlueprint[DesfireProduct, DesfirePlan, None]):
    """One profile's card, compiled once."""

    secrets: tuple[str, ...] = (PICC_KEY,)
    rules: tuple[Rule, ...] = RULES

    @property
    def number_kind(self) -> str:
        """Kind of the number that people know the card by: the profile's, or the UID."""
        number = self.product.block.number
        return number.kind if number else "uid"

    # Before there is a card

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make a begun card anew; none where nothing is wrong with it."""
        return self._plan.repair if names else ()

    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        """Return contents by state; a UID in them is zeros until the card is known."""
        contents: dict[str, Content] = {}
        for app, block in zip(self.product.apps, values["apps"], strict=True):
            for file, written in zip(app.files, block["files"], strict=True):
                contents[app.file_state(file.number)] = _content(app.file_state(file.number), file, written)
        return contents

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key.  :raises KeyStoreError: when one is missing, of another kind, or for another purpose."""
        for key in self.product.all_keys():
            found = keystore.find(key.reference)
            if found.algorithm != ALGORITHMS[key.kind]:
                raise KeyStoreError(f"key {key.reference}: {found.algorithm}, expected {ALGORITHMS[key.kind]}")
            allowed = _PLAIN if key.scheme is Scheme.NONE else _DERIVING
            if found.usage not in allowed:
                raise KeyStoreError(f"key {key.reference}: usage {found.usage}, expected {' or '.join(allowed)}")

    # On a card

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> DesfireSession:
        """Return a session on a powered card."""
        return DesfireSession(self.product, self._plan, contents, channel, transport, self._keys)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        return judge(self.product, self._plan, contents, seen, part)


def _content(state: str, file: FileSpec, values: Mapping[str, Any]) -> bytes:
    body = file.settings.body
    if isinstance(body, ValueBody):
        try:
            value = int(values["value"])
        except ValueError:
            raise EncodingError(f"{state}: value is no number") from None
        if not body.lower <= value <= body.upper:
            raise EncodingError(f"{state}: value {value}, expected {body.lower} to {body.upper}")
        return value.to_bytes(4, "little", signed=True)
    if file.settings.type is FileType.TRANSACTION_MAC:
        return b""
    fields = encode_fields(state, file.fields, values["fields"])
    return fields.ljust(file.size, bytes((file.fill,)))


class DesfireApp:
    """The application as the registry knows it."""

    name = "desfire"
    title = "DESFire"
    part = dump.PART
    block = DesfireBlock
    chip_block = ChipBlock
    rules: tuple[Rule, ...] = RULES
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: DesfireBlueprint) -> frozenset[str]:
        """Return the places of a dump in which good cards of a product differ."""
        apps = blueprint.product.apps
        return dump.varying({app.title: tuple(file.number for file in app.files if file.initial) for app in apps})

    def compile(self, block: DesfireBlock, chip: ChipBlock, compile_template: CompileTemplate) -> DesfireBlueprint:
        """Join a profile's ``[desfire]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block, chip)
        return DesfireBlueprint(product, compile_template(block, "desfire"), plan_product(product))


APP = DesfireApp()
