"""Readers: counted, told apart, held by others; and the service's speed."""

from __future__ import annotations

import pytest

from cardkit.doctor import Verdict, latency, readers
from cardkit.errors import TransportError

from .conftest import EMPTY, EXCLUSIVE, IN_USE, MUTE, PRESENT

SERIAL = "Vendor Model [CCID Interface] (0000{0}) {0:02} 00"


@pytest.mark.parametrize(
    ("names", "verdict", "words"),
    [
        ([], Verdict.WARN, "no reader"),
        (["Model 00 00"], Verdict.OK, "1: Model 00 00"),
        (["Virtual PCD 00 00", "Virtual PCD 00 01"], Verdict.OK, "2: "),
        ([SERIAL.format(number) for number in range(12)], Verdict.OK, "12: "),
        ([SERIAL.format(number) for number in range(13)], Verdict.WARN, "13 readers, and the limit is 16"),
        ([SERIAL.format(number) for number in range(16)], Verdict.WARN, "more may be hidden"),
        (["Model 00 00", "Model 01 00"], Verdict.WARN, "Model (2 times)"),
        (["Windows Model 0", "Windows Model 0"], Verdict.WARN, "Windows Model 0"),
        (["L\u00e9ser 00 00"], Verdict.WARN, "L\\xe9ser"),
    ],
)
def test_reader_names_are_judged(station, played, names, verdict, words):
    played.readers = names
    seen = readers.names(station)
    assert seen.verdict == verdict
    assert words in seen.evidence
    assert bool(seen.remedy) == (verdict == Verdict.WARN)


@pytest.mark.parametrize(
    ("state", "verdict", "words"),
    [
        (EMPTY, Verdict.OK, "cards in 0 of 1"),
        (PRESENT | 0x0003_0000, Verdict.OK, "cards in 1 of 1"),
        (PRESENT | EXCLUSIVE, Verdict.WARN, "exclusively"),
        (PRESENT | IN_USE, Verdict.WARN, "together with others"),
        (PRESENT | MUTE, Verdict.WARN, "mute"),
    ],
)
def test_held_and_mute_cards_are_told(station, played, state, verdict, words):
    played.readers = ["Model 00 00", "L\u00e9ser 01 00"]
    played.states = {"Model 00 00": state}
    seen = readers.holders(station)
    assert seen.verdict == verdict
    assert words in seen.evidence


@pytest.mark.parametrize(
    ("p50_us", "verdict"),
    [(27, Verdict.OK), (200, Verdict.OK), (201, Verdict.WARN), (1_000, Verdict.WARN), (44_000, Verdict.FAIL)],
)
def test_a_slow_stack_is_judged(p50_us, verdict):
    assert latency.judge(p50_us, "so long", "mend").verdict == verdict


def test_the_median_ignores_a_few_slow_answers(monkeypatch):
    ticks = iter([tick for count in range(100) for tick in (count, count + (900e-6 if count < 10 else 30e-6))])
    monkeypatch.setattr(latency.time, "perf_counter", lambda: next(ticks))
    assert latency.median_us(lambda: None) == pytest.approx(30)


def test_the_service_is_timed(station, played):
    seen = latency.service(station)
    assert seen.evidence.startswith("the service answers in ")


@pytest.mark.parametrize("look", [readers.names, readers.holders, latency.service])
def test_a_service_that_fails_meanwhile_is_an_error(station, played, look):
    played.listing = 0x80100013
    with pytest.raises(TransportError):
        look(station)
