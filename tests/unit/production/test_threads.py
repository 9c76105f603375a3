"""Couplers in threads of one process: what msgspec 0.22 cannot do from two threads at once is done by one.

Two threads that are the first to decode a struct end the process with a segmentation fault, as `batch run` did once in
ten runs on prepared payment cards.
"""

from __future__ import annotations

import ast
import threading
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

import cardkit
from cardkit.errors import ProfileError
from cardkit.production.couplers.bench import BenchSpec
from cardkit.production.couplers.messages import Broken
from cardkit.production.couplers.thread import ThreadCoupler
from cardkit.target import Scheme, Target

PACKAGE = Path(cardkit.__file__).parent
IN_THREADS = ("perso", "desired", "secure", "production/couplers", "crypto/pack.py")
SPEC = BenchSpec("profile.toml", b"", Target(Scheme.VIRTUAL, "usim"))


class Said:
    """Takes what couplers say."""

    def __init__(self) -> None:
        self.answers: SimpleQueue[object] = SimpleQueue()

    def put(self, _coupler: int, answer: object) -> None:
        self.answers.put(answer)

    def ask(self, _coupler: int, _question: object) -> str | None:
        return None


def test_benches_are_made_one_at_a_time():
    """A bench reads the profile and its keys: structs of every kind, for the first time in this process."""
    making, most = threading.Semaphore(0), []

    def factory(_spec, _watch):
        making.release()
        time.sleep(0.02)
        most.append(making._value)
        making.acquire()
        raise ProfileError("a bench that is never ready")

    said = Said()
    couplers = [ThreadCoupler(number, said, SPEC, factory) for number in range(4)]
    for coupler in couplers:
        coupler.start()
    assert [coupler.join(60.0) for coupler in couplers] == [True] * 4
    assert most == [1] * 4
    assert [type(said.answers.get()) for _ in couplers] == [Broken] * 4


def decoded_in_functions(path: Path) -> list[int]:
    """Lines of calls such as msgspec.json.decode(data, type=T): they build the struct's decoder when they run."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    named = [(node, ast.unparse(node.func)) for node in calls]
    return [
        node.lineno
        for node, name in named
        if name == "msgspec.convert"
        or (name in ("msgspec.json.decode", "msgspec.msgpack.decode") and any(k.arg == "type" for k in node.keywords))
    ]


@pytest.mark.parametrize("where", IN_THREADS)
def test_structs_that_couplers_decode_have_decoders_from_the_import_on(where):
    place = PACKAGE / where
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    assert {path.name: lines for path in files if (lines := decoded_in_functions(path))} == {}
