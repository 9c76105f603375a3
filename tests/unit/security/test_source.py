"""Rules that hold for every line of the product: where random comes from, and which events the audit knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.production.audit.catalogue import KINDS

PACKAGE = Path(__file__).parents[3] / "cardkit"
# Virtual cards repeat themselves for a seed, and fault injection does; neither makes anything for a real card.
REPEATABLE = ("virtual/", "testing/")


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text("utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.requirement("K13")
def test_random_comes_from_the_operating_system() -> None:
    found = {where for where, tree in sources() if "random" in set(imports(tree)) and not where.startswith(REPEATABLE)}
    assert found == set()


def production() -> Iterator[ast.AST]:
    for where, tree in sources():
        if where.startswith("production/") and where != "production/audit/catalogue.py":
            yield from ast.walk(tree)


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
