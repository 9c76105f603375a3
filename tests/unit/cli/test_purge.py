"""``cardkit purge``: asked for, done, reported; an order whose batches are all purged is purged, too."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from sqlalchemy import text

from cardkit.cli.app import run
from cardkit.production import open_store
from tests.unit.cli.conftest import ORDER, PROFILE

URL = "sqlite:///plant.db"
STORE = ["--store", URL, "--operator", "ana"]


def sql(statement: str) -> None:
    with open_store(URL, operator="ana") as store, store.writing() as connection:
        connection.execute(text(statement))


def _no(*words: object, **options: object) -> None:
    raise click.Abort


@pytest.mark.requirement("D3")
def test_a_closed_batch_is_purged_and_its_report_verified(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ["order", "create", "O-1", "--customer", "acme", "--profile", PROFILE, "--quantity", "100", *STORE]
    assert run(made) == 0
    assert run(["order", "approve", "O-1", "--store", URL, "--operator", "bek"]) == 0
    assert run(["batch", "import", PROFILE, ORDER, "--name", "B-1", "--order", "O-1", *STORE]) == 0
    capfd.readouterr()
    assert run(["purge", "--batch", "B-1", "--yes", *STORE]) == 4
    assert "a purge needs it CLOSED, it is OPEN" in capfd.readouterr().err
    sql("update batch set state = 'CLOSED'")
    sql("update customer_order set state = 'CLOSED'")
    monkeypatch.setattr("click.confirm", _no)
    assert run(["purge", "--batch", "B-1", *STORE]) == 130
    capfd.readouterr()
    assert run(["purge", "--batch", "B-1", "--yes", "--json", *STORE]) == 0
    done = json.loads(capfd.readouterr().out)
    assert (done["key_destroyed"], done["database_scrubbed"], done["report"]) == (True, True, "purge-B-1.json")
    assert run(["audit", "key", *STORE]) == 0
    Path("office.pem").write_text(capfd.readouterr().out)
    assert run(["audit", "verify", "purge-B-1.json", "--key", "office.pem"]) == 0
    shown = capfd.readouterr()
    assert json.loads(shown.out)["emptied"]["records"] == done["records"]
    assert "signed by this key, unchanged" in shown.err
    assert run(["audit", "verify", *STORE]) == 0
    assert run(["batch", "status", "B-1", "--json", *STORE]) == 0
    assert run(["order", "status", "O-1", "--json", *STORE]) == 0
    assert '"PURGED"' in capfd.readouterr().out


def test_the_report_of_a_purged_batch_cannot_be_written(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", "import", PROFILE, ORDER, "--name", "B-1", *STORE]) == 0
    sql("update batch set state = 'CLOSED'")
    assert run(["purge", "--batch", "B-1", "--yes", *STORE]) == 0
    assert run(["purge", "--batch", "B-1", "--yes", *STORE]) == 0
    assert "destroyed by an earlier purge" in capfd.readouterr().out
    assert run(["batch", "report", "B-1", "r", *STORE]) == 4
    assert "the key of batch B-1 is missing: it was purged" in capfd.readouterr().err
