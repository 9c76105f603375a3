"""The key store in memory: purposes hold, markers and digests are those of the vectors, files hold test keys only."""

import json
from pathlib import Path

import pytest

from cardkit.crypto import Key, KeyInfo, KeyStore, MemoryKeyStore, Secret, Usage
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.marker import Binding, MarkerState, same_binding
from cardkit.crypto.testkeys import known_test_key
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import EncodingError, KeyStoreError

FOLDER = Path(__file__).parents[2] / "vectors"
FILES = json.loads((FOLDER / "production-files.json").read_text(encoding="utf-8"))
KEYS = json.loads((FOLDER / "security-keys.json").read_text(encoding="utf-8"))
GP_KEY = bytes(range(0x40, 0x50))


def named(vectors, prefix):
    chosen = [v for v in vectors if v["name"].startswith(prefix) and "layout" not in v["in"]]
    return [pytest.param(vector, id=vector["name"]) for vector in chosen]


def one_key(value, algorithm, usage):
    return MemoryKeyStore({"test:key": Key(value, "test:key", algorithm, usage)})


@pytest.mark.parametrize("vector", named(FILES, "marker-"))
def test_marker(vector):
    given, expected = vector["in"], vector["out"]
    store: KeyStore = one_key(bytes.fromhex(given["batch_key"]), "HMAC-256", Usage.DATA_MAC)
    binding = Binding(given["batch"], given["record"], given["token"])

    assert expected["message"] == binding.message().hex()
    assert [expected["started"], expected["data_done"], expected["verified"]] == [
        store.marker("test:key", binding, state).hex() for state in MarkerState
    ]


def test_markers_of_one_binding_are_the_same_whatever_their_state():
    started, done, other = (
        bytes.fromhex(text)
        for text in ("0101caf9db306201b6638805331fcb8fd471", "0102caf9db306201b6638805331fcb8fd471",
                     "01012519619323c7f1cb1c13b9a6d0fa5999")
    )  # fmt: skip

    assert same_binding(started, done)
    assert not same_binding(started, other)
    assert not same_binding(started, b"\x02" + started[1:])
    assert not same_binding(started, started[:-1])
    assert not same_binding(b"", b"")


@pytest.mark.parametrize(("batch", "record_no", "token"), [("", 1, 1), ("a\0b", 1, 1), ("b", -1, 1), ("b", 1, 1 << 32)])
def test_binding_out_of_range_is_refused(batch, record_no, token):
    with pytest.raises(EncodingError):
        Binding(batch, record_no, token).message()


@pytest.mark.parametrize("vector", named(FILES, "dup-digest-"))
def test_dup_digest(vector):
    given = vector["in"]
    store = one_key(bytes.fromhex(given["key"]), "HMAC-256", Usage.DUP_DIGEST)

    assert vector["out"]["digest"] == store.dup_digest("test:key", given["kind"], given["value"]).hex()


def test_dup_digest_refuses_what_could_mean_two_things():
    with pytest.raises(EncodingError):
        one_key(bytes(range(32)), "HMAC-256", Usage.DUP_DIGEST).dup_digest("test:key", "iccid", "1\0002")


@pytest.mark.parametrize("vector", named(FILES, "csv-column-"))
def test_cbc_column(vector):
    given = vector["in"]
    store = one_key(bytes.fromhex(given["key"]), "AES-128", Usage.TRANSPORT_IN)
    value = store.unwrap("test:key", bytes.fromhex(given["cell"]), Wrapping.AES_CBC_23)

    assert vector["out"]["value"] == value.hex()


@pytest.mark.parametrize("vector", named(KEYS, "wrap-rfc3394"))
def test_aes_key_wrap(vector):
    store = one_key(bytes.fromhex(vector["in"]["kek"]), "AES-128", Usage.KEK)
    wrapped = bytes.fromhex(vector["out"]["wrapped"])

    assert vector["in"]["key"] == store.unwrap("test:key", wrapped, Wrapping.AES_KW).hex().upper()
    for place in range(len(wrapped)):
        changed = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(KeyStoreError, match="integrity check failed"):
            store.unwrap("test:key", changed, Wrapping.AES_KW)


@pytest.mark.parametrize(("wrapping", "size"), [(Wrapping.AES_KW, 16), (Wrapping.AES_KW, 25), (Wrapping.AES_KW, 0),
                                                (Wrapping.AES_CBC_23, 0), (Wrapping.AES_CBC_23, 17)])  # fmt: skip
def test_value_that_cannot_be_wrapped_is_refused(wrapping, size):
    with pytest.raises(KeyStoreError, match="expected"):
        one_key(GP_KEY, "AES-128", Usage.KEK).unwrap("test:key", bytes(size), wrapping)


# K8: what each usage may do, as this store offers it.
OPERATIONS = {
    "unwrap": lambda store: store.unwrap("test:key", bytes(32), Wrapping.AES_CBC_23),
    "wrap": lambda store: store.wrap("test:key", Secret(bytes(16), "ki"), Wrapping.AES_KW),
    "marker": lambda store: store.marker("test:key", Binding("b", 1, 1), MarkerState.STARTED),
    "dup_digest": lambda store: store.dup_digest("test:key", "iccid", "1"),
    "card_secret": lambda store: store.card_secret("test:key"),
}
ALLOWED = {
    Usage.KEK: {"unwrap"},
    Usage.TRANSPORT_IN: {"unwrap"},
    Usage.TRANSPORT_OUT: {"wrap"},
    Usage.DATA_MAC: {"marker"},
    Usage.DUP_DIGEST: {"dup_digest"},
}


@pytest.mark.parametrize("usage", [usage for usage in Usage if usage is not Usage.CARD_SECRET])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_key_does_what_its_usage_allows_and_nothing_else(usage, operation):
    store = one_key(bytes(range(32)), "AES-256", usage)
    if operation in ALLOWED.get(usage, set()):
        assert OPERATIONS[operation](store)
    else:
        with pytest.raises(KeyStoreError, match=f"usage {usage}"):
            OPERATIONS[operation](store)


@pytest.mark.parametrize("operation", ["unwrap", "wrap", "marker", "dup_digest"])
def test_card_secret_is_presented_and_nothing_else(operation):
    store = MemoryKeyStore({"test:key": Secret(b"12345678", "adm1")})

    assert Secret(b"12345678", "adm1") == store.card_secret("test:key")
    with pytest.raises(KeyStoreError, match="usage card-secret"):
        OPERATIONS[operation](store)


def test_find_gives_public_facts_only():
    store = MemoryKeyStore({"test:adm": Secret(b"12345678", "adm1")})
    store.add("order:kek", Key(GP_KEY, "kek", "AES-128", Usage.KEK, kvn=1))

    assert KeyInfo("order:kek", "AES-128", 128, Usage.KEK, 1, "504A77") == store.find("order:kek")
    assert KeyInfo("test:adm", "", 64, Usage.CARD_SECRET, None, None) == store.find("test:adm")
    assert store.kcv("order:kek", KCVMethod.CMAC_5) == "6F2F9BE174"
    assert store.kind == "TEST"


@pytest.mark.parametrize("reference", ["", "kek", ":kek", "order:"])
def test_malformed_or_taken_reference_is_refused(reference):
    with pytest.raises(KeyStoreError, match="expected scheme:name"):
        MemoryKeyStore({reference: Secret(b"1", "x")})


def test_missing_or_doubled_key_is_refused():
    store = MemoryKeyStore({"test:adm": Secret(b"12345678", "adm1")})
    with pytest.raises(KeyStoreError, match="key test:adm1: not in this key store, which holds 1 keys"):
        store.find("test:adm1")
    with pytest.raises(KeyStoreError, match="given twice"):
        store.add("test:adm", Secret(b"1", "x"))


@pytest.mark.parametrize("vector", named(KEYS, "test-key-"))
def test_published_test_keys_are_known(vector):
    assert known_test_key(bytes.fromhex(vector["in"]["key"])) is not None


@pytest.mark.parametrize("key", ["4142434445464748", "4142", "30303030", "31323334", "FEFF0001", "FF"])
def test_obvious_test_values_are_known(key):
    assert known_test_key(bytes.fromhex(key)) is not None


@pytest.mark.parametrize(
    "key", ["9A1C5F7703E2D4B86C21F0A97E3344D1", "404142434445464748494A4B4C4D4E50", "4142434445464747"]
)
def test_values_that_could_be_real_are_not_known(key):
    assert known_test_key(bytes.fromhex(key)) is None


KEY_FILE = """kind = "TEST"
[test]
adm1 = { usage = "card-secret", hex = "4142434445464748" }
[order]
kek-1 = { usage = "kek", algorithm = "AES-128", hex = "404142434445464748494A4B4C4D4E4F", kvn = 1 }
"""


def test_key_file_is_read(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_text(KEY_FILE, encoding="utf-8")
    store = MemoryKeyStore.from_toml(path)

    assert store.find("order:kek-1").kcv == "504A77"
    assert Secret(b"ABCDEFGH", "") == store.card_secret("test:adm1")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "TEST"', 'kind = "LIVE"', 'kind: expected "TEST"'),
        ('kind = "TEST"', "", 'kind: expected "TEST"'),
        ("4142434445464748", "9A1C5F7703E2D4B8", "test:adm1: not an obvious test key"),
        ("4142434445464748", "9A1C5F77 zz", "test:adm1: hex: expected pairs of hex digits"),
        ("4142434445464748", "", "test:adm1: not an obvious test key"),
        ('"kek"', '"wrap"', "order:kek-1: Invalid enum value 'wrap'"),
        ('"AES-128"', '"AES-256"', "key order:kek-1: 16 bytes, AES-256 has 32"),
        ("kvn", "knv", "order:kek-1: Object contains unknown field `knv`"),
        ("[test]", "[test", "test key file cannot be read"),
        ('kind = "TEST"', 'kind = "TEST"\nplant = 5', "plant: expected a table of keys"),
    ],
)
def test_wrong_key_file_is_refused_without_showing_a_value(tmp_path, old, new, message):
    path = tmp_path / "keys.toml"
    assert old in KEY_FILE
    path.write_text(KEY_FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(KeyStoreError) as caught:
        MemoryKeyStore.from_toml(path)

    assert message in str(caught.value)
    assert "9A1C5F77" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_missing_key_file_is_refused(tmp_path):
    with pytest.raises(KeyStoreError, match=r"none\.toml: test key file cannot be read"):
        MemoryKeyStore.from_toml(tmp_path / "none.toml")
