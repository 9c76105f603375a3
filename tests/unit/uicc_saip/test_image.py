"""The image of a package runs: the virtual card, made by other minds, is the card the package describes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.client import Authenticated, OutOfSync, UiccSession
from cardkit.apps.uicc.dump import walk
from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.names import ADM1, PIN1, PIN2
from cardkit.apps.uicc.ota.rfm import Script
from cardkit.apps.uicc.ota.scripting import read_answer
from cardkit.apps.uicc.ota.sending import Postman
from cardkit.apps.uicc.saip.describe import describe
from cardkit.apps.uicc.saip.image import card_image
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.apps.uicc.sqn import AkaAlgorithm, make_vector, verify_auts
from cardkit.apps.uicc.tuak import Tuak
from cardkit.apps.uicc.xor import XorAka
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.aka import MilenageConstants
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.crypto.tuak import TuakParameters
from cardkit.errors import AuthenticationError, EncodingError
from cardkit.secure.counter import Counter
from cardkit.secure.scp80 import Scp80, terms_for
from cardkit.secure.spi import Spi
from cardkit.target import Card, open_card

from .building import ID, MF, der, package, usim
from .conftest import Job

RAND = bytes(range(16))
USIM = bytes.fromhex("A0000000871002FFFFFFFF8907090000")
ISIM = bytes.fromhex("A0000000871004FFFFFFFF8907090000")


@pytest.fixture(scope="module")
def filled(roomy: Package, job: Job) -> Package:
    return personalized(roomy, job.product, job.record)


@pytest.fixture
def card(filled: Package, tmp_path: Path) -> Iterator[Card]:
    with running(filled, tmp_path) as opened:
        yield opened


def running(made: Package, folder: Path) -> Card:
    """Return a virtual card with this profile."""
    path = folder / "profile.toml"
    path.write_text(card_image(made, "profile").text, encoding="utf-8")
    return open_card(f"virtual:{path}")


def catalogued(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{directory['name']}/{file['name']}": file
        for directory in document["directories"]
        for file in directory.get("files", [])
    }


def pins(document: dict[str, Any]) -> dict[str, Any]:
    """Return which keys the MF and the applications have, and whether each is enabled."""
    entries = {entry["name"]: entry["parameters"].get("pins") for entry in document["directories"]}
    return {name: entries[name] for name in ("MF", "ADF.USIM", "ADF.ISIM", "ADF.CSIM")}


def test_every_file_of_the_package_is_on_the_card_as_described(filled: Package, card: Card) -> None:
    session = UiccSession(card.channel)
    session.verify(ADM1, Secret(bytes.fromhex("6162636465660001"), "adm1"))
    described, dumped = describe(filled), walk(card.channel)
    assert pins(dumped) == pins(described)
    expected, found = catalogued(described), catalogued(dumped)
    missing = {name for name, file in expected.items() if file["secrecy"] != "unknown"} - set(found)
    assert missing == set()
    compared = 0
    for name, file in found.items():
        if name not in expected:
            assert name.endswith(("_AUTH_KEY", "_SQN")), name
            continue
        wanted = expected[name]
        assert file["parameters"]["fid"] == wanted["fid"]
        for key in ("kind", "size", "record_length", "record_count", "sfi", "life_cycle"):
            assert file["parameters"].get(key) == wanted["parameters"].get(key), (name, key)
        assert file.get("access") == wanted.get("access"), name
        for key in {"value", "records"} & set(wanted) & set(file):
            if not wanted.get("hidden") and wanted["secrecy"] != "secret":
                assert file[key] == wanted[key], name
                compared += 1
    assert compared > 100


def test_codes_have_the_packages_values_and_counters(card: Card) -> None:
    session = UiccSession(card.channel)
    assert session.code_status(PIN1).left == 3
    assert session.code_status(ADM1).left == 10
    session.select_application(USIM)
    session.verify(PIN2, Secret(b"5653", "pin2"))
    session.unblock(PIN2, Secret(b"71008007", "puk2"), Secret(b"5653", "pin2"))
    with pytest.raises(AuthenticationError, match="2"):
        session.verify(PIN2, Secret(b"0000", "pin2"))


@pytest.mark.parametrize("aid", [USIM, ISIM])
def test_the_card_authenticates_with_the_records_keys(card: Card, job: Job, aid: bytes) -> None:
    session = UiccSession(card.channel)
    session.select_application(aid)
    k, opc = job.record["ki"], job.record["opc"]
    assert isinstance(k, Key)
    assert isinstance(opc, Key)
    algorithm = Milenage(k, opc)
    stale = make_vector(algorithm, RAND, 0)
    answer = session.authenticate(RAND, stale.autn)
    assert isinstance(answer, OutOfSync)
    assert verify_auts(algorithm, RAND, answer.auts) == 32
    fresh = make_vector(algorithm, RAND, 64)
    answer = session.authenticate(RAND, fresh.autn)
    assert isinstance(answer, Authenticated)
    assert (answer.res, answer.ck, answer.ik) == (fresh.res, fresh.ck, fresh.ik)


def over_the_air(card: Card) -> Postman:
    """Return a sender with key set 02 of the package: AES, all keys 00 to 0F."""
    keys = {f"test:{name}": Key(RAND, name, "AES-128", Usage.SECURE_CHANNEL) for name in ("kic", "kid", "kik")}
    store, held = MemoryKeyStore(keys), KeySetSpec(2, *keys).for_card(b"")
    return Postman(Terminal(card.channel), Scp80(store, held, terms_for(store, held, Spi.parse(bytes.fromhex("1619")))))


@pytest.mark.parametrize(("tar", "fid"), [("B00010", "2FE2"), ("B00011", "6F07"), ("B00012", "6F02")])
def test_the_card_takes_packets_for_the_packages_tars(card: Card, tar: str, fid: str) -> None:
    commands = [CommandAPDU.parse(bytes.fromhex(text)) for text in (f"00A4000C02{fid}", "00B0000009")]
    script = Script(bytes.fromhex(tar), tuple(commands), ())
    receipt = over_the_air(card).send(script.tar, Counter(1), script.content())
    assert receipt is not None
    assert receipt.status == 0
    answer = read_answer(receipt.data, script.coding)
    expected = {"2FE2": "989909010000000010", "6F07": "080910100000000010", "6F02": "803130303130313030"}[fid]
    assert (answer.executed, answer.responses[-1].sw) == (2, 0x9000)
    assert answer.responses[-1].data.hex() == expected


def test_a_tar_of_an_application_that_is_not_there_is_a_problem(sample: Package) -> None:
    without = Package(tuple(e for e in sample.elements if "isim" not in e.name and e.name != "genericFileManagement"))
    assert "TAR B00012: its application is not in the package" in card_image(without, "x").problems


def test_other_access_domains_and_other_keys_open_nothing(sample: Package) -> None:
    at, element = next(iter(sample.all("rfm")))
    domain, first = next(iter(sample.all("securityDomain")))
    keys = first.require("keyList")
    odd = keys.children[0].setting("keyVersionNumber", b"\x75")
    changed = Package(
        tuple(
            element.setting("uiccAccessDomain", b"\x02\x01\x00")
            if number == at
            else first.setting("keyList", (odd, *keys.children[1:]))
            if number == domain
            else other
            for number, other in enumerate(sample.elements)
        )
    )
    image = card_image(changed, "x")
    assert "TAR B00010: access domain 020100 opens nothing here" in image.problems
    assert "key 75/01, type 80: no virtual card has such a one" in image.problems
    document = tomllib.loads(image.text)
    assert document["remote"][0]["grants"] == []
    assert document["remote"][1]["grants"] == [0x01, 0x0A, 0x0B, 0x81]
    assert [(entry["kvn"], entry["kid"]) for entry in document["keys"]] == [(1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]


def test_a_package_without_a_security_domain_is_a_card_without(tmp_path: Path) -> None:
    with running(package(MF, usim()), tmp_path) as card:
        session = UiccSession(card.channel)
        session.select_application(bytes.fromhex("A0000000871002"))
        assert session.select_fid(0x6F07).size == 9


def test_the_package_runs_with_the_test_algorithm(sample: Package, tmp_path: Path) -> None:
    with running(sample, tmp_path) as card:
        session = UiccSession(card.channel)
        session.select_application(USIM)
        algorithm = XorAka(RAND)
        fresh = make_vector(algorithm, RAND[::-1], 32)
        answer = session.authenticate(RAND[::-1], fresh.autn)
        assert isinstance(answer, Authenticated)
        assert answer.res == fresh.res


def test_what_a_virtual_card_cannot_be_is_said(sample: Package) -> None:
    problems = card_image(sample, "profile").problems
    assert "PIN2 of DF.TELECOM: in no application" in problems
    assert "csim.ef-ah: no size, and the template gives none" in problems


def test_names_cannot_break_out_of_the_text(sample: Package) -> None:
    header = sample.header.setting("profileType", b'a"\n[chip]\\')
    image = card_image(Package((header, *sample.elements[1:])), 'n"]')
    document = tomllib.loads(image.text)
    assert (document["chip"]["title"], document["chip"]["name"]) == ('a"\n[chip]\\', 'n"]')


def test_a_second_file_with_a_short_identifier_loses_it() -> None:
    made = package(MF, usim(bytes.fromhex("A505A103880138")))
    image = card_image(made, "twice")
    assert image.problems == ("ADF.USIM/EF.Keys: short identifier 7 is another file's, this one has none",)


def test_a_package_without_an_mf_is_no_card(job: Job) -> None:
    with pytest.raises(EncodingError, match="it makes no MF"):
        card_image(package(), "none")


def test_the_image_is_not_seen_in_a_repr(sample: Package) -> None:
    assert "000102030405" not in repr(card_image(sample, "profile"))


def shared_keys(aid: bytes) -> bytes:
    """Return an akaParameter element that has the keys of another application."""
    return der(0xA4, ID, der(0xA1, der(0xA0, "800106", der(0x81, aid))))


def with_algorithm(made: Package, source: bytes = USIM, **components: bytes) -> Package:
    """Return the package with other parameters for the USIM, and an ISIM that shares those of `source`."""
    (own, first), (other, _) = made.all("akaParameter")
    given = first.require("algoConfiguration").require("algoParameter")
    for name, value in components.items():
        given = given.setting(name, value)
    parts = [element.build() for element in made.elements]
    parts[own] = first.setting("algoConfiguration", (given,)).build()
    parts[other] = shared_keys(source)
    return Package.read(b"".join(parts))


def answers(made: Package, folder: Path, aid: bytes, algorithm: AkaAlgorithm) -> None:
    """Check that an application of the package's card authenticates like this algorithm."""
    with running(made, folder) as card:
        session = UiccSession(card.channel)
        session.select_application(aid)
        fresh = make_vector(algorithm, RAND, 32)
        answer = session.authenticate(RAND, fresh.autn)
        assert isinstance(answer, Authenticated)
        assert (answer.res, answer.ck, answer.ik) == (fresh.res, fresh.ck, fresh.ik)


@pytest.mark.parametrize("aid", [USIM, ISIM])
def test_constants_of_the_operator_and_keys_that_are_shared(sample: Package, tmp_path: Path, aid: bytes) -> None:
    rotations, constants = bytes((8, 16, 24, 32, 40)), bytes(range(80))
    made = with_algorithm(
        sample, algorithmID=b"\x01", opc=RAND[::-1], rotationConstants=rotations, xoringConstants=constants
    )
    parts = tuple(constants[i : i + 16] for i in range(0, 80, 16))
    own = MilenageConstants((8, 16, 24, 32, 40), parts)
    answers(made, tmp_path, aid, Milenage(RAND, RAND[::-1], own))


def test_tuak(sample: Package, tmp_path: Path) -> None:
    made = with_algorithm(sample, algorithmID=b"\x02", opc=RAND * 2, numberOfKeccak=b"\x03")
    assert "ADF.USIM: TUAK with RES of 64 bits, CK and IK of 128: options not read" in card_image(made, "x").problems
    answers(made, tmp_path, USIM, Tuak(RAND, RAND * 2, TuakParameters(res_bits=64, iterations=3)))


def test_keys_shared_with_nobody_are_a_problem(sample: Package) -> None:
    lonely = with_algorithm(sample, source=ISIM)
    assert f"ADF.ISIM: shares the keys of {ISIM.hex().upper()}: not there" in card_image(lonely, "x").problems
    assert {"directory": "ADF.ISIM", "shares_with": ISIM.hex().upper()} in describe(lonely)["authentication"]
