"""The contract of key stores, over the two that keep their keys in memory."""

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.crypto.private import PrivateKey
from tests.unit.crypto.contract_keys import CODES, KEYS
from tests.unit.crypto.keystore_contract import KeyStoreContract


def in_memory(folder):
    return MemoryKeyStore(
        {
            reference: PrivateKey(value, reference, usage)
            if algorithm.startswith(("EC", "RSA"))
            else Key(value, reference, algorithm, usage)
            for reference, (algorithm, usage, value) in KEYS.items()
        }
        | {reference: Secret(value, reference) for reference, value in CODES.items()}
    )


def in_file(folder):
    """Return a store written and opened again, so that every key has been in the file."""
    store, shares = FileKeyStore.create_shared(folder / "plant.keys", "TEST", 2, 3)
    with store:
        for reference, (algorithm, usage, value) in KEYS.items():
            store.import_key(NewKey(reference, algorithm, usage), bytearray(value))
        for reference, value in CODES.items():
            store.import_key(NewKey(reference, "", Usage.CARD_SECRET), bytearray(value))
    return FileKeyStore.open(folder / "plant.keys", shares[1:])


@pytest.fixture(scope="module", params=[in_memory, in_file])
def keystore(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("keys"))


class TestSoftStores(KeyStoreContract):
    shows_codes = True
