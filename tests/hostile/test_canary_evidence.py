"""An evidence pack goes to other people: no planted secret and no personal value is in any file of it."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.hostile.canaries import search
from tests.hostile.test_canary import PERSONAL, PROFILE, Plant, open_plant

STORE = ("--store", "sqlite:///plant.db", "--operator", "ana")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """Good cards, a card that lies, refused rows, and the pack of it all."""
    plant = open_plant(tmp_path_factory.mktemp("evidence"), 5)
    plant.run("import", "batch", "import", PROFILE, "{out}/order.csv", *STORE)
    run_order = ("batch", "run", "order", *STORE, "--reader", "virtual:usim")
    plant.run_build("run-lying", "lying.py", *run_order, "--limit", "1")
    plant.run("run", *run_order)
    plant.run("evidence", "batch", "evidence", "order", "--out", "pack.zip", *STORE)
    with ZipFile(plant.inside / "pack.zip") as archive:
        archive.extractall(plant.inside / "unpacked")
    return plant


def unpacked(plant: Plant) -> list[tuple[str, bytes]]:
    folder: Path = plant.inside / "unpacked"
    return [(path.name, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()]


def test_the_pack_tells_of_every_card(plant: Plant) -> None:
    assert (plant.codes["import"], plant.codes["evidence"]) == (0, 0)
    lines = (plant.inside / "unpacked/results.jsonl").read_text().splitlines()
    verdicts = [json.loads(line)["verdict"] for line in lines]
    assert (verdicts.count("REJECTED"), verdicts.count("GOOD")) == (1, 3)
    iccid = (plant.outside / "order.csv").read_text().splitlines()[1].split(",")[0]
    found = {hit.place for hit in search(iter(unpacked(plant)), {"iccid": {"text": iccid.encode()}})}
    assert {"report.html", "results.jsonl"} <= found


@pytest.mark.requirement("L1")
@pytest.mark.requirement("R2")
@pytest.mark.parametrize("personal", [False, True], ids=["secrets", "personal"])
def test_nothing_planted_is_in_it(plant: Plant, personal: bool) -> None:
    hits = search(iter(unpacked(plant)), plant.needles)
    assert [hit for hit in hits if hit.canary.startswith(PERSONAL) == personal] == []
