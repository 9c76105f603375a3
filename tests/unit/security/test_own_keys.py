"""K15: a card's own keys are its alone; one that repeats stops the line, whatever broke."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from cardkit.crypto import Key, MemoryKeyStore, Usage, diversify
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.digest import DupDigests
from cardkit.errors import FencedError, KeyRepeatedError, StoreError
from cardkit.production import batch_status, import_batch, open_store, run_batch
from cardkit.production.audit.export import verify_store
from cardkit.production.events import CardDone, Event
from cardkit.production.journal import Journal
from cardkit.production.purge import purge_batch
from cardkit.production.replay import replay_journals
from cardkit.production.store import Answer, Card, Claim, Office, StationSession, Store, start_session
from cardkit.production.store import cardkeys as remembered
from cardkit.production.store.invariants import check_audit, check_records
from cardkit.production.store.schema import attempt, card_key, record
from cardkit.production.store.statement import Driver
from cardkit.profile import load_profile, read_order
from tests.unit.production.conftest import BATCH, open_batch
from tests.unit.production.founding import NEW_STORE

RECORDS = 150
MASTER, DIGEST = bytes(range(0x40, 0x50)), bytes(range(32))
BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "sound": lambda uid: uid,
    "constant": lambda _: b"\x04" * 7,
    "truncated": lambda uid: uid[:4],
    "other bytes": lambda uid: uid[2:],
}
KEYS = MemoryKeyStore({"test:master": Key(MASTER, "test:master", "AES-128", Usage.MASTER_DERIVE)})
DIGESTS = DupDigests(Key(DIGEST, "digests", "HMAC-256", Usage.DUP_DIGEST))
UIDS = st.lists(
    st.tuples(*[st.sampled_from((0x00, 0x01))] * 7).map(lambda uid: bytes((0x04, *uid[1:]))),
    min_size=2, max_size=5, unique=True,
)  # fmt: skip

pytestmark = pytest.mark.requirement("K15")
counting = itertools.count()


def digest_of(role: str, data: bytes) -> bytes:
    return KEYS.card_key_digest(CardKey("test:master", Scheme.AN10922, data), role, DIGESTS)


class Desk:
    """A session with leased records; each is taken once."""

    def __init__(self, path: Path, dialect: str, records: int = RECORDS) -> None:
        self.store: Store = open_batch(path, records, dialect=dialect)
        self.lot = self.store.batch(BATCH)
        self.session: StationSession = start_session(self.store, "s1")[0]
        self._claims: Iterator[Claim] = iter(self.session.claim(BATCH, records, 600))

    def card(self) -> Card:
        claim = next(self._claims)
        return Card(claim.record_id, claim.token, f"chip {claim.row_no}")

    def standing(self, card: Card) -> tuple[str, int]:
        """State of the record, and how many attempts it has."""
        with self.store.reading() as connection:
            state = connection.scalar(select(record.c.state).where(record.c.id == card.record_id))
            tried = connection.scalar(select(func.count()).where(attempt.c.record_id == card.record_id))
        return str(state), int(tried or 0)

    def digests(self) -> int:
        with self.store.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(card_key)) or 0)


@pytest.fixture(params=list(NEW_STORE))
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "a.db", request.param)
    yield made
    made.store.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "a.db", "sqlite", 3)
    yield made
    made.store.close()


def test_whatever_broke_the_first_repeated_key_is_refused_and_no_other(desk: Desk) -> None:
    @settings(max_examples=15, deadline=None)
    @given(uids=UIDS, broken=st.sampled_from(sorted(BROKEN)))
    def holds(uids: list[bytes], broken: str) -> None:
        role, known = f"key {next(counting)}", set[bytes]()
        for uid in uids:
            data, card = BROKEN[broken](uid), desk.card()
            if data in known:
                with pytest.raises(KeyRepeatedError, match=f"its key '{role}' is that of record"):
                    desk.session.bind(desk.lot, card, {role: digest_of(role, data)})
                assert desk.standing(card) == ("LEASED", 0)
            else:
                assert desk.session.bind(desk.lot, card, {role: digest_of(role, data)}) is Answer.DONE
                assert desk.standing(card) == ("BOUND", 1)
            known.add(data)

    holds()
    assert list(check_records(desk.store, desk.lot)) == []
    assert check_audit(desk.store) == []


def test_the_same_record_may_come_with_its_keys_again(desk: Desk) -> None:
    card = desk.card()
    keys = {"a": digest_of("a", b"1"), "b": digest_of("b", b"1")}
    assert desk.session.bind(desk.lot, card, {"a": keys["a"]}) is Answer.DONE
    assert desk.session.bind(desk.lot, card, keys) is Answer.ALREADY
    desk.session.add_keys(desk.lot, card, keys)
    desk.session.reject(desk.lot, card, "NVM_6581")
    office = Office(desk.store, desk.lot, ("ana",))
    office.scrap(card.record_id, "D-1")
    office.remake(card.record_id)
    (claim,) = desk.session.claim(BATCH, 1, 600)
    assert claim.record_id == card.record_id
    assert desk.session.bind(desk.lot, Card(claim.record_id, claim.token, "chip new"), keys) is Answer.DONE
    assert desk.digests() == 2


def test_keys_that_the_card_told_later_are_refused_before_they_are_on_it(desk: Desk) -> None:
    first, second = desk.card(), desk.card()
    for card in (first, second):
        desk.session.bind(desk.lot, card)
    with pytest.raises(FencedError, match="not bound to chip"):
        desk.session.add_keys(desk.lot, desk.card(), {"KVN 30 enc": digest_of("KVN 30 enc", b"1")})
    desk.session.add_keys(desk.lot, first, {"KVN 30 enc": digest_of("KVN 30 enc", b"1")})
    with pytest.raises(KeyRepeatedError):
        desk.session.add_keys(desk.lot, second, {"KVN 30 enc": digest_of("KVN 30 enc", b"1")})
    assert desk.digests() == 1


def test_a_repeat_that_another_station_adds_at_the_same_moment_undoes_all(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, keys = desk.card(), desk.card(), {"a": digest_of("a", b"1")}
    look, looks = remembered.require_own, itertools.count()

    def late(driver: Driver, record_id: int, given: dict[str, bytes]) -> None:
        if next(looks) != 1:  # the second card's first look comes a moment too early
            look(driver, record_id, given)

    for place in ("cardkit.production.store.cardkeys", "cardkit.production.store.station"):
        monkeypatch.setattr(f"{place}.require_own", late)
    desk.session.bind(desk.lot, first, keys)
    with pytest.raises(StoreError, match="at the same moment as another station: record"):
        desk.session.bind(desk.lot, second, keys)
    assert desk.standing(second) == ("LEASED", 0)


def test_a_journal_brings_the_digests_back(small: Desk) -> None:
    first, second, keys = small.card(), small.card(), {"a": digest_of("a", b"1")}
    told = {"installation": small.store.terms.installation, "epoch": small.store.terms.epoch, "batch": BATCH}
    journal = Journal(small.store.journals / "old.journal", {**told, "station": "s1", "session": "old"})
    entry = {"record": first.record_id, "token": first.token, "chip": first.chip}
    journal.append({**entry, "event": "bind", "coupler": 1, "keys": {"a": keys["a"].hex()}})
    journal.append({**entry, "event": "keys", "keys": {"b": digest_of("b", b"1").hex()}})
    journal.sync()
    journal.close()
    replay_journals(small.store, small.session)
    for role in "ab":
        with pytest.raises(KeyRepeatedError, match=f"its key '{role}' is that of record {first.record_id}"):
            small.session.bind(small.lot, second, {role: digest_of(role, b"1")})


def test_digests_outlive_a_purge(small: Desk) -> None:
    card = small.card()
    small.session.bind(small.lot, card, {"a": digest_of("a", b"1")})
    with small.store.writing() as connection:
        connection.execute(text("update batch set state = 'CLOSED'"))
    purge_batch(small.store, BATCH, ("ana",), small.store.path.with_name("report.json"))
    assert small.digests() == 1
    assert list(verify_store(small.store).findings) == []


def test_a_digest_is_what_the_standard_library_says_and_tries_no_key() -> None:
    """HMAC-SHA-256 of a block under the key: without the digest key nobody can compare a guess with it."""
    card = CardKey("test:master", Scheme.AN10922, b"\x04\x01\x02")
    with KEYS.card_key(card) as own, own.reveal() as clear:
        block = Cipher(algorithms.AES(bytes(clear)), modes.ECB()).encryptor().update(bytes(range(0x10, 0x20)))
    message = b"cardkit-key-1\0card/key 0\0" + block
    assert KEYS.card_key_digest(card, "card/key 0", DIGESTS) == hmac.digest(DIGEST, message, "sha256")
    other = DupDigests(Key(bytes(32 * [7]), "digests", "HMAC-256", Usage.DUP_DIGEST))
    assert KEYS.card_key_digest(card, "card/key 0", other) != KEYS.card_key_digest(card, "card/key 0", DIGESTS)


def test_each_product_has_a_digest_key_that_the_database_does_not_hold(small: Desk) -> None:
    vault = small.store.vault
    keys = {vault.key_digests(product) for product in ("a", "b")}
    assert len(keys) == 2
    assert vault.key_digests("a") in keys
    small.session.bind(small.lot, small.card(), {"a": digest_of("a", b"1")})
    files = [path.read_bytes() for path in small.store.path.parent.glob("a.db*") if path.is_file()]
    assert len(files) > 1
    assert not [key for key in keys for content in files if key in content or hashlib.sha256(key).digest() in content]


def truncated_an10922(master: object, m: bytes) -> bytearray:
    return diversify_an10922(master, m[:1] + m[7:])  # type: ignore[arg-type]


def constant_kdf3(master: object, number: int, kdd: bytes) -> bytearray:
    return diversify_kdf3(master, number, bytes(len(kdd)))  # type: ignore[arg-type]


diversify_an10922, diversify_kdf3 = diversify.an10922, diversify._kdf3

LINES = {
    "transport/ntag424-sun": ("virtual:ntag424", "an10922", truncated_an10922, "BLANK_REJECT"),
    "gp/gp-test": ("virtual:gp-scp03", "_kdf3", constant_kdf3, "IN_DOUBT"),
}


@pytest.mark.parametrize("product", LINES)
def test_a_broken_diversifier_stops_the_line_at_its_second_card(
    product: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, name, broken, left = LINES[product]
    profile = load_profile(product)
    source, keys, events = profile.path.parent / "order.csv", profile.test_keystore(), list[Event]()
    monkeypatch.setattr(diversify, name, broken)
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as store:
        import_batch(store, profile, read_order(profile, source, keys), keys, source, name="lot")
        done = run_batch(store, "lot", [target], reporter=events.append)
        assert batch_status(store, "lot").state == "HELD"
    ends = [(event.verdict, event.code) for event in events if isinstance(event, CardDone)]
    assert ends == [("GOOD", None), (left, "KEY_REPEATED")]
    assert done.stopped is not None
    assert (done.stopped.scope, done.stopped.rule) == ("batch", "key_repeated")
    assert (done.stopped.why.count("\n"), "is that of record" in done.stopped.why) == (0, True)


def test_a_key_that_the_order_brings_twice_stops_the_line(tmp_path: Path) -> None:
    profile = load_profile("sim/usim-test")
    keys = profile.test_keystore()
    head, first, second, *_ = (profile.path.parent / "order.csv").read_text("utf-8").splitlines()
    place = head.split(",").index("ki")
    cells = second.split(",")
    cells[place] = first.split(",")[place]
    order = tmp_path / "order.csv"
    order.write_text("\n".join((head, first, ",".join(cells))) + "\n", "utf-8")
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as store:
        import_batch(store, profile, read_order(profile, order, keys), keys, order, name="lot")
        done = run_batch(store, "lot", ["virtual:usim"])
        counts = batch_status(store, "lot").counts
    assert done.stopped is not None
    assert "record 2: its key 'record ki' is that of record 1" in done.stopped.why
    assert counts["GOOD"] == 1
