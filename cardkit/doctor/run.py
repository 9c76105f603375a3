"""The checks of a station, as a table, and how they are run: none can take another one down."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cardkit.doctor import coupler, environment, latency, library, namespaces, readers, service, stack, virtual, vpcd
from cardkit.doctor.check import Check, Seen, Verdict, not_applicable, warn
from cardkit.doctor.station import LINUX, Station
from cardkit.errors import CardkitError
from cardkit.target import Scheme


@dataclass(frozen=True, slots=True)
class Inspection:
    """One check of a station.

    :param needs: checks that must not have failed before.  :param linux_only: what it looks at is nowhere else.
    """

    id: str
    look: Callable[[Station], Seen]
    needs: tuple[str, ...] = ()
    linux_only: bool = False


PCSC = ("lib", "pyscard", "service")
INSPECTIONS = (
    Inspection("virtual", virtual.cards),
    Inspection("lib", library.library, linux_only=True),
    Inspection("pyscard", library.pyscard),
    Inspection("service", service.service, needs=("lib", "pyscard")),
    Inspection("build", service.build, linux_only=True),
    Inspection("args", service.arguments, linux_only=True),
    Inspection("readers", readers.names, needs=PCSC),
    Inspection("busy", readers.holders, needs=PCSC),
    Inspection("vpcd", vpcd.configuration, linux_only=True),
    Inspection("latency", latency.service, needs=PCSC),
    Inspection("stack", stack.stack, needs=("lib", "pyscard"), linux_only=True),
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
    target = None if reader is None else coupler.testable(reader)
    checks = inspect(INSPECTIONS, place)
    if target is None:
        return checks
    failed = _failed(PCSC, checks) if target.scheme is Scheme.PCSC else ""
    return [*checks, *(coupler.untested(f"needs {failed}") if failed else coupler.examine(target, place))]


def inspect(inspections: Iterable[Inspection], station: Station) -> list[Check]:
    """Run inspections in order; one whose need has failed is not applicable."""
    checks: list[Check] = []
    for inspection in inspections:
        failed = _failed(inspection.needs, checks)
        if inspection.linux_only and station.platform != LINUX:
            seen = not_applicable("only on Linux")
        elif failed:
            seen = not_applicable(f"needs {failed}")
        else:
            seen = _look(inspection, station)
        checks.append(Check(inspection.id, seen.verdict, seen.evidence, seen.remedy))
    return checks


def _failed(needs: Iterable[str], checks: Iterable[Check]) -> str:
    """The first of the needs that has failed, empty if none has."""
    failed = {check.id for check in checks if check.verdict is Verdict.FAIL}
    return next((need for need in needs if need in failed), "")


def _look(inspection: Inspection, station: Station) -> Seen:
    try:
        return inspection.look(station)
    except (CardkitError, OSError, ValueError, subprocess.SubprocessError) as error:
        return warn(f"could not be checked: {' '.join(str(error).split())}", "look at the reason given")
