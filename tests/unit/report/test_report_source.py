"""The report of a stored batch: what was committed, cards named, people not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from cardkit.desired import Finding, Secrecy, Severity
from cardkit.errors import StoreError
from cardkit.production.report import Verdict, print_report, write_report
from cardkit.production.report.identity import identity, mask
from cardkit.production.report.masking import masked
from cardkit.production.report.source import batch_report
from cardkit.production.store import Card, Work, open_store, start_session
from cardkit.production.store.audit import Event
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.reading import FINDINGS_FIELD
from cardkit.profile import load_profile, read_order

REDACTION = json.loads((Path(__file__).parents[2] / "vectors" / "security-redaction.json").read_text("utf-8"))
IMSI_WRONG = {
    "rule": "UICC-004",
    "severity": "E",
    "clause": "TS 31.102 4.2.2",
    "where": "ADF.USIM/EF.IMSI",
    "expected": "080910100000000010",
    "actual": "080910100000000020",
    "decoded": "{'imsi': '001010000000001'} != {'imsi': '001010000000002'}",
}


@pytest.fixture(scope="module")
def profile():
    return load_profile("sim/usim-test")


@pytest.fixture(scope="module")
def order(profile):
    return read_order(profile, profile.path.parent / "order.csv", profile.test_keystore())


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'store.db'}", operator="ana", create=True) as store:
        yield store


@pytest.fixture
def batch_of(store, profile, order):
    """A batch of four: one good, one rejected, one bound, one still ready."""

    def make(profile_path: str):
        digests = profile.sha256, b"\x22" * 32
        new = NewBatch("B-1", profile.name, profile.version, profile_path, *digests, "order.csv", b"\x33" * 32)
        chosen = list(order.records)[:4]
        add_batch(store, new, [NewRecord(r.row_no, bytes(r.to_canonical()), r.business_keys()) for r in chosen])
        lot = store.batch("B-1")
        session, _ = start_session(store, "station-1")
        cards = [Card(c.record_id, c.token, f"chip-{c.row_no}") for c in session.claim("B-1", 3, 60.0)]
        for card in cards:
            session.bind(lot, card)
        session.commit(lot, cards[0], b"\x44" * 32, Work(apply_ms=600, verify_ms=300))
        cell = store.vault.batch("B-1").seal(chosen[1].row_no, FINDINGS_FIELD, json.dumps([IMSI_WRONG]).encode())
        session.reject(lot, cards[1], "DATA_READBACK", "data", Work(findings_enc=cell))
        return chosen

    return make


def test_report_tells_what_the_store_committed(store, batch_of, profile):
    batch_of(str(profile.path))
    report = batch_report(store, "B-1")
    cards = list(report.cards)
    assert [(c.row, c.verdict, c.code) for c in cards] == [
        (1, Verdict.GOOD, ""),
        (2, Verdict.REJECTED, "DATA_READBACK"),
        (3, Verdict.IN_DOUBT, "UNFINISHED"),
    ]
    assert (cards[0].apply_ms, cards[0].verify_ms, cards[0].coupler) == (600, 300, "station-1/1")
    assert (report.station, report.operator, report.kind) == ("station-1", "ana", "TEST")
    assert report.totals == {
        "rows_in_file": 4,
        "quarantined": 0,
        "imported": 4,
        "ready": 1,
        "bound": 1,
        "good": 1,
        "rejected": 1,
        "cards_rejected_before_bind": 0,
    }
    assert report.equations == ("records: 4 imported = 1 ready + 1 bound + 1 good + 1 rejected, difference 0",)


def test_a_closed_batch_shows_how_its_cards_balance(store, batch_of, profile, tmp_path):
    batch_of(str(profile.path))
    sheet = '{"good":1,"issued":3,"rejected_personalized":1}'
    with store.writing() as connection:
        connection.exec_driver_sql("update batch set sheet = ?", (sheet,))
    report = batch_report(store, "B-1")
    assert report.equations[0] == "cards: 3 issued = 1 good + 1 rejected personalized, difference 1"
    assert report.equations[0] in write_report(report, tmp_path).html.read_text("utf-8")


def test_cards_are_named_by_their_iccid(store, batch_of, profile):
    records = batch_of(str(profile.path))
    names = [card.identity for card in batch_report(store, "B-1").cards]
    assert names == [record["iccid"] for record in records[:3]]


@pytest.mark.requirement("L2")
def test_a_payment_card_is_named_by_its_masked_number_and_the_sequence_number():
    """A sequence number alone, all that is public of the key, would name every card "01"."""
    profile = load_profile("payment/emv-contact-cda")
    record = read_order(profile, profile.path.parent / "order.csv", profile.test_keystore()).records[0]
    assert identity(record) == "99999********014 01"


def test_a_moved_profile_leaves_cards_without_name_and_the_report_whole(store, batch_of, tmp_path):
    batch_of(str(tmp_path / "gone" / "profile.toml"))
    assert [(card.row, card.identity) for card in batch_report(store, "B-1").cards] == [(1, ""), (2, ""), (3, "")]


@pytest.mark.requirement("R2")
def test_no_file_of_the_report_holds_personal_data(store, batch_of, profile, tmp_path):
    records = batch_of(str(profile.path))
    text = "".join(path.read_text("utf-8") for path in write_report(batch_report(store, "B-1"), tmp_path / "report"))
    printed = print_report(batch_report(store, "B-1"), tmp_path / "report")
    text += "".join(page.extract_text() for page in PdfReader(printed).pages)
    personal = [str(record[name]) for record in records for name in ("imsi", "msisdn")]
    personal += ["001010000000001", "001010000000002", "080910100000000010", "chip-1"]
    assert [value for value in personal if value in text] == []
    assert "byte 9 of 9 differs" in text


def test_a_batch_without_cards_has_a_report(store, profile):
    digests = profile.sha256, b"\x22" * 32
    new = NewBatch("B-2", profile.name, profile.version, str(profile.path), *digests, "order.csv", b"\x33" * 32)
    add_batch(store, new, [NewRecord(1, b"{}", {"iccid": "8999901"})])
    report = batch_report(store, "B-2")
    assert (list(report.cards), report.station, report.started) == ([], "none", report.ended)


def test_an_unknown_batch_is_refused(store):
    with pytest.raises(StoreError, match="B-9"):
        batch_report(store, "B-9")


# Masking


@pytest.mark.requirement("L2")
@pytest.mark.parametrize("vector", [v for v in REDACTION if v["name"] == "mask-imsi"], ids=lambda v: v["name"])
def test_an_imsi_keeps_network_and_last_digits(vector):
    assert mask(vector["in"]["imsi"]) == vector["out"]["shown"]


@given(st.text("0123456789", max_size=24))
def test_a_mask_hides_three_digits_or_all(text):
    shown = mask(text)
    assert len(shown) == len(text)
    assert shown.count("*") >= min(3, len(text))


PUBLIC, PERSONAL, SECRET = Secrecy


def a_finding(secrecy: Secrecy, expected: str, actual: str, decoded: str = "") -> Finding:
    return Finding("UICC-030", Severity.ERROR, "clause", "EF.ANY", expected, actual, decoded, secrecy)


@pytest.mark.parametrize(
    ("secrecy", "expected", "actual", "shown"),
    [
        (PUBLIC, "0045", "0046", ("0045", "0046", "'E' != 'F'")),
        (PERSONAL, "08091010", "08091020", ("<4:PERSONAL>", "<4:PERSONAL>", "byte 4 of 4 differs")),
        (PERSONAL, "FFFF", "0011", ("<2:PERSONAL>", "<2:PERSONAL>", "bytes 1, 2 of 2 differ")),
        (PERSONAL, "0809", "", ("<2:PERSONAL>", "", "")),
        (PERSONAL, "9 bytes", "not checked: 6982, access", ("9 bytes", "not checked: 6982, access", "")),
        (PERSONAL, "odd", "imsi 001010000000001", ("odd", "imsi <PERSONAL>", "")),
        (SECRET, "07FF", "0711", ("<2:SECRET>", "<2:SECRET>", "byte 2 of 2 differs")),
    ],
)
def test_contents_that_are_not_public_become_lengths(secrecy, expected, actual, shown):
    finding = masked(a_finding(secrecy, expected, actual, "'E' != 'F'"))
    assert (finding.expected, finding.actual, finding.decoded) == shown


@given(st.binary(min_size=3, max_size=20), st.binary(min_size=3, max_size=20))
def test_no_byte_string_of_a_personal_file_survives(expected, actual):
    finding = masked(a_finding(PERSONAL, expected.hex().upper(), actual.hex().upper(), repr(expected)))
    assert finding.expected == f"<{len(expected)}:PERSONAL>"
    assert finding.actual == f"<{len(actual)}:PERSONAL>"
    assert repr(expected) not in finding.decoded


def test_a_finding_whose_family_says_nothing_of_secrecy_is_masked():
    finding = masked(Finding("LOYALTY-001", Severity.ERROR, "clause", "MEMBER", "6362010000000016", "FF" * 8))
    assert (finding.expected, finding.actual) == ("<8:SECRET>", "<8:SECRET>")


@pytest.mark.requirement("K9")
def test_what_was_not_done_inside_a_token_is_said_once(store, batch_of, profile):
    """Two sessions with a token, one with a key file, one of another batch."""
    batch_of(str(profile.path))
    lacks = ["derive a 3DES card key inside", "wrap a key under an AES DEK"]
    token, file = {"store": "token", "lacks": lacks}, {"store": "file", "counter": 2}
    assert batch_report(store, "B-1").keys == ()
    with store.writing() as connection:
        for batch, data in (("B-1", token), ("B-1", token), ("B-1", file), ("B-2", {"store": "token", "lacks": ["x"]})):
            store.audit(connection, "S1", Event("KEYS", "ana", {"session": "S1-1", "batch": batch, **data}))
    in_file, on_token, *cannot = batch_report(store, "B-1").keys
    assert in_file.startswith("The keys lay in a key file: all work with them was done in buffers")
    assert on_token.startswith("The keys lay on a token; keys of sessions")
    assert cannot == [f"The token cannot {lack}: done in such a buffer, too, or refused." for lack in lacks]
