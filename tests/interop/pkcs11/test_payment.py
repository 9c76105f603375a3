"""What a token does for payment cards: issuer keys are in SoftHSM2, sensitive and not extractable."""

import pytest

from cardkit.crypto import Secret
from cardkit.crypto.management import NewKey
from tests.interop.pkcs11.softhsm import PIN
from tests.unit.emv_crypto.payment_contract import DIGITS, PAYMENT_KEYS, PaymentContract, card, key, transaction


@pytest.fixture(scope="module")
def keystore(token):
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    with Pkcs11KeyStore.create(token("payment"), "TEST", Secret(PIN, "PIN")) as store:
        for reference, (algorithm, usage, value) in PAYMENT_KEYS.items():
            store.import_key(NewKey(reference, algorithm, usage), bytearray(value))
        yield store


class TestPkcs11KeyStore(PaymentContract):
    unsupported = frozenset({"single DES"})

    def test_common_session_keys_leave_no_card_key_in_memory(self, keystore):
        """A card's master key is derived and used inside; VSDC 10 and its like need its bytes, and that is noted."""
        before = dict(keystore.recorded_exceptions)
        keystore.emv_cryptogram(card("iss:ac"), transaction(), b"data")
        assert dict(keystore.recorded_exceptions) == before

        keystore.emv_cryptogram(key("ac", digits=DIGITS), transaction("vsdc", 0x0A), b"data")
        assert sum(keystore.recorded_exceptions.values()) == sum(before.values()) + 1
