"""Ratios against plain Python in the same run: an order of magnitude is seen on any machine, traced or not."""

import time

from cardkit.virtual import VirtualCard, load_image


def best(work, times, rounds=20):
    """Seconds per call, the best of some rounds."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(times):
            work()
        found.append((time.perf_counter() - start) / times)
    return min(found)


def test_a_short_read_costs_less_than_100_plain_calls(usim):
    """31 on a quiet machine: 1.9 us."""
    usim.select("7FF06F07")
    transmit, command = usim.card.transmit, bytes.fromhex("00B0000009")

    def plain():
        return None

    assert best(lambda: transmit(command), 500) < 100 * best(plain, 500)


def test_a_fresh_card_costs_less_than_100_copies_of_its_memory():
    """About 10 on a quiet machine: 10 us."""
    image = load_image("usim")
    copied = best(lambda: dict(image.cells), 50)
    assert best(lambda: VirtualCard(image, serial=b"12345678"), 50) < 100 * copied


def test_a_fresh_card_shares_all_but_its_serial_with_the_image():
    image = load_image("usim")
    card = VirtualCard(image, serial=b"12345678")
    shared = [name for name, body in image.cells.items() if card.chip.memory.cells[name] is body]
    assert len(shared) == len(image.cells) - 1
