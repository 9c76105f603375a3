"""Tags of the test profile on virtual chips: made, verified, torn after every command, lied about."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

from cardkit.apps import dump
from cardkit.apps.ntag424.app import APP
from cardkit.apps.ntag424.plan import MIRROR, TEXT
from cardkit.apps.ntag424.product import build_product
from cardkit.apps.ntag424.rules import RULES, judge
from cardkit.apps.ntag424.schema import ChipBlock, NtagBlock
from cardkit.apps.ntag424.seen import NOTE
from cardkit.apps.ntag424.text import mirror_of, url_of
from cardkit.cli.app import run
from cardkit.desired import ATR_FITS, REPEATED, Observations, Part
from cardkit.errors import CardError, EncodingError, ProfileError, TransportError
from cardkit.perso import Verdict, personalize, plan, prepare, verify
from cardkit.perso.planner import working
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

PROFILE = Path(__file__).parents[3] / "profiles" / "transport" / "ntag424-sun"


def seeded():
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(b"%d" % next(counter)).digest(size)


class Job:
    """The profile with its keys and order."""

    def __init__(self):
        self.profile = load_profile(PROFILE)
        self.keystore = self.profile.test_keystore()
        self.records = read_order(self.profile, PROFILE / "order.csv", self.keystore).records

    def plan(self, row=1):
        record = self.records[row - 1]
        return plan(self.profile, record, prepare(self.profile, record, self.keystore, seeded()), self.keystore)

    def made(self, seed=1, row=1):
        chip = make_card("ntag424", seed=seed)
        outcome = personalize(self.plan(row), inserted(chip), self.keystore)
        assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
        return chip


class Counted:
    """A chip that counts its commands, and leaves before the n-th."""

    def __init__(self, chip, last=None):
        self._chip, self.sent, self._last = chip, [], last
        self.atr, self.power = chip.atr, chip.power

    def transmit(self, command):
        if len(self.sent) == self._last:
            return b""
        self.sent.append(command)
        return self._chip.transmit(command)


def inserted(chip):
    return Card(LoopbackConnection(chip))


@pytest.fixture(scope="module")
def job():
    return Job()


@pytest.fixture(scope="module")
def finished(job):
    return job.made()


def test_what_is_planned_is_sent(job):
    counted = Counted(make_card("ntag424", seed=3))
    assert personalize(job.plan(), inserted(counted), job.keystore).verdict is Verdict.GOOD
    assert [step.command.ins for step in job.plan().steps] == [command[1] for command in counted.sent]


def test_a_finished_tag_is_verified_and_another_record_is_not(job, finished):
    assert verify(job.plan(), inserted(copy.deepcopy(finished)), job.keystore).verdict is Verdict.GOOD
    other = verify(job.plan(2), inserted(copy.deepcopy(finished)), job.keystore)
    assert {finding.rule for finding in other.findings} == {"TRANSIT-021"}


def test_a_finished_tag_is_not_made_again(job, finished):
    outcome = personalize(job.plan(), inserted(copy.deepcopy(finished)), job.keystore)
    assert (outcome.verdict, outcome.reject.code) == (Verdict.BAD, "NOT_BLANK")


def test_a_begun_tag_is_finished(job):
    chip = make_card("ntag424", seed=1)
    with pytest.raises(TransportError):
        personalize(job.plan(), inserted(Counted(chip, 14)), job.keystore)
    outcome = personalize(job.plan(), inserted(chip), job.keystore, resume=True)
    assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())


def test_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    order = ("--order", str(PROFILE / "order.csv"), "--record", "1", "--reader", f"virtual:ntag424@{tmp_path}/tag")
    assert run(["personalize", str(PROFILE), *order, "--yes"]) == 0
    assert run(["verify", str(PROFILE), *order]) == 0
    assert run(["plan", str(PROFILE), *order[:4]]) == 0
    assert "tag-mac" not in capsys.readouterr().err


def test_what_anybody_sees(tmp_path, finished, capsys):
    found = dump.look(inserted(copy.deepcopy(finished)).channel, date(2026, 11, 22))
    part = found["ntag424"]
    assert (found["class"], part["keys"]) == ("NTAG 424 DNA", dict.fromkeys("01234", "version 01"))
    assert part["url"].startswith("https://tag.example/i/10000001?e=")
    assert run(["transit", "info", "--reader", f"virtual:ntag424@{tmp_path}/blank", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["chip"], document["ntag424"]["keys"]["0"]) == ("virtual-ntag424", "version 00")
    assert "url" not in document["ntag424"]
    assert run(["transit", "dump", "--reader", f"virtual:ntag424@{tmp_path}/blank"]) == 0
    assert "NTAG 424 DNA, UID 04" in capsys.readouterr().out


def test_no_other_card_is_taken_for_a_tag():
    with pytest.raises(CardError, match="DESFire EV2"):
        APP.look(inserted(make_card("desfire-ev2", seed=1)).channel, date(2026, 11, 22))


# Rules


class Survey:
    """A faultless survey that can be changed."""

    def __init__(self, blueprint, contents, seen):
        self.product, self.seen = blueprint.product, copy.deepcopy(seen)
        self.mirror = mirror_of(contents[TEXT].decode())

    @property
    def notes(self):
        return self.seen.notes[NOTE]

    def rules(self):
        return {finding.rule for finding in judge(self.product, self.mirror, self.seen, None)}

    def sdm(self, **changes):
        shown = self.notes.settings
        self.notes.settings = replace(shown, sdm=replace(shown.sdm, **changes))

    def rights(self, **changes):
        shown = self.notes.settings
        self.notes.settings = replace(shown, rights=replace(shown.rights, **changes))

    def texts(self, old, new):
        self.notes.readings = [body.replace(old, new) for body in self.notes.readings]


@pytest.fixture(scope="module")
def faultless(job, finished):
    todo = job.plan()
    blueprint = working(todo, job.keystore)
    card = inserted(copy.deepcopy(finished))
    session = blueprint.session(todo.contents, card.channel, {})
    session.run(blueprint.survey, strict=False)
    return blueprint, todo.contents, session.seen


def counter_stands(survey):
    survey.notes.messages = [survey.notes.messages[0]] * 2


def switched(survey):
    survey.notes.refused = 0x919D
    survey.notes.proven.clear()
    survey.notes.uid, survey.notes.settings = b"", None


def of_another(survey):
    version = survey.notes.version
    survey.notes.version = replace(version, hardware=replace(version.hardware, type=1))


ONE_FAULT = {
    2: lambda s: s.notes.proven.discard("key 3"),
    4: lambda s: s.notes.versions.update({"key 4": 2}),
    14: lambda s: s.rights(write=0xE),
    16: lambda s: s.rights(change=3),
    21: lambda s: s.texts(b"10000001", b"10000002"),
    31: lambda s: setattr(s.notes, "uid", bytes(7)),
    33: lambda s: s.seen.notes.update({REPEATED: frozenset({"uid"})}),
    36: of_another,
    37: lambda s: s.seen.notes.update({ATR_FITS: False}),
    47: lambda s: s.sdm(file_read=1),
    48: counter_stands,
    49: lambda s: s.sdm(mac_offset=s.mirror.places["picc"] + 8),
    50: lambda s: s.texts(b"tag.example", b"tag.exampla"),
    51: switched,
}


def test_a_faultless_tag_has_no_findings(faultless):
    assert Survey(*faultless).rules() == set()


@pytest.mark.parametrize("number", ONE_FAULT)
def test_each_rule_fires_alone(faultless, number):
    survey = Survey(*faultless)
    ONE_FAULT[number](survey)
    assert survey.rules() == {f"TRANSIT-{number:03}"}


def test_every_rule_is_shown():
    assert {rule.id for rule in RULES} == {f"TRANSIT-{number:03}" for number in ONE_FAULT}


@pytest.mark.parametrize(
    "change",
    [
        lambda s: setattr(s.notes, "messages", s.notes.messages[:1]),
        lambda s: setattr(s.notes, "messages", [replace(one, uid=bytes(7)) for one in s.notes.messages]),
        lambda s: setattr(s.notes, "messages", s.notes.messages[::-1]),
    ],
    ids=["a MAC does not hold", "another tag's", "the counter falls"],
)
def test_a_message_that_does_not_hold(faultless, change):
    survey = Survey(*faultless)
    change(survey)
    assert survey.rules() == {"TRANSIT-048"}


@pytest.mark.parametrize(
    ("places", "rule"),
    [
        ({"mac_offset": 250}, "TRANSIT-049"),
        ({"mac_input_offset": 120}, "TRANSIT-049"),
        ({"mac_input_offset": 20}, "TRANSIT-047"),
        ({"counter_limit": 5}, "TRANSIT-047"),
    ],
)
def test_places_of_the_mirror(faultless, places, rule):
    survey = Survey(*faultless)
    survey.sdm(**places)
    assert survey.rules() == {rule}


def test_nothing_that_was_not_looked_at_is_good(faultless):
    blueprint, contents, _ = faultless
    empty = blueprint.session(contents, inserted(make_card("ntag424", seed=1)).channel, {}).seen
    found = judge(blueprint.product, mirror_of(contents[TEXT].decode()), empty, None)
    assert {one.rule for one in found if one.not_checked} == {
        f"TRANSIT-{number:03}" for number in (2, 4, 31, 36, 47, 50)
    }


class Lying:
    """A chip that changes its answers to one command."""

    def __init__(self, chip, ins, change):
        self._chip, self._ins, self._change = chip, ins, change
        self.atr, self.power = chip.atr, chip.power

    def transmit(self, command):
        answer = self._chip.transmit(command)
        return self._change(answer) if command[1] == self._ins else answer


@pytest.mark.parametrize(
    ("ins", "change", "rules"),
    [
        (0xBD, lambda answer: answer.replace(b"e=", b"f="), {"TRANSIT-021"}),
        (0xBD, lambda answer: answer[:34] + b"0000" + answer[38:], {"TRANSIT-048"}),
        (0x64, lambda answer: b"\0" + answer[1:], {"TRANSIT-004"}),
        (0xF5, lambda answer: answer[:3] + b"\0" + answer[4:], {"TRANSIT-047"}),
        (0x51, lambda answer: answer[:3] + b"\0" + answer[4:], {"TRANSIT-031"}),
    ],
    ids=["text", "PICCData", "versions", "settings", "UID"],
)
def test_a_tag_that_lies_is_found(job, finished, ins, change, rules):
    outcome = verify(job.plan(), inserted(Lying(copy.deepcopy(finished), ins, change)), job.keystore)
    assert outcome.verdict is Verdict.BAD
    assert {finding.rule for finding in outcome.findings} >= rules


# Texts


def test_a_text_and_its_places():
    mirror = mirror_of("https://a.bc/<picc>/<start>x<mac>z")
    assert mirror.file == bytes.fromhex("003D D101 39 55 04") + b"a.bc/" + b"0" * 32 + b"/x" + b"0" * 16 + b"z"
    assert mirror.places == {"picc": 12, "start": 45, "mac": 46}
    assert (mirror.template, url_of(mirror.file)) == (
        "https://a.bc/{picc}/{start}x{mac}z",
        "https://a.bc/" + "0" * 32 + "/x" + "0" * 16 + "z",
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://a.bc/<picc>",
        "https://a.bc/<mac>",
        "https://a.bc/<picc><uid><ctr><mac>",
        "https://a.bc/<uid><mac>",
        "https://a.bc/<picc><picc><mac>",
        "https://a.bc/<picc><mac><start>",
        "https://a.bc/<picc><mac>{",
        "https://ä.bc/<picc><mac>",
        "https://a.bc/" + "x" * 220 + "<picc><mac>",
    ],
)
def test_a_text_no_tag_can_have(url):
    with pytest.raises(EncodingError, match="url"):
        mirror_of(url)


@pytest.mark.parametrize("file", ["", "0009D101055504612E62", "0009D101065504612E62632F", "0009D102055504612E62632F"])
def test_a_file_that_holds_no_url(file):
    with pytest.raises(EncodingError):
        url_of(bytes.fromhex(file))


def block(**changes):
    keys = [{"name": name, "ref": "a:b", "version": 1, "m": ("uid",)} for name in ("master", "mac", "w", "x")]
    keys.append({"name": "picc", "ref": "a:b", "version": 1})
    ndef = {"url": "https://a.bc/<picc><mac>", "meta": "picc", "mac": "mac", "write": "w"} | changes.pop("ndef", {})
    return msgspec.convert({"keys": keys, "ndef": ndef} | changes, NtagBlock)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"ndef": {"mac": "picc"}}, "another one than the MAC's"),
        ({"ndef": {"meta": "w"}}, "diversified"),
        ({"ndef": {"meta": ""}}, "expected a key"),
        ({"ndef": {"write": "free"}}, "ntag424.ndef.write"),
        ({"ndef": {"mac": "nobody"}}, "expected one of"),
        ({"ndef": {"url": "https://a.bc/<uid><ctr><mac>", "mac": "picc"}}, "same on every tag"),
        ({"keys": []}, "expected 5"),
    ],
)
def test_a_product_no_tag_should_be(changes, match):
    with pytest.raises(ProfileError, match=match):
        build_product(block(**changes), ChipBlock())


def test_a_mirror_in_clear():
    product = build_product(block(ndef={"url": "https://a.bc/<uid>/<ctr>/<mac>", "meta": ""}), ChipBlock())
    sdm = product.settings(mirror_of(product.block.ndef.url)).sdm
    assert (sdm.meta_read, sdm.uid_offset, sdm.counter_offset, sdm.mac_offset) == (0xE, 12, 27, 34)


def test_parts_are_judged_by_what_they_ask(faultless):
    blueprint, contents, seen = faultless
    assert judge(blueprint.product, mirror_of(contents[TEXT].decode()), seen, Part.CHECK) == []
    assert isinstance(seen, Observations)
    assert MIRROR in {state.name for state in blueprint.states}
