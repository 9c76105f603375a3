"""A private pcscd with virtual readers, which never meets the system's own.

pcscd serves the socket it finds as descriptor 3 when LISTEN_PID is its own process (systemd's socket activation), so
this process opens the socket and libpcsclite is told of it by PCSCLITE_CSOCK_NAME. libpcsclite reads that once: one
stack for each process, and a restarted pcscd binds the same path again.

Where namespaces are allowed pcscd gets a network of its own, in which ports never collide and nobody else can insert
a card, and a /run and a driver folder of its own.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import importlib.util
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from enum import Enum
from pathlib import Path

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
SYSTEM_PID_FILE = Path("/run/pcscd/pcscd.pid")
HOST = "127.0.0.1"
MOST_READERS = 16  # compiled into pcscd
SLOTS = 2  # of one driver copy
FIRST_PORT = 35963
NETWORK_NAMESPACE = 0x40000000  # CLONE_NEWNET, sched.h
READY_S = 5.0

PROGRAMS = {
    "pcscd": "pcscd",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
}

OWN_FOLDERS = "mount -t tmpfs none /run; mount -t tmpfs none /usr/lib/pcsc/drivers; "
# The route makes cards fast that do not ask for quick acknowledgements themselves.
OWN_NETWORK = (
    "ip link set lo up; ip route replace local 127.0.0.1 dev lo table local proto kernel scope host "
    "src 127.0.0.1 quickack 1; "
)
# The socket comes as standard input: dash cannot name a descriptor above 9. setpriv ends pcscd with its parent.
SERVE = (
    "exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; "
    'exec setpriv --pdeathsig TERM "$(command -v pcscd)" --foreground --info --config "$0"'
)


class StackError(Exception):
    """The stack cannot be started here; the text says why."""


class Isolation(Enum):
    """How far a pcscd is kept from the rest of the machine, best first."""

    NETWORK = "network and mount namespace"
    MOUNT = "mount namespace"
    NONE = "plain"

    @property
    def prefix(self) -> list[str]:
        """What starts a program so isolated; who is not root becomes it inside."""
        flags = {Isolation.NETWORK: "mn", Isolation.MOUNT: "m"}.get(self)
        if flags is None:
            return []
        return ["unshare", f"-{flags}" if os.geteuid() == 0 else f"-Ur{flags}"]

    @property
    def script(self) -> str:
        """What a shell does inside before it becomes pcscd."""
        folders = "" if self is Isolation.NONE else OWN_FOLDERS
        return "set -e; " + folders + (OWN_NETWORK if self is Isolation.NETWORK else "")

    @functools.cached_property
    def refusal(self) -> str:
        """Why this machine does not allow it; empty when it does."""
        if self is Isolation.NONE:
            overwrites = os.geteuid() == 0 and SYSTEM_PID_FILE.exists()
            return f"a pcscd without namespaces would overwrite {SYSTEM_PID_FILE}" if overwrites else ""
        probe = subprocess.run(
            [*self.prefix, "sh", "-c", self.script + "true"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PATH": search_path()},
        )
        return probe.stderr.strip() if probe.returncode else ""


def search_path() -> str:
    """Return PATH with the folders of the system's daemons, which a user's PATH may lack."""
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def missing() -> list[str]:
    """Return what the stack needs and this machine does not have, with the Debian package that brings it."""
    found = [f"{name} ({package})" for name, package in PROGRAMS.items() if not shutil.which(name, path=search_path())]
    if not DRIVER.exists():
        found.append(f"{DRIVER} (vsmartcard-vpcd)")
    if importlib.util.find_spec("smartcard") is None:
        found.append("pyscard (pip install cardkit[pcsc])")
    return found


def best_isolation() -> Isolation:
    """Return the best isolation in which this process can also insert cards.

    A process that is not root cannot send a thread into the network it has made, so it shares its own.

    :raises StackError: when there is none.
    """
    usable = [each for each in Isolation if each is not Isolation.NETWORK or os.geteuid() == 0]
    for isolation in usable:
        if not isolation.refusal:
            return isolation
    raise StackError("; ".join(f"{each.value}: {each.refusal}" for each in usable))


class Stack:
    """A private pcscd with ``readers`` virtual readers, an even number; use it as a context manager.

    :param isolation: how far from the rest of the machine.
    :param public: other users may connect.
    """

    def __init__(
        self, readers: int = MOST_READERS, *, isolation: Isolation | None = None, public: bool = False
    ) -> None:
        self.isolation = isolation or best_isolation()
        self.folder = Path(tempfile.mkdtemp(prefix="cardkit-pcscd-", dir="/tmp"))
        self.folder.chmod(0o755 if public else 0o700)
        self.entries = readers // SLOTS
        self.ports = self._free_ports()
        self._public = public
        self._daemon: subprocess.Popen[bytes] | None = None
        self._configure()

    @property
    def socket_path(self) -> Path:
        """Where clients connect."""
        return self.folder / "comm"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of this process, with the socket in it."""
        return {**os.environ, "PCSCLITE_CSOCK_NAME": str(self.socket_path)}

    @property
    def pid(self) -> int:
        """The running pcscd's process id."""
        if self._daemon is None:
            raise StackError("pcscd is not running")
        return self._daemon.pid

    @property
    def names(self) -> list[str]:
        """The readers' names in the order in which pcscd must list them."""
        return [f"CardKit {entry:02d} 00 {slot:02d}" for entry in range(self.entries) for slot in range(SLOTS)]

    def log(self) -> str:
        """What pcscd has said; never APDUs."""
        return (self.folder / "pcscd.log").read_text(errors="replace")

    def start(self) -> None:
        """Start pcscd, also again after it died, and wait until it serves all its readers.

        :raises StackError: when it does not come up, or a reader is missing.
        """
        if self._daemon is not None and self._daemon.poll() is None:
            return
        self.socket_path.unlink(missing_ok=True)
        (self.folder / "pcscd.log").unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(self.socket_path))
            self.socket_path.chmod(0o666 if self._public else 0o600)
            listener.listen(64)
            self._daemon = self._spawn(listener)
        self._wait_until_ready()

    def kill(self) -> None:
        """End pcscd as a crash does; its socket file stays."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill pcscd and start it again at the same path: clients find a service that knows nothing of them."""
        self.kill()
        self.start()

    def stop(self) -> None:
        """Stop pcscd and remove everything; idempotent."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self.folder, ignore_errors=True)

    def enter_network(self) -> None:
        """Move the calling thread into pcscd's network."""
        if self.isolation is Isolation.NETWORK:
            libc = ctypes.CDLL(None, use_errno=True)
            with Path(f"/proc/{self.pid}/ns/net").open("rb") as namespace:
                if libc.setns(namespace.fileno(), NETWORK_NAMESPACE):
                    raise OSError(ctypes.get_errno(), "setns: cannot enter the network of pcscd")

    def inside(self, *command: str) -> list[str]:
        """Return the command that runs ``command`` in pcscd's network."""
        if self.isolation is not Isolation.NETWORK:
            return list(command)
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        return ["nsenter", "-t", str(self.pid), *user, "-n", *command]

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _configure(self) -> None:
        """Write one file with all entries, each with a driver copy of its own: the driver's slots are global in it."""
        entries = []
        for entry, port in enumerate(self.ports[::SLOTS]):
            library = self.folder / f"libifdvpcd{entry:02d}.so"
            shutil.copyfile(DRIVER, library)
            entries.append(
                f'FRIENDLYNAME "CardKit {entry:02d}"\nDEVICENAME   /dev/null:0x{port:04X}\n'
                f"LIBPATH      {library}\nCHANNELID    0x{port:04X}\n"
            )
        (self.folder / "conf").mkdir()
        (self.folder / "conf" / "vpcd").write_text("\n".join(entries))

    def _free_ports(self) -> list[int]:
        """One port for each slot: anything in a network of one's own, else a run that nobody listens on."""
        count = self.entries * SLOTS
        if self.isolation is Isolation.NETWORK:
            return list(range(FIRST_PORT, FIRST_PORT + count))
        for _ in range(100):
            first = random.randrange(20_000, 30_000, SLOTS)
            ports = list(range(first, first + count))
            if all(is_free(port) for port in ports):
                return ports
        raise StackError(f"no {count} free ports in a row")

    def _spawn(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        with (self.folder / "pcscd.log").open("wb") as log:
            return subprocess.Popen(
                [*self.isolation.prefix, "sh", "-c", self.isolation.script + SERVE, str(self.folder / "conf")],
                stdin=listener,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": search_path()},
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        while "daemon ready" not in self.log():
            assert self._daemon is not None
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"pcscd ({self.isolation.value}) did not come up: {self.log()[-2000:]}")
            time.sleep(0.005)
        if "init failed" in self.log():
            raise StackError(f"a reader is missing: {self.log()[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        if self._daemon is not None:
            self._daemon.send_signal(how)
            self._daemon.wait()
            self._daemon = None


@functools.cache
def shared_stack() -> Stack:
    """Return the one stack of this process, started, with the environment set for this process and its children.

    :raises StackError: when it cannot be started.
    """
    stack = Stack()
    atexit.register(stack.stop)
    os.environ["PCSCLITE_CSOCK_NAME"] = str(stack.socket_path)
    stack.start()
    return stack


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a TCP port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
