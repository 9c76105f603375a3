"""How many USIMs with ISIM two cores make and fully verify a second, on virtual cards (``make bench`` prints it).

Planned, personalized, checked, sealed, and looked at again as a stranger; store and journal are in test_batch.py. The
figure is printed; what is guarded is the processor time of the quickest card, which other programs change least.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter, process_time

import pytest

from cardkit.perso import personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import VirtualCard

CORES, CARDS, WARM = 2, 300, 20
PRODUCTS = [("sim/usim-test", "usim", 5.0), ("sim/usim-isim-5g-test", "usim-isim-5g", 10.0)]


def make(name: str, image: str, cards: int) -> tuple[float, float]:
    """Make cards in this process; return seconds by the clock for all, processor seconds of the quickest."""
    profile = load_profile(name)
    keystore = profile.test_keystore()
    records = read_order(profile, profile.path.parent / "order.csv", keystore).records
    spent: list[float] = []
    for number in range(WARM + cards):
        if number == WARM:
            began = perf_counter()
        started = process_time()
        record = records[number % len(records)]
        todo = plan(profile, record, prepare(profile, record, keystore, secrets.token_bytes), keystore)
        outcome = personalize(todo, Card(LoopbackConnection(VirtualCard(image, seed=number))), keystore)
        spent.append(process_time() - started)
        assert outcome.verdict == "GOOD"
    return perf_counter() - began, min(spent)


@pytest.mark.parametrize(("name", "image", "most_ms"), PRODUCTS)
def test_cards_made_and_verified_on_two_cores(
    name: str, image: str, most_ms: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        done = [run.result() for run in [pool.submit(make, name, image, CARDS) for _ in range(CORES)]]
    rate = sum(CARDS / clock for clock, _ in done)
    best = min(quickest for _, quickest in done) * 1000
    with capsys.disabled():
        print(
            f"\n{name}: {rate:.0f} cards/s by the clock on {CORES} cores; {best:.2f} ms of processor a card,"
            f" {CORES * 1000 / best:.0f} cards/s on idle cores"
        )
    assert best <= most_ms
