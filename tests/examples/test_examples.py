"""Every example does what its first lines say, run as its reader would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import EXAMPLES, ROOT, run

CARD_LINE = r"virtual:usim(?: \[1\])?: record (\d+) on chip [0-9a-f]{16}: GOOD"


def test_library_makes_and_verifies_one_card(tmp_path: Path) -> None:
    done = run(EXAMPLES / "library.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    made, verified, *findings = done.stdout.splitlines()
    assert re.fullmatch(r"GOOD: \d+ commands planned, chip [0-9A-F]{16}", made)
    assert re.fullmatch(r"GOOD: \d\d+ rules checked, 0 broken", verified)
    assert findings == []


def test_library_takes_another_reader(tmp_path: Path) -> None:
    done = run(EXAMPLES / "library.py", "meter:usim", cwd=tmp_path)
    assert (done.returncode, done.stdout.count("GOOD")) == (0, 2)


def test_batch_makes_the_next_cards_of_its_store_each_time(tmp_path: Path) -> None:
    rows: list[str] = []
    for turn, left in ((1, 44), (2, 38)):
        done = run(EXAMPLES / "batch.py", tmp_path, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        *cards, now, store = done.stdout.splitlines()
        assert now == f"this run: 6 good, 0 rejected; {left} records still to make"
        assert store == f"the store: {6 * turn} good cards, 0 broken invariants"
        rows += [match[1] for match in map(re.compile(CARD_LINE).fullmatch, cards) if match]
    assert sorted(map(int, rows)) == list(range(1, 13))


def test_batch_leaves_nothing_behind_without_a_folder(tmp_path: Path) -> None:
    done = run(EXAMPLES / "batch.py", cwd=tmp_path)
    assert (done.returncode, done.stdout.count(": GOOD"), list(tmp_path.iterdir())) == (0, 6, [])


def test_pytest_example_passes_in_a_project_of_its_own_and_fails_without_its_fault(tmp_path: Path) -> None:
    text = (EXAMPLES / "test_virtual_card.py").read_text(encoding="utf-8")
    (tmp_path / "test_virtual_card.py").write_text(text, encoding="utf-8")
    tame = re.sub(r"@pytest.mark.card_fault.*\n", "", text)
    (tmp_path / "test_without_fault.py").write_text(tame, encoding="utf-8")
    done = run("-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "1 failed, 1 passed" in done.stdout
    assert "test_without_fault.py::test_card_leaves_before_the_second_command - Failed: DID NOT RAISE" in done.stdout


@pytest.mark.parametrize("page", [ROOT / "README.md", EXAMPLES / "add_a_family" / "README.md"], ids=["top", "family"])
def test_code_on_a_page_is_that_of_the_example_it_names(page: Path) -> None:
    for name, code in quotations(page.read_text(encoding="utf-8")):
        assert code in (ROOT / name).read_text(encoding="utf-8"), f"{page.name}: not what {name} says"


def quotations(text: str) -> list[tuple[str, str]]:
    """Return each Python block whose paragraph before it names an example, with that name."""
    pairs = re.findall(r"([^\n]+)\n+```python\n(.*?)```", text, re.DOTALL)
    named = [(re.search(r"examples/[\w/]+\.py", before), code) for before, code in pairs]
    return [(name[0], code) for name, code in named if name is not None]


def test_quotations_are_found() -> None:
    page = "Say:\n\n```python\nx\n```\nAs in [a](examples/a.py):\n\n```python\ny = 1\nz\n```\n"
    assert quotations(page) == [("examples/a.py", "y = 1\nz\n")]


@pytest.mark.parametrize("page", [ROOT / "README.md", EXAMPLES / "add_a_family" / "README.md"], ids=["top", "family"])
def test_files_a_page_links_to_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []
