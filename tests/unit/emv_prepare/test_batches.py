"""Batches of payment cards: prepared piece by piece, interrupted, made, and verified with what the store kept."""

from __future__ import annotations

import hashlib
import json

import pytest
from psec import cvv, pin

from cardkit import production
from cardkit.cli.app import run
from cardkit.crypto.secret import joined
from cardkit.encoding import dgi
from cardkit.errors import EncodingError, ProfileError, RecordError
from cardkit.production import preparation
from cardkit.production.printing import print_batch
from cardkit.production.store import preparing
from cardkit.profile import read_order
from tests.unit.emv_prepare.conftest import make_job, ready_keys

pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")  # psec's

NAME = "emv-contact-cda"
PAN = "9999990000000014"
CVK, PVK = bytes(range(0x80, 0x90)), bytes(range(0x90, 0xA0))


class ReadyKeys:
    """A pool whose keys lie ready."""

    def __init__(self, wanted, processes=None):
        self.wanted = wanted
        self.take = ready_keys()

    def __enter__(self):
        return self.take

    def __exit__(self, *_):
        """Nothing runs."""


@pytest.fixture(autouse=True)
def no_processes(monkeypatch):
    monkeypatch.setattr(preparation, "CardRsaPool", ReadyKeys)


@pytest.fixture
def store(tmp_path):
    with production.open_store(f"sqlite:///{tmp_path}/cards.db", operator="ana", create=True) as opened:
        yield opened


@pytest.fixture
def few(variant):
    """The profile with an order of five rows."""
    return shortened(variant(NAME), 5)


def shortened(job, rows):
    path = job.profile.path.parent / "order.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[: rows + 1]))
    return make_job(path.parent)


def imported(store, job):
    path = job.profile.path.parent / "order.csv"
    rows = read_order(job.profile, path, job.keystore)
    return production.import_batch(store, job.profile, rows, job.keystore, path, name="may", prepared=False)


def test_nobody_claims_a_card_before_it_is_prepared(store, few):
    imported(store, few)
    lot = store.batch("may")
    assert preparing.waiting_count(store, lot) == 5
    done = production.run_batch(store, "may", ["virtual:emv-cps"], reporter=lambda _: None)
    assert done.good == 0
    assert production.batch_status(store, "may").counts["READY"] == 5


def test_an_interrupted_preparation_is_finished_by_the_next(store, few, monkeypatch):
    imported(store, few)
    monkeypatch.setattr(preparation, "CHUNK", 2)
    told = []

    def tell(made, todo):
        told.append((made, todo))
        if made == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        production.prepare_batch(store, few.profile, "may", few.keystore, progress=tell)
    kept = [production.kept_values(store, few.profile, record) for record in few.records]
    assert [values is not None for values in kept] == [True] * 4 + [False]
    done = production.prepare_batch(store, few.profile, "may", few.keystore)
    assert (done.made, done.before) == (1, 4)
    assert told == [(2, 5), (4, 5)]
    assert [production.kept_values(store, few.profile, record) for record in few.records[:4]] == kept[:4]
    assert production.check_batch(store) == []


def test_a_prepared_batch_is_made_and_verified_with_what_the_store_kept(store, few, tmp_path, capsys):
    imported(store, few)
    production.prepare_batch(store, few.profile, "may", few.keystore)
    reader, folder = f"virtual:emv-cps@{tmp_path / 'chips'}", few.profile.path.parent
    done = production.run_batch(store, "may", [reader], reporter=lambda _: None)
    assert (done.good, done.rejected) == (5, 0)
    words = ["--order", str(folder / "order.csv"), "--record", "auto", "--reader", reader, "--continuous"]
    assert run(["verify", str(folder), *words, "--store", f"sqlite:///{tmp_path}/cards.db"]) == 0
    assert "5 cards verified, 5 good, 0 not identified" in capsys.readouterr().err


def test_a_record_that_cannot_be_prepared_is_named_and_those_before_it_are_kept(store, variant):
    job = variant(NAME, ("9999990012345670,01,2029-12", "9999990012345670,01,2036-12"), file="order.csv")
    imported(store, job)
    with pytest.raises(RecordError, match="batch may: row 3: issuer certificate: good until 2035-12-31"):
        production.prepare_batch(store, job.profile, "may", job.keystore)
    assert preparing.waiting_count(store, store.batch("may")) == len(job.records) - 2


def test_another_profile_prepares_nothing(store, few, dual):
    imported(store, few)
    with pytest.raises(ProfileError, match="not the profile batch may was imported with"):
        production.prepare_batch(store, dual.profile, "may", dual.keystore)


def test_values_of_another_preparation_do_not_take_the_place_of_the_first(store, few):
    """Two stations at it at once: the first to file a record wins, both see the same values."""
    imported(store, few)
    lot = store.batch("may")
    rows = preparing.waiting(store, lot, 5)
    vault = store.vault.batch("may")
    assert preparing.file_values(store, lot, [(row, vault.seal(row.row_no, "perso", b"one")) for row in rows[:2]]) == 2
    assert preparing.file_values(store, lot, [(row, vault.seal(row.row_no, "perso", b"two")) for row in rows]) == 3
    kept = [preparing.values_of(store, few.profile.sha256, record.business_keys()) for record in few.records]
    assert [vault.open(item.row_no, item.step, item.cell) for item in kept] == [b"one"] * 2 + [b"two"] * 3


# The printer's file


def test_the_printers_file_says_what_stands_on_each_card(store, few, tmp_path):
    """CVV, CVV2 and PVV by psec; dates, groups and tracks as ISO/IEC 7813 and embossers have them."""
    imported(store, few)
    production.prepare_batch(store, few.profile, "may", few.keystore)
    done = print_batch(store, few.profile, "may", few.keystore, tmp_path / "print.txt")
    whole = done.path.read_bytes()
    body, mark, end = whole.rpartition(b"#END")
    assert (mark + end).decode() == f"#END 5 {hashlib.sha256(body).hexdigest()}\n"
    lines = body.decode().splitlines()
    assert lines[0] == "#CARDKIT-PRINT 1 may"
    cards = [number for number, line in enumerate(lines) if line.startswith("#CARD ")]
    assert [lines[number] for number in cards] == [f"#CARD {row}" for row in range(1, 6)]
    first = dict(line.partition("=")[::2] for line in lines[cards[0] + 1 : cards[1]] if not line.startswith("DGI"))
    tail = "2912201" + "1" + pin.generate_visa_pvv(PVK, "1", "1234", PAN) + cvv.generate_cvv(CVK, PAN, "2912", "201")
    assert first == {
        "PAN": "9999 9900 0000 0014",
        "PSN": "01",
        "FROM": "01/24",
        "THRU": "12/29",
        "NAME": "TEST/CARD ONE",
        "CVV2": cvv.generate_cvv(CVK, PAN, "2912", "000"),
        "LAST4": "0014",
        "TRACK1": f"%B{PAN}^TEST/CARD ONE^{tail}?",
        "TRACK2": f";{PAN}={tail}?",
        "CHIP": "F0434B49540101",
    }


def test_the_chips_part_of_the_file_is_what_is_sent_in_clear(store, few, tmp_path):
    imported(store, few)
    production.prepare_batch(store, few.profile, "may", few.keystore)
    lines = print_batch(store, few.profile, "may", few.keystore, tmp_path / "print.txt").path.read_text().splitlines()
    start = lines.index("CHIP=F0434B49540101") + 1
    shown = lines[start : lines.index("#CARD 2")]
    values = production.kept_values(store, few.profile, few.records[0]).values
    clear = dgi.parse(joined((values["F0434B49540101"],)))
    assert shown == [f"DGI{item.tag:04X}={item.value.hex().upper()}" for item in clear]
    assert not any(line.startswith(("DGI8", "DGI5")) for line in lines)


def test_a_stripe_has_an_end(variant, store):
    """14 digits behind a PAN of 16 and 7 more: 57 holds them (38 digits and D), track 2 would have 40 characters."""
    job = shortened(variant(NAME, ('layout = ["pvki", "pvv", "cvv"]', 'layout = ["00000000000", "cvv"]')), 1)
    imported(store, job)
    production.prepare_batch(store, job.profile, "may", job.keystore)
    with pytest.raises(EncodingError, match="track 2: 40 characters, expected 39 or fewer"):
        print_batch(store, job.profile, "may", job.keystore, job.profile.path.parent / "print.txt")
    assert not (job.profile.path.parent / "print.txt").exists()


def test_the_command_writes_the_file(few, tmp_path, capsys):
    assert prepare(few, tmp_path) == 0
    url, out = f"sqlite:///{tmp_path}/cards.db", tmp_path / "print.txt"
    assert run(["payment", "print", "order", "--store", url, "--out", str(out)]) == 0
    assert "5 cards" in capsys.readouterr().err
    assert out.read_text().startswith("#CARDKIT-PRINT 1 order\n#CARD 1\nPAN=9999 9900 0000 0014\n")


# The command


def prepare(few, tmp_path, *more):
    folder = few.profile.path.parent
    url = f"sqlite:///{tmp_path}/cards.db"
    return run(["payment", "prepare", str(folder), str(folder / "order.csv"), "--store", url, "--json", *more])


def test_the_command_imports_prepares_and_goes_on(few, tmp_path, capsys):
    assert prepare(few, tmp_path) == 0
    assert json.loads(capsys.readouterr().out) == {"batch": "order", "prepared": 5, "before": 0, "quarantined": []}
    assert prepare(few, tmp_path) == 0
    assert json.loads(capsys.readouterr().out) == {"batch": "order", "prepared": 0, "before": 5, "quarantined": []}


def test_the_command_refuses_a_name_that_is_another_files(few, tmp_path, capsys):
    assert prepare(few, tmp_path) == 0
    path = few.profile.path.parent / "order.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:5]))
    assert prepare(few, tmp_path) == 4
    assert "the store has a batch order already" in capsys.readouterr().err


def test_a_card_that_was_not_prepared_here_is_not_verified(few, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = few.profile.path.parent
    words = [
        "verify",
        str(folder),
        "--order",
        str(folder / "order.csv"),
        "--record",
        "1",
        "--reader",
        "virtual:emv-cps",
    ]
    assert run(words) == 4
    assert "record 1 was not prepared in cardkit-work: name its --store or --work" in capsys.readouterr().err


def test_a_card_made_at_a_desk_is_verified_with_its_work_folder(few, tmp_path, capsys):
    folder, chips, work = few.profile.path.parent, tmp_path / "chips", str(tmp_path / "work")
    words = [str(folder), "--order", str(folder / "order.csv"), "--reader", f"virtual:emv-cps@{chips}", "--work", work]
    assert run(["personalize", *words, "--record", "1", "--yes"]) == 0
    assert run(["verify", *words, "--record", "auto"]) == 0
    assert "GOOD" in capsys.readouterr().out
