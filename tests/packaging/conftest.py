"""What the packaging tests share: a clean copy of the checkout and a bare environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEEP = (
    "PATH",
    "HOME",
    "LANG",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_FIND_LINKS",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "https_proxy",
)


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """An environment that knows nothing of this checkout's Python."""
    return {name: value for name, value in os.environ.items() if name in KEEP}


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files git would hand out, outside the checkout."""
    target = tmp_path_factory.mktemp("source") / "cardkit"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target
