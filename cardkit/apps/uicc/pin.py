"""Presenting codes without killing cards: counters are read first, refusals remembered, the line stopped in time.

ETSI TS 102 221 9.5, 11.1.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Protocol

from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.uicc.names import key_reference
from cardkit.crypto import Secret
from cardkit.crypto.codes import code_digest
from cardkit.errors import AuthenticationError, CounterGuardError, StatusError, TransportError

FLOOR = 2
"""Tries that must be left before a code is presented."""

LINE_LIMIT = 2
"""Refusals in a row, on different cards, after which the line stops."""


class CodeState(Enum):
    """What a card says of a code."""

    VERIFIED = "accepted, or not asked for"
    ASKED = "asked for"
    BLOCKED = "blocked"
    DISABLED = "disabled"
    ABSENT = "not on this card"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """State of a code and the tries left, None where the card does not say."""

    state: CodeState
    left: int | None

    def __str__(self) -> str:
        return self.state.value if self.left is None else f"{self.state.value}, {self.left} tries left"


class CodeSession(Protocol):
    """A card that takes codes: UICC or 2G."""

    def code_status(self, reference: int) -> CodeStatus:
        """Return the state; changes nothing."""
        ...

    def submit(self, ins: Ins, reference: int, *codes: Secret) -> CodeStatus:
        """Send codes and return how the card took them."""
        ...


class Step(StrEnum):
    """What the journal keeps of a presentation."""

    BEFORE = "before"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    :param card: ICCID, or ATR and serial.  :param digest: HMAC of the code, 32 bytes.  :param left: tries before.
    """

    step: Step
    card: str
    reference: int
    digest: bytes
    left: int


class CodeJournal(Protocol):
    """Where presentations are kept."""

    def write(self, entry: Entry) -> None:
        """Keep an entry; return when it is durable."""
        ...

    def was_refused(self, card: str, reference: int, digest: bytes) -> bool:
        """Whether this card refused this code before, or nobody knows what came of it."""
        ...


class Line:
    """Refusals in a row over the cards of a line; shared by all its guards.

    :param limit: cards in a row that may refuse before the line stops.
    """

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._limit = limit
        self._refused: list[str] = []

    @property
    def stopped(self) -> bool:
        """Whether no code may be presented any more."""
        return len(self._refused) >= self._limit

    def accepted(self) -> None:
        """A card took its code: the row is broken, unless the line already stopped."""
        if not self.stopped:
            self._refused.clear()

    def refused(self, card: str) -> None:
        """A card refused its code; the same card twice counts once."""
        if card not in self._refused:
            self._refused.append(card)

    def release(self) -> None:
        """People have found the reason: go on."""
        self._refused.clear()


class RetryGuard:
    """Presents codes to one card, and rather stops than spends a try it cannot spare.

    :param card: ICCID, or ATR and serial.  :param digest_key: key of the digests in the journal.
    :param line: shared by all cards of the line.  :param floor: tries that must be left.
    """

    def __init__(
        self,
        session: CodeSession,
        card: str,
        journal: CodeJournal,
        digest_key: Secret,
        line: Line,
        *,
        floor: int = FLOOR,
    ) -> None:
        self._session = session
        self._card = card
        self._journal = journal
        self._digest_key = digest_key
        self._line = line
        self._floor = floor

    def present(
        self, reference: int, code: Secret, *, full: int, released: bool = False, force_last_try: bool = False
    ) -> None:
        """Present a code once; a code the card does not ask for, or has accepted already, is not sent.

        :param full: the counter as the profile states it.
        :param released: an operator accepts a counter that is not full, down to the floor.
        :param force_last_try: an operator accepts a counter below the floor.
        :raises CounterGuardError: before anything is sent, if the rules forbid it.
        :raises AuthenticationError: if the card refuses the code: never to be tried again.
        :raises StatusError: if the card answers neither yes nor no.
        """
        name = key_reference(reference)
        digest = code_digest(self._digest_key, self._card, reference, code)
        self._check_history(name, reference, digest)
        status = self._session.code_status(reference)
        if status.state is CodeState.VERIFIED:
            return
        left = self._check_counter(name, status, full, released=released or force_last_try, forced=force_last_try)
        self._write(Step.BEFORE, reference, digest, left)
        try:
            after = self._session.submit(Ins.VERIFY, reference, code)
        except (TransportError, StatusError):
            self._write(Step.UNKNOWN, reference, digest, left)
            raise
        self._judge(name, reference, digest, left, after)

    def _check_history(self, name: str, reference: int, digest: bytes) -> None:
        if self._line.stopped:
            raise CounterGuardError(f"{name}: the line is stopped, cards in a row refused their code: wrong key file?")
        if self._journal.was_refused(self._card, reference, digest):
            raise CounterGuardError(f"{name}: this card refused this code before, it is not presented again")

    def _check_counter(self, name: str, status: CodeStatus, full: int, *, released: bool, forced: bool) -> int:
        if status.state is not CodeState.ASKED or status.left is None:
            raise CounterGuardError(f"{name}: {status}, expected {full} tries left")
        left = status.left
        if left != full and not released:
            raise CounterGuardError(f"{name}: {left} tries left, expected {full}: needs an operator's release")
        if left < self._floor and not forced:
            raise CounterGuardError(f"{name}: {left} tries left, expected {self._floor} or more (--force-last-try)")
        if left < 1:
            raise CounterGuardError(f"{name}: no tries left")
        return left

    def _judge(self, name: str, reference: int, digest: bytes, left: int, after: CodeStatus) -> None:
        if after.state is CodeState.VERIFIED:
            self._write(Step.ACCEPTED, reference, digest, left)
            self._line.accepted()
            return
        self._write(Step.REFUSED, reference, digest, left)
        self._line.refused(self._card)
        now = after if after.left is not None else self._session.code_status(reference)
        if after.state is CodeState.ASKED and now.left == left - 1:
            raise AuthenticationError(f"{name}: refused, {now.left} tries left; it is not tried again")
        raise AuthenticationError(
            f"{name}: refused, and the counter went from {left} to {now}, expected {left - 1}: stop and look"
        )

    def _write(self, step: Step, reference: int, digest: bytes, left: int) -> None:
        self._journal.write(Entry(step, self._card, reference, digest, left))
