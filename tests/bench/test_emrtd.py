"""How many travel documents one core prepares, and how long one is read at a border (``make bench`` prints both)."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from time import process_time

import pytest

from cardkit.perso import prepare
from cardkit.profile import load_profile, read_order
from tests.interop.conftest import Slots
from tests.interop.stack import HOME, require_stack, running
from tests.interop.test_emrtd_reader import MOST_SECONDS, inserted, timed

DOCUMENTS = 300
FAST = 200
"""Documents a second a core, with a document signer on P-256."""
ROUNDS = 12


@pytest.fixture
def slots() -> Iterator[Slots]:
    """A private stack with empty readers."""
    require_stack()
    with running(2) as private:
        slots = Slots(private)
        yield slots
        slots.clear()
    shutil.rmtree(HOME, ignore_errors=True)


def test_a_core_prepares_two_hundred_documents_a_second() -> None:
    profile = load_profile("id/emrtd-td3")
    keystore = profile.test_keystore()
    records = read_order(profile, profile.path.parent / "order.csv", keystore).records
    for record in records:
        prepare(profile, record, keystore, secrets.token_bytes)
    begin = process_time()
    for number in range(DOCUMENTS):
        prepare(profile, records[number % len(records)], keystore, secrets.token_bytes)
    rate = DOCUMENTS / (process_time() - begin)
    print(f"\n{rate:,.0f} travel documents a second a core")
    assert rate >= FAST


@pytest.mark.parametrize("image", ["emrtd-native", "emrtd-applet"])
def test_a_passport_is_read_in_time(slots: Slots, image: str) -> None:
    reader = inserted(slots, image)
    times = sorted(timed(reader)[0] for _ in range(ROUNDS))
    median = times[ROUNDS // 2]
    print(f"\n{image}: read with PACE, CA, AA and PA in {1000 * times[0]:.0f} ms, median {1000 * median:.0f}")
    assert min(times) <= MOST_SECONDS
