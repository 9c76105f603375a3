"""A LIVE store takes files of approved orders only, signed by their customer, and nothing leaves it in clear."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import IllegalStepError, KeyStoreError, LoginError, RecordError, StoreError, TwoPersonsError
from cardkit.production import (
    NewOrder,
    Store,
    approve_order,
    create_order,
    export_order,
    import_batch,
    load_template,
    order_of,
)
from cardkit.profile import Order, load_profile
from cardkit.profile.order import parse_order
from tests.unit.people.conftest import audited
from tests.unit.production.orderlines import NAMES, line

TEST_PROFILE = load_profile("sim/usim-test")
PROFILE = dataclasses.replace(TEST_PROFILE, kind="LIVE")


class Live(MemoryKeyStore):
    """The profile's keys, in a store that calls itself LIVE."""

    kind = "LIVE"  # type: ignore[assignment]


assert TEST_PROFILE.test_keys is not None
KEYS = Live.from_toml(TEST_PROFILE.test_keys)
KEY = "2F95B38EA83DA3320EB15451EDF902C8918807ED"
NEW = NewOrder("PO-1", "Operator", PROFILE.name, PROFILE.sha256, 5, sender=KEY)

Screen = Callable[..., Store]


def rows() -> Order:
    return parse_order(PROFILE.layout, PROFILE.record, (NAMES + line(1) + line(2)).encode(), KEYS)


def take(store: Store, **terms: str | None) -> object:
    return import_batch(store, PROFILE, rows(), KEYS, "lot.csv", **terms)  # type: ignore[arg-type]


def approved(live: Screen, new: NewOrder = NEW) -> Store:
    create_order(live("sven"), new)
    approve_order(live("otto", "quin"), new.name, ("otto", "quin"))
    return live("sven")


@pytest.mark.requirement("R3")
@pytest.mark.requirement("R4")
def test_an_order_needs_a_supervisor_and_then_two_others(live: Screen, live_at: Callable[[str], Store]) -> None:
    with pytest.raises(LoginError):
        create_order(live_at("sven"), NEW)
    with pytest.raises(TwoPersonsError):
        create_order(live("olga"), NEW)
    create_order(live("sven"), NEW)
    with pytest.raises(TwoPersonsError):
        approve_order(live("otto"), "PO-1", ("otto",))
    approve_order(live("otto", "quin"), "PO-1", ("otto", "quin"))
    assert order_of(live("sven"), "PO-1").state == "APPROVED"


@pytest.mark.requirement("D1")
def test_a_file_without_an_order_is_not_taken(live: Screen) -> None:
    store = live("sven")
    with pytest.raises(IllegalStepError, match="files of approved orders only"):
        take(store, sender=KEY)
    assert store.batch_names() == []


@pytest.mark.requirement("D1")
@pytest.mark.parametrize("sender", [None, "0" * 40])
def test_a_file_that_its_customer_has_not_signed_is_not_taken(live: Screen, sender: str | None) -> None:
    store = approved(live)
    with pytest.raises(RecordError) as caught:
        take(store, under="PO-1", sender=sender)
    assert (caught.value.code, store.batch_names()) == ("SIGNER", [])


@pytest.mark.requirement("D1")
def test_an_order_without_a_sender_takes_nothing(live: Screen) -> None:
    store = approved(live, dataclasses.replace(NEW, sender=None))
    with pytest.raises(RecordError) as caught:
        take(store, under="PO-1", sender=None)
    assert (caught.value.code, store.batch_names()) == ("SIGNER", [])


def test_what_is_signed_and_approved_becomes_a_draft(live: Screen) -> None:
    store = approved(live)
    take(store, under="PO-1", sender=KEY)
    assert order_of(store, "PO-1").batches == (("lot", "DRAFT"),)
    assert audited(store)[-1] == "IMPORT"


@pytest.mark.requirement("K3")
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (TEST_PROFILE.test_keystore(), "a LIVE profile, its key store is TEST"),
        (Live(), "key test:vu1-adm1: not in this key store"),
    ],
)
def test_a_batch_is_not_filed_without_its_live_keys(live: Screen, keys: MemoryKeyStore, message: str) -> None:
    store = approved(live)
    with pytest.raises(KeyStoreError, match=message):
        import_batch(store, PROFILE, rows(), keys, "lot.csv", under="PO-1", sender=KEY)
    assert store.batch_names() == []


@pytest.mark.requirement("D6")
def test_no_output_file_leaves_in_clear(live: Screen, tmp_path: Path) -> None:
    store = approved(live)
    (tmp_path / "t.toml").write_text(
        '[layout]\ndirection = "out"\nkind = "delimited"\nencoding = "utf-8"\nheader = "names"\n'
        'fields = [{ name = "iccid" }, { name = "status" }]\n',
        encoding="utf-8",
    )
    template = load_template(TEST_PROFILE, str(tmp_path / "t.toml"))
    with pytest.raises(StoreError, match="nothing leaves a LIVE store in clear"):
        export_order(store, order_of(store, "PO-1"), template, KEYS, tmp_path / "out")
    assert not (tmp_path / "out").exists()
