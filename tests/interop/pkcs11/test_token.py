"""Keys on a token: they stay there, do what their purpose allows, and the token says what it cannot do."""

from datetime import UTC, date, datetime

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import CardKey, Role, Scheme, parse_key_set
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.keyblock import Header, write_block
from cardkit.crypto.management import NewKey, State
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import (
    KeyStoreError,
    KeyStoreUnavailableError,
    UnsupportedKeyOperationError,
)
from tests.interop.pkcs11.conftest import pin

pkcs11 = pytest.importorskip("pkcs11")
store_module = pytest.importorskip("cardkit.crypto.pkcs11store")
Pkcs11KeyStore = store_module.Pkcs11KeyStore
A, M = pkcs11.Attribute, pkcs11.Mechanism

GP_KEY = bytes(range(0x40, 0x50))
VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
KDD = bytes(range(10))
ALGORITHMS = {"EC-P256": (Usage.SIGN, Usage.AGREE), "RSA-1024": (Usage.SIGN,)}
EVERY_KEY = [("AES-128", usage) for usage in Usage if usage not in (Usage.CARD_SECRET, Usage.AGREE)] + [
    ("3DES-128", Usage.MASTER_DERIVE), ("3DES-192", Usage.KEK), ("HMAC-256", Usage.DUP_DIGEST), ("AES-256", Usage.KEK),
    ("EC-P256", Usage.AGREE), ("EC-BP384", Usage.SIGN), ("RSA-1024", Usage.SIGN),
]  # fmt: skip


def made(store, how, algorithm, usage, reference="plant:x", **terms):
    new = NewKey(reference, algorithm, usage, **terms)
    if how == "generated":
        return store.generate(new)
    value = bytes(range(0x21, 0x21 + 32))[
        : {"3DES-128": 16, "3DES-192": 24, "HMAC-256": 32}.get(algorithm) or int(algorithm[4:]) // 8
    ]
    return store.import_key(new, bytearray(value))


@pytest.mark.requirement("K1")
@pytest.mark.parametrize("how", ["generated", "imported"])
@pytest.mark.parametrize(("algorithm", "usage"), EVERY_KEY)
def test_no_key_leaves_the_token(store, how, algorithm, usage):
    if how == "imported" and algorithm.startswith(("EC", "RSA")):
        from tests.unit.crypto.contract_keys import pkcs8

        names = {"EC-P256": "ec-p256", "EC-BP384": "ec-bp384", "RSA-1024": "rsa-1024"}
        store.import_key(NewKey("plant:x", algorithm, usage), bytearray(pkcs8(names[algorithm])))
    else:
        made(store, how, algorithm, usage)
    handle, _ = store._token.find("plant:x")

    assert [handle[A.SENSITIVE], handle[A.PRIVATE], handle[A.MODIFIABLE]] == [True, True, False]
    assert handle[A.EXTRACTABLE] is (usage is Usage.CARD_KEY)
    assert handle[A.ALWAYS_SENSITIVE] is (how == "generated")
    secret = A.PRIVATE_EXPONENT if algorithm.startswith("RSA") else A.VALUE
    with pytest.raises(pkcs11.exceptions.PKCS11Error):
        _ = handle[secret]
    wrapping = store._token._session.generate_key(pkcs11.KeyType.AES, 128, template={A.WRAP: True})
    if usage is not Usage.CARD_KEY and not algorithm.startswith(("EC", "RSA")):
        with pytest.raises(pkcs11.exceptions.KeyUnextractable):
            wrapping.wrap_key(handle, mechanism=M.AES_KEY_WRAP)
    wrapping.destroy()


FLAGS = {
    A.ENCRYPT: "encrypt",
    A.DECRYPT: "decrypt",
    A.SIGN: "mac",
    A.WRAP: "wrap",
    A.UNWRAP: "unwrap",
    A.DERIVE: "derive",
}
# security.md K8, row by row; what a derivation is made of (one encryption, one MAC) belongs to "derive".
MATRIX = {
    Usage.DATA_ENC: {"encrypt", "decrypt"},
    Usage.DATA_MAC: {"mac"},
    Usage.MASTER_DERIVE: {"derive", "encrypt", "mac"},
    Usage.SECURE_CHANNEL: {"derive", "encrypt", "mac", "wrap"},
    Usage.KEK: {"wrap", "unwrap"},
    Usage.TRANSPORT_IN: {"unwrap", "decrypt"},
    Usage.TRANSPORT_OUT: {"wrap"},
    Usage.CARD_KEY: set(),
    Usage.SIGN: {"mac"},
    Usage.DUP_DIGEST: {"mac"},
    Usage.BLOCK_PROTECTION: {"mac"},
    Usage.AUDIT_SIGN: {"mac"},
    Usage.FIELD_ENC: {"encrypt", "decrypt"},
    Usage.PIN_ENC: {"encrypt", "decrypt"},
    Usage.IMK_AC: {"derive", "encrypt"},
    Usage.IMK_SMI: {"derive", "encrypt"},
    Usage.IMK_SMC: {"derive", "encrypt"},
    Usage.IMK_IDN: {"derive", "encrypt"},
    Usage.IMK_CVC3: {"derive", "encrypt"},
    Usage.CVK: {"encrypt"},
    Usage.PVK: {"encrypt"},
}


@pytest.mark.requirement("K8")
@pytest.mark.parametrize("usage", MATRIX)
@pytest.mark.parametrize("how", ["generated", "imported"])
def test_attributes_are_those_of_the_purpose(store, how, usage):
    made(store, how, "AES-128", usage)
    handle, _ = store._token.find("plant:x")

    assert MATRIX[usage] == {name for flag, name in FLAGS.items() if handle[flag]}
    assert not (handle[A.WRAP] and handle[A.DECRYPT])


def test_inventory_survives_closing(uri, store):
    now = datetime(2026, 11, 22, 10, 20, 30, tzinfo=UTC)
    store._clock = lambda: now
    terms = {"kvn": 0x30, "customer": "acme", "custodian": "ann", "not_after": date(2027, 12, 31)}
    entry = made(store, "imported", "AES-128", Usage.SECURE_CHANNEL, **terms)
    with Pkcs11KeyStore.open(uri, pin()) as again:
        assert [entry] == again.entries()
        found = again.find("plant:x")
    expected = Key(bytes(range(0x21, 0x31)), "x", "AES-128", Usage.SECURE_CHANNEL).kcv

    assert (found.kvn, found.kcv, found.usage) == (0x30, expected, Usage.SECURE_CHANNEL)
    assert (entry.customer, entry.custodian, entry.not_after) == ("acme", "ann", date(2027, 12, 31))
    assert (entry.created, entry.state, entry.exportable) == (now, State.ACTIVE, False)


@pytest.mark.parametrize(("algorithm", "method"), [("AES-256", "ones_block_ecb"), ("3DES-128", "zero_block_ecb"),
                                                   ("HMAC-256", "none"), ("EC-P256", "sha256_public_key"),
                                                   ("RSA-1024", "sha256_public_key")])  # fmt: skip
def test_check_value_of_a_generated_key(store, algorithm, method):
    entry = made(store, "generated", algorithm, Usage.SIGN)

    assert entry.kcv_method == method
    assert len(entry.kcv) == {"none": 0, "sha256_public_key": 64}.get(method, 6)
    if method == "ones_block_ecb":
        assert store.kcv("plant:x", KCVMethod.ONES) == entry.kcv
        assert len(store.kcv("plant:x", KCVMethod.CMAC_5)) == 10
        with pytest.raises(UnsupportedKeyOperationError, match="a sign cannot make a check value by zero_block_ecb"):
            store.kcv("plant:x", KCVMethod.ZERO)


@pytest.mark.parametrize("algorithm", ["EC-P256", "EC-P521", "EC-BP512", "RSA-1024"])
def test_generated_private_keys_sign(store, algorithm):
    made(store, "generated", algorithm, Usage.SIGN)
    store.verify_content("plant:x", b"token", store.sign_content("plant:x", b"token"))


def test_two_generated_keys_agree(store):
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    form = (Encoding.X962, PublicFormat.UncompressedPoint)
    for name in ("plant:a", "plant:b"):
        made(store, "generated", "EC-P521", Usage.AGREE, name)
    points = {name: store.public_key(name).public_bytes(*form) for name in ("plant:a", "plant:b")}

    assert store.agree("plant:a", points["plant:b"]) == store.agree("plant:b", points["plant:a"])
    assert store.agree("plant:a", points["plant:b"]).algorithm == "ECDH-521"


@pytest.mark.requirement("K12")
def test_destroyed_key_is_gone(store, uri):
    made(store, "generated", "AES-128", Usage.SIGN)
    made(store, "generated", "EC-P256", Usage.SIGN, "plant:y")
    for reference in ("plant:x", "plant:y"):
        store.sign_content(reference, b"m")
        store.destroy(reference)
        for call in (store.find, store.destroy, lambda ref: store.sign_content(ref, b"m")):
            with pytest.raises(KeyStoreError, match="not in this token"):
                call(reference)
    assert list(store._token._session.get_objects({A.LABEL: "plant:y"})) == []
    with Pkcs11KeyStore.open(uri, pin()) as again:
        assert again.entries() == []


def test_derivation_inside_the_token_is_used_where_there_is_a_mechanism(store):
    store.import_key(NewKey("plant:kmc", "3DES-128", Usage.MASTER_DERIVE), bytearray(GP_KEY))
    store.import_key(NewKey("plant:aes", "AES-128", Usage.MASTER_DERIVE), bytearray(GP_KEY))
    store.scp02_session(parse_key_set("20=plant:kmc/emv").for_card(KDD), bytes(2))
    assert not store.recorded_exceptions
    store.scp03_session(parse_key_set("30=plant:aes/kdf3").for_card(KDD), bytes(16))
    assert store.recorded_exceptions == {"plant:aes: kdf3 card keys in a wiped buffer": 2}


@pytest.mark.requirement("K9")
def test_token_without_the_mechanism_derives_in_a_buffer(store):
    from cardkit.crypto.pkcs11probe import DERIVE_3DES

    store.import_key(NewKey("plant:kmc", "3DES-128", Usage.MASTER_DERIVE), bytearray(GP_KEY))
    keys = parse_key_set("20=plant:kmc/visa2").for_card(KDD)
    inside = store.scp02_session(keys, bytes(2))
    store._lacks |= {DERIVE_3DES}

    assert inside == store.scp02_session(keys, bytes(2))
    assert store.recorded_exceptions == {"plant:kmc: visa2 card keys in a wiped buffer": 3}


def test_limits_are_probed(store):
    assert store.limits == ["wrap a key under a 3DES DEK"]


@pytest.mark.parametrize(
    ("algorithm", "usage", "dek", "message"),
    [
        ("AES-128", Usage.SECURE_CHANNEL, "AES-128", "not extractable: cards are loaded with a card-key"),
        ("AES-192", Usage.CARD_KEY, "AES-128", "AES-192 under AES-128: this token does not wrap it"),
        ("3DES-128", Usage.CARD_KEY, "3DES-128", "3DES-128 under 3DES-128: this token does not wrap it"),
    ],
)
def test_what_cannot_be_wrapped_is_refused_in_one_line(store, algorithm, usage, dek, message):
    made(store, "generated", algorithm, usage)
    with pytest.raises(UnsupportedKeyOperationError, match=message):
        store.wrap_for_card(CardKey("plant:x"), Key(VALUE, "S-DEK", dek, Usage.TRANSPORT_OUT))


def test_3des_key_under_an_aes_dek(store):
    store.import_key(NewKey("plant:x", "3DES-128", Usage.CARD_KEY), bytearray(VALUE))
    store.import_key(NewKey("plant:dek", "AES-128", Usage.SECURE_CHANNEL), bytearray(GP_KEY))
    wrapped = store.wrap_for_card(CardKey("plant:x"), CardKey("plant:dek", role=Role.DEK))

    assert wrapped.cryptogram == ClearKey(Key(GP_KEY, "dek", "AES-128", Usage.SECURE_CHANNEL)).cbc(VALUE)
    assert wrapped.kcv.hex().upper() == Key(VALUE, "x", "3DES-128", Usage.CARD_KEY).kcv


def test_stored_key_under_a_diversified_dek(store):
    store.import_key(NewKey("plant:x", "AES-128", Usage.CARD_KEY), bytearray(VALUE))
    store.import_key(NewKey("plant:kmc", "AES-128", Usage.MASTER_DERIVE), bytearray(GP_KEY))
    dek = CardKey("plant:kmc", Scheme.KDF3, KDD, Role.DEK)
    soft = MemoryKeyStore({"plant:x": Key(VALUE, "x", "AES-128", Usage.CARD_KEY),
                           "plant:kmc": Key(GP_KEY, "kmc", "AES-128", Usage.MASTER_DERIVE)})  # fmt: skip

    assert soft.wrap_for_card(CardKey("plant:x"), dek) == store.wrap_for_card(CardKey("plant:x"), dek)


def test_key_block_goes_in_and_never_out(store):
    store.import_key(NewKey("order:kbpk", "AES-256", Usage.BLOCK_PROTECTION), bytearray(range(32)))
    kbpk = ClearKey(Key(bytes(range(32)), "kbpk", "AES-256", Usage.BLOCK_PROTECTION))
    block = write_block(kbpk, Header("D", "E5", "A", "X"), Secret(VALUE, "x"), bytes)
    entry = store.import_block(NewKey("plant:x", "AES-128", Usage.MASTER_DERIVE), block, "order:kbpk")

    assert entry.kcv == Key(VALUE, "x", "AES-128", Usage.MASTER_DERIVE).kcv
    with pytest.raises(UnsupportedKeyOperationError, match="plant:x: not extractable"):
        store.export_block("plant:x", "order:kbpk")
    with pytest.raises(KeyStoreError, match="protecting a key block needs block-protection"):
        store.import_block(NewKey("plant:y", "AES-128", Usage.MASTER_DERIVE), block, "plant:x")


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"exportable": True}, "exportable, but keys never leave a token"),
        ({"customer": "a;b"}, "'a;b': expected a name without semicolon"),
        ({"custodian": "a\nb"}, "expected a name without semicolon"),
        ({"algorithm": "ECDH-256"}, "algorithm 'ECDH-256', expected one of"),
        ({"algorithm": "EC-P192"}, "algorithm 'EC-P192', expected one of"),
    ],
)
def test_keys_that_are_not_made(store, new, message):
    with pytest.raises(KeyStoreError, match=message):
        store.generate(NewKey("plant:x", **{"algorithm": "AES-128", "usage": Usage.KEK, **new}))
    assert store.entries() == []


def test_name_in_use_is_refused(store):
    made(store, "generated", "AES-128", Usage.SIGN)
    for how in ("generated", "imported"):
        with pytest.raises(KeyStoreError, match="is in this store already"):
            made(store, how, "AES-128", Usage.KEK)


def test_key_of_another_program_is_not_used(store):
    foreign = store._token._session.generate_key(
        pkcs11.KeyType.AES, 128, store=True, template={A.LABEL: "plant:other", A.ID: b"1"}
    )
    with pytest.raises(KeyStoreError, match="made by another program, its purpose is not known"):
        store.find("plant:other")
    assert store.entries() == []
    foreign.destroy()


def test_two_keys_of_one_label_are_refused(store):
    made(store, "generated", "AES-128", Usage.SIGN)
    other = store._token._session.generate_key(pkcs11.KeyType.AES, 128, store=True, template={A.LABEL: "plant:x"})
    store._token.forget("plant:x")
    with pytest.raises(KeyStoreError, match="2 keys of this label, expected one"):
        store.find("plant:x")
    other.destroy()


@pytest.mark.requirement("K11")
def test_expired_key_is_refused(store):
    made(store, "generated", "AES-128", Usage.SIGN, not_after=date(2026, 1, 31))
    store._clock = lambda: datetime(2026, 2, 1, tzinfo=UTC)
    with pytest.raises(KeyStoreError, match="expired on 2026-01-31"):
        store.sign_content("plant:x", b"m")
    store._clock = lambda: datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
    assert store.sign_content("plant:x", b"m")


# The binding tries to end the operations of a session that is gone, and says so where nobody can catch it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_lost_session_is_opened_again_once(store):
    made(store, "generated", "AES-128", Usage.SIGN)
    first = store.sign_content("plant:x", b"m")
    store._token._session.close()
    assert first == store.sign_content("plant:x", b"m")
    store._token._session.close()
    with pytest.raises(KeyStoreUnavailableError, match="the token is gone"):
        store.sign_content("plant:x", b"m")
    store._token._reopened = False


def test_token_does_not_fill_up_with_session_keys(store):
    """What is left behind makes every search slower: 4 a second after some tens of thousands of objects."""
    store.import_key(NewKey("plant:kmc", "3DES-128", Usage.MASTER_DERIVE), bytearray(GP_KEY))
    store.import_key(NewKey("plant:new", "AES-128", Usage.CARD_KEY), bytearray(VALUE))
    session = store._token._session
    dek = Key(VALUE, "S-DEK", "AES-128", Usage.TRANSPORT_OUT)
    before = sum(1 for _ in session.get_objects())
    for number in range(100):
        store.scp02_session(parse_key_set("20=plant:kmc/emv").for_card(number.to_bytes(10, "big")), bytes(2))
        store.wrap_for_card(CardKey("plant:new"), dek)

    assert before == sum(1 for _ in session.get_objects())


def test_nothing_prints_the_pin_or_a_key(store):
    made(store, "imported", "AES-128", Usage.SECURE_CHANNEL)
    with store._card_key(CardKey("plant:x"), "a session", (Usage.SECURE_CHANNEL,)) as static:
        shown = f"{store!r} {store._token!r} {static!r} {vars(store)} {store.entries()} {vars(store._token)}"
    assert "1234'" not in shown
    assert repr(store._token._pin) == "<Secret PIN, 4 bytes>"
    assert bytes(range(0x21, 0x31)).hex() not in shown.lower()


def test_a_code_is_for_a_key_file(store):
    """What leaves to be shown to a card cannot lie on a token: one line says where it can."""
    new = NewKey("plant:adm", "", Usage.CARD_SECRET)
    calls = (
        lambda: store.card_secret("plant:adm"),
        lambda: store.import_key(new, bytearray(VALUE[:8])),
        lambda: store.generate(new),
    )
    for call in calls:
        with pytest.raises(UnsupportedKeyOperationError, match=r"key plant:adm: .*shows no code.*in a key file \(keys"):
            call()
    assert store.references() == []
