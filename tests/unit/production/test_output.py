"""Output files: what became of each record, read back with the template's own layout; no secret in clear (K16)."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.errors import KeyStoreError, ProfileError, RecordError, StoreError
from cardkit.production import Office, Store, import_batch, load_template, open_store, write_output
from cardkit.production.store import Card, start_session
from cardkit.production.store.schema import audit
from cardkit.profile import Order, Profile, RecordSchema, load_profile, read_order
from cardkit.profile.order import parse_order
from tests.unit.production.outputforms import DELIMITED, FIXED, SECTIONS, XML

ROOT = Path(__file__).parents[3]
ROWS = 6
SECRETS = ("ki", "opc", "pin1", "puk1", "pin2", "puk2", "adm1")
OUT = bytes.fromhex("505152535455565758595A5B5C5D5E5F")
PLANT = MemoryKeyStore(
    {
        "output:auc_key-3": Key(OUT, "out", "AES-128", Usage.TRANSPORT_OUT),
        "output:k4": Key(OUT, "k4", "AES-128", Usage.TRANSPORT_OUT),
        "output:k4-des": Key(OUT, "k4", "3DES-128", Usage.TRANSPORT_OUT),
    }
)
OPERATOR = MemoryKeyStore(
    {
        "order:auc_key-3": Key(OUT, "in", "AES-128", Usage.TRANSPORT_IN),
        "output:k4": Key(OUT, "k4", "AES-128", Usage.TRANSPORT_IN),
        "output:k4-des": Key(OUT, "k4", "3DES-128", Usage.TRANSPORT_IN),
    }
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """The test USIM, whose orders have the operators' header line."""
    folder = tmp_path_factory.mktemp("product")
    shutil.copytree(ROOT / "profiles/sim/usim-test", folder / "mine")
    path = folder / "mine" / "profile.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[layout]"), text.index("[uicc.network]")
    text = text[:start] + 'holder = { type = "text", max = 20, default = "nobody" }\n' + text[end:]
    path.write_text(f'layout = "sim-header"\n{text}', encoding="utf-8")
    return load_profile(path)


def order_file(folder: Path, head: str) -> Path:
    lines = (ROOT / "profiles/sim/usim-test/order.csv").read_text(encoding="utf-8").splitlines()[1 : ROWS + 1]
    path = folder / "lot-1.txt"
    path.write_text("\n".join([head, *(line.replace(",", " ") for line in lines), ""]), encoding="ascii")
    return path


class Lot:
    """A batch of six records and what a template makes of them."""

    def __init__(self, folder: Path, product: Profile, head: str) -> None:
        self.folder = folder
        self.product = product
        self.path = order_file(folder, head)
        self.order: Order = read_order(product, self.path, PLANT)
        self.store: Store = open_store(f"sqlite:///{folder / 'a.db'}", operator="ana", create=True)
        import_batch(self.store, product, self.order, PLANT, self.path)
        self.session, _ = start_session(self.store, "s1")
        self.lot = self.store.batch("lot-1")

    def make(self, *verdicts: str) -> None:
        """End the next records: GOOD, REJECTED, SCRAPPED or LOST."""
        office = Office(self.store, self.lot, ("ana",))
        for claim, verdict in zip(self.session.claim("lot-1", len(verdicts), 60), verdicts, strict=True):
            card = Card(claim.record_id, claim.token, f"chip {claim.record_id}")
            self.session.bind(self.lot, card)
            if verdict == "GOOD":
                self.session.commit(self.lot, card, b"e" * 32)
                continue
            self.session.reject(self.lot, card, "DATA_READBACK")
            if verdict == "SCRAPPED":
                office.scrap(claim.record_id, "shredder 7")
            elif verdict == "LOST":
                office.lost(claim.record_id, "incident 7")

    def cancel_the_rest(self) -> None:
        office = Office(self.store, self.lot, ("ana",))
        for claim in self.session.claim("lot-1", ROWS, 60):
            self.session.release(claim.record_id, claim.token)
            office.cancel(claim.record_id)

    def template(self, text: str) -> Any:
        path = self.folder / "template.toml"
        path.write_text(text, encoding="utf-8")
        return load_template(self.product, str(path))

    def write(self, template: Any, keystore: MemoryKeyStore = PLANT, *, partial: bool = False) -> bytes:
        out = self.folder / "out.txt"
        write_output(self.store, "lot-1", template, keystore, out, partial=partial)
        return out.read_bytes()

    def outputs(self) -> list[dict[str, Any]]:
        with self.store.reading() as connection:
            events = connection.scalars(select(audit.c.event).where(audit.c.kind == "OUTPUT").order_by(audit.c.seq))
            return [json.loads(event)["data"] for event in events]


@pytest.fixture
def lot(tmp_path: Path, product: Profile) -> Any:
    made = Lot(tmp_path, product, f"00233 141114091800 {ROWS} 0605 1 3 0")
    yield made
    made.store.close()


def read_back(template: Any, data: bytes) -> Order:
    """Read an output file as the operator does: with its own layout and keys."""
    order = parse_order(template.layout, RecordSchema(template.rules), data, OPERATOR)
    assert order.quarantined == []
    return order


@pytest.mark.parametrize("text", [DELIMITED, SECTIONS, XML, FIXED], ids=["delimited", "sections", "xml", "fixed"])
def test_the_operator_reads_back_what_the_store_knows(lot: Lot, text: str) -> None:
    lot.make("GOOD", "SCRAPPED", "GOOD", "LOST")
    lot.cancel_the_rest()
    template = lot.template(text)
    order = read_back(template, lot.write(template))

    words = template.states
    expected = [words[state] for state in ("GOOD", "SCRAPPED", "GOOD", "LOST", "CANCELLED", "CANCELLED")]
    assert [record["status"] for record in order.records] == expected
    for written, record in zip(order.records, lot.order.records, strict=True):
        shared = [name for name in template.rules if name in record]
        assert {name: record[name] for name in shared} == {name: written[name] for name in shared}
        assert {"iccid", "ki"} <= set(shared)
    if "reason" in template.rules:
        assert [record["reason"] for record in order.records] == ["", "DATA_READBACK", "", "DATA_READBACK", "", ""]
        assert [record["chip_id"] for record in order.records] == [*(f"chip {n}" for n in range(1, 5)), "", ""]
        assert [record["row_no"] for record in order.records] == [1, 2, 3, 4, 5, 6]
    if order.header:
        assert (order.header["batch"], order.header["quantity"], order.header["auc_key"]) == ("00233", ROWS, 3)
        assert f"{order.header['timestamp']:%Y-%m-%d %H:%M}" == "2014-11-14 09:18"


@pytest.mark.requirement("K16")
def test_no_secret_is_in_the_file_in_clear(lot: Lot) -> None:
    lot.make(*["GOOD"] * ROWS)
    for text in (DELIMITED.replace("utf-16", "utf-8"), SECTIONS, XML, FIXED):
        data = lot.write(lot.template(text)).upper()
        for record in lot.order.records:
            for name in SECRETS:
                secret = record[name]
                assert isinstance(secret, Secret)
                with secret.reveal() as clear:
                    hidden = [clear.hex().upper().encode(), *([bytes(clear)] if len(clear) >= 8 else [])]
                assert not [needle for needle in hidden if needle in data], name


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_only_its_owner_may_read_the_file(lot: Lot) -> None:
    """It holds codes and keys, in clear for a TEST order without transport key."""
    lot.make(*["GOOD"] * ROWS)
    lot.write(lot.template(SECTIONS))
    assert (lot.folder / "out.txt").stat().st_mode & 0o777 == 0o600


def test_the_same_batch_gives_the_same_bytes_and_each_time_is_audited(lot: Lot) -> None:
    lot.make(*["GOOD"] * ROWS)
    template = lot.template(SECTIONS)

    assert lot.write(template) == lot.write(template)
    first, second = lot.outputs()
    assert first == second
    assert (first["batch"], first["rows"]) == ("lot-1", ROWS)
    assert first["template_sha256"] == template.sha256.hex()


def test_equal_values_of_two_cards_do_not_look_equal(lot: Lot) -> None:
    lot.make(*["GOOD"] * ROWS)
    template = lot.template(SECTIONS)
    lines = [line.split(" ") for line in lot.write(template).decode().splitlines()[-ROWS:]]
    cells = [cell for line in lines for cell in line[3:]]

    assert len(set(cells)) == len(cells)


def test_a_template_may_ask_for_good_cards_only(lot: Lot) -> None:
    lot.make("GOOD", "SCRAPPED", "GOOD")
    lot.cancel_the_rest()
    template = lot.template(SECTIONS.replace("totals =", 'states = { GOOD = "OK" }\ntotals ='))

    assert [record["status"] for record in read_back(template, lot.write(template)).records] == ["OK", "OK"]


def test_records_on_their_way_are_left_only_where_that_is_asked_for(lot: Lot) -> None:
    lot.make("GOOD", "REJECTED")
    template = lot.template(SECTIONS)
    with pytest.raises(StoreError, match="5 records are not at their end yet"):
        lot.write(template)
    assert not (lot.folder / "out.txt").exists()

    assert len(read_back(template, lot.write(template, partial=True)).records) == 1


@pytest.mark.requirement("K16")
def test_key_index_zero_is_clear_in_test_and_refused_live(tmp_path: Path, product: Profile) -> None:
    lot = Lot(tmp_path, product, f"00233 141114091800 {ROWS} 0605 1 0 0")
    lot.make(*["GOOD"] * ROWS)
    template = lot.template(SECTIONS)
    order = read_back(template, lot.write(template))

    assert [record["ki"] for record in order.records] == [record["ki"] for record in lot.order.records]
    assert [record["pin1"] for record in order.records] == [record["pin1"] for record in lot.order.records]
    live = dataclasses.replace(template, profile=dataclasses.replace(product, kind="LIVE"))
    with pytest.raises(RecordError, match="no secret leaves in clear") as caught:
        lot.write(live)
    assert caught.value.code == "KEY_INDEX_ZERO"
    lot.store.close()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "key output:auc_key-3: not in this key store"),
        ({"output:auc_key-3": Key(OUT, "in", "AES-128", Usage.TRANSPORT_IN)}, "wrapping needs transport-out"),
        ({"output:auc_key-3": Key(OUT, "des", "3DES-128", Usage.TRANSPORT_OUT)}, "aes-gcm needs AES"),
    ],
)
def test_without_the_right_key_the_file_stays_as_it_was(lot: Lot, keys: dict[str, Secret], message: str) -> None:
    lot.make(*["GOOD"] * ROWS)
    template = lot.template(SECTIONS)
    before = lot.write(template)
    with pytest.raises(KeyStoreError, match=message):
        lot.write(template, MemoryKeyStore(keys))

    assert (lot.folder / "out.txt").read_bytes() == before
    assert [path.name for path in lot.folder.iterdir() if path.name.startswith(".out")] == []
    assert len(lot.outputs()) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (', transport = "header.auc_key" }', " }", '"ki" is secret, it leaves under a key only; say "transport"'),
        ('{ name = "imsi" }', '{ name = "puk1" }', '"puk1" is secret, it leaves under a key only'),
        ('{ name = "imsi" }', '{ name = "puk1", type = "digits" }', '"puk1" is secret in usim-test; say class'),
        ('{ name = "imsi" }', '{ name = "imzi" }', '"imzi" is no field of usim-test\'s record'),
        ('{ name = "imsi" }', '{ name = "imzi", type = "digits" }', '"imzi" is no field of usim-test\'s record'),
        ('direction = "out"', "", 'layout.direction is "in", expected "out"'),
        ('identity = "iccid"\n', "", "aes-gcm binds a value to its row; say layout.identity"),
        ("totals =", 'states = { BOUND = "?" }\ntotals =', '"states": "BOUND", expected some of GOOD'),
        ('rows = "Var_Out"', 'starts = "Var_In"', '"starts" needs'),
        ('"auc_key"]', '"key"]', "is no key index of the order's header"),
    ],
)
def test_a_template_that_would_say_too_much_or_nothing_is_refused(lot: Lot, old: str, new: str, message: str) -> None:
    assert old in SECTIONS
    with pytest.raises(ProfileError) as caught:
        lot.template(SECTIONS.replace(old, new, 1))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("totals =", 'states = { GOOD = "=cmd()" }\ntotals =', "FORMULA", "row 1: status: begins like a formula"),
        (
            "totals =",
            'states = { GOOD = "all right" }\ntotals =',
            "CHARSET",
            "row 1: a value of 9 characters holds the",
        ),
        (
            "totals =",
            'states = { GOOD = "\u0433\u043e\u0434\u0435\u043d" }\ntotals =',
            "ENCODING",
            "that ascii does not",
        ),
        (
            '{ name = "imsi" }',
            '{ name = "imsi", type = "digits", max = 14 }',
            "LENGTH",
            "row 1: imsi: got 15 characters",
        ),
        ('"batch", ', '"batch", "customer", ', "HEADER", "its order says no customer, the template has it"),
    ],
)
def test_what_does_not_fit_its_column_is_not_written(lot: Lot, old: str, new: str, code: str, message: str) -> None:
    lot.make(*["GOOD"] * ROWS)
    with pytest.raises(RecordError) as caught:
        lot.write(lot.template(SECTIONS.replace(old, new, 1)))

    assert (caught.value.code, message in str(caught.value)) == (code, True), str(caught.value)
    assert not (lot.folder / "out.txt").exists()


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("[1, 20]", "[1, 18]", "LENGTH", "iccid: 1 bytes too many, 18 fit"),
        ('"iccid", bytes = [1, 20], pad = "right"', '"iccid", bytes = [1, 20], pad = "right", fill = "3"', "CHARSET",
         "would lose its"),
    ],
)  # fmt: skip
def test_what_does_not_fit_its_place_is_not_written(lot: Lot, old: str, new: str, code: str, message: str) -> None:
    lot.make(*["GOOD"] * ROWS)
    text = FIXED.replace(old, new)
    if "18]" in text:
        text = text.replace("[21, 12]", "[19, 14]")
    with pytest.raises(RecordError) as caught:
        lot.write(lot.template(text))

    assert (caught.value.code, message in str(caught.value)) == (code, True), str(caught.value)


def test_another_profile_than_the_batch_was_made_with_is_refused(lot: Lot) -> None:
    lot.make(*["GOOD"] * ROWS)
    template = lot.template(SECTIONS)
    changed = dataclasses.replace(lot.product, sha256=bytes(32))
    with pytest.raises(ProfileError, match="not the profile batch lot-1 was imported with"):
        lot.write(dataclasses.replace(template, profile=changed))


@pytest.mark.parametrize("name", ["sim-var-out", "sim-out-csv"])
def test_shipped_templates_fit_the_test_product(product: Profile, name: str) -> None:
    template = load_template(product, name)

    assert template.layout.name == name
    assert template.rules["ki"].transport
