"""Finished documents, made once and copied for each test."""

import copy
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cardkit.virtual import make_card

from . import issuance, plant
from .reader import Reader


@lru_cache(maxsize=32)
def _finished(image, pace, chip, version, keys, files):
    document = issuance.document(pace, chip, version=version, keys=dict(keys), files=dict(files))
    make = plant.make_applet if image == "emrtd-applet" else plant.make_native
    return make(make_card(image, seed=1), document)


@pytest.fixture(scope="session")
def rsa_key():
    """A test key of 2048 bits from a file: making one is slow."""
    return load_pem_private_key((Path(__file__).parent / "active-authentication.pem").read_bytes(), None)


@pytest.fixture
def issue():
    """A reader with a fresh copy of a finished document in it."""

    def make(pace=((0x0202, 13),), chip=((0x0202, 13, None),), *, version=1, keys=(), files=(), image="emrtd-native"):
        done = _finished(image, tuple(pace), tuple(chip), version, tuple(keys), tuple(files))
        return Reader(copy.deepcopy(done, {id(done.image): done.image}))  # images are shared by all chips

    return make
