"""How many DESFire cards a core makes and fully verifies a second, on virtual cards (``make bench`` prints it).

Planned, personalized, every setting and content read back, every key proven. The figure is printed; what is guarded is
the processor time of the quickest card, which other programs change least, and the client's part of it.
"""

from __future__ import annotations

import secrets
from time import perf_counter, process_time

import pytest

from cardkit.perso import personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from tests.unit.desfire.small import small_product

CARDS, WARM = 100, 10
MOST_MS = 10.0
MOST_CLIENT_MS = 6.0


class Timed:
    """A chip that notes how long it thinks."""

    def __init__(self, chip):
        self._chip, self.spent, self.commands = chip, 0.0, 0
        self.atr, self.power = chip.atr, chip.power

    def transmit(self, command):
        began = process_time()
        answer = self._chip.transmit(command)
        self.spent += process_time() - began
        self.commands += 1
        return answer


def made(folder, image):
    """Make cards; return seconds by the clock, and processor seconds of whole, card and commands of the quickest."""
    profile = load_profile(folder)
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    chips = [make_card(image, seed=number) for number in range(WARM + CARDS)]
    spent = []
    for number, chip in enumerate(chips):
        if number == WARM:
            clock = perf_counter()
        timed, began = Timed(chip), process_time()
        todo = plan(profile, record, prepare(profile, record, keystore, secrets.token_bytes), keystore)
        assert personalize(todo, Card(LoopbackConnection(timed)), keystore).verdict == "GOOD"
        spent.append((process_time() - began, timed.spent, timed.commands))
    return perf_counter() - clock, min(spent)


@pytest.mark.parametrize("generation", ["ev1", "ev2"])
def test_cards_of_400_bytes_made_and_verified(generation, tmp_path, capsys):
    clock, (whole, card, commands) = made(small_product(tmp_path, generation, 400), f"desfire-{generation}")
    client = whole - card
    with capsys.disabled():
        print(
            f"\nDESFire {generation.upper()}, 400 bytes: {CARDS / clock:.0f} cards/s by the clock, "
            f"{1 / whole:.0f} on an idle core ({whole * 1e3:.2f} ms for {commands} commands: "
            f"card {card * 1e3:.2f}, client {client * 1e3:.2f} = {client / commands * 1e6:.0f} us a command)"
        )
    assert whole * 1e3 <= MOST_MS
    assert client * 1e3 <= MOST_CLIENT_MS
