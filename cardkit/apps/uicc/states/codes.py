"""Secrets on their way to the card: every PIN, PUK and administrative key goes through the retry guard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.uicc.client import UiccSession as Client
from cardkit.apps.uicc.pin import CodeState, CodeStatus, Entry, Line, RetryGuard
from cardkit.apps.uicc.pin import Step as Presentation
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.desired import Step
from cardkit.errors import AuthenticationError, CounterGuardError, StatusError

ACCEPTED = "accepted"


@dataclass(slots=True)
class CardJournal:
    """Remembers refusals while the card lies in the reader; the run's intents are durable before its commands."""

    _refused: set[tuple[int, bytes]] = field(default_factory=set)

    def write(self, entry: Entry) -> None:
        """Keep what a card did not accept."""
        if entry.step is Presentation.REFUSED or entry.step is Presentation.UNKNOWN:
            self._refused.add((entry.reference, entry.digest))

    def changed(self, reference: int) -> None:
        """The code behind a reference is another one now: what was refused says nothing any more."""
        self._refused = {entry for entry in self._refused if entry[0] != reference}

    def was_refused(self, card: str, reference: int, digest: bytes) -> bool:  # noqa: ARG002  (one card a session)
        """Whether this card refused this code since it was put in."""
        return (reference, digest) in self._refused


class _Asked:
    """A card whose counters were asked for by planned steps: the guard needs no further command."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.status: dict[int, CodeStatus] = {}

    def code_status(self, reference: int) -> CodeStatus:
        """Return what the card said last."""
        return self.status.get(reference, CodeStatus(CodeState.UNKNOWN, None))

    def submit(self, ins: Ins, reference: int, *codes: Secret) -> CodeStatus:
        """Send codes and remember how the card took them."""
        status = self._client.submit(ins, reference, *codes)
        self.status[reference] = status
        return status


class Codes:
    """The secrets of one card.

    :param notes: where counters and outcomes are kept: ``counter 01``, ``counter PUK 01``, ``presented NAME``,
        ``changed NAME``; an outcome is ``accepted`` or says what happened.
    :param digest_key: of the digests that stand for codes.
    """

    def __init__(self, channel: Channel, notes: dict[str, Any], digest_key: Secret) -> None:
        self._client = Client(channel)
        self._asked = _Asked(self._client)
        self._journal = CardJournal()
        self._notes = notes
        self._guard = RetryGuard(self._asked, "this card", self._journal, digest_key, Line())
        self._unblock: dict[int, CodeStatus] = {}

    def restarted(self, notes: dict[str, Any]) -> None:
        """The card was reset: counters must be asked for again.

        :param notes: where outcomes are kept from now on.
        """
        self._notes = notes
        self._asked.status.clear()
        self._unblock.clear()

    def query(self, step: Step) -> CodeStatus:
        """Ask for a counter."""
        reference = step.command.p2
        unblock = step.command.ins == Ins.UNBLOCK
        try:
            status = self._client.unblock_status(reference) if unblock else self._client.code_status(reference)
        except StatusError:
            status = CodeStatus(CodeState.UNKNOWN, None)
        (self._unblock if unblock else self._asked.status)[reference] = status
        self._notes[f"counter {'PUK ' if unblock else ''}{reference:02X}"] = status
        return status

    def present(self, step: Step, code: Secret, *, released: bool = False) -> None:
        """Present a code once, with a full counter.

        :param released: one try less is accepted: it is known who spent it.
        :raises CounterGuardError: when the counter is not full; nothing was sent.
        :raises AuthenticationError: when the card refuses the code.
        """
        reference = step.command.p2
        try:
            self._guard.present(reference, code, full=full_tries(step), released=released)
        except (AuthenticationError, StatusError) as error:
            self._notes[f"presented {step.serves}"] = self._outcome(reference, error)
            raise
        self._notes[f"presented {step.serves}"] = ACCEPTED

    def _outcome(self, reference: int, error: Exception) -> str:
        if self._asked.code_status(reference).state is CodeState.DISABLED:
            return CodeState.DISABLED.value
        return f"not checked: {error}" if isinstance(error, CounterGuardError) else str(error)

    def exchange(self, step: Step, first: Secret, second: Secret) -> None:
        """CHANGE PIN (old, new), or UNBLOCK PIN (PUK, PIN) with a full PUK counter.

        :raises CounterGuardError: when the PUK's counter is not full; nothing was sent.
        :raises AuthenticationError: when the card refuses.
        """
        reference, ins = step.command.p2, Ins(step.command.ins)
        key = f"changed {step.serves}"
        if ins is Ins.UNBLOCK:
            known, full = self._unblock.get(reference, CodeStatus(CodeState.UNKNOWN, None)), full_tries(step)
            if known.left != full:
                self._notes[key] = f"not checked: PUK of {reference:02X}: {known}, expected {full} tries left"
                raise CounterGuardError(f"{step.serves}: PUK: {known}, expected {full} tries left")
        status = self._client.submit(ins, reference, first, second)
        if status.state is not CodeState.VERIFIED:
            self._notes[key] = f"{ins.name}: {status}"
            raise AuthenticationError(f"{step.serves}: {ins.name} was refused: {status}; it is not tried again")
        self._journal.changed(reference)
        self._notes[key] = ACCEPTED


def full_tries(step: Step) -> int:
    """Return the counter that a step's secret should have."""
    assert step.access is not None  # the planner made it
    return step.access.tries
