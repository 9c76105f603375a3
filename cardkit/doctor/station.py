"""Where the checks look: this machine, or one that a test has built in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LINUX = "linux"
_PROGRAM_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Station:
    """The places and names a check may use.

    :param platform: as ``sys.platform``.  :param uid: effective user, None where there is none (Windows).
    :param reader_conf: pcscd's configuration.  :param folder: where the store and its journal would lie.
    :param driver: vpcd's.
    :param programs: folders with system programs that a user's PATH may lack.
    """

    platform: str = sys.platform
    uid: int | None = field(default_factory=lambda: os.geteuid() if hasattr(os, "geteuid") else None)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    proc: Path = Path("/proc")
    reader_conf: Path = Path("/etc/reader.conf.d")
    folder: Path = field(default_factory=Path.cwd)
    programs: tuple[Path, ...] = (Path("/usr/sbin"), Path("/sbin"))
    driver: Path = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
    library: str = "libpcsclite.so.1"
    python: str = sys.executable

    @property
    def is_root(self) -> bool:
        """Whether checks run with every right."""
        return self.uid == 0

    @property
    def socket_name(self) -> str:
        """The private PC/SC service that libpcsclite is told to use, empty for the system's."""
        return self.environ.get("PCSCLITE_CSOCK_NAME", "")

    def program(self, name: str) -> str | None:
        """Return the path of an installed program."""
        folders = [self.environ.get("PATH", ""), *map(str, self.programs)]
        return shutil.which(name, path=os.pathsep.join(folders))

    def run(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program, at most 10 s, and capture what it prints.

        :param environ: instead of the station's own.
        :raises OSError: when it cannot be started.  :raises subprocess.TimeoutExpired: when it does not end.
        """
        return subprocess.run(  # noqa: S603 - fixed words, no shell
            list(command),
            env=dict(self.environ if environ is None else environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROGRAM_TIMEOUT_S,
            check=False,
        )
