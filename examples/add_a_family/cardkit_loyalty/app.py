"""Loyalty cards as cardkit sees them: the application in the registry, and its blueprint of one product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.marker import VERSION, MarkerState
from cardkit.desired import App, CompileTemplate, Content, Finding, Observations, Part, Step, Template
from cardkit.encoding.digits import encode_bcd
from cardkit.errors import EncodingError, ProfileError

from .rules import RULES, judge
from .schema import ChipBlock, LoyaltyBlock
from .session import LoyaltySession
from .states import ISSUER, MEMBER, POINTS, STARTED, Scripts, states_of


class LoyaltyBlueprint:
    """One profile's loyalty card, planned once and used for every card of it.

    :param template: of the profile's block.
    """

    number_kind = "member"
    rules = RULES
    rands: tuple[str, ...] = ()
    secrets = (ISSUER,)

    def __init__(self, chip: ChipBlock, template: Template) -> None:
        self._files = chip.files
        self._template = template
        self._scripts = Scripts(chip)
        self.states = states_of(chip)
        self.parts: Mapping[Part, tuple[Step, ...]] = self._scripts.parts
        self.survey = self._scripts.survey
        self.identify = self._scripts.identify

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that write these files on a begun card, after a reset."""
        return self._scripts.repair(names)

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:  # noqa: ARG002
        """Return one card's contents by state name.  :raises EncodingError: when the member number does not fit."""
        values = self._template.resolve(record)
        try:
            member = encode_bcd(values["member"], self._files["MEMBER"].size)
        except EncodingError as error:
            raise EncodingError(f"{MEMBER}: {error}") from None
        return {
            MEMBER: member,
            POINTS: values["points"].to_bytes(self._files["POINTS"].size),
            STARTED: bytes((VERSION, MarkerState.STARTED)) + tag,
        }

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> LoyaltySession:
        """Return a session on a powered card."""
        return LoyaltySession(self._scripts, contents, channel, transport)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file."""

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed."""
        return judge(contents, seen, part)


class LoyaltyApp:
    """The application as the registry knows it."""

    name = "loyalty"
    block = LoyaltyBlock
    chip_block = ChipBlock

    def compile(self, block: LoyaltyBlock, chip: ChipBlock, compile_template: CompileTemplate) -> LoyaltyBlueprint:
        """Plan every command of a product.

        :raises ProfileError: when the balance does not fit this chip's file.
        """
        size = chip.files["POINTS"].size
        if block.points >= 1 << 8 * size:
            raise ProfileError(f"loyalty.points: got {block.points}, expected what fits {size} bytes")
        return LoyaltyBlueprint(chip, compile_template(block, "loyalty"))


APP: App = LoyaltyApp()
