"""``cardkit id prepare``, and a batch of documents made from what it left in the store."""

from __future__ import annotations

import json

import pytest

from cardkit.cli.app import run
from tests.unit.emrtd_states.conftest import PROFILE


@pytest.fixture
def order(tmp_path):
    """An order of two rows."""
    lines = (PROFILE / "order.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "two.csv"
    path.write_text("".join(lines[:3]), encoding="utf-8")
    return path


def test_an_order_is_prepared_once_and_made(order, tmp_path, capsys):
    store = f"sqlite:///{tmp_path}/cards.db"
    command = ["id", "prepare", str(PROFILE), str(order), "--store", store, "--json"]
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out) == {"batch": "two", "prepared": 2, "before": 0, "quarantined": []}
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out) == {"batch": "two", "prepared": 0, "before": 2, "quarantined": []}
    assert run(["batch", "run", "two", "--store", store, "--reader", "virtual:emrtd-native"]) == 0
    assert "records   2 GOOD" in capsys.readouterr().out


def test_a_record_that_does_not_fit_stops_the_preparation(order, tmp_path, capsys):
    order.write_text(order.read_text(encoding="utf-8").replace("face-2.jpg", "face-9.jpg"), encoding="utf-8")
    assert run(["id", "prepare", str(PROFILE), str(order), "--store", f"sqlite:///{tmp_path}/cards.db"]) == 4
    assert "row 2: image: 10 characters are neither hex digits nor a file the profile names" in capsys.readouterr().err
