"""LIVE plants whose passwords are cheap to check."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.crypto import passphrase
from tests.unit.live.plant import LivePlant

CHEAP = {"m_kib": 32, "t": 1, "p": 4}


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LivePlant:
    """People and a product; no key store yet."""
    monkeypatch.setitem(passphrase.COSTS, "argon2id", CHEAP)
    monkeypatch.chdir(tmp_path)
    made = LivePlant(tmp_path, run)
    made.build()
    return made


@pytest.fixture(scope="module")
def opened_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlant]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(passphrase.COSTS, "argon2id", CHEAP)
        patch.chdir(tmp_path_factory.mktemp("plant"))
        made = LivePlant(Path.cwd(), run)
        made.build()
        made.make_key_store()
        assert made.approve_product() == [0] * 4
        made.take_order()
        assert made.open_batch() == [0, 0]
        yield made


@pytest.fixture
def opened(opened_once: LivePlant, monkeypatch: pytest.MonkeyPatch) -> LivePlant:
    """A plant with an open batch that several tests share: none of them makes a card."""
    monkeypatch.setitem(passphrase.COSTS, "argon2id", CHEAP)
    monkeypatch.chdir(opened_once.folder)
    return dataclasses.replace(opened_once)
