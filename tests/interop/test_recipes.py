"""Each way to build the private stack works, and none touches the system's pcscd."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.rawcard import RawCard, atr
from tests.interop.stack import NOBODY, RUN, Recipe, Stack, can_unshare, refuse, running

pytestmark = pytest.mark.interop

# A client of its own, because libpcsclite keeps its first socket for the life of a process.
CLIENT = """
import sys, time
from cardkit.transport.pcsc import PcscConnection, list_readers
deadline = time.monotonic() + 60
while not (readers := list_readers())[0].present and time.monotonic() < deadline:
    time.sleep(0.01)
card = PcscConnection(readers[0].name)
command = bytes.fromhex("00A40000")
assert card.transmit(command) == bytes.fromhex("9000")
def rate(count):
    start = time.perf_counter()
    for _ in range(count):
        card.transmit(command)
    return int(count / (time.perf_counter() - start))
# The best of some rounds: what the link can do, not what else this machine did meanwhile.
print(len(readers), card.atr.hex(), max(rate(40) for _ in range(20)))
card.close()
"""


def run_client(stack: Stack) -> tuple[int, str, int]:
    result = subprocess.run(
        [sys.executable, "-c", CLIENT], env=stack.environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert result.returncode == 0, result.stderr + stack.log()
    readers, found, rate = result.stdout.split()
    return int(readers), found, int(rate)


def system_files() -> list[tuple[str, float]]:
    return [(path.name, path.stat().st_mtime) for path in sorted(RUN.glob("*"))] if RUN.is_dir() else []


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder every user may enter; pytest's own is closed again by each pytest that starts beside this one."""
    with tempfile.TemporaryDirectory(prefix="cardkit-stack-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("recipe", list(Recipe))
@pytest.mark.parametrize("user", ["self", "nobody"])
def test_each_recipe_gives_two_readers(recipe, user, home):
    uid = None
    if user == "nobody":
        if os.getuid() != 0:
            refuse("only root can start a stack as another user; this whole run is the non-root one")
        uid = NOBODY
    if recipe is Recipe.NAMESPACE and not can_unshare(uid=uid):
        refuse("network namespaces are not allowed for this user")
    before = system_files()
    with running(recipe=recipe, uid=uid, home=home) as stack:
        card = RawCard(stack.connect(0), atr("RECIPE"))
        readers, found, _ = run_client(stack)
        card.eject()
    assert (readers, found) == (2, atr("RECIPE").hex())
    assert stack.process.returncode == 0
    assert system_files() == before


def test_the_namespace_makes_any_card_fast(home):
    """Two writes per answer and no quickack: 21 commands a second without the route."""
    if not can_unshare():
        refuse("network namespaces are not allowed for this user")
    with running(recipe=Recipe.NAMESPACE, home=home) as stack:
        card = RawCard(stack.connect(0), atr("FOREIGN"), quickack=False, writes=2)
        _, _, rate = run_client(stack)
        card.eject()
    assert rate > 1000


def test_two_stacks_see_their_own_cards(tmp_path_factory):
    homes = [tmp_path_factory.mktemp(name) for name in ("left", "right")]
    with running(home=homes[0]) as left, running(home=homes[1]) as right:
        cards = [RawCard(stack.connect(0), atr(marker)) for stack, marker in ((left, "LEFT"), (right, "RIGHT"))]
        found = [run_client(stack)[1] for stack in (left, right)]
        for card in cards:
            card.eject()
    assert found == [atr("LEFT").hex(), atr("RIGHT").hex()]


def test_a_stack_ends_with_the_process_that_started_it(home):
    program = f"""
import time
from pathlib import Path
from tests.interop.stack import Stack, best_recipe
stack = Stack(2, best_recipe(), None, Path({str(home)!r}))
print(stack.process.pid, flush=True)
time.sleep(60)
"""
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    # The name changes when the last exec is done, and with it the death signal is set.
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() != "pcscd":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "pcscd outlived its owner"
        time.sleep(0.01)
