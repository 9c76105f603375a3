"""One of our virtual cards behind a private PC/SC service of this machine's own make: how fast is the whole way.

The service runs in network and mount namespaces with an empty /run and no USB: it neither sees nor disturbs the
system's service and its readers, and nobody else sees it. libpcsclite keeps the socket a process first used, so the
client is a process too.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardkit.doctor import latency
from cardkit.doctor.check import Seen, not_applicable, warn
from cardkit.doctor.station import Station
from cardkit.doctor.virtual import SELECT_MF
from cardkit.transport.pcsc import PcscConnection
from cardkit.transport.presence import wait_for_card

PROGRAMS = ("pcscd", "unshare", "setpriv", "ip")
READER = "cardkit doctor"
_SLOT = f"{READER} 00 00"
_PORT = 35_963  # vpcd's first slot; nobody else is in the namespace
_CARD_TIMEOUT_S = 5.0
_END_TIMEOUT_S = 5.0
_ENTRY = 'FRIENDLYNAME "{reader}"\nDEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n'
_CARD = f"from cardkit.virtual import VirtualCard, vpcd; vpcd.serve(VirtualCard('usim'), '127.0.0.1', {_PORT})"
_CLIENT = "from cardkit.doctor import stack; print(stack.time_card())"
# The inherited socket is descriptor 0; pcscd serves descriptor 3 of the process that is named (sd_listen_fds(3)).
_SCRIPT = (
    "exec 3<&0 0</dev/null; mount -t tmpfs none /run; if [ -d /dev/bus/usb ]; then mount -t tmpfs none /dev/bus/usb; "
    'fi; "$3" link set lo up; "$0" -P -c "$1" 3<&- & '
    'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$4" --pdeathsig TERM "$2" -f -c "$5"'
)


def stack(station: Station) -> Seen:
    """Time 100 commands to a virtual card through pcscd and vpcd."""
    missing = [name for name in PROGRAMS if station.program(name) is None]
    missing += [] if station.driver.exists() else ["vsmartcard-vpcd"]
    if missing:
        return not_applicable(f"a private PC/SC service needs {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="cardkit-") as folder, _service(station, Path(folder)) as log:
        environ = {**station.environ, "PCSCLITE_CSOCK_NAME": str(Path(folder, "comm"))}
        done = station.run([station.python, "-P", "-c", _CLIENT], environ)
        if done.returncode:
            said = (log.read_text(encoding="utf-8", errors="replace") + done.stderr).strip().splitlines() or [
                "nothing said"
            ]
            return warn(f"a private PC/SC service does not work ({said[-1]})", "see ns and vpcd; the tests need it")
    p50_us = float(done.stdout)
    return latency.judge(
        p50_us,
        f"a virtual card through a private pcscd: {p50_us:.0f} us per command (p50 of {latency.ROUNDS}; "
        f"reference {latency.CARD_REFERENCE_US} us)",
        "the card's socket needs TCP_QUICKACK before each read; or this machine is busy",
    )


def time_card() -> float:
    """Connect to the card in the private service and return the median time of a command in microseconds.

    :raises TransportError: when the card does not come up.
    """
    wait_for_card(_SLOT, after=None, timeout_s=_CARD_TIMEOUT_S)
    connection = PcscConnection(_SLOT)
    command = SELECT_MF.encode()
    p50_us = latency.median_us(lambda: connection.transmit(command))
    connection.close()
    return p50_us


@contextmanager
def _service(station: Station, folder: Path) -> Iterator[Path]:
    """Run pcscd and the card, give its log, and end both."""
    conf, log = folder / "conf", folder / "log"
    conf.mkdir()
    entry = _ENTRY.format(reader=READER, port=_PORT, driver=station.driver)
    (conf / "vpcd").write_text(entry, encoding="ascii")
    pcscd, unshare, setpriv, ip = (station.program(name) or name for name in PROGRAMS)
    private = [unshare, "-mn" if station.is_root else "-Urmn"]
    with socket.socket(socket.AF_UNIX) as listener, log.open("wb") as sink:
        listener.bind(str(folder / "comm"))
        listener.listen()
        process = subprocess.Popen(  # noqa: S603 - fixed words
            [*private, "/bin/sh", "-c", _SCRIPT, station.python, _CARD, pcscd, ip, setpriv, str(conf)],
            env=dict(station.environ),
            stdin=listener.fileno(),
            stdout=sink,
            stderr=sink,
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
