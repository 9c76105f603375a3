"""LIVE plants whose passwords are cheap to check: product, chips and order are shared, both stores are copied."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.crypto import passphrase
from tests.unit.live.plant import LivePlant

CHEAP = {"m_kib": 32, "t": 1, "p": 4}


@pytest.fixture(scope="session")
def equipped(tmp_path_factory: pytest.TempPathFactory) -> LivePlant:
    """A plant with people, a product and a key store, made once; its desk stands in the folder `desk`."""
    folder = tmp_path_factory.mktemp("live")
    (folder / "desk").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passphrase.COSTS, "argon2id", CHEAP)
        patch.chdir(folder / "desk")
        made = LivePlant(folder, run)
        made.build()
        made.make_key_store()
    return made


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", CHEAP)


@pytest.fixture
def plant(equipped: LivePlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivePlant:
    """A plant of its own: nothing is approved yet."""
    shutil.copytree(equipped.folder / "desk", tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    return dataclasses.replace(equipped)


@pytest.fixture(scope="module")
def opened_desk(equipped: LivePlant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = tmp_path_factory.mktemp("opened") / "desk"
    shutil.copytree(equipped.folder / "desk", desk)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passphrase.COSTS, "argon2id", CHEAP)
        patch.chdir(desk)
        assert equipped.approve_product() == [0] * 4
        equipped.take_order()
        assert equipped.open_batch() == [0, 0]
    return desk


@pytest.fixture
def opened(equipped: LivePlant, opened_desk: Path, monkeypatch: pytest.MonkeyPatch) -> LivePlant:
    """A plant with an open batch that several tests share: none of them makes a card."""
    monkeypatch.chdir(opened_desk)
    return dataclasses.replace(equipped)
