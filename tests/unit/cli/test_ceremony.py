"""``cardkit keys ceremony``: components by letter or new ones, people who may do it, a transcript without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli import keys_session
from cardkit.cli.app import run
from cardkit.cli.secrets_input import Prompt
from cardkit.crypto import Key, Secret, Usage, passphrase
from cardkit.crypto.custodians import enrol
from cardkit.crypto.filestore import FileKeyStore, inventory
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.management import NewKey
from cardkit.production import open_store
from cardkit.production.audit.checkpoints import signer_of
from cardkit.production.audit.report import read_report
from cardkit.production.people import accounts
from cardkit.production.people.roles import Role

COMPONENTS = ["9A1C5F7703E2D4B86C21F0A97E3344D1", "0E9A7741E84385BE7AE4B5831ADE6F21"]
KEY = bytes(a ^ b for a, b in zip(*(bytes.fromhex(part) for part in COMPONENTS), strict=True))
PARTS = [kcv("AES-128", bytes.fromhex(part), KCVMethod.CMAC_5) for part in COMPONENTS]
KCV = kcv("AES-128", KEY, KCVMethod.CMAC_5)
MASTER = ["--algorithm", "AES-128", "--usage", "master-derive", "--kcv-method", "cmac_zero_block_5"]
TWO = ["--by", "carl", "--by", "cleo"]
PEOPLE = {
    "root": [Role.ADMINISTRATOR], "carl": [Role.CUSTODIAN], "cleo": [Role.CUSTODIAN],
    "otto": [Role.SECURITY_OFFICER], "sven": [Role.SUPERVISOR],
}  # fmt: skip
PLANT = "sqlite:///plant.db"
LACKING = "a key ceremony needs custodian and custodian"
Call = Callable[..., tuple[int, str, str]]


def password(name: str) -> str:
    return f"the password of {name}"


def typed(*, signing: tuple[str, ...] = ("carl", "cleo", "otto"), officer: bool = True, **changed: str) -> list[str]:
    """What people type, in order; some of it changed by name: ``letter 1``, ``component 2``, ``password carl``."""
    words = changed
    lines = ["store phrase"]
    if officer:
        lines.append(words.get("password_otto", password("otto")))
    for number, name in enumerate(("carl", "cleo"), 1):
        lines += [
            words.get(f"password_{name}", password(name)),
            words.get(f"component_{number}", COMPONENTS[number - 1]),
            words.get(f"letter_{number}", PARTS[number - 1]),
            f"E-{number}",
        ]
    return lines + [words.get(f"signs_{name}", password(name)) for name in signing]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Call:
    """Hold a ceremony with these lines on a pipe."""

    def held(*words: str, lines: list[str]) -> tuple[int, str, str]:
        ours, theirs = os.pipe()
        os.write(theirs, "".join(f"{line}\n" for line in lines).encode())
        os.close(theirs)
        arguments = ["keys", "ceremony", "plant:kmc", "--store", "plant.keys", *MASTER, "--transcript", "kmc.json"]
        try:
            code = run([*arguments, *words, "--passphrase-fd", str(ours)])
        finally:
            os.close(ours)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return held


@pytest.fixture
def plant(own_folder: Path) -> None:
    """A LIVE store with people, and a LIVE key store."""
    with open_store(PLANT, operator="root", kind="LIVE", create=True) as store:
        for name, roles in PEOPLE.items():
            accounts.add(store, name, name, roles, Secret(password(name).encode(), name))
            if name == "root":
                accounts.log_in(store, name, Secret(password(name).encode(), name))
    FileKeyStore.create(Path("plant.keys"), "LIVE", Secret(b"store phrase", "p")).close()


WITH_PLANT = ["--plant", PLANT, "--officer", "otto", *TWO, "--kcv", KCV]


@pytest.mark.requirement("K4")
@pytest.mark.requirement("K5")
@pytest.mark.requirement("K17")
@pytest.mark.usefixtures("plant")
def test_a_key_comes_in_parts_and_leaves_a_signed_transcript(call: Call) -> None:
    code, out, err = call(*WITH_PLANT, "--kvn", "30", lines=typed())
    assert (code, out.splitlines()[0]) == (0, "KEY CEREMONY")
    assert f"key of 2 components: KCV {KCV} (cmac_zero_block_5), as in the letter" in err
    with FileKeyStore.open(Path("plant.keys"), Secret(b"store phrase", "p")) as keys:
        assert Key(KEY, "x", "AES-128", Usage.MASTER_DERIVE) == keys._key("plant:kmc")
    with open_store(PLANT, operator="otto") as store:
        said: dict[str, Any] = read_report(Path("kmc.json"), signer_of(store).public) or {}
        kinds = [link.kind for link in store.audit_events("office")]
    assert [(part["custodian"], part["kcv"], part["envelope"]) for part in said["parts"]] == [
        ("carl", PARTS[0], "E-1"), ("cleo", PARTS[1], "E-2"),
    ]  # fmt: skip
    assert (said["kcv"], said["officer"], said["key_store"], len(said["software_sha256"])) == (KCV, "otto", "LIVE", 64)
    assert kinds.count("CEREMONY") == 1
    assert kinds.count("LOGIN") == 1 + 6


@pytest.mark.requirement("K6")
@pytest.mark.requirement("K17")
@pytest.mark.usefixtures("plant")
def test_no_component_key_or_password_is_written_anywhere(call: Call, own_folder: Path) -> None:
    _, out, err = call(*WITH_PLANT, lines=typed())
    said = (out + err).encode() + b"".join(path.read_bytes() for path in own_folder.rglob("*") if path.is_file())
    for secret in (*COMPONENTS, KEY.hex(), *map(password, PEOPLE)):
        assert secret.encode() not in said
        assert secret.lower().encode() not in said
    assert bytes.fromhex(COMPONENTS[0]) not in said
    assert KEY not in said


@pytest.mark.requirement("K4")
@pytest.mark.requirement("K5")
@pytest.mark.requirement("R4")
@pytest.mark.usefixtures("plant")
@pytest.mark.parametrize(
    ("words", "lines", "message"),
    [
        (WITH_PLANT, typed(letter_1="000000"), "component 1, by carl: KCV"),
        (WITH_PLANT, typed(component_2=COMPONENTS[0], letter_2=PARTS[0]), "components: the result is all zero"),
        (["--plant", PLANT, "--officer", "otto", *TWO, "--kcv", "000000"], typed(), "the letter says 000000"),
        (WITH_PLANT, typed(password_carl="not the password"), "unknown name or wrong password"),
        (WITH_PLANT, typed(signs_cleo="not the password"), "unknown name or wrong password"),
        (WITH_PLANT, typed(component_1="12zz"), "expected pairs of hex digits"),
        (WITH_PLANT, typed()[:-1], "ended, expected a line with password of otto"),
        (["--plant", PLANT, "--officer", "sven", *TWO, "--kcv", KCV],
         typed(password_otto=password("sven"), signs_otto=password("sven")), LACKING),
        (["--plant", PLANT, "--officer", "otto", "--by", "carl", "--by", "otto", "--kcv", KCV],
         typed(password_cleo=password("otto"), signs_cleo=password("otto")), LACKING),
        (["--plant", PLANT, "--officer", "otto", "--by", "carl", "--by", "carl", "--kcv", KCV],
         typed(password_cleo=password("carl"), signs_cleo=password("carl")), LACKING),
        (["--plant", PLANT, "--officer", "otto", *TWO], typed(), "one of them"),
        ([*WITH_PLANT, "--new"], typed(), "one of them"),
        (["--plant", PLANT, "--officer", "otto", *TWO, "--new"], typed(), "which needs a terminal"),
        (["--officer", "otto", *TWO, "--kcv", KCV], typed(), "whose audit key signs the transcript, or --sign"),
    ],
)  # fmt: skip
def test_a_ceremony_that_fails_leaves_no_key_and_no_transcript(
    call: Call, words: list[str], lines: list[str], message: str
) -> None:
    before = Path("plant.keys").read_bytes()
    code, _, err = call(*words, lines=lines)
    assert (code, message in err) == (4, True), err
    assert Path("plant.keys").read_bytes() == before
    assert not Path("kmc.json").exists()


@pytest.mark.requirement("K4")
def test_without_a_plant_the_key_store_knows_its_custodians(call: Call, capfd: pytest.CaptureFixture[str]) -> None:
    people = enrol([(name, Secret(password(name).encode(), name)) for name in ("carl", "cleo")])
    with FileKeyStore.create(Path("plant.keys"), "LIVE", Secret(b"store phrase", "p"), custodians=people) as keys:
        keys.generate(NewKey("plant:audit", "ED25519", Usage.AUDIT_SIGN))
        public = keys.public_key_info("plant:audit")
    alone = ["--officer", "otto", "--sign", "plant:audit", "--kcv", KCV]
    lines = typed(officer=False, signing=("carl", "cleo"))
    assert call(*alone, *TWO, lines=lines)[0] == 0
    said = read_report(Path("kmc.json"), public)
    assert said is not None
    assert (said["kcv"], said["installation"]) == (KCV, "")
    assert [entry.reference for entry in inventory(Path("plant.keys"))[1]] == ["plant:audit", "plant:kmc"]
    with FileKeyStore.open(Path("plant.keys"), Secret(b"store phrase", "p")) as keys:
        keys.destroy("plant:kmc")
    code, _, err = call("--officer", "carl", "--sign", "plant:audit", "--kcv", KCV, *TWO, lines=lines)
    assert (code, "carl watches over it and cannot bring a component" in err) == (4, True)


@pytest.mark.requirement("K4")
@pytest.mark.usefixtures("plant")
def test_new_components_are_shown_to_one_custodian_at_a_time(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Person(Prompt):
        def secret(self, what: str) -> Secret:
            answers = {"passphrase of plant.keys": "store phrase", **{f"password of {n}": password(n) for n in PEOPLE}}
            return Secret(answers.get(what, "E-7").encode(), what)

    shown: list[str] = []
    monkeypatch.setattr("cardkit.cli.keys.source", lambda descriptor: Person())
    monkeypatch.setattr(keys_session.click, "pause", lambda *words, **options: shown.append("pause"))
    monkeypatch.setattr(keys_session.click, "clear", lambda: shown.append("clear"))
    words = ["--store", "plant.keys", *MASTER, "--plant", PLANT, "--officer", "otto", *TWO, "--new"]
    assert run(["keys", "ceremony", "plant:kmc", *words, "--transcript", "kmc.json"]) == 0
    parts = [line.partition("   KCV ")[0] for line in capfd.readouterr().err.splitlines() if "   KCV " in line]
    assert shown == ["pause", "pause", "clear"] * 2
    values = [bytes.fromhex(part) for part in parts]
    key = bytes(a ^ b for a, b in zip(*values, strict=True))
    with FileKeyStore.open(Path("plant.keys"), Secret(b"store phrase", "p")) as keys:
        assert Key(key, "x", "AES-128", Usage.MASTER_DERIVE) == keys._key("plant:kmc")


@pytest.mark.requirement("K12")
def test_a_key_is_destroyed_by_two_who_log_in_and_leaves_a_certificate(capfd: pytest.CaptureFixture[str]) -> None:
    people = enrol([(name, Secret(password(name).encode(), name)) for name in ("carl", "cleo")])
    with FileKeyStore.create(Path("plant.keys"), "LIVE", Secret(b"store phrase", "p"), custodians=people) as keys:
        keys.generate(NewKey("plant:audit", "ED25519", Usage.AUDIT_SIGN))
        entry = keys.generate(NewKey("plant:kmc", "AES-128", Usage.MASTER_DERIVE))
        public = keys.public_key_info("plant:audit")

    def destroy(*words: str) -> tuple[int, str]:
        ours, theirs = os.pipe()
        os.write(theirs, f"store phrase\n{password('carl')}\n{password('cleo')}\n".encode())
        os.close(theirs)
        try:
            code = run(
                ["keys", "destroy", *words, "--store", "plant.keys", *TWO, "--yes", "--passphrase-fd", str(ours)]
            )
        finally:
            os.close(ours)
        return code, capfd.readouterr().err

    code, err = destroy("plant:kmc", "--certificate", "gone.json")
    assert (code, "--sign and --certificate go together" in err) == (4, True)
    code, err = destroy("plant:audit", "--certificate", "gone.json", "--sign", "plant:audit")
    assert (code, "cannot sign the certificate of its own destruction" in err) == (4, True)
    assert len(inventory(Path("plant.keys"))[1]) == 2
    assert destroy("plant:kmc", "--certificate", "gone.json", "--sign", "plant:audit")[0] == 0
    assert [left.reference for left in inventory(Path("plant.keys"))[1]] == ["plant:audit"]
    said = read_report(Path("gone.json"), public)
    assert said is not None
    assert (said["reference"], said["kcv"], said["by"]) == ("plant:kmc", entry.kcv, ["carl", "cleo"])
