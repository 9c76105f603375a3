"""Other people's programs judge our cards over PC/SC: pcsc_scan, opensc, scriptor, osmo-auc-gen.

In reader 0 lies a USIM made from row 1 of the test order through this very stack, in reader 1 a 2G SIM, both put there
by ``cardkit virtual serve``. What the programs read must be what the order says, not what our decoders say.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.apps.uicc.client import Authenticated, OutOfSync, UiccSession
from cardkit.crypto import Secret
from cardkit.target import open_card
from cardkit.transport.presence import list_readers
from tests.interop.conftest import Slots
from tests.interop.stack import Stack, refuse

pytestmark = pytest.mark.interop

USIM_TEST = Path(__file__).parents[2] / "profiles/sim/usim-test"
VIEW = Path(__file__).parents[1] / "vectors/pysim_view.json"
USIM = "A0000000871002FFFFFFFF8907090000"
ATR = {0: "3B9F968191FE1FC78031A073BE21136743565531000001C6", 1: "3B1695565532470001"}
RAND = "000102030405060708090A0B0C0D0E0F"

_DEBIAN = {
    "pcsc_scan": "pcsc-tools",
    "scriptor": "pcsc-tools",
    "opensc-tool": "opensc",
    "opensc-explorer": "opensc",
    "osmo-auc-gen": "libosmocore-utils",
}


def run(stack: Stack, tool: str, *arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program against the stack; what is not installed is named."""
    if shutil.which(tool) is None:
        refuse(f"{tool} is missing: apt-get install {_DEBIAN[tool]}")
    return subprocess.run(
        [tool, *arguments], env=stack.environment, capture_output=True, text=True, timeout=90, check=False, input=script
    )


@pytest.fixture(scope="module")
def row() -> dict[str, str]:
    with (USIM_TEST / "order.csv").open(newline="") as order:
        return next(csv.DictReader(order))


@pytest.fixture(scope="module")
def cards(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with both cards in it, the USIM personalized."""
    served = [
        subprocess.Popen(
            stack.inside(sys.executable, "-m", "cardkit", "virtual", "serve", image, "--port", str(stack.port(slot))),
            stderr=subprocess.PIPE,
        )
        for slot, image in enumerate(("usim", "sim2g"))
    ]
    try:
        for slot in range(2):
            Slots(stack).wait(slot, lambda state: state.present)
        make(stack, tmp_path_factory.mktemp("work"))
        yield stack
    finally:
        for process in served:
            process.terminate()
            process.communicate(timeout=60)


def make(stack: Stack, work: Path) -> None:
    """Personalize the card in reader 0 with the real command."""
    made = subprocess.run(
        [
            *(sys.executable, "-m", "cardkit", "personalize", str(USIM_TEST), "--order", str(USIM_TEST / "order.csv")),
            *("--record", "1", "--reader", f"pcsc:{stack.names[0]}", "--work", str(work), "--yes", "--json"),
        ],
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (made.returncode, json.loads(made.stdout)["verdict"]) == (0, "GOOD"), made.stderr


def send(stack: Stack, *apdus: str, reader: int = 0) -> list[tuple[str, str]]:
    """Let opensc-tool send APDUs in one session; (data, status word) of each. It chases 61XX by itself."""
    options = [part for apdu in apdus for part in ("-s", apdu)]
    done = run(stack, "opensc-tool", "-r", stack.names[reader], *options)
    assert done.returncode == 0, done.stderr
    answers = re.split(r"^Sending: .*$", done.stdout, flags=re.MULTILINE)[1:]
    return [_answer(answer) for answer in answers]


def _answer(text: str) -> tuple[str, str]:
    status = re.search(r"SW1=0x(..), SW2=0x(..)", text)
    lines = text.splitlines()[2:]
    data = "".join(re.match(r"((?:[0-9A-F]{2} ?){0,16})", line)[1] for line in lines)
    return data.replace(" ", ""), status[1] + status[2]


def test_pcsc_scan_and_opensc_see_both_cards(cards: Stack) -> None:
    scanned = run(cards, "pcsc_scan", "-n", "-c").stdout
    listed = run(cards, "opensc-tool", "-l").stdout
    for slot, name in enumerate(cards.names):
        assert " ".join(re.findall("..", ATR[slot])) in scanned
        assert re.search(rf"^{slot}\s+Yes\s.*{name}$", listed, re.MULTILINE)
        atr = run(cards, "opensc-tool", "-r", name, "-a").stdout
        assert atr.strip().replace(":", "").upper() == ATR[slot]


def test_the_reader_agrees_on_the_one_protocol_that_is_offered(cards: Stack) -> None:
    for slot, protocol in ((0, "T=1"), (1, "T=0")):
        script = "A0A40000023F00\n"
        said = run(cards, "scriptor", "-r", cards.names[slot], script=script).stdout
        assert f"Using {protocol} protocol" in said
        assert "< 9F 16" in said


def test_raw_contents_are_what_pysim_decoded_to_the_order(cards: Stack, row: dict[str, str]) -> None:
    pin = row["pin1"].encode().hex() + "FFFFFFFF"
    for file in json.loads(VIEW.read_text()):
        path, bodies = file["path"][4:].replace("/", ""), file["bodies"]
        size = len(bodies[0]) // 2
        records = range(1, len(bodies) + 1)
        reads = [f"00B2{n:02X}04{size:02X}" for n in records] if len(bodies) > 1 else [f"00B00000{size:02X}"]
        select = f"00A40804{len(path) // 2:02X}{path}00"
        chosen, verified, *contents = send(cards, select, f"0020000108{pin}", *reads)
        assert (chosen[1], verified[1]) == ("9000", "9000")
        assert contents == [(body, "9000") for body in bodies], file["name"]


def test_opensc_explorer_walks_the_tree(cards: Stack, tmp_path: Path) -> None:
    script = tmp_path / "walk"
    script.write_text(f"cd 3F00\ninfo 2F00\ncat 2FE2\ncd aid:{USIM}\ninfo 6F07\ninfo 6F42\nfind 6F05 6F08\n")
    said = run(cards, "opensc-explorer", "-r", cards.names[0], str(script)).stdout
    assert "98 99 09 01 00 00 00 00 10 F3" in said
    facts = re.findall(r"^(File size|EF structure|Number of records|Max. record size): +(.*)$", said, re.MULTILINE)
    linear = ("EF structure", "Linear fixed")
    assert facts == [
        *(("File size", "192 bytes"), linear, ("Number of records", "4"), ("Max. record size", "48 bytes")),
        *(("File size", "9 bytes"), ("EF structure", "Transparent")),
        *(("File size", "104 bytes"), linear, ("Number of records", "2"), ("Max. record size", "52 bytes")),
    ]
    assert said.count("Life cycle:              Operational, activated") == 3
    assert re.findall(r"^\((6F..)\)", said, re.MULTILINE) == ["6F05", "6F06", "6F07", "6F08"]


def test_scriptor_gets_what_waits_announced(cards: Stack) -> None:
    """A program that neither adds Le nor chases 61XX."""
    script = "00A40004023F00\n00C000001D\n00A40000022FE2\n00B000000A\n"
    said = run(cards, "scriptor", "-r", cards.names[0], script=script).stdout
    answers = re.findall(r"^< ((?:[0-9A-F]{2} ?\n?)+)", said, re.MULTILINE)
    assert [answer.split()[-2:] for answer in answers] == [["61", "1D"], ["90", "00"], ["61", "19"], ["90", "00"]]
    assert answers[1].split()[:2] == ["62", "1B"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("00FF0000", "6D00 6E00"),
        ("00A4000C", "9000 6E00"),
        ("00A4040007A0000002471001", "6A82 6E00"),
        ("00A4040010A000000063504B43532D3135 0000000000".replace(" ", ""), "6A82 6E00"),
        ("00CA006E00", "6D00 6E00"),
        ("80CA9F7F00", "6D00 6E00"),
        ("00B0000000", "6986 6E00"),
        ("00B2010400", "6986 6E00"),
        ("A0A40000022FE3", "9404 9404"),
        ("A0B0000000", "9400 9400"),
        ("A0FF000000", "6D00 6D00"),
        ("0020000100", "63C3 6E00"),  # P3 = 00 asks for the tries left, as at T=0 (TS 102 221 11.1.9)
        ("FFCA000000", "6E00 6E00"),
        ("B0FF000000", "6E00 6E00"),
        ("80F2000000", "9000 6E00"),
        ("0070000001", "9000 6E00"),
        ("00A40004023F0000", "9000 6E00"),
    ],
)
def test_strangers_commands_get_standard_answers(cards: Stack, command: str, words: str) -> None:
    """Probes of card middleware and token programs; the link stays open behind each."""
    alive = {0: "00A4000C023F00", 1: "A0A40000023F00"}
    for reader, word in enumerate(words.split()):
        (_, got), (_, still) = send(cards, command, alive[reader], reader=reader)
        assert (got, still) == (word, ("9000", "9F16")[reader])


def vector(stack: Stack, row: dict[str, str], *arguments: str) -> dict[str, str]:
    """Let osmo-auc-gen be the authentication centre."""
    keys = ("-k", row["ki"], "-o", row["opc"], "-f", "8000", "-r", RAND)
    done = run(stack, "osmo-auc-gen", "-3", "-a", "MILENAGE", *keys, *arguments)
    return dict(re.findall(r"^(\S+):\s+(\S+)$", done.stdout, re.MULTILINE))


def test_a_foreign_authentication_centre_resynchronizes_with_the_card(cards: Stack, row: dict[str, str]) -> None:
    """Its AUTN goes to the card by our client, the card's AUTS goes back, the next AUTN is taken."""
    rand = bytes.fromhex(RAND)
    with open_card(f"pcsc:{cards.names[0]}") as card:
        session = UiccSession(card.channel)
        session.select_application(bytes.fromhex(USIM))
        session.verify(0x01, Secret(row["pin1"].encode().ljust(8, b"\xff"), "PIN1"))
        stale = session.authenticate(rand, bytes.fromhex(vector(cards, row, "-s", "0")["AUTN"]))
        assert isinstance(stale, OutOfSync)
        fresh = vector(cards, row, "-A", stale.auts.hex())
        assert fresh["SQN.MS"] == "64"  # as the plant leaves it
        proven = session.authenticate(rand, bytes.fromhex(fresh["AUTN"]))
    assert isinstance(proven, Authenticated)
    assert (proven.res.hex(), proven.ck.hex(), proven.ik.hex()) == (fresh["RES"], fresh["CK"], fresh["IK"])
    assert proven.kc.hex() == fresh["Kc"]  # service 27 is on


def test_no_reader_was_lost_on_the_way(cards: Stack) -> None:
    assert [state.name for state in list_readers() if state.present] == cards.names
