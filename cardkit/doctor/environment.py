"""What surrounds the station: core dumps and swap, where keys could end up, and room for the journal."""

from __future__ import annotations

import importlib
import shutil

from cardkit.doctor.check import Seen, ok, together, warn
from cardkit.doctor.station import Station

_LEAST_FREE_BYTES = 1_000_000_000


def environment(station: Station) -> Seen:
    """Look at core limit, swap and disk."""
    return together(_core_dumps(), _swap(station), _disk(station))


def _core_dumps() -> Seen:
    try:
        resource = importlib.import_module("resource")
    except ImportError:
        return ok("no core dumps on this system")
    soft, _ = resource.getrlimit(resource.RLIMIT_CORE)
    if soft:
        return warn("core dumps are on: a crash would write keys to disk", "ulimit -c 0 before cardkit starts")
    return ok("no core dumps")


def _swap(station: Station) -> Seen:
    try:
        areas = (station.proc / "swaps").read_text(encoding="utf-8", errors="replace").splitlines()[1:]
    except OSError:
        return ok("swap unknown")
    if areas:
        return warn(f"swap is on ({areas[0].split()[0]}): keys may reach the disk", "swapoff -a, or encrypt the swap")
    return ok("no swap")


def _disk(station: Station) -> Seen:
    free = shutil.disk_usage(station.folder).free
    told = f"{free / 1e9:.1f} GB free for store and journal in {station.folder}"
    return ok(told) if free >= _LEAST_FREE_BYTES else warn(told, "make room, or run in another folder")
