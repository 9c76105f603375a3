"""Mutation testing: `python .ci/mutants.py [--sample N] [--seed S] [--bar PERCENT]`.

mutmut changes one thing at a time in the packages named in pyproject.toml and runs the tests that reach it. This prints
the share of mutants that were found, per module, and every survivor with the reason given in tests/survivors.toml.
Without --sample all mutants run. Ends with 1 below the bar; in a full run also when a listed survivor is stale.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = ROOT / "mutants"
REASONS = ROOT / "tests" / "survivors.toml"
SURVIVED, NO_TEST = 0, 33  # mutmut's words for what no test noticed; every other ending is a test that failed


def run_mutmut(*names: str) -> None:
    command = [sys.executable, "-m", "mutmut", "run", *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        print((done.stdout + done.stderr)[-3000:])
        raise SystemExit(f"mutmut ended with {done.returncode}")


def endings() -> dict[str, int | None]:
    """How each mutant ended, by its name; None for one that has not run."""
    found: dict[str, int | None] = {}
    for path in sorted(MUTANTS.rglob("*.meta")):
        found.update(json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"])
    return found


def reasons() -> dict[str, str]:
    """Why a survivor may live, by the mutant's name."""
    table = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}
    return {name: group["reason"] for group in table.get("survivors", ()) for name in group["mutants"]}


def module(name: str) -> str:
    return name.rpartition(".")[0]


def report(ran: dict[str, int]) -> float:
    """Print the figures and the survivors; return the share found in percent."""
    missed = {name for name, ending in ran.items() if ending in (SURVIVED, NO_TEST)}
    total = collections.Counter(map(module, ran))
    alive = collections.Counter(map(module, missed))
    for name in sorted(total):
        print(f"{name:40} {total[name] - alive[name]:5} of {total[name]:5} found")
    known = reasons()
    for name in sorted(missed):
        print(f"survived  {name}  {known.get(name) or ('no test reaches it' if ran[name] == NO_TEST else '')}")
    share = 100 * (len(ran) - len(missed)) / len(ran)
    print(f"{len(ran) - len(missed)} of {len(ran)} mutants found: {share:.1f} %")
    return share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="run so many, drawn by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bar", type=float, default=93.0, help="percent that must be found")
    options = parser.parse_args()
    if options.sample is None:
        run_mutmut()
        names = set(endings())
    else:
        run_mutmut("cardkit.crypto.digest.*")  # writes all mutants, runs these few
        drawn = random.Random(options.seed).sample(sorted(endings()), options.sample)
        run_mutmut(*drawn)
        names = set(drawn)
    ran = {name: ending for name, ending in endings().items() if name in names and ending is not None}
    share = report(ran)
    stale = set() if options.sample else {name for name in reasons() if ran.get(name) not in (SURVIVED, NO_TEST)}
    for name in sorted(stale):
        print(f"stale     {name}: listed in {REASONS.name}, but found or gone")
    return int(share < options.bar or bool(stale))


if __name__ == "__main__":
    sys.exit(main())
