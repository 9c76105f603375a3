"""OpenSC's programs (Debian package opensc) against a card that `cardkit virtual serve` puts into reader 0."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.interop.conftest import Slots
from tests.interop.stack import Stack, refuse

PROGRAMS = ("opensc-tool", "piv-tool", "pkcs15-init", "pkcs15-tool", "pkcs15-crypt", "pkcs11-tool")


@contextlib.contextmanager
def served(stack: Stack, image: str) -> Iterator[None]:
    """A fresh card in reader 0 for the length of a with block."""
    command = (sys.executable, "-m", "cardkit", "virtual", "serve", image, "--port", str(stack.port(0)), "--seed", "1")
    process = subprocess.Popen(stack.inside(*command), stderr=subprocess.PIPE)
    slots = Slots(stack)
    try:
        slots.wait(0, lambda state: state.present)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=60)
        slots.wait(0, lambda state: not state.present)


class Programs:
    """Runs programs in a directory of their own, with a configuration of OpenSC that says nothing.

    :param stack: whose readers they see.  :param home: where their files lie.
    """

    def __init__(self, stack: Stack, home: Path) -> None:
        if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
            refuse(f"OpenSC's {', '.join(missing)} missing")
        self.home = home
        (home / "opensc.conf").write_text("app default { }\n", encoding="ascii")
        self._environment = {**stack.environment, "OPENSC_CONF": str(home / "opensc.conf")}

    def set(self, name: str, value: str) -> None:
        """Set a variable of their environment."""
        self._environment[name] = value

    def run(self, *command: str, code: int | None = 0) -> str:
        """Run one and return everything it says; another exit code than expected fails the test; None takes any."""
        done = subprocess.run(
            command,
            cwd=self.home,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        said = done.stdout.decode("utf-8", errors="replace")
        assert code in (None, done.returncode), f"{' '.join(command)}: exit {done.returncode}\n{said}"
        return said
