"""What of the PKCS#11 store needs no token: URIs, facts, attributes, errors, lost sessions, worker messages."""

import threading
from contextlib import nullcontext
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.management import NewKey
from cardkit.crypto.pkcs11uri import Pkcs11URI
from cardkit.errors import (
    KeyStoreError,
    KeyStoreLockedError,
    KeyStoreUnavailableError,
    UnsupportedKeyOperationError,
)

pkcs11 = pytest.importorskip("pkcs11")
from cardkit.crypto import hsmworkers, pkcs11attributes, pkcs11module, pkcs11token  # noqa: E402
from cardkit.crypto.pkcs11attributes import Facts  # noqa: E402

A, X = pkcs11.Attribute, pkcs11.exceptions
NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
URI = Pkcs11URI("bureau", "", "/lib/p11.so")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pkcs11:token=bureau?module-path=/lib/p11.so", URI),
        ("pkcs11:token=a%20b;serial=0f?module-path=/x%3Fy.so", Pkcs11URI("a b", "0f", "/x?y.so")),
        ("pkcs11:token=a=b?module-path=m=1", Pkcs11URI("a=b", "", "m=1")),
        ("pkcs11:serial=1;token=t?module-path=m", Pkcs11URI("t", "1", "m")),
    ],
)
def test_uri(text, expected):
    assert expected == Pkcs11URI.parse(text)
    assert str(expected) == f"token {expected.token}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("token=a?module-path=m", "expected pkcs11:token=LABEL"),
        ("pkcs11:?module-path=m", "token is missing"),
        ("pkcs11:token=?module-path=m", "token is missing"),
        ("pkcs11:token=a", "module-path is missing"),
        ("pkcs11:token=a?module-path=", "module-path is missing"),
        ("pkcs11:token=a;token=b?module-path=m", "'token': expected each of token, serial, module-path once"),
        ("pkcs11:token=a;slot-id=1?module-path=m", "'slot-id': expected each of"),
        ("pkcs11:token=a?module-path=m&pin-value=1234", "pin-value: a PIN is typed or read"),
        ("pkcs11:token=a?pin-source=/x&module-path=m", "pin-source: a PIN is typed or read"),
    ],
)
def test_wrong_uri_is_refused(text, message):
    with pytest.raises(KeyStoreError, match=message) as caught:
        Pkcs11URI.parse(text)
    assert "1234" not in str(caught.value)


NEW = NewKey("plant:x", "AES-128", Usage.KEK, "acme", 0x30, not_after=date(2027, 12, 31), custodian="ann, bob")


def test_facts_in_cka_id():
    facts = Facts.of(NEW, "504A77", NOW)
    kept = b"ck1;AES-128;kek;30;504A77;20261122123015;2027-12-31;acme;ann, bob"
    bare = Facts.of(NewKey("plant:x", "HMAC-256", Usage.DUP_DIGEST), "", NOW)

    assert kept == facts.to_id()
    assert facts == Facts.from_id("plant:x", kept)
    assert bare == Facts.from_id("plant:x", bare.to_id())
    assert (bare.kvn, bare.not_after) == (None, None)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (b"", "made by another program"),
        (b"\xff\x00", "made by another program"),
        (b"ck2;AES-128;kek;30;504A77;20261122123015;;;", "made by another program"),
        (b"ck1;AES-128;kek;30;504A77;20261122123015;;", "made by another program"),
        (b"ck1;AES-128;keks;30;504A77;20261122123015;;;", "a field does not parse"),
        (b"ck1;AES-128;kek;zz;504A77;20261122123015;;;", "a field does not parse"),
        (b"ck1;AES-128;kek;30;504A77;2026;;;", "a field does not parse"),
        (b"ck1;AES-128;kek;30;504A77;20261122123015;2027-13-01;;", "a field does not parse"),
    ],
)
def test_cka_id_of_another_form(kept, message):
    with pytest.raises(KeyStoreError, match=message):
        Facts.from_id("plant:x", kept)


@pytest.mark.parametrize(
    ("algorithm", "expected"), [("AES-192", 192), ("EC-BP384", 384), ("EC-P521", 521), ("RSA-1024", 1024)]
)
def test_bits(algorithm, expected):
    assert expected == pkcs11attributes.bits(algorithm)


@pytest.mark.parametrize("usage", [usage for usage in Usage if usage is not Usage.CARD_SECRET])
@pytest.mark.parametrize("token", [True, False])
def test_templates_are_explicit_and_strict(usage, token):
    template = pkcs11attributes.secret_template(usage, "AES-128", token=token)
    private = pkcs11attributes.private_template(usage)

    assert [template[name] for name in (A.TOKEN, A.PRIVATE, A.SENSITIVE, A.MODIFIABLE)] == [
        token,
        True,
        True,
        not token,
    ]
    assert [private[name] for name in (A.TOKEN, A.PRIVATE, A.SENSITIVE, A.MODIFIABLE)] == [True, True, True, False]
    assert template[A.EXTRACTABLE] is (usage is Usage.CARD_KEY)
    assert private[A.EXTRACTABLE] is False
    assert {A.ENCRYPT, A.DECRYPT, A.SIGN, A.VERIFY, A.WRAP, A.UNWRAP, A.DERIVE} <= set(template)
    assert not (template[A.WRAP] and template[A.DECRYPT])
    assert pkcs11attributes.may_encrypt(usage) is template[A.ENCRYPT]
    assert pkcs11attributes.may_sign(usage) is template[A.SIGN]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (X.SessionHandleInvalid, KeyStoreUnavailableError, "key a:b: the token is gone (SessionHandleInvalid)"),
        (X.DeviceRemoved, KeyStoreUnavailableError, "key a:b: the token is gone (DeviceRemoved)"),
        (
            X.PinIncorrect,
            KeyStoreLockedError,
            "key a:b: the token refused the PIN (PinIncorrect); it is not tried again",
        ),
        (X.PinLocked, KeyStoreLockedError, "key a:b: the token refused the PIN (PinLocked); it is not tried again"),
        (X.MechanismInvalid, UnsupportedKeyOperationError, "key a:b: this token does not do it (MechanismInvalid)"),
        (X.KeyUnextractable, UnsupportedKeyOperationError, "key a:b: this token does not do it (KeyUnextractable)"),
        (X.HostMemory, KeyStoreError, "key a:b: the token failed (HostMemory)"),
    ],
)
def test_errors_by_whose_fault_they_are(error, kind, text):
    translated = pkcs11module.translated("key a:b", error())

    assert (type(translated), str(translated)) == (kind, text)
    assert translated.security_stop is (kind is KeyStoreLockedError)


class FakeModule:
    """A module that fails so many times before it has a token."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.reinitialized = 0

    def reinitialize(self):
        self.reinitialized += 1

    def get_token(self, **wanted):
        if self.failures:
            raise self.failures.pop(0)
        return SimpleNamespace(open=lambda **given: SimpleNamespace(given=given, wanted=wanted))


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """Return a function that puts a fake module in place and gives the URI and the pauses made."""
    pauses = []
    monkeypatch.setattr(pkcs11module.time, "sleep", pauses.append)
    monkeypatch.setattr(pkcs11module, "_start_lock", lambda path: nullcontext())
    path = tmp_path / "p11.so"
    path.touch()

    def place(module, serial=""):
        monkeypatch.setattr(pkcs11module.pkcs11, "lib", lambda name: module)
        return Pkcs11URI("bureau", serial, str(path)), pauses

    return place


def test_start_is_tried_again(fake):
    module = FakeModule(X.NoSuchToken(), X.GeneralError())
    uri, pauses = fake(module)
    session = pkcs11module.open_session(uri, Secret(b"1234", "PIN"))

    assert (session.given, session.wanted) == ({"rw": True, "user_pin": "1234"}, {"token_label": "bureau"})
    assert (pauses, module.reinitialized) == ([0.05, 0.1], 2)


def test_start_is_given_up_after_five_tries(fake):
    uri, pauses = fake(FakeModule(*[X.NoSuchToken()] * 5))
    with pytest.raises(KeyStoreUnavailableError, match=r"token bureau: not found by .*p11\.so \(NoSuchToken\)"):
        pkcs11module.open_session(uri, Secret(b"1234", "PIN"))
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8]


@pytest.mark.parametrize("error", [X.PinIncorrect, X.PinLocked, X.PinExpired])
def test_refused_pin_is_never_tried_again(fake, error):
    module = FakeModule(error(), AssertionError("tried again"))
    uri, pauses = fake(module)
    with pytest.raises(KeyStoreLockedError):
        pkcs11module.open_session(uri, Secret(b"1234", "PIN"))
    assert pauses == []


def test_token_is_told_by_its_serial(fake):
    uri, _ = fake(FakeModule(), "0f")
    assert pkcs11module.open_session(uri, Secret(b"1", "PIN")).wanted == {
        "token_label": "bureau",
        "token_serial": b"0f",
    }
    uri, _ = fake(FakeModule(X.MultipleTokensReturned()))
    with pytest.raises(KeyStoreUnavailableError, match="several tokens have this label"):
        pkcs11module.open_session(uri, Secret(b"1", "PIN"))


def test_second_session_of_a_process_opens_without_pin():
    calls = []

    def opening(**given):
        calls.append(given)
        if "user_pin" in given:
            raise X.UserAlreadyLoggedIn
        return "session"

    assert pkcs11module._log_in(SimpleNamespace(open=opening), Secret(b"1", "PIN")) == "session"
    assert calls == [{"rw": True, "user_pin": "1"}, {"rw": True}]


def test_module_that_is_not_there():
    with pytest.raises(KeyStoreUnavailableError, match=r"token bureau: no module /nowhere/p11\.so"):
        pkcs11module.open_session(Pkcs11URI("bureau", "", "/nowhere/p11.so"), Secret(b"1", "PIN"))


class FakeSession:
    """A session whose first uses fail."""

    def __init__(self):
        self.closed = 0

    def close(self):
        self.closed += 1
        raise X.SessionHandleInvalid


@pytest.fixture
def token(monkeypatch):
    monkeypatch.setattr(pkcs11token, "open_session", lambda uri, pin: FakeSession())
    return pkcs11token.Token(URI, Secret(b"1234", "PIN"))


def failing(*errors):
    waiting = list(errors)

    def work(session):
        if waiting:
            raise waiting.pop(0)
        return session

    return work


def test_lost_session_is_opened_again_once(token):
    first = token.run("work", failing())
    second = token.run("work", failing(X.SessionHandleInvalid()))

    assert first is not second
    assert first.closed == 1
    with pytest.raises(KeyStoreUnavailableError, match=r"work: the token is gone \(DeviceRemoved\)"):
        token.run("work", failing(X.DeviceRemoved()))


def test_session_that_is_lost_twice_at_once_is_given_up(token):
    with pytest.raises(KeyStoreUnavailableError):
        token.run("work", failing(X.DeviceError(), X.DeviceError()))


def test_other_errors_do_not_reopen(token):
    with pytest.raises(UnsupportedKeyOperationError, match="work: this token does not do it"):
        token.run("work", failing(X.MechanismInvalid()))
    assert token.run("work", failing()).closed == 0


def test_other_thread_is_refused(token):
    caught = []

    def elsewhere():
        try:
            token.run("work", failing())
        except KeyStoreError as error:
            caught.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert caught == ["work: a token session belongs to the thread that opened it"]


def test_session_objects_are_destroyed_whatever_happens():
    ended = []
    handle = SimpleNamespace(destroy=lambda: ended.append(1))

    def work():
        with pkcs11token.destroyed(handle) as given:
            assert given is handle
            raise KeyStoreError("work failed")

    with pytest.raises(KeyStoreError, match="work failed"):
        work()
    assert ended == [1]


def test_token_key_is_a_block_cipher_key():
    with pytest.raises(KeyStoreError, match="key a:b: HMAC-256, expected an AES or 3DES key"):
        pkcs11token.TokenKey("a:b", "HMAC-256", lambda work: b"")


REQUESTS = [
    hsmworkers.SessionRequest("scp03", parse_key_set("30=test:gp-default").for_card(bytes(10)), (bytes(16),)),
    hsmworkers.SessionRequest("scp02", parse_key_set("20=test:gp-default-3des").for_card(bytes(10)), (b"\0\1",)),
]


def test_worker_answers_with_packed_session_keys():
    store = MemoryKeyStore.with_published_test_keys()
    answer = hsmworkers._packed(store, REQUESTS)

    assert [store.scp03_session(REQUESTS[0].keys, bytes(16)), store.scp02_session(REQUESTS[1].keys, b"\0\1")] == (
        hsmworkers._unpacked(bytes(answer))
    )
    assert hsmworkers._unpacked(bytes(hsmworkers._packed(store, []))) == []


@pytest.mark.parametrize("kind", [KeyStoreError, KeyStoreLockedError, KeyStoreUnavailableError])
def test_errors_of_a_worker_keep_their_class(kind):
    def refuse(keys, context):
        raise kind("key a:b: no")

    answer = hsmworkers._packed(SimpleNamespace(scp03_session=refuse), REQUESTS)
    with pytest.raises(kind, match="key a:b: no") as caught:
        hsmworkers._unpacked(bytes(answer))
    assert type(caught.value) is kind


def test_key_terms_of_tokens():
    with pytest.raises(KeyStoreError, match="exportable, but keys never leave a token"):
        Facts.of(NewKey("plant:x", "AES-128", Usage.KEK, exportable=True), "", NOW)
    for terms in ({"customer": "a;b"}, {"custodian": "a\nb"}):
        with pytest.raises(KeyStoreError, match="expected a name without semicolon"):
            Facts.of(NewKey("plant:x", "AES-128", Usage.KEK, **terms), "", NOW)
    with pytest.raises(KeyStoreError, match="algorithm 'AES-512', expected one of AES-128"):
        pkcs11attributes.check_algorithm(NewKey("plant:x", "AES-512", Usage.KEK))


def test_ec_point_is_wrapped_in_der():
    from cryptography.hazmat.primitives.asymmetric import ec

    from cardkit.crypto.private import PrivateKey

    for curve, head in ((ec.SECP256R1(), "044104"), (ec.SECP521R1(), "04818504")):
        private, public = pkcs11attributes.pair_values(PrivateKey.of(ec.derive_private_key(7, curve), "x", Usage.SIGN))
        assert public[A.EC_POINT].hex().startswith(head)
        assert int.from_bytes(private[A.VALUE], "big") == 7
        assert len(private[A.VALUE]) == (curve.key_size + 7) // 8


def test_keys_of_workers_are_keys():
    assert all(isinstance(keys.enc, Key) for keys in hsmworkers._unpacked(
        bytes(hsmworkers._packed(MemoryKeyStore.with_published_test_keys(), REQUESTS))))  # fmt: skip
