"""Keys and secrets: the right check values, and no way for their bytes to get out by accident."""

import copy
import dataclasses
import json
import pickle
import pprint
from io import StringIO
from pathlib import Path

import msgspec
import pytest
import rich
from rich.console import Console

from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.errors import KeyStoreError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "security-keys.json").read_text(encoding="utf-8"))
GP_KEY = bytes(range(0x40, 0x50))
CANARY = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")


def vectors_named(prefix):
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS if vector["name"].startswith(prefix)]


@pytest.mark.parametrize("vector", vectors_named("kcv-"))
def test_check_values_by_each_method(vector):
    key = bytes.fromhex(vector["in"]["key"])

    assert vector["out"] == {method: kcv(vector["in"]["algorithm"], key, KCVMethod(method)) for method in vector["out"]}


@pytest.mark.parametrize("vector", vectors_named("test-key-"))
def test_check_values_of_published_test_keys(vector):
    key = bytes.fromhex(vector["in"]["key"])
    expected = vector["out"]

    assert expected["kcv_3des_zero"] == kcv("3DES", key, KCVMethod.ZERO)
    assert expected["kcv_aes_zero"] == kcv("AES", key, KCVMethod.ZERO)
    assert expected["kcv_aes_ones"] == kcv("AES", key, KCVMethod.ONES)
    assert expected["kcv_aes_cmac"] == kcv("AES", key, KCVMethod.CMAC_3)


@pytest.mark.parametrize(
    ("algorithm", "size", "method"),
    [("AES", 15, KCVMethod.ZERO), ("3DES", 8, KCVMethod.ZERO), ("3DES", 32, KCVMethod.ZERO),
     ("3DES", 16, KCVMethod.ONES),
     ("HMAC-256", 32, KCVMethod.ZERO)],
)  # fmt: skip
def test_check_value_that_does_not_exist_is_refused(algorithm, size, method):
    with pytest.raises(KeyStoreError):
        kcv(algorithm, bytes(range(size)), method)


def test_key_shows_its_algorithm_version_and_check_value():
    assert repr(Key(GP_KEY, "enc", "AES-128", Usage.CARD_KEY, kvn=0x30)) == "<AES-128 kvn=30 kcv=504A77>"
    assert str(Key(GP_KEY, "enc", "3DES-128", Usage.CARD_KEY)) == "<3DES-128 kcv=8BAF47>"
    assert f"{Key(GP_KEY * 2, 'dup', 'HMAC-256', Usage.DUP_DIGEST)}" == "<HMAC-256>"


def test_wiped_key_keeps_its_check_value_and_nothing_else():
    key = Key(GP_KEY, "enc", "AES-128", Usage.CARD_KEY)
    key.wipe()

    assert key.kcv == "504A77"
    with key.reveal() as clear:
        assert bytes(16) == clear


@pytest.mark.parametrize("vector", vectors_named("des-halves-equal"))
def test_single_des_in_disguise_is_refused(vector):
    with pytest.raises(KeyStoreError, match="single DES"):
        Key(bytes.fromhex(vector["in"]["key"]), "kek", "3DES-128", Usage.KEK)


@pytest.mark.parametrize(("size", "algorithm"), [(15, "AES-128"), (16, "AES-256"), (16, "DES"), (0, "HMAC-256")])
def test_key_of_another_length_or_algorithm_is_refused(size, algorithm):
    with pytest.raises(KeyStoreError):
        Key(bytes(size), "kek", algorithm, Usage.KEK)


@pytest.mark.parametrize("kvn", [-1, 256])
def test_key_version_is_one_byte(kvn):
    with pytest.raises(KeyStoreError, match=f"version {kvn}, expected 0 to 255"):
        Key(GP_KEY, "enc", "AES-128", Usage.CARD_KEY, kvn=kvn)


def test_secrets_compare_by_value_and_not_with_bytes():
    assert Secret(b"1234", "a") == Secret(b"1234", "b")
    assert Secret(b"1234", "a") != Secret(b"1235", "a")
    assert Secret(b"1234", "a") != b"1234"


@dataclasses.dataclass
class Holder:
    key: Secret


SECRETS = [
    pytest.param(Secret(CANARY, "adm1"), id="secret"),
    pytest.param(Key(CANARY, "ki", "AES-128", Usage.CARD_KEY), id="key"),
]
SHOW = [repr, str, format, pprint.pformat, lambda secret: f"{secret!r:>40}", lambda secret: f"{[secret]}{secret:x>50}"]
COPY_OUT = [
    copy.copy,
    copy.deepcopy,
    pickle.dumps,
    hash,
    json.dumps,
    msgspec.json.encode,
    msgspec.to_builtins,
    lambda secret: secret.__getstate__(),
    lambda secret: dataclasses.asdict(Holder(secret)),
]


def leaks(text):
    haystack = text.upper()
    needles = [CANARY.hex().upper(), CANARY[:8].hex().upper(), CANARY.hex(" ").upper(), repr(CANARY)[2:12].upper()]
    return [needle for needle in needles if needle in haystack]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("show", SHOW)
def test_no_way_of_printing_shows_a_secret(secret, show):
    assert leaks(show(secret)) == []


@pytest.mark.parametrize("secret", SECRETS)
def test_inspection_shows_no_secret(secret):
    out = StringIO()
    rich.inspect(secret, console=Console(file=out, width=400), all=True)

    assert "_buffer" in out.getvalue()
    assert leaks(out.getvalue()) == []


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("copy_out", COPY_OUT)
def test_no_way_of_copying_takes_a_secret_along(secret, copy_out):
    with pytest.raises(TypeError):
        copy_out(secret)


def test_the_leak_finder_finds_leaks():
    assert leaks(repr(CANARY)) != []
    assert leaks(repr(bytearray(CANARY))) != []
    assert leaks(CANARY.hex()) != []
