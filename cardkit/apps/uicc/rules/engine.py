"""The engine: applies every rule to what a card showed, and says so where a rule could not be applied.

:func:`findings` applies them all to a picture, whoever took it. :class:`Judge` is one product's: in production it
applies those that what production reads anyway can answer, and keeps what relations between files gave before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules import (
    access,
    blank,
    codes,
    concealment,
    contents,
    identity,
    networks,
    platform,
    proofs,
    relations,
    services,
    structure,
    subscriber,
)
from cardkit.apps.uicc.rules.attributes import MADE_CHECK
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, hindrance, is_absent, unknown
from cardkit.apps.uicc.rules.expectation import Expectation, Ground, ground_of
from cardkit.apps.uicc.rules.table import FILES_WITH_RULES, TABLE, file_rule
from cardkit.apps.uicc.states.product import MARKER_REMOVED, MARKER_STARTED, MARKER_VERIFIED, Product
from cardkit.apps.uicc.states.scripts import Scripts
from cardkit.apps.uicc.states.seeing import picture_of
from cardkit.desired import (
    MARKER_GONE,
    MARKER_STANDS,
    NOT_CHECKED,
    Content,
    Finding,
    Observations,
    Part,
    Rule,
    Secrecy,
    Severity,
)

RULES: tuple[Rule, ...] = tuple(TABLE.values())

PRODUCTION_CHECKS = (
    *proofs.KEY_CHECKS, MADE_CHECK, structure.IDLE_CHECK, concealment.IDENTITY_CHECK, *codes.PIN_CHECKS,
    platform.ATR_CHECK,
)  # fmt: skip
CHECKS: tuple[Check, ...] = (
    *PRODUCTION_CHECKS,
    proofs.KC_CHECK,
    *codes.ADM_CHECKS,
    *(check for module in (access, blank, codes, concealment, contents, identity, networks, platform, proofs,
                           services, structure, subscriber) for check in module.CHECKS),
)  # fmt: skip
RELATIONS: tuple[Relation, ...] = (
    *relations.RELATIONS, *concealment.CONCEALMENT, *blank.RELATIONS, *networks.RELATIONS, *platform.RELATIONS,
    *subscriber.RELATIONS,
)  # fmt: skip

# Rules that only compare with what profile and record say, and those that can say something without a profile.
_COMPARING = frozenset(("UICC-030", *map(file_rule, FILES_WITH_RULES))).difference(
    (check.rule for check in CHECKS), (relation.rule for relation in RELATIONS)
)
_WITHOUT_PROFILE = frozenset(relation.rule for relation in RELATIONS) | {
    check.rule for check in CHECKS if not check.profile
}
NO_PROFILE = "without a profile nobody can tell"

FILE_NOT_FOUND = 0x6A82
CACHE_ENTRIES = 4096
STRICTNESS = tuple(Secrecy)


def finding(rule: str, trouble: Trouble) -> Finding:
    """Return a finding of a rule of the table, with the secrecy of its file unless the trouble says another."""
    expected = trouble.expected or TABLE[rule].text
    unseen = trouble.actual.startswith(NOT_CHECKED) and trouble.by_design
    secrecy = trouble.secrecy or (Secrecy.PUBLIC if unseen else secrecy_of(trouble.where))
    found = TABLE[rule].finding(trouble.where, expected, trouble.actual, decoded=trouble.decoded, secrecy=secrecy)
    if unseen or trouble.mild:
        return replace(found, severity=Severity.INFO if unseen else Severity.WARNING)
    return found


def secrecy_of(where: str) -> Secrecy:
    """Return the class of a file; one that the catalogue does not know is taken for secret.

    >>> [secrecy_of(where).value for where in ("ADF.USIM/EF.IMSI", "DF.VENDOR/EF.4F99", "ATR", "ADM1")]
    ['personal', 'secret', 'public', 'public']
    """
    spec = CATALOGUE.get(where.partition("#")[0])
    if spec is not None:
        return spec.secrecy
    return Secrecy.SECRET if "EF." in where else Secrecy.PUBLIC


def findings(picture: CardPicture, expected: Expectation, *, rules: Collection[str] | None = None) -> list[Finding]:
    """Return what all rules say of a card; a faultless one has no finding but those that say "not checked".

    :param rules: numbers of the rules to apply; None for all.
    """
    troubles = [item for item in _troubles(picture, expected) if rules is None or item[0] in rules]
    return [finding(rule, trouble) for rule, trouble in _merged(troubles)]


def _troubles(picture: CardPicture, expected: Expectation) -> Iterator[tuple[str, Trouble]]:
    compared = list(contents.compared(picture, expected))
    yield from compared
    ruled = set(map(file_rule, expected.files))
    why = NO_PROFILE if expected.product is None else "the profile fills no such file"
    yield from ((rule, unknown("profile", why)) for rule in sorted(_COMPARING - ruled))
    ground = ground_of(picture, expected, structure.idle_files(picture))
    troubled = {trouble.where for _, trouble in compared}
    for relation in RELATIONS:
        yield from ((relation.rule, trouble) for trouble in _related(relation, picture, ground, troubled))
    for check in CHECKS:
        yield from ((check.rule, trouble) for trouble in _applied(check, picture, expected))


def _merged(troubles: Iterable[tuple[str, Trouble]]) -> Iterator[tuple[str, Trouble]]:
    """Say each thing once: one trouble of a rule at a place, and one line for all the places nobody saw."""
    said: dict[tuple[str, str], Trouble] = {}
    unseen: dict[tuple[str, str], list[Trouble]] = {}
    for rule, trouble in troubles:
        if trouble.actual.startswith(NOT_CHECKED):
            unseen.setdefault((rule, trouble.actual), []).append(trouble)
        else:
            said.setdefault((rule, trouble.where), trouble)
    for (rule, _), trouble in said.items():
        yield rule, trouble
    for (rule, actual), same in unseen.items():
        others = len({trouble.where for trouble in same}) - 1
        more = f", nor were {others} more" if others else ""
        yield rule, replace(same[0], actual=actual + more)


# One rule


def _applied(check: Check, picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    if check.profile and expected.product is None:
        if check.rule not in _WITHOUT_PROFILE:
            yield unknown("profile", NO_PROFILE)
        return
    lacking = next((what for field, what in check.fields if _lacks(picture, field)), None)
    if lacking is not None:
        yield unknown("card", f"nobody saw {lacking}")
        return
    there = [name for name in check.files if not is_absent(picture, name)]
    hindrances = [trouble for name in there if (trouble := hindrance(picture, name)) is not None]
    if len(hindrances) < len(there) or not check.files:
        yield from check.test(picture, expected)
    yield from hindrances


def _lacks(picture: CardPicture, field: str) -> bool:
    value = getattr(picture, field)
    return value is None or (isinstance(value, Mapping) and not value)


def _related(relation: Relation, picture: CardPicture, ground: Ground, troubled: Collection[str]) -> Iterator[Trouble]:
    if any(is_absent(picture, name) for name in relation.needs):
        return
    wrong = next((name for name in relation.needs if name in troubled), None)
    if wrong is not None:
        yield unknown(wrong, f"{wrong} is wrong or unread", by_design=False)
        return
    if relation.listing and not ground.listed:
        yield unknown(relation.needs[0], "nobody saw which files are there and in use")
        return
    unread = next((trouble for name in relation.needs if (trouble := hindrance(picture, name)) is not None), None)
    if unread is not None:
        yield unread
        return
    said = relation.test({name: picture.value(name) for name in relation.needs}, ground)
    if said is not None:
        yield _quoting(relation, said)


def _quoting(relation: Relation, said: str) -> Trouble:
    """Return a relation's trouble, which may quote any of the files it compares."""
    secrecy = max(map(secrecy_of, relation.needs), key=STRICTNESS.index)
    return Trouble(relation.needs[0], said, secrecy=secrecy)


class Judge:
    """The rules of one product.

    Relations are pure functions of file contents, so that results are kept: most contents repeat from card to card.
    """

    def __init__(self, product: Product, scripts: Scripts) -> None:
        self._product = product
        self._marker = product.marker.name
        self._proofs = (*scripts.proofs, *scripts.locked)
        known = {content.target.name for content in (*product.files, *product.expected)}
        self._relations = tuple(relation for relation in RELATIONS if known.issuperset(relation.needs))
        self._ground = ground_of(CardPicture(), Expectation(product), Expectation(product).idle)
        self._kept: dict[tuple[object, ...], str | None] = {}

    def findings(self, contents: Mapping[str, Content], seen: Observations, part: Part | None) -> list[Finding]:
        """Return what is to be said about a card; of a survey also what was not checked, else only what is wrong."""
        picture = picture_of(seen)
        expected = Expectation(self._product, contents, self._proofs)
        if part is None:
            picture = replace(picture, declared=self._ground.chip_files)
            return [*findings(picture, expected), *self._marker_gone(seen)]
        troubles = list(self._of_part(picture, expected, part))
        found = [finding(rule, trouble) for rule, trouble in troubles]
        if part is Part.CHECK:
            return [*found, *self._marker_stands(contents, seen)]
        return [*found, *self._marker_gone(seen)]

    def _of_part(self, picture: CardPicture, expected: Expectation, part: Part) -> Iterator[tuple[str, Trouble]]:
        if part is Part.STRANGER:
            yield from contents.compared_number(picture, expected)
            yield from self._checked(codes.ADM_CHECKS, picture, expected)
            return
        compared = list(contents.compared(picture, expected))
        yield from compared
        troubled = {trouble.where for _, trouble in compared}
        for relation in self._relations:
            trouble = self._kept_relation(relation, picture, troubled)
            if trouble is not None:
                yield relation.rule, trouble
        kc = (proofs.KC_CHECK,) if picture.returned_kc is not None else ()
        yield from self._checked((*PRODUCTION_CHECKS, *kc), picture, expected)

    @staticmethod
    def _checked(checks: Iterable[Check], picture: CardPicture, expected: Expectation) -> Iterator[tuple[str, Trouble]]:
        """What production can say: what it does not ask for is no finding there, a spent SQN is."""
        for check in checks:
            for trouble in check.test(picture, expected):
                if trouble.where != "profile":
                    yield check.rule, trouble

    def _kept_relation(self, relation: Relation, picture: CardPicture, troubled: Collection[str]) -> Trouble | None:
        bodies = picture.bodies
        wrong = next((name for name in relation.needs if name in troubled or name not in bodies), None)
        if wrong is not None:
            return unknown(wrong, f"{wrong} is wrong or unread", by_design=False)
        key = (relation.rule, relation.needs, *(bodies[name] for name in relation.needs))
        if key not in self._kept:
            if len(self._kept) >= CACHE_ENTRIES:
                self._kept.clear()
            values = {name: picture.value(name) for name in relation.needs}
            self._kept[key] = relation.test(values, self._ground)
        said = self._kept[key]
        return None if said is None else _quoting(relation, said)

    # The marker

    def _marker_stands(self, contents: Mapping[str, Content], seen: Observations) -> Iterator[Finding]:
        body = seen.bodies.get(self._marker)
        if body is None or body not in (contents[MARKER_STARTED], contents[MARKER_VERIFIED]):
            actual = "unreadable" if body is None else "another marker or none"
            yield finding(MARKER_STANDS.id, Trouble(MARKER_STARTED, actual, "this record's marker"))

    @staticmethod
    def _marker_gone(seen: Observations) -> Iterator[Finding]:
        sw = seen.notes.get(MARKER_REMOVED)
        if sw != FILE_NOT_FOUND:
            actual = f"{NOT_CHECKED}" if sw is None else f"status {sw:04X}"
            yield finding(MARKER_GONE.id, Trouble(MARKER_REMOVED, actual, f"{FILE_NOT_FOUND:04X}, no such file"))
