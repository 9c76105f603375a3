"""The library in one breath: one card, personalized and verified.

Run it as it is (a virtual card), or give it a reader: ``python examples/library.py pcsc:0``.
"""

from __future__ import annotations

import secrets
import sys

from cardkit import load_profile, open_card, personalize, plan, prepare, read_order, verify


def main(reader: str = "virtual:usim") -> None:
    """Make one card of the test profile's order."""
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]

    prepared = prepare(profile, record, keystore, secrets.token_bytes)  # random and slow values, made once
    todo = plan(profile, record, prepared, keystore)  # everything checked before a card is touched
    with open_card(reader) as card:
        outcome = personalize(todo, card, keystore)
        report = verify(todo, card, keystore)  # reads back, proves keys
    print(f"{outcome.verdict}: {len(todo.steps)} commands planned, chip {outcome.chip_id}")
    broken = [finding for finding in report.findings if finding.severity != "I"]  # I: said for information, not checked
    print(f"{report.verdict}: {len(report.checked)} rules checked, {len(broken)} broken")
    for finding in broken:
        print(f"  {finding.rule} {finding.severity} {finding.where}: {finding.actual}")


if __name__ == "__main__":
    main(*sys.argv[1:])
