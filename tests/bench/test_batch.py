"""What a batch costs: cards a second for one core, and how much of it is store, journal and supervisor.

The goal is 200 full USIMs a second for one core of an idle machine, personalized, verified and journaled: 5 ms of
processor each. Figures are printed, of the quickest stretch of the run and of all of it: other programs empty the
caches, and double a card's time. What is guarded is a ratio taken in one run, so that a busy machine changes little:
the quickest stretch of a batch against that of the same cards alone.
"""

from __future__ import annotations

import csv
import secrets
import time
from pathlib import Path

import pytest

from cardkit.crypto import KeyStore
from cardkit.perso import personalize, plan, prepare
from cardkit.production import RunOptions, check_batch, events, import_batch, open_store, run_batch
from cardkit.production.store import Card as BoundCard
from cardkit.production.store import Store, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.profile import Order, Profile, load_profile, read_order
from cardkit.target import Card, Feeder

GOAL = 200  # cards/s per core
CARDS, ALONE, STRETCH = 600, 150, 40
MOST_TIMES_THE_CARD_ALONE = 2.0


def luhn_digit(digits: str) -> int:
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return -sum(digit - 9 if digit > 9 else digit for digit in doubled) % 10


def write_order(path: Path, cards: int) -> None:
    names = ["iccid", "imsi", "msisdn", "ki", "opc", "pin1", "puk1", "pin2", "puk2", "adm1"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in range(1, cards + 1):
            body = f"8999901{row:011d}"
            keys = [f"404142434445464748494A4B{row:08X}", f"505152535455565758595A5B{row:08X}"]
            codes = ["2437", "35008919", "5653", "71008007", f"61626364{row:08X}"]
            writer.writerow([f"{body}{luhn_digit(body)}", f"00101{row:010d}", f"99901{row:07d}", *keys, *codes])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'bench.db'}", operator="bench", create=True)


@pytest.mark.parametrize("target", ["virtual:usim", "virtual:usim*4"])
def test_cards_made_verified_and_journaled(store: Store, tmp_path: Path, target: str) -> None:
    write_order(tmp_path / "order.csv", CARDS)
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    order = read_order(profile, tmp_path / "order.csv", keystore)
    import_batch(store, profile, order, keystore, tmp_path / "order.csv")
    run_batch(store, "order", [target], options=RunOptions("bench", limit=10))  # caches are warm from here on
    alone = seconds_alone(profile, keystore, order)

    ends: list[float] = []

    def note(event: events.Event) -> None:
        if isinstance(event, events.CardDone):
            ends.append(time.process_time())

    processor, clock = time.process_time(), time.perf_counter()
    done = run_batch(store, "order", [target], reporter=note, options=RunOptions("bench"))
    processor, clock = time.process_time() - processor, time.perf_counter() - clock

    assert done.good == CARDS - 10
    assert check_batch(store) == []
    card = quickest(ends)
    print(
        f"\n{target}: {1 / card:.0f} cards/s per core (goal {GOAL}), {done.good / processor:.0f} over the whole run;"
        f" {card / alone:.2f} times the card alone ({alone * 1000:.1f} ms);"
        f" {done.good / clock:.0f} cards/s by the clock with this disk"
    )
    assert card / alone < MOST_TIMES_THE_CARD_ALONE
    store.close()


def quickest(ends: list[float]) -> float:
    """Return the processor time of a card in the quickest stretch, from the times at which cards ended."""
    return min(last - first for first, last in zip(ends, ends[STRETCH:], strict=False)) / STRETCH


def seconds_alone(profile: Profile, keystore: KeyStore, order: Order) -> float:
    """Processor time of one card without store and journal: planned, personalized and verified."""
    feeder = Feeder("virtual:usim")
    ends = [time.process_time()]
    for record in order.records[:ALONE]:
        todo = plan(profile, record, prepare(profile, record, keystore, secrets.token_bytes), keystore)
        with Card(feeder.next_connection()) as card:
            assert personalize(todo, card, keystore).verdict == "GOOD"
        ends.append(time.process_time())
    return quickest(ends)


def test_bind_and_commit(store: Store) -> None:
    new = NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32)
    lot = add_batch(store, new, [NewRecord(row, b"", {"iccid": str(row)}) for row in range(1, CARDS + 1)])
    session, _ = start_session(store, "bench")
    claims = session.claim("B", CARDS, 60)
    processor = time.process_time()
    for claim in claims:
        card = BoundCard(claim.record_id, claim.token, f"chip {claim.record_id}")
        session.bind(lot, card)
        session.commit(lot, card, b"e" * 32)
    rate = CARDS / (time.process_time() - processor)
    print(f"\nstore: {rate:.0f} cards/s per core bound and committed")
    assert rate > 200
    store.close()
