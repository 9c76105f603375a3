"""A private SoftHSM2: its own folder of tokens, chosen before the module is loaded, gone with the test run."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PIN = b"1234"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
_HOME: list[Path] = []


def require_softhsm() -> str:
    """Return the path of the module; skip, or fail in CI, where there is none."""
    module = next((path for path in MODULES if Path(path).is_file()), None)
    missing = [
        name for name, there in [("libsofthsm2", module), ("softhsm2-util", shutil.which("softhsm2-util"))] if not there
    ]
    if missing and os.environ.get("CI"):
        pytest.fail(f"{', '.join(missing)} not found: apt-get install softhsm2", pytrace=False)
    if missing:
        pytest.skip(f"{', '.join(missing)} not found: apt-get install softhsm2")
    _home()
    return str(module)


def _home() -> Path:
    """Make the folder once a process; SoftHSM reads its place when the module is loaded, so it cannot be changed."""
    if not _HOME:
        home = Path(tempfile.mkdtemp(prefix="cardkit-softhsm-"))
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        (home / "tokens").mkdir(mode=0o700)
        (home / "softhsm2.conf").write_text(
            f"directories.tokendir = {home / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
            "slots.removable = false\n",
            encoding="utf-8",
        )
        os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
        _HOME.append(home)
    return _HOME[0]


def new_token(label: str) -> str:
    """Initialize a token and return its URI."""
    module = require_softhsm()
    command = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        label,
        "--so-pin",
        "12345678",
        "--pin",
        PIN.decode(),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return f"pkcs11:token={label}?module-path={module}"
