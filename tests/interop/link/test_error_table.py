"""Each way in which a PC/SC link fails, provoked on the real stack: one error class, and whether the card may have run
the command."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from smartcard import scard

from cardkit.errors import (
    BadResponseError,
    CardChangedError,
    CardMuteError,
    CardRemovedError,
    CardResetError,
    ContextLimitError,
    EncodingError,
    Executed,
    NoCardError,
    NoReaderError,
    ProtocolMismatchError,
    ReaderBusyError,
    ReaderGoneError,
    ServiceDownError,
    TransportError,
)
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.pcsc import Disposition, PcscConnection, Share, find_reader, list_readers
from cardkit.transport.pcsc_context import Context
from tests.interop.link.slots import Readers
from tests.interop.rawcard import DONE, GET_ATR, POWER_OFF, POWER_ON, RESET, PulledError, RawCard, atr
from tests.interop.stack import Stack, running

pytestmark = pytest.mark.interop

COMMAND = bytes.fromhex("00A40000")
LONG_ATR = bytes.fromhex("3B00") + bytes(40)
GARBAGE_ATR = bytes.fromhex("FFFF")
T0_ATR, T1_ATR, BOTH_ATR = atr("CARD", (0,)), atr("CARD", (1,)), atr("CARD", (0, 1))


def raised(error: pytest.ExceptionInfo[TransportError]) -> tuple[type[TransportError], Executed, int]:
    return type(error.value), error.value.executed, error.value.hresult


def ran(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=90, check=False
    )


# Opening.


def test_service_not_running(stack: Stack) -> None:
    stack.stop(signal.SIGKILL)
    with pytest.raises(TransportError) as error:
        list_readers()
    assert raised(error) == (ServiceDownError, Executed.NO, 0x8010001D)
    assert error.value.exit_code == 3


def test_no_context_left(stack: Stack) -> None:
    """pcscd hangs up on the 201st context, sometimes before libpcsclite has said anything: that is no dead service."""
    found = []
    with ExitStack() as held:
        for _ in range(250):
            try:
                held.enter_context(Context())
            except TransportError as error:
                found.append((type(error), error.executed))
    assert found == [(ContextLimitError, Executed.NO)] * 50
    assert len(list_readers()) == len(stack.names)


def test_unknown_reader(stack: Stack) -> None:
    with pytest.raises(TransportError) as error:
        PcscConnection("no such reader")
    assert raised(error) == (ReaderGoneError, Executed.NO, 0x80100009)


@pytest.mark.parametrize(("name", "found"), [("Nobody", "0 readers"), ("CardKit", "16 readers"), (99, "0 readers")])
def test_a_name_that_is_not_one_reader_is_refused(stack: Stack, name: str | int, found: str) -> None:
    with pytest.raises(NoReaderError, match=found):
        find_reader(name)


def test_no_reader_at_all(tmp_path: Path) -> None:
    """A service of its own, in a process of its own, because libpcsclite keeps to the first it has seen."""
    with running(0, home=tmp_path) as empty:
        done = ran("-m", "cardkit", "readers", environment=empty.environment)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no PC/SC reader found" in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_card(stack: Stack, readers: Readers) -> None:
    with pytest.raises(TransportError) as error:
        PcscConnection(stack.names[readers.empty()])
    assert raised(error) == (NoCardError, Executed.NO, 0x8010000C)


@pytest.mark.parametrize(
    ("first", "second"),
    [(Share.EXCLUSIVE, Share.EXCLUSIVE), (Share.EXCLUSIVE, Share.SHARED), (Share.SHARED, Share.EXCLUSIVE)],
)
def test_card_held_by_another(readers: Readers, first: Share, second: Share) -> None:
    reader = readers.insert_raw()[1].reader
    holder = PcscConnection(reader, share=first)
    with pytest.raises(TransportError) as error:
        PcscConnection(reader, share=second)
    holder.close()
    assert raised(error) == (ReaderBusyError, Executed.NO, 0x8010000B)


@pytest.mark.parametrize(
    ("answer_to_reset", "protocol"),
    [(T1_ATR, TransmissionProtocol.T0), (T0_ATR, TransmissionProtocol.T1), (GARBAGE_ATR, None)],
    ids=["T=0 of a T=1 card", "T=1 of a T=0 card", "an ATR that is none"],
)
def test_protocol_refused(readers: Readers, answer_to_reset: bytes, protocol: TransmissionProtocol | None) -> None:
    reader = readers.insert_raw(answer_to_reset=answer_to_reset)[1].reader
    with pytest.raises(TransportError) as error:
        PcscConnection(reader, protocol=protocol)
    assert raised(error) == (ProtocolMismatchError, Executed.NO, 0x8010000F)


@pytest.mark.parametrize(
    ("answer_to_reset", "wanted", "got"),
    [
        (T0_ATR, None, TransmissionProtocol.T0),
        (T1_ATR, None, TransmissionProtocol.T1),
        (BOTH_ATR, TransmissionProtocol.T0, TransmissionProtocol.T0),
        (BOTH_ATR, TransmissionProtocol.T1, TransmissionProtocol.T1),
    ],
)
def test_protocol_in_use(
    readers: Readers, answer_to_reset: bytes, wanted: TransmissionProtocol | None, got: TransmissionProtocol
) -> None:
    connection = PcscConnection(readers.insert_raw(answer_to_reset=answer_to_reset)[1].reader, protocol=wanted)
    assert (connection.protocol, connection.atr, connection.transmit(COMMAND)) == (got, answer_to_reset, DONE)
    connection.close()


def test_dead_at_power_up(readers: Readers) -> None:
    reader = readers.insert_raw(answer_to_reset=LONG_ATR)[1].reader
    with pytest.raises(TransportError) as error:
        PcscConnection(reader)
    assert raised(error) == (CardMuteError, Executed.NO, 0x80100067)


def test_a_refused_connection_leaves_no_context_behind(stack: Stack, readers: Readers) -> None:
    empty = stack.names[readers.empty()]
    for _ in range(250):  # pcscd has room for 200
        with pytest.raises(NoCardError):
            PcscConnection(empty)


# Commands.


@pytest.fixture
def raw(readers: Readers) -> Iterator[tuple[RawCard, PcscConnection]]:
    """A card that answers 9000 to all, connected."""
    card, inserted = readers.insert_raw()
    connection = PcscConnection(inserted.reader)
    yield card, connection
    connection.close()


def answering(readers: Readers, answer: bytes) -> PcscConnection:
    return PcscConnection(readers.insert_raw(answer)[1].reader)


def assert_given_up(connection: PcscConnection, error: pytest.ExceptionInfo[TransportError]) -> None:
    """A connection that failed refuses everything, with the same class, and sends nothing."""
    for attempt in (lambda: connection.transmit(COMMAND), lambda: connection.reset(cold=True)):
        with pytest.raises(TransportError) as again:
            attempt()
        assert raised(again)[:2] == (type(error.value), Executed.NO)
    connection.close()
    connection.close()


def test_wrong_protocol_header(raw: tuple[RawCard, PcscConnection]) -> None:
    card, connection = raw
    connection._pci = scard.SCARD_PCI_T0
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (ProtocolMismatchError, Executed.NO, 0x8010000F)
    assert card.commands == []


def test_removed_and_the_service_knew(readers: Readers) -> None:
    _, inserted = readers.insert_raw()
    connection = PcscConnection(inserted.reader)
    inserted.eject()
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (CardRemovedError, Executed.NO, 0x80100069)
    assert_given_up(connection, error)


def test_new_card_and_old_handle(readers: Readers) -> None:
    _, inserted = readers.insert_raw()
    connection = PcscConnection(inserted.reader)
    inserted.eject()
    successor, _ = readers.insert_raw(index=inserted.index)
    with pytest.raises(CardChangedError):
        connection.confirm_presence()
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (CardRemovedError, Executed.NO, 0x80100069)
    assert_given_up(connection, error)
    assert successor.commands == []


def test_removed_a_moment_ago(raw: tuple[RawCard, PcscConnection]) -> None:
    card, connection = raw
    card.eject()
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (CardRemovedError, Executed.UNKNOWN, 0x80100016)
    assert_given_up(connection, error)


def test_pulled_during_the_command(readers: Readers) -> None:
    def leave(_: bytes) -> None:
        raise PulledError

    card, inserted = readers.insert_raw(leave)
    connection = PcscConnection(inserted.reader)
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (CardRemovedError, Executed.UNKNOWN, 0)
    assert card.commands == [COMMAND]
    assert_given_up(connection, error)


@pytest.mark.parametrize("answer", ["90", "0000", "5FFF", "6000", "80009000A000"])
def test_impossible_answer(readers: Readers, answer: str) -> None:
    connection = answering(readers, bytes.fromhex(answer))
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (BadResponseError, Executed.UNKNOWN, 0)
    assert_given_up(connection, error)


@pytest.mark.parametrize("disposition", [Disposition.RESET, Disposition.UNPOWER])
def test_reset_by_another(readers: Readers, disposition: Disposition) -> None:
    reader = readers.insert_raw()[1].reader
    ours = PcscConnection(reader, share=Share.SHARED)
    theirs = PcscConnection(reader, share=Share.SHARED)
    theirs.close(disposition)
    with pytest.raises(TransportError) as error:
        ours.transmit(COMMAND)
    assert raised(error) == (CardResetError, Executed.NO, 0x80100068)
    assert_given_up(ours, error)


IN_A_TRANSACTION = """
import sys
from smartcard import scard
from cardkit.errors import ReaderBusyError
from cardkit.transport.pcsc import PcscConnection, Share
ours, theirs = (PcscConnection(sys.argv[1], share=Share.SHARED) for _ in range(2))
assert scard.SCardBeginTransaction(theirs._card) == 0
try:
    ours.transmit(bytes(4))
except ReaderBusyError as error:
    print(error.executed.name, f"{error.hresult:08X}")
assert scard.SCardEndTransaction(theirs._card, scard.SCARD_LEAVE_CARD) == 0
print(ours.transmit(bytes(4)).hex())
"""


def test_card_in_the_transaction_of_another(stack: Stack, readers: Readers) -> None:
    """Told at once where PCSCLITE_NO_BLOCKING is set before the first call; the connection is good afterwards."""
    card, inserted = readers.insert_raw()
    done = ran("-c", IN_A_TRANSACTION, inserted.reader, environment={**stack.environment, "PCSCLITE_NO_BLOCKING": "1"})
    assert done.stdout.split() == ["NO", "8010000B", "9000"], done.stderr
    assert card.commands == [bytes(4)]


def test_left_by_another(readers: Readers) -> None:
    reader = readers.insert_raw()[1].reader
    ours = PcscConnection(reader, share=Share.SHARED)
    PcscConnection(reader, share=Share.SHARED).close(Disposition.LEAVE)
    assert ours.transmit(COMMAND) == DONE
    ours.close()


def test_service_killed_in_mid_command(readers: Readers) -> None:
    def kill(_: bytes) -> None:
        readers.kill_service()

    connection = PcscConnection(readers.insert_raw(kill)[1].reader)
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (ServiceDownError, Executed.UNKNOWN, 0x80100013)
    assert_given_up(connection, error)


def test_old_handle_after_a_restart(stack: Stack, readers: Readers) -> None:
    connection = PcscConnection(readers.insert_raw()[1].reader)
    stack.restart()
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error)[0] is ServiceDownError
    assert_given_up(connection, error)
    assert len(list_readers()) == len(stack.names)


def test_old_context_after_a_restart(stack: Stack) -> None:
    with Context() as context:
        context.readers()
        stack.restart()
        with pytest.raises(ServiceDownError):
            context.readers()
        with pytest.raises(TransportError) as error:
            context.readers()
    assert raised(error) == (ServiceDownError, Executed.NO, 0x8010001D)


@pytest.mark.parametrize("size", [0, 1, 3, 65_536])
def test_a_command_that_cannot_be_sent_is_refused_before(raw: tuple[RawCard, PcscConnection], size: int) -> None:
    card, connection = raw
    with pytest.raises(EncodingError, match=f"{size} bytes"):
        connection.transmit(bytes(size))
    assert card.commands == []
    assert connection.transmit(COMMAND) == DONE


def test_the_longest_command_and_answer_pass(readers: Readers) -> None:
    answer = bytes(65_533) + DONE
    connection = answering(readers, answer)
    assert connection.transmit(COMMAND + bytes(65_531)) == answer
    connection.close()


def test_a_handle_the_service_does_not_know(raw: tuple[RawCard, PcscConnection]) -> None:
    card, connection = raw
    scard.SCardDisconnect(connection._card, scard.SCARD_LEAVE_CARD)
    with pytest.raises(TransportError) as error:
        connection.transmit(COMMAND)
    assert raised(error) == (TransportError, Executed.UNKNOWN, 0x80100003)
    assert card.commands == []


def test_more_readers_than_a_wait_can_take(stack: Stack) -> None:
    with Context() as context, pytest.raises(TransportError) as error:
        context.status_change(0, [(stack.names[0], 0)] * 17)
    assert raised(error) == (TransportError, Executed.NO, 0x80100004)


def test_a_wait_that_is_cancelled(stack: Stack, readers: Readers) -> None:
    reader = stack.names[readers.empty()]
    with Context() as context:
        (_, state, _) = context.status_change(0, [(reader, 0)])[0]
        cancel = threading.Timer(0.2, scard.SCardCancel, [context.handle])
        cancel.start()
        started = time.monotonic()
        with pytest.raises(TransportError) as error:
            context.status_change(60_000, [(reader, state & ~2)])
        cancel.join()
    assert raised(error) == (TransportError, Executed.NO, 0x80100002)
    assert time.monotonic() - started < 24


def test_a_reader_without_features_is_not_trusted_with_extended_length(raw: tuple[RawCard, PcscConnection]) -> None:
    _, connection = raw
    assert not connection.takes_extended()
    assert connection.transmit(COMMAND) == DONE


@pytest.mark.parametrize(("cold", "sent"), [(True, [POWER_OFF, POWER_ON]), (False, [RESET])], ids=["cold", "warm"])
def test_reset(raw: tuple[RawCard, PcscConnection], cold: bool, sent: list[bytes]) -> None:
    card, connection = raw
    before = len(card.messages)
    assert connection.reset(cold=cold) == card.answer_to_reset
    assert [message for message in card.messages[before:] if message != GET_ATR] == sent
    assert connection.transmit(COMMAND) == DONE


def test_reset_of_a_card_that_became_another(raw: tuple[RawCard, PcscConnection]) -> None:
    card, connection = raw
    card.answer_to_reset = atr("OTHER")
    with pytest.raises(TransportError) as error:
        connection.reset(cold=True)
    assert raised(error)[:2] == (CardChangedError, Executed.NO)
    assert_given_up(connection, error)
