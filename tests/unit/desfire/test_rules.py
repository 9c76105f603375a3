"""Every rule fires alone: one thing of a faultless survey is changed, and exactly one rule says so."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from cardkit.apps.desfire.commands import UID_BYTES
from cardkit.apps.desfire.rules.table import RULES
from cardkit.apps.desfire.settings import AccessRights, FileType, KeySettings
from cardkit.apps.desfire.states.judging import judge
from cardkit.apps.desfire.states.misuse import CHANGED, COMMITTED, CREDITED, REPLAYED
from cardkit.apps.desfire.states.plan import OLDER, OLDEST, WITHOUT_KEY
from cardkit.apps.desfire.states.seen import NOTE
from cardkit.apps.desfire.states.steps import APPLICATIONS, BY_FID, BY_NAME, CARD, CARD_KEY, CARD_SETTINGS
from cardkit.desired import ATR_FITS, REPEATED, Severity
from cardkit.perso.planner import working
from cardkit.secure.desfire import Mode
from tests.unit.desfire.conftest import inserted

APP = "F21190"
UNCHECKED = (52, 63, 64)
DATA, BACKUP, VALUE, RECORDS, TMAC = (f"{APP}/file {number}" for number in (2, 3, 4, 5, 6))
KEY = f"{APP}/key 1"


class Survey:
    """A faultless survey of an EV2 card that can be changed."""

    def __init__(self, blueprint, contents, seen):
        self.product, self.plan, self.contents = blueprint.product, blueprint._plan, contents
        self.seen = copy.deepcopy(seen)

    @property
    def notes(self):
        return self.seen.notes[NOTE]

    def rules(self):
        return {finding.rule for finding in self.findings() if finding.severity is not Severity.INFO}

    def findings(self):
        return judge(self.product, self.plan, self.contents, self.seen, None)

    def settings(self, state, **changes):
        self.notes.settings[state] = replace(self.notes.settings[state], **changes)

    def body(self, state, **changes):
        shown = self.notes.settings[state]
        self.notes.settings[state] = replace(shown, body=replace(shown.body, **changes))

    def byte(self, state, place, value):
        body = bytearray(self.seen.bodies[state])
        body[place] ^= value
        self.seen.bodies[state] = bytes(body)

    def first(self, place, flipped):
        shown = self.notes.key_settings[place]
        self.notes.key_settings[place] = KeySettings(shown.first ^ flipped, shown.second, shown.rest)

    def second(self, place, value):
        shown = self.notes.key_settings[place]
        self.notes.key_settings[place] = KeySettings(shown.first, value, shown.rest)

    def product_with(self, **changes):
        self.product = replace(self.product, **changes)

    def block_with(self, **changes):
        fields = {name: getattr(self.product.block, name) for name in self.product.block.__struct_fields__}
        self.product_with(block=type(self.product.block)(**{**fields, **changes}))


@pytest.fixture(scope="module")
def faultless(jobs, finished):
    job = jobs["ev2"]
    todo = job.plan()
    blueprint = working(todo, job.keystore)
    card = inserted(copy.deepcopy(finished["ev2"]))
    session = blueprint.session(todo.contents, card.channel, {})
    card.reset()
    session.restarted()
    session.run(blueprint.survey, strict=False)
    return blueprint, todo.contents, session.seen


@pytest.fixture
def survey(faultless):
    return Survey(*faultless)


def other_uid(survey):
    survey.notes.uid = bytes(UID_BYTES)
    survey.block_with(originality=None)


def undiversified(survey):
    app = survey.product.apps[0]
    keys = (*app.keys[:3], replace(app.keys[3], m=("aid", "key")))
    survey.product_with(apps=(replace(app, keys=keys),))
    survey.notes.inputs.pop(app.key_state(3))


def misused(what, where):
    return lambda survey: setattr(survey.notes, "misused", {(what, where): "9100"})


ONE_FAULT = {
    1: lambda s: s.notes.answers.update({OLDER: 0x91AF}),
    2: lambda s: s.notes.proven.discard(KEY),
    3: undiversified,
    4: lambda s: s.notes.versions.update({KEY: 9}),
    6: lambda s: s.notes.alike.add((KEY, f"{APP}/key 2")),
    7: lambda s: s.second(APP, 0x83),
    10: lambda s: s.first(APP, 0x04),
    11: lambda s: s.first(APP, 0xE0),
    12: lambda s: s.second(CARD_SETTINGS, 0x01),
    13: lambda s: s.notes.answers.update({OLDEST: 0x91AF}),
    14: lambda s: s.settings(DATA, rights=AccessRights(2, 0, 0xF, 0)),
    15: lambda s: s.notes.answers.update({DATA + WITHOUT_KEY: 0x9100}),
    17: lambda s: s.settings(BACKUP, options=Mode.MAC),
    18: lambda s: setattr(s.notes, "applications", (*s.notes.applications, b"\1\2\3")),
    19: lambda s: s.notes.files.update({APP: (1, 2, 3, 4, 5, 6, 7)}),
    20: lambda s: s.body(DATA, size=96),
    21: lambda s: s.byte(DATA, 5, 1),
    22: lambda s: s.byte(DATA, 60, 1),
    23: lambda s: s.byte(VALUE, 0, 1),
    24: lambda s: s.body(VALUE, limited=5, options=1),
    25: misused(CREDITED, VALUE),
    26: lambda s: s.body(VALUE, options=2),
    27: lambda s: s.seen.bodies.update({BACKUP: bytes(len(s.seen.bodies[BACKUP]))}),
    28: lambda s: s.body(RECORDS, current=1),
    29: lambda s: s.byte(TMAC, 0, 1),
    30: misused(COMMITTED, TMAC),
    31: other_uid,
    32: lambda s: s.byte(f"{APP}/file 1", 16, 1),
    33: lambda s: s.seen.notes.update({REPEATED: frozenset(("uid",))}),
    34: lambda s: setattr(s.notes, "told", bytes.fromhex("08112233")),
    35: lambda s: setattr(s.notes, "signature", bytes(56)),
    36: lambda s: setattr(s.notes, "version", replace(s.notes.version, week=0x77)),
    37: lambda s: s.seen.notes.update({ATR_FITS: False}),
    38: lambda s: s.product_with(configuration=1),
    39: lambda s: s.notes.answers.update({CARD + WITHOUT_KEY: 0x91DE}),
    40: lambda s: setattr(s.notes, "memory", 100),
    45: misused(CHANGED, DATA),
    46: misused(REPLAYED, DATA),
    61: lambda s: s.block_with(budget=s.notes.commands - 1),
    62: lambda s: s.notes.inputs.update({KEY: s.notes.inputs[KEY][::-1]}),
}
# Another way for the same rule.
OTHERWISE = [
    (2, lambda s: s.notes.proven.discard(CARD_KEY)),
    (4, lambda s: s.notes.versions.pop(CARD_KEY)),
    (10, lambda s: s.first(CARD_SETTINGS, 0x04)),
    (10, lambda s: s.notes.answers.update({APPLICATIONS + WITHOUT_KEY: 0x9100})),
    (10, lambda s: s.notes.key_settings.pop(APP)),
    (14, lambda s: s.notes.settings.pop(DATA)),
    (14, lambda s: s.settings(DATA, options=0x81, more=(0x1234,)) or s.settings(DATA, options=Mode.MAC)),
    (15, lambda s: s.notes.answers.pop(DATA + WITHOUT_KEY)),
    (17, lambda s: s.settings(DATA, options=0x41)),
    (18, lambda s: setattr(s.notes, "applications", ())),
    (18, lambda s: setattr(s.notes, "applications", None)),
    (19, lambda s: s.notes.files.pop(APP)),
    (19, lambda s: s.notes.iso_files.update({APP: (1, 2)})),
    (19, lambda s: s.notes.iso_files.pop(APP)),
    (19, lambda s: s.notes.answers.update({APP + BY_NAME: 0x6A82})),
    (19, lambda s: s.notes.answers.update({APP + BY_FID: 0x6A82})),
    (19, lambda s: s.notes.answers.pop(APP + BY_FID)),
    (19, lambda s: s.settings(RECORDS, type=FileType.LINEAR)),
    (20, lambda s: s.body(RECORDS, most=9)),
    (21, lambda s: s.seen.bodies.pop(BACKUP)),
    (23, lambda s: s.body(VALUE, upper=600000)),
    (24, lambda s: s.body(VALUE, options=1)),
    (29, lambda s: s.body(TMAC, key_version=7)),
    (31, lambda s: (setattr(s.notes, "uid", b""), s.block_with(originality=None))),
    (35, lambda s: setattr(s.notes, "signature", b"")),
    (35, lambda s: setattr(s.notes, "signature", None)),
    (36, lambda s: setattr(s.notes, "version", None)),
    (40, lambda s: setattr(s.notes, "memory", None)),
    (13, lambda s: s.notes.answers.pop(OLDEST)),
    (39, lambda s: s.notes.answers.pop(CARD + WITHOUT_KEY)),
]


def test_a_faultless_survey_has_no_findings(survey):
    assert survey.rules() == set()


@pytest.mark.parametrize("number", sorted(ONE_FAULT))
def test_a_rule_fires_alone(survey, number):
    ONE_FAULT[number](survey)
    assert survey.rules() == {f"TRANSIT-{number:03}"}


@pytest.mark.parametrize(("number", "fault"), OTHERWISE)
def test_a_rule_fires_alone_otherwise(survey, number, fault):
    fault(survey)
    assert survey.rules() == {f"TRANSIT-{number:03}"}


def test_the_right_to_change_settings_is_the_master_keys(survey):
    """Beside TRANSIT-014, unless the profile says so itself: then alone."""
    survey.settings(DATA, rights=AccessRights(1, 0, 0xF, 2))
    assert survey.rules() == {"TRANSIT-014", "TRANSIT-016"}
    app = survey.product.apps[0]
    file = app.files[1]
    open_file = replace(file, settings=replace(file.settings, rights=AccessRights(1, 0, 0xF, 2)))
    survey.product_with(apps=(replace(app, files=(app.files[0], open_file, *app.files[2:])),))
    assert survey.rules() == {"TRANSIT-016"}


def test_every_rule_of_the_table_has_a_fault_here():
    assert {rule.id for rule in RULES} == {f"TRANSIT-{number:03}" for number in (*ONE_FAULT, 16, *UNCHECKED)}
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_what_nobody_can_check_says_why(survey):
    told = {finding.rule: finding for finding in survey.findings() if finding.severity is Severity.INFO}
    assert set(told) == {f"TRANSIT-{number:03}" for number in UNCHECKED}
    assert all(finding.not_checked and ": " in finding.actual for finding in told.values())


def test_a_fixed_uid_where_a_random_one_is_wanted(survey):
    survey.product_with(configuration=2)
    assert survey.rules() == {"TRANSIT-034"}
