"""One reader: connected, timed, probed."""

from __future__ import annotations

import time

import pytest

from cardkit import errors
from cardkit.atr import ATR
from cardkit.channel import Channel
from cardkit.doctor import Verdict, bitrate, coupler
from cardkit.doctor.deadline import within
from cardkit.errors import EncodingError, Executed, LinkTimeoutError
from cardkit.target import Card, parse_one
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.pcsc import PcscConnection

T0, T1 = TransmissionProtocol.T0, TransmissionProtocol.T1
EXTENDED_ATR = bytes.fromhex("3B058073000040")  # historical bytes: compact-TLV 73, extended Lc and Le
PLAIN_ATR = bytes.fromhex("3B00")


class Chip:
    """Answers by its table of commands, 9000 by default."""

    def __init__(self, answers: dict[str, bytes] | None = None, atr: bytes = PLAIN_ATR) -> None:
        self.answers = {bytes.fromhex(command): answer for command, answer in (answers or {}).items()}
        self._atr = atr
        self.sent: list[bytes] = []

    def atr(self) -> bytes:
        return self._atr

    def power(self, cold: bool) -> None:
        pass

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command)
        return self.answers.get(command, b"\x90\x00")


def card(chip: Chip, protocol: TransmissionProtocol = T1) -> Card:
    return Card(LoopbackConnection(chip, reader="Model 00 00", protocol=protocol))


def verdicts(checks) -> dict[str, str]:
    return {check.id: str(check.verdict) for check in checks}


def test_a_virtual_card_passes(station):
    checks = coupler.examine(parse_one("virtual:usim"), station)
    assert verdicts(checks) == {
        "mute": "ok",
        "apdu": "ok",
        "bitrate": "not applicable",
        "extended": "not applicable",
    }


@pytest.mark.parametrize("reader", ["replay:trace.jsonl", "meter:usim", "usim", "virtual:usim*2", "pcsc:"])
def test_other_targets_are_no_readers(reader):
    with pytest.raises(EncodingError):
        coupler.testable(reader)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (errors.NoCardError, "put a card in"),
        (errors.ReaderBusyError, "stop the program"),
        (errors.LinkTimeoutError, "take the card out"),
        (errors.CardMuteError, "cardkit readers"),
        (errors.NoReaderError, "cardkit readers"),
    ],
)
def test_a_reader_without_a_card_fails_with_its_remedy(station, monkeypatch, kind, remedy):
    def refuse(target: object) -> None:
        raise kind("Model 00 00: so it is", executed=Executed.NO)

    monkeypatch.setattr(coupler, "open_card", refuse)
    mute, *others = coupler.examine(parse_one("pcsc:0"), station)
    assert (mute.verdict, mute.evidence) == (Verdict.FAIL, "Model 00 00: so it is")
    assert remedy in mute.remedy
    assert [(check.id, check.verdict) for check in others] == [
        (name, Verdict.NOT_APPLICABLE) for name in ("apdu", "bitrate", "extended")
    ]


def test_a_card_that_stays_mute_fails_in_time(station, monkeypatch):
    monkeypatch.setattr(coupler, "_CONNECT_TIMEOUT_S", 0.02)
    monkeypatch.setattr(coupler, "open_card", lambda target: time.sleep(0.5))
    assert coupler.examine(parse_one("pcsc:0"), station)[0].evidence == "connect: no answer within 0.02 s"


def test_after_a_broken_link_nothing_more_is_asked(station, monkeypatch):
    chip = Chip({"00A4000C023F00": b""})
    monkeypatch.setattr(coupler, "open_card", lambda target: card(chip))
    checks = coupler.examine(parse_one("pcsc:0"), station)
    assert verdicts(checks) == {
        "mute": "ok",
        "apdu": "fail",
        "bitrate": "not applicable",
        "extended": "not applicable",
    }
    assert len(chip.sent) == 1


def test_an_impossible_atr_is_a_warning(station, monkeypatch):
    monkeypatch.setattr(coupler, "open_card", lambda target: card(Chip(atr=b"\x3b")))
    assert verdicts(coupler.examine(parse_one("pcsc:0"), station))["bitrate"] == "warn"


def test_the_card_is_given_back(station, monkeypatch):
    opened = card(Chip())
    monkeypatch.setattr(coupler, "open_card", lambda target: opened)
    coupler.examine(parse_one("pcsc:0"), station)
    with pytest.raises(errors.TransportError, match="closed"):
        opened.connection.transmit(bytes(4))


def test_a_reader_of_vpcd_counts_as_virtual(station, monkeypatch):
    (station.reader_conf / "vpcd").write_text(
        'FRIENDLYNAME "Model"\nDEVICENAME /dev/null:0x8C7B\nLIBPATH /x/libifdvpcd.so\n', encoding="utf-8"
    )
    monkeypatch.setattr(coupler, "open_card", lambda target: card(Chip()))
    checks = {check.id: check for check in coupler.examine(parse_one("pcsc:0"), station)}
    assert checks["bitrate"].evidence == "a virtual reader has no bit rate"


@pytest.mark.parametrize(
    ("p50_us", "is_virtual", "verdict"),
    [
        (37.0, True, Verdict.OK),
        (300.0, True, Verdict.WARN),
        (44_000.0, True, Verdict.FAIL),
        (44_000.0, False, Verdict.OK),
    ],
)
def test_only_a_virtual_cards_time_is_judged(monkeypatch, p50_us, is_virtual, verdict):
    monkeypatch.setattr(coupler.latency, "median_us", lambda call: p50_us)
    assert coupler.exchange(card(Chip()), is_virtual=is_virtual).verdict == verdict


@pytest.mark.parametrize(
    ("answer", "protocol", "atr", "verdict"),
    [
        (b"\x90\x00", T1, EXTENDED_ATR, Verdict.OK),
        (b"\x6a\x82", T1, EXTENDED_ATR, Verdict.OK),
        (b"\x67\x00", T1, EXTENDED_ATR, Verdict.WARN),
        (b"\x6f\x00", T1, EXTENDED_ATR, Verdict.WARN),
        (b"", T1, EXTENDED_ATR, Verdict.WARN),
        (b"\x90\x00", T0, EXTENDED_ATR, Verdict.NOT_APPLICABLE),
        (b"\x90\x00", T1, PLAIN_ATR, Verdict.NOT_APPLICABLE),
    ],
)
def test_extended_lengths_are_probed_where_the_card_takes_them(answer, protocol, atr, verdict):
    chip = Chip({"00A4000C0000023F00": answer}, atr)
    assert coupler.extended(card(chip, protocol)).verdict == verdict


def test_a_reader_that_declares_extended_lengths_is_believed():
    class Declaring(PcscConnection):
        def __init__(self) -> None:
            self.atr, self.protocol, self.reader = PLAIN_ATR, T1, "Model 00 00"

        def takes_extended(self) -> bool:
            return True

    assert coupler.extended(Card(Declaring())).verdict == Verdict.OK


# ISO/IEC 7816-3: TA1=96 is 16 clocks per etu, TA1=11 and none are 372; a byte takes 12 etu at T=0 and 11 at T=1.
@pytest.mark.parametrize(
    ("byte_us", "protocol", "atr", "verdict", "words"),
    [
        (48, T0, "3B109600", Verdict.OK, "1.0 times what TA1=96"),
        (44, T1, "3B109600", Verdict.OK, "1.0 times"),
        (1_023, T1, "3B00", Verdict.OK, "TA1=11"),
        (70, T1, "3B109600", Verdict.OK, "1.6 times"),
        (176, T1, "3B109600", Verdict.FAIL, "it runs like TA1=94"),
        (1_116, T0, "3B109600", Verdict.FAIL, "link-slower-than-atr: 1,116 us per byte, 23.2 times"),
        (5, T1, "3B109600", Verdict.WARN, "faster than any card clock"),
        (-1, T1, "3B109600", Verdict.WARN, "no line"),
        (85, T1, "3B80800101", Verdict.OK, "11,765 bytes/s"),
    ],
)
def test_a_line_is_compared_with_its_atr(byte_us, protocol, atr, verdict, words):
    seen = bitrate.judge(byte_us / 1e6, protocol, ATR.parse_unchecked(bytes.fromhex(atr)))
    assert seen.verdict == verdict
    assert words in seen.evidence


def test_the_longest_readable_file_is_timed(monkeypatch):
    """A played line of 1 ms per byte (both lengths alike otherwise), the file in ADF.USIM being the longest."""
    now = [0.0]
    files = {"6F61": 240, "2F01": 100}
    selected = [""]

    class Timed(Chip):
        def transmit(self, command: bytes) -> bytes:
            super().transmit(command)
            if command[1] == 0xA4:
                selected[0] = command[5:].hex().upper()
                return b"\x6a\x82" if selected[0] == "7F20" else b"\x90\x00"
            size = files.get(selected[0])
            if size is None:
                return b"\x69\x82"
            count = min(command[4], size)
            now[0] += count * 1e-3
            return bytes(count) + (b"\x90\x00" if count == command[4] else b"\x62\x82")

    monkeypatch.setattr(bitrate.time, "perf_counter", lambda: now[0])
    chip = Timed(atr=bytes.fromhex("3B00"))
    seen = bitrate.bitrate(Channel(LoopbackConnection(chip, protocol=T1)))
    assert seen.evidence.startswith("1,000 us per byte, 1.0 times what TA1=11")
    assert {command[1] for command in chip.sent} == {0xA4, 0xB0}
    assert [command[4] for command in chip.sent[-10:]] == [16, 240] * 5


def test_a_card_without_a_long_file_is_not_timed():
    chip = Chip({"00B00000F0": bytes(20) + b"\x62\x82"})
    assert bitrate.bitrate(Channel(LoopbackConnection(chip))).verdict == Verdict.NOT_APPLICABLE


def test_a_call_is_waited_for_and_its_error_raised():
    assert within(1, lambda: 5, "five") == 5
    with pytest.raises(ZeroDivisionError):
        within(1, lambda: 1 // 0, "division")
    with pytest.raises(LinkTimeoutError, match=r"sleep: no answer within 0\.01 s"):
        within(0.01, lambda: time.sleep(0.2), "sleep")
