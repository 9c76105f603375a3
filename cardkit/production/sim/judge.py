"""The judge of a simulated plant: what all chips hold when they are presented again, against what the store says.

Every chip is asked for its identity, its marker and its ICCID; the order says which ICCID belongs to which record.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cardkit.errors import CardError, NoCardError
from cardkit.perso import MarkerState, identify, read_identity
from cardkit.production.reconcile import CardCounts
from cardkit.production.store import reading
from cardkit.production.store.store import Store
from cardkit.profile import Profile
from cardkit.target import Card, Feeder

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Chip:
    """One chip as it lies there.

    :param ref: what reports call it.  :param number: its ICCID; None where it has none yet.
    """

    ref: str
    state: MarkerState
    number: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """What the store says of one record: the chip it is on and how that ended; no chip where it was never bound."""

    verdict: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What chips and store make of each other.

    :param cards: the chips, counted by hand.  :param duplicates: records on two chips, chips with two records.
    :param lost: records that are not where the store says, and written chips the store does not know, in words.
    """

    cards: CardCounts
    duplicates: tuple[str, ...]
    lost: tuple[str, ...]


def look(profile: Profile, reader: str, store: Store) -> Iterator[Chip]:
    """Present every chip of a reader's folder and read it; nothing is written.

    :raises CardError: on a chip of another kind.
    """
    feeder = Feeder(reader, again=True)
    while True:
        try:
            connection = feeder.next_connection()
        except NoCardError:
            return
        with Card(connection) as card:
            presented = identify(profile, card)
            card.reset()
            yield Chip(store.vault.chip_ref(presented.chip_id), presented.state, _number(profile, card))


def _number(profile: Profile, card: Card) -> str | None:
    try:
        return read_identity(profile, card).value
    except CardError:
        return None  # not written yet


def said(store: Store, batch: str) -> dict[int, Said]:
    """Return what the store says of each record that was ever bound, by row number; scrapped cards left out."""
    results = reading.results(store, store.batch(batch))
    return {each.record_no: Said(each.verdict, each.chip_ref) for each in results if each.verdict != "SCRAPPED"}


def judge(chips: Iterable[Chip], records: Mapping[int, Said], numbers: Sequence[str]) -> Judgement:
    """Compare chips with records.

    :param numbers: the order's ICCIDs, row after row.
    """
    lying = list(chips)
    rows = {number: row for row, number in enumerate(numbers, 1)}
    carriers: dict[int, list[Chip]] = defaultdict(list)
    for chip in lying:
        if chip.number in rows:
            carriers[rows[chip.number]].append(chip)
    return Judgement(
        _counted(lying, records),
        tuple(_duplicates(carriers, records)),
        tuple(_astray(carriers, records, numbers)) + tuple(_unknown(lying, records)),
    )


def _counted(lying: Sequence[Chip], records: Mapping[int, Said]) -> CardCounts:
    """Count the chips by where they belong; what the store calls rejected lies apart from what is half made."""
    rejected = {record.ref for record in records.values() if record.verdict == "REJECTED"}
    places = Counter(_place(chip, rejected) for chip in lying)
    return CardCounts(
        issued=len(lying),
        good=places["good"],
        rejected_personalized=places["rejected"],
        in_doubt=places["in doubt"],
        returned=places["returned"],
    )


def _place(chip: Chip, rejected: set[str | None]) -> str:
    if chip.ref in rejected:
        return "rejected"
    if chip.state is MarkerState.BLANK:
        return "returned"
    return "good" if chip.state is MarkerState.FINAL else "in doubt"


def _duplicates(carriers: Mapping[int, Sequence[Chip]], records: Mapping[int, Said]) -> Iterator[str]:
    for row, on in carriers.items():
        if len(on) > 1:
            yield f"record {row} is on {len(on)} chips: {', '.join(chip.ref for chip in on[:SHOWN])}"
    for ref, count in Counter(record.ref for record in records.values()).items():
        if ref is not None and count > 1:
            yield f"chip {ref} is bound to {count} records"


def _astray(
    carriers: Mapping[int, Sequence[Chip]], records: Mapping[int, Said], numbers: Sequence[str]
) -> Iterator[str]:
    """Name the records that do not lie, finished, on the chip the store says; and those the store binds to none."""
    for row in range(1, len(numbers) + 1):
        record = records.get(row)
        on = carriers.get(row, ())
        if record is None:
            if on:
                yield f"record {row} is on chip {on[0].ref}, the store says on none"
        elif any(chip.ref != record.ref for chip in on):
            yield f"record {row} is on another chip than {record.ref}"
        elif record.verdict == "GOOD" and not any(chip.state is MarkerState.FINAL for chip in on):
            yield f"record {row} is GOOD, its chip {record.ref} is not"


def _unknown(lying: Sequence[Chip], records: Mapping[int, Said]) -> Iterator[str]:
    known = {record.ref for record in records.values()}
    for chip in lying:
        if chip.state is not MarkerState.BLANK and chip.ref not in known:
            yield f"chip {chip.ref} is written ({chip.state}), the store does not know it"
