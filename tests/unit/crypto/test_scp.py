"""Session keys: those of other people's vectors, through a store and from static keys; wrong sizes are refused."""

import json
from pathlib import Path

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage, scp
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import EncodingError, KeyStoreError

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "gp_crypto.json").read_text(encoding="utf-8"))
GP_KEY = bytes(range(0x40, 0x50))
KINDS = {16: "128", 24: "192", 32: "256"}


def of_category(category, *names):
    chosen = [v for v in VECTORS if v["category"] == category and (not names or v["name"] in names)]
    assert chosen
    return [pytest.param(vector, id=vector["name"]) for vector in chosen]


def store_of(family, keys):
    values = {role: bytes.fromhex(keys[role]) for role in ("enc", "mac", "dek")}
    return MemoryKeyStore(
        {
            f"test:{role}": Key(value, role, f"{family}-{KINDS[len(value)]}", Usage.SECURE_CHANNEL)
            for role, value in values.items()
        }
    )


KEYS = parse_key_set("test:enc,test:mac,test:dek").for_card(bytes(10))


def clear(key):
    with key.reveal() as value:
        return value.hex().upper()


def clear_keys(session):
    named = {"enc": session.enc, "cmac": session.mac, "mac": session.mac, "rmac": session.rmac, "dek": session.dek}
    return {name: clear(key) for name, key in named.items() if key is not None}


def static(algorithm="3DES-128", value=GP_KEY):
    return ClearKey(Key(value, "static", algorithm, Usage.SECURE_CHANNEL))


AES = static("AES-128")


@pytest.mark.parametrize("vector", of_category("scp02-derivation"))
def test_scp02_session_keys(vector):
    session = store_of("3DES", vector["in"]["keys"]).scp02_session(
        KEYS, bytes.fromhex(vector["in"]["sequence_counter"])
    )
    expected = dict(vector["out"])
    checks = expected.pop("kcv", {})
    expected = expected.pop("keys", expected)
    got = clear_keys(session)

    assert expected == {name: got[name] for name in expected}
    assert checks == {name: kcv("3DES", bytes.fromhex(got[name]), KCVMethod.ZERO) for name in checks}
    assert {"3DES-128"} == {key.algorithm for key in (session.enc, session.mac, session.rmac, session.dek)}


@pytest.mark.parametrize("vector", of_category("scp01-derivation"))
def test_scp01_derivation(vector):
    data = scp.scp01_derivation_data(
        bytes.fromhex(vector["in"]["host_challenge"]), bytes.fromhex(vector["in"]["card_challenge"])
    )
    value = static(value=bytes.fromhex(vector["in"]["keys"]["enc"])).ecb(data)

    assert vector["out"]["kcv"]["enc"] == kcv("3DES", value, KCVMethod.ZERO)


def test_scp01_takes_the_halves_of_both_challenges_crosswise():
    host, card = bytes(range(0x10, 0x18)), bytes(range(0x20, 0x28))
    data = scp.scp01_derivation_data(host, card)
    session = store_of("3DES", {"enc": GP_KEY.hex(), "mac": GP_KEY[::-1].hex(), "dek": GP_KEY.hex()}).scp01_session(
        KEYS, host, card
    )

    assert data.hex() == "24252627101112132021222314151617"
    assert clear(session.enc) == static().ecb(data).hex().upper()
    assert clear(session.mac) == static(value=GP_KEY[::-1]).ecb(data).hex().upper()
    assert session.rmac is session.dek is session.receipt is None
    assert [session.enc.usage, session.mac.usage] == [Usage.DATA_ENC, Usage.DATA_MAC]


def test_challenges_that_make_single_des_keys_are_refused():
    with pytest.raises(KeyStoreError, match="single DES"):
        scp.scp01_session(static(), static(), bytes(8), bytes(8))


@pytest.mark.parametrize(
    "vector", of_category("scp03-derivation", "scp03-session-keys-aes128", "scp03-session-keys-kaoh")
)
def test_scp03_session_keys(vector):
    context = bytes.fromhex(vector["in"]["host_challenge"] + vector["in"]["card_challenge"])
    session = store_of("AES", vector["in"]["keys"]).scp03_session(KEYS, context)
    got = clear_keys(session)

    assert vector["out"] == {name: got[name] for name in vector["out"]}
    assert session.dek is None
    assert [session.enc.usage, session.mac.usage, session.rmac.usage] == [
        Usage.DATA_ENC, Usage.DATA_MAC, Usage.DATA_MAC,
    ]  # fmt: skip


@pytest.mark.parametrize("vector", of_category("scp03-kdf"))
def test_scp03_kdf(vector):
    given = vector["in"]
    key = static("AES-" + KINDS[len(given["ki"]) // 2], bytes.fromhex(given["ki"]))
    derived = scp.scp03_kdf(key, int(given["constant"], 16), bytes.fromhex(given["context"]), given["output_bits"] // 8)

    assert vector["out"]["value"] == derived.hex().upper()


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_scp03_session_keys_are_as_long_as_the_static_ones(bits):
    key = bytes(range(0x40, 0x40 + bits // 8)).hex()
    session = store_of("AES", {"enc": key, "mac": key, "dek": key}).scp03_session(KEYS, bytes(range(32)))

    assert [f"AES-{bits}"] * 3 == [key.algorithm for key in (session.enc, session.mac, session.rmac)]


SESSIONS = json.loads((FOLDER / "scp03_sessions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scp.scp01_session(static(), static(), bytes(7), bytes(8)), "host challenge: 7 bytes, expected 8"),
        (lambda: scp.scp01_session(static(), static(), bytes(8), bytes(9)), "card challenge: 9 bytes, expected 8"),
        (lambda: scp.scp02_session(static(), static(), static(), bytes(3)), "sequence counter: 3 bytes, expected 2"),
        (lambda: scp.scp03_session(AES, AES, bytes(24)), "challenges: 24 bytes, expected 16 or 32"),
        (lambda: scp.scp03_card_challenge(AES, bytes(2), bytes(7), 8), "sequence counter: 2 bytes, expected 3"),
        (lambda: scp.scp03_card_challenge(AES, bytes(3), bytes(4), 8), "application identifier: 4 bytes"),
        (lambda: scp.scp03_card_challenge(AES, bytes(3), bytes(17), 8), "application identifier: 17 bytes"),
        (lambda: scp.scp03_card_challenge(AES, bytes(3), bytes(7), 9), "challenge of 9 bytes, expected 8 or 16"),
    ],
)
def test_other_sizes_are_refused(call, message):
    with pytest.raises(EncodingError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scp.scp01_session(static(), AES, bytes(8), bytes(8)), "AES-128, SCP01 works with 3DES-128"),
        (lambda: scp.scp01_session(AES, static(), bytes(8), bytes(8)), "AES-128, SCP01 works with 3DES-128"),
        (lambda: scp.scp02_session(static(), static(), AES, bytes(2)), "AES-128, SCP02 works with 3DES-128"),
        (lambda: scp.scp03_session(static(), static(), bytes(16)), "3DES-128 and 3DES-128, SCP03 works with AES"),
        (lambda: scp.scp03_session(AES, static("AES-256", bytes(range(32))), bytes(16)), "AES-128 and AES-256"),
        (lambda: scp.scp03_card_challenge(static(), bytes(3), bytes(7), 8), "3DES-128, SCP03 works with AES"),
        (lambda: static("HMAC-256", bytes(range(32))), "HMAC-256, expected an AES or 3DES key"),
    ],
)
def test_keys_of_another_algorithm_are_refused(call, message):
    with pytest.raises(KeyStoreError, match=message):
        call()


def test_static_key_shows_no_more_than_its_check_value():
    assert repr(AES) == "ClearKey(<AES-128 kcv=504A77>)"


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in SESSIONS])
def test_scp03_session_keys_make_the_card_cryptogram_of_recorded_cards(vector):
    given = vector["in"]
    response = bytes.fromhex(given["initialize_update_response"])
    context = bytes.fromhex(given["host_challenge"]) + response[13:21]
    session = store_of("AES", given).scp03_session(KEYS, context)

    assert response[21:29] == scp.scp03_kdf(ClearKey(session.mac), 0x00, context, 8)


RECORDED = json.loads((FOLDER / "gp_sessions.json").read_text(encoding="utf-8"))
PSEUDO_RANDOM = [
    pytest.param(v, id=v["name"])
    for v in RECORDED
    if v["in"]["protocol"] == "SCP03" and int(v["in"]["i"], 16) & 0x10 and "aid" in v["in"]
]


@pytest.mark.parametrize("vector", PSEUDO_RANDOM)
def test_scp03_pseudo_random_challenge_of_recorded_cards(vector):
    given = vector["in"]
    size = 16 if int(given["i"], 16) & 1 else 8
    response = bytes.fromhex(given["initialize_update_response"])
    keystore = store_of("AES", given["keys"])
    challenge = keystore.scp03_card_challenge(KEYS.enc, response[-3:], bytes.fromhex(given["aid"]), size)

    assert response[13 : 13 + size] == challenge


@pytest.mark.parametrize("size", [5, 16])
def test_shortest_and_longest_application_identifier(size):
    label = bytes(11) + b"\x02\x00\x00\x40\x01"

    assert AES.cmac(label + b"\0\0\1" + bytes(size))[:8] == scp.scp03_card_challenge(AES, b"\0\0\1", bytes(size), 8)
