"""``cardkit virtual serve`` in a slot of vpcd's: Ctrl-C takes the card out, whenever it comes."""

from __future__ import annotations

import signal
import socket
import threading

import pytest

from cardkit.cli import app
from cardkit.cli import virtual as command
from cardkit.virtual import make_card

SELECT_MF = bytes.fromhex("00A40000023F00")
WAIT_S = 60.0


class Unlucky:
    """Is interrupted while Python clears it away: an exception that is raised there is dropped."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


class InterruptedCard:
    """A card whose operator presses Ctrl-C while it works."""

    def __init__(self) -> None:
        self._card = make_card("usim", seed=1)
        self.image, self.protocol = self._card.image, self._card.protocol
        self.atr, self.power = self._card.atr, self._card.power

    def transmit(self, sent: bytes) -> bytes:
        Unlucky()
        return self._card.transmit(sent)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_where_python_drops_exceptions_takes_the_card_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = threading.Event()

    def reader(listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link:
            link.settimeout(WAIT_S)
            link.sendall(len(SELECT_MF).to_bytes(2, "big") + SELECT_MF)
            while link.recv(256):
                pass
            left.set()

    monkeypatch.setattr(command, "fresh_or_kept", lambda *_: InterruptedCard())
    before = signal.getsignal(signal.SIGINT)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        slot = threading.Thread(target=reader, args=(listener,), daemon=True)
        slot.start()
        code = app.run(["virtual", "serve", "usim", "--port", str(listener.getsockname()[1])])
        slot.join(WAIT_S)
    assert (code, left.is_set()) == (130, True)
    assert capsys.readouterr().err.endswith("Ctrl-C takes it out\n\ninterrupted\n")
    assert signal.getsignal(signal.SIGINT) is before
