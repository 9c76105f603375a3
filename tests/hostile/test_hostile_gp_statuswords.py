"""Each status word of the specification sheet, in each place of a session, instead of what the card would have said.

The card does not run the command that is answered so. The client ends in the error of that status word, or handles it
where it means something there; it repeats nothing, and calls nothing done that is not.
"""

from __future__ import annotations

import pytest

from cardkit.errors import (
    AuthenticationError,
    CardError,
    CardFaultError,
    ChannelError,
    ConditionsError,
    DataError,
    KeyBlockedError,
    LengthError,
    MemoryFullError,
    NotFoundError,
    NotSupportedError,
    ParameterError,
    ProtocolError,
    SecureMessagingError,
    SecurityStatusError,
    StatusError,
)

from .gp_bench import KINDS, OPERATIONS, Kind, Run, apdus, faults, fresh, operations, run

# Sheet 16, and some that no text gives these commands.
ERRORS: dict[int, type[StatusError]] = {
    0x6400: CardFaultError, 0x6581: CardFaultError, 0x6F00: CardFaultError, 0x6700: LengthError, 0x6881: ChannelError,
    0x6882: ChannelError, 0x6982: SecurityStatusError, 0x6983: KeyBlockedError, 0x6985: ConditionsError,
    0x6A80: DataError, 0x9485: DataError, 0x6A81: ParameterError, 0x6A86: ParameterError, 0x6A82: NotFoundError,
    0x6A88: NotFoundError, 0x6A84: MemoryFullError, 0x6D00: NotSupportedError, 0x6E00: NotSupportedError,
    0x9484: NotSupportedError, 0x6999: StatusError, 0x9001: StatusError,
}  # fmt: skip
UNPROVEN = (0x9000, 0x6310, 0x6283, 0x6200, 0x6300)
ALL = (*ERRORS, *UNPROVEN)
REFUSED, BLOCKED, WRONG = 0x6982, 0x6983, 0x6300

SELECT, GET_DATA, GET_STATUS, STORE_DATA = 0xA4, 0xCA, 0xF2, 0xE2
INITIALIZE_UPDATE = 0x50
AUTHENTICATIONS = (0x82, 0x88)
# Without R-MAC a card may say that there is nothing, or that it knows another form of the question.
QUESTIONS = (SELECT, GET_DATA, GET_STATUS)
ANSWERS = frozenset((0x9000, 0x6A88, 0x6A82, 0x6A80, 0x6A81, 0x6A86, 0x6A87, 0x6D00, 0x6E00))


class Saying:
    """Answers one command, counted from 0, with a bare status word and does not run it."""

    def __init__(self, card, place: int, sw: int) -> None:
        self._card, self._place, self._sw = card, place, sw
        self._seen = -1
        self.command = b""

    def transmit(self, command: bytes) -> bytes:
        self._seen += 1
        if self._seen != self._place:
            return self._card.transmit(command)
        self.command = command
        return self._sw.to_bytes(2, "big")

    def __getattr__(self, name: str):
        return getattr(self._card, name)


def said(kind: Kind, operation: str, place: int, sw: int) -> tuple[Run, bytes, list[bytes]]:
    """A run with one status word put in; the command it answered, and what was sent afterwards."""
    card = Saying(fresh(kind), place, sw)
    result = run(card, kind, operation)
    return result, card.command, result.bench.wire.sent[place + 1 :]


def harmless(operation: str, command: bytes, sw: int) -> bool:
    """Whether the status word is an answer to a question, which the client may believe."""
    return operation in ("status", "open") and command[1] in QUESTIONS and sw in ANSWERS


def complaints(kind: Kind, operation: str, place: int, sw: int) -> list[str]:
    """What was wrong in a run with a status word put in."""
    result, command, behind = said(kind, operation, place, sw)
    found = [] if harmless(operation, command, sw) else faults(kind, operation, result)
    if any(later[1:4] == command[1:4] for later in behind) and command[1] not in QUESTIONS:
        found.append("sent again")
    if result.error is not None and not _fits(kind, command, sw, result.error):
        found.append(f"{type(result.error).__name__}: {result.error}")
    where = f"{operation}, command {place} ({command[:4].hex()}), {sw:04X}"
    return [f"{where}: {fault}" for fault in found]


def _fits(kind: Kind, command: bytes, sw: int, error: CardError) -> bool:
    """Whether an error is that of the status word, or of what the card could not do or show after it."""
    if sw in UNPROVEN or command[1] in QUESTIONS:
        return True
    if command[1] in AUTHENTICATIONS:
        return isinstance(error, AuthenticationError if sw == REFUSED else StatusError) and f"{sw:04X}" in str(error)
    return type(error) is ERRORS[sw]


OPENINGS = ["scp02-03", "scp02-13", "scp03-01", "scp03-33", "scp11a", "scp11b"]


@pytest.mark.parametrize("kind", OPENINGS)
def test_every_status_word_at_every_command_of_the_opening(kind: str) -> None:
    places = range(apdus(KINDS[kind], "open"))
    assert [fault for place in places for sw in ALL for fault in complaints(KINDS[kind], "open", place, sw)] == []


LATER = [(kind, name) for kind in ("scp03-01", "scp03-33") for name in OPERATIONS if name != "open"]


@pytest.mark.parametrize(("kind", "operation"), LATER)
def test_every_status_word_at_every_command_of_a_session(kind: str, operation: str) -> None:
    opening = apdus(KINDS[kind], "open") - 1
    places = range(opening, apdus(KINDS[kind], operation))
    assert [fault for place in places for sw in ALL for fault in complaints(KINDS[kind], operation, place, sw)] == []


def place_of(kind: Kind, *instructions: int) -> int:
    """Where one of these instructions stands in the opening of a session."""
    sent = run(fresh(kind), kind, "open").bench.wire.sent
    return next(place for place, command in enumerate(sent) if command[1] in instructions)


@pytest.mark.parametrize("sw", ALL)
@pytest.mark.parametrize("kind", ["scp02-03", "scp03-01", "scp03-33"])
def test_a_refused_initialize_update_is_the_last_command(kind: str, sw: int) -> None:
    result, _, behind = said(KINDS[kind], "open", place_of(KINDS[kind], INITIALIZE_UPDATE), sw)
    assert (behind, result.opened) == ([], False)
    assert type(result.error) is (ProtocolError if sw == 0x9000 else ERRORS.get(sw, StatusError))
    assert (result.error.security_stop, result.error.exit_code == 5) == (sw in (REFUSED, BLOCKED),) * 2


@pytest.mark.parametrize("sw", [sw for sw in ALL if sw != 0x9000])
@pytest.mark.parametrize("kind", ["scp02-03", "scp03-01", "scp03-33", "scp11b"])
def test_a_refused_authentication_is_the_last_command(kind: str, sw: int) -> None:
    result, _, behind = said(KINDS[kind], "open", place_of(KINDS[kind], *AUTHENTICATIONS), sw)
    assert (behind, result.opened) == ([], False)
    stops = sw in (REFUSED, BLOCKED) or sw >> 8 == WRONG >> 8
    expected = KeyBlockedError if sw == BLOCKED else AuthenticationError if stops else StatusError
    assert isinstance(result.error, expected)
    assert result.error.security_stop == stops


@pytest.mark.parametrize("kind", ["scp03-11", "scp03-33", "scp02-13", "scp11c"])
@pytest.mark.parametrize("sw", UNPROVEN)
def test_success_without_its_mac_is_never_success(kind: str, sw: int) -> None:
    first = apdus(KINDS[kind], "open") - 1
    for operation in operations(KINDS[kind]):
        result, _, behind = said(KINDS[kind], operation, first, sw)
        assert isinstance(result.error, SecureMessagingError), operation
        assert behind == []


@pytest.mark.parametrize("kind", ["scp03-01", "scp03-33"])
def test_nothing_of_a_refused_change_is_forgotten_or_repeated(kind: str) -> None:
    """STORE DATA answers nothing that could be compared: a refusal is the end all the same."""
    first = apdus(KINDS[kind], "open") - 1
    for sw, error in ERRORS.items():
        result, command, behind = said(KINDS[kind], "store-data", first, sw)
        assert (command[1], type(result.error), behind) == (STORE_DATA, error, [])
