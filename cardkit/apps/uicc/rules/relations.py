"""Rules between the contents of files: pure functions of decoded values, each ``None`` or the trouble in words.

A relation is looked at only where the files it needs were read and hold what they should: otherwise the card has a
finding for that already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.schema import NetworkBlock
from cardkit.encoding.digits import luhn_valid

USIM, ISIM, GSM = "ADF.USIM", "ADF.ISIM", "DF.GSM"

# Services that belong to a phone without an ISIM (TS 31.102 4.2.8 notes).
NOT_BESIDE_ISIM = (95, 99, 115)
ALWAYS_ON = 33
IMPLIED = {46: 45, 125: 124}


@dataclass(frozen=True, slots=True)
class Ground:
    """What relations may look at besides the files.

    :param network: the product's numbering.  :param chip_files: what the chip has.
    :param product_files: what the product fills.  :param test_keys: whether it may have keys that are published.
    """

    network: NetworkBlock
    chip_files: frozenset[str]
    has_isim: bool
    product_files: frozenset[str] = frozenset()
    test_keys: bool = False


Values = Mapping[str, Mapping[str, Any]]
Test = Callable[[Values, Ground], str | None]


@dataclass(frozen=True, slots=True)
class Relation:
    """One rule over some files; ``needs[0]`` is what a finding is about."""

    rule: str
    needs: tuple[str, ...]
    test: Test


def _iccid(values: Values, ground: Ground) -> str | None:
    digits = values["MF/EF.ICCID"].get("iccid", "")
    if len(digits) not in (19, 20):
        return f"{len(digits)} digits, expected 19 or 20"
    if not luhn_valid(digits):
        return "the check digit is wrong"
    prefix = ground.network.iccid_prefix
    return None if digits.startswith(prefix) else f"starts with {digits[: len(prefix)]}, expected {prefix}"


def _mnc_length(values: Values, ground: Ground) -> str | None:
    length = values[f"{USIM}/EF.AD"].get("mnc_length")
    network = ground.network
    if length != len(network.mnc):
        return f"MNC length {length}, expected {len(network.mnc)}"
    imsi = values[f"{USIM}/EF.IMSI"].get("imsi", "")
    home = network.mcc + network.mnc
    return None if imsi.startswith(home) else f"IMSI starts with {imsi[: len(home)]}, expected {home}"


def _normal_operation(values: Values, ground: Ground) -> str | None:  # noqa: ARG001  (one signature for all)
    mode = values[f"{USIM}/EF.AD"].get("mode")
    return None if mode == "normal" else f"operation mode {mode}, expected normal"


def _access_class(values: Values, ground: Ground) -> str | None:
    imsi = values[f"{USIM}/EF.IMSI"].get("imsi", "?")
    expected = sorted({int(imsi[-1]), *ground.network.special_classes}) if imsi[-1].isdigit() else []
    classes = values[f"{USIM}/EF.ACC"].get("classes")
    return None if classes == expected else f"classes {classes}, expected {expected}"


def _home_first(values: Values, ground: Ground) -> str | None:
    entries = values[f"{USIM}/EF.EHPLMN"].get("entries", [])
    home = f"{ground.network.mcc}-{ground.network.mnc}"
    if any(isinstance(entry, dict) for entry in entries):
        return "an entry is no network"
    return None if entries[:1] == [home] else f"first entry {entries[:1]}, expected {home}"


def network_list(name: str) -> Relation:
    """Return UICC-074 for one list of networks."""

    def test(values: Values, ground: Ground) -> str | None:  # noqa: ARG001
        entries = values[name].get("entries", [])
        return next((trouble for trouble in map(_entry_trouble, entries) if trouble), None) or _twice(entries)

    return Relation("UICC-074", (name,), test)


def _entry_trouble(entry: Any) -> str | None:
    plmn = entry.get("plmn") if isinstance(entry, dict) else entry
    if not isinstance(plmn, str):
        return "an entry is no network"
    return None if plmn else "an unused entry stands before a used one"


def _twice(entries: list[Any]) -> str | None:
    ordered = sorted(map(str, entries))
    return next((f"{left} stands there twice" for left, right in pairwise(ordered) if left == right), None)


def _services(values: Values) -> list[int]:
    return list(values[f"{USIM}/EF.UST"].get("services", []))


def _files_of_services(values: Values, ground: Ground) -> str | None:
    services = set(_services(values))
    missing = [
        spec.title
        for spec in CATALOGUE.values()
        if spec.name.startswith(f"{USIM}/") and spec.conditional and spec.offered(services)
        and spec.name not in ground.chip_files and not _in_subdirectory(spec.name)
    ]  # fmt: skip
    return f"offered without a file: {', '.join(missing)}" if missing else None


def _in_subdirectory(name: str) -> bool:
    """Whether a file lies in a directory of its own, which chips have or lack as a whole: phone book, 5GS."""
    return "/DF." in name


def _services_of_files(values: Values, ground: Ground) -> str | None:
    services = set(_services(values))
    idle = [
        name
        for name in sorted(ground.chip_files)
        if name.startswith(f"{USIM}/") and name in CATALOGUE and CATALOGUE[name].conditional
        and not CATALOGUE[name].offered(services) and not _in_subdirectory(name)
    ]  # fmt: skip
    return f"on the card without a service: {', '.join(name.rpartition('/')[2] for name in idle)}" if idle else None


def _service_rules(values: Values, ground: Ground) -> str | None:
    services = set(_services(values))
    if ALWAYS_ON not in services:
        return f"service {ALWAYS_ON} is off"
    for service, needed in IMPLIED.items():
        if service in services and needed not in services:
            return f"service {service} without {needed}"
    beside = [service for service in NOT_BESIDE_ISIM if service in services]
    return f"services {beside} beside an ISIM" if ground.has_isim and beside else None


def _ims_identity(values: Values, ground: Ground) -> str | None:
    imsi = values[f"{USIM}/EF.IMSI"].get("imsi", "")
    network = ground.network
    domain = f"ims.mnc{network.mnc.zfill(3)}.mcc{network.mcc}.3gppnetwork.org"
    expected = {"EF.DOMAIN": domain, "EF.IMPI": f"{imsi}@{domain}", "EF.IMPU#1": f"sip:{imsi}@{domain}"}
    for title, text in expected.items():
        field = title.removeprefix("EF.").partition("#")[0].lower()
        got = values[f"{ISIM}/{title}"].get(field)
        if got != text:
            return f"{title}: got {got}, expected {text}"
    return None


RELATIONS = (
    Relation("UICC-002", ("MF/EF.ICCID",), _iccid),
    Relation("UICC-006", (f"{USIM}/EF.AD", f"{USIM}/EF.IMSI"), _mnc_length),
    Relation("UICC-007", (f"{USIM}/EF.AD",), _normal_operation),
    Relation("UICC-008", (f"{USIM}/EF.ACC", f"{USIM}/EF.IMSI"), _access_class),
    Relation("UICC-040", (f"{USIM}/EF.UST",), _files_of_services),
    Relation("UICC-041", (f"{USIM}/EF.UST",), _services_of_files),
    Relation("UICC-042", (f"{USIM}/EF.UST",), _service_rules),
    Relation("UICC-073", (f"{USIM}/EF.EHPLMN",), _home_first),
    Relation(
        "UICC-110", (*(f"{ISIM}/EF.{name}" for name in ("IMPI", "DOMAIN", "IMPU#1")), f"{USIM}/EF.IMSI"), _ims_identity
    ),
    *(network_list(f"{USIM}/EF.{name}") for name in ("PLMNwAcT", "OPLMNwAcT", "HPLMNwAcT")),
    network_list(f"{GSM}/EF.PLMNsel"),
)
