"""A private pcscd with vpcd readers: nobody else sees it, and it never sees anybody else's cards.

pcscd serves the socket it inherits as descriptor 3 (systemd's activation), so the socket lies where we want it and
the system's pcscd stays untouched. The preferred recipe puts pcscd into a network namespace of its own, where ports
cannot collide and a quickack route makes any card fast; the plain recipe needs no such right. libpcsclite reads
PCSCLITE_CSOCK_NAME once in a process: every stack this process talks to lies at :data:`SOCKET`, one at a time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

PCSCD = Path("/usr/sbin/pcscd")
DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
RUN = Path("/run/pcscd")
NOBODY = 65_534

# Readers come in pairs: one entry has two slots, on two ports that follow each other.
SLOTS_PER_ENTRY = 2
NAMESPACE_PORT = 35_963

HOME = Path(tempfile.mkdtemp(prefix="cardkit-stack-"))
SOCKET = HOME / "comm"

_ENTRY = """FRIENDLYNAME "CardKit {number:02}"
DEVICENAME   /dev/null:{port:#x}
LIBPATH      {driver}
CHANNELID    {port:#x}

"""

# Runs inside the namespace: connects to the ports it is told and hands the connected sockets out.
_DOOR = """
import socket, sys
control = socket.socket(fileno=int(sys.argv[1]))
while request := control.recv(2):
    card = socket.socket()
    try:
        card.connect(("127.0.0.1", int.from_bytes(request, "big")))
        socket.send_fds(control, [b"\\x01"], [card.fileno()])
    except OSError:
        control.send(b"\\x00")
    card.close()
"""

_FAST_LOOPBACK = (
    "ip link set lo up; "
    "ip route replace local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1 quickack 1; "
)
_SERVE = "export LISTEN_FDS=1 LISTEN_PID=$$; exec setpriv --pdeathsig TERM {pcscd} -f -i -c {conf}"


class Recipe(StrEnum):
    """How the stack is kept apart."""

    NAMESPACE = "namespace"
    PLAIN = "plain"


def missing_parts() -> list[str]:
    """Name what this machine lacks for a private stack."""
    missing = [str(path) for path in (PCSCD, DRIVER) if not path.exists()]
    missing += [name for name in ("setpriv", "unshare", "ip") if shutil.which(name) is None]
    try:
        import smartcard.scard  # noqa: F401
    except ImportError:
        missing.append("pyscard")
    return missing


def require_stack() -> None:
    """Skip the test where the stack cannot be built; in CI that is a failure."""
    if missing := missing_parts():
        refuse(f"no private PC/SC stack: {', '.join(missing)} missing")


def refuse(reason: str) -> None:
    """Skip, or fail where CI=true asks for everything."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def can_unshare(*, uid: int | None = None) -> bool:
    """Tell whether this user may have a network and a mount namespace, and the route in it."""
    command = [
        *_as_user(uid),
        *_unshare(Recipe.NAMESPACE, uid),
        "sh",
        "-c",
        _FAST_LOOPBACK + "mount -t tmpfs none /run",
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass
class Stack:
    """A running private pcscd.

    :param readers: how many readers to ask for.  :param recipe: how it is kept apart.
    :param uid: the user pcscd runs as; default ours.  :param home: the directory of its files and its socket.
    """

    readers: int = 2
    recipe: Recipe = Recipe.PLAIN
    uid: int | None = None
    home: Path = HOME

    def __post_init__(self) -> None:
        self.entries = -(-self.readers // SLOTS_PER_ENTRY)
        self.first_port = NAMESPACE_PORT if self.recipe is Recipe.NAMESPACE else free_ports(2 * self.entries)
        self._write_files()
        self._door: socket.socket | None = None
        self.process = self._start()

    @property
    def names(self) -> list[str]:
        """The names its readers get."""
        return [f"CardKit {slot // 2:02} 00 {slot % 2:02}" for slot in range(self.readers)]

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a program that is to talk to this stack."""
        return {**os.environ, "PCSCLITE_CSOCK_NAME": str(self.home / "comm")}

    def port(self, slot: int) -> int:
        """The port where the card of a slot connects."""
        return self.first_port + slot

    def connect(self, slot: int) -> socket.socket:
        """Return a connected socket: a card put into a slot, which the reader notices at its next poll."""
        while self.process.poll() is None:
            link = self._knock(slot)
            if link is not None:
                return link
            time.sleep(0.01)
        raise ConnectionRefusedError(self.log())

    def _knock(self, slot: int) -> socket.socket | None:
        if self._door is None:
            with contextlib.suppress(ConnectionRefusedError):
                return socket.create_connection(("127.0.0.1", self.port(slot)), timeout=60)
            return None
        self._door.send(self.port(slot).to_bytes(2, "big"))
        _, descriptors, _, _ = socket.recv_fds(self._door, 1, 1)
        return socket.socket(fileno=descriptors[0]) if descriptors else None

    def inside(self, *command: str) -> list[str]:
        """Return the command line that runs a program where the cards' ports are."""
        if self.recipe is Recipe.PLAIN:
            return list(command)
        user = [] if os.getuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.process.pid), *user, "-n", *command]

    def log(self) -> str:
        """What pcscd has said so far."""
        return (self.home / "pcscd.log").read_text(encoding="utf-8", errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End pcscd and return its exit code."""
        self.process.send_signal(number)
        code = self.process.wait(10)
        if self._door is not None:
            self._door.close()
        (self.home / "comm").unlink(missing_ok=True)
        return code

    def restart(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End pcscd and start it again at the same place."""
        self.stop(number)
        self.process = self._start()

    def _write_files(self) -> None:
        conf = self.home / "conf"
        shutil.rmtree(conf, ignore_errors=True)
        conf.mkdir(parents=True)
        self.home.chmod(0o755)
        entries = ""
        for number in range(self.entries):
            driver = self.home / f"libifdvpcd{number:02}.so"
            shutil.copy(DRIVER, driver)
            entries += _ENTRY.format(number=number, port=self.first_port + 2 * number, driver=driver)
        (conf / "vpcd").write_text(entries, encoding="ascii")

    def _start(self) -> subprocess.Popen[bytes]:
        path = self.home / "comm"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        prefix, hide = _isolation(self.recipe, self.uid)
        script = "exec 3<&0 0</dev/null; " + hide
        if self.recipe is Recipe.NAMESPACE:
            script += _FAST_LOOPBACK + f'{_interpreter(self.uid)} -I -S -c "$0" {theirs.fileno()} 3<&- & '
            self._door = ours
        script += _SERVE.format(pcscd=PCSCD, conf=self.home / "conf")
        with (self.home / "pcscd.log").open("wb") as log, listener, theirs:
            process = subprocess.Popen(
                [*prefix, "sh", "-c", script, _DOOR],
                stdin=listener,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()] if self.recipe is Recipe.NAMESPACE else [],
            )
        if self._door is None:
            ours.close()
        return process


def best_recipe() -> Recipe:
    """The namespace where it is allowed; the plain recipe, reported, where not."""
    if can_unshare():
        return Recipe.NAMESPACE
    sys.stderr.write("interop: no namespaces for this user, the plain recipe is used\n")
    return Recipe.PLAIN


@contextlib.contextmanager
def running(
    readers: int = 2, recipe: Recipe | None = None, *, uid: int | None = None, home: Path = HOME
) -> Iterator[Stack]:
    """A private stack for the length of a with block."""
    stack = Stack(readers, recipe or best_recipe(), uid, home)
    try:
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.stop()


def free_ports(count: int) -> int:
    """Return the first of so many free ports in a row; there is no port 0 in a reader entry."""
    for first in range(36_000, 60_000, 64):
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    probe = held.enter_context(socket.socket())
                    probe.bind(("", port))
            except OSError:
                continue
            return first
    raise OSError(f"no {count} free ports in a row")


def _as_user(uid: int | None) -> list[str]:
    if uid is None or uid == os.getuid():
        return []
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def _is_root(uid: int | None) -> bool:
    return (os.getuid() if uid is None else uid) == 0


def _unshare(recipe: Recipe, uid: int | None) -> list[str]:
    user = "" if _is_root(uid) else "Ur"
    return ["unshare", f"-{user}m{'n' if recipe is Recipe.NAMESPACE else ''}"]


@functools.cache
def _isolation(recipe: Recipe, uid: int | None) -> tuple[list[str], str]:
    """Return the command prefix and the shell line that keep /run/pcscd, where pcscd writes its pid, out of reach.

    Where not even that is allowed, the plain recipe works beside no other pcscd.
    """
    hide = "mount -t tmpfs none /run; "
    prefix = [*_as_user(uid), *_unshare(recipe, uid)]
    allowed = subprocess.run([*prefix, "sh", "-c", hide], capture_output=True, check=False).returncode == 0
    if allowed or recipe is Recipe.NAMESPACE:
        return prefix, hide
    if not RUN.is_dir() or (RUN / "pcscd.pid").exists():
        refuse("the plain recipe needs a mount namespace here, or an existing and unused /run/pcscd")
    return _as_user(uid), ""


def _interpreter(uid: int | None) -> str:
    """The door needs an interpreter that this user may run."""
    return sys.executable if uid is None or uid == os.getuid() else "/usr/bin/python3"
