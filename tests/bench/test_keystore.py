"""Keys on a software token: session-key sets a second for one worker, and whether it grows slow over many cards."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from cardkit.crypto import Secret, Usage
from cardkit.crypto.cardkeys import parse_key_set
from cardkit.crypto.hsmworkers import HsmWorkers, SessionRequest
from cardkit.crypto.management import NewKey
from tests.interop.pkcs11.softhsm import PIN, new_token

pytest.importorskip("pkcs11")

GP_KEY = bytes(range(0x40, 0x50))
CARDS = 50_000
ROUND = 1_000
LEAST_PER_S = 2_000
# A machine's clock rate and its neighbours change during a minute; a leak costs a multiple (4 searches a second).
SLOWER = 1.5


@pytest.fixture(scope="module")
def uri() -> str:
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    uri = new_token("bench")
    with Pkcs11KeyStore.create(uri, "TEST", Secret(PIN, "PIN")) as store:
        for name, algorithm, usage in [
            ("plant:aes", "AES-128", Usage.SECURE_CHANNEL),
            ("plant:3des", "3DES-128", Usage.SECURE_CHANNEL),
            ("plant:kmc", "3DES-128", Usage.MASTER_DERIVE),
            ("plant:kmc-aes", "AES-128", Usage.MASTER_DERIVE),
        ]:
            store.import_key(NewKey(name, algorithm, usage), bytearray(GP_KEY))
    return uri


@pytest.fixture(scope="module")
def store(uri: str) -> Iterator[object]:
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    with Pkcs11KeyStore.open(uri, Secret(PIN, "PIN")) as opened:
        yield opened


def rate(work: Callable[[int], object], first: int, count: int) -> float:
    """Return how often a second of this process's own time the work is done: neighbours do not count."""
    begin = time.process_time()
    for number in range(first, first + count):
        work(number)
    return count / (time.process_time() - begin)


def kdd(number: int) -> bytes:
    return number.to_bytes(10, "big")


SETS = {
    "SCP03, static AES-128 keys": lambda store, n: store.scp03_session(
        parse_key_set("30=plant:aes").for_card(kdd(n)), n.to_bytes(16, "big")
    ),
    "SCP02, static 3DES keys": lambda store, n: store.scp02_session(
        parse_key_set("20=plant:3des").for_card(kdd(n)), (n % 65_536).to_bytes(2, "big")
    ),
    "SCP03, card keys by KDF3 (buffer)": lambda store, n: store.scp03_session(
        parse_key_set("30=plant:kmc-aes/kdf3").for_card(kdd(n)), n.to_bytes(16, "big")
    ),
    "SCP02, card keys by EMV CPS (inside)": lambda store, n: store.scp02_session(
        parse_key_set("20=plant:kmc/emv").for_card(kdd(n)), b"\0\0"
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_session_key_sets_per_second(store: object, name: str) -> None:
    best = max(rate(lambda n: SETS[name](store, n), 0, ROUND) for _ in range(3))
    print(f"\n{name}: {best:,.0f} sets/s a worker")

    if "static" in name:
        assert best >= LEAST_PER_S


def test_no_slowdown_after_many_cards(store: object) -> None:
    """Derived card keys make session objects on the token; one left behind for each card would show long before."""
    objects = sum(1 for _ in store._token._session.get_objects())  # type: ignore[attr-defined]
    static, derived = SETS["SCP03, static AES-128 keys"], SETS["SCP02, card keys by EMV CPS (inside)"]

    def cards(first: int, count: int) -> float:
        return rate(lambda n: (static(store, n), derived(store, n) if n % 5 == 0 else None), first, count)

    before = max(cards(0, ROUND) for _ in range(3))
    cards(ROUND, CARDS)
    after = max(cards(ROUND + CARDS, ROUND) for _ in range(3))
    left = sum(1 for _ in store._token._session.get_objects())  # type: ignore[attr-defined]
    print(f"\ncards a second, every fifth with derived keys: {before:,.0f}; after {CARDS:,} cards {after:,.0f}")

    assert left == objects
    assert after * SLOWER >= before


def test_workers(uri: str) -> None:
    keys = parse_key_set("30=plant:aes").for_card(bytes(10))
    requests = [SessionRequest("scp03", keys, (n.to_bytes(16, "big"),)) for n in range(4 * ROUND)]
    for count in range(1, (os.cpu_count() or 1) + 1):
        with HsmWorkers(uri, Secret(PIN, "PIN"), workers=count) as workers:
            workers.session_keys(requests[:10])
            begin = time.perf_counter()
            answers = workers.session_keys(requests)
            spent = time.perf_counter() - begin
        print(f"\n{count} workers, batches of {len(requests):,}: {len(requests) / spent:,.0f} sets/s by the clock")
        assert len(answers) == len(requests)
