"""An export is checked on a machine without a store: whatever was done to it, or to the store before, is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from cardkit.crypto import Key, MemoryKeyStore, Usage, auditsign
from cardkit.errors import EncodingError, KeyStoreError, StoreError
from cardkit.production.audit.checkpoints import EVERY_POSTS, Checkpoints, change_key, checkpoint, signer_of
from cardkit.production.audit.export import export_audit
from cardkit.production.audit.offline import Verified, verify_export
from cardkit.production.audit.statement import Signer
from cardkit.production.store import Store
from cardkit.production.store.audit import Event
from tests.unit.people.conftest import Time


def key(number: int) -> Signer:
    seed = Key(bytes((number,)) * 32, "seed", "HMAC-256", Usage.MASTER_DERIVE)
    reference = f"plant:audit{number}"
    return Signer(MemoryKeyStore({reference: auditsign.key_of_seed(seed, reference)}), reference)


def exported(store: Store) -> list[bytes]:
    path = store.path.with_suffix(".jsonl")
    export_audit(store, path)
    return path.read_bytes().splitlines(keepends=True)


def verified(store: Store, lines: list[bytes], **known: str) -> Verified:
    return verify_export(lines, signer_of(store).public, known)


def codes(done: Verified) -> set[tuple[str, str]]:
    return {(finding.chain, finding.code) for finding in done.findings}


@pytest.mark.requirement("L9")
def test_an_export_of_a_sound_store_has_no_findings(store: Store) -> None:
    lines = exported(store)
    done = verified(store, lines)
    assert done.findings == []
    assert done.events == {name: len(list(store.audit_events(name))) for name in ("office", "s1")}
    assert done.checkpoints == {"office": 1, "s1": 1}
    assert {name: digest.hex() for name, digest in done.heads.items()} == {
        name: list(store.audit_events(name))[-1].hash.hex() for name in ("office", "s1")
    }
    assert verified(store, lines, office=done.heads["office"].hex()[:16]).findings == []


def test_the_export_is_an_event_of_its_own(store: Store) -> None:
    exported(store)
    kinds = [link.kind for link in store.audit_events("office")]
    assert kinds[-2:] == ["AUDIT_EXPORT", "CHECKPOINT_SEEN"]


@pytest.mark.requirement("L9")
def test_another_key_finds_everything_unsigned(store: Store) -> None:
    done = verify_export(exported(store), key(1).public)
    assert {code for _, code in codes(done)} == {"SIGNATURE"}


@pytest.mark.requirement("L4")
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_the_file_is_found(store: Store, data: st.DataObject) -> None:
    path = store.path.with_suffix(".kept")
    if not path.exists():
        export_audit(store, path)
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    how = data.draw(st.sampled_from(["byte", "delete", "swap", "repeat", "truncate"]))
    at = data.draw(st.integers(0, len(lines) - 1))
    if how == "byte":
        place = data.draw(st.integers(0, len(content) - 1))
        changed = bytearray(content)
        changed[place] ^= data.draw(st.integers(1, 255))
        lines = bytes(changed).splitlines(keepends=True)
    elif how == "delete":
        del lines[at]
    elif how == "repeat":
        lines.insert(at, lines[at])
    elif how == "truncate":
        lines = content[: data.draw(st.integers(0, len(content) - 1))].splitlines(keepends=True)
    else:
        other = data.draw(st.integers(0, len(lines) - 1).filter(lambda place: place != at))
        lines[at], lines[other] = lines[other], lines[at]
    assert noticed(store, lines)


def noticed(store: Store, lines: list[bytes]) -> bool:
    """Whether an export is refused, or has findings."""
    try:
        return verified(store, lines).findings != []
    except EncodingError:
        return True


@pytest.mark.requirement("L4")
@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("update audit set event = replace(event, 'chip 1', 'chip 9') where chain = 's1' and kind = 'GOOD'", "HASH"),
        ("delete from audit where chain = 's1' and seq = 3", "GAP"),
        ("delete from audit where chain = 's1' and seq > 5", "CHECKPOINT_BEYOND_END"),
        ("update audit set seq = 99 where chain = 's1' and seq = 2", "GAP"),
        ("update checkpoint set body = replace(body, 'GOOD\":1', 'GOOD\":2') where chain = 's1'", "SIGNATURE"),
        ("delete from checkpoint where chain = 's1'", "CHECKPOINT_LINK"),
    ],
)
def test_what_was_done_to_the_store_is_found_in_its_export(store: Store, time: Time, sql: str, code: str) -> None:
    checkpoint(store, "s1")
    with store.writing() as connection:
        for table in ("audit", "checkpoint"):
            connection.execute(text(f"drop trigger {table}_update"))
            connection.execute(text(f"drop trigger {table}_delete"))
        connection.exec_driver_sql(sql)
    time.seconds += 60
    assert ("s1", code) in codes(verified(store, exported(store)))


@pytest.mark.requirement("L4")
def test_a_chain_cut_back_with_its_checkpoint_is_found_by_what_the_office_saw(store: Store) -> None:
    checkpoint(store, "s1")
    with store.writing() as connection:
        for table in ("audit", "checkpoint"):
            connection.execute(text(f"drop trigger {table}_delete"))
        connection.execute(text("delete from checkpoint where chain = 's1'"))
        connection.execute(text("delete from audit where chain = 's1' and seq > 4"))
        head = "(select hash from audit where chain = 's1' and seq = 4)"
        connection.execute(text(f"update audit_head set seq = 4, hash = {head} where chain = 's1'"))
    assert store.verify_chains() == []
    assert ("s1", "CHECKPOINT_BEYOND_END") in codes(verified(store, exported(store)))


@pytest.mark.requirement("L4")
def test_an_older_export_is_told_by_a_head_known_from_elsewhere(store: Store, time: Time) -> None:
    lines = exported(store)
    with store.writing() as connection:
        store.audit(connection, "s1", Event("X", "ana", {}))
    head = list(store.audit_events("s1"))[-1].hash.hex()[:16]
    assert codes(verified(store, lines, s1=head)) == {("s1", "HEAD")}
    assert codes(verified(store, lines, s9=head)) == {("s9", "HEAD")}
    assert verified(store, exported(store), s1=head).findings == []


def test_checkpoints_cannot_be_changed_or_deleted(store: Store) -> None:
    checkpoint(store, "s1")
    for statement in ("update checkpoint set seq = 1", "delete from checkpoint"):
        with pytest.raises(StoreError, match="append only"), store.writing() as connection:
            connection.execute(text(statement))


def test_a_chain_that_did_not_move_gets_no_checkpoint(store: Store) -> None:
    assert checkpoint(store, "s1") is not None
    assert checkpoint(store, "s1") is None
    assert checkpoint(store, "nowhere") is None


@pytest.mark.requirement("L4")
def test_a_session_signs_every_900_posts_every_quarter_of_an_hour_and_when_told(store: Store) -> None:
    now = [0.0]
    points = Checkpoints(store, "s1", lambda: now[0])

    def signed() -> int:
        with store.reading() as connection:
            return int(connection.scalar(text("select count(*) from checkpoint where chain = 's1'")) or 0)

    def happens() -> None:
        with store.writing() as connection:
            store.audit(connection, "s1", Event("X", "ana", {}))

    points.settled(EVERY_POSTS - 1)
    assert signed() == 0
    points.settled(1)
    assert signed() == 1
    happens()
    now[0] = 899.9
    points.settled(1)
    assert signed() == 1
    now[0] = 900
    points.settled(1)
    assert signed() == 2
    happens()
    points.sign()
    assert signed() == 3


@pytest.mark.requirement("L4")
def test_key_rotation_is_signed_by_both_and_either_key_verifies_the_audit(store: Store) -> None:
    first = signer_of(store).public
    checkpoint(store, "s1")
    second, third = key(1), key(2)
    change_key(store, second, ("ana",))
    with pytest.raises(KeyStoreError, match="signed by key plant:audit1, whose key store must be named"):
        signer_of(store)
    store.audit_keys = second.keys
    assert signer_of(store, "s1").public == second.public
    change_key(store, third, ("ana",))
    store.audit_keys = third.keys
    lines = exported(store)
    for public in (first, second.public, third.public):
        assert verify_export(lines, public).findings == []
    assert ("office", "SIGNATURE") in codes(verify_export(lines, key(3).public))


def test_a_key_of_the_right_name_and_another_value_is_refused(store: Store) -> None:
    change_key(store, key(1), ("ana",))
    seed = Key(bytes(32), "seed", "HMAC-256", Usage.MASTER_DERIVE)
    store.audit_keys = MemoryKeyStore({"plant:audit1": auditsign.key_of_seed(seed, "x")})
    with pytest.raises(KeyStoreError, match="is not the one that signs this audit"):
        signer_of(store)


@pytest.mark.requirement("L4")
def test_a_station_has_a_key_that_the_office_certifies(store: Store) -> None:
    own = key(5)
    office = signer_of(store).public
    change_key(store, own, ("ana",), "s1")
    store.audit_keys = own.keys
    with store.writing() as connection:
        store.audit(connection, "s1", Event("X", "ana", {}))
    assert checkpoint(store, "s1") is not None
    assert signer_of(store).public == office
    assert verify_export(exported(store), office).findings == []


@pytest.mark.parametrize("change", ["by_previous", "by_key", "key", "previous", "chain"])
def test_a_rotation_that_both_keys_did_not_sign_is_found(store: Store, change: str) -> None:
    from cardkit.production.audit.verify import Keys

    public = signer_of(store).public
    change_key(store, key(1), ("ana",))
    event = json.loads(list(store.audit_events("office"))[-1].event)
    wrong: dict[str, Any] = {"chain": "s1", "key": key(2).public.hex(), "previous": key(2).public.hex()}
    event["data"][change] = wrong.get(change, "00" * 64)
    keys = Keys(public)
    keys.seen(event)
    assert [(finding.code, finding.seq) for finding in keys.findings] == [("SIGNATURE", event["seq"])]
    assert keys.of("office") == [public]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}\n", b"[]\n", b"null\n", b'{"format":"cardkit-audit","version":2,"installation":"x"}\n', b"\xff\n"],
)
def test_what_is_no_export_is_refused_in_one_line(line: bytes) -> None:
    with pytest.raises(EncodingError, match="audit export: line 1: ") as caught:
        verify_export([line], key(1).public)
    assert "\n" not in str(caught.value)


def test_exports_of_two_stores_do_not_mix(make_store: Callable[..., Store], store: Store, tmp_path: Path) -> None:
    other = make_store("other.db")
    mine, theirs = exported(store), exported(other)
    with pytest.raises(EncodingError):
        verified(store, [*mine[:-1], *theirs[1:]])
