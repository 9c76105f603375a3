"""A LIVE store with people in every role, and clocks the test moves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cardkit.crypto import Secret, passphrase
from cardkit.production.people import accounts
from cardkit.production.people.roles import Role
from cardkit.production.store import Clocks, Store
from cardkit.production.store.orders import NewBatch, NewRecord, add_batch
from cardkit.production.store.store import create_or_open
from cardkit.production.store.urls import database_of

PEOPLE = {
    "root": [Role.ADMINISTRATOR],
    "olga": [Role.OPERATOR],
    "sven": [Role.SUPERVISOR],
    "saba": [Role.SUPERVISOR, Role.OPERATOR],
    "otto": [Role.SECURITY_OFFICER],
    "quin": [Role.QA],
    "carl": [Role.CUSTODIAN],
    "cleo": [Role.CUSTODIAN],
    "arne": [Role.AUTHOR, Role.QA],
    "audi": [Role.AUDITOR],
}
BATCH = "B-1"
CHEAP = {"m_kib": 32, "t": 1, "p": 4}


class Time:
    """A clock the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> datetime:
        return datetime(2031, 5, 4, tzinfo=UTC) + timedelta(seconds=self.seconds)


def password(name: str) -> Secret:
    return Secret(f"a password of {name}".encode(), name)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", CHEAP)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LIVE store with all people, made once and copied for each test."""
    path = tmp_path_factory.mktemp("founded") / "plant.db"
    with (
        pytest.MonkeyPatch.context() as patch,
        create_or_open(database_of(f"sqlite:///{path}"), "root", persons=2, kind="LIVE") as store,
    ):
        patch.setitem(passphrase.COSTS, "argon2id", CHEAP)
        accounts.add(store, "root", "1000", PEOPLE["root"], password("root"))
        accounts.log_in(store, "root", password("root"))
        for number, (name, roles) in enumerate(PEOPLE.items()):
            if name != "root":
                accounts.add(store, name, f"10{number:02}", roles, password(name))
    return path


@pytest.fixture
def live_at(founded: Path, tmp_path: Path, time: Time) -> Iterator[Callable[[str], Store]]:
    """Open the LIVE store as some operator, who is not logged in yet."""
    path = tmp_path / "plant.db"
    for suffix in ("", ".key"):
        shutil.copy(f"{founded}{suffix}", f"{path}{suffix}")
    opened: list[Store] = []

    def at(operator: str) -> Store:
        clocks = Clocks(time.now, time.wall, time.now)
        opened.append(create_or_open(database_of(f"sqlite:///{path}"), operator, persons=2, kind="LIVE", clocks=clocks))
        return opened[-1]

    yield at
    for store in opened:
        store.close()


@pytest.fixture
def live(live_at: Callable[[str], Store]) -> Callable[..., Store]:
    """Open the LIVE store with some people logged in, the first of them the operator."""

    def with_people(*names: str) -> Store:
        store = live_at(names[0])
        for name in names:
            accounts.log_in(store, name, password(name))
        return store

    return with_people


def batch_of(store: Store, name: str = BATCH, records: int = 3) -> None:
    """File a batch as DRAFT."""
    new = NewBatch(
        name=name,
        profile="usim",
        profile_version=1,
        profile_path="profile",
        profile_sha256=b"\x11" * 32,
        keyset_sha256=b"\x22" * 32,
        source_name="order.csv",
        source_sha256=name.encode().ljust(32, b"\0"),
        remake="after-scrap",
    )
    add_batch(store, new, [NewRecord(n, b"record", {"iccid": f"{name}{n}"}) for n in range(1, records + 1)])


def audited(store: Store, chain: str = "office") -> list[str]:
    """The kinds of a chain's events."""
    return [str(link.kind) for link in store.audit_events(chain)]
