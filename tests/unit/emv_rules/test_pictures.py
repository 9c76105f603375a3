"""Pictures: of dumps, of anything a card may answer; a survey leaves a card as it was but for its counter."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardkit.apps.dump import look
from cardkit.apps.emv.dumped import picture_of_dump
from cardkit.apps.emv.picture import Reply
from cardkit.apps.emv.rules.engine import findings
from cardkit.apps.emv.rules.expectation import Expectation
from cardkit.apps.emv.rules.table import TABLE
from cardkit.apps.emv.survey import Means, survey
from cardkit.errors import EncodingError
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection

from .conftest import TODAY, chip_of, seeded


def card_of(name: str) -> Card:
    return Card(LoopbackConnection(copy.deepcopy(chip_of(name))))


@pytest.mark.parametrize("name", ["emv-contact-cda", "emv-dual-fdda"])
def test_a_survey_moves_nothing_but_the_transaction_counter(name):
    card = card_of(name)
    before = look(card.channel, TODAY)
    survey(card.channel, Means(seeded("x"), itertools.count().__next__, TODAY))
    after = look(card.channel, TODAY)
    data = before["payment"]["applications"][0]["data"], after["payment"]["applications"][0]["data"]
    changed = {ours["tag"] for ours, theirs in zip(*data, strict=True) if ours != theirs}
    assert changed == {"9F36"}
    for document in (before, after):
        document["payment"]["applications"][0]["data"] = []
    assert before == after


def test_a_dump_breaks_no_rule_and_hides_what_is_the_holders(contact):
    card = card_of("emv-contact-cda")
    card.reset(cold=True)
    document = json.loads(json.dumps({"atr": card.channel.atr.hex(), **look(card.channel, TODAY)}))
    picture = picture_of_dump(document, "card.json")
    found = findings(picture, replace(contact[1], holder=None, tracks=None, printed=None))
    assert {item.rule for item in found if not item.not_checked} == set()
    unseen = {item.rule: item.actual for item in found if item.not_checked}
    assert unseen["EMV-030"] == "not checked: 5A: the dump hides it"
    assert unseen["EMV-015"] == "not checked: GET PROCESSING OPTIONS was not sent"
    assert {"EMV-005", "EMV-047", "EMV-061", "EMV-070", "EMV-080"}.isdisjoint(unseen)


def test_a_dump_with_another_value_is_found(contact):
    document = look(card_of("emv-contact-cda").channel, TODAY)
    text = json.dumps(document).replace('"value": "FF80"', '"value": "FC80"')
    found = findings(picture_of_dump(json.loads(text)), Expectation(TODAY, contact[1].capks))
    assert {item.rule for item in found if not item.not_checked} == {"EMV-047", "EMV-054"}


@pytest.mark.parametrize("document", [{}, {"payment": 1}, {"payment": {}}, {"payment": {"contact_directory": [1]}}])
def test_what_is_no_dump_of_a_payment_card_is_refused(document):
    with pytest.raises(EncodingError):
        picture_of_dump(document)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_answer_of_a_card_is_judged_not_broken_on(data, dual):
    """A card may answer anything: rules find faults, and never fail themselves."""
    picture, expected = dual
    place = data.draw(st.integers(0, 1))
    side = picture.sides[place]
    noise = data.draw(st.binary(max_size=40))
    field = data.draw(st.sampled_from(["fci", "options", "record", "cryptogram", "data"]))
    if field == "record":
        name = data.draw(st.sampled_from(sorted(side.read)))
        size = data.draw(st.integers(0, len(side.read[name])))
        side = replace(side, records={**side.records, name: Reply(side.read[name][:size] + noise)})
    elif field == "cryptogram":
        if side.cryptogram is not None:
            side = replace(side, cryptogram=replace(side.cryptogram, reply=Reply(noise)))
    elif field == "data":
        side = replace(side, data={b"\x9f\x36": noise, b"\x9f\x17": noise, b"\x9f\x4f": noise})
    else:
        whole = getattr(side, field).data
        size = data.draw(st.integers(0, len(whole)))
        side = replace(side, **{field: Reply(whole[:size] + noise)})
    sides = tuple(side if number == place else each for number, each in enumerate(picture.sides))
    for known in (expected, Expectation(TODAY, expected.capks), Expectation(TODAY)):
        assert all(item.rule in TABLE for item in findings(replace(picture, sides=sides), known))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tag=st.sampled_from(
        [
            "8E",
            "8C",
            "8D",
            "9F07",
            "57",
            "5A",
            "5F24",
            "9F4A",
            "90",
            "92",
            "9F46",
            "9F47",
            "9F48",
            "5F28",
            "9F42",
            "9F0D",
            "5F20",
            "8F",
            "9F32",
            "9F1F",
        ]
    ),
    value=st.binary(max_size=30),
)
def test_any_value_of_any_object_is_judged_not_broken_on(tag, value, contact):  # fmt: skip
    picture, expected = contact
    (side,) = picture.sides
    records = {}
    for name, objects in side.by_record.items():
        values = {**objects, bytes.fromhex(tag): value} if bytes.fromhex(tag) in objects else objects
        body = b"".join(key + bytes((0x81, len(each))) + each for key, each in values.items())
        records[name] = Reply(b"\x70\x82" + len(body).to_bytes(2) + body)
    broken = replace(picture, sides=(replace(side, records={**side.records, **records}),))
    assert all(item.rule in TABLE for item in findings(broken, expected))
