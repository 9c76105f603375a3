"""Blank cards, and vectors by operation."""

import json
from pathlib import Path

import pytest

from cardkit.virtual import make_card

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name, *operations):
    """Vectors of a file, as parameters with their names."""
    found = json.loads((VECTORS / f"{name}.json").read_text())
    chosen = [vector for vector in found if vector["in"]["op"] in operations]
    assert chosen
    return [pytest.param(vector["in"], vector["out"], id=vector["name"]) for vector in chosen]


class Fixed:
    """Randomness that is known beforehand."""

    def __init__(self, *parts):
        self.parts = [bytes.fromhex(part) for part in parts]

    def randbytes(self, size):
        part = self.parts.pop(0)
        assert len(part) == size
        return part


class Terminal:
    """Sends raw native frames in hex, answers in hex; keeps the card at hand."""

    def __init__(self, card):
        self.card = card

    def __call__(self, command):
        return self.card.transmit(bytes.fromhex(command)).hex()

    def all(self, *commands):
        """Commands that must succeed."""
        for command in commands:
            assert self(command)[:2] == "00", command
        return self


@pytest.fixture
def ev1():
    return Terminal(make_card("desfire-ev1", seed=1))


@pytest.fixture
def ev2():
    return Terminal(make_card("desfire-ev2", seed=1))


@pytest.fixture
def d40():
    return Terminal(make_card("desfire-d40", seed=1))


@pytest.fixture
def ntag():
    return Terminal(make_card("ntag424", seed=1))
