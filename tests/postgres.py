"""A private PostgreSQL server for tests: its own folder, a Unix socket nobody else reaches, no TCP.

The server runs durable as in a plant (fsync on). Without Debian's ``postgresql`` the tests that need one skip and say
so; with CI=true that is a failure. A server does not run as root: there it runs as ``postgres``.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from itertools import count
from pathlib import Path

import pytest

PROGRAMS = Path("/usr/lib/postgresql")
SUPERUSER = "postgres"
START_WITHIN_S = 60.0
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "shared_buffers": "64MB",
    "log_min_messages": "fatal",
    "logging_collector": "off",
}


def programs() -> Path | None:
    """Return the folder of the newest installed server's programs, or None."""
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """One server with its data in a folder of its own.

    :param folder: is made; short, for a socket's path has at most some hundred characters.
    """

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._bin = bin_folder
        self._user = SUPERUSER if os.name == "posix" and os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self.data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and return when it answers."""
        words = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-k", self.folder, *words],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_WITHIN_S
        while subprocess.run(
            [self._bin / "pg_isready", "-q", "-h", self.folder, "-U", SUPERUSER], check=False
        ).returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.02)

    def stop(self, *, kill: bool = False) -> None:
        """Stop it: at once but in order, or as a power cut would (``kill``)."""
        if self._process is None:
            return
        if kill:
            os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(START_WITHIN_S)
        self._process = None

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start it again."""
        self.stop(kill=kill)
        self.start()

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the superuser; what it printed."""
        words = ["-h", str(self.folder), "-U", SUPERUSER, "-d", database, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text]
        return self._run("psql", *words)

    def database(self, template: str = "template1", name: str | None = None) -> str:
        """Make a database; its name."""
        made = name or f"plant{next(self._names)}"
        self.sql(f"create database {made} template {template}")
        return made

    def login(self, name: str, *roles: str) -> None:
        """Make a login that has some roles, where it is not there."""
        if not self.sql(f"select 1 from pg_roles where rolname = '{name}'"):
            self.sql("; ".join([f"create role {name} login", *(f"grant {role} to {name}" for role in roles)]))

    def url(self, database: str, files: Path, user: str = SUPERUSER) -> str:
        """Return the store URL of a database, with the folder of the store's own files."""
        return f"postgresql://{user}@/{database}?host={self.folder}&files={files}"

    def _run(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [self._bin / program, *words], capture_output=True, text=True, check=False, user=self._user, cwd=self.folder
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def why_not() -> str | None:
    """Return why there can be no server here, or None."""
    if sys.platform == "win32":
        return "the private PostgreSQL server of the tests needs Unix sockets"
    if programs() is None:
        return "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (pip install 'cardkit[postgres]')"
    return None


@cache
def _started() -> Server:
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="cardkit-pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    server = Server(folder, bin_folder)
    atexit.register(server.stop)
    server.start()
    return server


def server() -> Server:
    """Return the server of this test run; skips, or fails where CI=true asks for everything."""
    reason = why_not()
    if reason is None:
        return _started()
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
