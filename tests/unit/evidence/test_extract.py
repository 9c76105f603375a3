"""The audit in a pack: all that proves its batch, not what others did elsewhere, and no event of it is missed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.crypto import auditsign
from cardkit.errors import EncodingError, ProfileError
from cardkit.production.audit.checkpoints import sign_all, signer_of
from cardkit.production.audit.export import export_audit
from cardkit.production.audit.offline import verify_export
from cardkit.production.audit.statement import EXPORT
from cardkit.production.canonical import canonical
from cardkit.production.evidence.extract import export_extract, stretches
from cardkit.production.evidence.offline import verify_evidence
from cardkit.production.evidence.pack import close_with_evidence
from cardkit.production.store import Card, Office, Store, open_store, start_session
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from tests.unit.evidence.conftest import BATCH, add_cards

Line = dict[str, Any]
OTHER = "B-2"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory):
    """A station makes cards of one batch in two turns; between them, and after them, another batch is worked on."""
    folder = tmp_path_factory.mktemp("extract")
    with open_store(f"sqlite:///{folder / 'store.db'}", operator="ana", create=True) as store:
        new = NewBatch(OTHER, "other", 1, "profile", b"\x11" * 32, b"\x12" * 32, "other.csv", b"\x13" * 32)
        add_batch(store, new, [NewRecord(n, b"record", {"iccid": f"89{n:017d}"}) for n in range(1, 9)])
        for turn in range(4):
            session, _ = start_session(store, "s1")
            (claim,) = session.claim(OTHER, 1, 60.0)
            card = Card(claim.record_id, claim.token, f"other {turn}")
            session.bind(store.batch(OTHER), card)
            session.commit(store.batch(OTHER), card, bytes([0x70 + turn]) * 32)
            sign_all(store)
            if turn == 1:
                add_cards(store)
                sign_all(store)
        yield store


def extract(store: Store, folder: Path) -> list[Line]:
    export_extract(store, store.batch(BATCH), folder / "audit.jsonl")
    return [json.loads(line) for line in (folder / "audit.jsonl").read_bytes().splitlines()]


def events(lines: list[Line]) -> list[tuple[str, int]]:
    return [(line["chain"], line["seq"]) for line in lines if "event" in line]


def signed(store: Store, lines: list[Line]) -> list[bytes]:
    """The lines with a manifest that fits them, signed by the right key: what is found then, is not found by it."""
    body = [canonical(line) + b"\n" for line in lines if "manifest" not in line]
    heads = {line["chain"]: {"seq": line["seq"], "hash": line["hash"]} for line in lines if "event" in line}
    (told,) = (json.loads(line["manifest"]) for line in lines if "manifest" in line)
    told |= {"sha256": hashlib.sha256(b"".join(body)).hexdigest(), "heads": heads}
    statement = signer_of(store).sign(EXPORT, told)
    return [*body, canonical({"manifest": statement.body.decode(), "signature": statement.signature.hex()}) + b"\n"]


def test_an_extract_holds_every_event_of_its_batch_and_few_of_others(plant: Store, tmp_path: Path) -> None:
    lines = extract(plant, tmp_path)
    export_audit(plant, tmp_path / "whole.jsonl")
    whole = [json.loads(line) for line in (tmp_path / "whole.jsonl").read_bytes().splitlines()]
    ids = {record for _, record in _records(plant, BATCH)}
    about = [
        (line["chain"], line["seq"])
        for line in whole
        if "event" in line
        and (
            (data := json.loads(line["event"])["data"]).get("batch") == BATCH
            or data.get("record") in ids
            or data.get("session") in _sessions(plant)
        )
    ]
    held = events(lines)
    assert set(about) <= set(held)
    assert {chain for chain, _ in about} == {"office", "station-1"}
    assert len(about) > 8
    texts = [line["event"] for line in lines if "event" in line]
    assert not any("other 0" in text or "other 3" in text for text in texts)
    public = signer_of(plant).public
    done = verify_export((tmp_path / "audit.jsonl").read_bytes().splitlines(keepends=True), public)
    assert (done.findings, done.batch, sum(done.events.values())) == ([], BATCH, len(held))
    assert len(held) < sum("event" in line for line in whole)


def _records(store: Store, name: str) -> list[tuple[int, int]]:
    with store.reading() as connection:
        rows = connection.exec_driver_sql(f"select row_no, id from record where batch_id = {store.batch(name).id}")
        return [(row[0], row[1]) for row in rows]


def _sessions(store: Store) -> set[str]:
    with store.reading() as connection:
        return set(connection.exec_driver_sql("select id from session where station = 'station-1'").scalars())


def _edit(lines: list[Line], at: int) -> None:
    lines[at]["event"] = lines[at]["event"].replace('"actor":"', '"actor":"x')


def _drop(lines: list[Line], at: int) -> None:
    del lines[at]


@pytest.mark.parametrize("change", [_edit, _drop])
def test_no_event_is_changed_or_left_out_inside_a_stretch(
    plant: Store, tmp_path: Path, change: Callable[[list[Line], int], None]
) -> None:
    lines = extract(plant, tmp_path)
    public = signer_of(plant).public
    assert verify_export(signed(plant, lines), public).findings == []
    for at, line in enumerate(lines):
        if "event" not in line:
            continue
        changed = [dict(each) for each in lines]
        change(changed, at)
        assert verify_export(signed(plant, changed), public).findings, line


def test_no_checkpoint_is_left_out(plant: Store, tmp_path: Path) -> None:
    lines = extract(plant, tmp_path)
    public = signer_of(plant).public
    points = [at for at, line in enumerate(lines) if "checkpoint" in line]
    assert len(points) > 5
    last = {lines[at]["chain"]: at for at in points}.values()
    for at in set(points) - set(last):
        changed = lines[:at] + lines[at + 1 :]
        assert verify_export(signed(plant, changed), public).findings, lines[at]


def test_an_extract_is_no_export_and_of_one_batch(plant: Store, tmp_path: Path) -> None:
    lines = extract(plant, tmp_path)
    public = signer_of(plant).public
    for head in ({"batch": "B-2"}, {}):
        changed = [{name: lines[0][name] for name in ("format", "version", "installation")} | head, *lines[1:]]
        assert ("", "HEAD") in {(one.chain, one.code) for one in verify_export(signed(plant, changed), public).findings}
    with pytest.raises(EncodingError, match="expected the header"):
        verify_export(signed(plant, [lines[0] | {"more": 1}, *lines[1:]]), public)


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 59)))
def test_stretches_hold_their_events_and_end_at_checkpoints(seqs: set[int], marks: set[int]) -> None:
    points = sorted(marks | {60})
    found = stretches(sorted(seqs), points)
    held = [seq for first, last in found for seq in range(first, last + 1)]
    assert set(seqs) <= set(held)
    assert len(held) == len(set(held))
    assert all((first - 1 in {0, *points}) and last in points for first, last in found)
    spans = [(a + 1, b) for a, b in zip([0, *points], points, strict=False)]
    assert len(held) == sum(b - a + 1 for a, b in spans if any(a <= seq <= b for seq in seqs))


@pytest.fixture
def ready(tmp_path: Path):
    with open_store(f"sqlite:///{tmp_path / 'plant.db'}", operator="ana", create=True) as store:
        add_cards(store)
        yield store


def test_a_batch_that_closes_leaves_its_pack(ready: Store, tmp_path: Path) -> None:
    closing, packed = close_with_evidence(ready, BATCH)
    assert closing.closable
    assert packed is not None
    assert packed.path == tmp_path / "plant.db.evidence" / "B-1.zip"
    public = auditsign.public_key(auditsign.to_pem(signer_of(ready).public))
    done = verify_evidence(packed.path, public)
    assert (done.findings, done.manifest and done.manifest.state, done.cards) == ([], "CLOSED", 3)


def test_a_batch_that_stays_open_leaves_none(ready: Store, tmp_path: Path) -> None:
    Office(ready, ready.batch(BATCH), ("ana",)).recall(1, "PRINT")
    closing, packed = close_with_evidence(ready, BATCH)
    assert (closing.why, packed) == (("REJECTED_OPEN",), None)
    assert not (tmp_path / "plant.db.evidence").exists()


def test_a_batch_whose_profile_changed_is_not_closed(ready: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from cardkit.profile import load_profile

    monkeypatch.setattr("cardkit.production.evidence.pack.load_profile", lambda path: load_profile("gp/gp-test"))
    with pytest.raises(ProfileError, match="not the profile batch B-1 was imported with"):
        close_with_evidence(ready, BATCH)
    assert ready.batch(BATCH).state == "OPEN"
