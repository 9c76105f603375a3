"""A LIVE batch whose keys are in SoftHSM2 and whose order is an OpenPGP message: the real gpg, a process a coupler."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.crypto import Secret, passphrase
from cardkit.crypto.keysource import KeySource
from cardkit.production import open_store
from cardkit.production.keyset import Limited
from cardkit.production.report.source import batch_report
from tests.interop.gpgring import Ring, two_rings
from tests.interop.pkcs11.softhsm import PIN
from tests.unit.live.plant import ROWS, STORE, LivePlant

pytestmark = [
    pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="plaintext is kept in a memfd, which Linux has"),
]


@pytest.fixture
def rings() -> Iterator[tuple[Ring, Ring, str, str]]:
    with two_rings() as made:
        yield made


@pytest.mark.requirement("D1")
@pytest.mark.requirement("K1")
@pytest.mark.requirement("K3")
@pytest.mark.requirement("K9")
def test_from_ceremony_to_purge_with_a_token(
    token,
    rings: tuple[Ring, Ring, str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ring, customer, ours, theirs = rings
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    monkeypatch.chdir(tmp_path)
    plant = LivePlant(tmp_path, run, keys_url=token("live"), phrase=PIN.decode(), sender=theirs)
    plant.build()
    plant.make_key_store()
    assert plant.approve_product() == [0] * 4
    sealed = customer.run("--sign", "-u", theirs, "-e", "-r", ours, given=Path(plant.order).read_bytes())
    Path("lot.csv.gpg").write_bytes(sealed)
    order = ["batch", "import", plant.profile, "lot.csv.gpg", "--order", "PO-1", "--gpg-home", str(ring.folder)]
    assert plant.desk("sven", *order, keys=plant.phrase) == 0
    assert plant.open_batch() == [0, 0]

    running = ["batch", "run", "lot", "--reader", f"virtual:{plant.image}@chips"]
    capfd.readouterr()
    assert plant.desk("olga", *running) == 4
    assert plant.desk("olga", *running, keys="9999") == 5  # never tried again
    refused = capfd.readouterr().err
    assert ("name its key store (--keys)" in refused, "the token refused the PIN" in refused) == (True, True)
    assert plant.desk("olga", *running, "--json", keys=plant.phrase) == 0
    assert json.loads(capfd.readouterr().out)["good"] == ROWS

    with open_store(STORE, operator="audi") as store:
        told = batch_report(store, "lot").keys
    assert told[0].startswith("The keys lay on a token; ")
    finished = ["--order", plant.order, "--record", "auto", "--reader", f"virtual:{plant.image}@chips", "--continuous"]
    assert plant.alone("verify", plant.profile, *finished, keys=plant.phrase) == 0
    by_hand = ["--issued", str(ROWS), "--good", str(ROWS), "--rejected", "0"]
    assert plant.desk("sven", "batch", "close", "lot", *by_hand) == 0
    assert plant.desk("otto quin", "purge", "--batch", "lot", "--yes") == 0
    capfd.readouterr()
    assert plant.desk("audi", "audit", "show", "--kind", "KEYS", "--json") == 0
    (noted,) = json.loads(capfd.readouterr().out)
    with KeySource(plant.keys_url, (Secret(PIN, "PIN"),)).open() as keys:
        assert isinstance(keys, Limited)
        expected = {"kind": "LIVE", "store": "token", "lacks": keys.limits}
    assert {name: noted["data"][name] for name in expected} == expected
