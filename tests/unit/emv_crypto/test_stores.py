"""What key stores do for payment cards, over the two that keep their keys in memory."""

import pytest

from cardkit.crypto import Key, MemoryKeyStore
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.crypto.private import PrivateKey

from .payment_contract import PAYMENT_KEYS, PaymentContract


def in_memory(folder):
    return MemoryKeyStore(
        {
            reference: PrivateKey(value, reference, usage)
            if algorithm.startswith("RSA")
            else Key(value, reference, algorithm, usage)
            for reference, (algorithm, usage, value) in PAYMENT_KEYS.items()
        }
    )


def in_file(folder):
    """Return a store written and opened again, so that every key has been in the file."""
    store, shares = FileKeyStore.create_shared(folder / "plant.keys", "TEST", 2, 3)
    with store:
        for reference, (algorithm, usage, value) in PAYMENT_KEYS.items():
            store.import_key(NewKey(reference, algorithm, usage), bytearray(value))
    return FileKeyStore.open(folder / "plant.keys", shares[1:])


@pytest.fixture(scope="module", params=[in_memory, in_file])
def keystore(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("keys"))


class TestSoftStores(PaymentContract):
    pass
