"""A trace hides what it should, and is a card afterwards."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import CardRemovedError, EncodingError, Executed, LinkTimeoutError, TransportError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.record import RecordingConnection
from cardkit.transport.redact import ShowAll
from cardkit.transport.replay import ReplayConnection, load_trace, pattern

SELECT = bytes.fromhex("00A40004023F00")
VERIFY = bytes.fromhex("0020000108") + b"1234\xff\xff\xff\xff"
READ = bytes.fromhex("00B000000A")


@pytest.fixture
def play(tmp_path):
    """Turn a trace's text into a connection."""

    def make(text: str) -> ReplayConnection:
        path = tmp_path / "trace.jsonl"
        path.write_text(text, encoding="utf-8")
        return ReplayConnection(load_trace(path))

    return make


def lines(sink: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in sink.getvalue().splitlines()]


def test_the_first_line_says_what_the_trace_is(link):
    sink = io.StringIO()
    RecordingConnection(link(), sink)
    (header,) = lines(sink)
    assert header.pop("version")
    assert header == {
        "cardkit_trace": 1,
        "reader": "virtual:test",
        "atr": "3B00",
        "protocol": 1,
        "redaction": "all",
    }


def test_by_default_no_data_is_shown(link):
    sink = io.StringIO()
    recorder = RecordingConnection(link(b"\x61\x20", b"\x01\x02\x03\x90\x00"), sink)
    recorder.transmit(VERIFY)
    recorder.transmit(READ)
    exchange = [{key: line[key] for key in line if key != "us"} for line in lines(sink)[1:]]
    assert exchange == [
        {"dir": ">", "apdu": "0020000108<8:DATA>"},
        {"dir": "<", "apdu": "6120", "sw": "6120"},
        {"dir": ">", "apdu": "00B000000A"},
        {"dir": "<", "apdu": "<3:DATA>9000", "sw": "9000"},
    ]
    assert all(isinstance(line["us"], int) for line in lines(sink)[2::2])


def test_a_lost_answer_leaves_its_command_and_its_error(link):
    sink = io.StringIO()
    recorder = RecordingConnection(link(b""), sink)
    with pytest.raises(CardRemovedError):
        recorder.transmit(SELECT)
    *_, command, error = lines(sink)
    assert command == {"dir": ">", "apdu": "00A4000402<2:DATA>"}
    assert (error["error"], error["executed"]) == ("CardRemovedError", "unknown")


def test_an_open_trace_plays_again(link, play):
    sink = io.StringIO()
    recorder = RecordingConnection(
        link(b"\x90\x00", b"\x01\x02\x90\x00", TimeoutError, protocol=TransmissionProtocol.T0), sink, ShowAll()
    )
    recorder.transmit(SELECT)
    recorder.reset(cold=True)
    recorder.transmit(READ)
    with pytest.raises(LinkTimeoutError):
        recorder.transmit(READ)
    card = play(sink.getvalue())
    assert (card.atr, card.protocol) == (b"\x3b\x00", TransmissionProtocol.T0)
    assert card.transmit(SELECT) == b"\x90\x00"
    assert card.reset(cold=True) == b"\x3b\x00"
    assert card.transmit(READ) == b"\x01\x02\x90\x00"
    with pytest.raises(LinkTimeoutError) as caught:
        card.transmit(READ)
    assert caught.value.executed is Executed.UNKNOWN
    assert card.finished


def test_a_masked_command_matches_any_bytes_of_its_length(link, play):
    sink = io.StringIO()
    RecordingConnection(link(b"\x90\x00"), sink).transmit(VERIFY)
    assert play(sink.getvalue()).transmit(VERIFY[:5] + bytes(8)) == b"\x90\x00"


def test_a_masked_answer_is_not_invented(link, play):
    sink = io.StringIO()
    RecordingConnection(link(b"\x01\x90\x00"), sink).transmit(READ)
    with pytest.raises(TransportError, match=r"line 3: the answer <1:DATA>9000 is masked"):
        play(sink.getvalue()).transmit(READ)


def test_another_command_stops_the_replay_and_shows_no_data(link, play):
    sink = io.StringIO()
    RecordingConnection(link(b"\x90\x00"), sink, ShowAll()).transmit(SELECT)
    card = play(sink.getvalue())
    with pytest.raises(TransportError, match=r"line 2: got command 00200001 with 13 bytes") as caught:
        card.transmit(VERIFY)
    assert caught.value.executed is Executed.NO
    assert VERIFY[5:].hex() not in str(caught.value).lower()


@pytest.mark.parametrize("act", [lambda card: card.reset(cold=True), lambda card: card.transmit(SELECT)])
def test_the_end_of_a_trace_is_an_error(play, act):
    card = play('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n')
    with pytest.raises(TransportError, match="the trace ends"):
        act(card)


def test_a_cut_trace_stops_after_its_last_command(play):
    head = '{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n'
    card = play(head + '{"dir":">","apdu":"00B000000A"}\n')
    with pytest.raises(TransportError, match="the trace ends"):
        card.transmit(READ)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "line 1"),
        ("no json", "line 1"),
        ("[1]", "line 1"),
        ('{"cardkit_trace": 2, "atr": "3B00", "protocol": 1}', "line 1"),
        ('{"cardkit_trace": 1, "atr": "3", "protocol": 1}', "line 1"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 7}', "line 1"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":">"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":"?","apdu":"00"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":">","apdu":"0"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":">","apdu":"00<x:DATA>"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":">","reset":"hot"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n\n{"dir":"<","error":"SystemExit"}', "line 3"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":"<","error":"StatusError"}', "line 2"),
        ('{"cardkit_trace": 1, "atr": "3B00", "protocol": 1}\n{"dir":"<","atr":"3B","executed":"so"}', "line 2"),
    ],
)
def test_a_malformed_trace_is_refused_with_its_line(play, text, where):
    with pytest.raises(EncodingError, match=where):
        play(text)


def test_a_missing_trace_is_refused(tmp_path):
    with pytest.raises(EncodingError, match="cannot be read"):
        load_trace(tmp_path / "none.jsonl")


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=300), st.binary(max_size=300)), max_size=5), st.booleans())
def test_what_was_recorded_plays_again(tmp_path_factory, exchanges, in_clear):
    class Card:
        def atr(self) -> bytes:
            return b"\x3b\x00"

        def power(self, cold: bool) -> None:
            pass

        def transmit(self, command: bytes) -> bytes:
            return next(answers)

    answers = iter([data * in_clear + b"\x90\x00" for _, data in exchanges])
    sink = io.StringIO()
    recorder = RecordingConnection(LoopbackConnection(Card()), sink, ShowAll() if in_clear else None)
    for command, _ in exchanges:
        recorder.transmit(command)
    path = tmp_path_factory.getbasetemp() / "played.jsonl"
    path.write_text(sink.getvalue(), encoding="utf-8")
    replay = ReplayConnection(load_trace(path))
    for command, data in exchanges:
        assert replay.transmit(command) == data * in_clear + b"\x90\x00"


def test_a_pattern_takes_newlines_for_bytes():
    assert pattern("00<2:PIN>0A").fullmatch(b"\x00\n\n\n")
    assert not pattern("00<2:PIN>0A").fullmatch(b"\x00\n\n")
