"""Traces of single cards: masked; without masks of TEST cards, and of LIVE ones once two persons unlock one.

What is unlocked goes to no disk in clear: it is signed and encrypted to one recipient as it is written. security.md L3
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from cardkit.errors import StoreError
from cardkit.perso import redactor
from cardkit.production.output.openpgp import Envelope
from cardkit.production.people.roles import Step
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.store import Store
from cardkit.profile import Profile
from cardkit.transport.redact import Redactor, ShowAll


class Trace(NamedTuple):
    """Where a trace goes, and what of each exchange."""

    sink: TextIO
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class Unlock:
    """Who unlocks a trace of a LIVE card, and who may read it.

    :param by: two different persons who are logged in.
    """

    store: Store
    by: tuple[str, ...]
    envelope: Envelope


@contextmanager
def masked(path: Path, profile: Profile) -> Iterator[Trace]:
    """Write a trace that hides keys, codes and personal data."""
    with path.open("w", encoding="ascii") as sink:
        yield Trace(sink, redactor(profile))


@contextmanager
def unmasked(path: Path, profile: Profile, record_no: int, unlock: Unlock | None = None) -> Iterator[Trace]:
    """Write a trace that hides nothing: of a TEST card in clear, of a LIVE card encrypted.

    :param record_no: the card's row of its order, for the audit.
    :raises StoreError: of a LIVE card, where nobody unlocks it, or in another store than a LIVE one.
    :raises TwoPersonsError: where those who do are too few, or lack a role.
    """
    if profile.kind == "TEST":
        with path.open("w", encoding="ascii") as sink:
            yield Trace(sink, ShowAll())
        return
    if unlock is None or unlock.store.terms.kind != "LIVE":
        raise StoreError(f"{path}: a trace of a LIVE card without masks is unlocked by two persons of its store")
    _note(unlock, profile, record_no)
    with path.open("xb") as file, unlock.envelope.around(file) as clear:
        sink = io.TextIOWrapper(clear, "ascii", write_through=True)
        try:
            yield Trace(sink, ShowAll())
        finally:
            sink.detach()  # the envelope ends what it was given


def _note(unlock: Unlock, profile: Profile, record_no: int) -> None:
    """Let the store ask for its people, and tell the audit before anything is written."""
    store = unlock.store
    people = store.presence.require(Step.TRACE, unlock.by)
    data = {"by": people, "profile": profile.name, "record": record_no, "recipient": unlock.envelope.recipient}
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("TRACE_UNLOCK", store.operator, data))
