"""Nothing here needs POSIX: the names Windows lacks are taken away and cards are made all the same."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import cardkit.production

PACKAGE = Path(cardkit.production.__file__).parent
ABSENT = {"fork", "fdatasync", "SIGKILL", "AF_UNIX", "TCP_QUICKACK", "getuid", "memfd_create"}
MODULES = {"fcntl", "resource", "pwd", "grp", "termios"}

SCRIPT = """
import builtins, os, signal, socket, sys
for module, name in ((os, "fork"), (os, "fdatasync"), (signal, "SIGKILL"), (socket, "AF_UNIX")):
    if hasattr(module, name):
        delattr(module, name)
for name in ("fcntl", "resource", "termios"):
    sys.modules[name] = None

from cardkit.production.journal import Journal, read_journal
from cardkit.production.store import Clocks, start_session, Card
from cardkit.production.store.sqlite import SQLiteDatabase
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.store import create_or_open
from cardkit.production import run_batch, resume_batch
from pathlib import Path

folder = Path(sys.argv[1])
store = create_or_open(SQLiteDatabase(folder / "a.db"), "ana", persons=1)
lot = add_batch(store, NewBatch("B", "p", 1, "p", b"p" * 32, b"k" * 32, "f", b"s" * 32), [NewRecord(1, b"r")])
with store.database.owned("s1"):
    session, _ = start_session(store, "s1")
    (claim,) = session.claim("B", 1, 60)
    journal = Journal(store.journals / "a.journal", {"session": session.id})
    journal.append({"event": "bind"})
    journal.sync()
    card = Card(claim.record_id, claim.token, "c1")
    session.bind(lot, card)
    session.commit(lot, card, b"e" * 32)
print(len(read_journal(store.journals / "a.journal").entries))
"""


def names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & ABSENT
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names} & MODULES
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            used.add(node.module)
    return used


# Where such names are used, after a look at the platform.
GUARDED = {"process.py": {"SIGKILL"}, "openpgp.py": {"memfd_create"}, "faults.py": {"SIGKILL"}}


def test_no_module_uses_a_name_that_only_posix_has() -> None:
    found = {path.name: names(path) - GUARDED.get(path.name, set()) for path in PACKAGE.rglob("*.py")}
    assert {name: used for name, used in found.items() if used} == {}


def test_cards_are_bound_without_the_names_that_windows_lacks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False, timeout=200
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
