"""What a station tries before a shift, one line each: readers, a card with test keys, clock, disk, audit, keys.

production.md 15
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_bytes

from sqlalchemy import func, select

from cardkit.crypto.keysource import KeySource
from cardkit.errors import CardkitError, StoreError
from cardkit.perso import personalize, plan, prepare, verify
from cardkit.production.store import schema
from cardkit.production.store.store import Store
from cardkit.profile import Record, load_profile, read_order
from cardkit.target import Scheme, Target, open_card
from cardkit.transport.pcsc import find_reader

PROFILE, IMAGE = "sim/usim-test", "virtual:usim"
FREE_BYTES = 200 * 1024 * 1024
PROBE_BYTES = 4096
# A clock that stands before the store's last event was set back, but for what two machines may differ.
CLOCK_SLACK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing that was tried.

    :param seen: what was found, or why it failed.
    """

    name: str
    passed: bool
    seen: str


def self_test(store: Store, station: str, readers: Sequence[Target], keys: KeySource | None) -> Iterator[Trial]:
    """Yield a trial for each thing a shift depends on; none is left out because another failed."""
    yield _tried("readers", lambda: _readers(readers))
    yield _tried("card", _card)
    yield _tried("clock", lambda: _clock(store))
    yield _tried("disk", lambda: _disk(store.journals))
    yield _tried("audit", lambda: _audit(store, station))
    if keys is not None:
        yield _tried("keys", lambda: _keys(keys))


def _tried(name: str, trial: Callable[[], str]) -> Trial:
    try:
        return Trial(name, True, trial())
    except (CardkitError, OSError) as error:
        return Trial(name, False, str(error))


def _readers(readers: Sequence[Target]) -> str:
    names = [find_reader(_index_or_name(reader)) for reader in readers if reader.scheme is Scheme.PCSC]
    if len(set(names)) != len(names):
        raise StoreError(f"a reader is named twice: {', '.join(names)}")
    for image in {reader.name for reader in readers if reader.scheme is Scheme.VIRTUAL}:
        open_card(f"{Scheme.VIRTUAL}:{image}").close()
    virtual = len(readers) - len(names)
    return f"{len(readers)} {'reader' if len(readers) == 1 else 'readers'}, {virtual} of them virtual"


def _index_or_name(reader: Target) -> int | str:
    return int(reader.name) if reader.name.isdecimal() else reader.name


def _card() -> str:
    """Make and verify a test card with test keys: program, profiles and cryptography are whole."""
    start = time.perf_counter()
    profile = load_profile(PROFILE)
    keystore = profile.test_keystore()
    rows = read_order(profile, profile.path.parent / "order.csv", keystore)
    record = next(row for row in rows if isinstance(row, Record))
    prepared = prepare(profile, record, keystore, token_bytes)
    todo = plan(profile, record, prepared, keystore)
    with open_card(IMAGE) as card:
        made = personalize(todo, card, keystore)
        report = verify(todo, card, keystore)
    if made.verdict != "GOOD" or report.verdict != "GOOD":
        raise StoreError(f"a virtual {profile.name} came out {made.verdict}, verified {report.verdict}, expected GOOD")
    return f"a virtual {profile.name} made and verified in {(time.perf_counter() - start) * 1000:.0f} ms"


def _clock(store: Store) -> str:
    with store.reading() as connection:
        last = connection.scalar(select(func.max(schema.audit_head.c.at)))
    now = store.clocks.wall()
    if last and now < datetime.fromisoformat(last) - CLOCK_SLACK:
        raise StoreError(f"the clock says {now:%Y-%m-%d %H:%M:%S}, the store's last event is of {last}")
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _disk(folder: Path) -> str:
    """Write where the journals lie, through to the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise StoreError(f"{folder}: {free // 2**20} MB free, expected {FREE_BYTES // 2**20} MB")
    probe = folder / f"probe-{os.getpid()}"
    start = time.perf_counter()
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with suppress(OSError):
            probe.unlink()
    return f"{free // 2**20} MB free, written through in {(time.perf_counter() - start) * 1000:.1f} ms"


def _audit(store: Store, station: str) -> str:
    """Compare the head of the station's chain with its last event, and its last checkpoint with the event it signs."""
    chain, links = schema.audit_head, schema.audit
    with store.reading() as connection:
        head = connection.execute(select(chain).where(chain.c.chain == station)).one_or_none()
        if head is None:
            return "this station's first shift"
        signed = connection.scalar(
            select(func.max(schema.checkpoint.c.seq)).where(schema.checkpoint.c.chain == station)
        )
        mine = select(links.c.seq, links.c.hash).where(links.c.chain == station)
        last = connection.execute(mine.order_by(links.c.seq.desc()).limit(1)).one_or_none()
    if last is None or (last.seq, last.hash) != (head.seq, head.hash) or (signed or 0) > head.seq:
        raise StoreError(f"the audit of {station} does not end where its head and its checkpoint say: `audit verify`")
    return f"{head.seq} events, signed up to {signed or 0}"


def _keys(keys: KeySource) -> str:
    with keys.open():
        return f"{keys.url.partition(':')[0]} opens"
