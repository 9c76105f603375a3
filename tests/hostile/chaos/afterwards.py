"""The control: a station that makes the card first and writes it down afterwards, as a queue with late acknowledge."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cardkit.perso import personalize, plan, prepare
from cardkit.profile import Record, load_profile, read_order
from cardkit.target import Card, Feeder

COUPLERS = 4


def main(words: list[str]) -> None:
    """Make each record of an order that is not written down, on fresh chips: ORDER CHIPS DONE."""
    order, chips, done = (Path(word) for word in words)
    profile = load_profile("sim/usim-test")
    keystore = profile.test_keystore()
    made = {int(line) for line in done.read_text("ascii").split()} if done.exists() else set()
    writing = threading.Lock()

    def make(record: Record) -> None:
        todo = plan(profile, record, prepare(profile, record, keystore, secrets.token_bytes), keystore)
        with Card(Feeder(f"virtual:usim@{chips}").next_connection()) as card:
            personalize(todo, card, keystore)
        with writing, done.open("a", encoding="ascii") as acknowledged:
            acknowledged.write(f"{record.row_no}\n")

    todo = [record for record in read_order(profile, order, keystore).records if record.row_no not in made]
    with ThreadPoolExecutor(COUPLERS) as couplers:
        list(couplers.map(make, todo))
