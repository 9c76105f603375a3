"""``cardkit gp info|list|tree|identify`` on virtual cards made by others, and on scripted ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardkit.cli import gp_read, gp_session, keys_option
from cardkit.cli.app import run
from cardkit.cli.gp import VERBS
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.target import Card
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

from .conftest import FCI, SELECT, CardMaker, Script, vectors

SCP02, SCP03 = "virtual:gp-scp02", "virtual:gp-scp03"
ISD = "A000000151000000"
SSD_PACKAGE = "A0000001515350"

Call = Callable[..., str]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a verb that must end with the given code; return stdout, or stderr of a failure."""
    monkeypatch.chdir(tmp_path)

    def run_verb(*words: str, code: int = 0) -> str:
        capsys.readouterr()
        got = run(["gp", *words])
        out, err = capsys.readouterr()
        assert got == code, err
        return out if code == 0 else err

    return run_verb


def read_json(call: Call, *words: str) -> Any:
    return json.loads(call(*words, "--json"))


@pytest.mark.parametrize(
    ("reader", "protocol", "key"), [(SCP02, "SCP02 i=55", "DES 128"), (SCP03, "SCP03 i=70", "AES 128")]
)
def test_info(reader: str, protocol: str, key: str, call: Call) -> None:
    document = read_json(call, "info", "--reader", reader)
    assert document["domain"] == ISD
    assert protocol in document["recognition"]["protocols"]
    initial = [(item["kid"], item["type"]) for item in document["keys"] if item["kvn"] == "FF"]
    assert initial == [("01", key), ("02", key), ("03", key)]
    assert document["cplc"]["ic_fabrication_date"]["means"].startswith("20")
    assert document["cplc"]["personalization_date"]["means"] == "not set"
    assert document["troubles"] == {}
    text = call("info", "--reader", reader)
    for words in (f"{ISD} (issuer security domain)", protocol, key, "ic fabrication date", "not set", "bytes of RAM"):
        assert words in text


@pytest.mark.parametrize("reader", [SCP02, SCP03])
def test_list(reader: str, call: Call) -> None:
    document = read_json(call, "list", "--reader", reader)
    isd = document[0]
    assert (isd["kind"], isd["aid"], isd["state"]) == ("issuer security domain", ISD, "OP_READY")
    assert "card terminate" in isd["privileges"]
    package = next(entry for entry in document if entry["aid"] == SSD_PACKAGE)
    assert (package["kind"], package["name"], package["state"]) == ("load file", "security domain package", "LOADED")
    text = call("list", "--reader", reader)
    assert [line.split()[0] for line in text.splitlines()][:2] == ["kind", "issuer"]
    assert "OP_READY" in text


def test_tree(call: Call) -> None:
    (isd,) = read_json(call, "tree", "--reader", SCP03)
    assert isd["aid"] == ISD
    assert SSD_PACKAGE in [child["aid"] for child in isd["children"]]
    lines = call("tree", "--reader", SCP03).splitlines()
    assert lines[0] == f"{ISD}  issuer security domain: OP_READY"
    assert f"  {SSD_PACKAGE}  load file (1.0 security domain package): LOADED" in lines
    assert "      module A000000151535041" in lines


@pytest.mark.parametrize("level", ["00", "01", "03", "11", "13", "33"])
def test_list_at_every_level(level: str, call: Call) -> None:
    words = ("list", "--reader", SCP03, "--key-set", "FF=test:gp-default", "--level", level, "--scp", "03:70")
    assert read_json(call, *words)[0]["aid"] == ISD


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["list", "--reader", SCP03, "--level", "34"], 4, "security level 34: SCP03 i=70 cannot have it"),
        (["list", "--reader", SCP03, "--level", "0x1"], 4, "--level 0x1: expected hexadecimal"),
        (["list", "--reader", SCP03, "--scp", "02:55"], 1, "card uses SCP03 i=70, expected one of SCP02 i=55"),
        (["list", "--reader", SCP03, "--scp", "03"], 4, "--scp 03: expected protocol and option"),
        (["list", "--reader", SCP03, "--scp", "03:02"], 4, "SCP03 i=02"),
        (["list", "--reader", SCP03, "--key-set", "FF=test:gp-default/kdf3"], 5, "no try was spent"),
        (["list", "--reader", SCP03, "--key-set", "30=test:gp-default"], 1, "key version 30: card answered 6A88"),
        (["list", "--reader", SCP03, "--key-set", "plant:nothing"], 4, "plant:nothing"),
        (["list", "--reader", SCP03, "--key-set", "nonsense"], 4, "key set 'nonsense'"),
        (["info", "--reader", SCP03, "--aid", "A000"], 4, "--aid: got 2 bytes"),
        (["info", "--reader", SCP03, "--aid", "A00000015153504199"], 1, "SELECT A00000015153504199: card answered"),
        (["info", "--reader", "virtual:usim"], 1, "SELECT of the issuer security domain"),
        (["identify", "--reader", SCP03, "--key", "30=test:gp-default", "--key", "test:gp-default"], 4, "00, 30"),
    ],
)
def test_mistakes_are_one_line_and_an_exit_code(words: list[str], code: int, text: str, call: Call) -> None:
    said = call(*words, code=code)
    assert text in said
    assert [line for line in said.splitlines() if not line.startswith("warning: ")] == [said.splitlines()[-1]]


def test_a_key_that_is_given_and_published_is_one_match(call: Call) -> None:
    words = ("identify", "--reader", SCP03, "--key", "test:gp-default")
    assert len(read_json(call, *words)["matches"]) == 1
    assert sum("fits, MAC proved" in line for line in call(*words).splitlines()) == 1


ROOT = str(Path(__file__).parents[3] / "profiles" / "gp" / "gp-test" / "maker-root.pem")


def test_scp11b_opens_and_may_manage_nothing(call: Call) -> None:
    """In variant b the card does not know who the host is (Amd F)."""
    words = ("list", "--reader", SCP03, "--scp11", "b:01", "--root", ROOT)
    assert "GET STATUS 80: card answered 6982" in call(*words, code=1)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--scp11", "b:01"], 2, "--scp11 needs --root"),
        (["--root", ROOT], 2, "belong to --scp11"),
        (["--scp11", "d:01", "--root", ROOT], 4, "expected variant and key version"),
        (["--scp11", "a:01", "--root", ROOT], 2, "belong to SCP11 a and c"),
        (["--scp11", "b:01", "--root", __file__], 4, "--root"),
        (["--scp11", "a:01", "--root", ROOT, "--host-key", "x", "--host-chain", ROOT], 4, "--host-key x"),
        (["--scp11", "a:01", "--root", ROOT, "--host-key", "3=x:y", "--host-chain", ROOT], 4, "--host-key 3=x:y"),
        (["--scp11", "a:01", "--root", ROOT, "--host-key", "03=x:y", "--host-chain", ROOT], 4, "--host-chain"),
        (["--scp11", "b:07", "--root", ROOT], 1, "GET DATA BF21 of key 13/07"),
    ],
)
def test_what_is_missing_for_scp11_is_said(words: list[str], code: int, text: str, call: Call) -> None:
    assert text in call("list", "--reader", SCP03, *words, code=code)


@pytest.mark.parametrize(
    ("reader", "reference", "proves"),
    [(SCP02, "test:gp-default-3des", "ENC"), (SCP03, "test:gp-default", "MAC")],
)
def test_identify_finds_the_published_key_and_warns(
    reader: str, reference: str, proves: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    document = read_json(call, "identify", "--reader", reader)
    assert [match["key_set"] for match in document["matches"]] == [f"00={reference}"]
    assert (document["kvn"], document["proves"], document["impossible"]) == ("FF", proves, [])
    assert run(["gp", "identify", "--reader", reader, "--key", reference]) == 0
    out, err = capsys.readouterr()
    assert f"fits, {proves} proved" in out
    assert "does not fit" in out
    assert err.startswith("warning: key version FF has keys everybody knows (GlobalPlatform default)")


# A card whose registry the tests write themselves


def play(scripted: CardMaker, monkeypatch: pytest.MonkeyPatch, *script: Script) -> None:
    """Make the verbs open a scripted card."""

    def opened(reader: str) -> Card:
        return Card(
            LoopbackConnection(scripted((SELECT, FCI), *script), protocol=TransmissionProtocol.T1, reader=reader)
        )

    monkeypatch.setattr(gp_read, "open_card", opened)
    monkeypatch.setattr(gp_session, "open_card", opened)


DATA = {case["name"]: case["in"]["data"] for case in vectors("get-data") + vectors("get-data-quirk") + vectors("cplc")}


def test_info_of_a_card_that_refuses_and_garbles(
    scripted: CardMaker, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    script = [
        ("80CA006600", DATA["crd-scp03-60-scp11-multibyte"] + "9000"),
        ("80CA006700", DATA["cci-double-67"] + "9000"),
        ("80CA00E000", DATA["key-info-template-extended-rsa"] + "9000"),
        ("80CA9F7F00", "9F7F00 9000"),
        ("80CAFF2100", "6A88"),
        ("80CA2F0000", "6109 4F07 A0000000041010 9000"),
        ("80CA004200", "6985"),
        ("80CA004500", "4502AABB 9000"),
        *((f"80CA00{tag}00", "6A88") for tag in ("C1", "C2", "CF")),
    ]
    play(scripted, monkeypatch, *script)
    text = call("info", "--reader", "scripted")
    assert "SCP03 i=60, SCP11 i=9B06" in text
    assert "RSA public N 1024, RSA public e 24  DAP    domain and its applications" in text
    assert "note: 67 stands inside 67" in text
    assert "cplc: GET DATA 9F7F: CPLC: got 3 bytes" in text
    assert "issuer number: GET DATA 42: card answered 6985" in text
    assert "card number      AABB" in text
    assert "applications     A0000000041010" in text
    assert "load file hashes" in text


def test_info_of_a_card_that_gives_nothing(scripted: CardMaker, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    tags = ("0066", "0067", "00E0", "9F7F", "FF21", "2F00", "0042", "0045", "00C1", "00C2", "00CF")
    play(scripted, monkeypatch, *((f"80CA{tag}00", "6D00") for tag in tags))
    assert call("info", "--reader", "scripted").splitlines()[-1] == f"domain    {ISD} (issuer security domain)"


def test_unknown_keys_are_never_tried(scripted: CardMaker, monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    monkeypatch.setattr("secrets.token_bytes", bytes)
    greeting = "00010203040506070809FF0370" + "11" * 16 + "000001"
    script = [("80CA006600", "6A88"), ("80CA006700", "6A88"), ("8050000008000000000000000000", greeting + "9000")]
    play(scripted, monkeypatch, *script)
    said = call("list", "--reader", "scripted", code=4)
    assert said == ("error: key version FF of this card has no published key, no try was spent: give --key-set\n")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_of_the_group_has_help(verb: str, call: Call) -> None:
    assert f" gp {verb} " in call(verb, "-h").splitlines()[0]


def test_keys_of_a_file_open_the_session(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []

    def from_file(url: str, descriptor: int | None) -> MemoryKeyStore:
        opened.append((url, descriptor))
        return MemoryKeyStore({"plant:isd": Key(bytes(range(0x40, 0x50)), "isd", "AES-128", Usage.SECURE_CHANNEL)})

    monkeypatch.setattr(keys_option, "open_keystore", from_file)
    words = ("list", "--reader", SCP03, "--keys", "file:plant.keys", "--key-set", "FF=plant:isd")
    assert read_json(call, *words)[0]["aid"] == ISD
    assert opened == [("file:plant.keys", None)]
