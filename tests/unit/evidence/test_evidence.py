"""Evidence packs: all there, and no byte of them changes unseen."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.crypto import Key, MemoryKeyStore, Usage, auditsign
from cardkit.errors import ProfileError, StoreError
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.audit.offline import verify_export
from cardkit.production.audit.statement import EVIDENCE, Signer, Statement
from cardkit.production.evidence.archive import SEAL_BYTES, write_pack
from cardkit.production.evidence.offline import verify_evidence
from cardkit.production.evidence.pack import write_evidence
from cardkit.production.store import Store
from cardkit.profile import load_profile
from tests.unit.evidence.conftest import BATCH

Pairs = list[tuple[str, str]]


def found(path: Path, public: bytes) -> Pairs:
    return [(finding.code, finding.file) for finding in verify_evidence(path, public).findings]


def unpacked(pack: Path) -> dict[str, bytes]:
    with ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, files: dict[str, bytes], comment: bytes = b"") -> Path:
    with ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.comment = comment
    return path


@pytest.fixture(scope="session")
def other() -> Signer:
    """A key of somebody else."""
    seed = Key(bytes(range(32)), "seed", "HMAC-256", Usage.MASTER_DERIVE)
    return Signer(MemoryKeyStore({"test:other": auditsign.key_of_seed(seed, "other")}), "test:other")


def test_a_pack_proves_its_batch_without_the_store(pack: Path, public: bytes, tmp_path: Path) -> None:
    alone = Path(shutil.copy(pack, tmp_path / "alone.zip"))
    done = verify_evidence(alone, public)
    assert (done.findings, done.cards, done.sha256) == ([], 3, hashlib.sha256(pack.read_bytes()).hexdigest())
    told = done.manifest
    assert told is not None
    assert (told.batch, told.state, told.kind, told.by) == (BATCH, "CLOSED", "TEST", "ana")
    assert set(told.files) == {
        "README.txt", "audit.jsonl", "cards.csv", "junit.xml", "reconciliation.json", "report.html", "report.pdf",
        "results.jsonl",
        "results.csv", "software.cdx.json", "profile/files.sha256", "profile/profile.toml",
        "profile/chips/virtual-usim.toml",
    }  # fmt: skip


def test_what_is_in_it(pack: Path, public: bytes) -> None:
    files = unpacked(pack)
    sheet = json.loads(files["reconciliation.json"])
    assert sheet["equation"] == "3 issued = 2 good + 1 rejected personalized, difference 0"
    assert (sheet["records"]["GOOD"], sheet["records"]["SCRAPPED"], sheet["records"]["CANCELLED"]) == (2, 1, 1)
    cards = list(csv.DictReader(files["cards.csv"].decode().splitlines()))
    assert [(c["row"], c["verdict"], c["evidence_sha256"]) for c in cards] == [
        ("1", "GOOD", "01" * 32), ("2", "SCRAPPED", ""), ("3", "GOOD", "03" * 32),
    ]  # fmt: skip
    audited = verify_export(files["audit.jsonl"].splitlines(keepends=True), public)
    assert (audited.findings, audited.checkpoints["office"] > 0) == ([], True)


def test_the_profile_inside_is_the_one_of_the_batch(pack: Path, plant: Store) -> None:
    files = unpacked(pack)
    digest = plant.batch(BATCH).profile_sha256
    assert hashlib.sha256(files["profile/files.sha256"]).digest() == digest
    for line in files["profile/files.sha256"].decode().splitlines():
        sha256, name = line.split("  ")
        assert hashlib.sha256(files[f"profile/{name}"]).hexdigest() == sha256


def test_the_software_and_what_it_stands_on_are_named(pack: Path) -> None:
    bill = json.loads(unpacked(pack)["software.cdx.json"])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    named = {part["name"] for part in bill["components"]}
    assert {"click", "cryptography", "sqlalchemy", "typing-extensions", "CPython"} <= named
    assert not {"pytest", "mypy", "ruff"} & named
    (digest,) = bill["metadata"]["component"]["properties"]
    assert len(digest["value"]) == 64


def test_the_store_remembers_the_pack(pack: Path, plant: Store) -> None:
    with plant.reading() as connection:
        text = connection.exec_driver_sql("select event from audit where kind = 'EVIDENCE' order by seq").scalar()
    assert json.loads(str(text))["data"]["sha256"] == hashlib.sha256(pack.read_bytes()).hexdigest()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_changed_byte_is_found(pack: Path, public: bytes, tmp_path_factory, data: st.DataObject) -> None:
    whole = bytearray(pack.read_bytes())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    changed = tmp_path_factory.getbasetemp() / "changed.zip"
    changed.write_bytes(whole)
    assert ("SEAL", "") in found(changed, public)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0), extra=st.binary(max_size=40), cut=st.integers(0, 40))
def test_every_added_and_missing_byte_is_found(
    pack: Path, public: bytes, tmp_path_factory, at: int, extra: bytes, cut: int
) -> None:
    whole = pack.read_bytes()
    at %= len(whole) + 1
    other = whole[:at] + extra + whole[at + cut :]
    changed = tmp_path_factory.getbasetemp() / "changed.zip"
    changed.write_bytes(other)
    assert (found(changed, public) == []) == (other == whole)


def _without(files: dict[str, bytes]) -> None:
    del files["junit.xml"]


def _with(files: dict[str, bytes]) -> None:
    files["notes.txt"] = b"all is well"


def _changed(files: dict[str, bytes]) -> None:
    files["cards.csv"] = files["cards.csv"].replace(b"SCRAPPED", b"GOODGOOD")


def _longer(files: dict[str, bytes]) -> None:
    files["cards.csv"] += b"\n"


def _manifest(files: dict[str, bytes]) -> None:
    files["manifest.json"] = files["manifest.json"].replace(b"CLOSED", b"OPENED")


def _unsigned(files: dict[str, bytes]) -> None:
    del files["manifest.sig"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_without, ("MISSING", "junit.xml")),
        (_with, ("ADDED", "notes.txt")),
        (_changed, ("CHANGED", "cards.csv")),
        (_longer, ("CHANGED", "cards.csv")),
        (_manifest, ("SIGNATURE", "manifest.json")),
        (_unsigned, ("SIGNATURE", "manifest.json")),
    ],
)
def test_a_pack_that_was_packed_again_names_its_file(
    pack: Path, public: bytes, tmp_path: Path, change: Callable[[dict[str, bytes]], None], expected: tuple[str, str]
) -> None:
    files = unpacked(pack)
    change(files)
    again = packed(tmp_path / "again.zip", files, pack.read_bytes()[-SEAL_BYTES:])
    assert found(again, public) == [("SEAL", ""), expected]


def test_an_archive_of_the_same_files_is_not_the_pack(pack: Path, public: bytes, tmp_path: Path) -> None:
    again = packed(tmp_path / "again.zip", unpacked(pack), pack.read_bytes()[-SEAL_BYTES:])
    assert found(again, public) == [("SEAL", "")]


@pytest.mark.parametrize("content", [b"", b"x", b"no archive " * 40])
def test_a_file_that_is_no_pack(public: bytes, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert found(path, public) == [("SEAL", ""), ("UNREADABLE", "")]


def _again(pack: Path, folder: Path, signer: Signer, **about: object) -> Path:
    """The pack's files packed by another signer, or with another manifest."""
    files = unpacked(pack)
    told = json.loads(files["manifest.json"])
    for name in ("manifest.json", "manifest.sig"):
        del files[name]
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    kept = {name: value for name, value in told.items() if name not in ("v", "type", "files")}
    out = folder.with_suffix(".zip")
    write_pack(out, folder, kept | about, signer)
    return out


def test_a_forger_with_another_key_proves_nothing(pack: Path, public: bytes, other: Signer, tmp_path: Path) -> None:
    forged = _again(pack, tmp_path / "forged", other)
    assert found(forged, public) == [("SEAL", ""), ("SIGNATURE", "manifest.json")]
    assert found(forged, other.public) == [("AUDIT", "audit.jsonl")]


def test_files_that_contradict_each_other_are_found_under_a_good_signature(
    pack: Path, plant: Store, public: bytes, tmp_path: Path
) -> None:
    signer = signer_of(plant)
    assert found(_again(pack, tmp_path / "same", signer), public) == []
    assert found(_again(pack, tmp_path / "place", signer, installation="other"), public) == [("AUDIT", "audit.jsonl")]
    profile = {"name": "usim-test", "version": 1, "sha256": "00" * 32}
    assert found(_again(pack, tmp_path / "p", signer, profile=profile), public) == [("PROFILE", "profile/files.sha256")]
    assert found(_again(pack, tmp_path / "more", signer, note="x"), public) == [("SIGNATURE", "manifest.json")]
    _again(pack, tmp_path / "cards", signer)
    cards = tmp_path / "cards/cards.csv"
    cards.write_text(cards.read_text().replace("01" * 32, "05" * 32))
    about = json.loads(unpacked(pack)["manifest.json"])
    for name in ("v", "type", "files"):
        del about[name]
    write_pack(tmp_path / "cards.zip", tmp_path / "cards", about, signer)
    assert found(tmp_path / "cards.zip", public) == [("DIGEST", "cards.csv")]


def test_a_signature_covers_the_manifest_as_it_stands(pack: Path, public: bytes) -> None:
    files = unpacked(pack)
    statement = Statement(files["manifest.json"], bytes.fromhex(files["manifest.sig"].decode()))
    assert statement.is_by(public, EVIDENCE)


def test_a_pack_that_cannot_be_written_is_named(plant: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no/b1\.zip: cannot be written"):
        write_evidence(plant, BATCH, tmp_path / "no" / "b1.zip")


def test_a_profile_that_changed_since_is_refused(plant: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardkit.production.evidence.pack.load_profile", lambda path: load_profile("gp/gp-test"))
    with pytest.raises(ProfileError, match="not the profile batch B-1 was imported with"):
        write_evidence(plant, BATCH, tmp_path / "b1.zip")
    assert list(tmp_path.iterdir()) == []
