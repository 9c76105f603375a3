"""The engine: applies every rule to what a card showed, and says so where a rule could not be applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.rules.attributes import attributes
from cardkit.apps.uicc.rules.behaviour import Behaviour
from cardkit.apps.uicc.rules.concealment import CONCEALMENT
from cardkit.apps.uicc.rules.relations import RELATIONS, Ground, Relation
from cardkit.apps.uicc.rules.table import TABLE, file_rule
from cardkit.apps.uicc.states.product import MARKER_REMOVED, MARKER_STARTED, MARKER_VERIFIED, NUMBER, Product
from cardkit.apps.uicc.states.scripts import Proof
from cardkit.apps.uicc.states.targets import Target
from cardkit.desired import MARKER_GONE, MARKER_STANDS, NOT_CHECKED, Content, Finding, Observations, Part, Rule, Secrecy

RULES: tuple[Rule, ...] = tuple(TABLE.values())

FILE_NOT_FOUND, SECURITY_STATUS = 0x6A82, 0x6982
CACHE_ENTRIES = 4096
STRICTNESS = tuple(Secrecy)


def finding(rule: str, where: str, expected: str, actual: str, decoded: str = "") -> Finding:
    """Return a finding of a rule of the table, with the secrecy of its file."""
    return TABLE[rule].finding(where, expected, actual, decoded=decoded, secrecy=secrecy_of(where))


def secrecy_of(where: str) -> Secrecy:
    """Return the class of a file; one that the catalogue does not know is taken for secret.

    >>> [secrecy_of(where).value for where in ("ADF.USIM/EF.IMSI", "DF.VENDOR/EF.4F99", "ATR", "ADM1")]
    ['personal', 'secret', 'public', 'public']
    """
    spec = CATALOGUE.get(where.partition("#")[0])
    if spec is not None:
        return spec.secrecy
    return Secrecy.SECRET if "EF." in where else Secrecy.PUBLIC


class Judge:
    """The rules of one product.

    Relations are pure functions of file contents, so that results are kept: most contents repeat from card to card.
    """

    def __init__(self, product: Product, proofs: tuple[Proof, ...]) -> None:
        self._product = product
        self._copies = {copy.name: original for copy, original in product.copies}
        self._marker = product.marker.name
        self._number = tuple(target for target in product.read if target.name == NUMBER)
        self._behaviour = Behaviour(product, proofs, finding)
        known = {content.target.name for content in (*product.files, *product.expected)}
        self._relations = tuple(relation for relation in (*RELATIONS, *CONCEALMENT) if known.issuperset(relation.needs))
        chip_files = frozenset(product.chip.block.files)
        self._ground = Ground(
            product.block.network,
            chip_files,
            has_isim="ADF.ISIM" in product.chip.places,
            product_files=frozenset(known),
            test_keys="test-keys" in product.auth.accept,
        )
        self._kept: dict[tuple[object, ...], str | None] = {}

    def findings(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Return what is to be said about a card; empty where all rules of the part hold."""
        found: list[Finding] = []
        if part is Part.STRANGER:
            found += self._files(contents, seen, self._number)
        else:
            found += self._files(contents, seen, self._product.read)
            troubled = {entry.where for entry in found}
            found += self._related(seen, troubled)
            found += self._behaviour.keys(contents, seen)
            found += attributes(self._product, seen)
            found += self._behaviour.identity(seen)
            found += self._behaviour.pins(seen)
            found += self._behaviour.atr(seen)
        if part is Part.CHECK:
            found += self._marker_stands(contents, seen)
        else:
            found += self._marker_gone(seen)
            found += self._behaviour.adms(seen)
        return found

    # Contents

    def _files(
        self, contents: Mapping[str, Content], seen: Observations, targets: tuple[Target, ...]
    ) -> Iterator[Finding]:
        for target in targets:
            name = target.name
            body = seen.bodies.get(name)
            if body is None:
                yield self._unread(target, seen.words.get(name))
                continue
            original = self._copies.get(name)
            expected = contents[name] if original is None else seen.bodies.get(original, contents[name])
            if body != expected:
                assert isinstance(expected, bytes)
                yield self._differs(target, expected, body)

    def _unread(self, target: Target, sw: int | None) -> Finding:
        if sw is None or sw == SECURITY_STATUS:
            why = "not asked for" if sw is None else f"{sw:04X}, access is not open"
            return finding(self._rule(target), target.name, f"{target.size} bytes", f"{NOT_CHECKED}: {why}")
        actual = "no such file" if sw == FILE_NOT_FOUND else f"status {sw:04X}"
        return finding("UICC-020", target.name, f"{target.size} bytes", actual)

    def _rule(self, target: Target) -> str:
        original = self._copies.get(target.name)
        if original is None:
            return file_rule(target.name)
        return "UICC-005" if original.endswith("/EF.IMSI") else "UICC-027"

    def _differs(self, target: Target, expected: bytes, body: bytes) -> Finding:
        rule = "UICC-020" if len(body) != len(expected) else self._rule(target)
        spec = CATALOGUE.get(target.file)
        decoded = ""
        if spec is not None and spec.secrecy is not Secrecy.SECRET:
            decoded = f"{spec.decode(expected)} != {spec.decode(body)}"
        return finding(rule, target.name, expected.hex().upper(), body.hex().upper(), decoded)

    # Relations

    def _related(self, seen: Observations, troubled: set[str]) -> Iterator[Finding]:
        for relation in self._relations:
            hindrance = next((name for name in relation.needs if name in troubled or name not in seen.bodies), None)
            if hindrance is not None:
                why = f"{NOT_CHECKED}: {hindrance} is wrong or unread"
                yield finding(relation.rule, hindrance, TABLE[relation.rule].text, why)
                continue
            trouble = self._trouble(relation, seen)
            if trouble is not None:
                found = finding(relation.rule, relation.needs[0], TABLE[relation.rule].text, trouble)
                # It may quote any of the files it compares.
                yield replace(found, secrecy=max(map(secrecy_of, relation.needs), key=STRICTNESS.index))

    def _trouble(self, relation: Relation, seen: Observations) -> str | None:
        key = (relation.rule, relation.needs, *(seen.bodies[name] for name in relation.needs))
        if key not in self._kept:
            if len(self._kept) >= CACHE_ENTRIES:
                self._kept.clear()
            values = {name: CATALOGUE[name.partition("#")[0]].decode(seen.bodies[name]) for name in relation.needs}
            self._kept[key] = relation.test(values, self._ground)
        return self._kept[key]

    # The marker

    def _marker_stands(self, contents: Mapping[str, Content], seen: Observations) -> Iterator[Finding]:
        body = seen.bodies.get(self._marker)
        if body is None or body not in (contents[MARKER_STARTED], contents[MARKER_VERIFIED]):
            actual = "unreadable" if body is None else "another marker or none"
            yield finding(MARKER_STANDS.id, MARKER_STARTED, "this record's marker", actual)

    @staticmethod
    def _marker_gone(seen: Observations) -> Iterator[Finding]:
        sw = seen.notes.get(MARKER_REMOVED)
        if sw != FILE_NOT_FOUND:
            actual = f"{NOT_CHECKED}" if sw is None else f"status {sw:04X}"
            yield finding(MARKER_GONE.id, MARKER_REMOVED, f"{FILE_NOT_FOUND:04X}, no such file", actual)
