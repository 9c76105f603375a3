"""Rules about what is in the files, whoever wrote them; nothing here says more of a value than its length or form.

Signatures and hashes are :mod:`cardkit.apps.emrtd.passive`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial

from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.groups import parse_dg1
from cardkit.apps.emrtd.images import DisplayedImages
from cardkit.apps.emrtd.lds import DATA_GROUPS, Departure, Deviation
from cardkit.apps.emrtd.mrz import Mrz
from cardkit.apps.emrtd.persons import Persons
from cardkit.apps.emrtd.rules import zone
from cardkit.apps.emrtd.rules.biometric import faces, others
from cardkit.apps.emrtd.rules.protocols import agreement, key_of_dg15, labels, offered
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.sod import Sod
from cardkit.errors import EncodingError

Files = Mapping[str, bytes]
_Parse = Callable[[bytes], DisplayedImages | Details | Persons]
_IMAGES, _ELEMENTS = "a count and images", "a tag list and its elements"
_STRUCTURES: tuple[tuple[str, str, str, _Parse], ...] = (
    ("EF.DG5", "EMRTD-057", _IMAGES, partial(DisplayedImages.parse, 5)),
    ("EF.DG7", "EMRTD-057", _IMAGES, partial(DisplayedImages.parse, 7)),
    ("EF.DG11", "EMRTD-058", _ELEMENTS, partial(Details.parse, 11)),
    ("EF.DG12", "EMRTD-058", _ELEMENTS, partial(Details.parse, 12)),
    ("EF.DG16", "EMRTD-060", "a count and persons", Persons.parse),
)
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
        lambda: _structures(files),
        lambda: offered(files),
        lambda: agreement(files),
        lambda: key_of_dg15(files),
        lambda: labels(files),
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
    try:
        name = Details.parse(11, files["EF.DG11"]).values().get("name_of_holder")
    except (KeyError, EncodingError):
        return
    if isinstance(name, str):
        yield from zone.name_troubles(mrz, name)


def _structures(files: Files) -> Iterator[Trouble]:
    """EMRTD-057 to 060: what groups consist of, and the forms of their elements."""
    for name, rule, expected, parse in _STRUCTURES:
        if name not in files:
            continue
        try:
            deviations = parse(files[name]).deviations
        except EncodingError as error:
            yield Trouble(rule, name, expected, str(error))
            continue
        yield from (_as_trouble("EMRTD-059" if one.kind in _OF_FORM else rule, one) for one in deviations)


def _as_trouble(rule: str, deviation: Deviation) -> Trouble:
    return Trouble(rule, deviation.where, deviation.expected or "as the standard has it", _said(deviation))


def _said(deviation: Deviation) -> str:
    return f"{deviation.kind.value}{f': {deviation.actual}' if deviation.actual else ''}"
