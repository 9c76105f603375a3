"""Generous bars, a tenth of what is measured on a quiet machine: a slip of an order of magnitude is seen anywhere."""

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


def test_a_short_read_takes_microseconds(usim):
    usim.select("7FF06F07")
    transmit, command = usim.card.transmit, bytes.fromhex("00B0000009")
    assert best(lambda: transmit(command), 500) < 25e-6


def test_a_fresh_card_shares_its_image():
    image = load_image("usim")
    assert best(lambda: VirtualCard(image, serial=b"12345678"), 50) < 300e-6
    card = VirtualCard(image, serial=b"12345678")
    shared = [name for name, body in image.cells.items() if card.chip.memory.cells[name] is body]
    assert len(shared) == len(image.cells) - 1
