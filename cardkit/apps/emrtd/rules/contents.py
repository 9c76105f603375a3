"""Rules about what is in the files, whoever wrote them; nothing here says more of a value than its length or form.

Signatures and hashes are :mod:`cardkit.apps.emrtd.passive`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.emrtd.images import DisplayedImages
from cardkit.apps.emrtd.lds import DATA_GROUPS, Departure, Deviation
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.persons import Persons
from cardkit.apps.emrtd.rules import zone
from cardkit.apps.emrtd.rules.biometric import faces, others
from cardkit.apps.emrtd.rules.protocols import agreement, key_of_dg15, offered
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.sod import Sod
from cardkit.errors import EncodingError

Files = Mapping[str, bytes]
_OF_FORM = frozenset({Departure.BCD_DATE, Departure.NO_TEMPLATE, Departure.LISTED_TEMPLATE})


def content_troubles(files: Files, today: date) -> list[Trouble]:
    """Return what is wrong with files; each rule looks at those that are there.

    :param files: by name.  :param today: of the inspection.
    """
    checks: tuple[Callable[[], Iterator[Trouble]], ...] = (
        lambda: _list_of_groups(files),
        lambda: _zone(files, today),
        lambda: faces(files),
        lambda: others(files),
        lambda: _displayed(files),
        lambda: _details(files),
        lambda: _persons(files),
        lambda: offered(files),
        lambda: agreement(files),
        lambda: key_of_dg15(files),
    )
    return [trouble for check in checks for trouble in check()]


def _list_of_groups(files: Files) -> Iterator[Trouble]:
    """EMRTD-040: EF.COM, the groups that are there and EF.SOD agree; EF.COM may be left out since LDS 1.8."""
    content = files.get("EF.COM")
    if content is None:
        return
    try:
        com = Com.parse(content)
    except EncodingError as error:
        yield Trouble("EMRTD-040", "EF.COM", "versions and a tag list", str(error))
        return
    expected, where = _expected_groups(files)
    if expected is not None and set(com.groups) != expected:
        yield Trouble("EMRTD-040", "EF.COM", f"groups {_numbers(expected)} as {where}", _numbers(set(com.groups)))
    if not (com.lds_version.isdigit() and len(com.lds_version) == 4):
        yield Trouble("EMRTD-040", "EF.COM", "an LDS version of 4 digits", f"{len(com.lds_version)} characters")


def _expected_groups(files: Files) -> tuple[set[int] | None, str]:
    """Return the groups of EF.SOD, or those that were read; None where neither says."""
    try:
        return set(Sod.parse(files["EF.SOD"]).object.hashes), "EF.SOD"
    except (KeyError, EncodingError):
        there = {number for number, file in DATA_GROUPS.items() if file.name in files}
        return there or None, "read"


def _numbers(groups: set[int]) -> str:
    return " ".join(map(str, sorted(groups)))


def _zone(files: Files, today: date) -> Iterator[Trouble]:
    content = files.get("EF.DG1")
    if content is None:
        return
    try:
        mrz = parse_dg1(content)
    except EncodingError as error:
        yield Trouble("EMRTD-041", "EF.DG1", "a zone of 90, 72 or 88 characters", _without_text(error))
        return
    yield from zone.troubles(mrz, today)
    yield from _full_name(files, mrz)


def _without_text(error: EncodingError) -> str:
    """Say what is wrong with a zone without quoting it."""
    return str(error).partition(":")[0] + ": it cannot be read as one"


def _full_name(files: Files, mrz: Mrz) -> Iterator[Trouble]:
    """EMRTD-046: the name of DG11 transliterates to the one of the zone."""
    details = _details_of(files, 11)
    name = details.values().get("name_of_holder") if details else None
    if isinstance(name, str):
        yield from zone.name_troubles(mrz, name)


def _displayed(files: Files) -> Iterator[Trouble]:
    for number in (5, 7):
        content = files.get(f"EF.DG{number}")
        if content is None:
            continue
        try:
            deviations = DisplayedImages.parse(number, content).deviations
        except EncodingError as error:
            yield Trouble("EMRTD-057", f"EF.DG{number}", "a count and images", str(error))
            continue
        yield from (_as_trouble("EMRTD-057", one) for one in deviations)


def _details_of(files: Files, number: int) -> Details | None:
    try:
        return Details.parse(number, files[f"EF.DG{number}"])
    except (KeyError, EncodingError):
        return None


def _details(files: Files) -> Iterator[Trouble]:
    """EMRTD-058 and 059: elements and their forms."""
    for number in (11, 12):
        content = files.get(f"EF.DG{number}")
        if content is None:
            continue
        try:
            deviations = Details.parse(number, content).deviations
        except EncodingError as error:
            yield Trouble("EMRTD-058", f"EF.DG{number}", "a tag list and its elements", str(error))
            continue
        for one in deviations:
            yield _as_trouble("EMRTD-059" if one.kind in _OF_FORM else "EMRTD-058", one)


def _persons(files: Files) -> Iterator[Trouble]:
    content = files.get("EF.DG16")
    if content is None:
        return
    try:
        deviations = Persons.parse(content).deviations
    except EncodingError as error:
        yield Trouble("EMRTD-060", "EF.DG16", "a count and persons", str(error))
        return
    yield from (_as_trouble("EMRTD-060", one) for one in deviations)


def _as_trouble(rule: str, deviation: Deviation) -> Trouble:
    return Trouble(rule, deviation.where, deviation.expected or "as the standard has it", _said(deviation))


def _said(deviation: Deviation) -> str:
    return f"{deviation.kind.value}{f': {deviation.actual}' if deviation.actual else ''}"
