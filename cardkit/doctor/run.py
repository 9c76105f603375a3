"""The checks of a station, as a table, and how they are run: none can take another one down."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardkit.doctor import coupler, environment, latency, library, namespaces, readers, service, virtual, vpcd
from cardkit.doctor.check import Check, Seen, Verdict, not_applicable, warn
from cardkit.doctor.station import LINUX, Station
from cardkit.errors import CardkitError


@dataclass(frozen=True, slots=True)
class Inspection:
    """One check of a station.

    :param needs: checks that must not have failed before.  :param linux_only: what it looks at is nowhere else.
    """

    id: str
    look: Callable[[Station], Seen]
    needs: tuple[str, ...] = ()
    linux_only: bool = False


INSPECTIONS = (
    Inspection("virtual", virtual.cards),
    Inspection("lib", library.library, linux_only=True),
    Inspection("pyscard", library.pyscard, needs=("lib",)),
    Inspection("service", service.service, needs=("lib", "pyscard")),
    Inspection("build", service.build, linux_only=True),
    Inspection("args", service.arguments, linux_only=True),
    Inspection("readers", readers.names, needs=("lib", "pyscard", "service")),
    Inspection("busy", readers.holders, needs=("lib", "pyscard", "service")),
    Inspection("vpcd", vpcd.configuration, linux_only=True),
    Inspection("latency", latency.service, needs=("lib", "pyscard", "service")),
    Inspection("ns", namespaces.namespaces, linux_only=True),
    Inspection("env", environment.environment),
)


def run(reader: str | None = None, station: Station | None = None) -> list[Check]:
    """Examine this station, and one reader if it is named.

    :param reader: target of the reader to send harmless commands to; None sends nothing to any card.
    :param station: another place to look at than this machine.
    :returns: one check for each id, always in the same order.
    :raises EncodingError: when ``reader`` names no PC/SC or virtual reader.
    """
    place = station or Station()
    checks = inspect(INSPECTIONS, place)
    return checks if reader is None else [*checks, *coupler.examine(reader, place)]


def inspect(inspections: Iterable[Inspection], station: Station) -> list[Check]:
    """Run inspections in order; one whose need has failed is not applicable."""
    checks: dict[str, Check] = {}
    for inspection in inspections:
        failed = [name for name in inspection.needs if checks[name].verdict is Verdict.FAIL]
        if inspection.linux_only and station.platform != LINUX:
            seen = not_applicable("only on Linux")
        elif failed:
            seen = not_applicable(f"needs {failed[0]}")
        else:
            seen = _look(inspection, station)
        checks[inspection.id] = Check(inspection.id, seen.verdict, seen.evidence, seen.remedy)
    return list(checks.values())


def _look(inspection: Inspection, station: Station) -> Seen:
    try:
        return inspection.look(station)
    except (CardkitError, OSError, ValueError, subprocess.SubprocessError) as error:
        return warn(f"could not be checked: {' '.join(str(error).split())}", "look at the reason given")
