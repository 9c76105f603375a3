"""A product whose application is nothing but two structs: profiles are tested without any card family."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from cardkit.apps import registry

DEMO = Path(__file__).parent / "demo" / "profiles"


class DemoBlock(msgspec.Struct, forbid_unknown_fields=True):
    greeting: str
    codes: dict[str, str] = {}
    pin: str | None = None
    deep: dict[str, list[dict[str, int]]] = {}


class DemoChip(msgspec.Struct, forbid_unknown_fields=True):
    sizes: dict[str, int]


class DemoApp:
    name = "demo"
    block = DemoBlock
    chip_block = DemoChip


@pytest.fixture(autouse=True)
def demo_app(monkeypatch):
    module = ModuleType("demo_app")
    module.APP = DemoApp()
    monkeypatch.setitem(sys.modules, "demo_app", module)
    monkeypatch.setitem(registry.BUILT_IN, "demo", "demo_app:APP")
    registry.get_app.cache_clear()
    yield module.APP
    registry.get_app.cache_clear()


@pytest.fixture
def product(tmp_path):
    """The folder of a writable copy of the demo product."""
    shutil.copytree(DEMO, tmp_path / "profiles")
    return tmp_path / "profiles" / "sim" / "demo"


@pytest.fixture
def edit(product):
    """Replace one text in a file of the product, which must hold it."""

    def edit_file(old: str, new: str, name: str = "profile.toml") -> Path:
        path = product / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return product

    return edit_file
