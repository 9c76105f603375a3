"""Travel documents as cardkit sees them: the application in the registry, and its blueprint of one product."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.driver import contents_of, select_file
from cardkit.apps.emrtd.lds import FILES, LDS1_AID
from cardkit.apps.emrtd.prepare.document import document_of, prepare_document
from cardkit.apps.emrtd.rules.table import RULES as TABLE
from cardkit.apps.emrtd.schema import ChipBlock, EmrtdBlock
from cardkit.apps.emrtd.states.judging import RULES, judge
from cardkit.apps.emrtd.states.plan import DocumentPlan, plan_document
from cardkit.apps.emrtd.states.product import DocumentProduct, build_product, file_names
from cardkit.apps.emrtd.states.session import DocumentSession
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
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
from cardkit.errors import ProfileError


class EmrtdBlueprint:
    """One profile's travel document, compiled once; :meth:`for_card` gives the one of a card.

    :param template: of the profile's block.  :param plan: of one card, None before it is known.
    :param keystore, challenge: of a blueprint at work.
    """

    number_kind = "document_number"
    secrets: tuple[str, ...] = ()
    rands: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = RULES

    def __init__(
        self,
        product: DocumentProduct,
        template: Template,
        plan: DocumentPlan | None = None,
        keystore: KeyStore | None = None,
        challenge: Challenge | None = None,
    ) -> None:
        self.product = product
        self._template = template
        self._plan = plan
        self._keystore = keystore
        self._challenge = challenge
        self.identify = product.driver.identify
        self.states: tuple[State, ...] = plan.states if plan else ()
        self.survey: tuple[Step, ...] = plan.survey if plan else ()
        empty: dict[Part, tuple[Step, ...]] = dict.fromkeys(Part, ())
        self.parts: Mapping[Part, tuple[Step, ...]] = plan.parts if plan else {**empty, Part.FENCE: self.identify}

    # Before there is a card

    def prepare(self, record: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]) -> dict[str, Secret]:
        """Prepare one card: its keys, its signed security object."""
        product = self.product
        return prepare_document(product.block, self._template.resolve(record), product.attached, keystore, rng)

    def for_card(self, record: Mapping[str, Any], values: Mapping[str, Secret]) -> EmrtdBlueprint:
        """Return the blueprint of one card."""
        product = self.product
        document = document_of(product.block, self._template.resolve(record), product.attached, values)
        return EmrtdBlueprint(product, self._template, plan_document(product, document))

    def printed(
        self,
        record: Mapping[str, Any],
        values: Mapping[str, Secret],
        keystore: KeyStore,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Return what is printed besides the order's own columns: the lines of the machine readable zone."""
        document = document_of(self.product.block, self._template.resolve(record), self.product.attached, values)
        return tuple(f"MRZ{number}={line}" for number, line in enumerate(document.mrz.lines, 1))

    def repair(self, names: Collection[str]) -> tuple[Step, ...]:
        """Return the commands that make these states true on a begun card."""
        return self.product.driver.make(self._made().document, names)

    def fill(
        self,
        record: Mapping[str, Any],  # noqa: ARG002
        tag: bytes,  # noqa: ARG002
        rands: Mapping[str, bytes],  # noqa: ARG002
    ) -> Mapping[str, Content]:
        """Return one card's contents.  :raises ProfileError: when this is no blueprint of one card."""
        return contents_of(self.product.driver, self._made().document)

    def _made(self) -> DocumentPlan:
        if self._plan is None:
            raise ProfileError("a travel document has no contents before it is prepared")
        return self._plan

    # Beside other applications

    @property
    def aids(self) -> frozenset[bytes]:
        """The application of travel documents."""
        return frozenset((LDS1_AID,))

    @property
    def key_references(self) -> frozenset[str]:
        """The transport keys and the terminal's; the signer's is not among them: a station needs none."""
        terminals, transport = self.product.block.terminal_authentication, self.product.transport
        found = {terminals.terminal.key} if terminals is not None and terminals.terminal is not None else set()
        if transport is not None:
            found |= {transport.keys.enc, transport.keys.mac, transport.keys.dek}
        return frozenset(found)

    @property
    def own_questions(self) -> tuple[CommandAPDU, ...]:
        """SELECT of EF.COM, in the directory of documents and nowhere else."""
        return (select_file(FILES["EF.COM"].fid),)

    # Under keys

    def check_keys(self, keystore: KeyStore) -> None:
        """Find the transport keys, and the terminal's; the signer's is not asked for: a station needs none.

        :raises KeyStoreError: when one is missing.
        """
        for reference in sorted(self.key_references):
            keystore.find(reference)

    def with_keys(self, keystore: KeyStore, challenge: Challenge) -> EmrtdBlueprint:
        """Return the blueprint at work."""
        return EmrtdBlueprint(self.product, self._template, self._plan, keystore, challenge)

    # On a card

    def session(
        self,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],  # noqa: ARG002
    ) -> DocumentSession:
        """Return a session on a powered card."""
        return DocumentSession(self.product, self._plan, contents, channel, self._keystore, self._challenge)

    def file_classes(self) -> None:
        """Let a trace show the contents of no file: they are a person's."""

    def judge(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:  # noqa: ARG002
        """Apply the rules to what a card showed.

        :param part: CHECK before sealing, STRANGER after it, None for a survey.
        """
        return judge(self._made(), seen, part)


class EmrtdApp:
    """The application as the registry knows it."""

    name = "emrtd"
    block = EmrtdBlock
    chip_block = ChipBlock
    rules = tuple(TABLE.values())

    def files(self, block: EmrtdBlock) -> tuple[str, ...]:
        """Return the names of the signer's certificate and of images."""
        return file_names(block)

    def compile(
        self, block: BlockWithFiles[EmrtdBlock], chip: ChipBlock, compile_template: CompileTemplate
    ) -> EmrtdBlueprint:
        """Join a profile's ``[emrtd]`` with its chip's.

        :raises ProfileError: when the block asks for what this chip cannot do.
        """
        return EmrtdBlueprint(build_product(block.block, chip, block.contents), compile_template(block.block, "emrtd"))


APP = EmrtdApp()
