"""What one run has seen of the cards before: numbers no two of them may share."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping

from cardkit.desired import REPEATED, Distinct, Register, Session
from cardkit.transport.offers import offers

DIGEST_BYTES = 8


class RunRegister:
    """Remembers the numbers of a run's cards, as digests; may be called from several threads."""

    def __init__(self) -> None:
        self._rows: dict[bytes, int] = {}
        self._lock = threading.Lock()

    def __call__(self, identities: Mapping[str, str], row: int) -> frozenset[str]:
        """Return the kinds of number that the card of another row had; the same card may come again.

        >>> register = RunRegister()
        >>> register({"KDD": "00"}, 1), register({"KDD": "00"}, 1), register({"KDD": "00"}, 2)
        (frozenset(), frozenset(), frozenset({'KDD'}))
        """
        with self._lock:
            return frozenset(
                kind for kind, value in identities.items() if self._rows.setdefault(_digest(kind, value), row) != row
            )


def note_repeated(session: Session, register: Register | None, row: int) -> None:
    """Leave a note of what another card had, where somebody remembers and the card has such numbers."""
    notes = session.seen.notes
    if register is not None and offers(session, Distinct):
        notes[REPEATED] = register(session.identities(), row)


def _digest(kind: str, value: str) -> bytes:
    return hashlib.blake2b(f"{kind}={value}".encode(), digest_size=DIGEST_BYTES).digest()
