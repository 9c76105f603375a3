"""Every rule fires alone: one thing about a good card is changed, and one rule speaks."""

from __future__ import annotations

import copy
from dataclasses import replace

import msgspec
import pytest

from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.attributes import FCP
from cardkit.apps.cipurse.rules.card import parse_list
from cardkit.apps.cipurse.rules.table import RULES, TABLE
from cardkit.apps.cipurse.states.contents import UID
from cardkit.apps.cipurse.states.misusing import CHANGED, REFUSED, REPEATED, TAKEN
from cardkit.apps.cipurse.states.seen import NOTE
from cardkit.desired import ATR_FITS, Part, Severity
from cardkit.desired import REPEATED as HAD_BY_ANOTHER
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

from .conftest import inserted

CITY, ENVIRONMENT, CONTRACTS, PURSE = "city", "city/environment", "city/contracts", "city/purse"


class Looked:
    """A good card as a survey saw it, ready to be changed."""

    def __init__(self, job, steps=None):
        self.blueprint = job.plan().blueprint.with_keys(job.keystore, lambda size: bytes(range(size)))
        self.contents = dict(job.plan().contents)
        session = self.blueprint.session(self.contents, inserted(job.made()).channel, {})
        session.run(self.blueprint.survey if steps is None else steps, strict=False)
        self.seen = session.seen
        self.seen.notes[ATR_FITS] = True

    @property
    def notes(self):
        return self.seen.notes[NOTE]

    def directory(self, name, **changes):
        self.notes.directories[name] = replace(self.notes.directories[name], **changes)

    def key(self, name, number, **changes):
        keys = list(self.notes.directories[name].keys)
        keys[number - 1] = replace(keys[number - 1], **changes)
        self.directory(name, keys=tuple(keys))

    def file(self, name, **changes):
        self.notes.files[name] = replace(self.notes.files[name], **changes)

    def rights(self, name, place, bits):
        """Change rights of a file or directory."""
        told = self.notes.files if name in self.notes.files else self.notes.directories
        art = bytearray(told[name].security.art)
        art[place] ^= bits
        told[name] = replace(told[name], security=Security(told[name].security.smr, bytes(art)))

    def body(self, name, place, value):
        data = bytearray(self.seen.bodies[f"{name} contents"])
        data[place : place + len(value)] = value
        self.seen.bodies[f"{name} contents"] = bytes(data)

    def forget(self, name):
        del self.seen.bodies[f"{name} contents"]

    def answered(self, part, sw=0x9000):
        """Let the card take what it refused."""
        (name,) = [name for name in self.notes.answers if part in name][:1]
        self.notes.answers[name] = sw

    def judged(self, part=None):
        return self.blueprint.judge(self.contents, self.seen, part)


@pytest.fixture(scope="module")
def good(job):
    return Looked(job)


@pytest.fixture
def card(good):
    looked = copy.copy(good)
    looked.seen = copy.deepcopy(good.seen)
    looked.contents = dict(good.contents)
    return looked


def parameters(aid):
    return tlv.build(FCP, tlv.build(0x84, aid))


def unproven(card):
    card.notes.proven.discard("city/key 2")


def equal_keys(card):
    """Two keys of one value, as told and as expected: the key store has them so."""
    value = card.notes.directories[CITY].keys[0].kvv
    card.key(CITY, 2, kvv=value)
    card.notes.kvvs = {**card.notes.kvvs, "city/key 2": value}


def published(card):
    """A key of zeros, told and proven: somebody put it into the key store."""
    card.key(CITY, 3, kvv=bytes.fromhex("66E94B"))
    card.notes.kvvs = {**card.notes.kvvs, "city/key 3": bytes.fromhex("66E94B")}


def misused(name, answer=TAKEN):
    def change(card):
        card.notes.misused = {name: answer}

    return change


def fewer_files(card):
    del card.notes.files[CONTRACTS]
    card.notes.troubles[CONTRACTS] = "6A82"


def not_in_use(card):
    for name in (ENVIRONMENT, CONTRACTS):
        card.forget(name)
        card.seen.words[f"{name} contents"] = 0x6985
        del card.notes.files[name]


def less_memory(card):
    total, free = card.notes.directories["MF"].memory
    card.directory("MF", memory=(total, free - 48))


def no_reserve(card):
    """Less than the profile keeps, on a chip nobody knows how to count of."""
    product = replace(card.blueprint.product, chip=_without_memory(card.blueprint.product.chip))
    card.blueprint = copy.copy(card.blueprint)
    card.blueprint.product = product
    card.directory("MF", memory=(4096, 2000))


def _without_memory(chip):
    return msgspec.structs.replace(chip, memory=None)


def other_listed(card):
    fci = tlv.build(0x6F, tlv.build(0x84, bytes.fromhex("A0000005070100")) + tlv.build(0xA5, b""))
    card.notes.lists["PxSE transport"] = fci


def uid_of_the_order(card):
    card.contents[UID] = bytes(7)


def random_uid(card):
    """Four bytes that begin with 08, in every place that holds the number."""
    card.notes.uid = bytes.fromhex("08112233")
    card.notes.inputs.clear()
    old = card.seen.bodies[f"{ENVIRONMENT} contents"]
    card.seen.bodies[f"{ENVIRONMENT} contents"] = old[:32] + card.notes.uid + bytes(64 - 36)


def opened(card):
    card.file("MF/EF.ID_INFO", security=Security(bytes(2), b"\xc1" * 9))


FIRES = {
    "TRANSIT-001": published,
    "TRANSIT-002": unproven,
    "TRANSIT-003": misused("city/key 1: the key of another card"),
    "TRANSIT-004": lambda card: card.key(CITY, 1, add_info=2),
    "TRANSIT-005": lambda card: card.key(CITY, 1, kvv=b"\x01\x02\x03"),
    "TRANSIT-006": equal_keys,
    "TRANSIT-007": lambda card: card.key(CITY, 1, algorithm=b"\x08\x18"),
    "TRANSIT-008": lambda card: card.key("MF", 3, attribute=0x03),
    "TRANSIT-009": lambda card: card.key("MF", 2, attribute=0x02),
    "TRANSIT-014": lambda card: card.rights(CONTRACTS, 3, 0x04),
    "TRANSIT-015": lambda card: card.rights(PURSE, 0, 0x01),
    "TRANSIT-016": lambda card: card.rights(CONTRACTS, 2, 0x80),
    "TRANSIT-017": lambda card: card.file(
        CONTRACTS, security=replace(card.notes.files[CONTRACTS].security, smr=bytes(2))
    ),
    "TRANSIT-018": lambda card: card.directory(CITY, fid=0x5F09),
    "TRANSIT-019": fewer_files,
    "TRANSIT-020": lambda card: card.file(CONTRACTS, records=3),
    "TRANSIT-021": lambda card: card.body(CONTRACTS, 2, b"\x99"),
    "TRANSIT-022": lambda card: card.body(ENVIRONMENT, 63, b"\x01"),
    "TRANSIT-023": lambda card: card.body(PURSE, 10, b"\x7f"),
    "TRANSIT-025": lambda card: card.answered(" credited by "),
    "TRANSIT-027": lambda card: card.body(CONTRACTS, 0, bytes(192)),
    "TRANSIT-028": lambda card: card.body(CONTRACTS, 100, b"\x01"),
    "TRANSIT-031": uid_of_the_order,
    "TRANSIT-032": lambda card: card.body(ENVIRONMENT, 34, b"\xff"),
    "TRANSIT-033": lambda card: card.seen.notes.update({HAD_BY_ANOTHER: frozenset((UID,))}),
    "TRANSIT-034": random_uid,
    "TRANSIT-037": lambda card: card.seen.notes.update({ATR_FITS: False}),
    "TRANSIT-038": lambda card: card.answered(" formatted by nobody", 0x6A80),
    "TRANSIT-039": lambda card: card.answered(" files made by nobody", 0x6A80),
    "TRANSIT-040": no_reserve,
    "TRANSIT-041": lambda card: card.body("MF/EF.ID_INFO", 0, b"\x01"),
    "TRANSIT-042": other_listed,
    "TRANSIT-043": opened,
    "TRANSIT-044": not_in_use,
    "TRANSIT-045": misused(f"city: {REPEATED}"),
    "TRANSIT-061": lambda card: setattr(card.notes, "commands", 251),
    "TRANSIT-062": lambda card: card.notes.inputs.update({"city/key 2": card.notes.uid[::-1] + bytes(13)}),
}
NOT_CHECKED = {"TRANSIT-063": "no SAM", "TRANSIT-064": "tells no such counter"}
MORE = {
    "a key less": ("TRANSIT-007", lambda card: card.directory(CITY, keys=card.notes.directories[CITY].keys[:2])),
    "memory gone": ("TRANSIT-018", less_memory),
    "read by nobody, and given": ("TRANSIT-015", lambda card: card.answered(" read by nobody")),
    "written by nobody, and taken": ("TRANSIT-015", lambda card: card.answered(" written by nobody", 0x6A84)),
    "read in plain": ("TRANSIT-017", lambda card: card.answered(" read in plain")),
    "changed frame": ("TRANSIT-045", misused(f"MF: {CHANGED}")),
    "delivered key taken": ("TRANSIT-001", misused("MF/key 2: the key delivered")),
    "rights to the MF": ("TRANSIT-043", lambda card: card.rights("MF", 0, 0x10)),
    "told otherwise": ("TRANSIT-023", lambda card: card.seen.bodies.update({f"{PURSE}#1": b"\0\0\0\x01"})),
    "another type": ("TRANSIT-019", lambda card: card.file(CONTRACTS, type=0x02)),
    "room for more": ("TRANSIT-020", lambda card: card.directory(CITY, files=9)),
    "another AID": ("TRANSIT-018", lambda card: card.directory(CITY, parameters=parameters(b"AID"))),
}


def fired(card, part=None):
    return {finding.rule for finding in card.judged(part) if finding.severity is not Severity.INFO}


def test_a_good_card_breaks_no_rule(card):
    assert fired(card) == set()


def test_every_rule_is_tried():
    assert set(FIRES) | set(NOT_CHECKED) == {rule.id for rule in RULES} == set(TABLE)


def test_what_nobody_can_check_says_why(card):
    told = {finding.rule: finding for finding in card.judged() if finding.rule in NOT_CHECKED}
    assert set(told) == set(NOT_CHECKED)
    for rule, why in NOT_CHECKED.items():
        assert (told[rule].severity, told[rule].not_checked, why in told[rule].actual) == (Severity.INFO, True, True)


def test_a_budget_of_any_number(card):
    card.notes.commands = 10_000
    block = msgspec.structs.replace(card.blueprint.product.block, budget=0)
    card.blueprint = copy.copy(card.blueprint)
    card.blueprint.product = replace(card.blueprint.product, block=block)
    assert fired(card) == set()


@pytest.mark.parametrize("rule", FIRES)
def test_a_rule_fires_alone(card, rule):
    FIRES[rule](card)
    assert fired(card) == {rule}


@pytest.mark.parametrize("name", MORE)
def test_other_ways_to_break_a_rule(card, name):
    rule, change = MORE[name]
    change(card)
    assert fired(card) == {rule}


def test_what_a_sample_refused_is_no_finding(card):
    misused("city/key 1: the master key", REFUSED)(card)
    rules = {finding.rule for finding in card.judged()}
    assert not rules & {"TRANSIT-001", "TRANSIT-003", "TRANSIT-045"}


def test_what_was_not_looked_at_is_said(job):
    blueprint = job.plan().blueprint
    nothing = Looked(job, steps=())
    findings = nothing.judged()
    asked = {step.serves for step in blueprint.survey}
    silent = {finding.rule for finding in findings if finding.not_checked and finding.severity is Severity.WARNING}
    assert {"TRANSIT-002", "TRANSIT-015", "TRANSIT-018", "TRANSIT-031", "TRANSIT-041", "TRANSIT-042"} <= silent
    assert "city" in asked
    assert not [finding for finding in findings if finding.bad]


def test_before_the_seal_nobody_asks_for_what_the_seal_does(job):
    half = Looked(job, steps=job.plan().blueprint.parts[Part.CHECK])
    assert fired(half, Part.CHECK) == set()


def test_contents_are_for_those_who_may_see_a_holders(card):
    card.body(CONTRACTS, 2, b"\x99")
    (finding,) = [finding for finding in card.judged() if finding.rule == "TRANSIT-021"]
    assert (finding.secrecy.value, finding.decoded) == ("personal", "from byte 2 on")


@pytest.mark.parametrize("text", ["", "84 01 00", "6F 02 84", "6F 04 A5 02 61 05"])
def test_control_information_that_is_none(text):
    with pytest.raises(EncodingError):
        parse_list(bytes.fromhex(text))
