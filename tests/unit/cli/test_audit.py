"""``cardkit audit``: shown, exported, verified without the store, signed by another key."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cardkit.cli.app import run
from cardkit.crypto import Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.production import open_store
from tests.unit.cli.conftest import ORDER, PROFILE

URL = "sqlite:///plant.db"
STORE = ["--store", URL, "--operator", "ana"]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    def verb(*words: str) -> tuple[int, str, str]:
        code = run(["audit", *words])
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return verb


@pytest.fixture(autouse=True)
def plant(own_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["batch", "import", PROFILE, ORDER, "--name", "B-1", *STORE]) == 0
    capfd.readouterr()


def exported(call: Call) -> list[str]:
    """Export to `audit.jsonl`, put the key beside it; the words that verify them."""
    code, pem, _ = call("key", *STORE)
    assert code == 0
    Path("office.pem").write_text(pem)
    assert call("export", "--out", "audit.jsonl", *STORE)[:2] == (0, "audit.jsonl\n")
    return ["verify", "audit.jsonl", "--key", "office.pem"]


@pytest.mark.requirement("L9")
def test_an_export_is_verified_where_there_is_no_store(call: Call, own_folder: Path) -> None:
    verify = exported(call)
    for left in own_folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        elif left.name not in ("audit.jsonl", "office.pem"):
            left.unlink()
    code, out, err = call(*verify)
    assert (code, out) == (0, "")
    assert err.splitlines()[-1] == "audit is sound"
    assert sorted(path.name for path in own_folder.iterdir()) == ["audit.jsonl", "office.pem"]


def test_findings_are_said_in_words_and_as_json(call: Call) -> None:
    verify = exported(call)
    whole = Path("audit.jsonl").read_text()
    Path("audit.jsonl").write_text(whole.replace("usim-test", "usim-tent"))
    assert Path("audit.jsonl").read_text() != whole
    code, out, _ = call(*verify)
    assert (code, "an event was changed" in out) == (1, True)
    code, out, _ = call(*verify, "--json")
    found = [(one["chain"], one["code"]) for one in json.loads(out)["findings"]]
    assert (code, found) == (1, [("office", "HASH"), ("", "HEAD")])


def test_a_head_of_a_shift_report_tells_an_old_export(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    verify = exported(call)
    assert call(*verify, "--head", f"office={'0' * 16}")[0] == 1
    err = call("verify", *STORE)[2]
    head = next(line for line in err.splitlines() if "office" in line).rpartition(" ")[2]
    assert len(head) == 16
    code, _, err = call(*verify, "--head", "office=12")
    assert (code, "16 digits or more" in err) == (4, True)


def test_the_store_itself_is_verified(call: Call) -> None:
    assert call("verify", *STORE)[0] == 0
    with open_store(URL, operator="ana") as store, store.writing() as connection:
        connection.execute(text("drop trigger audit_update"))
        connection.execute(text("update audit set event = replace(event, 'ana', 'eva')"))
    assert call("verify", *STORE)[0] == 1


def test_events_are_shown(call: Call) -> None:
    code, out, _ = call("show", *STORE)
    assert (code, "IMPORT" in out, "ana" in out) == (0, True, True)
    found: list[dict[str, Any]] = json.loads(call("show", "--json", "--kind", "IMPORT", *STORE)[1])
    assert [(one["event"], one["data"]["imported"]) for one in found] == [("IMPORT", found[0]["data"]["rows"])]
    assert json.loads(call("show", "--json", "--record", "999", *STORE)[1]) == []
    assert json.loads(call("show", "--json", "--chain", "s9", *STORE)[1]) == []
    assert len(json.loads(call("show", "--json", "--last", "1", *STORE)[1])) == 1


def test_file_and_key_belong_together(call: Call) -> None:
    exported(call)
    assert call("verify", "audit.jsonl")[0] == 2
    assert call("verify", "--key", "office.pem")[0] == 2


@pytest.mark.requirement("L4")
def test_another_key_signs_from_now_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    verify = exported(call)
    with FileKeyStore.create(Path("plant.keys"), "TEST", Secret(b"store phrase", "p")) as keys:
        keys.generate(NewKey("plant:audit", "ED25519", Usage.AUDIT_SIGN))

    def with_phrase(*words: str) -> tuple[int, str, str]:
        ours, theirs = os.pipe()
        os.write(theirs, b"store phrase\n")
        os.close(theirs)
        try:
            return call(*words, *STORE, "--login-fd", str(ours))
        finally:
            os.close(ours)

    assert with_phrase("rotate", "plant:audit", "--keys", "file:plant.keys")[0] == 0
    code, _, err = call("export", "--out", "new.jsonl", *STORE)
    assert (code, "signed by key plant:audit, whose key store must be named (--audit-keys)" in err) == (4, True)
    assert with_phrase("export", "--out", "audit.jsonl", "--audit-keys", "file:plant.keys")[0] == 0
    assert call(*verify)[0] == 0
    pem = with_phrase("key", "--audit-keys", "file:plant.keys")[1]
    assert pem != Path("office.pem").read_text()
    Path("office.pem").write_text(pem)
    assert call(*verify)[0] == 0
