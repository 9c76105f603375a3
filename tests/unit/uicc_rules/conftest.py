"""A good card: made by cardkit for a German operator, looked at from all sides, its unused files deactivated."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cardkit.apps.dump import look
from cardkit.apps.uicc.cat import ProactiveCommand
from cardkit.apps.uicc.dumped import picture_of_dump
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.gsm import GsmStatus
from cardkit.apps.uicc.picture import CardPicture, SeenPacket
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.states.scripts import Proof, Scripts
from cardkit.apps.uicc.states.seeing import picture_of
from cardkit.apps.uicc.suci import Suci
from cardkit.desired import ATR_FITS, LOOKED
from cardkit.encoding.digits import luhn_valid
from cardkit.perso import personalize, plan, prepare
from cardkit.perso.planner import working
from cardkit.profile import load_profile, read_order
from cardkit.target import open_card

ROOT = Path(__file__).parents[3]
DUMPS = ROOT / "tests" / "vectors" / "uicc_dumps.json"
USIM = "ADF.USIM"
TAR, FOREIGN_TAR = bytes.fromhex("B00011"), bytes.fromhex("BFFF11")
NUMBER = next(f"894901000000000001{digit}" for digit in range(10) if luhn_valid(f"894901000000000001{digit}"))


def german_profile(folder: Path) -> Path:
    """Return the 5G sample profile, its network and numbers replaced by German ones."""
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    home = folder / "profiles" / "sim" / "usim-isim-5g-test"
    text = (home / "profile.toml").read_text(encoding="utf-8")
    for old, new in (("001-01", "262-01"), ("mcc001", "mcc262"), ('mcc = "001"', 'mcc = "262"'),
                     ("8999901", "894901"), ("+999", "+4915")):  # fmt: skip
        text = text.replace(old, new)
    (home / "profile.toml").write_text(text, encoding="utf-8")
    names, row = (home / "order.csv").read_text(encoding="utf-8").splitlines()[:2]
    values = dict(zip(names.split(","), row.split(","), strict=True))
    values |= {"iccid": NUMBER, "imsi": "262010000000001", "msisdn": "4915790000001"}
    (home / "order.csv").write_text(f"{names}\n{','.join(values.values())}\n", encoding="utf-8")
    return home


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> tuple[CardPicture, Expectation]:
    """A card made and surveyed as `cardkit verify --full` does it."""
    profile = load_profile(german_profile(tmp_path_factory.mktemp("german")))
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, lambda size: bytes(range(size))), keystore)
    with open_card("virtual:usim-isim-5g") as card:
        assert personalize(todo, card, keystore).verdict == "GOOD"
        blueprint = working(todo, keystore)
        session = blueprint.session(todo.contents, card.channel, {})
        session.seen.notes[ATR_FITS] = todo.fits(card.reset(cold=True))
        session.run(blueprint.survey, strict=False)
        session.seen.notes[LOOKED] = look(card.channel, date(2026, 1, 1))
    product = blueprint.product
    scripts = Scripts(product)
    key = next(proof for proof in scripts.proofs if proof.place == USIM)
    proofs = (*scripts.proofs, *scripts.locked, Proof(USIM, key.state, "leaping", key.rand))
    block = msgspec.structs.replace(product.block, free_bytes=1000)
    return picture_of(session.seen), Expectation(
        dataclasses.replace(product, block=block), todo.contents, proofs, NUMBER
    )


@pytest.fixture(scope="session")
def good(made) -> tuple[CardPicture, Expectation]:
    """The same with what else could be known of it."""
    picture, expected = made
    picture = without_unused(picture)
    seen = dataclasses.replace(
        picture,
        controls={**picture.controls, "MF": with_free_memory(picture.controls["MF"])},
        proofs={proof.name: "proven" for proof in expected.proofs} | {"SUCI 1": "proven", "SUCI 2": "proven"},
        returned_kc=True,
        repeated=frozenset(),
        rewritten=(0x6982, 0x9000),
        by_sfi={"ADF.USIM/EF.IMSI": picture.bodies["ADF.USIM/EF.IMSI"][:4]},
        chv=GsmStatus(bytes.fromhex("00000000 7F20 02 0000000000 0A 13 0000 04 00 83 8A 83 8A 00".replace(" ", ""))),
        identities=(suci("01"), suci("02")),
        asked=(ProactiveCommand.parse(bytes.fromhex("D00F810301250082028182850441626364")),),
        packets=tuple(
            SeenPacket(kind, FOREIGN_TAR if kind == "foreign application" else TAR, status)
            for kind, status in (("good", 0), ("wrong checksum", 1), ("replayed", 2), ("unsecured", 0x0A),
                                 ("foreign application", 9))
        ),
        domain={"keys": [{"kvn": "30", "kid": "01"}], "card_locked": False},
    )  # fmt: skip
    return seen, expected


def suci(last: str) -> Suci:
    """Return a SUCI of network 262-01 under profile A, whose output ends with two digits of choice."""
    return Suci.parse(bytes.fromhex("01 62F210 17FF 01 1E".replace(" ", "") + "AB" * 44 + last))


def with_free_memory(control: Fcp) -> Fcp:
    """Return the MF's answer with 2,000 bytes free (A5/83)."""
    body = control.build()[2:] + bytes.fromhex("A504830207D0")
    return Fcp.parse(bytes((0x62, len(body))) + body)


def without_unused(picture: CardPicture) -> CardPicture:
    """Deactivate what no service asks for, where the profile has not."""
    services = set(picture.value("ADF.USIM/EF.UST")["services"])
    unused = {
        name
        for name in picture.controls
        if name.startswith(USIM) and name in CATALOGUE and CATALOGUE[name].conditional
        and not CATALOGUE[name].offered(services)
    }  # fmt: skip

    def kept(table: Any) -> dict[str, Any]:
        return {name: item for name, item in table.items() if name.partition("#")[0] not in unused}

    idle = {name: lcsi(picture.controls[name], "04") for name in unused}
    return dataclasses.replace(
        picture,
        controls={**kept(picture.controls), **idle},
        bodies=kept(picture.bodies),
        blanks=kept(picture.blanks),
    )


def lcsi(control: Fcp, state: str) -> Fcp:
    """Return an answer of SELECT with another life cycle status."""
    text = control.build().hex().upper()
    now = f"8A01{control.life_cycle:02X}"
    assert text.count(now) == 1
    return Fcp.parse(bytes.fromhex(text.replace(now, f"8A01{state}")))


# Dumps of real cards


def document(card: str) -> dict[str, Any]:
    """Return one of the four published dumps as `cardkit dump --json` would have printed it.

    They do not hold the EF.ARR below DF.GSM and DF.TELECOM, nor what EF.PBR names: nobody looked for these.
    """
    directories: dict[str, dict[str, Any]] = {}
    for case in json.loads(DUMPS.read_text(encoding="utf-8")):
        path, out = case["in"].get("path"), case["out"]
        if case["in"]["card"] != card or path is None or path.endswith(("ADF.ISD", "EF.PBR")):
            continue
        name = path.removeprefix("MF/")
        parent, _, title = name.rpartition("/")
        if title.startswith("EF."):
            files = directories.setdefault(parent or "MF", {"name": parent or "MF"}).setdefault("files", [])
            files.append({"name": title, "fcp": out["fcp"], **_contents(out)})
        else:
            directories.setdefault(name, {"name": name})["fcp"] = out["fcp"]
    return {"class": "2G" if card.startswith("sim") else "UICC", "directories": list(directories.values())}


def _contents(out: dict[str, Any]) -> dict[str, Any]:
    if "content" in out:
        return {"body": out["content"]}
    numbers = {}
    for span, body in out.get("records", {}).items():
        first, _, last = span.partition("-")
        numbers |= dict.fromkeys(range(int(first), int(last or first) + 1), body)
    return {"records": [{"number": number, "body": body} for number, body in sorted(numbers.items())]}


@pytest.fixture(scope="session")
def dumps() -> dict[str, CardPicture]:
    return {card: picture_of_dump(document(card)) for card in ("usim-A", "usim-B", "sim-C", "sim-D")}
