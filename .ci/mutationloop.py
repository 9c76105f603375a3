"""A pytest plugin that runs mutants: tests are collected once, then each mutant gets a process forked from this one.

In the environment: CARDKIT_MUTANTS, a JSON file of {mutant: {"tests": those that reach it, in order, "seconds": how
long they take}}; CARDKIT_ENDINGS, where a line is written for each: exit code and mutant. Code 0 means that no test
noticed.
Works where there is fork, as mutmut does.
"""

from __future__ import annotations

import collections
import gc
import json
import os
import resource
import signal
from pathlib import Path

import pytest

CHOICE = "MUTANT_UNDER_TEST"  # what mutmut's trampolines read
NONE = ""  # the name of no mutant: all tests must pass, else nothing that was found counts
# A mutant may run into a loop without end: it is given this many times as long as its tests take, and a little more.
PATIENCE, AT_LEAST_S = 3, 3
MOST_S = 600


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    mutants = json.loads(Path(os.environ["CARDKIT_MUTANTS"]).read_text(encoding="utf-8"))
    place = {item.nodeid: number for number, item in enumerate(session.items)}
    todo = collections.deque([(NONE, session.items, resource.RLIM_INFINITY)])
    for name, mutant in mutants.items():
        items = [session.items[place[test]] for test in mutant["tests"] if test in place]
        todo.append((name, items, AT_LEAST_S + int(PATIENCE * mutant["seconds"])))
    running: dict[int, str] = {}
    gc.freeze()  # what is here now need not be copied into each process by the collector
    while todo or running:
        while todo and len(running) < (os.cpu_count() or 1):
            name, items, limit_s = todo.popleft()
            running[_fork(session, name, items, limit_s)] = name
        pid, status = os.wait()
        _ended(running.pop(pid), os.waitstatus_to_exitcode(status))
    return True


def _ended(name: str, code: int) -> None:
    path = Path(os.environ["CARDKIT_ENDINGS"])
    if name == NONE and code:
        raise pytest.UsageError(f"without any mutant this fails: {path.read_text(encoding='utf-8').splitlines()[-1]}")
    if name != NONE:
        _write(f"{code} {name}")


def _write(line: str) -> None:
    with Path(os.environ["CARDKIT_ENDINGS"]).open("a", encoding="utf-8") as endings:
        endings.write(f"{line}\n")


def _fork(session: pytest.Session, name: str, items: list[pytest.Item], limit_s: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    ending = 2
    try:
        os.environ[CHOICE] = name
        gc.disable()
        session.config.pluginmanager.unregister(name="terminalreporter")
        resource.setrlimit(resource.RLIMIT_CPU, (limit_s, resource.RLIM_INFINITY))
        signal.alarm(MOST_S)  # for one that waits
        failed = _run(session, items)
        if name == NONE and failed:
            _write(failed)
        ending = int(bool(failed))
    finally:
        os._exit(ending)


def _run(session: pytest.Session, items: list[pytest.Item]) -> str:
    """Run until the first test fails, and name it."""
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""
