"""The blank GSM-R SIM: class A0, DF.EIRENE with the files and sizes of the catalogue."""

import json

import pytest

from cardkit.virtual import VirtualCard
from tests.card.conftest import VECTORS, Terminal
from tests.card.test_authenticate import vectors


@pytest.fixture
def card():
    return Terminal(VirtualCard("gsm-r", seed=1))


def select(card, *fids):
    for fid in fids:
        answer = card(f"A0A4000002{fid}")
        assert answer.startswith("9F"), fid
    return card(f"A0C00000{answer[2:]}")[:-4]


def test_files_of_the_catalogue(card):
    entries = [
        entry
        for entry in json.loads((VECTORS / "uicc_catalogue.json").read_text())
        if entry["in"].get("path", "").startswith("3F00/7FE0/")
    ]
    assert len(entries) == 23
    for entry in entries:
        select(card, "3F00")
        answer = select(card, "7FE0", entry["out"]["fid"])
        if entry["out"]["structure"] == "transparent":
            assert (answer[26:28], int(answer[4:8], 16)) == ("00", entry["out"]["size_max"])
        else:
            assert (answer[26:28], int(answer[28:30], 16)) == ("01", entry["out"]["record_len_max"])


def test_the_2g_files_are_as_the_catalogue_has_them(card):
    """Structure, and a size within its bounds; TS 51.011 clause 10."""
    known = {entry["in"]["path"]: entry for entry in json.loads((VECTORS / "uicc_catalogue.json").read_text())
             if entry["in"].get("app") == "SIM"}  # fmt: skip
    kinds = {"transparent": "00", "transparent_records": "00", "linear_fixed": "01", "cyclic": "03"}
    found = 0
    for path, file in card.card.image.files.items():
        entry = known.get(path)
        if entry is None or file.is_df:
            continue
        found += 1
        answer = select(card, "3F00", *path.split("/")[1:])
        out, size = entry["out"], file.record_length or file.size
        if path != "3F00/7F10/6F44":  # the catalogue calls EF.LND linear; TS 51.011 10.5.10 makes it cyclic
            assert answer[26:28] == kinds[out["structure"]], path
        assert size >= out.get("record_len_min", out.get("size_min", 0)), path
        if not file.name.startswith(("EF.ADN", "EF.FDN", "EF.LND", "EF.SDN")):  # alpha identifiers of any length
            assert size <= (out.get("record_len_max") or out.get("size_max") or size), path
    assert found > 35


def test_fixed_numbers_need_chv2(card):
    select(card, "3F00", "7F10", "6F3B")
    record = f"A0DC010420{'FF' * 32}"
    assert card(record) == "9804"
    assert card("A02000020830303030FFFFFFFF") == "9000"
    assert card(record) == "9000"


def test_another_class_is_refused(card):
    assert card("00A4000C023F00") == "6E00"


def test_run_gsm_by_comp128(card, auth_vectors):
    given, out = vectors(auth_vectors, "comp128v2", "sres")[0]
    assert card("A020000A08" + "4142434445464748") == "9000"
    select(card, "A515", "6F20")
    assert card("A0D6000011" + "02" + given["ki"].hex()) == "9000"
    select(card, "3F00", "7F20")
    assert card(f"A088000010{given['rand'].hex()}") == "9F0C"
    assert card("A0C000000C") == f"{out['sres'].hex()}{out['kc'].hex()}9000".upper()
