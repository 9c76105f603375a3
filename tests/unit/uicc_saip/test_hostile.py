"""Packages that are well formed and make no sense: every verb answers, or says what is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apps.uicc.saip.asn1 import Node
from cardkit.apps.uicc.saip.describe import describe, lines
from cardkit.apps.uicc.saip.image import card_image
from cardkit.apps.uicc.saip.package import Package
from cardkit.apps.uicc.saip.personalize import personalized
from cardkit.apps.uicc.saip.profile import compiled_profile
from cardkit.errors import CardkitError, EncodingError

from .conftest import Job
from .test_profile import BARE, chip

# Enough to have every kind of component, and quick.
KEPT = ("header", "mf", "pukCodes", "pinCodes", "usim", "akaParameter", "isim", "securityDomain", "rfm", "end")


@pytest.fixture(scope="module")
def small(roomy: Package) -> Package:
    return Package(tuple(element for element in roomy.elements if element.name in KEPT))


@pytest.fixture(scope="module")
def verbs(job: Job) -> tuple[Callable[[Package], object], ...]:
    bare = chip(BARE)
    return (
        lambda package: list(lines(describe(package))),
        lambda package: card_image(package, "x"),
        lambda package: compiled_profile(package, "x", BARE, bare).toml(),
        lambda package: personalized(package, job.product, job.record).build(),
    )


def mutated(node: Node, rng: random.Random) -> Node:
    """Return the node with one thing wrong somewhere inside."""
    if isinstance(node.content, bytes):
        longer, shorter = node.content + b"\xff", node.content[:-1]
        return node.holding(rng.choice((b"", longer, shorter, rng.randbytes(max(1, len(node.content))))))
    children = list(node.content)
    if not children or rng.random() < 0.1:
        return node.holding(())
    at = rng.randrange(len(children))
    match rng.randrange(6):
        case 0:
            del children[at]
        case 1:
            children.insert(at, children[at])
        case _:
            children[at] = mutated(children[at], rng)
    return node.holding(tuple(children))


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1 << 32), times=st.integers(1, 4))
def test_senseless_packages_never_crash_a_verb(
    small: Package, verbs: tuple[Callable[[Package], object], ...], seed: int, times: int
) -> None:
    rng = random.Random(seed)
    elements = list(small.elements)
    for _ in range(times):
        at = rng.randrange(len(elements))
        elements[at] = mutated(elements[at], rng)
    data = Package(tuple(elements)).build()
    try:
        package = Package.read(data)
    except EncodingError:
        return
    assert package.build() == data
    for verb in verbs:
        with suppress(CardkitError):
            verb(package)
