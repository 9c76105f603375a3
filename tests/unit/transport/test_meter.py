"""The price of a session, against the link model's vectors and a metered card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardkit.errors import EncodingError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.meter import MeterConnection, Tally, WriteModel, clocks_per_etu, prices, t0_etu, t1_etu

THREE_DIGITS = 0.0005 + 1e-9
T0, T1 = TransmissionProtocol.T0, TransmissionProtocol.T1
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "production-throughput.json").read_text(encoding="utf-8"))


def named(prefix: str) -> list[dict[str, dict[str, object]]]:
    return [vector for vector in VECTORS if vector["name"].startswith(prefix)]


def name(vector: dict[str, str]) -> str:
    return vector["name"]


@pytest.mark.parametrize("vector", named("bitrate-"), ids=name)
def test_an_etu_has_as_many_clocks_as_ta1_says(vector):
    assert clocks_per_etu(int(vector["in"]["ta1"], 16)) == vector["out"]["clocks_per_etu"]


@pytest.mark.parametrize("vector", named("ta1-"), ids=name)
def test_reserved_values_of_ta1_are_refused(vector):
    ta1 = int(vector["in"]["ta1"], 16)
    if vector["out"]["valid"]:
        assert clocks_per_etu(ta1) == vector["out"]["F"] / vector["out"]["D"]
    else:
        with pytest.raises(EncodingError, match=f"{ta1:02X}"):
            clocks_per_etu(ta1)


@pytest.mark.parametrize("vector", named("link-"), ids=name)
def test_one_command_takes_its_characters(vector):
    lc, le = vector["in"]["lc"], vector["in"]["le"]
    assert (t0_etu(lc, le), t1_etu(lc, le)) == (vector["out"]["t0_etu"], vector["out"]["t1_etu"])


@pytest.mark.parametrize("vector", named("mix-"), ids=name)
def test_a_whole_card_adds_up(vector):
    given, expected = vector["in"], vector["out"]
    tally = Tally()
    for times, lc, le in given["groups_count_lc_le"]:
        tally.add(lc, le, times=times)
    writes = WriteModel(given["page_bytes"], given["page_ms"], given["cos_ms"], given["J"])
    write_seconds = writes.seconds(tally.apdus, given["nvm_bytes"])
    assert (tally.apdus, tally.bytes_in, tally.bytes_out) == tuple(
        expected[key] for key in ("apdus", "bytes_in", "bytes_out")
    )
    assert write_seconds == pytest.approx(expected["nvm_cos_s"], abs=THREE_DIGITS)
    for ta1 in (0x11, 0x94, 0x95, 0x96, 0x97):
        row = expected[f"ta1_{ta1:02x}"]
        seconds = [tally.line_seconds(ta1, protocol, given["f_Hz"]) for protocol in (T0, T1)]
        assert seconds == pytest.approx([row["t0_s"], row["t1_s"]], abs=THREE_DIGITS)
        assert seconds[1] + write_seconds == pytest.approx(row["total_t1_s"], abs=THREE_DIGITS)


def test_a_smaller_block_costs_more_blocks():
    assert t1_etu(0, 64, ifsd=32) == 11 * (5 + 66 + 4 * (1 + 3 + 2)) + 22 * 3


def test_prices_cover_the_usual_rates_at_both_protocols():
    tally = Tally()
    tally.add(2, 30, nvm_bytes=0)
    rows = list(prices(tally, WriteModel()))
    assert [(row.protocol, row.ta1) for row in rows] == [
        (protocol, ta1) for protocol in (T0, T1) for ta1 in (0x11, 0x94, 0x95, 0x96, 0x97)
    ]
    assert rows[0].line_seconds == pytest.approx(592 * 372 / 5_000_000)
    assert rows[0].seconds == pytest.approx(rows[0].line_seconds + 0.0005)


def test_the_meter_counts_what_passes(link):
    meter = MeterConnection(link(b"\x90\x00", bytes(10) + b"\x90\x00", b"\x69\x82"))
    meter.transmit(bytes.fromhex("00D6000003010203"))
    meter.transmit(bytes.fromhex("00B000000A"))
    meter.transmit(bytes.fromhex("0020000100"))
    report = meter.report()
    assert (report.apdus, report.bytes_in, report.bytes_out, report.nvm_bytes) == (3, 18, 16, 3)
    expected = (t1_etu(3, 0) + t1_etu(0, 10) + t1_etu(0, 0)) * 372 / 5_000_000
    (at_11,) = [price for price in report.prices if price.ta1 == 0x11 and price.protocol == T1]
    assert at_11.line_seconds == pytest.approx(expected)
    assert at_11.write_seconds == pytest.approx(0.0025 + 3 * 0.0005)


def test_a_get_response_is_priced_with_its_command(link):
    meter = MeterConnection(link(b"\x61\x03", b"\x01\x61\x02", b"\x02\x03\x90\x00", protocol=T0))
    meter.transmit(bytes.fromhex("00A40004023F00"))
    meter.transmit(bytes.fromhex("00C0000001"))
    meter.transmit(bytes.fromhex("00C0000002"))
    report = meter.report()
    assert report.apdus == 3
    (at_97,) = [price for price in report.prices if price.ta1 == 0x97 and price.protocol == T1]
    assert at_97.line_seconds == pytest.approx(t1_etu(2, 3) * 8 / 5_000_000)
    assert at_97.write_seconds == pytest.approx(0.0005)


def test_a_lost_answer_is_not_counted(link):
    meter = MeterConnection(link(b""))
    with pytest.raises(Exception, match="mid-command"):
        meter.transmit(bytes.fromhex("00A4000C"))
    assert meter.report().apdus == 0
