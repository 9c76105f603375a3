"""A LIVE batch of USIMs: the code of their chips comes in a ceremony, lies in the key file, and is nowhere else."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
import shutil
from pathlib import Path

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.cli.app import run
from cardkit.crypto import Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.production import open_store
from cardkit.production.report.source import batch_report
from cardkit.target import open_card
from tests.unit.live.conftest import CHEAP
from tests.unit.live.plant import CODE_BYTES, PHRASE, ROWS, STORE
from tests.unit.live.simplant import ADM, SimPlant
from tests.unit.live.test_live_day import said


@pytest.fixture(scope="module")
def sim_plant(tmp_path_factory: pytest.TempPathFactory) -> SimPlant:
    folder = tmp_path_factory.mktemp("sim")
    (folder / "desk").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passphrase.COSTS, "argon2id", CHEAP)
        patch.chdir(folder / "desk")
        made = SimPlant(folder, run)
        made.build()
        made.make_key_store()
        assert made.approve_product() == [0] * 4
        made.take_order()
        assert made.open_batch() == [0, 0]
    return made


@pytest.fixture
def opened_sim(sim_plant: SimPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimPlant:
    """A plant with an open batch of USIMs, each test's own."""
    shutil.copytree(sim_plant.folder / "desk", tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    return dataclasses.replace(sim_plant)


def tries_left(reader: str) -> int:
    """What a chip says of its transport ADM when it is asked without a value, which costs no try."""
    with open_card(reader) as card:
        status = card.channel.send(CommandAPDU(0x00, 0x20, 0x00, 0x0A)).sw
    assert status & 0xFFF0 == 0x63C0, f"{status:04X}"
    return status & 0x0F


@pytest.mark.requirement("K2")
@pytest.mark.requirement("K3")
@pytest.mark.requirement("K9")
@pytest.mark.requirement("K14")
def test_from_ceremony_to_purge(opened_sim: SimPlant, capfd: pytest.CaptureFixture[str]) -> None:
    plant, chips = opened_sim, Path.cwd() / "chips"
    reader = f"virtual:{plant.image}@{chips}"
    capfd.readouterr()

    assert plant.desk("olga", "batch", "run", "lot", "--reader", reader, "--json", keys=PHRASE) == 0
    done = said(capfd)
    assert (done["good"], done["stopped"]) == (ROWS, None)
    with open_store(STORE, operator="audi") as store:
        assert [sentence.partition(":")[0] for sentence in batch_report(store, "lot").keys] == [
            "The keys lay in a key file"
        ]

    finished = ["verify", plant.profile, "--order", plant.order, "--record", "auto", "--reader", reader, "--continuous"]
    assert plant.alone(*finished, keys=PHRASE) == 0
    assert f"{ROWS} cards verified, {ROWS} good" in capfd.readouterr().err
    assert [tries_left(f"virtual:{plant.image}#{chip.stem}@{chips}") for chip in chips.iterdir()] == [3] * ROWS

    by_hand = ["--issued", str(ROWS), "--good", str(ROWS), "--rejected", "0"]
    assert plant.desk("sven", "batch", "close", "lot", *by_hand) == 0
    assert plant.desk("sven", "batch", "evidence", "lot", "--out", "pack.zip") == 0
    assert plant.desk("otto quin", "purge", "--batch", "lot", "--yes", "--out", "purged.json") == 0


@pytest.mark.requirement("K5")
@pytest.mark.requirement("K17")
@pytest.mark.usefixtures("opened_sim")
def test_the_transcript_of_a_code_shows_no_check_value() -> None:
    told = Path("plant-adm1.json").read_text("utf-8").replace("\\", "")
    assert f'"how":"components of a code of {CODE_BYTES} bytes, which has no check value"' in told
    assert told.count('"kcv":""') == 3
    assert '"kcv_method":"none"' in told


@pytest.mark.requirement("P11")
def test_the_code_is_part_of_the_key_set_but_cannot_be_guessed_from_it(
    opened_sim: SimPlant, capfd: pytest.CaptureFixture[str]
) -> None:
    """The digest in the database changes with the code; what it is made of takes a key of the key file."""
    phrase = Secret(PHRASE.encode(), "phrase")
    with open_store(STORE, operator="audi") as store:
        digest = store.batch("lot").keyset_sha256
    with FileKeyStore.open(Path("plant.keys"), phrase) as keys:
        fingerprint = keys.find(ADM).fingerprint
        content = json.dumps([[ADM, "", "card-secret", fingerprint]], separators=(",", ":"))
        assert (fingerprint is not None, hashlib.sha256(content.encode()).digest()) == (True, digest)
        keys.destroy(ADM)
        keys.import_key(NewKey(ADM, "", Usage.CARD_SECRET), bytearray(secrets.token_bytes(CODE_BYTES)))
    reader = f"virtual:{opened_sim.image}@{Path.cwd() / 'chips'}"
    capfd.readouterr()
    assert opened_sim.desk("olga", "batch", "run", "lot", "--reader", reader, keys=PHRASE) == 4
    assert "its key store holds other keys than the batch was imported with" in capfd.readouterr().err


@pytest.mark.requirement("P10")
def test_a_wrong_code_costs_one_try_of_one_chip(opened_sim: SimPlant, capfd: pytest.CaptureFixture[str]) -> None:
    """The chips have another transport ADM than the letters said: the first one says so, and no other is asked."""
    other, chips = Path.cwd() / "other.toml", Path.cwd() / "chips"
    opened_sim.deliver(other, secrets.token_bytes(CODE_BYTES))
    reader = f"virtual:{other}@{chips}"
    making = ["batch", "run", "lot", "--json", "--reader"]
    capfd.readouterr()

    assert opened_sim.desk("olga", *making, reader, keys=PHRASE) == 5
    done, stop = said(capfd), {"scope": "batch", "rule": "security", "why": "a security reject stops the whole batch"}
    (chip,) = chips.iterdir()
    same = f"virtual:{other}#{chip.stem}@{chips}"
    assert (done["good"], done["rejected"], done["stopped"], tries_left(same)) == (0, 1, stop, 2)

    assert opened_sim.desk("olga", *making, reader, keys=PHRASE) == 4
    assert "is HELD" in capfd.readouterr().err
    assert list(chips.iterdir()) == [chip]

    restart = [*making, same, "--unhold", "letters asked for"]
    assert opened_sim.desk("sven otto", *restart, keys=PHRASE) == 1
    assert "record 2 BLANK_REJECT CHIP_USED" in capfd.readouterr().err
    assert tries_left(same) == 2
