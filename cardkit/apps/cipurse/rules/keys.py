"""Rules about keys: which are there, whose they are, what may be done with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cardkit.apps.cipurse.attributes import AES, KeyRight
from cardkit.apps.cipurse.rules.case import Case, Check, Trouble, unchecked
from cardkit.apps.cipurse.states.misusing import (
    CHANGED,
    DELIVERED_KEY,
    MASTER_KEY,
    NEIGHBOUR_KEY,
    REFUSED,
    REPEATED,
)
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.testkeys import known_by_check_value
from cardkit.desired import NOT_CHECKED, Role


def _delivered(case: Case) -> Iterator[Trouble]:
    delivered = bytes.fromhex(case.product.chip.kvv)
    for key, told in case.keys:
        published = known_by_check_value("AES-128", {KCVMethod.ZERO: told.kvv.hex().upper()})
        if told.kvv == delivered or published:
            yield Trouble(key.name, "a key of the card's own", published or "the key delivered")
    yield from _misused(case, DELIVERED_KEY, told_elsewhere=True)


def _misused(case: Case, *attempts: str, told_elsewhere: bool = False) -> Iterator[Trouble]:
    """Yield what a sample took that it should have refused; nobody does that to a card that leaves."""
    if case.seen.misused is None:
        if case.whole and not told_elsewhere:
            what = " and ".join(attempts)
            yield Trouble(
                "card", f"{what} refused", f"{NOT_CHECKED}: never tried on a card that leaves", by_design=True
            )
        return
    for name, answer in case.seen.misused.items():
        if name.endswith(attempts) and answer != REFUSED:
            yield Trouble(name, REFUSED, answer)


def _proven(case: Case) -> Iterator[Trouble]:
    told_otherwise = {key.name for key, told in case.keys if told.kvv != case.seen.kvvs.get(key.name, told.kvv)}
    for name in case.asked(Role.PRESENT):
        if name not in case.seen.proven and name not in told_otherwise:  # those were not tried: rule 005 says why
            yield Trouble(name, "both sides prove it", case.why(name))


def _others(case: Case) -> Iterator[Trouble]:
    yield from _misused(case, MASTER_KEY, NEIGHBOUR_KEY)


def _frames(case: Case) -> Iterator[Trouble]:
    yield from _misused(case, CHANGED, REPEATED)


def _versions(case: Case) -> Iterator[Trouble]:
    for key, told in case.keys:
        if told.add_info != key.add_info:
            yield Trouble(key.name, f"version {key.add_info:02X}", f"version {told.add_info:02X}")


def _check_values(case: Case) -> Iterator[Trouble]:
    for key, told in case.keys:
        expected = case.seen.kvvs.get(key.name)
        if expected is not None and told.kvv != expected:
            yield Trouble(key.name, expected.hex().upper(), told.kvv.hex().upper())


def _equal(case: Case) -> Iterator[Trouble]:
    values = [(key.name, told.kvv) for key, told in case.keys]
    delivered = bytes.fromhex(case.product.chip.kvv)
    again = {value for value, count in Counter(value for _, value in values).items() if count > 1} - {delivered}
    for value in sorted(again):
        names = ", ".join(name for name, found in values if found == value)
        yield Trouble(names, "keys that differ", f"one check value, {value.hex().upper()}")


def _numbers(case: Case) -> Iterator[Trouble]:
    for directory in case.directories:
        told = case.seen.directories[directory.name].keys
        if len(told) != len(directory.keys):
            yield Trouble(directory.name, f"{len(directory.keys)} keys", f"{len(told)} keys")
    for key, told_key in case.keys:
        if told_key.algorithm != AES:
            yield Trouble(key.name, AES.hex().upper(), told_key.algorithm.hex().upper())


def _attributes(case: Case, bits: int) -> Iterator[Trouble]:
    for key, told in case.keys:
        if (told.attribute ^ key.attribute) & bits:
            yield Trouble(key.name, f"attribute {key.attribute & bits:02X}", f"attribute {told.attribute & bits:02X}")


def _uses(case: Case) -> Iterator[Trouble]:
    yield from _attributes(case, 0xFF ^ KeyRight.NO_KEK)


def _enciphering(case: Case) -> Iterator[Trouble]:
    yield from _attributes(case, KeyRight.NO_KEK)


def _inputs(case: Case) -> Iterator[Trouble]:
    """Yield keys made from something else than what the card tells of itself."""
    for key, _ in case.keys:
        used = case.seen.inputs.get(key.name)
        if used is None or used == (wanted := key.input(case.seen.uid)):
            continue
        if case.seen.directories[key.place].aid in (b"", key.aid):  # else another application: rule 018 says so
            yield Trouble(key.name, f"M {wanted.hex().upper()}", f"M {used.hex().upper()}")


def _sam(case: Case) -> Iterator[Trouble]:
    yield from unchecked(case, "SAM", "the profile's key versions", "keys come from a key store, no SAM is at work")


def _tries(case: Case) -> Iterator[Trouble]:
    yield from unchecked(case, "keys", "no failed authentication", "a CIPURSE card tells no such counter")


CHECKS = (
    Check("TRANSIT-001", _delivered),
    Check("TRANSIT-002", _proven),
    Check("TRANSIT-003", _others),
    Check("TRANSIT-004", _versions),
    Check("TRANSIT-005", _check_values),
    Check("TRANSIT-006", _equal),
    Check("TRANSIT-007", _numbers),
    Check("TRANSIT-008", _uses),
    Check("TRANSIT-009", _enciphering),
    Check("TRANSIT-045", _frames),
    Check("TRANSIT-062", _inputs),
    Check("TRANSIT-063", _sam),
    Check("TRANSIT-064", _tries),
)
