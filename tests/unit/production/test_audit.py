"""Canonical JSON and the audit chain against the house's vectors."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cardkit.errors import EncodingError, StoreError
from cardkit.production.canonical import MAX_INTEGER, canonical, parse_canonical
from cardkit.production.store.audit import Event, Link, chained, genesis, verify_chain
from cardkit.production.store.store import Store

VECTORS = {
    vector["name"]: vector
    for vector in json.loads(
        (Path(__file__).parents[2] / "vectors" / "security-audit.json").read_text(encoding="utf-8")
    )
}
CANONICAL = [name for name in VECTORS if name.startswith("canonical-") and "bytes" in VECTORS[name]["out"]]
CHAIN = VECTORS["chain-six"]


def _nested(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    keys = st.text(st.characters(max_codepoint=0x7F))
    return st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)


@pytest.mark.parametrize("name", CANONICAL)
def test_canonical_bytes(name: str) -> None:
    assert canonical(VECTORS[name]["in"]).hex() == VECTORS[name]["out"]["bytes"]
    assert parse_canonical(bytes.fromhex(VECTORS[name]["out"]["bytes"])) == VECTORS[name]["in"]


@pytest.mark.parametrize(
    "value", [1.5, MAX_INTEGER + 1, float("nan"), {"\u00e9": 1}, "\ud800", {1: 2}, b"x", {"a": {1}}]
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(EncodingError):
        canonical(value)


@given(st.recursive(st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(), _nested))
def test_canonical_bytes_are_those_of_another_encoder(value: object) -> None:
    other = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == other.encode()


@pytest.mark.parametrize("data", [b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b"{", b"\xff", b"1e3", b"[NaN]"])
def test_what_is_not_in_canonical_form_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        parse_canonical(data)


def test_genesis_and_chain() -> None:
    last = genesis("plant-test", "station-7")
    assert last.hex() == VECTORS["genesis"]["out"]["hash0"]
    for event, expected in zip(CHAIN["in"]["events"], CHAIN["out"]["hashes"], strict=True):
        last = chained(last, canonical(event))
        assert last.hex() == expected


def rows() -> list[dict[str, Any]]:
    return [
        {"event": copy.deepcopy(event), "hash": bytes.fromhex(digest)}
        for event, digest in zip(CHAIN["in"]["events"], CHAIN["out"]["hashes"], strict=True)
    ]


def rehash(stored: list[dict[str, Any]], numbers: list[int]) -> None:
    for number in numbers:
        before = stored[number - 2]["hash"] if number > 1 else genesis("plant-test", "station-7")
        stored[number - 1]["hash"] = chained(before, canonical(stored[number - 1]["event"]))


def changed(change: dict[str, Any]) -> list[dict[str, Any]]:
    """Do to the stored chain what a vector says."""
    stored = rows()
    if "set" in change:
        number, path, value = change["set"]
        *parents, name = path.split(".")
        target = stored[number - 1]["event"]
        for parent in parents:
            target = target[parent]
        target[name] = value
        rehash(stored, range(number, 7) if change.get("rehash") == "all after" else change.get("rehash", []))
    if "delete" in change:
        stored = [row for row in stored if row["event"]["seq"] not in change["delete"]]
    if "swap" in change:
        left, right = (number - 1 for number in change["swap"])
        stored[left], stored[right] = stored[right], stored[left]
    if "insert_after" in change:
        after = change["insert_after"]
        event = {**stored[0]["event"], "seq": after + 1, "at": stored[after - 1]["event"]["at"]}
        stored.insert(after, {"event": event, "hash": chained(stored[after - 1]["hash"], canonical(event))})
    if "keep" in change:
        stored = stored[: len(change["keep"])]
    return stored


# The other verify-* vectors need checkpoints, which a chain alone cannot replace.
VERIFY = {
    "verify-clean": [],
    "verify-edit": [("HASH", 4)],
    "verify-edit-and-rehash-one": [("HASH", 5)],
    "verify-delete-middle": [("GAP", 4)],
    "verify-swap": [("ORDER", 4)],
    "verify-insert": [("ORDER", 4)],
    "verify-other-chain": [("HASH", 1)],
    "verify-clock-back": [("CLOCK", 5)],
    "verify-truncate-after-checkpoint-1": [("HEAD", 3)],
}


@pytest.mark.parametrize("name", VERIFY)
def test_a_changed_chain_is_found(name: str) -> None:
    change = VECTORS[name]["in"]["change"] or {}
    stored = changed(change)
    wanted = VECTORS[name]["out"]["finding"]
    head = stored[-1]["hash"] if name == "verify-clock-back" else rows()[-1]["hash"]

    findings = verify_chain(
        [Link(row["event"]["seq"], canonical(row["event"]), row["hash"]) for row in stored],
        installation="plant-test",
        chain=change.get("chain", "station-7"),
        head=head,
    )

    assert [(finding.code, finding.seq) for finding in findings] == VERIFY[name]
    assert [finding.code for finding in findings] == ([wanted["code"]] if wanted else [])


def test_events_cannot_be_changed_or_deleted(make_store: Callable[..., Store]) -> None:
    store = make_store()
    for statement in ("update audit set kind = 'X'", "delete from audit"):
        with pytest.raises(StoreError, match="append only"), store.writing() as connection:
            connection.execute(text(statement))
    assert store.verify_chains() == []


def test_a_hash_of_another_length_is_refused(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with pytest.raises(IntegrityError), store.database.engine.begin() as connection:
        connection.execute(text("insert into audit (chain, seq, kind, event, hash) values ('c', 1, 'X', '{}', x'00')"))


def test_an_edited_event_is_found_even_without_the_trigger(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with store.writing() as connection:
        connection.execute(text("drop trigger audit_update"))
        connection.execute(text("update audit set event = replace(event, 'ana', 'eva') where seq = 1"))
    assert [(chain, finding.code, finding.seq) for chain, finding in store.verify_chains()] == [("office", "HASH", 1)]


def test_a_changed_column_is_found_though_the_event_is_untouched(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with store.writing() as connection:
        connection.execute(text("drop trigger audit_update"))
        connection.execute(text("update audit set kind = 'BIND', record_id = 1"))
    assert [finding.code for _, finding in store.verify_chains()] == ["HASH"]


@pytest.mark.requirement("L5")
def test_an_undone_transaction_leaves_the_chain_whole(make_store: Callable[..., Store]) -> None:
    store = make_store()
    with contextlib.suppress(RuntimeError), store.writing() as connection:
        store.audit(connection, "s1", Event("X", "ana", {}))
        raise RuntimeError
    with store.writing() as connection:
        store.audit(connection, "s1", Event("Y", "ana", {}))
    assert [link.kind for link in store.audit_events("s1")] == ["Y"]
    assert store.verify_chains() == []


@pytest.mark.requirement("L7")
def test_a_clock_that_goes_back_is_an_event(make_store: Callable[..., Store], time: Any) -> None:
    store = make_store()
    with store.writing() as connection:
        store.audit(connection, "s1", Event("X", "ana", {}))
        time.seconds -= 3600
        store.audit(connection, "s1", Event("Y", "ana", {}))
    assert [link.kind for link in store.audit_events("s1")] == ["X", "CLOCK_STEP", "Y"]
    assert store.verify_chains() == []
