"""TRANSIT-053 and 054 on pictures of cards made of the vectors' answers: each fires alone, with one thing changed."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date

import pytest

from cardkit.apps.calypso import dump
from cardkit.apps.calypso.app import APP
from cardkit.apps.calypso.header import FileHeader
from cardkit.apps.calypso.rules import RULES, findings
from cardkit.apps.dump import check as check_dump
from cardkit.channel import Channel
from cardkit.cli import transit_check
from cardkit.desired import Checks
from cardkit.errors import EncodingError
from tests.unit.calypso.test_vectors import named, unhex

SERIAL = "0000000011223344"
FCI = named("fci prime revision 3")["in"]["fci"]
HEADER = named("get data fcp")["out"]["response_example"]
LIST = named("get data ef list")["out"]["response_example"]


class Chip:
    """A card that answers as the vectors have it; every file has the header of the vector, made that of an EF."""

    atr, protocol, reader = unhex("3B8180018080"), 2, "calypso"

    def __init__(self, fci=FCI, header=HEADER, files=LIST, access="10100000"):
        self.fci, self.header, self.files = unhex(fci), unhex(header), unhex(files)
        value = unhex(header)[2:25]
        self.ef = b"\x85\x17" + value[:1] + b"\x04" + value[2:5] + unhex(access) + value[9:] + b"\x90\x00"

    def transmit(self, wire):
        if wire[1] == 0xA4:
            return self.fci if wire[2] == 0x04 else self.ef
        objects = {unhex("0062"): self.header, unhex("00C0"): self.files}
        return objects.get(wire[2:4], b"\x6a\x88") if wire[1] == 0xCA else b"\x6a\x83"


def shown(**changes):
    return dump.look(Channel(Chip(**changes)), date(2026, 11, 22))["calypso"]


def said(found):
    return [(one.rule, one.where, one.expected, one.actual) for one in found]


def test_the_header_of_the_vector_is_read():
    found = FileHeader.parse(unhex(HEADER)[:-2])
    assert (found.kind, found.access.hex(), found.key_indexes.hex(), found.status) == (1, "10100000", "01030101", 0)
    assert (found.kvcs.hex(), found.kifs.hex(), found.lid.hex()) == ("777879", "616770", "3f00")
    assert FileHeader.parse(unhex(HEADER)[:-2], revision_2=True).lid.hex() == "003f"


def test_the_picture_holds_files_rights_and_keys():
    (application,) = shown()["applications"].values()
    assert application["keys"] == {
        "personalization": "KIF 61, KVC 77",
        "load": "KIF 67, KVC 78",
        "debit": "KIF 70, KVC 79",
    }
    assert {number: file["lid"] for number, file in application["files"].items()} == {
        "7": "2001", "9": "20FF", "16": "F123", "17": "F124", "31": "F125",
    }  # fmt: skip
    assert application["files"]["7"]["access"] == "10100000"
    assert "keys" not in application["files"]["7"]


def test_a_card_as_ordered_breaks_no_rule():
    assert findings(shown(), shown(), SERIAL) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"fci": FCI.replace("315449432e49434131", "315449432e49434132")}, "AID"),
        ({"fci": FCI.replace(SERIAL, "0000000011223345")}, "serial number"),
        ({"fci": FCI.replace("0a3c2005141001", "0a3c2105141001")}, "startup"),
        ({"fci": FCI.replace("0a3c2005141001", "0a3c2005141002")}, "startup"),
        ({"fci": FCI[:-4] + "6283"}, "application"),
    ],
    ids=["another AID", "another serial number", "another type bit", "another revision", "invalidated"],
)
def test_what_the_card_says_of_itself_is_053_alone(change, where):
    found = findings(shown(**change), shown(), SERIAL)
    assert [(one.rule, one.where, one.bad) for one in found] == [("TRANSIT-053", where, True)]


def test_a_changed_type_bit_is_told_in_words():
    (found,) = findings(shown(fci=FCI.replace("0a3c2005", "0a3c2105")), shown(), SERIAL)
    assert found.expected.endswith(
        "(product prime rev 3, pin False, stored value False, extended mode False, pki False)"
    )
    assert found.actual.endswith("(product prime rev 3, pin True, stored value False, extended mode False, pki False)")


@pytest.mark.parametrize(
    ("change", "place", "expected", "actual"),
    [
        ({"files": LIST.replace("200107021d01", "200107021d03")}, "files 7 records", "1", "3"),
        ({"files": LIST.replace("f1231004", "f1331004")}, "files 16 lid", "F123", "F133"),
        ({"files": LIST.replace("200107021d", "200107041d")}, "files 7 type", "linear", "cyclic"),
        ({"header": HEADER.replace("777879", "777a79")}, "keys load", "KIF 67, KVC 78", "KIF 67, KVC 7A"),
        ({"header": HEADER.replace("616770", "616771")}, "keys debit", "KIF 70, KVC 79", "KIF 71, KVC 79"),
    ],
    ids=["records", "LID", "type", "KVC", "KIF"],
)
def test_files_and_keys_are_054_alone(change, place, expected, actual):
    found = findings(shown(**change), shown(), SERIAL)
    assert said(found) == [("TRANSIT-054", f"application {place}", expected, actual)]
    assert found[0].bad


def test_rights_of_files_are_054_alone():
    found = findings(shown(access="1F100000"), shown(), SERIAL)
    assert {one.rule for one in found} == {"TRANSIT-054"}
    assert {(one.expected, one.actual) for one in found} == {("10100000", "1F100000")}


def test_a_file_more_and_a_file_less_are_054_alone():
    less = "c020" + LIST[4:-20] + "9000"
    for card, ordered, word in ((less, LIST, "actual"), (LIST, less, "expected")):
        found = findings(shown(files=card), shown(files=ordered), SERIAL)
        assert {(one.rule, getattr(one, word)) for one in found} == {("TRANSIT-054", "not there")}
        assert all(one.where.startswith("application files 31 ") for one in found)


def test_a_card_without_calypso_is_not_checked():
    found = findings(None, shown(), SERIAL)
    assert [(one.rule, one.not_checked, one.bad) for one in found] == [(rule.id, True, False) for rule in RULES]


def test_what_nobody_told_is_not_checked():
    found = findings(shown())
    assert [(one.rule, one.where, one.not_checked) for one in found] == [
        ("TRANSIT-053", "serial number", True),
        ("TRANSIT-053", "AID and startup", True),
        ("TRANSIT-054", "files and keys", True),
    ]


def test_any_dump_is_checked_without_a_profile():
    assert isinstance(APP, Checks)
    document = {"class": "Calypso", "calypso": shown(fci=FCI[:-4] + "6283")}
    assert APP.observe(Channel(Chip()), document, toolkit=False) == {}
    assert [one.where for one in check_dump(document, printed=SERIAL) if one.bad] == ["application"]


@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.pop("startup"),
        lambda part: part["applications"].clear(),
        lambda part: part.update(applications=[]),
        lambda part: next(iter(part["applications"].values())).pop("files"),
        lambda part: next(iter(part["applications"].values()))["files"].update({"7": 0}),
    ],
)
def test_a_part_no_dump_has_is_refused(change):
    part = deepcopy(shown())
    change(part)
    for card, ordered in ((part, shown()), (shown(), part)):
        with pytest.raises(EncodingError, match="Calypso part of a dump"):
            findings(card, ordered, SERIAL)


@pytest.fixture
def ordered(tmp_path):
    path = tmp_path / "ordered.json"
    path.write_text(json.dumps({"format": "cardkit-dump-1", "class": "Calypso", "calypso": shown()}), encoding="utf-8")
    return path


class Held:
    """A card that lies in a reader."""

    def __init__(self, **changes):
        self.channel = Channel(Chip(**changes))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """It stays there."""


@pytest.mark.parametrize(
    ("card", "code", "rules"),
    [
        (Held(), 0, []),
        (Held(fci=FCI.replace("2005141001", "2105141001")), 1, ["TRANSIT-053"]),
        (Held(header=HEADER.replace("777879", "777878")), 1, ["TRANSIT-054"]),
        (Held(fci="6a82"), 0, ["TRANSIT-053", "TRANSIT-054"]),
    ],
    ids=["as ordered", "another type", "another KVC", "no Calypso card"],
)
def test_a_card_is_checked_from_the_command_line(monkeypatch, capsys, ordered, card, code, rules):
    monkeypatch.setattr(transit_check, "open_card", lambda _: card)
    arguments = ["--reader", "any", "--like", str(ordered), "--serial", SERIAL, "--json"]
    assert transit_check.check.main(arguments, standalone_mode=False) == code
    assert [one["rule"] for one in json.loads(capsys.readouterr().out)["findings"]] == rules


def test_another_dump_is_no_measure(monkeypatch, tmp_path):
    monkeypatch.setattr(transit_check, "open_card", lambda _: Held())
    path = tmp_path / "other.json"
    path.write_text('{"format": "cardkit-dump-1", "class": "CIPURSE", "cipurse": {}}', encoding="utf-8")
    with pytest.raises(EncodingError, match="CIPURSE card, expected a dump of a Calypso card"):
        transit_check.check.main(["--reader", "any", "--like", str(path)], standalone_mode=False)
