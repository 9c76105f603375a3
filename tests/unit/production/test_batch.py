"""Batches as the command line uses them: a real profile and order, virtual cards."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardkit.errors import BatchHeldError, EncodingError, ProfileError, RecordError, StoreError
from cardkit.production import (
    CardCounts,
    Imported,
    Office,
    RunOptions,
    Store,
    batch_status,
    batches,
    check_batch,
    close_batch,
    doubts,
    import_batch,
    open_store,
    results,
    resume_batch,
    run_batch,
)
from cardkit.production.journal import journal_files
from cardkit.profile import load_profile, read_order

ROWS = 6
PROFILE = load_profile("sim/usim-test")
KEYS = PROFILE.test_keystore()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as opened:
        yield opened


@pytest.fixture
def order(tmp_path: Path) -> Path:
    lines = (PROFILE.path.parent / "order.csv").read_text(encoding="utf-8").splitlines()[: ROWS + 1]
    path = tmp_path / "lot-1.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def take(store: Store, path: Path) -> Imported:
    return import_batch(store, PROFILE, read_order(PROFILE, path, KEYS), KEYS, path)


def spoil(path: Path, row: int, old: str, new: str) -> Path:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert old in lines[row]
    lines[row] = lines[row].replace(old, new)
    target = path.with_name("spoiled.csv")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def test_from_order_to_closed_batch(store: Store, order: Path) -> None:
    imported = take(store, order)
    assert (imported.batch, imported.state, imported.imported) == ("lot-1", "OPEN", ROWS)
    done = run_batch(store, "lot-1", ["virtual:usim*2"], options=RunOptions("s1", seed=1))
    assert (done.good, done.stopped) == (ROWS, None)
    assert [result.verdict for result in results(store, "lot-1")] == ["GOOD"] * ROWS
    assert check_batch(store, "lot-1") == []
    assert batches(store) == ["lot-1"]

    status = batch_status(store, "lot-1")
    assert (status.counts["GOOD"], status.rows, status.quarantined, dict(status.rejects)) == (ROWS, ROWS, 0, {})
    assert close_batch(store, "lot-1", CardCounts(issued=ROWS + 1, good=ROWS)).why == ("CARDS_DIFFER",)
    assert close_batch(store, "lot-1", CardCounts(issued=ROWS, good=ROWS)).closable
    assert batch_status(store, "lot-1").state == "CLOSED"
    with pytest.raises(BatchHeldError, match="is CLOSED"):
        run_batch(store, "lot-1", ["virtual:usim"])


def test_bad_rows_wait_in_quarantine_and_the_rest_goes_on(store: Store, order: Path) -> None:
    first = order.read_text(encoding="utf-8").splitlines()[2].split(",")
    imported = take(store, spoil(order, 2, first[0], first[0][:-1]))
    assert (imported.rows, imported.imported) == (ROWS, ROWS - 1)
    assert [(bad.row_no, bad.field) for bad in imported.quarantined] == [(2, "iccid")]
    run_batch(store, "spoiled", ["virtual:usim"])
    closing = close_batch(store, "spoiled")
    assert closing.why == ("QUARANTINE_OPEN",)


@pytest.mark.requirement("P9")
def test_the_same_card_is_never_imported_twice(store: Store, order: Path, tmp_path: Path) -> None:
    take(store, order)
    with pytest.raises(RecordError) as seen:
        take(store, order)
    assert seen.value.code == "SEEN"
    rows = order.read_text(encoding="utf-8").splitlines()
    again = tmp_path / "lot-2.csv"
    again.write_text(f"{rows[0]}\n{rows[3]}\n", encoding="utf-8")
    with pytest.raises(RecordError, match="batch lot-1, row 3") as history:
        take(store, again)
    assert history.value.code == "HISTORY"
    twice = tmp_path / "lot-3.csv"
    twice.write_text(f"{rows[0]}\n{rows[1]}\n{rows[1]}\n", encoding="utf-8")
    with pytest.raises(RecordError) as duplicate:
        take(store, twice)
    assert duplicate.value.code == "DUPLICATE"
    assert batches(store) == ["lot-1"]


@pytest.mark.requirement("P11")
def test_a_profile_that_changed_since_the_import_makes_no_card(store: Store, order: Path, tmp_path: Path) -> None:
    folder = tmp_path / "profiles" / "sim" / "mine"
    shutil.copytree(PROFILE.path.parents[2], tmp_path / "profiles")
    shutil.copytree(PROFILE.path.parent, folder)
    profile = load_profile(folder)
    import_batch(store, profile, read_order(profile, order, KEYS), KEYS, order)
    text = profile.path.read_text(encoding="utf-8")
    profile.path.write_text(text + "\n# a remark\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="changed since the batch was imported"):
        run_batch(store, "lot-1", ["virtual:usim"])


def test_what_cannot_be_run_is_said_in_one_line(store: Store, order: Path) -> None:
    take(store, order)
    with pytest.raises(StoreError, match="no batch 'none'"):
        run_batch(store, "none", ["virtual:usim"])
    with pytest.raises(EncodingError, match="no reader was named"):
        run_batch(store, "lot-1", [])
    with pytest.raises(EncodingError, match="expected one to present cards to"):
        resume_batch(store, "lot-1", "virtual:usim*2")
    with pytest.raises(RecordError, match="batch name"):
        import_batch(store, PROFILE, read_order(PROFILE, order, KEYS), KEYS, order, name="../x")
    live = dataclasses.replace(PROFILE, kind="LIVE")
    with pytest.raises(ProfileError, match="a LIVE profile, the store is TEST"):
        import_batch(store, live, read_order(PROFILE, order, KEYS), KEYS, order)
    Office(store, store.batch("lot-1"), ("ana",)).hold("QA looks")
    with pytest.raises(BatchHeldError, match=r"is HELD \(QA looks\)"):
        run_batch(store, "lot-1", ["virtual:usim"])


def test_a_card_in_doubt_is_presented_again_and_finished(
    store: Store, order: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, order)
    target = f"virtual:usim@{tmp_path / 'chips'}"
    with monkeypatch.context() as patch:
        patch.setattr("cardkit.production.couplers.bench.personalize", _torn)
        run_batch(store, "lot-1", [target], options=RunOptions("s1"))
    waiting = doubts(store, "lot-1")
    assert [doubt.record_no for doubt in waiting] == [1]

    done = resume_batch(store, "lot-1", target, options=RunOptions("s1"))

    assert (done.good, doubts(store, "lot-1")) == (1, [])
    chips = {result.chip_ref for result in results(store, "lot-1")}
    assert chips == {store.vault.chip_ref(waiting[0].chip_id)}
    assert check_batch(store) == []


def _torn(todo: object, card: object, keystore: object, *, on_event: object, **rest: object) -> object:
    """Personalize, with a program that breaks after the third command the journal was told of."""
    from cardkit.perso import personalize

    events = 0

    def breaks(event: object) -> None:
        nonlocal events
        events += 1
        on_event(event)  # type: ignore[operator]
        if events == 2:
            raise ZeroDivisionError("a bug")

    return personalize(todo, card, keystore, on_event=breaks, **rest)  # type: ignore[arg-type]


@pytest.mark.requirement("D2")
def test_no_value_of_the_order_is_in_any_file_of_the_store(store: Store, order: Path, tmp_path: Path) -> None:
    take(store, order)
    run_batch(store, "lot-1", ["virtual:usim"], options=RunOptions("s1"))
    fields = order.read_text(encoding="utf-8").splitlines()[2].split(",")
    needles = [value.encode() for value in fields if len(value) >= 8]
    needles += [bytes.fromhex(value) for value in fields if len(value) >= 16 and len(value) % 2 == 0]
    files = [path for path in tmp_path.iterdir() if path.name.startswith("a.db") and path.is_file()]
    files += journal_files(store.journals)
    everything = b"".join(path.read_bytes() for path in files)
    assert len(everything) > 10_000
    assert [needle for needle in needles if needle in everything] == []
