"""People and passphrases: components, custodians, stretching; and which keys are known to everybody."""

import json
from pathlib import Path

import msgspec
import pytest

from cardkit.crypto import Secret, passphrase
from cardkit.crypto.components import combine
from cardkit.crypto.custodians import Custodian, enrol, find
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.management import shown_method
from cardkit.crypto.passphrase import COSTS, Stretching
from cardkit.crypto.testkeys import check_values, known_by_check_value, refuse_test_key
from cardkit.errors import KeyStoreError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "security-keys.json").read_text(encoding="utf-8"))
VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")


def phrase(text):
    return Secret(text.encode(), "passphrase")


def components(values):
    return [Secret(bytes.fromhex(value), f"component {number}") for number, value in enumerate(values, 1)]


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS if "component_kcv" in v["in"]])
def test_components_give_the_key_of_the_letter(vector):
    given = vector["in"]
    methods = {6: KCVMethod.ZERO, 10: KCVMethod.CMAC_5}
    parts = components(given["components"])

    assert vector["out"]["key"] == combine(parts).hex().upper()
    assert vector["out"]["kcv"] == kcv(given["algorithm"], combine(parts), KCVMethod(vector["out"]["kcv_method"]))
    assert given["component_kcv"] == [
        kcv(given["algorithm"], bytes.fromhex(value), methods[len(check)])
        for value, check in zip(given["components"], given["component_kcv"], strict=True)
    ]


@pytest.mark.requirement("K4")
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "0, expected 2 or more"),
        (["01" * 16], "1, expected 2 or more"),
        (next(v["in"]["components"] for v in VECTORS if v["name"] == "components-equal"), "the result is all zero"),
        (next(v["in"]["components"] for v in VECTORS if v["name"] == "components-length"), "lengths differ .16, 24"),
        (["01" * 16, "00" * 16], "component 2: all zero"),
        (["01" * 16, "02" * 16, "03" * 16], "the result is all zero"),
        (["01" * 16, "02" * 16, "01" * 16], "the same component twice"),
    ],
)
def test_components_that_make_no_key(values, message):
    with pytest.raises(KeyStoreError, match=message):
        combine(components(values))


def test_stretching_is_the_function_it_says(monkeypatch):
    monkeypatch.setitem(COSTS, "scrypt", {"n": 16, "r": 1, "p": 1})
    stretched = Stretching("scrypt", COSTS["scrypt"], "00" * 16).stretch(Secret(b"password", "p"))
    import hashlib

    assert Secret(hashlib.scrypt(b"password", salt=bytes(16), n=16, r=1, p=1, dklen=32), "x") == stretched


def test_costs_are_those_of_the_requirement():
    assert COSTS == {"argon2id": {"m_kib": 65536, "t": 3, "p": 4}, "scrypt": {"n": 131072, "r": 8, "p": 1}}


@pytest.mark.parametrize(
    ("name", "costs", "salt", "message"),
    [
        ("scrypt", {"n": 2, "r": 8, "p": 1}, "00" * 16, "scrypt: costs .* expected"),
        ("argon2id", {"m_kib": 1 << 30, "t": 3, "p": 4}, "00" * 16, "argon2id: costs"),
        ("argon2id", COSTS["argon2id"], "00" * 15, "expected 16 bytes in hex"),
        ("argon2id", COSTS["argon2id"], "zz" * 16, "expected 16 bytes in hex"),
    ],
)
def test_a_file_cannot_ask_for_other_costs(name, costs, salt, message):
    with pytest.raises(KeyStoreError, match=message):
        Stretching(name, costs, salt).stretch(phrase("x"))


@pytest.fixture
def cheap(monkeypatch):
    monkeypatch.setitem(COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.mark.usefixtures("cheap")
def test_salts_differ_and_matter():
    one, two = Stretching.new(), Stretching.new()

    assert one.salt != two.salt
    assert one.stretch(phrase("x")) == one.stretch(phrase("x"))
    assert one.stretch(phrase("x")) != two.stretch(phrase("x"))
    assert one.stretch(phrase("x")) != one.stretch(phrase("y"))


def test_build_without_argon2id(monkeypatch):
    def missing(salt):
        raise passphrase.UnsupportedAlgorithm("argon2")

    monkeypatch.setattr(passphrase, "_argon2", missing)
    assert Stretching.new().name == "scrypt"
    with pytest.raises(KeyStoreError, match=r"not in this build of OpenSSL, expected 3\.2"):
        Stretching("argon2id", COSTS["argon2id"], "00" * 16).stretch(phrase("x"))


@pytest.mark.usefixtures("cheap")
def test_custodian_logs_in_with_the_own_passphrase_only():
    ann, bob = enrol([("ann", phrase("ann's phrase")), ("Bob ", phrase("bob's phrase"))])
    ann.log_in(phrase("ann's phrase"))
    with pytest.raises(KeyStoreError, match="custodian ann: wrong passphrase"):
        ann.log_in(phrase("bob's phrase"))
    swapped = msgspec.structs.replace(ann, name="eve")
    with pytest.raises(KeyStoreError, match="custodian eve: wrong passphrase"):
        swapped.log_in(phrase("ann's phrase"))
    assert find([ann, bob], " BOB") is bob
    with pytest.raises(KeyStoreError, match="'eve': unknown to this key store, which has ann, Bob"):
        find([ann, bob], "eve")
    with pytest.raises(KeyStoreError, match="which has none"):
        find([], "eve")


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([("ann", "ann's phrase"), ("ANN ", "bob's phrase")], "ann, ANN : the same person twice"),
        ([("ann", "ann's phrase"), ("bob", "ann's phrase")], "bob: has the passphrase of another custodian"),
        ([("ann", "short")], "5 bytes, expected 8 or more"),
        ([(" ", "ann's phrase")], "custodian ' ?': expected a name"),
        ([("a\nb", "ann's phrase")], "expected a name"),
    ],
)
def test_people_who_are_not_enrolled(people, message):
    with pytest.raises(KeyStoreError, match=message):
        enrol([(name, phrase(text)) for name, text in people])


@pytest.mark.usefixtures("cheap")
def test_custodian_shows_no_passphrase():
    ann = Custodian.new("ann", phrase("ann's phrase"))

    assert "phrase" not in repr(ann)
    assert ann == msgspec.json.decode(msgspec.json.encode(ann), type=Custodian)


@pytest.mark.requirement("K5")
def test_check_values_of_every_method():
    assert check_values("AES-128", VALUE) == {m: kcv("AES", VALUE, m) for m in KCVMethod}
    assert list(check_values("3DES-128", VALUE)) == [KCVMethod.ZERO, KCVMethod.CMAC_3, KCVMethod.CMAC_5]
    assert check_values("HMAC-256", bytes(32)) == {}


@pytest.mark.requirement("K2")
@pytest.mark.parametrize(
    "vector", [pytest.param(v, id=v["name"]) for v in VECTORS if v["name"].startswith("test-key-")]
)
def test_published_key_is_known_by_each_check_value(vector):
    expected = vector["out"]
    for algorithm, method, value in [
        ("3DES-128", KCVMethod.ZERO, expected["kcv_3des_zero"]),
        ("AES-128", KCVMethod.ZERO, expected["kcv_aes_zero"]),
        ("AES-256", KCVMethod.ONES, expected["kcv_aes_ones"]),
        ("AES-128", KCVMethod.CMAC_3, expected["kcv_aes_cmac"]),
    ]:
        assert known_by_check_value(algorithm, {method: value}) is not None


def test_check_value_of_another_method_or_cipher_says_nothing():
    assert known_by_check_value("AES-128", {KCVMethod.ONES: "189956"}) is None
    assert known_by_check_value("3DES-128", {KCVMethod.ZERO: "189956"}) is None
    assert known_by_check_value("AES-128", check_values("AES-128", VALUE)) is None
    assert known_by_check_value("AES-256", check_values("AES-256", bytes(range(0x40, 0x60)))) is not None


@pytest.mark.requirement("K2")
def test_live_stores_refuse_test_keys_however_they_are_told():
    refuse_test_key("plant:x", "AES-128", VALUE)
    for value in (bytes([7]) * 16, bytes(range(0x60, 0x70)), bytes(byte ^ 1 for byte in range(0x40, 0x50))):
        with pytest.raises(KeyStoreError, match="plant:x: a known test key"):
            refuse_test_key("plant:x", "3DES-128", value)


def test_method_shown_for_an_algorithm():
    assert shown_method("AES-128") is KCVMethod.ONES
    assert shown_method("3DES-192") is KCVMethod.ZERO
    assert shown_method("HMAC-256") is shown_method("EC-P256") is None
    assert {name for name in ALGORITHMS if shown_method(name)} == {
        "AES-128", "AES-192", "AES-256", "3DES-128", "3DES-192",
    }  # fmt: skip
