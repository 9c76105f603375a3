"""The card's side of vpcd against a reader made of a raw socket (pcsc.md 3)."""

import contextlib
import socket
import struct
import threading
import time

import pytest

from cardkit.virtual import LinkError, SlotOccupiedError, VirtualCard
from cardkit.virtual.vpcd import WithoutPPS, serve

OFF, ON, RESET, ATR = b"\x00", b"\x01", b"\x02", b"\x04"
SELECT_MF = bytes.fromhex("00A4000C023F00")


class Reader:
    """vpcd as seen from the card: listens, sends length and body, reads one answer."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(60)
        self.port = self.listener.getsockname()[1]
        self.link = None

    def accept(self):
        self.link, _ = self.listener.accept()
        self.link.settimeout(5)
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message):
        self.link.sendall(len(message).to_bytes(2, "big") + message)

    def receive(self):
        size = int.from_bytes(self._exactly(2), "big")
        return self._exactly(size)

    def ask(self, message):
        self.send(message)
        return self.receive()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.link.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def close(self):
        for one in filter(None, (self.link, self.listener)):
            one.close()


class Served:
    """A card served from a thread; `error` is what serve raised."""

    def __init__(self, card, reader, stop=None):
        self.error = None

        def run():
            try:
                serve(card, "127.0.0.1", reader.port, stop=stop)
            except LinkError as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self):
        self.thread.join(5)
        assert not self.thread.is_alive()
        return self.error


@pytest.fixture
def reader():
    with contextlib.closing(Reader()) as found:
        yield found


def insert(card, reader, stop=None):
    served = Served(card, reader, stop)
    reader.accept()
    return served


def test_insert_connect_and_work(reader):
    """The message sequences of pcsc.md 3.2: exactly one answer to 04 and to each APDU, none to 00, 01, 02."""
    card = VirtualCard("usim", seed=1)
    served = insert(card, reader)
    for message in (ATR, ATR, ON, ATR, OFF, ATR, ON, ATR):
        reader.send(message)
        if message == ATR:
            assert reader.receive() == card.atr()
    assert reader.ask(SELECT_MF) == b"\x90\x00"
    assert reader.ask(bytes.fromhex("00A40004022FE200"))[-2:] == b"\x90\x00"
    reader.close()
    assert served.end() is None


def test_reset_and_power_on_clear_what_is_volatile(reader):
    card = VirtualCard("usim", seed=1)
    served = insert(card, reader)
    read = bytes.fromhex("00B000000A")
    for power in (RESET, ON):
        assert reader.ask(bytes.fromhex("00A4000C022FE2")) == b"\x90\x00"
        assert reader.ask(read)[-2:] == b"\x90\x00"
        reader.send(power)
        assert reader.ask(read) == b"\x69\x86"
    reader.close()
    assert served.end() is None


def test_asking_for_the_atr_changes_nothing(reader):
    served = insert(VirtualCard("usim", seed=1), reader)
    reader.ask(bytes.fromhex("00A4000C022FE2"))
    reader.ask(ATR)
    assert reader.ask(bytes.fromhex("00B0000001")) == b"\xff\x90\x00"
    reader.close()
    assert served.end() is None


@pytest.mark.parametrize("message", [b"", b"\x05", b"\xff", b"\x00\xa4", b"\x00\xa4\x00"])
def test_short_messages_are_answered_6700(reader, message):
    served = insert(VirtualCard("usim", seed=1), reader)
    assert reader.ask(message) == b"\x67\x00"
    reader.close()
    assert served.end() is None


def test_bytes_trickling_in(reader):
    served = insert(VirtualCard("usim", seed=1), reader)
    for byte in b"\x00\x07" + SELECT_MF:
        reader.link.sendall(bytes((byte,)))
        time.sleep(0.002)
    assert reader.receive() == b"\x90\x00"
    reader.link.sendall((b"\x00\x07" + SELECT_MF) * 3)
    assert [reader.receive() for _ in range(3)] == [b"\x90\x00"] * 3
    reader.close()
    assert served.end() is None


class Scripted:
    """A card that answers what a test says."""

    def __init__(self, answer):
        self.answer = answer

    def atr(self):
        return b"\x3b\x00"

    def power(self, cold):
        pass

    def transmit(self, command):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_one_write_per_answer(reader, monkeypatch):
    writes = []
    original = socket.socket.sendall

    def sendall(self, data, *flags):
        writes.append(bytes(data))
        return original(self, data, *flags)

    served = insert(Scripted(b"\xaa" * 1000 + b"\x90\x00"), reader)
    monkeypatch.setattr(socket.socket, "sendall", sendall)
    assert len(reader.ask(SELECT_MF)) == 1002
    assert writes[-1] == b"\x03\xea" + b"\xaa" * 1000 + b"\x90\x00"
    monkeypatch.undo()
    reader.close()
    assert served.end() is None


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="TCP_QUICKACK is Linux only")
def test_quickack_is_armed_again_before_each_recv(reader, monkeypatch):
    calls = []
    original_set, original_recv = socket.socket.setsockopt, socket.socket.recv

    def setsockopt(self, level, option, value):
        if option == socket.TCP_QUICKACK:
            calls.append("arm")
        return original_set(self, level, option, value)

    def recv(self, size, *flags):
        if size > 4096:  # the card's, not the reader's
            calls.append("recv")
        return original_recv(self, size, *flags)

    monkeypatch.setattr(socket.socket, "setsockopt", setsockopt)
    monkeypatch.setattr(socket.socket, "recv", recv)
    served = insert(VirtualCard("usim", seed=1), reader)
    for _ in range(5):
        reader.ask(SELECT_MF)
    reader.close()
    served.end()
    assert calls.count("recv") >= 5
    assert calls == ["arm", "recv"] * (len(calls) // 2)


def test_works_without_quickack(reader, monkeypatch):
    monkeypatch.delattr(socket, "TCP_QUICKACK", raising=False)
    served = insert(VirtualCard("usim", seed=1), reader)
    assert reader.ask(SELECT_MF) == b"\x90\x00"
    reader.close()
    assert served.end() is None


def test_exception_in_the_card_is_6f00_and_logged(reader, caplog):
    served = insert(Scripted(ValueError("broken")), reader)
    assert reader.ask(SELECT_MF) == b"\x6f\x00"
    assert reader.ask(SELECT_MF) == b"\x6f\x00"
    reader.close()
    assert served.end() is None
    assert "virtual card failed on a command of 7 bytes" in caplog.text


def test_gone_card_closes_the_link_and_never_answers_zero_bytes(reader):
    served = insert(Scripted(b""), reader)
    with pytest.raises(EOFError):
        reader.ask(SELECT_MF)
    assert served.end() is None


@pytest.mark.parametrize(
    ("image", "protocol", "atr"),
    [
        ("usim", 1, "3B9F968191FE1FC78031A073BE21136743565531000001C6"),  # T=1 alone
        ("usim", 0, "3B9F968091FE1FC78031A073BE21136743565531000001C7"),  # T=0 first
        ("sim2g", 0, "3B1695565532470001"),
    ],
)
def test_the_first_protocol_offered_is_the_one_spoken(reader, image, protocol, atr):
    card = VirtualCard(image, seed=1, protocol=protocol)
    served = insert(WithoutPPS(card), reader)
    assert reader.ask(ATR).hex().upper() == atr
    assert reader.ask(SELECT_MF) == card.transmit(SELECT_MF)
    reader.close()
    assert served.end() is None


def test_a_card_with_t0_gets_a_command_without_its_le(reader):
    """As readers do it; the program sees 61XX and goes on with GET RESPONSE, and a wrong length stays wrong."""
    served = insert(WithoutPPS(VirtualCard("usim", seed=1, protocol=0)), reader)
    answer = reader.ask(bytes.fromhex("00A40004023F0000"))
    assert answer[0] == 0x61
    assert len(reader.ask(bytes((0x00, 0xC0, 0, 0, answer[1])))) == answer[1] + 2
    assert reader.ask(bytes.fromhex("00A40004023F000000")) == b"\x67\x00"
    assert reader.ask(bytes.fromhex("00B0000000"))[:1] != b"\x67"
    reader.close()
    assert served.end() is None


def test_mute_card_never_answers(reader):
    served = insert(Scripted(TimeoutError("mute")), reader)
    reader.send(SELECT_MF)
    reader.link.settimeout(0.2)
    with pytest.raises(TimeoutError):
        reader.receive()
    reader.close()
    assert served.end() is None


def test_answer_that_does_not_fit_is_refused(reader):
    served = insert(Scripted(bytes(65_536)), reader)
    with pytest.raises(EOFError):
        reader.ask(SELECT_MF)
    assert "65536 bytes" in str(served.end())


def test_longest_answer_fits(reader):
    served = insert(Scripted(bytes(65_535)), reader)
    assert reader.ask(SELECT_MF) == bytes(65_535)
    reader.close()
    assert served.end() is None


def test_link_cut_inside_a_message_is_an_error(reader):
    served = insert(VirtualCard("usim", seed=1), reader)
    reader.ask(ATR)
    reader.link.sendall(b"\x00\x07\x00\xa4")
    reader.close()
    assert "inside a message" in str(served.end())


def test_stop_removes_the_card(reader):
    stop = threading.Event()
    served = insert(VirtualCard("usim", seed=1), reader, stop)
    reader.ask(ATR)
    stop.set()
    with pytest.raises(EOFError):
        reader.receive()
    assert served.end() is None


def test_reset_link_is_reported(reader):
    served = insert(VirtualCard("usim", seed=1), reader)
    reader.ask(ATR)
    reader.link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reader.close()
    assert "link broke" in str(served.end())


def test_stopped_before_it_connects(reader):
    stop = threading.Event()
    stop.set()
    serve(VirtualCard("usim", seed=1), "127.0.0.1", reader.port, stop=stop)


def test_silent_reader_means_an_occupied_slot(reader):
    served = insert(VirtualCard("usim", seed=1), reader)
    assert isinstance(served.end(), SlotOccupiedError)


def test_refused_connection_is_repeated_until_a_reader_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = Served(VirtualCard("usim", seed=1), type("Port", (), {"port": port}))
    time.sleep(0.1)
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(60)
        link, _ = listener.accept()
        with link:
            link.sendall(b"\x00\x01\x04")
            assert link.recv(100)[2:] == VirtualCard("usim").atr()
    assert served.end() is None


def test_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(LinkError, match="cannot connect within 2 s"):
        serve(VirtualCard("usim"), "127.0.0.1", port)
    assert 1.5 < time.monotonic() - started < 5
