"""The PC/SC library and pyscard, which calls it."""

from __future__ import annotations

import ctypes
from importlib import metadata
from pathlib import Path

from cardkit.doctor.check import Seen, fail, ok
from cardkit.doctor.station import LINUX, Station

_INSTALL_LIBRARY = "apt-get install libpcsclite1 pcscd (Debian, Ubuntu)"
_INSTALL_PYSCARD = "pip install 'cardkit[pcsc]'"
_BUILD_PYSCARD = "apt-get install gcc python3-dev libpcsclite-dev, then pip install 'cardkit[pcsc]'"


def library(station: Station) -> Seen:
    """Load libpcsclite; say where it lies and whether it is told to use a private service."""
    try:
        ctypes.CDLL(station.library)
    except OSError as error:
        return fail(f"{station.library} cannot be loaded ({error})", _INSTALL_LIBRARY)
    private = f"; PCSCLITE_CSOCK_NAME={station.socket_name} is in force" if station.socket_name else ""
    return ok(f"{_place_of(station)}{private}")


def _place_of(station: Station) -> str:
    """The file behind the loaded library, which carries its version in its name."""
    try:
        maps = (station.proc / "self/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return station.library
    stem = station.library.partition(".so")[0]
    places = (line.split(maxsplit=5)[-1] for line in maps.splitlines())
    return next((place for place in places if Path(place).name.startswith(stem)), station.library)


def pyscard(station: Station) -> Seen:
    """Import ``smartcard.scard`` in a process of its own: it must load, and print nothing."""
    install = _BUILD_PYSCARD if station.platform == LINUX else _INSTALL_PYSCARD
    done = station.run([station.python, "-P", "-c", "import smartcard.scard"])
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return fail(f"pyscard cannot be loaded ({reason})", install)
    printed = (done.stdout or done.stderr).strip()
    if printed:
        return fail(f"pyscard {_version()} loads and complains: {printed.splitlines()[0]}", _INSTALL_LIBRARY)
    return ok(f"pyscard {_version()}")


def _version() -> str:
    try:
        return metadata.version("pyscard")
    except metadata.PackageNotFoundError:
        return "of unknown version"
