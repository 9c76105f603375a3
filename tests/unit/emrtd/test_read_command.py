"""``cardkit id read`` on virtual documents: text, JSON, the page with the face, and secrets that stay out of argv."""

import base64
import json
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.face39794 import build_dg2_39794
from cardkit.cli import id_read
from cardkit.cli.app import run
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from tests.unit.pki import issuers

from .passport import AUTHORITY, CAN, CRL, MRZ, NOW, PICTURE, PIN, Document
from .test_border_reader import FINGERS, LIES, OWN, VERIFIER, with_fingers

AT = ("--at", NOW.isoformat())


@pytest.fixture
def present(monkeypatch):
    """Lay a document on the reader every command opens."""

    def lay(document: Document) -> None:
        connection = document.make().connection
        assert isinstance(connection, LoopbackConnection)

        @contextmanager
        def opened(_reader: str):
            yield Card(connection)

        monkeypatch.setattr(id_read, "open_card", opened)

    return lay


@pytest.fixture
def trust(tmp_path):
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / "csca.cer").write_bytes(AUTHORITY[0])
    (folder / "csca.crl").write_bytes(CRL)
    return folder


def read(capsys, *words: str) -> tuple[int, str]:
    code = run(["id", "read", "--reader", "virtual:emrtd-native", *AT, *words])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [("--mrz", "\n".join(MRZ.lines)), ("--mrz", "L898902C3,740812,301115"), ("--can", CAN)], ids=str
)
def test_a_good_document_is_good(present, trust, capsys, words) -> None:
    present(Document())
    code, out = read(capsys, *words, "--trust", str(trust), "--json")
    shown = json.loads(out)
    assert (shown["at"], shown["reason"]) == (NOW.isoformat(timespec="seconds"), "")
    assert (code, shown["verdict"], shown["findings"]) == (0, "good", [])
    assert shown["holder"]["name"] == "ERIKSSON, ANNA MARIA"
    assert shown["holder"]["date_of_birth"] == "1974-08-12"
    assert [step["mark"] for step in shown["steps"]] == ["done", "done", "done"]
    assert base64.b64encode(PICTURE).decode() not in out
    assert PICTURE.hex().upper() not in out.upper()


def test_without_trust_it_is_not_proven(present, capsys) -> None:
    present(Document())
    code, out = read(capsys, "--can", CAN)
    assert code in (0, 1)
    assert "EMRTD-073" in out
    assert not out.startswith("verdict          good")


def test_a_lie_ends_with_1_and_names_rule_and_cases(present, trust, capsys) -> None:
    present(LIES["a group altered after signing"][1])
    code, out = read(capsys, "--can", CAN, "--trust", str(trust), "--json")
    (finding,) = json.loads(out)["findings"]
    assert (code, finding["rule"], finding["where"], finding["cases"]) == (1, "EMRTD-072", "EF.DG11", "LDS_D_6")


def test_the_zone_typed_is_compared_with_dg1(present, trust, capsys) -> None:
    present(Document())
    typed = MRZ.text.replace("ANNA", "ANNE")
    code, out = read(capsys, "--mrz", typed, "--trust", str(trust), "--json")
    assert (code, [finding["rule"] for finding in json.loads(out)["findings"]]) == (1, ["EMRTD-044"])


def test_the_page_shows_the_face_and_needs_nothing_else(present, trust, capsys, tmp_path) -> None:
    document = Document()
    present(document)
    assert read(capsys, "--can", CAN, "--trust", str(trust), "--out", str(tmp_path / "out"))[0] == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"data:image/jpeg;base64,{base64.b64encode(PICTURE).decode()}" in page
    assert "ERIKSSON" in page
    assert not any(word in page for word in ("http://", "https://", "<script", 'src="/'))
    assert (tmp_path / "out" / "EF.DG2.bin").read_bytes() == document.files()["EF.DG2"]
    evidence = json.loads((tmp_path / "out" / "active-authentication.json").read_text())
    assert set(evidence) == {"challenge", "signature", "hash"}


def test_the_page_shows_a_face_of_the_newer_form(present, capsys, tmp_path) -> None:
    present(Document(groups={2: build_dg2_39794(PICTURE)}))
    read(capsys, "--can", CAN, "--out", str(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"data:image/jpeg;base64,{base64.b64encode(PICTURE).decode()}" in page


def test_what_a_chip_says_is_no_markup(present, capsys, tmp_path) -> None:
    from cardkit.apps.emrtd.details import Details

    evil = Details.of(11, {"personal_number": "<script>alert(1)</script>"}).build()
    present(Document(groups={11: evil}))
    read(capsys, "--can", CAN, "--out", str(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(("word", "secret"), [("--can", CAN), ("--pin", PIN), ("--mrz", "L898902C3,740812,301115")])
def test_secrets_come_from_a_descriptor(present, trust, capsys, word, secret) -> None:
    present(Document())
    reading, writing = os.pipe()
    os.write(writing, f"{secret}\n".encode())
    os.close(writing)
    try:
        code, out = read(capsys, "--trust", str(trust), "--passphrase-fd", str(reading), word)
    finally:
        os.close(reading)
    assert code == 0
    assert out.startswith("verdict          good")


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """Return the options of a terminal, whose key is in the store every command opens."""
    words = ["--terminal-key", "test:p256-3"]
    for at, one in enumerate((VERIFIER, OWN)):
        path = tmp_path / f"{at}.cvc"
        path.write_bytes(one.der)
        words += ["--certificate", str(path)]
    monkeypatch.setattr(id_read, "open_keystore", lambda *_: opened_store(issuers.STORE))
    return words


def test_a_chip_is_probed_with_its_authoritys_key_or_says_what_was_not(present, trust, capsys, terminal) -> None:
    words = ("--can", CAN, "--trust", str(trust), *terminal, "--probe", "--json")
    found = []
    for more in ((), ("--authority-key", "test:p256-1")):
        present(with_fingers())
        code, out = read(capsys, *words, *more)
        assert code == 0
        found.append([one["actual"] for one in json.loads(out)["findings"] if one["rule"] == "EMRTD-035"])
    assert found == [["not checked: the key of the chip's own authority is not here"], []]


def test_fingers_are_read_with_a_chain_and_not_shown(present, trust, capsys, terminal) -> None:
    present(with_fingers())
    code, out = read(capsys, "--can", CAN, "--trust", str(trust), *terminal, "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["files"]["EF.DG3"] == len(FINGERS)
    assert shown["refused"] == {"EF.DG4": "6982"}
    assert FINGERS.hex().upper() not in out.upper()


@contextmanager
def opened_store(store):
    yield store


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "expected --mrz or --can"),
        (("--can", "12345X"), 4, "expected digits"),
        (("--mrz", "L898902C3"), 4, "expected the zone"),
        (("--mrz", "L898902C3,740812,3011"), 4, "YYMMDD"),
        (("--mrz", "L898902C3,741312,301115"), 4, "YYMMDD"),
        (("--mrz", MRZ.text[:53] + "0" + MRZ.text[54:]), 4, "check digit"),
        (("--can", "999999"), 5, "the CAN is another"),
        (("--can", CAN, "--terminal-key", "x"), 2, "--certificate and --terminal-key"),
        (("--can", CAN, "--authority-key", "x"), 2, "--authority-key: expected --probe"),
    ],
)
def test_what_is_wrong_is_said(present, capsys, words, code, said) -> None:
    present(Document())
    assert run(["id", "read", "--reader", "virtual:emrtd-native", *AT, *words]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") <= (1 if code != 2 else 4)
    assert "L898902C3" not in error


@pytest.mark.parametrize(
    ("seam", "said"),
    [("usim", "no travel document on this card"), ("emrtd-native", "no travel document on this card")],
)
def test_a_card_that_is_no_document_is_one_line(capsys, seam, said) -> None:
    assert run(["id", "read", "--reader", f"virtual:{seam}", "--can", CAN]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_password_that_a_document_does_not_have_is_said(present, capsys) -> None:
    present(replace(Document(), without=("8002",)))
    assert run(["id", "read", "--reader", "virtual:emrtd-native", *AT, "--can", CAN]) == 1
    assert "the document has no CAN" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "verdict", "why"),
    [
        ((), "not proven", "document signer: not checked: no trust store given; expected: a chain to a trusted CSCA"),
        (("--at", "2031-01-01T12:00:00Z"), "not proven", "document signer: not checked: no trust store given"),
    ],
)
def test_the_gravest_finding_is_the_line_below_the_verdict(present, capsys, words, verdict, why) -> None:
    present(Document())
    _, out = read(capsys, "--can", CAN, *words)
    first, second, *_ = out.splitlines()
    assert first.split(maxsplit=1) == ["verdict", verdict]
    assert second.split(maxsplit=1)[0] == "why"
    assert why in second


def test_a_signer_of_three_months_is_good_ten_years_later(present, trust, capsys) -> None:
    """Its key signed while it was in use: the day of issue is all that a document without signing time says."""
    unsigned_time = replace(Document(), signing=None)
    later = ("--at", f"{NOW.year + 5}-01-01T12:00:00Z", "--json")
    present(unsigned_time)
    _, out = read(capsys, "--can", CAN, "--trust", str(trust), *later)
    (found,) = [one for one in json.loads(out)["findings"] if one["rule"] == "EMRTD-075"]
    assert found["actual"].startswith("not checked: the document says neither")
    issued = Details.of(12, {"date_of_issue": f"{issuers.NOW:%Y%m%d}"}).build()
    present(replace(unsigned_time, groups={12: issued}))
    _, out = read(capsys, "--can", CAN, "--trust", str(trust), *later)
    shown = json.loads(out)
    assert "EMRTD-075" not in {one["rule"] for one in shown["findings"]}
    assert shown["holder"]["date_of_issue"] == f"{issuers.NOW:%Y-%m-%d}"
