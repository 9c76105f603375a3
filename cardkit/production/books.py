"""Where a card's steps become durable: first the journal, then the store, in groups. production.md 5

BIND     journal.bind (flushed)  -> store.bind             -> the coupler may go on
INTENT   journal.intent (flushed)                          -> the coupler may go on
end      journal.done (flushed)  -> store.commit or reject -> the card may leave
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

from cardkit.errors import ChipUsedError, FencedError, IllegalStepError, KeyRepeatedError, KeyStoreError, StoreError
from cardkit.production.couplers.messages import Bind, Ended, Intent, Keys, Lost, Unknown
from cardkit.production.journal import Journal
from cardkit.production.store.reading import FINDINGS_FIELD
from cardkit.production.store.station import Card, Claim, StationSession, Work
from cardkit.production.store.store import Batch
from cardkit.production.store.vault import BatchVault

NO_FINDINGS = b"[]"
KEY_REPEATED = "KEY_REPEATED"
USES_EVERY_CARDS = 500


class Verdict(StrEnum):
    """How a card leaves a coupler. BLANK_REJECT: before it was bound to anything."""

    GOOD = "GOOD"
    REJECTED = "REJECTED"
    IN_DOUBT = "IN_DOUBT"
    BLANK_REJECT = "BLANK_REJECT"


@dataclass(frozen=True, slots=True)
class Post:
    """What a coupler said about the record it works on.

    :param coupler: its number, from 1.
    """

    coupler: int
    claim: Claim
    said: Bind | Keys | Intent | Unknown | Ended | Lost


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of it.

    :param refused: the coupler must stop before its next command: why.
    :param verdict: of a card that ended.  :param reusable: whether its record is still ours for another card.
    """

    refused: str | None = None
    verdict: Verdict | None = None
    code: str | None = None
    reject_class: str | None = None
    reusable: bool = False


PROCEED = Settled()


def unsigned(posts: int) -> None:
    """Sign nothing, however many posts became durable."""
    del posts


@dataclass(slots=True)
class _Turn:
    """What one thread wants settled, and what came of it."""

    posts: Sequence[Post]
    settled: list[Settled] | None = None


class Books:
    """Journal and store of one session of one station, for one batch.

    :param signs: is told how many posts became durable, and signs the audit when it is time.
    Any thread may settle; those that wait while another settles are settled together.

    :ivar failure: why nothing becomes durable any more, None while all is well.
    """

    def __init__(
        self,
        session: StationSession,
        journal: Journal,
        lot: Batch,
        vault: BatchVault,
        signs: Callable[[int], None] = unsigned,
    ) -> None:
        self.session = session
        self.lot = lot
        self.failure: StoreError | None = None
        self._journal = journal
        self._vault = vault
        self._signs = signs
        self._refusals: dict[int, Settled] = {}
        self._owed: list[Post] = []  # ended, journaled, and not in the store
        self._gap = False  # something was said that even the journal does not have
        self._uses: Counter[str] = Counter()
        self._unsaid = 0  # cards since the audit was told of uses
        self._waiting: list[_Turn] = []
        self._leading = False  # a thread settles what waited when it began
        self._door = threading.Condition()

    def settle(self, posts: Sequence[Post]) -> list[Settled]:
        """Make everything durable that was said, in one flush and one transaction; each is judged alone.

        Never raises for a failing journal or store: then :attr:`failure` is set, binds are refused, and what was
        bound stays so until people look.
        """
        if not posts:
            return []
        turn = _Turn(posts)
        with self._door:
            self._waiting.append(turn)
            while self._leading and turn.settled is None:
                self._door.wait()
            if turn.settled is not None:
                return turn.settled
            self._leading = True
            turns, self._waiting = self._waiting, []
        return self._lead(turn, turns)

    def _lead(self, own: _Turn, turns: list[_Turn]) -> list[Settled]:
        """Settle all turns that waited; where this thread is interrupted, one of the others leads them.

        Nobody waits for more than its own turn: whose turn is settled goes on while the next ones are.
        """
        try:
            settled = iter(self._settled([post for turn in turns for post in turn.posts]))
            for turn in turns:
                turn.settled = list(islice(settled, len(turn.posts)))
        finally:
            with self._door:
                self._waiting[:0] = [turn for turn in turns if turn is not own and turn.settled is None]
                self._leading = False
                self._door.notify_all()
        assert own.settled is not None
        return own.settled

    def _settled(self, posts: Sequence[Post]) -> list[Settled]:
        try:
            for post in posts:
                if _is_witnessed(post):
                    self._journal.append(_entry(post))
            self._journal.sync()
        except StoreError as error:
            self.failure = self.failure or error
            self._gap = True
            return [self._unsettled(post, journaled=False) for post in posts]
        if self.failure is not None or all(isinstance(post.said, Intent | Unknown) for post in posts):
            return [self._unsettled(post, journaled=True) for post in posts]
        try:
            done = self._stored(posts)
        except StoreError as error:
            self.failure = self.failure or error
            return [self._unsettled(post, journaled=True) for post in posts]
        self._count(posts)
        self._sign(len(posts))
        return done

    def _count(self, posts: Sequence[Post]) -> None:
        """Add up what keys were used for, and tell the audit once in a while: what a killed session loses is little."""
        for post in posts:
            if isinstance(post.said, Ended) and post.said.uses:
                self._uses.update(post.said.uses)
                self._unsaid += 1
        if self._unsaid >= USES_EVERY_CARDS:
            self.say_uses()

    def say_uses(self) -> None:
        """Tell the audit what each key was used for since it was told before; a store that fails ends the run."""
        if not self._uses:
            return
        try:
            self.session.key_uses(self.lot, dict(self._uses))
        except StoreError as error:
            self.failure = self.failure or error
        else:
            self._uses.clear()
            self._unsaid = 0

    def _stored(self, posts: Sequence[Post]) -> list[Settled]:
        """Take posts to the store in one transaction, again where the connection broke: couplers wait meanwhile.

        Nobody knows whether what was sent last became durable: said again, it answers ALREADY or FENCED.
        """
        refusals = dict(self._refusals)

        def together() -> list[Settled]:
            self._refusals = dict(refusals)
            with self.session.together():
                return [self._store(post) for post in posts]

        return self.session.store.insist(together)

    def catch_up(self) -> bool:
        """Take to the store what ended while it was away; what was fenced meanwhile stays in doubt.

        :returns: whether the store has all that the journal has.
        """
        if self._owed:
            try:
                self._stored(self._owed)
            except StoreError:
                return False
            self._count(self._owed)
            self._owed.clear()
        return not self._gap

    def _sign(self, posts: int) -> None:
        """Let the audit be signed if it is time; a key that fails ends the run, what is durable stays so."""
        try:
            self._signs(posts)
        except (StoreError, KeyStoreError) as error:
            self.failure = self.failure or StoreError(f"audit: no checkpoint could be signed: {error}")

    def witness(self, post: Post) -> None:
        """Make one entry of the journal durable, for a step that people take.

        :raises StoreError: when the journal fails.
        """
        self._journal.append(_entry(post))
        self._journal.sync()
        self._count([post])

    def work(self, claim: Claim, said: Ended) -> Work:
        """Return what the store keeps of a card's work besides the verdict."""
        sealed = None
        if said.findings != NO_FINDINGS:
            sealed = self._vault.seal(claim.row_no, FINDINGS_FIELD, said.findings)
        return Work(sealed, said.facts.decode(), said.apply_ms, said.verify_ms)

    def _unsettled(self, post: Post, *, journaled: bool) -> Settled:
        """Answer without the store: what only had to be journaled may go on."""
        match post.said:
            case Unknown():
                return PROCEED
            case Intent():
                return PROCEED if journaled else Settled(refused=str(self.failure))
            case Bind() | Keys():
                return Settled(refused=str(self.failure))
            case said if not said.bound:
                return Settled(None, Verdict.BLANK_REJECT, said.code, said.reject_class, reusable=True)
        if journaled:
            self._owed.append(post)
        return Settled(None, Verdict.IN_DOUBT, "STORE", "software")

    def _store(self, post: Post) -> Settled:
        match post.said:
            case Bind(chip, keys=keys):
                return self._bind(post, chip, keys)
            case Keys(chip, keys):
                return self._keys(post, chip, keys)
            case Ended() | Lost():
                return self._end(post, post.said)
        return PROCEED

    def _bind(self, post: Post, chip: str, keys: Mapping[str, bytes]) -> Settled:
        try:
            self.session.bind(self.lot, _card(post, chip), keys)
        except ChipUsedError as error:
            return self._refuse(post, chip, Settled(str(error), None, "CHIP_USED", "card type", reusable=True))
        except KeyRepeatedError as error:
            return self._refuse(post, chip, Settled(str(error), None, KEY_REPEATED, "security"))
        except (FencedError, IllegalStepError) as error:
            return self._refuse(post, chip, Settled(str(error), None, "FENCED", "software"))
        return PROCEED

    def _keys(self, post: Post, chip: str, keys: Mapping[str, bytes]) -> Settled:
        try:
            self.session.add_keys(self.lot, _card(post, chip), keys)
        except KeyRepeatedError as error:
            self._refusals[post.coupler] = settled = Settled(str(error), None, KEY_REPEATED, "security")
            return settled
        except FencedError as error:
            return Settled(str(error), None, "FENCED", "software")
        return PROCEED

    def _refuse(self, post: Post, chip: str, settled: Settled) -> Settled:
        self._refusals[post.coupler] = settled
        entry = {"event": "refused", "record": post.claim.record_id, "token": post.claim.token}
        self._journal.append(entry | {"chip": chip, "code": settled.code})
        return settled

    def _end(self, post: Post, said: Ended | Lost) -> Settled:
        refusal = self._refusals.pop(post.coupler, None)
        if not said.bound:
            return self._blank(post, said, refusal)
        assert said.chip is not None
        card = _card(post, said.chip)
        try:
            if refusal is not None:  # its keys are another's: what is on it, people must see
                self.session.doubt(self.lot, card, refusal.code or "INTERNAL")
                return Settled(None, Verdict.IN_DOUBT, refusal.code, refusal.reject_class)
            return self._bound(card, post.claim, said)
        except FencedError:
            return Settled(None, Verdict.IN_DOUBT, "FENCED", "software")

    def _blank(self, post: Post, said: Ended | Lost, refusal: Settled | None) -> Settled:
        code = (refusal.code if refusal else said.code) or "INTERNAL"
        reject_class = (refusal.reject_class if refusal else said.reject_class) or "software"
        self.session.blank_reject(self.lot, post.coupler, said.chip, reject_class, code)
        reusable = refusal.reusable if refusal else True
        return Settled(None, Verdict.BLANK_REJECT, code, reject_class, reusable)

    def _bound(self, card: Card, claim: Claim, said: Ended | Lost) -> Settled:
        verdict = verdict_of(said)
        if isinstance(said, Lost) or verdict is Verdict.IN_DOUBT:
            self.session.doubt(self.lot, card, said.code or "INTERNAL")
            return Settled(None, Verdict.IN_DOUBT, said.code, said.reject_class)
        if verdict is Verdict.GOOD:
            self.session.commit(self.lot, card, said.evidence_sha256, self.work(claim, said))
            return Settled(verdict=Verdict.GOOD)
        code = said.code or "INTERNAL"
        self.session.reject(self.lot, card, code, said.reject_class, self.work(claim, said))
        return Settled(None, Verdict.REJECTED, code, said.reject_class)


def _card(post: Post, chip: str) -> Card:
    return Card(post.claim.record_id, post.claim.token, chip, post.coupler)


def verdict_of(said: Ended | Lost) -> Verdict:
    """Say how a card leaves, by what its coupler said alone."""
    if not said.bound:
        return Verdict.BLANK_REJECT
    if isinstance(said, Lost) or said.reject_class == "contact":
        return Verdict.IN_DOUBT
    return Verdict.GOOD if said.good else Verdict.REJECTED


def _is_witnessed(post: Post) -> bool:
    """A card that was never bound leaves no trace in the journal."""
    return not isinstance(post.said, Ended | Lost) or post.said.bound


def _entry(post: Post) -> dict[str, Any]:
    entry: dict[str, Any] = {"record": post.claim.record_id, "token": post.claim.token}
    match post.said:
        case Bind(chip, key_ref, tries, keys):
            intent: dict[str, Any] = {"key": key_ref, "tries": tries} if key_ref else {}
            intent |= {"keys": _hex(keys)} if keys else {}
            return entry | {"event": "bind", "chip": chip, "coupler": post.coupler} | intent
        case Keys(chip, keys):
            return entry | {"event": "keys", "chip": chip, "keys": _hex(keys)}
        case Intent(step, key_ref, tries):
            return entry | {"event": "intent", "step": step, "key": key_ref, "tries": tries}
        case Unknown(step, error):
            return entry | {"event": "unknown", "step": step, "error": error}
        case said:
            entry |= {"event": "done", "chip": said.chip, "verdict": verdict_of(said).value, "code": said.code}
            if isinstance(said, Ended) and said.evidence_sha256:
                entry["evidence_sha256"] = said.evidence_sha256.hex()
            return entry


def _hex(keys: Mapping[str, bytes]) -> dict[str, str]:
    return {role: digest.hex() for role, digest in keys.items()}
