"""Conformity cases of ICAO's RF protocol and application test standard, part 3 (v3.2), as data: what to send, what for.

Where words of the source are displaced, the purpose decides (the cases' notes say so).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parents[2] / "vectors" / "icao_part3_cases.json"
_REFUSED = re.compile(r"refused|not readable|must not|must start anew|error|not completed|does not exist|not plain")
_FINE = frozenset((0x9000, 0x6282))


@dataclass(frozen=True)
class Step:
    """One command.

    :param template: with fields in angle brackets; empty where only the note says what to send.
    :param protected: whether it goes inside the session.  :param words: status words that are right; empty: not stated.
    :param file: whose content it is about.  :param prefix: of the answer.
    """

    template: str
    protected: bool
    words: frozenset[int]
    file: str
    prefix: bytes
    note: str


@dataclass(frozen=True)
class Case:
    """One case.  :param tokens: what a document has that must pass it."""

    id: str
    unit: str
    tokens: frozenset[str]
    purpose: str
    steps: tuple[Step, ...]

    @property
    def refusing(self) -> bool:
        """Whether the chip must refuse."""
        return bool(_REFUSED.search(self.purpose))


def _step(given: dict) -> Step:
    return Step(
        given.get("apdu", ""),
        bool(given.get("sm")),
        frozenset(int(word, 16) for word in given.get("sw", ())),
        given.get("file", ""),
        bytes.fromhex(given.get("data_prefix", "")) if len(given.get("data_prefix", "")) % 2 == 0 else b"",
        given.get("note", ""),
    )


def _case(given: dict) -> Case:
    steps = tuple(map(_step, given.get("steps", ())))
    return Case(given["id"], given["unit"], frozenset(given["tokens"]), given["purpose"], steps)


CASES = {given["id"]: _case(given) for given in json.loads(_FILE.read_text(encoding="utf-8"))}


def of_units(*letters: str) -> list[str]:
    """Return the identifiers of the cases of these protocol units."""
    return [name for name, case in CASES.items() if case.unit in {f"ISO7816_{letter}" for letter in letters}]


def is_fine(word: int) -> bool:
    """Whether a status word says that a command was done; a warning at the end of a file does."""
    return word in _FINE
