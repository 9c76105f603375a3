"""Personalized payment cards, made once and copied for each test."""

import copy
from dataclasses import replace
from functools import lru_cache

import pytest

from cardkit.virtual import make_card

from . import bureau, issuance
from .terminal import Terminal


@lru_cache(maxsize=64)
def _finished(name, image, contactless, changes):
    dgis = issuance.card(name, **dict(changes))
    protocol = 0 if image.endswith("t0") else 1
    return bureau.personalize(make_card(image, seed=1), dgis, protocol=protocol, contactless=contactless)


@pytest.fixture
def issue():
    """A terminal with a fresh copy of a finished card in it, after a reset."""

    def make(name="vsdc18", *, image="emv-cps", contactless=False, **changes):
        done = _finished(name, image, contactless, tuple(sorted(changes.items())))
        card = copy.deepcopy(done)
        card.power(True)
        return Terminal(card, 0 if image.endswith("t0") else 1)

    return make


@pytest.fixture
def choose():
    """Give the card in a terminal other choices of its maker."""

    def change(terminal, **choices):
        chip = terminal.card.chip
        chip.image = replace(chip.image, options={"payment": {**chip.image.options["payment"], **choices}})
        return terminal

    return change
