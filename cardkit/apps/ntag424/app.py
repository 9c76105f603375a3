"""NTAG 424 DNA as cardkit sees it: the application in the registry, its blueprint of one product."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cardkit.apps.ntag424 import dump
from cardkit.apps.ntag424.plan import TEXT, NtagPlan, plan_product
from cardkit.apps.ntag424.product import NtagProduct, build_product
from cardkit.apps.ntag424.rules import RULES, judge
from cardkit.apps.ntag424.schema import ChipBlock, NtagBlock
from cardkit.apps.ntag424.session import TagSession
from cardkit.apps.ntag424.text import Mirror, mirror_of
from cardkit.apps.planned import PlannedBlueprint, check_aes
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.secret import joined
from cardkit.desired import CompileTemplate, Content, Finding, Observations, Part, Rule, Step
from cardkit.errors import EncodingError


class NtagBlueprint(PlannedBlueprint[NtagProduct, NtagPlan, None]):
    """One profile's tag, compiled once."""

    number_kind = "uid"
    rules: tuple[Rule, ...] = RULES

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make a begun tag anew; none where nothing is wrong with it."""
        return self._plan.repair if names else ()

    def _contents(self, values: Mapping[str, Any]) -> Mapping[str, Content]:
        url = str(values["ndef"]["url"])
        size = len(mirror_of(url).file)
        if size > self.product.size:
            raise EncodingError(f"ntag424.ndef.url: {size} bytes, expected {self.product.size} or fewer")
        return {TEXT: url.encode("ascii")}

    def check_keys(self, keystore: KeyStore) -> None:
        """Find every key.  :raises KeyStoreError: when one is missing, or none for AES-128."""
        check_aes(keystore, {key.reference for key in self.product.keys})

    def session(
        self,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],  # noqa: ARG002
    ) -> TagSession:
        """Return a session on a powered tag."""
        return TagSession(self.product, self._plan, _mirror(contents), channel, self._keys)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a tag showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        return judge(self.product, _mirror(contents), seen, part)


def _mirror(contents: Mapping[str, Content]) -> Mirror | None:
    """Return the URL of one tag; None where it is only identified."""
    return mirror_of(joined(contents[TEXT]).decode("ascii")) if TEXT in contents else None


class NtagApp:
    """The application as the registry knows it."""

    name = "ntag424"
    title = "NTAG 424 DNA"
    part = dump.PART
    block = NtagBlock
    chip_block = ChipBlock
    rules = RULES
    look = staticmethod(dump.look)
    public = staticmethod(dump.public)
    lines = staticmethod(dump.lines)
    places = staticmethod(dump.places)

    def varying(self, blueprint: NtagBlueprint) -> frozenset[str]:  # noqa: ARG002
        """Return the places of a dump in which good tags differ."""
        return dump.varying()

    def compile(self, block: NtagBlock, chip: ChipBlock, compile_template: CompileTemplate) -> NtagBlueprint:
        """Join a profile's ``[ntag424]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        product = build_product(block, chip)
        return NtagBlueprint(product, compile_template(block, "ntag424"), plan_product(product))


APP = NtagApp()
