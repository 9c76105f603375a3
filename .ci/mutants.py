"""Mutation testing: `python .ci/mutants.py [--sample N] [--seed S] [--bar PERCENT] [--only PATTERN]`.

mutmut changes one thing at a time in the packages named in pyproject.toml, and finds out which tests reach what; the
plugin mutationloop.py beside this runs them. This prints the share of mutants that were found, per module, and every
survivor with what it changed and the reason given in tests/survivors.toml. Without --sample all mutants run.
Ends with 1 below the bar; in a full run also when a listed survivor is stale.
"""

from __future__ import annotations

import argparse
import ast
import collections
import difflib
import fnmatch
import functools
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypedDict

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "mutants"
REASONS = ROOT / "tests" / "survivors.toml"
SURVIVED, NO_TEST = 0, 33
A_FEW = "cardkit.crypto.digest.*"


def run(command: list[str], folder: Path, **environment: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print((done.stdout + done.stderr)[-3000:])
        raise SystemExit(f"{' '.join(command[:4])} ended with {done.returncode}")


class Mutant(TypedDict):
    """What it takes to judge one."""

    tests: list[str]
    seconds: float


def write_mutants() -> dict[str, Mutant]:
    """Let mutmut write all mutants and find the tests that reach each; its own run is of a few only."""
    run([sys.executable, "-m", "mutmut", "run", A_FEW], ROOT)
    stats = json.loads((MUTANTS / "mutmut-stats.json").read_text(encoding="utf-8"))
    durations, reached = stats["duration_by_test"], stats["tests_by_mangled_function_name"]
    judges = {function: in_order(tests, durations) for function, tests in reached.items()}
    found = {}
    for path in sorted(MUTANTS.rglob("*.meta")):
        for name in json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]:
            found[name] = judges.get(name.rpartition("__mutmut_")[0], Mutant(tests=[], seconds=0))
    return found


def in_order(tests: list[str], durations: dict[str, float]) -> Mutant:
    """The cheapest file of tests first, the tests of a file together: they share what was set up for them."""
    seconds: dict[str, float] = collections.defaultdict(float)
    for test in tests:
        seconds[test.partition("::")[0]] += durations.get(test, 0)
    ordered = sorted(tests, key=lambda test: (seconds[test.partition("::")[0]], test))
    return Mutant(tests=ordered, seconds=sum(seconds.values()))


def run_mutants(mutants: dict[str, Mutant]) -> dict[str, int]:
    """How each ended: SURVIVED, NO_TEST, or how its tests failed."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    arguments = settings["pytest_add_cli_args"] + settings["pytest_add_cli_args_test_selection"]
    todo, done = MUTANTS / "todo.json", MUTANTS / "endings.txt"
    done.unlink(missing_ok=True)
    todo.write_text(json.dumps({name: mutant for name, mutant in mutants.items() if mutant["tests"]}), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "mutationloop", "-p", "no:cacheprovider", *arguments]
    path = os.pathsep.join((str(MUTANTS), str(ROOT / ".ci")))
    # CI makes hypothesis try the same examples each time.
    here = {"PYTHONPATH": path, "MUTANT_UNDER_TEST": "", "CI": "true"}
    run(command, MUTANTS, CARDKIT_MUTANTS=str(todo), CARDKIT_ENDINGS=str(done), **here)
    lines = (line.split(" ", 1) for line in done.read_text(encoding="utf-8").splitlines())
    return dict.fromkeys(mutants, NO_TEST) | {name: int(code) for code, name in lines}


class Survivor(NamedTuple):
    """A mutant no test found: the function's name as it is written, and the lines that are changed in it."""

    function: str
    change: str


@functools.cache
def functions(module_name: str) -> dict[str, list[str]]:
    """The lines of each function mutmut wrote for a module, mutants and originals, without what names them."""
    path = MUTANTS.joinpath(*module_name.split("."))
    path = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            text = "\n".join(lines[node.lineno - 1 : node.end_lineno]).replace(f"def {node.name}(", "def (")
            found[node.name] = [line.strip() for line in text.splitlines()]
    return found


def survivor(name: str) -> Survivor:
    """What a mutant's name stands for, so that its number, which moves when code does, need not be written down."""
    where, _, mangled = name.rpartition(".")
    base = mangled.rpartition("__mutmut_")[0]
    written = functions(where)
    lines = difflib.ndiff(written[f"{base}__mutmut_orig"], written[mangled])
    changed = [line for line in lines if line[0] in "+-"]
    added = " ".join(line[2:] for line in changed if line[0] == "+")
    plain = base[1:].replace("ǁ", ".").removeprefix(".") if "ǁ" in base else base.removeprefix("x_")
    return Survivor(f"{where}.{plain}", added or "without " + " ".join(line[2:] for line in changed))


def reasons() -> dict[str, str]:
    """Why a survivor may live, by "FUNCTION: PART OF THE CHANGED LINE"."""
    table = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}
    return {listed: group["reason"] for group in table.get("survivors", ()) for listed in group["mutants"]}


def listed_as(one: Survivor, known: Iterable[str]) -> list[str]:
    """The lines of the list that speak of a survivor."""
    parts = ((listed, *listed.partition(": ")[::2]) for listed in known)
    return [listed for listed, function, text in parts if function == one.function and text in one.change]


def module(name: str) -> str:
    return name.rpartition(".")[0]


def report(ran: dict[str, int]) -> tuple[float, set[str]]:
    """Print the figures and the survivors; return the share found in percent, and the lines of the list not needed."""
    missed = {name for name, ending in ran.items() if ending in (SURVIVED, NO_TEST)}
    total = collections.Counter(map(module, ran))
    alive = collections.Counter(map(module, missed))
    for name in sorted(total):
        print(f"{name:40} {total[name] - alive[name]:5} of {total[name]:5} found")
    known = reasons()
    stale = set(known)
    for name in sorted(missed):
        one = survivor(name)
        lines = listed_as(one, known)
        stale.difference_update(lines)
        reason = known[lines[0]] if lines else "no test reaches it" if ran[name] == NO_TEST else "no reason listed"
        print(f"survived  {one.function}: {one.change}\n          {name.rpartition('_')[2]}: {reason}")
    share = 100 * (len(ran) - len(missed)) / len(ran)
    print(f"{len(ran) - len(missed)} of {len(ran)} mutants found: {share:.1f} %")
    return share, stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="run so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bar", type=float, default=93.0, help="percent that must be found")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="of the mutants with such names")
    options = parser.parse_args()
    mutants = write_mutants()
    names = fnmatch.filter(sorted(mutants), options.only)
    whole = options.sample is None and len(names) == len(mutants)
    if options.sample is not None:
        names = random.Random(options.seed).sample(names, min(options.sample, len(names)))
    ran = run_mutants({name: mutants[name] for name in names})
    share, stale = report(ran)
    if not whole:
        return int(share < options.bar)
    for line in sorted(stale):
        print(f"stale     {line}: listed in {REASONS.name}, but found or gone")
    return int(share < options.bar or bool(stale))


if __name__ == "__main__":
    sys.exit(main())
