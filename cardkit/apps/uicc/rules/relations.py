"""Rules between the contents of files: pure functions of decoded values, each ``None`` or the trouble in words.

A relation is looked at only where the files it needs were read and hold what they should: otherwise the card has a
finding for that already. Without a product, what only its operator may choose is left alone.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import Any

from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.rules.check import Relation, Values
from cardkit.apps.uicc.rules.expectation import GSM, ISIM, USIM, Ground
from cardkit.encoding.digits import luhn_valid

# ITU-T E.118: what every card of a telephone operator starts with.
TELECOM_PREFIX = "89"
SPECIAL_CLASSES = range(11, 16)
MNC_LENGTHS = (2, 3)

# Services that belong to a phone without an ISIM (TS 31.102 4.2.8 notes).
NOT_BESIDE_ISIM = (95, 99, 115)
ALWAYS_ON = 33
# Files that came later than their service (release 16, from memory): a card of an older release has none.
LATER = frozenset(("EF.GBAUAPI",))
IMPLIED = {46: 45, 125: 124}

# The access technologies of an entry as programming tools leave them: all bits, no bit.
NO_CHOICE: tuple[list[str], ...] = (["all bits"], [])


def _iccid(values: Values, ground: Ground) -> str | None:
    digits = values["MF/EF.ICCID"].get("iccid", "")
    if len(digits) not in (19, 20):
        return f"{len(digits)} digits, expected 19 or 20"
    if not luhn_valid(digits):
        return "the check digit is wrong"
    prefix = ground.network.iccid_prefix if ground.network else TELECOM_PREFIX
    return None if digits.startswith(prefix) else f"starts with {digits[: len(prefix)]}, expected {prefix}"


def _mnc_length(values: Values, ground: Ground) -> str | None:
    length = values[f"{USIM}/EF.AD"].get("mnc_length")
    network = ground.network
    if network is None:
        return None if length in MNC_LENGTHS else f"MNC length {length}, expected 2 or 3"
    if length != len(network.mnc):
        return f"MNC length {length}, expected {len(network.mnc)}"
    imsi = values[f"{USIM}/EF.IMSI"].get("imsi", "")
    home = network.mcc + network.mnc
    return None if imsi.startswith(home) else f"IMSI starts with {imsi[: len(home)]}, expected {home}"


def _normal_operation(values: Values, ground: Ground) -> str | None:  # noqa: ARG001  (one signature for all)
    mode = values[f"{USIM}/EF.AD"].get("mode")
    return None if mode == "normal" else f"operation mode {mode}, expected normal"


def access_class_trouble(imsi: str, classes: Collection[int] | None, special: Collection[int] | None) -> str | None:
    """Say what is wrong with the classes of EF.ACC. TS 22.011 4.2

    :param special: classes the product has besides the IMSI's, None where nobody knows the product.
    """
    if not imsi[-1:].isdigit():
        return f"classes {classes}, and no IMSI to tell which"
    own, given = int(imsi[-1]), set(classes or ())
    right = given - set(SPECIAL_CLASSES) == {own} if special is None else given == {own, *special}
    return None if right else f"classes {sorted(given)}, expected {sorted({own, *(special or ())})}"


def _access_class(values: Values, ground: Ground) -> str | None:
    special = ground.network.special_classes if ground.network else None
    return access_class_trouble(
        values[f"{USIM}/EF.IMSI"].get("imsi", ""), values[f"{USIM}/EF.ACC"].get("classes"), special
    )


def _home_first(values: Values, ground: Ground) -> str | None:
    entries = values[f"{USIM}/EF.EHPLMN"].get("entries", [])
    if any(isinstance(entry, dict) for entry in entries):
        return "an entry is no network"
    if ground.network is None:
        return None
    home = f"{ground.network.mcc}-{ground.network.mnc}"
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
    if not plmn:
        return "an unused entry stands before a used one"
    if isinstance(entry, dict) and entry.get("act") in NO_CHOICE:
        return f"{plmn} with {'every bit' if entry['act'] else 'no bit'} of the access technologies"
    return None


def _twice(entries: list[Any]) -> str | None:
    ordered = sorted(map(str, entries))
    return next((f"{left} stands there twice" for left, right in pairwise(ordered) if left == right), None)


def _services(values: Values) -> set[int]:
    return set(values[f"{USIM}/EF.UST"].get("services", []))


def _files_of_services(values: Values, ground: Ground) -> str | None:
    services = _services(values)
    missing = [
        spec.title
        for spec in CATALOGUE.values()
        if spec.name.startswith(f"{USIM}/") and spec.conditional and spec.offered(services)
        and spec.name not in ground.chip_files and not _in_subdirectory(spec.name) and spec.title not in LATER
    ]  # fmt: skip
    return f"offered without a file: {', '.join(missing)}" if missing else None


def _in_subdirectory(name: str) -> bool:
    """Whether a file lies in a directory of its own, which chips have or lack as a whole: phone book, 5GS."""
    return "/DF." in name


def _services_of_files(values: Values, ground: Ground) -> str | None:
    services = _services(values)
    mine = [CATALOGUE[name] for name in ground.chip_files if name.startswith(f"{USIM}/") and name in CATALOGUE]
    conditional = [spec for spec in mine if spec.conditional]
    used = {spec.directory for spec in conditional if spec.offered(services)}
    idle = sorted(
        spec.name
        for spec in conditional
        if not spec.offered(services) and spec.name not in ground.idle
        and (not _in_subdirectory(spec.name) or (ground.walked and spec.directory in used))
    )  # fmt: skip
    return f"on the card without a service: {', '.join(name.rpartition('/')[2] for name in idle)}" if idle else None


def _service_rules(values: Values, ground: Ground) -> str | None:
    services = _services(values)
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
    if network is None:
        return _ims_form(values)
    domain = f"ims.mnc{network.mnc.zfill(3)}.mcc{network.mcc}.3gppnetwork.org"
    expected = {"EF.DOMAIN": domain, "EF.IMPI": f"{imsi}@{domain}", "EF.IMPU#1": f"sip:{imsi}@{domain}"}
    for title, text in expected.items():
        field = title.removeprefix("EF.").partition("#")[0].lower()
        got = values[f"{ISIM}/{title}"].get(field)
        if got != text:
            return f"{title}: got {got}, expected {text}"
    return None


def _ims_form(values: Values) -> str | None:
    """Say what is no IMS identity, whoever chose it; a home network of the standard's form has an MNC of 3 digits."""
    private, domain = values[f"{ISIM}/EF.IMPI"].get("impi"), values[f"{ISIM}/EF.DOMAIN"].get("domain")
    public = values[f"{ISIM}/EF.IMPU#1"].get("impu")
    if not isinstance(private, str) or "@" not in private:
        return f"EF.IMPI: got {private}, expected user@domain"
    if public is not None and not str(public).startswith(("sip:", "sips:", "tel:")):
        return f"EF.IMPU#1: got {public}, expected a SIP or TEL URI"
    if not isinstance(domain, str) or "." not in domain:
        return f"EF.DOMAIN: got {domain}, expected a domain"
    labels = domain.split(".")
    short = domain.endswith(".3gppnetwork.org") and any(len(part) == 5 and part.startswith("mnc") for part in labels)
    return f"EF.DOMAIN: got {domain}, expected an MNC of three digits" if short else None


RELATIONS = (
    Relation("UICC-002", ("MF/EF.ICCID",), _iccid),
    Relation("UICC-006", (f"{USIM}/EF.AD", f"{USIM}/EF.IMSI"), _mnc_length),
    Relation("UICC-007", (f"{USIM}/EF.AD",), _normal_operation),
    Relation("UICC-008", (f"{USIM}/EF.ACC", f"{USIM}/EF.IMSI"), _access_class),
    Relation("UICC-040", (f"{USIM}/EF.UST",), _files_of_services, listing=True),
    Relation("UICC-041", (f"{USIM}/EF.UST",), _services_of_files, listing=True),
    Relation("UICC-042", (f"{USIM}/EF.UST",), _service_rules),
    Relation("UICC-073", (f"{USIM}/EF.EHPLMN",), _home_first),
    Relation(
        "UICC-110", (*(f"{ISIM}/EF.{name}" for name in ("IMPI", "DOMAIN", "IMPU#1")), f"{USIM}/EF.IMSI"), _ims_identity
    ),
    *(network_list(f"{USIM}/EF.{name}") for name in ("PLMNwAcT", "OPLMNwAcT", "HPLMNwAcT")),
    *(network_list(f"{GSM}/EF.{name}") for name in ("PLMNsel", "PLMNwAcT", "OPLMNwAcT", "HPLMNwAcT")),
)
