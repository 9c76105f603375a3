"""GlobalPlatform cards that lie: in their secure channels, about their registry, about their keys.

Whatever the lie, wherever it is told: the client ends with an error that blames the card, within bounded commands,
opens no session twice, sends nothing more into a broken one, and calls nothing done that is not. The judge is the
memory of the card, compared with that of a good card after the same run.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cardkit.apps.gp.status import get_status
from cardkit.apps.gp.tags import StatusKind
from cardkit.errors import AuthenticationError, ProtocolError, SecureMessagingError, StatusError
from cardkit.secure import opening as secure_opening
from cardkit.secure.scp03 import Scp03Session
from cardkit.secure.session import SecureSession
from cardkit.virtual.gp.lies import lies
from cardkit.virtual.gp.lies_registry import LyingPages, registry_lies
from cardkit.virtual.gp.lies_told import AGREEMENTS, GREETINGS, RESPONSES

from .gp_bench import CHALLENGE, KINDS, Bench, Kind, Run, Wire, faults, fresh, operations, run

ALL_LIES = {**lies(), **registry_lies()}

# One session cannot show it: the host's own challenge keeps the keys fresh, rule GP-019 compares two sessions.
UNSEEN_IN_ONE_SESSION = "repeated-challenge"
# Without R-MAC a card proves itself when it opens the session, and nothing afterwards.
UNSEEN_WITHOUT_R_MAC = {"believes-anybody", "data-with-error"}
AT_FIRST, AT_SECOND = 1, 2
# These show before they are counted.
CRYPTOGRAM = ("greeting-cryptogram", "impostor")


def told(name: str, kind: Kind, operation: str, at: int | None = AT_FIRST) -> tuple[Run, int]:
    """A run against a card with one lie; and how often the lie was told."""
    card = ALL_LIES[name](fresh(kind), 0, at=at)
    return run(card, kind, operation), card.fired


def noticed(name: str, kind: Kind, result: Run) -> bool:
    """Whether the client ended the run; where nobody can know, whether the card has done what was asked."""
    if name == UNSEEN_IN_ONE_SESSION or (name in UNSEEN_WITHOUT_R_MAC and not kind.answers_proven):
        return True
    return result.error is not None


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("name", ALL_LIES)
def test_no_lie_passes_for_truth(name: str, kind: Kind) -> None:
    wrong = []
    for operation in operations(kind):
        result, fired = told(name, kind, operation)
        wrong += [f"{operation}: {fault}" for fault in faults(kind, operation, result)]
        if fired and not noticed(name, kind, result):
            wrong.append(f"{operation}: not noticed")
        if not fired and result.error is not None and name not in CRYPTOGRAM:
            wrong.append(f"{operation}: {result.error}, and there was no lie")
    assert wrong == []


WHERE_TOLD = {
    **dict.fromkeys(RESPONSES, ("scp03-33", "status")),
    **dict.fromkeys(GREETINGS, ("scp03-33", "open")),
    **dict.fromkeys(AGREEMENTS, ("scp11b", "open")),
    **{name: ("scp03-33", name.removesuffix("-not-done")) for name in registry_lies() if name.endswith("-not-done")},
    "put-key-other-kcv": ("scp03-33", "put-key"),
    "put-key-other-kvn": ("scp02-13", "put-key"),
    "data-with-error": ("scp03-33", "delete"),
    "key-of-another-card": ("scp11a", "open"),
}


@pytest.mark.parametrize("name", sorted(set(ALL_LIES) - {"impostor"}))
def test_each_lie_is_told(name: str) -> None:
    kind, operation = WHERE_TOLD.get(name, ("scp03-33", "status"))
    _, fired = told(name, KINDS[kind], operation)
    assert fired


@pytest.mark.parametrize("kind", ["scp02-13", "scp03-11", "scp03-33", "scp11c"])
@pytest.mark.parametrize("name", [name for name in RESPONSES if "before" not in name])
def test_a_lie_in_a_later_answer(name: str, kind: str) -> None:
    result, fired = told(name, KINDS[kind], "status", at=AT_SECOND)
    assert faults(KINDS[kind], "status", result) == []
    assert fired == 0 or isinstance(result.error, SecureMessagingError)
    assert fired == 1 or name == "r-enc-bad-padding"


# Each class of lie ends in its own error, at its own place.

NO_GREETING = tuple(name for name in GREETINGS if name not in CRYPTOGRAM)


def openings(result: Run) -> tuple[int, int]:
    """How many INITIALIZE UPDATE and EXTERNAL AUTHENTICATE went out."""
    sent = [command[:2] for command in result.bench.wire.sent]
    return sent.count(b"\x80\x50"), sent.count(b"\x84\x82")


@pytest.mark.parametrize("kind", ["scp02-03", "scp02-13", "scp03-01", "scp03-33"])
@pytest.mark.parametrize("name", CRYPTOGRAM)
def test_a_wrong_cryptogram_ends_it_before_external_authenticate(name: str, kind: str) -> None:
    result, _ = told(name, KINDS[kind], "open")
    assert isinstance(result.error, AuthenticationError)
    assert (openings(result), result.opened) == ((1, 0), False)
    assert (result.error.security_stop, result.error.exit_code) == (True, 5)


@pytest.mark.parametrize("name", NO_GREETING)
def test_another_greeting_than_asked_for_is_no_fallback(name: str) -> None:
    result, _ = told(name, KINDS["scp03-33"], "open")
    assert type(result.error) is ProtocolError
    assert (openings(result), result.opened) == ((1, 0), False)


@pytest.mark.parametrize("kind", ["scp02-03", "scp03-01", "scp03-33"])
def test_a_refused_host_stops_after_one_try(kind: str) -> None:
    result, _ = told("believes-nobody", KINDS[kind], "open")
    assert isinstance(result.error, AuthenticationError)
    assert (openings(result), result.opened) == ((1, 1), False)
    assert result.error.security_stop


@pytest.mark.parametrize("name", RESPONSES)
def test_a_broken_answer_ends_the_session(name: str) -> None:
    result, fired = told(name, KINDS["scp03-33"], "status")
    assert fired == 1
    assert isinstance(result.error, SecureMessagingError)
    session = result.bench.domain.session
    assert session is not None
    assert session.ended
    # Broken padding lies under a right R-MAC.
    assert session.proven == (name == "r-enc-bad-padding")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("receipt-wrong", AuthenticationError),
        ("receipt-missing", ProtocolError),
        ("point-off-the-curve", ProtocolError),
        ("point-at-infinity", ProtocolError),
        ("key-of-another-card", AuthenticationError),
    ],
)
@pytest.mark.parametrize("kind", ["scp11a", "scp11b", "scp11c"])
def test_an_agreement_with_somebody_else(name: str, error: type[Exception], kind: str) -> None:
    result, _ = told(name, KINDS[kind], "open")
    # In variant c the card's point is its static key: any other is another card's.
    expected = AuthenticationError if kind == "scp11c" and name.startswith("point") else error
    assert type(result.error) is expected
    assert (result.opened, result.bench.domain.session) == (False, None)


@pytest.mark.parametrize("name", registry_lies())
def test_lies_about_the_registry_are_protocol_errors(name: str) -> None:
    kind, operation = WHERE_TOLD.get(name, ("scp03-33", "status"))
    result, _ = told(name, KINDS[kind], operation)
    # After a PUT KEY that was not done the new set does not open a session: the card says so itself.
    expected = StatusError if name == "put-key-not-done" else ProtocolError
    assert isinstance(result.error, expected)


def test_pages_cut_at_every_byte() -> None:
    """A page may end anywhere; the last one must not."""
    kind = KINDS["scp03-33"]
    bench = Bench(fresh(kind), kind)
    bench.open()
    (honest,) = bench.domain.status(StatusKind.ISD)
    size = len(bench.domain.exchange(get_status(StatusKind.ISD)).data)
    for cut in range(1, size):
        assert status_with(lambda data, status, _, cut=cut: (data[:cut], status)) is ProtocolError
        pages = iter(((slice(cut), b"\x63\x10"), (slice(cut, None), b"\x90\x00")))

        def in_two(data, status, _, pages=pages):
            part, told = next(pages)
            return data[part], told

        assert status_with(in_two) == (honest,)
    assert size > 20


def status_with(lie: Callable[..., tuple[bytes, bytes]]) -> object:
    """What the client reads of the issuer security domain from a card that changes its pages; or the error's class."""
    kind = KINDS["scp03-01"]
    bench = Bench(LyingPages(fresh(kind), lie=lie), kind)
    bench.open()
    try:
        return bench.domain.status(StatusKind.ISD)
    except ProtocolError as error:
        return type(error)


# A session that was recorded is no session.


class Replaying:
    """Answers what another card answered in an earlier session, command by command."""

    def __init__(self, card, answers: list[bytes]) -> None:
        self._card, self._answers = card, iter(answers)

    def transmit(self, command: bytes) -> bytes:
        return next(self._answers)

    def __getattr__(self, name: str):
        return getattr(self._card, name)


class Recording(Wire):
    def __init__(self, card) -> None:
        super().__init__(card)
        self.answers: list[bytes] = []

    def transmit(self, command: bytes) -> bytes:
        self.answers.append(super().transmit(command))
        return self.answers[-1]

    def __getattr__(self, name: str):
        return getattr(self.card, name)


@pytest.mark.parametrize("kind", ["scp02-03", "scp02-13", "scp03-01", "scp03-33"])
def test_a_recorded_session_answers_no_new_challenge(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Recording(fresh(KINDS[kind]))
    assert run(record, KINDS[kind], "delete").error is None
    again = run(Replaying(fresh(KINDS[kind]), record.answers), KINDS[kind], "delete")
    # With the same challenge it is the same session, which is why challenges are random.
    assert again.error is None
    monkeypatch.setattr("tests.hostile.gp_bench.CHALLENGE", bytes(reversed(CHALLENGE)))
    result = run(Replaying(fresh(KINDS[kind]), record.answers), KINDS[kind], "delete")
    assert isinstance(result.error, AuthenticationError)
    assert openings(result) == (1, 0)


# Controls: a careless client is found out, so the judge is not blind.


def wrongly(kind: Kind, names, operation: str) -> list[str]:
    """The lies that a client let pass."""
    found = []
    for name in names:
        result, fired = told(name, kind, operation)
        if fired and (faults(kind, operation, result) or not noticed(name, kind, result)):
            found.append(name)
    return found


def test_control_a_client_that_skips_the_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SecureSession, "_verify", lambda *_: None)
    careless = wrongly(KINDS["scp03-11"], RESPONSES, "status")
    assert {"r-mac-flipped", "r-mac-of-another-status", "r-mac-of-the-answer-before"} <= set(careless)


def test_control_a_client_that_takes_answers_without_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    careful = Scp03Session._open

    def careless(self, sent, response):
        return careful(self, sent, response) if len(response.data) >= 8 else response

    monkeypatch.setattr(Scp03Session, "_open", careless)
    assert wrongly(KINDS["scp03-33"], RESPONSES, "set-status") != []
    assert "bare-9000" in wrongly(KINDS["scp03-33"], RESPONSES, "set-status")


def test_control_a_client_that_believes_any_cryptogram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure_opening.hmac, "compare_digest", lambda *_: True)
    assert wrongly(KINDS["scp03-01"], CRYPTOGRAM, "open") == ["greeting-cryptogram", "impostor"]


def test_control_a_client_that_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    once = Bench.open

    def twice(self: Bench) -> None:
        try:
            once(self)
        except AuthenticationError:
            once(self)

    monkeypatch.setattr(Bench, "open", twice)
    assert wrongly(KINDS["scp03-01"], ["believes-nobody"], "open") == ["believes-nobody"]
