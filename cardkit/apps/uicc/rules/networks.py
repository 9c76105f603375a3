"""Rules about networks: which is at home, which are preferred or forbidden, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, Values, read_files
from cardkit.apps.uicc.rules.expectation import GSM, USIM, Expectation, Ground

FIVE_GS = f"{USIM}/DF.5GS"
IMSI, AD, UST = f"{USIM}/EF.IMSI", f"{USIM}/EF.AD", f"{USIM}/EF.UST"
OPL, PNN, SPDI = f"{USIM}/EF.OPL", f"{USIM}/EF.PNN", f"{USIM}/EF.SPDI"
OPL5G = f"{FIVE_GS}/EF.OPL5G"
FPLMN, OWN = f"{USIM}/EF.FPLMN", f"{USIM}/EF.HPLMNwAcT"
HPPLMN = (f"{USIM}/EF.HPPLMN", f"{GSM}/EF.HPPLMN")
# 80 times 6 minutes are 8 hours (TS 31.102 4.2.6, TS 22.011 3.2.2.5; from memory)
LONGEST_PERIOD = 80
AREAS = {OPL: ("lac_low", "lac_high"), OPL5G: ("tac_low", "tac_high")}
OWN_SERVICE = 43


def home_of(picture: CardPicture, expected: Expectation) -> str | None:
    """Return the home network, ``001-01``: the product's, else that of the IMSI; None where nobody can tell."""
    if expected.network is not None:
        return f"{expected.network.mcc}-{expected.network.mnc}"
    for directory in (USIM, GSM):
        if f"{directory}/EF.IMSI" in picture.bodies:
            imsi = picture.value(f"{directory}/EF.IMSI").get("imsi", "")
            ad = f"{directory}/EF.AD"
            length = picture.value(ad).get("mnc_length") if ad in picture.bodies else None
            return f"{imsi[:3]}-{imsi[3 : 3 + length]}" if length in (2, 3) and imsi.isdigit() else None
    return None


def covers(pattern: Any, network: str) -> bool:
    """Whether an entry stands for a network; "?" is any digit.

    >>> covers("001-0?", "001-01"), covers("001-010", "001-01")
    (True, False)
    """
    return (
        isinstance(pattern, str)
        and len(pattern) == len(network)
        and all(left in ("?", right) for left, right in zip(pattern, network, strict=True))
    )


# Names of networks


def _names(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    named = set()
    for number in picture.records(PNN):
        value = picture.value(f"{PNN}#{number}")
        if value.get("full_name") or value.get("short_name"):
            named.add(number)
        if _unreadable(value):
            yield Trouble(f"{PNN}#{number}", "a name that cannot be read")
    for file, records in read_files(picture, AREAS):
        for number in records:
            trouble = _entry_trouble(file, picture.value(f"{file}#{number}"), named, known=bool(picture.records(PNN)))
            if trouble:
                yield Trouble(f"{file}#{number}", trouble)


def _unreadable(value: Mapping[str, Any]) -> bool:
    return "raw" in value or any(isinstance(part, Mapping) and "raw" in part for part in value.values())


def _entry_trouble(file: str, value: Mapping[str, Any], named: set[int], *, known: bool) -> str | None:
    if "empty" in value:
        return None
    if _unreadable(value):
        return None if file == OPL5G else "an entry that cannot be read"  # of 5G: UICC-106
    low, high = (value[name] for name in AREAS[file])
    if int(low, 16) > int(high, 16):
        return f"areas from {low} to {high}"
    pnn = value["pnn"]
    return f"name {pnn}, and EF.PNN has none there" if known and pnn and pnn not in named else None


def _home_name(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    home, first = home_of(picture, expected), f"{OPL}#1"
    if home is None or first not in picture.bodies:
        return
    value = picture.value(first)
    if "empty" in value or _unreadable(value):
        return
    if not covers(value["plmn"], home) or value["pnn"] != 1:
        yield Trouble(first, f"{value['plmn']} with name {value['pnn']}", f"{home} with name 1")


# Lists


def _display(values: Values, _ground: Ground) -> str | None:
    value = values[SPDI]
    if "empty" in value:
        return None
    networks = value.get("plmns")
    valid = isinstance(networks, list) and all(isinstance(entry, str) for entry in networks)
    return None if valid else "an entry is no network"


def _forbidden(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    home, entries = home_of(picture, expected), picture.value(FPLMN).get("entries", [])
    if home is not None and any(covers(entry, home) for entry in entries):
        yield Trouble(FPLMN, f"{home} is forbidden", f"without {home}, the home network")
    elif expected.product is not None and entries and not expected.fills(FPLMN):
        yield Trouble(FPLMN, f"{', '.join(map(str, entries))}", "empty")


def _own_priority(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    home, entries = home_of(picture, expected), picture.value(OWN).get("entries", [])
    services = picture.value(UST).get("services", []) if UST in picture.bodies else []
    listed = [entry.get("plmn") for entry in entries if isinstance(entry, Mapping)]
    if home is not None and listed and OWN_SERVICE in services and home not in listed:
        yield Trouble(OWN, f"{', '.join(map(str, listed))}", f"{home} among them")


def _period(file: str) -> Relation:
    def test(values: Values, _ground: Ground) -> str | None:
        interval = values[file].get("interval")
        return None if isinstance(interval, int) and interval <= LONGEST_PERIOD else f"period {interval}"

    return Relation("UICC-076", (file,), test)


RELATIONS = (Relation("UICC-073", (SPDI,), _display), *map(_period, HPPLMN))
CHECKS = (
    Check("UICC-071", _names, files=(PNN, *AREAS)),
    Check("UICC-072", _home_name, files=(OPL,)),
    Check("UICC-075", _forbidden, files=(FPLMN,)),
    Check("UICC-075", _own_priority, files=(OWN,)),
)
