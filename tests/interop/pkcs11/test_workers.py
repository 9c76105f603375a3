"""Worker processes in front of a token: right keys in the right order, errors that arrive, death that is noticed."""

import pytest

from cardkit.crypto import MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.hsmworkers import HsmWorkers, SessionRequest
from cardkit.crypto.management import NewKey
from cardkit.errors import KeyStoreError, KeyStoreLockedError, KeyStoreUnavailableError
from tests.interop.pkcs11.softhsm import PIN

GP_KEY = bytes(range(0x40, 0x50))
AES = parse_key_set("30=test:gp-default").for_card(bytes(10))
DES = parse_key_set("20=test:gp-default-3des").for_card(bytes(10))
PUBLISHED = MemoryKeyStore.with_published_test_keys()


def pin(value=PIN):
    return Secret(value, "PIN")


@pytest.fixture(scope="module")
def uri(token):
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    uri = token("workers")
    with Pkcs11KeyStore.create(uri, "TEST", pin()) as store:
        store.import_key(NewKey("test:gp-default", "AES-128", Usage.SECURE_CHANNEL), bytearray(GP_KEY))
        store.import_key(NewKey("test:gp-default-3des", "3DES-128", Usage.SECURE_CHANNEL), bytearray(GP_KEY))
    return uri


@pytest.fixture(scope="module")
def workers(uri):
    with HsmWorkers(uri, pin(), workers=2) as started:
        yield started


@pytest.mark.parametrize("count", [0, 1, 2, 3, 50])
def test_session_keys_come_in_the_order_of_the_requests(workers, count):
    contexts = [number.to_bytes(16, "big") for number in range(count)]
    requests = [SessionRequest("scp03", AES, (context,)) for context in contexts]

    assert [PUBLISHED.scp03_session(AES, context) for context in contexts] == workers.session_keys(requests)


def test_each_protocol(workers):
    challenges = (bytes(range(8)), bytes(range(8, 16)))
    requests = [
        SessionRequest("scp01", DES, challenges),
        SessionRequest("scp02", DES, (b"\0\7",)),
        SessionRequest("scp03", AES, (bytes(16),)),
    ]

    assert workers.session_keys(requests) == [
        PUBLISHED.scp01_session(DES, *challenges),
        PUBLISHED.scp02_session(DES, b"\0\7"),
        PUBLISHED.scp03_session(AES, bytes(16)),
    ]


def test_error_of_a_request_arrives_and_the_workers_go_on(workers):
    missing = SessionRequest("scp03", parse_key_set("30=test:none").for_card(bytes(10)), (bytes(16),))
    good = SessionRequest("scp03", AES, (bytes(16),))
    with pytest.raises(KeyStoreError, match="key test:none: not in this token"):
        workers.session_keys([good, missing])
    assert len(workers.session_keys([good] * 4)) == 4


def test_wrong_pin_is_a_security_stop(uri):
    with pytest.raises(KeyStoreLockedError, match="refused the PIN") as caught:
        HsmWorkers(uri, pin(b"9999"), workers=1)
    assert caught.value.security_stop
    HsmWorkers(uri, pin(), workers=1).close()


def test_token_that_is_not_there(uri):
    with pytest.raises(KeyStoreUnavailableError, match=r"token none.*not found by"):
        HsmWorkers(uri.replace("token=workers", "token=none#"), pin(), workers=1)


def test_dead_worker_is_noticed(uri):
    with HsmWorkers(uri, pin(), workers=1) as workers:
        workers._workers[0]._process.kill()
        workers._workers[0]._process.join()
        with pytest.raises(KeyStoreUnavailableError, match="token worker: has ended"):
            workers.session_keys([SessionRequest("scp03", AES, (bytes(16),))])


def test_processes_that_start_together_all_find_the_token(uri):
    """Without the lock, 12 of 40 failed."""
    with HsmWorkers(uri, pin(), workers=6) as workers:
        assert len(workers) == 6
