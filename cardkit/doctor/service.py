"""The PC/SC service: does it answer, how was it built, how was it started."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from cardkit.doctor.check import Seen, fail, not_applicable, ok, together, warn
from cardkit.doctor.deadline import within
from cardkit.doctor.processes import pcscd_processes, switches
from cardkit.doctor.station import LINUX, Station
from cardkit.errors import AccessDeniedError, ContextLimitError, LinkTimeoutError, ServiceDownError
from cardkit.transport.pcsc_context import Context
from cardkit.transport.pcsc_errors import SERVICE_STOPPED

_CONTEXT_TIMEOUT_S = 2.0
_ALLOW_USER = (
    "add a polkit rule for org.debian.pcsc-lite.access_pcsc and access_card, be root, "
    "or in a container start pcscd with --disable-polkit; with very many programs, pcscd -t"
)
_VERSION = re.compile(r"version (\d[\w.]*\w)")
_FEATURES = re.compile(r"^Enabled features:(.*)$", re.MULTILINE)
_READER_LIMIT = re.compile(r"PCSCLITE_MAX_READERS_CONTEXTS:\s*(\d+)")


def service(station: Station) -> Seen:
    """Ask the service for a context, which it must give within 2 s."""
    start = time.perf_counter()
    try:
        within(_CONTEXT_TIMEOUT_S, lambda: Context().release(), "context")
    except (AccessDeniedError, ContextLimitError) as error:
        return fail(str(error), _ALLOW_USER)
    except ServiceDownError as error:
        return fail(str(error), _start(station, error.hresult))
    except LinkTimeoutError as error:
        return fail(str(error), "restart pcscd, or its host")
    return ok(f"answers in {(time.perf_counter() - start) * 1000:.1f} ms")


def _start(station: Station, hresult: int) -> str:
    """How the service is started here."""
    if station.platform != LINUX:
        return "plug a reader in" if hresult == SERVICE_STOPPED else "start the system's smart card service (SCardSvr)"
    if station.socket_name:
        return f"start the pcscd that serves {station.socket_name}, or unset PCSCLITE_CSOCK_NAME"
    if station.program("pcscd") is None:
        return "apt-get install pcscd (Debian, Ubuntu)"
    return "systemctl enable --now pcscd.socket; without systemd, start pcscd as root"


def build(station: Station) -> Seen:
    """Read version, features and reader limit from ``pcscd --version``."""
    pcscd = station.program("pcscd")
    if pcscd is None:
        return not_applicable("pcscd is not installed")
    text = station.run([pcscd, "--version"]).stdout
    version = _VERSION.search(text)
    if version is None:
        return warn(f"{pcscd} --version says nothing known", "reinstall pcscd")
    limit = _READER_LIMIT.search(text)
    features = (_FEATURES.findall(text) or [""])[0].split()
    about = f"pcscd {version[1]}, at most {limit[1] if limit else '16'} readers"
    if "polkit" in features and not station.is_root:
        return warn(f"{about}, with polkit: it decides whether user {station.uid} may use cards", _ALLOW_USER)
    polkit = "with polkit" if "polkit" in features else "without polkit: every local user may use every card"
    return ok(f"{about}, {polkit}")


def arguments(station: Station) -> Seen:
    """Look at how running services were started: logging of APDUs, and exit when idle."""
    running = pcscd_processes(station)
    if not running:
        return not_applicable("no pcscd is running")
    quiet = ok(f"{len(running)} running: none logs APDUs, none ends when idle")
    return together(quiet, *(seen for pid, words in running for seen in _faults(pid, switches(words))))


def _faults(pid: int, used: frozenset[str]) -> Iterator[Seen]:
    logging = sorted(used & {"-a", "-d"})
    if logging:
        yield fail(
            f"pcscd {pid} runs with {' '.join(logging)}: it logs whole APDUs, keys and PINs included",
            "restart pcscd without -a and -d",
        )
    if "-x" in used:
        yield warn(
            f"pcscd {pid} runs with -x: it ends after 60 s without a client, and virtual cards with it",
            "on a station, start pcscd without --auto-exit (systemctl edit pcscd)",
        )
