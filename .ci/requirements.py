"""Print which requirements of the security concept are met, by which tests, and which are not, and why.

Fails on a requirement without a test or a stated reason, and on a mark that names no requirement.

    python .ci/requirements.py [TESTS]
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
WIDTH = 116


@dataclass(frozen=True)
class Requirement:
    """One line of the concept.

    `partly` says what no test shows yet, `unmet` why there is none at all.
    """

    id: str
    text: str
    partly: str = ""
    unmet: str = ""


def requirements(tests: Path) -> dict[str, Requirement]:
    """Read the list beside the tests."""
    table = tomllib.loads((tests / "requirements.toml").read_text("utf-8"))
    return {number: Requirement(number, **entry) for number, entry in table.items()}


def marks(tests: Path) -> dict[str, list[str]]:
    """Return the tests that are marked with each requirement."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("*.py")):
        text = path.read_text("utf-8")
        if "mark.requirement(" not in text:
            continue
        for number, name in _marked(ast.parse(text)):
            found.setdefault(number, []).append(f"{path.relative_to(tests.parent)}{name}")
    return found


def _marked(tree: ast.Module) -> Iterator[tuple[str, str]]:
    decorators: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                decorators[id(decorator)] = f"::{node.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requirement":
            for argument in node.args:
                yield str(ast.literal_eval(argument)), decorators.get(id(node), "")


def problems(known: dict[str, Requirement], found: dict[str, list[str]]) -> list[str]:
    """Say what is wrong with list and marks."""
    wrong = [
        f"{number}: marked by {tests[0]}, but no requirement" for number, tests in found.items() if number not in known
    ]
    for number, requirement in known.items():
        if number not in found and not requirement.unmet:
            wrong.append(f"{number}: no test and no reason")
        if number in found and requirement.unmet:
            wrong.append(f"{number}: has a test and a reason why there is none")
        if number not in found and requirement.partly:
            wrong.append(f"{number}: partly met, but no test")
    return wrong


def lines(known: dict[str, Requirement], found: dict[str, list[str]]) -> Iterator[str]:
    """Yield the matrix."""
    for requirement in known.values():
        state = "unmet " if requirement.unmet else "partly" if requirement.partly else "met   "
        yield f"{requirement.id:<4}{state}  {requirement.text}"
        yield from (f"              {test}" for test in found.get(requirement.id, ()))
        if requirement.partly or requirement.unmet:
            yield f"              not: {requirement.partly or requirement.unmet}"
    states = [bool(one.unmet) * 2 + bool(one.partly) for one in known.values()]
    yield f"{len(known)} requirements: {states.count(0)} met, {states.count(1)} partly, {states.count(2)} unmet"


def main(tests: Path = TESTS) -> int:
    """Print the matrix; 1 where something is wrong with it."""
    known, found = requirements(tests), marks(tests)
    for line in lines(known, found):
        print(line)
    wrong = problems(known, found)
    for problem in wrong:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else TESTS))
