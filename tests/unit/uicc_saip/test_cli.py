"""``cardkit saip`` from the command line."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from cardkit.apps.uicc.saip.package import Package
from cardkit.cli.app import run

from .conftest import SAMPLE

ORDER = Path(__file__).parents[3] / "profiles" / "sim" / "usim-test" / "order.csv"


@pytest.fixture
def roomy_file(roomy: Package, tmp_path: Path) -> Path:
    path = tmp_path / "roomy.der"
    path.write_bytes(roomy.build())
    return path


def test_show_prints_the_tree_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["saip", "show", str(SAMPLE)]) == 0
    assert "EF.IMSI 6F07  imsi: 001010000000997" in capsys.readouterr().out
    assert run(["saip", "show", str(SAMPLE), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["format"] == "cardkit-saip-1"


def test_a_package_is_filled_compiled_and_runs(
    roomy_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled, image = tmp_path / "one.der", tmp_path / "one.toml"
    words = ["saip", "personalize", str(roomy_file), "sim/usim-test", "--order", str(ORDER), "--record", "2"]
    assert run([*words, "--out", str(filled)]) == 0
    assert run(["saip", "image", str(filled), "--out", str(image)]) == 0
    assert "left out: PIN2 of DF.TELECOM" in capsys.readouterr().err
    assert run(["dump", "--reader", f"virtual:{image}"]) == 0
    assert "EF.ICCID 2FE2  iccid: 8999901000000000021" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_files_with_keys_are_their_owners_alone(roomy_file: Path, tmp_path: Path) -> None:
    image = tmp_path / "one.toml"
    assert run(["saip", "image", str(roomy_file), "--out", str(image)]) == 0
    assert stat.S_IMODE(image.stat().st_mode) == 0o600


def test_what_is_no_package_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "half.der"
    path.write_bytes(SAMPLE.read_bytes()[:5000])
    assert run(["saip", "show", str(path)]) == 4
    assert f"{path}: TLV object" in capsys.readouterr().err


def test_no_secret_of_a_record_is_printed(roomy_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["saip", "personalize", str(roomy_file), "sim/usim-test", "--order", str(ORDER), "--record", "1"]
    assert run([*words, "--out", str(tmp_path / "one.der")]) == 0
    assert run(["saip", "show", str(tmp_path / "one.der"), "--json"]) == 0
    printed = capsys.readouterr()
    row = ORDER.read_text(encoding="utf-8").splitlines()[1].split(",")
    for secret in row[3:]:
        assert secret not in printed.out + printed.err
        assert secret.encode().hex().upper() not in printed.out


def test_a_package_is_planned_for_a_chip(roomy_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, order = tmp_path / "made", tmp_path / "order.csv"
    words = ["saip", "plan", str(roomy_file), "--chip", "virtual-uicc-bare", "--out", str(out), "--order", str(order)]
    assert run(words) == 0
    printed = capsys.readouterr()
    assert "write  ADF.USIM/EF.IMSI exists" in printed.out
    assert "not as in the package: ADF.CSIM/EF.FDN: shares the body of ADF.USIM/EF.FDN" in printed.err
    assert order.read_bytes().splitlines()[0] == b"iccid,imsi,msisdn,ki,adm1"
    assert 'algorithm = "xor"' in (out / "profile.toml").read_text(encoding="utf-8")


def test_a_chip_that_is_no_uicc_is_refused(roomy_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["saip", "plan", str(roomy_file), "--chip", "virtual-gp-scp03"]) == 4
    assert "has no table chip.uicc" in capsys.readouterr().err


def test_a_chip_with_a_security_domain_needs_the_issuers_keys(
    roomy_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["saip", "plan", str(roomy_file), "--chip", "virtual-usim-5g-gp"]
    assert run(words) == 4
    assert "uicc.auth.issuer is missing" in capsys.readouterr().err
    assert run([*words, "--issuer", "30=test:isd"]) == 0
    assert "ADF.USIM/K = <record>, by STORE DATA under KVN 30" in capsys.readouterr().out
