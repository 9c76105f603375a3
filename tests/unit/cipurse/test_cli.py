"""``cardkit transit`` and the verbs every family has, as their user runs them on virtual cards."""

from __future__ import annotations

import json

import pytest

from cardkit.cli.app import run

from .conftest import PROFILE

CITY = "D2760000041502000003000101"
ORDER = ("--order", str(PROFILE / "order.csv"), "--record", "1")


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    """What a run remembers of its cards lies where it is run."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def reader(tmp_path):
    """A finished card in a reader."""
    target = f"virtual:cipurse@{tmp_path}"
    assert run(["personalize", str(PROFILE), *ORDER, "--reader", target, "--yes"]) == 0
    return target


def shown(capsys, *arguments):
    capsys.readouterr()
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_tree_shows_rights_in_words_and_no_contents(capsys, reader):
    document = shown(capsys, "transit", "tree", "--reader", reader)
    part = document["cipurse"]
    assert (document["class"], document["chip"], part["syntax"], part["lists"]) == (
        "CIPURSE",
        "virtual-cipurse",
        "V3",
        {"transport": [CITY]},
    )
    city = part["applications"][CITY]
    assert city["profile"] == "T"
    assert city["rights"]["anybody"] == "read attributes"
    assert city["keys"]["2"].startswith("version 01, KVV ")
    purse = city["files"]["4"]
    assert purse["rights"] == {
        "anybody": "read attributes",
        "key 1": "read, update, increase, decrease, read attributes",
        "key 2": "read, decrease",
        "key 3": "read, increase",
    }
    assert (purse["type"], purse["messaging"]["read"]) == ("value, in transactions", "mac/mac")
    assert part["free_memory"] == 4096 - 32 - (32 + 60) - 4 * 16 - 64 - 192 - 144 - 12


def test_info_counts_files(capsys, reader):
    document = shown(capsys, "transit", "info", "--reader", reader)
    assert document["cipurse"]["applications"][CITY]["files"] == 4
    assert run(["transit", "info", "--reader", reader]) == 0
    assert "      files: 4" in capsys.readouterr().out


def test_dump_shows_what_anybody_may_read(capsys, reader):
    blank = shown(capsys, "transit", "dump", "--reader", "virtual:cipurse")
    assert blank["cipurse"]["applications"] == {}
    files = shown(capsys, "transit", "dump", "--reader", reader)["cipurse"]["applications"][CITY]["files"]
    assert [sorted(file).count("data") for file in files.values()] == [0, 0, 0, 0]


def test_free_contents_are_in_the_dump_only(capsys, tmp_path, variant):
    job = variant(
        ('art = ["40", "43", "01", "01"]\nsmr = ["plain/mac"', 'art = ["41", "43", "01", "01"]\nsmr = ["plain/plain"')
    )
    target = f"virtual:cipurse@{tmp_path / 'chips'}"
    assert run(["personalize", str(job.profile.path), *ORDER, "--reader", target, "--yes"]) == 0
    dumped, bare = (shown(capsys, "transit", verb, "--reader", target) for verb in ("dump", "tree"))
    assert dumped["cipurse"]["applications"][CITY]["files"]["1"]["data"].startswith("010F55549990000001")
    assert "data" not in bare["cipurse"]["applications"][CITY]["files"]["1"]


def test_two_good_cards_differ_where_the_profile_says(capsys, tmp_path):
    for record in ("1", "2"):
        target = f"virtual:cipurse@{tmp_path / record}"
        order = ("--order", str(PROFILE / "order.csv"), "--record", record)
        assert run(["personalize", str(PROFILE), *order, "--reader", target, "--yes"]) == 0
        (tmp_path / f"{record}.json").write_text(json.dumps(shown(capsys, "dump", "--reader", target)))
    pair = [str(tmp_path / f"{record}.json") for record in ("1", "2")]
    capsys.readouterr()
    assert run(["diff", *pair, "--json"]) == 1
    wheres = {item["where"] for item in json.loads(capsys.readouterr().out)}
    assert "CIPURSE uid" in wheres
    assert run(["diff", *pair, "--mask", str(PROFILE), "--json"]) == 0


def test_another_card_is_said_to_be_none(capsys):
    assert run(["transit", "info", "--reader", "virtual:usim"]) == 1
    assert "no CIPURSE card: no contactless card" in capsys.readouterr().err


def test_cards_of_the_other_family_are_known_too(capsys):
    assert shown(capsys, "transit", "info", "--reader", "virtual:desfire-ev2")["class"] == "DESFire"


def test_a_trace_shows_no_key_and_no_contents(capsys, tmp_path, job):
    trace = tmp_path / "trace.jsonl"
    arguments = ["personalize", str(PROFILE), *ORDER, "--reader", "virtual:cipurse", "--yes", "--trace", str(trace)]
    assert run(arguments) == 0
    text = trace.read_text().upper()
    for key in job.plan().blueprint.product.keys:
        stored = job.keystore._keys[key.reference]
        with stored.reveal() as clear:
            assert bytes(clear).hex().upper() not in text
    assert "9990000001" not in text
