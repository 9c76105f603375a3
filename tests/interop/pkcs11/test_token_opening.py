"""A token that opens, one that does not, and which of both is asked again: none."""

import threading
import time

import pytest

from cardkit.crypto import Usage
from cardkit.crypto.custodians import Custodian
from cardkit.crypto.management import NewKey
from cardkit.crypto.passphrase import Stretching
from cardkit.errors import (
    KeyStoreError,
    KeyStoreLockedError,
    KeyStoreUnavailableError,
)
from tests.interop.pkcs11.conftest import pin

store_module = pytest.importorskip("cardkit.crypto.pkcs11store")
pkcs11module = pytest.importorskip("cardkit.crypto.pkcs11module")
Pkcs11KeyStore = store_module.Pkcs11KeyStore
GP_KEY = bytes(range(0x40, 0x50))
VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")


def test_session_belongs_to_its_thread(store):
    caught = []

    def elsewhere():
        with pytest.raises(KeyStoreError, match="belongs to the thread") as error:
            store.find("plant:x")
        caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert caught


def test_wrong_pin_is_tried_once_and_never_again(uri, monkeypatch):
    tried = []
    log_in = pkcs11module._log_in
    monkeypatch.setattr(pkcs11module, "_log_in", lambda token, pin: tried.append(token) or log_in(token, pin))
    before = time.monotonic()
    with pytest.raises(KeyStoreLockedError, match=r"PinIncorrect.*; it is not tried again") as caught:
        Pkcs11KeyStore.open(uri, pin(b"4321"))
    assert (caught.value.exit_code, caught.value.security_stop) == (5, True)
    assert len(tried) == 1
    assert time.monotonic() - before < 1.0
    assert "4321" not in str(caught.value)
    Pkcs11KeyStore.open(uri, pin()).close()


def test_token_or_module_that_is_not_there(uri, tmp_path):
    library = uri.partition("module-path=")[2]
    for wrong, message in [
        ("pkcs11:token=none?module-path=" + library, "token none: not found by"),
        ("pkcs11:token=none?module-path=/nowhere.so", r"no module /nowhere\.so"),
        (f"pkcs11:token=none?module-path={tmp_path / 'x.so'}", "is no PKCS#11 module"),
    ]:
        (tmp_path / "x.so").write_bytes(b"no library")
        with pytest.raises(KeyStoreUnavailableError, match=message):
            Pkcs11KeyStore.open(wrong, pin())


def test_token_that_is_no_key_store_yet(token):
    fresh = token("fresh")
    with pytest.raises(KeyStoreError, match="no key store: expected `cardkit keys init`"):
        Pkcs11KeyStore.open(fresh, pin())
    custodian = Custodian("ann", Stretching.new(), "00")
    with Pkcs11KeyStore.create(fresh, "LIVE", pin(), custodians=[custodian]) as store:
        assert store.kind == "LIVE"
    with Pkcs11KeyStore.open(fresh, pin()) as store:
        assert (store.kind, list(store.custodians)) == ("LIVE", [custodian])
    for kind in ("TEST", "LIVE"):
        with pytest.raises(KeyStoreError, match="is a key store already"):
            Pkcs11KeyStore.create(fresh, kind, pin())


@pytest.mark.requirement("K2")
def test_live_token_refuses_known_test_keys(token):
    with Pkcs11KeyStore.create(token("live"), "LIVE", pin()) as store:
        with pytest.raises(KeyStoreError, match="a known test key"):
            store.import_key(NewKey("plant:x", "AES-128", Usage.KEK), bytearray(GP_KEY))
        store.import_key(NewKey("plant:x", "AES-128", Usage.KEK), bytearray(VALUE))
        store.generate(NewKey("plant:y", "AES-128", Usage.KEK))
        with pytest.raises(KeyStoreError, match=r"known test key \(GlobalPlatform default\)"):
            store.refuse_known("plant:z", "AES-128", "504A77")
