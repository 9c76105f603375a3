"""A border reader in front of a virtual passport in the real PC/SC stack: everything proved, and how long it takes."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

import pytest

from cardkit.apps.emrtd.face import build_dg2
from cardkit.apps.emrtd.pace import Password, PasswordKind
from cardkit.apps.emrtd.terminal.reader import inspect
from cardkit.apps.emrtd.terminal.reading import Mark, Reading, Request
from cardkit.crypto.secret import Secret
from cardkit.target import open_card
from tests.interop.conftest import Slots
from tests.unit.emrtd.passport import CAN, NOW, PICTURE, TRUST, Document

pytestmark = pytest.mark.interop

FACE = PICTURE[:-2] + bytes(12_000) + PICTURE[-2:]
MOST_SECONDS = 0.15
"""PACE, chip and active authentication, COM, SOD, DG1, 2, 11, 14, 15, passive authentication."""
ROUNDS = 5
BY_CAN = Password(PasswordKind.CAN, Secret(CAN.encode(), "CAN"))


def inserted(slots: Slots, image: str) -> str:
    """Put a passport with a face of 12 KB into the first reader, whose name comes back."""
    chip = replace(Document(image=image), groups={2: build_dg2([FACE])}).card()
    answer = chip.atr()
    chip.power(True)
    slots.insert(0, answer_to_reset=answer, respond=chip.transmit)
    return f"pcsc:{slots.stack.names[0]}"


def timed(reader: str) -> tuple[float, Reading]:
    """Read all, and return how many seconds that took of a card that lay there."""
    with open_card(reader) as card:
        request = Request((BY_CAN,), TRUST, NOW, secrets.token_bytes)
        begin = time.perf_counter()
        reading = inspect(card.channel, request)
        return time.perf_counter() - begin, reading


@pytest.mark.parametrize("image", ["emrtd-native", "emrtd-applet"])
def test_a_passport_is_read_and_proved_in_time(slots: Slots, image: str) -> None:
    reader = inserted(slots, image)
    runs = [timed(reader) for _ in range(ROUNDS)]
    for _, reading in runs:
        assert [step.mark for step in reading.steps] == [Mark.DONE] * 3
        assert reading.findings == []
        assert len(reading.files["EF.DG2"]) > len(FACE)
    assert min(seconds for seconds, _ in runs) < MOST_SECONDS
