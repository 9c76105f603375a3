"""The contract of key stores over SoftHSM2, with keys that are sensitive and not extractable."""

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.management import NewKey
from tests.interop.pkcs11.softhsm import PIN
from tests.unit.crypto.contract_keys import KEYS
from tests.unit.crypto.keystore_contract import KeyStoreContract


@pytest.fixture(scope="module")
def keystore(token):
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    with Pkcs11KeyStore.create(token("contract"), "TEST", Secret(PIN, "PIN")) as store:
        for reference, (algorithm, usage, value) in KEYS.items():
            store.import_key(NewKey(reference, algorithm, usage), bytearray(value))
        yield store


class TestPkcs11KeyStore(KeyStoreContract):
    unsupported = frozenset({"wrap aes192", "wrap 3des under session dek", "retail mac", "the operator's cipher"})
