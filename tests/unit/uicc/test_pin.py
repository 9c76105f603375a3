"""The retry guard: a wrong code costs one try at most, and never the last one."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from cardkit.apps.iso7816.commands import Ins
from cardkit.apps.uicc.names import ADM1, PIN1
from cardkit.apps.uicc.pin import CodeState, CodeStatus, Entry, Line, RetryGuard, Step
from cardkit.crypto import Secret
from cardkit.crypto.codes import code_digest
from cardkit.errors import AuthenticationError, CounterGuardError, LinkTimeoutError, StatusError

KEY = Secret(bytes(range(32)), "digest key")
RIGHT, WRONG = Secret(b"ABCDEFGH", "adm1"), Secret(b"HGFEDCBA", "adm1")


class Card:
    """A card with one code: counts as TS 102 221 9.5 says, unless told to misbehave."""

    def __init__(self, left: int = 3, full: int = 3, *, falls_by: int = 1, tells: bool = True) -> None:
        self.left, self.full, self.falls_by, self.tells = left, full, falls_by, tells
        self.verified = False
        self.presented = 0
        self.fails_with: Exception | None = None

    def code_status(self, reference: int) -> CodeStatus:
        if self.verified:
            return CodeStatus(CodeState.VERIFIED, None)
        return CodeStatus(CodeState.ASKED, self.left) if self.left else CodeStatus(CodeState.BLOCKED, 0)

    def submit(self, ins: Ins, reference: int, *codes: Secret) -> CodeStatus:
        assert ins is Ins.VERIFY
        self.presented += 1
        if self.fails_with:
            raise self.fails_with
        if not self.left:
            return CodeStatus(CodeState.BLOCKED, 0)
        if codes[0] == RIGHT:
            self.left, self.verified = self.full, True
            return CodeStatus(CodeState.VERIFIED, None)
        self.left = max(0, self.left - self.falls_by)
        return CodeStatus(CodeState.ASKED, self.left if self.tells else None)


class Journal:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def was_refused(self, card: str, reference: int, digest: bytes) -> bool:
        kept = [e.step for e in self.entries if (e.card, e.reference, e.digest) == (card, reference, digest)]
        return bool(kept) and kept[-1] is not Step.ACCEPTED

    def steps(self) -> list[Step]:
        return [entry.step for entry in self.entries]


def guard(card: Card, journal: Journal | None = None, line: Line | None = None, name: str = "card-1") -> RetryGuard:
    return RetryGuard(card, name, journal or Journal(), KEY, line or Line())


def test_a_right_code_is_presented_once_and_journaled_before_and_after() -> None:
    card, journal = Card(), Journal()
    guard(card, journal).present(ADM1, RIGHT, full=3)
    assert card.verified
    assert journal.steps() == [Step.BEFORE, Step.ACCEPTED]
    assert [(entry.card, entry.reference, entry.left) for entry in journal.entries] == [("card-1", ADM1, 3)] * 2


def test_the_journal_line_is_durable_before_the_card_sees_the_code() -> None:
    card, journal = Card(), Journal()

    class Broken(Journal):
        def write(self, entry: Entry) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        RetryGuard(card, "card-1", Broken(), KEY, Line()).present(ADM1, RIGHT, full=3)
    assert card.presented == 0
    assert journal.entries == []


def test_a_wrong_code_costs_one_try_and_is_never_presented_again() -> None:
    card, journal, line = Card(), Journal(), Line()
    with pytest.raises(AuthenticationError, match="ADM1: refused, 2 tries left; it is not tried again") as caught:
        guard(card, journal, line).present(ADM1, WRONG, full=3)
    assert caught.value.security_stop
    assert journal.steps() == [Step.BEFORE, Step.REFUSED]
    with pytest.raises(CounterGuardError, match="this card refused this code before"):
        guard(card, journal, line).present(ADM1, WRONG, full=3, released=True, force_last_try=True)
    assert (card.presented, card.left) == (1, 2)


def test_the_refused_code_may_go_to_another_card() -> None:
    journal, other = Journal(), Card()
    with pytest.raises(AuthenticationError):
        guard(Card(), journal).present(ADM1, WRONG, full=3)
    guard(other, journal, name="card-2").present(ADM1, RIGHT, full=3)
    assert other.verified


@pytest.mark.parametrize(
    ("left", "full", "released", "forced", "sent"),
    [
        (3, 3, False, False, True),
        (2, 3, False, False, False),
        (2, 3, True, False, True),
        (1, 3, True, False, False),
        (1, 3, False, False, False),
        (1, 3, False, True, True),
        (0, 3, True, True, False),
        (5, 3, False, False, False),
        (1, 1, False, False, False),
        (1, 1, False, True, True),
        (10, 10, False, False, True),
    ],
)
def test_when_a_code_may_be_presented(left: int, full: int, *, released: bool, forced: bool, sent: bool) -> None:
    card = Card(left, full)
    with contextlib.suppress(CounterGuardError):
        guard(card).present(ADM1, RIGHT, full=full, released=released, force_last_try=forced)
    assert card.presented == (1 if sent else 0)


def test_without_force_no_sequence_of_wrong_codes_blocks_a_card() -> None:
    for tries in itertools.product((False, True), repeat=4):
        card, journal = Card(), Journal()
        for number, released in enumerate(tries):
            code = Secret(f"WRONG{number:03}".encode(), "adm1")
            try:
                guard(card, journal, Line(limit=99)).present(ADM1, code, full=3, released=released)
            except AuthenticationError:
                continue
        assert card.left >= 1


@pytest.mark.parametrize(("falls_by", "left"), [(2, 1), (3, 0), (0, 3)])
def test_a_counter_that_does_not_fall_by_one_stops_everything(falls_by: int, left: int) -> None:
    card = Card(falls_by=falls_by)
    with pytest.raises(AuthenticationError, match=rf"counter went from 3 to .*{left} tries left.*expected 2: stop"):
        guard(card).present(ADM1, WRONG, full=3)


def test_a_card_that_blocks_without_warning() -> None:
    card = Card()
    card.submit = lambda ins, reference, *codes: CodeStatus(CodeState.BLOCKED, 0)  # type: ignore[method-assign]
    with pytest.raises(AuthenticationError, match="counter went from 3 to blocked"):
        guard(card).present(ADM1, WRONG, full=3)


def test_a_2g_card_does_not_say_how_many_are_left_so_it_is_asked() -> None:
    card = Card(tells=False)
    with pytest.raises(AuthenticationError, match="refused, 2 tries left"):
        guard(card).present(PIN1, WRONG, full=3)


@pytest.mark.parametrize("state", [CodeState.BLOCKED, CodeState.DISABLED, CodeState.ABSENT, CodeState.UNKNOWN])
def test_a_code_the_card_does_not_ask_for_is_not_presented(state: CodeState) -> None:
    card = Card()
    card.code_status = lambda reference: CodeStatus(state, None)  # type: ignore[method-assign]
    with pytest.raises(CounterGuardError, match=f"ADM1: {state.value}"):
        guard(card).present(ADM1, RIGHT, full=3, force_last_try=True)
    assert card.presented == 0


def test_a_counter_at_zero_is_never_touched() -> None:
    card = Card()
    card.code_status = lambda reference: CodeStatus(CodeState.ASKED, 0)  # type: ignore[method-assign]
    with pytest.raises(CounterGuardError, match="ADM1: no tries left"):
        guard(card).present(ADM1, RIGHT, full=3, force_last_try=True)
    assert card.presented == 0


def test_an_accepted_code_is_not_presented_twice() -> None:
    card, journal = Card(), Journal()
    guard(card, journal).present(ADM1, RIGHT, full=3)
    guard(card, journal).present(ADM1, RIGHT, full=3)
    assert card.presented == 1


def test_two_refusals_in_a_row_on_different_cards_stop_the_line() -> None:
    line, journal = Line(), Journal()
    for name in ("card-1", "card-2"):
        with pytest.raises(AuthenticationError):
            guard(Card(), journal, line, name).present(ADM1, WRONG, full=3)
    assert line.stopped
    third = Card()
    with pytest.raises(CounterGuardError, match="the line is stopped"):
        guard(third, journal, line, "card-3").present(ADM1, RIGHT, full=3)
    assert third.presented == 0
    line.accepted()
    assert line.stopped
    line.release()
    guard(third, journal, line, "card-3").present(ADM1, RIGHT, full=3)
    assert third.verified


def test_a_good_card_between_breaks_the_row() -> None:
    line, journal = Line(), Journal()
    for name, code in (("a", WRONG), ("b", RIGHT), ("c", WRONG), ("c", Secret(b"OTHERONE", "adm1"))):
        card = Card()
        try:
            guard(card, journal, line, name).present(ADM1, code, full=3)
        except AuthenticationError:
            assert code is not RIGHT
    assert not line.stopped


@pytest.mark.parametrize("failure", [LinkTimeoutError("timeout"), StatusError("VERIFY", 0x6F00)])
def test_an_unknown_outcome_is_kept(failure: Exception) -> None:
    card, journal = Card(), Journal()
    card.fails_with = failure
    with pytest.raises(type(failure)):
        guard(card, journal).present(ADM1, RIGHT, full=3)
    assert journal.steps() == [Step.BEFORE, Step.UNKNOWN]


def test_nothing_that_is_kept_or_said_shows_the_code() -> None:
    card, journal = Card(), Journal()
    with pytest.raises(AuthenticationError) as caught:
        guard(card, journal).present(ADM1, WRONG, full=3)
    shown = repr(journal.entries) + str(caught.value) + repr(caught.value)
    for form in ("HGFEDCBA", b"HGFEDCBA".hex(), b"HGFEDCBA".hex().upper()):
        assert form not in shown


def test_the_digest_depends_on_card_reference_and_code() -> None:
    digests = {
        code_digest(KEY, card, reference, code)
        for card in ("a", "b")
        for reference in (1, 10)
        for code in (RIGHT, WRONG)
    }
    assert len(digests) == 8
    assert all(len(digest) == 32 for digest in digests)
    assert code_digest(Secret(b"other", "k"), "a", 1, RIGHT) not in digests
