"""The UICC application: SIM, USIM and ISIM on one card."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import copy
from datetime import date
from itertools import islice
from typing import Any

from cardkit.apps.uicc import look, observing
from cardkit.apps.uicc.dump import tree_lines
from cardkit.apps.uicc.dumped import picture_of_dump
from cardkit.apps.uicc.rules.engine import RULES, Judge, findings
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.schema import ChipBlock, UiccBlock
from cardkit.apps.uicc.states.chip import Chip
from cardkit.apps.uicc.states.listing import states_of
from cardkit.apps.uicc.states.product import Product, build_product
from cardkit.apps.uicc.states.scripts import Scripts
from cardkit.apps.uicc.states.securing import SecuredSession, SecureLine
from cardkit.apps.uicc.states.session import UiccSession
from cardkit.apps.uicc.states.tracing import UiccFileClasses
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.desired import (
    ALIKE,
    DIFFERS,
    NOT_ALIKE,
    Challenge,
    CompileTemplate,
    Content,
    Finding,
    Observations,
    Part,
    Secrecy,
    State,
    Step,
)


class UiccBlueprint:
    """One profile's UICC, planned once.

    :param product: the profile's table joined with its chip.
    """

    number_kind = "iccid"

    def __init__(self, product: Product) -> None:
        self.product = product
        self._scripts = Scripts(product)
        self._judge = Judge(product, self._scripts)
        self.states: tuple[State, ...] = states_of(product)
        self.rules = RULES
        self.parts: Mapping[Part, tuple[Step, ...]] = self._scripts.parts
        self.survey = self._scripts.survey
        self.identify = self._scripts.identify()
        self.rands = tuple(rand for key in product.keys for rand in key.rands())
        self.secrets = tuple(dict.fromkeys([product.opener.name, *(adm.access.name for adm in product.adms)]))

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that write these files on a begun card, after a reset."""
        return self._scripts.repair(names)

    def fill(self, record: Mapping[str, Any], tag: bytes, rands: Mapping[str, bytes]) -> Mapping[str, Content]:
        """Return one card's contents by state name.

        :param tag: 16 bytes, the marker's.  :param rands: 16 bytes each, by the names of ``rands``.
        :raises EncodingError: when a value does not fit its file.
        """
        return {**self.product.contents(record, tag), **rands}

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> UiccSession:
        """Return a session on a powered card.

        :param transport: secrets as delivered, by name.
        """
        return UiccSession(self.product, self._scripts, contents, channel, transport)

    def file_classes(self) -> UiccFileClasses:
        """Return what knows, for one card's trace, which contents may be shown."""
        return UiccFileClasses(self.product.chip)

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        differs = seen.notes.get(DIFFERS, frozenset()) - _varying(self)
        golden = [ALIKE.finding(where, *NOT_ALIKE, secrecy=Secrecy.PUBLIC) for where in sorted(differs)]
        return [*self._judge.findings(contents, seen, part), *golden]


class StoringBlueprint(UiccBlueprint):
    """One whose cards get K and OPc by STORE DATA, under the issuer's keys."""

    _keys: tuple[KeyStore, Challenge] | None = None

    def check_keys(self, keystore: KeyStore) -> None:
        """Find the keys of the security domain.  :raises KeyStoreError: when one is missing, or of another kind."""
        assert self.product.store is not None  # :meth:`UiccApp.compile` made it
        self.product.store.keys.check(keystore)

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> StoringBlueprint:
        """Return the blueprint at work."""
        working = copy(self)
        working._keys = keystore, challenge
        return working

    def session(
        self, contents: Mapping[str, Content], channel: Channel, transport: Mapping[str, Secret]
    ) -> UiccSession:
        """Return a session on a powered card."""
        line = None if self._keys is None else SecureLine(self.product, contents, channel, *self._keys)
        return SecuredSession(self.product, self._scripts, contents, channel, transport, line)


def _varying(blueprint: UiccBlueprint) -> frozenset[str]:
    states = {state.name.partition("#")[0] for state in blueprint.states if state.varies}
    return frozenset(states | {step.serves for step in blueprint.identify})


class UiccApp:
    """The application as the registry knows it."""

    name = "uicc"
    title = "file tree"
    part = look.PART
    rules = RULES
    block = UiccBlock
    chip_block = ChipBlock
    public = staticmethod(look.public)
    places = staticmethod(look.places)

    def look(self, channel: Channel, today: date) -> dict[str, Any]:  # noqa: ARG002  (no file has a date of one year)
        """Return class and directories of a card.  :raises ProtocolError: when it has no file tree."""
        return look.look(channel)

    def observe(self, channel: Channel, document: Mapping[str, Any], *, toolkit: bool) -> dict[str, Any]:
        """Return counters and behaviour, which no file shows.  :raises TransportError: when the link fails."""
        return observing.observe(channel, document, toolkit=toolkit)

    def check(self, document: Mapping[str, Any], printed: str) -> list[Finding]:
        """Apply the rules to a dump.  :raises EncodingError: when it is none."""
        return findings(picture_of_dump(document), Expectation(printed=printed))

    def lines(self, document: Mapping[str, Any]) -> Iterator[str]:
        """Yield the directories as an indented tree."""
        return islice(tree_lines({**document}), 1, None)

    def varying(self, blueprint: UiccBlueprint) -> frozenset[str]:
        """Return the files whose contents differ from card to card."""
        return _varying(blueprint)

    def compile(self, block: UiccBlock, chip: ChipBlock, compile_template: CompileTemplate) -> UiccBlueprint:
        """Join a profile's ``[uicc]`` with its chip's and plan every command.

        :raises ProfileError: when the block asks for what this chip cannot do.
        :raises EncodingError: when a fixed value does not fit its file.
        """
        product = build_product(block, Chip.from_block(chip, block.build), compile_template)
        return UiccBlueprint(product) if product.store is None else StoringBlueprint(product)


APP = UiccApp()
