"""Programs that are not ours see our card: `cardkit virtual serve` behind the real stack, judged by pcsc_scan,
opensc-tool and scriptor; and `cardkit readers` as its users run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.link.slots import glance, wait_until
from tests.interop.stack import NOBODY, Stack, refuse, running

pytestmark = pytest.mark.interop

SELECT_MF = "00A40000023F00"
ANNOUNCED = re.compile(r"usim, ATR ([0-9A-F]+), goes into the slot at 127\.0\.0\.1:")
READERS = 4  # pcsc_scan cannot watch sixteen


@dataclass(frozen=True)
class Served:
    """A card that another process serves.

    :param atr: as that process says.
    """

    index: int
    reader: str
    atr: bytes
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def full_stack() -> Iterator[Stack]:
    """A stack small enough for every program."""
    with running(READERS) as stack:
        yield stack


@contextmanager
def serving(stack: Stack, index: int) -> Iterator[Served]:
    """``cardkit virtual serve usim`` in a process of its own."""
    command = [sys.executable, "-m", "cardkit", "virtual", "serve", "usim", "--port", str(stack.port(index))]
    with subprocess.Popen(
        stack.inside(*command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            announced = ANNOUNCED.match(process.stdout.readline())
            assert announced is not None
            wait_until(stack.names[index], lambda seen: seen.present, "the card")
            yield Served(index, stack.names[index], bytes.fromhex(announced[1]), process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def served(full_stack: Stack) -> Iterator[Served]:
    """One served card for all tests that leave it where it is."""
    with serving(full_stack, 1) as card:
        yield card


def said(stack: Stack, *command: str, given: str = "") -> str:
    """Return what a program prints; it must end well."""
    if shutil.which(command[0]) is None:
        refuse(f"{command[0]} is not installed")
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, env=stack.environment, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def spaced(data: bytes) -> str:
    return data.hex(" ").upper()


def test_pcsc_scan_lists_the_readers(stack: Stack) -> None:
    assert [line.partition(": ")[2] for line in said(stack, "pcsc_scan", "-r").splitlines() if ": " in line][
        -len(stack.names) :
    ] == stack.names


def test_pcsc_scan_shows_the_card(stack: Stack, served: Served) -> None:
    assert f"ATR: {spaced(served.atr)}" in said(stack, "pcsc_scan", "-n", "-t", "1")


def test_opensc_tool_lists_the_card(stack: Stack, served: Served) -> None:
    lines = [line.split() for line in said(stack, "opensc-tool", "-l").splitlines()]
    with_card = {" ".join(fields[2:]) for fields in lines if fields[1:2] == ["Yes"]}
    assert with_card == {served.reader}


def test_opensc_tool_selects_the_master_file(stack: Stack, served: Served) -> None:
    answer = said(stack, "opensc-tool", "-r", str(served.index), "-a", "-s", SELECT_MF)
    assert served.atr.hex(":") in answer
    assert "SW1=0x90, SW2=0x00" in answer


def test_scriptor_talks_to_the_card(stack: Stack, served: Served) -> None:
    script = f"reset\n{SELECT_MF}\n00C000001D\n00A40000022FFF\n"
    answers = [line for line in said(stack, "scriptor", "-r", served.reader, given=script).splitlines() if "< " in line]
    assert answers[0].startswith(f"< OK: {spaced(served.atr)}")
    assert answers[1].startswith("< 61 1D : ")
    assert answers[2].startswith("< 62 1B ")
    assert answers[3].startswith("< 6A 82 : ")


def test_a_user_without_rights_sees_the_card(stack: Stack, served: Served) -> None:
    if os.geteuid() != 0:
        refuse("this user has no rights to give up")
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    answer = said(stack, *as_nobody, "opensc-tool", "-r", str(served.index), "-a", "-s", SELECT_MF)
    assert served.atr.hex(":") in answer
    assert "SW1=0x90, SW2=0x00" in answer


def test_cardkit_readers_tells_who_lies_where(stack: Stack, served: Served) -> None:
    rows = json.loads(said(stack, sys.executable, "-m", "cardkit", "readers", "--json"))
    assert [(row["reader"], row["name"]) for row in rows] == [
        (f"pcsc:{index}", name) for index, name in enumerate(stack.names)
    ]
    with_card = [row for row in rows if row["card"] == "present"]
    assert [(row["name"], row["atr"], row["chip"]) for row in with_card] == [
        (served.reader, served.atr.hex().upper(), "virtual-usim")
    ]
    assert with_card[0]["about"].startswith("T=")


@pytest.mark.parametrize("form", ["index", "name", "part"])
def test_a_reader_is_named_by_index_name_or_part(stack: Stack, served: Served, form: str) -> None:
    name = {"index": str(served.index), "name": served.reader, "part": served.reader.lower()[2:]}[form]
    answer = said(stack, sys.executable, "-m", "cardkit", "apdu", "--reader", f"pcsc:{name}", SELECT_MF)
    assert re.search("^< (9000|61..) ", answer, re.MULTILINE)


def test_an_interrupt_takes_the_card_out(stack: Stack) -> None:
    with serving(stack, 2) as card:
        before = glance(card.reader)
        card.process.send_signal(signal.SIGINT)
        out = card.process.communicate(timeout=10)[0]
    assert (card.process.returncode, "Traceback" in out) == (130, False)
    assert not wait_until(card.reader, lambda seen: seen.counter != before.counter, "the removal").present


def test_a_second_card_for_a_busy_slot_is_told_so(stack: Stack, served: Served) -> None:
    command = [sys.executable, "-m", "cardkit", "virtual", "serve", "usim", "--port", str(stack.port(served.index))]
    second = subprocess.run(stack.inside(*command), capture_output=True, text=True, timeout=90, check=False)
    assert second.returncode == 3
    assert "its slot holds another card" in second.stderr
    assert "Traceback" not in second.stderr


def test_without_a_service_readers_ends_with_one_line(stack: Stack, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cardkit", "readers"],
        env={**os.environ, "PCSCLITE_CSOCK_NAME": str(tmp_path / "nobody")},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "the PC/SC service is not running" in done.stderr
    assert done.stderr.count("\n") == 1
