"""Rules that hold for every line of the product: where random comes from, and which events the audit knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cardkit.production.audit.catalogue import KINDS

PACKAGE = Path(__file__).parents[3] / "cardkit"
# Virtual cards and simulated faults repeat themselves for a seed; none of them makes anything for a real card.
REPEATABLE = ("virtual/", "testing/", "production/sim/")


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text("utf-8")


@pytest.mark.requirement("K13")
def test_random_comes_from_the_operating_system() -> None:
    taken = re.compile(r"^\s*(import random\b|from random import)", re.MULTILINE)
    found = {where for where, text in sources() if taken.search(text) and not where.startswith(REPEATABLE)}
    assert found == set()


@cache
def production() -> list[ast.AST]:
    return [
        node
        for where, text in sources()
        if where.startswith("production/") and where != "production/audit/catalogue.py"
        for node in ast.walk(ast.parse(text))
    ]


@pytest.mark.requirement("L6")
def test_what_the_code_audits_is_in_the_catalogue() -> None:
    """An event of another kind would be told by nobody."""
    written = {
        node.args[0].value
        for node in production()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Event"
        if isinstance(node.args[0], ast.Constant)
    }
    assert len(written) > 30
    assert written - set(KINDS) == set()


@pytest.mark.requirement("L6")
def test_what_is_in_the_catalogue_is_written_somewhere() -> None:
    words = {node.value for node in production() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    steps = {node.attr for node in production() if isinstance(node, ast.Attribute)}
    assert set(KINDS) - words - steps == set()


@pytest.mark.requirement("L6")
def test_the_catalogue_holds_what_the_concept_asks_for() -> None:
    asked = {
        "login": "LOGIN", "failed login": "LOGIN_FAILED", "logout": "LOGOUT", "role change": "ROLE_CHANGE",
        "profile approval": "APPROVAL", "ceremony": "CEREMONY", "job start": "SESSION", "job stop": "SESSION_END",
        "hold": "HOLD", "reject": "REJECT", "scrap": "SCRAP", "lost": "LOST", "re-make": "REMAKE",
        "resolve": "RESOLVE", "purge": "PURGE", "export": "OUTPUT", "audit export": "AUDIT_EXPORT",
        "key of the audit": "AUDIT_KEY", "clock step": "CLOCK_STEP",
    }  # fmt: skip
    assert set(asked.values()) - set(KINDS) == set()
