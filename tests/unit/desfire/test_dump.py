"""What a DESFire card shows to anybody: on the command line, and of two cards what differs."""

from __future__ import annotations

import copy
import json
from datetime import date

import pytest
from click.testing import CliRunner

from cardkit.apps import dump
from cardkit.apps.desfire.app import APP
from cardkit.cli import transit
from cardkit.errors import ProtocolError
from cardkit.perso.planner import varying_places
from cardkit.virtual import make_card
from tests.unit.desfire.conftest import inserted, uid_of

TODAY = date(2026, 11, 22)
CARD_FILE = "9986000000000001555A545230312020"  # number, issuer


def looked(chip):
    return dump.look(inserted(chip).channel, TODAY)


def test_an_open_card_tells_its_files_and_what_is_free(finished):
    chip = copy.deepcopy(finished["ev1"])
    found = looked(chip)
    part = found["desfire"]
    assert (found["class"], part["product"], part["uid"]) == ("DESFire", "DESFire EV1", uid_of(chip).hex().upper())
    assert (part["card_key_version"], part["settings"]["algorithm"]) == ("01", "AES")
    assert (part["settings"]["listing_free"], part["settings"]["creating_free"]) == (True, False)
    app = part["applications"]["F21190"]
    assert app["keys"] == {"0": "01", "1": "01", "2": "01"}
    assert app["settings"]["keys_changed_by"] == "key 0"
    assert app["files"]["1"]["data"].startswith(CARD_FILE)
    assert app["files"]["2"]["rights"] == {"read": "key 1", "write": "key 0", "read_write": "never", "change": "key 0"}
    assert (app["files"]["3"]["type"], app["files"]["3"]["mode"]) == ("backup", "enciphered")
    assert (app["files"]["4"]["upper"], app["files"]["4"]["limited_credit"]) == (500000, False)
    assert (app["files"]["5"]["records"], app["files"]["5"]["most"]) == (0, 7)
    assert [number for number, file in app["files"].items() if "data" in file] == ["1"]
    assert part["troubles"] == {}


def test_a_closed_card_tells_what_it_refuses(finished):
    part = looked(copy.deepcopy(finished["ev2"]))["desfire"]
    assert part["applications"] == {}
    assert {"applications", "DF names", "settings of the card"} == set(part["troubles"])
    assert part["originality"] == "under an unknown key"


def test_a_public_document_says_nothing_of_a_holder(finished):
    found = looked(copy.deepcopy(finished["ev1"]))
    assert CARD_FILE in json.dumps(found)
    assert CARD_FILE not in json.dumps(APP.public(found))


def test_good_cards_differ_only_where_they_may(jobs, finished):
    job = jobs["ev1"]
    one, other = looked(copy.deepcopy(finished["ev1"])), looked(job.make(seed=7))
    differing = {difference.where for difference in dump.compare(one, other)}
    assert "DESFire applications F21190 files 1 data" in differing
    assert differing <= varying_places(job.profile)


def test_lines_are_for_people(finished):
    told = "\n".join(dump.lines(looked(copy.deepcopy(finished["ev1"]))))
    assert "DESFire EV1, UID " in told
    assert "keys_changed_by: key 0" in told


def test_a_contact_card_is_none(monkeypatch):
    channel = inserted(make_card("desfire-ev1", seed=1)).channel
    monkeypatch.setattr(channel.connection, "atr", bytes.fromhex("3B00"))
    with pytest.raises(ProtocolError, match="no contactless card"):
        APP.look(channel, TODAY)


@pytest.mark.parametrize("verb", [transit.info, transit.tree, transit.dump])
def test_on_the_command_line(verb):
    told = CliRunner().invoke(verb, ["--reader", "virtual:desfire-ev2"], standalone_mode=False)
    assert "DESFire EV2, UID " in told.stdout
    found = CliRunner().invoke(verb, ["--reader", "virtual:desfire-ev2", "--json"], standalone_mode=False)
    assert json.loads(found.stdout)["desfire"]["settings"]["raw"] == "0F01"


@pytest.mark.parametrize(
    ("image", "chip"),
    [("desfire-ev1", "virtual-desfire-ev1"), ("desfire-ev2", "virtual-desfire-ev2"), ("desfire-ev3", "")],
)
def test_the_chip_is_named_by_what_it_says_where_the_atr_fits_several(image, chip):
    found = CliRunner().invoke(transit.transit, ["info", "--reader", f"virtual:{image}", "--json"])
    document = json.loads(found.output)
    assert (document["chip"], document["besides"]) == (chip, [])
