"""A package compiled into a profile: the house's own planner, personalizer and verifier make and judge the card."""

from __future__ import annotations

import secrets
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cardkit.apps.uicc.saip.content import operations
from cardkit.apps.uicc.saip.filesystem import read_files
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.apps.uicc.saip.profile import TEST_KEYS, CompiledProfile, compiled_profile
from cardkit.apps.uicc.saip.schema import FILE
from cardkit.apps.uicc.saip.subscriber import Subscriber
from cardkit.apps.uicc.schema import ChipBlock
from cardkit.errors import ProfileError
from cardkit.perso import personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.profile.chips import chip_of
from cardkit.profile.document import read_toml
from cardkit.target import open_card

from .building import MF, package, usim
from .conftest import Job

PROFILES = Path(__file__).parents[3] / "profiles"
BARE, USIM = "virtual-uicc-bare", "virtual-usim"

# What keeps the sample from being a card for subscribers: type approval mode, service 99, its IMS domain.
FOR_SUBSCRIBERS: dict[str, dict[str, Any]] = {
    "ADF.USIM/EF.AD": {"mode": "normal", "info": [], "mnc_length": 2},
    "ADF.ISIM/EF.DOMAIN": {"domain": "ims.mnc001.mcc001.3gppnetwork.org"},
}


def chip(name: str) -> ChipBlock:
    path = PROFILES / "chips" / f"{name}.toml"
    block = chip_of(read_toml(path)[0], path).blocks["uicc"]
    assert isinstance(block, ChipBlock)
    return block


@pytest.fixture(scope="module")
def sellable(roomy: Package, job: Job) -> Package:
    """The sample with one card's data, and contents a subscriber's card may have."""
    made = personalized(roomy, job.product, job.record)
    files = read_files(made)
    values = dict(FOR_SUBSCRIBERS)
    table = files.named("ADF.USIM/EF.UST")
    assert table is not None
    assert table.spec is not None
    offered = [number for number in table.spec.decode(table.body)["services"] if number != 99]
    for name, value in {**values, "ADF.USIM/EF.UST": {"services": offered}}.items():
        file = files.named(name)
        assert file is not None
        assert file.spec is not None
        body = file.spec.encode(value, len(file.body))
        (piece,) = file.pieces
        children = list(made.at(piece.way).children)
        children[piece.start : piece.stop] = operations(body, file.over, 0, FILE)
        made = made.edited([(piece.way, tuple(children))])
    return made


@pytest.fixture(scope="module")
def on_bare(sellable: Package) -> CompiledProfile:
    return compiled_profile(sellable, "from-package", BARE, chip(BARE))


def test_a_card_built_from_a_package_is_good(on_bare: CompiledProfile, tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text(on_bare.toml(), encoding="utf-8")
    (tmp_path / "order.csv").write_bytes(on_bare.order())
    shutil.copy(PROFILES / "sim" / "bare-build-test" / TEST_KEYS, tmp_path)
    profile = load_profile(tmp_path)
    keystore = profile.test_keystore()
    record = read_order(profile, tmp_path / "order.csv", keystore).records[0]
    prepared = prepare(profile, record, keystore, secrets.token_bytes)
    todo = plan(profile, record, prepared, keystore)
    with open_card("virtual:uicc-bare") as card:
        outcome = personalize(todo, card, keystore)
    assert outcome.reject is None
    assert {finding.rule for finding in outcome.findings} <= {"UICC-041"}
    assert outcome.facts["SQN ADF.USIM"] == "64"


def test_the_record_owns_what_is_one_cards(on_bare: CompiledProfile, job: Job) -> None:
    contents = on_bare.tables["uicc.files"]
    assert contents["MF/EF.ICCID"] == {"iccid": "{iccid}"}
    assert contents["ADF.USIM/EF.IMSI"] == {"imsi": "{imsi}"}
    assert contents["ADF.USIM/EF.ACC"] == {"raw": "{imsi|acc}"}
    assert contents["ADF.USIM/EF.MSISDN#1"]["number"] == "+{msisdn}"
    assert contents["ADF.ISIM/EF.IMPU#1"] == {"impu": "sip:{imsi}@ims.mnc001.mcc001.3gppnetwork.org"}
    assert dict(on_bare.own) == {name: job.record[name] for name in ("iccid", "imsi", "msisdn", "ki", "opc", "adm1")}


def test_no_key_and_no_code_is_in_a_profile(on_bare: CompiledProfile, sellable: Package) -> None:
    written = on_bare.toml() + compiled_profile(sellable, "x", USIM, chip(USIM)).toml()
    row = on_bare.order().decode().splitlines()[1].split(",")
    assert [len(cell) for cell in row] == [19, 15, 12, 32, 32, 16]
    assert [cell for cell in row if cell in written] == []


def test_a_bare_card_gets_directories_files_and_rules(on_bare: CompiledProfile) -> None:
    places, files = on_bare.tables["uicc.build.places"], on_bare.tables["uicc.build.files"]
    assert next(iter(places)) == "MF"
    assert (places["ADF.USIM"]["fid"], places["ADF.ISIM"]["fid"]) == ("7FF0", "7FF1")
    assert places["ADF.USIM"]["pins"] == {"PIN2": True, "PIN1": False, "ADM1": True}
    assert files["ADF.USIM/EF.SMS"] == {"rule": "read PIN1, update PIN1, manage ADM1", "record": 176, "count": 10}
    assert files["DF.TELECOM/DF.PHONEBOOK/EF.ADN"]["fid"] == "4F3A"
    assert "DF.TELECOM/EF.ADN" not in files
    assert on_bare.tables["uicc.build.rules"]["read PIN1, update PIN1, manage ADM1"] == {
        "read": "PIN1",
        "update": "PIN1",
        "manage": "ADM1",
    }


def test_what_is_not_as_in_the_package_is_said(on_bare: CompiledProfile) -> None:
    said = on_bare.problems
    assert "DF.TELECOM/EF.MSISDN: shares the body of ADF.USIM/EF.MSISDN, and is not made" in said
    assert "ADF.USIM/EF.LOCI: ADM1 may update it, too: it has contents that are written" in said
    assert (
        "ADF.USIM/DF.SAIP/EF.SUCI_Calc_Info: nobody may read it, not even ADM1: no verification presents that" in said
    )
    assert "DF.TELECOM/EF.6FE5: in no catalogue, no profile names it" in said
    assert "ADF.USIM/EF.ICI: has contents, no profile writes cyclic ones" in said
    assert "rules with delete never, activate ADM1, deactivate ADM1: never for all of them" in said


def test_a_chip_with_files_gets_contents_that_fit_and_pins(sellable: Package, tmp_path: Path) -> None:
    made = compiled_profile(sellable, "from-package", USIM, chip(USIM))
    contents = made.tables["uicc.files"]
    assert "uicc.build.files" not in made.tables
    assert "MF/EF.DIR#1" not in contents
    assert contents["ADF.USIM/EF.IMSI"] == {"imsi": "{imsi}"}
    assert made.tables["uicc.pins"]["PIN1"] == {"value": "{pin1}", "puk": "{puk1}", "enabled": False}
    assert "ADF.CSIM/EF.PRL: this chip has no such file" in made.problems
    assert "ADF.ISIM/EF.IMPU#3: this chip has fewer records" in made.problems
    (tmp_path / "profile.toml").write_text(made.toml(), encoding="utf-8")
    (tmp_path / "order.csv").write_bytes(made.order())
    shutil.copy(PROFILES / "sim" / "usim-test" / TEST_KEYS, tmp_path)
    profile = load_profile(tmp_path)
    record = read_order(profile, tmp_path / "order.csv", profile.test_keystore()).records[0]
    assert record["imsi"] == "001010000000001"


def test_a_profile_reads_back_as_it_was_meant(on_bare: CompiledProfile) -> None:
    document = tomllib.loads(on_bare.toml())
    assert document["uicc"]["files"] == {name: dict(value) for name, value in on_bare.tables["uicc.files"].items()}
    assert document["uicc"]["auth"] == dict(on_bare.tables["uicc.auth"])


def test_numbers_are_named_only_where_they_stand_alone() -> None:
    whose = Subscriber({"iccid": "8999901000000000013", "imsi": "001010000000001", "msisdn": "99901"}, "01")
    assert whose.templated("", {"a": ["sip:001010000000001@x", "x{y}"], "b": 7}) == {
        "a": ["sip:{imsi}@x", "x{{y}}"],
        "b": 7,
    }
    assert whose.templated("", "+999010") == "+999010"
    assert whose.templated("", "+99901") == "+{msisdn}"
    assert whose.templated("ADF.USIM/EF.ACC", {"classes": [1, 11]}) == {"classes": [1, 11]}


def test_a_package_without_keys_of_its_own_is_refused(roomy: Package) -> None:
    with pytest.raises(ProfileError, match=r"ADF\.USIM authenticates with nothing"):
        compiled_profile(package(MF, usim()), "x", BARE, chip(BARE))
    without = Package(tuple(element for element in roomy.elements if element.name != "usim"))
    with pytest.raises(ProfileError, match=r"expected an ICCID in MF/EF\.ICCID and an IMSI"):
        compiled_profile(without, "x", BARE, chip(BARE))
