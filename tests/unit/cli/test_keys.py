"""``cardkit keys``: custodians, components and key blocks, and secrets that are typed and not shown."""

import json
import os
from pathlib import Path

import pytest

from cardkit.cli.app import run
from cardkit.cli.keys_option import open_keystore
from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore, inventory
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.errors import KeyStoreError

STORE = ["--store", "plant.keys"]
COMPONENTS = ["9A1C5F7703E2D4B86C21F0A97E3344D1", "0E9A7741E84385BE7AE4B5831ADE6F21"]
COMBINED = bytes(a ^ b for a, b in zip(*(bytes.fromhex(part) for part in COMPONENTS), strict=True))
KCV = kcv("AES-128", COMBINED, KCVMethod.CMAC_5)
TWO = ["--by", "ann", "--by", "bob"]
LETTER = ["--kcv", KCV, "--kcv-method", "cmac_zero_block_5"]
MASTER = ["--algorithm", "AES-128", "--usage", "master-derive"]
OPEN = ["store phrase"]
PEOPLE = ["phrase of ann", "phrase of bob"]


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.fixture
def keys(capfd):
    """Run a verb with these lines on a pipe; return exit code, stdout and stderr."""

    def call(*words, lines=()):
        ours, theirs = os.pipe()
        os.write(theirs, "".join(f"{line}\n" for line in lines).encode())
        os.close(theirs)
        try:
            code = run(["keys", *words, "--passphrase-fd", str(ours)])
        finally:
            os.close(ours)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return call


@pytest.fixture
def live(keys):
    code, out, _ = keys("init", *STORE, "--live", "--custodian", "ann", "--custodian", "bob", lines=OPEN + PEOPLE)
    assert (code, out) == (0, "plant.keys: a LIVE key store\n")


def with_components(*people_and_parts):
    return [*OPEN, *people_and_parts]


TYPED = with_components("phrase of ann", COMPONENTS[0], "phrase of bob", COMPONENTS[1])


@pytest.mark.requirement("K5")
@pytest.mark.usefixtures("live")
def test_key_of_two_components(keys):
    code, out, err = keys("import", "plant:kmc", *STORE, *MASTER, *TWO, *LETTER, "--kvn", "30", lines=TYPED)
    parts = [kcv("AES-128", bytes.fromhex(part), KCVMethod.CMAC_5) for part in COMPONENTS]

    assert code == 0
    assert out.startswith("plant:kmc: AES-128 for master-derive, KCV ")
    assert f"component 1 of 2, by ann: KCV {parts[0]} (cmac_zero_block_5)" in err
    assert f"component 2 of 2, by bob: KCV {parts[1]} (cmac_zero_block_5)" in err
    assert f"key of 2 components: KCV {KCV} (cmac_zero_block_5), as in the letter" in err
    with FileKeyStore.open(Path("plant.keys"), Secret(OPEN[0].encode(), "p")) as store:
        assert Key(COMBINED, "x", "AES-128", Usage.MASTER_DERIVE) == store._key("plant:kmc")
        assert [(entry.kvn, entry.custodian) for entry in store.entries()] == [(0x30, "ann, bob")]
    for part in [*COMPONENTS, COMBINED.hex().upper(), *OPEN, *PEOPLE]:
        assert part not in out + err


@pytest.mark.requirement("K4")
@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("words", "lines", "message"),
    [
        (["--by", "ann", "--by", "ann", *LETTER], TYPED, "the same person twice"),
        (["--by", "ann", "--by", "ANN", *LETTER], TYPED, "the same person twice"),
        (["--by", "ann", *LETTER], TYPED, "1 of a LIVE store, expected 2 different ones by --by"),
        (["--by", "ann", "--by", "eve", *LETTER], TYPED, "'eve': unknown to this key store, which has ann, bob"),
        ([*TWO, *LETTER], with_components("phrase of bob", COMPONENTS[0]), "custodian ann: wrong passphrase"),
        ([*TWO, "--kcv", "000000", "--kcv-method", "zero_block_ecb"], TYPED, "the letter says 000000"),
        ([*TWO, "--kcv", KCV], TYPED, "expected --kcv and --kcv-method"),
        ([*TWO], TYPED, "expected --kcv and --kcv-method"),
        ([*TWO, *LETTER], with_components("phrase of ann", "12zz"), "expected pairs of hex digits"),
        (
            [*TWO, *LETTER],
            with_components("phrase of ann", "00" * 16, "phrase of bob", COMPONENTS[1]),
            "component 1: all zero",
        ),
        ([*TWO, *LETTER], with_components("phrase of ann", "11" * 15), "key of 15 bytes"),
        ([*TWO, *LETTER], with_components("phrase of ann"), "ended, expected a line with component 1 of 2, by ann"),
        ([*TWO, *LETTER, "--kvn", "zz"], TYPED, "--kvn 'zz': expected two hex digits"),
        ([*TWO, *LETTER, "--kvn", "100"], TYPED, "version 256, expected 0 to 255"),
        ([*TWO, "--block", "x"], TYPED, "--block and --under go together"),
        ([*TWO, "--under", "order:kbpk"], TYPED, "--block and --under go together"),
    ],
)
def test_import_that_is_refused_leaves_the_store_alone(keys, words, lines, message):
    before = Path("plant.keys").read_bytes()
    code, _, err = keys("import", "plant:kmc", *STORE, *MASTER, *words, lines=lines)

    assert code == 4
    assert message in err
    assert Path("plant.keys").read_bytes() == before
    for part in COMPONENTS:
        assert part not in err


CODE_PARTS = ["5C3E9901D27A4B86", "B1C4E730F2584D19"]
CODE = bytes(a ^ b for a, b in zip(*(bytes.fromhex(part) for part in CODE_PARTS), strict=True))
CODE_TYPED = with_components("phrase of ann", CODE_PARTS[0], "phrase of bob", CODE_PARTS[1])
ADM = ["--usage", "card-secret"]


@pytest.mark.requirement("K4")
@pytest.mark.requirement("K6")
@pytest.mark.usefixtures("live")
def test_code_of_two_components(keys):
    """Nothing that is printed, listed or kept tells whether a code was guessed right."""
    code, out, err = keys("import", "plant:adm", *STORE, *ADM, *TWO, lines=CODE_TYPED)
    assert (code, out) == (0, "plant:adm: 8 bytes for card-secret\n")
    assert "component 2 of 2, by bob: no check value, for it is of a code" in err
    assert "key of 2 components: no check value, for it is of a code\n" in err
    with FileKeyStore.open(Path("plant.keys"), Secret(OPEN[0].encode(), "p")) as store:
        assert Secret(CODE, "adm") == store.card_secret("plant:adm")
    _, listed, _ = keys("list", *STORE, lines=[])
    assert listed.splitlines()[1].split() == [
        "plant:adm", "8", "bytes", "card-secret", "-", "none", "active", "ann,", "bob",
    ]  # fmt: skip
    _, document, _ = keys("list", *STORE, "--json", lines=[])
    (entry,) = json.loads(document)["keys"]
    assert (entry["algorithm"], entry["bits"], entry["kcv"], entry["kcv_method"]) == ("", 64, "", "none")
    for value in (*CODE_PARTS, CODE.hex().upper()):
        assert value not in (out + err + listed + document + Path("plant.keys").read_text("utf-8")).upper()
    for refused in (["kcv"], ["kcv", "--method", "zero_block_ecb"], ["export-block", "--under", "plant:adm", *TWO]):
        assert keys(refused[0], "plant:adm", *refused[1:], *STORE, lines=OPEN + PEOPLE)[:2] == (4, "")


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("words", "lines", "message"),
    [
        ([*TWO, *LETTER], CODE_TYPED, "a code comes with its cards and has no check value"),
        ([*TWO, "--algorithm", "AES-128"], CODE_TYPED, "a code has no algorithm"),
        ([*TWO, "--exportable"], CODE_TYPED, "is never exported"),
        (["--by", "ann"], CODE_TYPED, "1 of a LIVE store, expected 2 different ones by --by"),
        ([*TWO], with_components("phrase of ann", "00" * 33, "phrase of bob", "11" * 33), "component 1: all zero"),
        (
            [*TWO],
            with_components("phrase of ann", "5A" * 33, "phrase of bob", "0123" * 16 + "45"),
            "33 bytes, a code has 1 to",
        ),
        ([*TWO], with_components("phrase of ann", "60606060", "phrase of bob", "51525354"), "a known test key"),
        ([*TWO], with_components("phrase of ann", "nine"), "expected pairs of hex digits"),
    ],
)
def test_code_that_is_refused_leaves_the_store_alone(keys, words, lines, message):
    before = Path("plant.keys").read_bytes()
    code, _, err = keys("import", "plant:adm", *STORE, *ADM, *words, lines=lines)

    assert (code, message in err) == (4, True)
    assert Path("plant.keys").read_bytes() == before


@pytest.mark.usefixtures("live")
def test_nobody_types_a_component_for_a_name_that_is_taken(keys):
    assert keys("import", "plant:adm", *STORE, *ADM, *TWO, lines=CODE_TYPED)[0] == 0
    code, _, err = keys("import", "plant:adm", *STORE, *ADM, *TWO, lines=OPEN)

    assert (code, "key plant:adm: is in this store already" in err) == (4, True)


@pytest.mark.usefixtures("live")
def test_code_is_not_made_here(keys):
    code, _, err = keys("generate", "plant:adm", *STORE, *ADM, *TWO, lines=OPEN + PEOPLE)

    assert (code, "a code comes with its cards: import it" in err) == (4, True)


@pytest.mark.usefixtures("live")
def test_private_keys_have_no_components(keys):
    words = ["--algorithm", "EC-P256", "--usage", "sign"]
    code, _, err = keys("import", "plant:x", *STORE, *words, *TWO, *LETTER, lines=TYPED)

    assert (code, "components: EC-P256, expected one of AES-128" in err) == (4, True)


@pytest.mark.usefixtures("live")
def test_live_store_refuses_a_test_key_of_good_components(keys):
    gp_key = bytes(range(0x40, 0x50))
    other = bytes(a ^ b for a, b in zip(gp_key, bytes.fromhex(COMPONENTS[0]), strict=True)).hex()
    letter = ["--kcv", kcv("AES-128", gp_key, KCVMethod.ZERO), "--kcv-method", "zero_block_ecb"]
    lines = with_components("phrase of ann", COMPONENTS[0], "phrase of bob", other)
    code, _, err = keys("import", "plant:kmc", *STORE, *MASTER, *TWO, *letter, lines=lines)

    assert code == 4
    assert "a known test key (counting bytes), refused in a live store" in err


@pytest.mark.usefixtures("live")
def test_key_goes_from_store_to_store_in_a_key_block(keys):
    protection = ["--algorithm", "AES-128", "--usage", "block-protection"]
    kek = ["--algorithm", "AES-128", "--usage", "kek"]
    assert keys("import", "order:kbpk", *STORE, *protection, *TWO, *LETTER, lines=TYPED)[0] == 0
    assert keys("generate", "plant:kek", *STORE, *kek, *TWO, "--exportable", lines=OPEN + PEOPLE)[0] == 0
    code, block, _ = keys("export-block", "plant:kek", *STORE, "--under", "order:kbpk", *TWO, lines=OPEN + PEOPLE)
    assert (code, block[:1], block[5:16]) == (0, "D", "K0AB00E0000")

    other = ["--store", "file:other.keys"]
    keys("init", *other, "--live", "--custodian", "ann", "--custodian", "bob", lines=OPEN + PEOPLE)
    keys("import", "order:kbpk", *other, *protection, *TWO, *LETTER, lines=TYPED)
    Path("kek.txt").write_text(block, encoding="ascii")
    words = ["import", "plant:kek", *other, *kek, "--block", "kek.txt", "--under", "order:kbpk"]
    assert keys(*words, "--by", "ann", lines=OPEN + PEOPLE)[0] == 4
    code, out, _ = keys(*words, *TWO, lines=OPEN + PEOPLE)

    assert code == 0
    assert inventory(Path("other.keys"))[1][1].kcv in out
    assert inventory(Path("other.keys"))[1][1].kcv == inventory(Path("plant.keys"))[1][1].kcv
    Path("kek.txt").write_bytes(b"\xff")
    assert "a key block is ASCII text" in keys(*words, *TWO, lines=OPEN + PEOPLE)[2]


@pytest.fixture
def test_store(keys):
    assert keys("init", *STORE, lines=OPEN)[0] == 0
    assert keys("generate", "plant:kmc", *STORE, *MASTER, "--not-after", "2030-12-31", lines=OPEN)[0] == 0


@pytest.mark.usefixtures("test_store")
def test_test_store_asks_for_no_custodians(keys):
    code, out, err = keys("destroy", "plant:kmc", *STORE, "--yes", lines=OPEN)

    assert (code, out) == (0, "plant:kmc: destroyed\n")
    assert "plant.keys: write 3, sha256 " in err
    assert inventory(Path("plant.keys")) == ("TEST", [])


@pytest.mark.usefixtures("test_store")
def test_components_take_two_custodians_even_in_a_test_store(keys):
    code, _, err = keys("import", "plant:x", *STORE, *MASTER, *LETTER, lines=TYPED)

    assert (code, "components: 0 custodians, expected 2 or more by --by" in err) == (4, True)


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("verb", ["destroy", "export-block", "generate"])
def test_live_store_asks_for_two_people(keys, verb):
    assert keys("generate", "plant:kmc", *STORE, *MASTER, *TWO, lines=OPEN + PEOPLE)[0] == 0
    words = {
        "destroy": ["plant:kmc", "--yes"],
        "export-block": ["plant:kmc", "--under", "plant:kmc"],
        "generate": ["plant:new", *MASTER],
    }[verb]
    before = Path("plant.keys").read_bytes()
    for people in ([], ["--by", "ann"], ["--by", "ann", "--by", "ann"]):
        assert keys(verb, *words, *STORE, *people, lines=OPEN + PEOPLE)[0] == 4
    assert keys(verb, *words, *STORE, *TWO, lines=[*OPEN, "phrase of ann", "wrong"])[0] == 4
    assert Path("plant.keys").read_bytes() == before


@pytest.mark.usefixtures("test_store")
def test_list(keys, capfd):
    assert run(["keys", "list", *STORE]) == 0
    shown = capfd.readouterr()
    assert run(["keys", "list", *STORE, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    entry = inventory(Path("plant.keys"))[1][0]

    assert "plant.keys: a TEST key store, 1 keys" in shown.err
    assert shown.out.splitlines()[1].split()[:4] == ["plant:kmc", "AES-128", "master-derive", entry.kcv]
    assert (document["kind"], document["keys"][0]["not_after"]) == ("TEST", "2030-12-31")
    assert (document["keys"][0]["kcv"], document["keys"][0]["kvn"]) == (entry.kcv, None)


@pytest.mark.usefixtures("test_store")
def test_check_values(keys):
    entry = inventory(Path("plant.keys"))[1][0]

    assert keys("kcv", "plant:kmc", *STORE, lines=OPEN)[:2] == (0, f"{entry.kcv} ones_block_ecb\n")
    code, out, _ = keys("kcv", "plant:kmc", *STORE, "--method", "cmac_zero_block_5", lines=OPEN)
    assert (code, len(out.split()[0]), out.split()[1]) == (0, 10, "cmac_zero_block_5")
    keys("generate", "plant:dup", *STORE, "--algorithm", "HMAC-256", "--usage", "dup-digest", lines=OPEN)
    for reference in ("plant:dup", "plant:none"):
        assert keys("kcv", reference, *STORE, lines=OPEN)[0] == 4


@pytest.mark.usefixtures("test_store")
def test_destroying_is_asked_for(keys, monkeypatch):
    monkeypatch.setattr("click.confirm", lambda text, **_: (_ for _ in ()).throw(KeyStoreError(text)))
    _, _, err = keys("destroy", "plant:kmc", *STORE, lines=OPEN)

    assert "Destroy plant:kmc: AES-128 for master-derive, KCV " in err
    assert keys("destroy", "plant:none", *STORE, "--yes", lines=OPEN)[0] == 4
    assert len(inventory(Path("plant.keys"))[1]) == 1


def test_store_that_shares_open(keys):
    ours, theirs = os.pipe()
    code, _, _ = keys("init", *STORE, "--shares", "2/3", "--share-fd", str(theirs))
    os.close(theirs)
    with os.fdopen(ours, encoding="ascii") as pipe:
        shares = pipe.read().splitlines()
    assert (code, len(shares)) == (0, 3)
    assert keys("generate", "plant:kmc", *STORE, *MASTER, lines=shares[1:])[0] == 0
    assert keys("generate", "plant:two", *STORE, *MASTER, lines=shares[:1])[0] == 4
    assert keys("generate", "plant:two", *STORE, *MASTER, lines=[shares[0], shares[0]])[0] == 4
    for wrong in ("2", "2-3", "a/b", "1/3"):
        assert keys("init", "--store", "b.keys", "--shares", wrong)[0] == 4


@pytest.mark.parametrize(
    ("words", "lines", "message"),
    [
        (["--live"], OPEN, "custodians of a LIVE store: 0, expected 2 or more"),
        (["--live", "--custodian", "ann"], OPEN, "custodians of a LIVE store: 1"),
        (["--custodian", "ann", "--custodian", "Ann"], [*OPEN, *PEOPLE], "the same person twice"),
        (
            ["--custodian", "ann", "--custodian", "bob"],
            [*OPEN, "the same phrase", "the same phrase"],
            "passphrase of another",
        ),
        ([], ["short"], "expected 8 or more"),
        ([], [], "ended, expected a line with new passphrase of plant.keys"),
    ],
)
def test_store_that_is_not_made(keys, words, lines, message):
    code, _, err = keys("init", *STORE, *words, lines=lines)

    assert (code, message in err) == (4, True), err
    assert not Path("plant.keys").exists()


def test_store_is_never_overwritten(keys, test_store):
    assert "is there already" in keys("init", *STORE, lines=OPEN)[2]


def test_test_keys_are_the_default():
    for url in ("", "test"):
        with open_keystore(url) as store:
            assert isinstance(store, MemoryKeyStore)
            assert store.find("test:gp-default").kcv == "504A77"
            assert store.find("test:gp-default-3des").kcv == "8BAF47"


@pytest.mark.parametrize("url", ["tests", "file:", "hsm:x", "pkcs11:"])
def test_url_of_another_form_is_refused(url):
    with pytest.raises(KeyStoreError, match=r"expected|missing|python-pkcs11"):
        open_keystore(url, 0)


@pytest.mark.usefixtures("test_store")
def test_file_is_opened_as_key_option():
    ours, theirs = os.pipe()
    os.write(theirs, b"store phrase\r\n")
    os.close(theirs)
    with open_keystore("file:plant.keys", ours) as store:
        assert store.find("plant:kmc").algorithm == "AES-128"
    os.close(ours)


def test_no_terminal_and_no_descriptor_is_said(keys, test_store, monkeypatch, capfd):
    monkeypatch.setattr("cardkit.cli.secrets_input._has_terminal", lambda: False)
    assert run(["keys", "kcv", "plant:kmc", *STORE]) == 4
    assert "expected --passphrase-fd N" in capfd.readouterr().err
