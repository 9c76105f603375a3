"""A LIVE batch from the key ceremony to the purge, each step by the people it needs."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from cardkit.crypto import Secret
from cardkit.perso import identify
from cardkit.production import open_store
from cardkit.production.people import accounts
from cardkit.production.store import Card, start_session
from cardkit.production.store.sessions import LEASE_TTL_S
from cardkit.profile import load_profile
from cardkit.target import open_card
from tests.unit.live.plant import PHRASE, ROWS, STORE, USAGES, LivePlant, password


def said(capfd: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one JSON document that the last step printed."""
    found: dict[str, object] = json.loads(capfd.readouterr().out)
    return found


@pytest.mark.requirement("K2")
@pytest.mark.requirement("K3")
@pytest.mark.requirement("K14")
@pytest.mark.requirement("P11")
@pytest.mark.requirement("R3")
@pytest.mark.requirement("R4")
def test_from_ceremony_to_purge(plant: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    assert plant.approve_product() == [0] * 4
    plant.take_order()
    assert plant.open_batch() == [0, 0]
    chips = Path.cwd() / "chips"
    reader = f"virtual:{plant.image}@{chips}"
    capfd.readouterr()

    assert plant.desk("olga", "batch", "run", "lot", "--reader", reader, "--json", keys=PHRASE) == 0
    done = said(capfd)
    assert (done["good"], done["stopped"]) == (ROWS, None)

    finished = ["verify", plant.profile, "--order", plant.order, "--record", "auto", "--reader", reader, "--continuous"]
    assert plant.alone(*finished, keys=PHRASE) == 0
    assert f"{ROWS} cards verified, {ROWS} good" in capfd.readouterr().err

    by_hand = ["--issued", str(ROWS), "--good", str(ROWS), "--rejected", "0"]
    assert plant.desk("sven", "batch", "close", "lot", *by_hand) == 0
    assert plant.desk("sven", "batch", "evidence", "lot", "--out", "pack.zip") == 0
    capfd.readouterr()
    assert plant.desk("audi", "audit", "key") == 0
    Path("office.pem").write_text(capfd.readouterr().out, "ascii")
    assert plant.alone("batch", "evidence", "--verify", "pack.zip", "--key", "office.pem", "--json") == 0
    assert (said(capfd)["cards"], Path("pack.zip").stat().st_size > 0) == (ROWS, True)

    assert plant.desk("otto quin", "purge", "--batch", "lot", "--yes", "--out", "purged.json") == 0
    assert plant.desk("audi", "audit", "export", "--out", "audit.jsonl") == 0
    Path("plant.db").unlink()
    capfd.readouterr()
    for file in ("purged.json", "plant-chip.json", "audit.jsonl"):
        assert plant.alone("audit", "verify", file, "--key", "office.pem") == 0
    assert "audit is sound" in capfd.readouterr().err
    told = Path("audit.jsonl").read_text("utf-8").replace("\\", "")
    kinds = ["CEREMONY", "APPROVAL", "ORDER_CREATE", "IMPORT", "APPROVE", "OPEN", "SESSION", "GOOD", "CLOSE", "PURGE"]
    assert [kind for kind in kinds if f'"event":"{kind}"' not in told] == []
    keys = json.loads(re.findall(r'"data":(\{[^{}]*\}),"event":"KEYS"', told)[0])
    digest = hashlib.sha256(Path("plant.keys").read_bytes()).hexdigest()
    assert (keys["kind"], keys["store"], keys["counter"], keys["sha256"]) == ("LIVE", "file", 1 + len(USAGES), digest)


@pytest.mark.requirement("K3")
@pytest.mark.requirement("R4")
def test_a_card_in_doubt_is_finished_by_two_people(plant: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    assert [*plant.approve_product(), plant.take_order(), *plant.open_batch()] == [0, 0, 0, 0, None, 0, 0]
    reader = f"virtual:{plant.image}@{Path.cwd() / 'chips'}"
    bind_blank(plant, reader)
    present = ["doubt", "present", "lot", "--reader", reader, "--station", "S1", "--json"]
    capfd.readouterr()

    assert plant.desk("olga sven", *present) == 4
    assert "name its key store (--keys)" in capfd.readouterr().err
    assert plant.desk("olga", *present, keys=PHRASE) == 4
    assert "resuming a card in doubt needs supervisor and operator or supervisor" in capfd.readouterr().err
    assert plant.desk("olga sven", *present, keys=PHRASE) == 0
    done = said(capfd)
    assert (done["good"], done["records"]) == (1, {**dict.fromkeys(STATES, 0), "READY": ROWS - 1, "GOOD": 1})


STATES = ("READY", "LEASED", "BOUND", "GOOD", "IN_DOUBT", "REJECTED", "SCRAPPED", "LOST", "CANCELLED")


def bind_blank(plant: LivePlant, reader: str) -> None:
    """Bind the first record to a chip, as a station does that dies before it writes."""
    with open_card(reader) as card:
        chip = identify(load_profile(plant.profile), card).chip_id
    with open_store(STORE, operator="olga") as store:
        accounts.log_in(store, "olga", Secret(password("olga").encode(), "olga"))
        session, _ = start_session(store, "S1")
        (claim,) = session.claim("lot", 1, LEASE_TTL_S)
        session.bind(store.batch("lot"), Card(claim.record_id, claim.token, chip))
