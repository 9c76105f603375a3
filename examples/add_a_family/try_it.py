"""Two loyalty cards in this process: a good one, and one whose memory loses a bit of the balance.

Install the family first (``pip install examples/add_a_family``), then ``python examples/add_a_family/try_it.py``.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from loyalty_card import POINTS, LoyaltyCard

from cardkit import load_profile, personalize, plan, prepare, read_order, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection

CLUB = Path(__file__).parent / "profiles" / "loyalty" / "club"


class WornCard(LoyaltyCard):
    """Acknowledges every write; the lowest bit of the balance never becomes 1 again."""

    def store(self, fid: int, offset: int, data: bytes) -> None:
        """Write to the memory."""
        super().store(fid, offset, bytes((*data[:-1], data[-1] ^ 1)) if fid == POINTS else data)


def main() -> None:
    """Make row 1 of the order on a good card, row 2 on a worn one."""
    profile = load_profile(CLUB)
    keystore = profile.test_keystore()
    order = read_order(profile, CLUB / "order.csv", keystore)
    for record, chip in zip(order.records, (LoyaltyCard(), WornCard()), strict=False):
        prepared = prepare(profile, record, keystore, secrets.token_bytes)
        todo = plan(profile, record, prepared, keystore)
        with Card(LoopbackConnection(chip, reader="loyalty card")) as card:
            outcome = personalize(todo, card, keystore)
            report = verify(todo, card, keystore)
        print(f"row {record.row_no}: {len(todo.steps)} commands planned, made {outcome.verdict}, is {report.verdict}")
        for finding in outcome.findings:
            print(f"  {finding.rule} {finding.where}: expected {finding.expected}, got {finding.actual}")


if __name__ == "__main__":
    main()
