"""``cardkit doctor`` on a machine with the real PC/SC stack."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cardkit import doctor
from cardkit.doctor import Verdict, stack
from cardkit.virtual import VirtualCard
from cardkit.virtual.vpcd import serve

from .stack import Recipe, require_stack, running

pytestmark = pytest.mark.interop


@pytest.fixture(autouse=True)
def _needs_the_stack() -> None:
    require_stack()


def test_its_own_stack_works_and_leaves_nothing_behind() -> None:
    before = set(Path("/run/pcscd").glob("*"))
    seen = stack.stack(doctor.Station())
    assert seen.verdict in (Verdict.OK, Verdict.WARN), seen
    assert "us per command" in seen.evidence
    assert set(Path("/run/pcscd").glob("*")) == before


def test_a_station_with_a_reader_and_a_card_passes(tmp_path: Path) -> None:
    with running(2, Recipe.PLAIN, home=tmp_path) as private, contextlib.ExitStack() as cleanup:
        stop = threading.Event()
        card = threading.Thread(
            target=serve, args=(VirtualCard("usim"), "127.0.0.1", private.port(0)), kwargs={"stop": stop}
        )
        card.start()
        cleanup.callback(card.join)
        cleanup.callback(stop.set)
        wait = (
            "from cardkit.transport.presence import wait_for_card as w; w('CardKit 00 00 00', after=None, timeout_s=60)"
        )
        subprocess.run([sys.executable, "-c", wait], env=private.environment, check=True)
        done = subprocess.run(
            [sys.executable, "-m", "cardkit", "doctor", "--reader", "pcsc:0", "--json"],
            env=private.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    checks = {check["id"]: check for check in json.loads(done.stdout)}
    assert checks["service"]["verdict"] == "ok"
    assert checks["readers"]["evidence"] == "2: CardKit 00 00 00, CardKit 00 00 01"
    assert checks["mute"]["verdict"] == "ok"
    assert checks["bitrate"]["evidence"] == "a virtual reader has no bit rate"
    assert checks["apdu"]["verdict"] != "fail", checks["apdu"]
