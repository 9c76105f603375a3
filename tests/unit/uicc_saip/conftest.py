"""Packages and records the tests share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cardkit.apps.uicc.app import UiccBlueprint
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.states.product import Product
from cardkit.crypto import KeyStore
from cardkit.perso.planner import compiled
from cardkit.profile import Record, load_profile, read_order

VECTORS = Path(__file__).parents[2] / "vectors" / "saip"
SAMPLE = VECTORS / "cardkit-test.der"


@dataclass(frozen=True)
class Job:
    """A compiled profile and one record of its order."""

    product: Product
    record: Record
    keystore: KeyStore


@pytest.fixture(scope="session")
def sample() -> Package:
    """A package of our own, encoded by other hands."""
    return Package.read(SAMPLE.read_bytes())


@pytest.fixture(scope="session")
def roomy(sample: Package) -> Package:
    """The same with ISIM files as long as IMS names of three-digit networks need them."""
    sizes = {"ef-impi": b"\x80", "ef-domain": b"\x80"}
    at, isim = next(iter(sample.all("isim")))
    edits = []
    for place, file in enumerate(isim.children):
        if file.name in sizes:
            parameters = file.require("fileDescriptor").setting("efFileSize", sizes[file.name])
            edits.append(((at, place, 0), parameters.children))
    return sample.edited(edits)


@pytest.fixture(scope="session")
def job() -> Job:
    """The shipped test profile and the first record of its order."""
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    blueprint = compiled(profile)
    assert isinstance(blueprint, UiccBlueprint)
    return Job(blueprint.product, record, keystore)


def facts(document: Mapping[str, Any], directory: str, file: str) -> Mapping[str, Any]:
    """Return a file's entry in a described package."""
    found = next(entry for entry in document["directories"] if entry["name"] == directory)
    entry: Mapping[str, Any] = next(item for item in found["files"] if item["name"] == file)
    return entry
