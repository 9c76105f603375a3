"""What was not done inside a token while a batch was made, as its audit has it. security.md K9"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from cardkit.production.store import Batch, Store
from cardkit.production.store.schema import audit


def key_exceptions(store: Store, lot: Batch) -> tuple[str, ...]:
    """Return a sentence for each key store that the sessions of a batch worked with, sorted.

    Empty where nobody named one: then the cards had the test keys of their profile.
    """
    noted = select(audit.c.event).where(audit.c.kind == "KEYS").order_by(audit.c.chain, audit.c.seq)
    with store.reading() as connection:
        events = [json.loads(text)["data"] for text in connection.scalars(noted)]
    said = {sentence for data in events if data.get("batch") == lot.name for sentence in _sentences(data)}
    return tuple(sorted(said))


def _sentences(data: dict[str, Any]) -> Iterator[str]:
    if data["store"] == "file":
        yield "The keys lay in a key file: all work with them was done in buffers of the station that are wiped."
        return
    yield (
        "The keys lay on a token; keys of sessions, and card keys derived by CMAC, were in buffers of the station "
        "that are wiped."
    )
    yield from (f"The token cannot {lack}: done in such a buffer, too, or refused." for lack in data["lacks"])
