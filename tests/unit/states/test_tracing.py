"""What a trace shows: rules of the house (security-redaction.json), and no secret of a whole run."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import pytest

from cardkit.crypto import Secret
from cardkit.perso import personalize, plan, prepare, redactor
from cardkit.profile import read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.transport.record import RecordingConnection
from cardkit.virtual import VirtualCard

VECTORS = [
    case
    for case in json.loads(
        (Path(__file__).parents[2] / "vectors" / "security-redaction.json").read_text(encoding="utf-8")
    )
    if case["name"].startswith("apdu-") and case["in"].get("app") == "uicc" and case["in"]["mode"] == "LIVE"
]
USIM = bytes.fromhex("A0000000871002FFFFFFFF8907090000")
OK = b"\x90\x00"


def select(path: str) -> list[bytes]:
    """Return SELECTs that make a file current."""
    fids = bytes.fromhex(path)
    if fids[:2] == b"\x7f\xff":
        return [b"\x00\xa4\x04\x0c\x10" + USIM, b"\x00\xa4\x00\x0c\x02" + fids[2:]]
    return [b"\x00\xa4\x08\x0c" + bytes((len(fids) - 2,)) + fids[2:]]


def test_there_are_cases():
    assert len(VECTORS) >= 10


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_vector(profile, case):
    one = redactor(profile)
    given = case["in"]
    for command in select(given["selected"]) if "selected" in given else []:
        one.command(command)
        one.response(OK)
    if "follows" in given:
        one.command(bytes.fromhex("0088008122" + "10" + "01" * 16 + "10" + "02" * 16))
        one.response(bytes.fromhex("612C"))
    assert one.command(bytes.fromhex(given["command"])) == case["out"]["command"]
    assert one.response(bytes.fromhex(given["response"])) == case["out"]["response"]


@pytest.mark.parametrize(
    ("steps", "masked"),
    [
        (["00A4040C10" + USIM.hex(), "00D6870009080910100000000010"], "<9:IMSI>"),
        (["00A4040C10" + USIM.hex(), "00A4000C026F40", "00DC010402FFFF"], "<2:PERSONAL>"),
        (["00A4080C047FFF6F07", "00D6000001FF"], "<1:DATA>"),
        (["00A4040C10" + USIM.hex(), "00A4080C047FFF6F07", "00D6000001FF"], "<1:IMSI>"),
        (["00A4080C04A5156F01", "00D6000001FF"], "<1:KEY>"),
        (["00A4080C04A5156F01", "00A4000C026F20", "00D6000001FF"], "<1:KEY>"),
        (["00A4040C10" + USIM.hex(), "00A4000C025FC0", "00D6860001FF"], "FF"),
        (["00A4040C10" + USIM.hex(), "00A4000C025FC0", "00A4000C023F00", "00D6820001FF"], "FF"),
        (["00A4080C027F20", "00D6000001FF"], "<1:DATA>"),
        (["00D68F0001FF"], "<1:DATA>"),
    ],
)
def test_the_current_file_decides(profile, steps, masked):
    one = redactor(profile)
    text = ""
    for step in steps:
        text = one.command(bytes.fromhex(step))
        one.response(OK)
    assert text.endswith(masked)


def test_a_refused_selection_changes_nothing(profile):
    one = redactor(profile)
    for command, answer in (("00A4080C04A5156F01", "9000"), ("00A4080C022FE2", "6A82")):
        one.command(bytes.fromhex(command))
        one.response(bytes.fromhex(answer))
    assert one.command(bytes.fromhex("00D6000001FF")).endswith("<1:KEY>")


def test_a_reset_deselects(profile):
    one = redactor(profile)
    one.command(bytes.fromhex("00A4080C022FE2"))
    one.response(OK)
    one.reset()
    assert one.command(bytes.fromhex("00D6000001FF")).endswith("<1:DATA>")


def test_the_trace_of_a_whole_run_holds_no_secret_and_no_subscriber(profile):
    keystore = profile.test_keystore()
    record = read_order(profile, profile.path.parent / "order.csv", keystore).records[0]
    todo = plan(profile, record, prepare(profile, record, keystore, random.Random(1).randbytes), keystore)
    sink = io.StringIO()
    link = RecordingConnection(LoopbackConnection(VirtualCard("usim", seed=1)), sink, redactor(profile))
    assert personalize(todo, Card(link), keystore).verdict == "GOOD"
    text = sink.getvalue().upper()
    assert "989909010000000010F3" in text  # the ICCID is public
    for needle in _needles(record):
        assert needle not in text


def _needles(record):
    for name, value in record.items():
        if isinstance(value, Secret):
            with value.reveal() as clear:
                yield bytes(clear).hex().upper()
        elif name in ("imsi", "msisdn"):
            padded = f"{'9' if name == 'imsi' else ''}{value}"
            yield "".join(b + a for a, b in zip(padded[::2], padded[1::2], strict=False))[:12]
            yield value.encode().hex().upper()
