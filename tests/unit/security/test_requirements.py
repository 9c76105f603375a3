"""Every requirement has a test or a reason, and the matrix notices when one has neither."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
IDS = [
    f"{letter}{n}" for letter, last in (("K", 17), ("D", 9), ("L", 9), ("R", 5), ("P", 12)) for n in range(1, last + 1)
]


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements_matrix", ROOT / ".ci/requirements.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_all_52_requirements_have_a_test_or_a_reason(matrix: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(matrix.requirements(ROOT / "tests")) == IDS
    assert matrix.main() == 0
    shown = capsys.readouterr().out
    assert "52 requirements: " in shown
    assert "tests/unit/security/test_requirements.py" not in shown


@pytest.fixture
def judged(
    matrix: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def main(listed: str, test: str) -> tuple[int, str, str]:
        (tmp_path / "requirements.toml").write_text(listed)
        (tmp_path / "test_it.py").write_text(test)
        code = matrix.main(tmp_path)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return main


MARKED = 'import pytest\n@pytest.mark.requirement("K1")\n@pytest.mark.slow\ndef test_it(): ...\n'
MODULE = 'import pytest\npytestmark = [pytest.mark.x, pytest.mark.requirement("K1")]\n'


@pytest.mark.parametrize(
    ("listed", "test", "code", "said"),
    [
        ('[K1]\ntext = "T"', MARKED, 0, "test_it.py::test_it"),
        ('[K1]\ntext = "T"', MODULE, 0, "test_it.py"),
        ('[K1]\ntext = "T"\npartly = "P"', MARKED, 0, "not: P"),
        ('[K1]\ntext = "T"\nunmet = "U"', "", 0, "not: U"),
        ('[K1]\ntext = "T"', "", 1, "K1: no test and no reason"),
        ('[K1]\ntext = "T"\nunmet = "U"', MARKED, 1, "K1: has a test and a reason why there is none"),
        ('[K1]\ntext = "T"\npartly = "P"', "", 1, "K1: partly met, but no test"),
        ('[K2]\ntext = "T"\nunmet = "U"', MARKED, 1, "K1: marked by"),
    ],
)
def test_what_the_matrix_says(
    judged: Callable[..., tuple[int, str, str]], listed: str, test: str, code: int, said: str
) -> None:
    got, out, err = judged(listed, test)
    assert (got, said in out + err) == (code, True)
