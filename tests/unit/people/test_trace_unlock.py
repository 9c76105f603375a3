"""L3: a trace without masks is of a TEST card, or two persons unlock it; then it is encrypted as it is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import pytest

from cardkit.errors import StoreError, TwoPersonsError
from cardkit.production.audit.catalogue import KINDS
from cardkit.production.output import Envelope
from cardkit.production.store import Clocks, Store
from cardkit.production.tracing import Unlock, masked, unmasked
from cardkit.profile import load_profile
from cardkit.target import Card, open_connection
from cardkit.transport.record import RecordingConnection
from tests.unit.people.conftest import audited
from tests.unit.production.founding import new_store

PROFILE = load_profile("sim/usim-test")
LIVE = dataclasses.replace(PROFILE, kind="LIVE")
ADM1 = b"4142434445464748"
VERIFY = bytes.fromhex("0020000A08") + bytes.fromhex(ADM1.decode())

pytestmark = pytest.mark.requirement("L3")


class Scrambled:
    """Stands for the OpenPGP envelope: what it is given reaches the file scrambled."""

    recipient = "A" * 40

    @contextmanager
    def around(self, stream: BinaryIO) -> Iterator[IO[bytes]]:
        class Pipe:
            closed = False
            readable = seekable = staticmethod(lambda: False)
            writable = staticmethod(lambda: True)
            flush = staticmethod(lambda: None)

            def write(self, data: bytes) -> int:
                return stream.write(bytes(byte ^ 0x55 for byte in data))

        yield cast("IO[bytes]", Pipe())


def unlock(store: Store, *by: str) -> Unlock:
    return Unlock(store, by, cast("Envelope", Scrambled()))


def unlocked(path: Path, given: Unlock | None) -> None:
    with unmasked(path, LIVE, 3, given) as trace:
        talk(trace.sink, trace.redactor)


def talk(sink: object, redactor: object) -> None:
    with Card(RecordingConnection(open_connection("virtual:usim", seed=1), sink, redactor)) as card:  # type: ignore[arg-type]
        card.connection.transmit(VERIFY)


@pytest.mark.requirement("R4")
@pytest.mark.parametrize(
    "by", [(), ("otto",), ("sven",), ("otto", "otto"), ("sven", "olga"), ("otto", "quin"), ("carl", "cleo")]
)
def test_too_few_or_others_unlock_nothing(by: tuple[str, ...], live: Callable[..., Store], tmp_path: Path) -> None:
    store = live("root", *dict.fromkeys(by))
    with pytest.raises(TwoPersonsError, match="unlocking a trace needs security-officer and supervisor"):
        unlocked(tmp_path / "t", unlock(store, *by))
    assert not (tmp_path / "t").exists()
    assert "TRACE_UNLOCK" not in audited(store)


@pytest.mark.parametrize("given", [False, True], ids=["nobody", "a TEST store"])
def test_a_live_trace_is_unlocked_in_its_live_store_only(given: bool, tmp_path: Path) -> None:
    store = new_store(tmp_path / "a.db", persons=1, clocks=Clocks())
    with pytest.raises(StoreError, match="unlocked by two persons of its store"):
        unlocked(tmp_path / "t", unlock(store, "otto", "sven") if given else None)
    store.close()
    assert not (tmp_path / "t").exists()


@pytest.mark.requirement("L6")
@pytest.mark.requirement("R4")
def test_two_persons_unlock_one_trace_that_lies_nowhere_in_clear(live: Callable[..., Store], tmp_path: Path) -> None:
    store = live("otto", "sven")
    unlocked(tmp_path / "t", unlock(store, "otto", "sven"))
    written = (tmp_path / "t").read_bytes()
    clear = bytes(byte ^ 0x55 for byte in written)
    assert (ADM1 in written, ADM1 in clear) == (False, True)
    assert json.loads(clear.splitlines()[0])["redaction"] == "none"
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ADM1 in path.read_bytes()]
    event = json.loads(list(store.audit_events("office"))[-1].event)
    assert (event["event"], event["actor"], "TRACE_UNLOCK" in KINDS) == ("TRACE_UNLOCK", "otto", True)
    assert event["data"] == {"by": ["otto", "sven"], "profile": "usim-test", "record": 3, "recipient": "A" * 40}


def test_an_unlock_is_of_one_trace(live: Callable[..., Store], tmp_path: Path) -> None:
    store = live("otto", "sven")
    (tmp_path / "t").write_bytes(b"another")
    with pytest.raises(FileExistsError):
        unlocked(tmp_path / "t", unlock(store, "otto", "sven"))
    assert (tmp_path / "t").read_bytes() == b"another"


def test_a_test_trace_shows_all_and_says_so(tmp_path: Path) -> None:
    with unmasked(tmp_path / "t", PROFILE, 1) as trace:
        talk(trace.sink, trace.redactor)
    text = (tmp_path / "t").read_bytes()
    assert (ADM1 in text, json.loads(text.splitlines()[0])["redaction"]) == (True, "none")


@pytest.mark.parametrize("profile", [PROFILE, LIVE], ids=["TEST", "LIVE"])
def test_without_more_words_every_trace_is_masked(profile: object, tmp_path: Path) -> None:
    with masked(tmp_path / "t", profile) as trace:  # type: ignore[arg-type]
        talk(trace.sink, trace.redactor)
    text = (tmp_path / "t").read_bytes()
    assert (ADM1 in text, b"<8:ADM>" in text) == (False, True)
