"""Personalizing one card: fence, write, verify, seal, verify as a stranger; and going on where a run was torn.

fresh     blank marker         fence, write without looking, reset, check, seal, reset, check as a stranger
resume    started, data        look, write what does not hold, reset, check, seal, reset, check as a stranger
          verified             check, seal (the key may have changed already), reset, check as a stranger
          gone                 check as a stranger
          begun (no marker)    as started, but seal only what is not sealed
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NoReturn

from cardkit.crypto import KeyStore
from cardkit.desired import (
    ATR_FITS,
    BindEvent,
    DoneEvent,
    Event,
    Finding,
    KeysEvent,
    OnEvent,
    Part,
    Plan,
    Register,
    Step,
    UnknownEvent,
    intent_of,
)
from cardkit.desired.events import NO_TRIES
from cardkit.errors import CardError, Executed, TransportError
from cardkit.perso.identify import Card, MarkerState, Presented, read_marker
from cardkit.perso.outcome import (
    DELIVERED_KEYS,
    Outcome,
    Reject,
    Verdict,
    delivered_keys,
    evidence_of,
    evidence_sha256,
    reject_of,
    reject_of_findings,
    verdict_of,
)
from cardkit.perso.ownkeys import OwnKeyDigests
from cardkit.perso.planner import working
from cardkit.perso.register import note_repeated

_NS_PER_MS = 1_000_000


class _RejectedError(CardError):
    """The card must not be written to."""

    def __init__(self, reject: Reject) -> None:
        super().__init__(reject.text)
        self.reject = reject


def personalize(  # noqa: PLR0913  (all but three are named, and have defaults)
    plan: Plan,
    card: Card,
    keystore: KeyStore,
    *,
    on_event: OnEvent | None = None,
    resume: bool = False,
    register: Register | None = None,
    own_keys: OwnKeyDigests | None = None,
) -> Outcome:
    """Make one card, prove it, seal it.

    :param card: freshly powered, nothing selected but the MF.
    :param on_event: gets BindEvent before the first command that changes the card, and with it the secrets used up to
        the seal; IntentEvent before the seal with its own and with the life-cycle steps; UnknownEvent when the link
        fails in mid-command; DoneEvent: three events for a good card.
        With ``own_keys`` the bind tells those known by then, and a KeysEvent what more there is.
        It returns when the event is durable; what it raises stops the run before the next command.
    :param resume: the card may have been begun: look at its marker and go on from there.
    :param register: what is remembered of other cards; None where nobody does.
    :param own_keys: makes digests of the card's own keys for whoever listens; None where nobody remembers them.
    :returns: also for a rejected card: whatever the card did wrong stands in the outcome.
    :raises TransportError: when the link failed; the card is closed. Open it again, identify it, and resume.
    :raises KeyStoreError: when a secret is missing.
    """
    # A script is for a card nobody has greeted yet: on one that may have been begun, everything is computed anew.
    plan = replace(plan, scripts=()) if resume else plan
    return _Run(plan, card, keystore, on_event or _ignore, register, own_keys).outcome(resume=resume)


def _ignore(event: Event) -> None:
    """Nobody listens."""


class _Run:
    """One card's way through its plan."""

    def __init__(
        self,
        plan: Plan,
        card: Card,
        keystore: KeyStore,
        emit: OnEvent,
        register: Register | None,
        own_keys: OwnKeyDigests | None,
    ) -> None:
        self._register = register
        self._own_keys = own_keys
        self._keystore = keystore
        self._plan = plan
        self._card = card
        self._emit = emit
        self._blueprint = working(plan, keystore)
        self._parts = plan.blueprint.parts
        transport = {name: keystore.card_secret(reference) for name, reference in plan.transport.items()}
        self._session = self._blueprint.session(plan.contents, card.channel, transport)
        self._chip_id = ""
        self._bound = False
        self._findings: list[Finding] = []
        self._seen = self._session.seen
        self._facts: dict[str, str] = {}
        self._checking_ns = 0

    def outcome(self, *, resume: bool) -> Outcome:
        """Run, and put into words what came of it."""
        start = time.perf_counter_ns()
        reject: Reject | None = None
        try:
            self._resume() if resume else self._fresh()
        except _RejectedError as error:
            reject = error.reject
        except CardError as error:
            reject = reject_of(error, self._step())
        except TransportError as error:
            self._unknown(error)
            raise
        whole = time.perf_counter_ns() - start
        return self._outcome(reject, whole)

    def _outcome(self, reject: Reject | None, whole_ns: int) -> Outcome:
        findings = tuple(self._findings)
        reject = reject or reject_of_findings(findings, self._plan.blueprint.rules)
        keys = delivered_keys(self._plan.blueprint.rules, good=reject is None)
        facts = {"chip_id": self._chip_id, **self._facts, DELIVERED_KEYS: keys}
        evidence = evidence_of(self._plan, self._seen, findings, facts)
        verdict = Verdict.GOOD if reject is None else Verdict.BAD
        evidence["verdict"] = verdict.value
        digest = evidence_sha256(evidence)
        if self._bound:
            self._emit(DoneEvent(verdict.value, digest))
        return Outcome(
            verdict=verdict,
            chip_id=self._chip_id,
            bound=self._bound,
            findings=findings,
            facts=facts,
            evidence=evidence,
            evidence_sha256=digest,
            reject=reject,
            apply_ms=(whole_ns - self._checking_ns) // _NS_PER_MS,
            verify_ms=self._checking_ns // _NS_PER_MS,
        )

    # The way through the plan

    def _fresh(self) -> None:
        presented = self._identify()
        if presented.state is not MarkerState.BLANK:
            self._refuse("NOT_BLANK", "card type", f"chip {presented.chip_id} is {presented.state}, expected blank")
        self._from_the_start()

    def _resume(self) -> None:
        presented = self._identify()
        if presented.state is MarkerState.BLANK:
            self._from_the_start()
        elif presented.state is MarkerState.BEGUN:
            self._go_on(presented.state)
        elif presented.state is MarkerState.FINAL:
            survey = self._plan.blueprint.survey
            self._bind(survey)
            self._check(survey, None)
        elif presented.state is MarkerState.FOREIGN or not presented.belongs_to(self._plan.tag):
            self._refuse("MARKER_FOREIGN", "security", f"chip {presented.chip_id} carries the marker of another record")
        else:
            self._go_on(presented.state)

    def _from_the_start(self) -> None:
        fence, write = self._parts[Part.FENCE][len(self._harmless()) :], self._parts[Part.WRITE]
        self._bind((*fence, *write, *self._parts[Part.CHECK]))
        self._write(fence)
        self._write(write)
        self._prove_and_seal(again=False)

    def _go_on(self, state: MarkerState) -> None:
        verified = state is MarkerState.VERIFIED
        fence, write, check = (self._parts[part] for part in (Part.FENCE, Part.WRITE, Part.CHECK))
        self._bind(check if verified else (*fence, *write, *check))
        if not verified:
            self._restart()
            unmet = self._session.unmet()
            self._note_keys()
            self._restart()
            self._session.run(self._plan.blueprint.repair(unmet), strict=True)
        self._prove_and_seal(again=verified or state is MarkerState.BEGUN)

    def _prove_and_seal(self, *, again: bool) -> None:
        check, seal, stranger = (self._parts[part] for part in (Part.CHECK, Part.SEAL, Part.STRANGER))
        if self._check(check, Part.CHECK):
            self._note_keys()
            self._intend("seal", (*seal, *stranger))
            if again:
                self._session.seal_again()
            else:
                self._session.run(seal, strict=True)
            self._check(stranger, Part.STRANGER)

    def _harmless(self) -> tuple[Step, ...]:
        return self._plan.blueprint.identify

    def _identify(self) -> Presented:
        """Read chip id and marker; nothing else has been sent."""
        if not self._plan.fits(self._card.atr):
            self._refuse("CARD_TYPE", "card type", f"ATR {self._card.atr.hex().upper()} is of another chip")
        self._session.run(self._harmless(), strict=False)
        try:
            presented = read_marker(*self._session.identity())
        except CardError as error:
            self._refuse("CARD_TYPE", "card type", str(error))
        self._chip_id = presented.chip_id
        if not presented.chip_id.strip("0") or not presented.chip_id.strip("F"):
            self._refuse("CARD_TYPE", "card type", f"chip id {presented.chip_id} is no identity")
        return presented

    def _bind(self, steps: Iterable[Step]) -> None:
        """Say that the record is this chip's from now on, and which secrets these steps present."""
        intent = intent_of("", steps)
        presented = (intent.key_ref, intent.tries) if intent else ("", NO_TRIES)
        self._emit(BindEvent(self._chip_id, *presented, self._new_keys()))
        self._bound = True

    def _new_keys(self) -> dict[str, bytes]:
        return self._own_keys.new(self._session, self._keystore) if self._own_keys is not None else {}

    def _note_keys(self) -> None:
        """Tell which more keys are this card's alone, once it is known what they are diversified with."""
        if keys := self._new_keys():
            self._emit(KeysEvent(keys))

    def _write(self, steps: Sequence[Step]) -> None:
        """Send a stretch; what its greetings told is noted before the first command that cannot be taken back."""
        greeted = next((place for place, step in enumerate(steps) if not step.reversible), len(steps))
        self._session.run(steps[:greeted], strict=True)
        self._note_keys()
        self._session.run(steps[greeted:], strict=True)

    def _intend(self, stretch: str, steps: Iterable[Step]) -> None:
        """Say what a stretch of commands does that cannot be taken back. Said too early it does no harm."""
        intent = intent_of(stretch, steps)
        if intent is not None:
            self._emit(intent)

    def _restart(self) -> None:
        atr = self._card.reset(cold=True)
        self._session.restarted()
        self._session.seen.notes[ATR_FITS] = self._plan.fits(atr)

    def _check(self, steps: tuple[Step, ...], part: Part | None) -> bool:
        """Reset, look, judge; whether everything is proven."""
        start = time.perf_counter_ns()
        self._restart()
        self._session.run(steps, strict=False)
        if part is not Part.STRANGER:
            note_repeated(self._session, self._register, self._plan.record_no)
        found = self._blueprint.judge(self._plan.contents, self._session.seen, part)
        self._findings += found
        if part is not Part.STRANGER:
            self._seen = self._session.seen
            self._facts = {fact.name: fact.value for fact in self._session.facts()}
        self._checking_ns += time.perf_counter_ns() - start
        return verdict_of(found) is Verdict.GOOD

    # What goes wrong

    def _step(self) -> str:
        current = self._session.current
        return f"{current.serves}: {current.role}" if current else "before the first command"

    def _refuse(self, code: str, kind: str, text: str) -> NoReturn:
        raise _RejectedError(Reject(code, kind, self._step(), 0, text, security_stop=kind == "security"))

    def _unknown(self, error: TransportError) -> None:
        """The link failed: say so if the card may have run the command, and drop the connection."""
        try:
            if error.executed is Executed.UNKNOWN and self._bound:
                self._emit(UnknownEvent(self._step(), type(error).__name__))
        finally:
            self._card.close()
