"""The journal: what was synced is read back, a torn tail is cut off, damage is refused."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.errors import StoreError
from cardkit.production import journal as module
from cardkit.production.journal import Journal, frame, journal_files, parse_journal, read_journal

BIND = {"event": "bind", "record": 1, "token": 1, "chip": "c1", "coupler": 1}
DONE = {"event": "done", "record": 1, "token": 1, "chip": "c1", "verdict": "GOOD"}

ENTRIES = st.lists(
    st.dictionaries(st.text("abcdef", min_size=1), st.none() | st.integers(-9, 9) | st.text(max_size=20), max_size=4),
    min_size=1,
    max_size=6,
)


def write(path: Path, *entries: dict[str, Any]) -> None:
    journal = Journal(path, {"session": "s"})
    for entry in entries:
        journal.append(entry)
    journal.sync()
    journal.close()


def test_entries_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path / "a.journal", BIND, DONE)
    replay = read_journal(tmp_path / "a.journal")
    assert replay.entries == ({"v": 1, "event": "session", "session": "s"}, BIND, DONE)
    assert replay.torn_bytes == 0


def test_the_format_is_length_crc_and_json() -> None:
    # CRC-32 as gzip writes it for these bytes.
    assert frame({"a": 1}) == bytes.fromhex("00000007561bacaf") + b'{"a":1}'


def test_a_tail_torn_at_any_byte_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path / "a.journal", BIND, DONE)
    whole = (tmp_path / "a.journal").read_bytes()
    last = len(frame(DONE))
    for kept in range(len(whole) - last, len(whole)):
        (tmp_path / "b.journal").write_bytes(whole[:kept])
        replay = read_journal(tmp_path / "b.journal")
        assert replay.entries[-1] == BIND
        assert replay.torn_bytes == kept - (len(whole) - last)


@pytest.mark.parametrize("tail", [bytes(100), b"\xff" * 100, frame(DONE)[:-1] + b"?"])
def test_rubbish_at_the_end_is_a_torn_tail(tmp_path: Path, tail: bytes) -> None:
    write(tmp_path / "a.journal", BIND)
    with (tmp_path / "a.journal").open("ab") as file:
        file.write(tail)
    assert read_journal(tmp_path / "a.journal").entries[-1] == BIND
    assert read_journal(tmp_path / "a.journal").torn_bytes == len(tail)


def test_damage_before_whole_entries_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    write(path, BIND, DONE)
    data = bytearray(path.read_bytes())
    data[data.index(b"c1")] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"damaged at byte \d+, whole entries follow"):
        read_journal(path)


@given(entries=ENTRIES, data=st.data())
def test_any_prefix_gives_the_entries_that_are_whole(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    frames = [frame(entry) for entry in entries]
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))
    replay = parse_journal(whole[:cut], Path("a.journal"))
    ends = [sum(map(len, frames[: n + 1])) for n in range(len(frames))]
    count = sum(end <= cut for end in ends)
    assert list(replay.entries) == entries[:count]


def test_after_a_failed_write_the_journal_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "a.journal", {"session": "s"})

    def full(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", full)
        with pytest.raises(StoreError, match="No space left on device"):
            journal.append(BIND)
    with pytest.raises(StoreError, match="takes no more entries"):
        journal.append(DONE)
    journal.close()
    assert len(read_journal(tmp_path / "a.journal").entries) == 1


def test_a_short_write_breaks_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "a.journal", {"session": "s"})
    whole_write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda file, data: whole_write(file, data[:5]))
        with pytest.raises(StoreError, match="5 of"):
            journal.append(BIND)
    with pytest.raises(StoreError, match="takes no more"):
        journal.append(BIND)
    journal.close()
    assert read_journal(tmp_path / "a.journal").torn_bytes == 5


def test_a_session_never_overwrites_a_journal(tmp_path: Path) -> None:
    write(tmp_path / "a.journal", BIND)
    with pytest.raises(StoreError, match="cannot be made"):
        Journal(tmp_path / "a.journal", {"session": "s"})


def test_files_are_listed_and_others_are_not(tmp_path: Path) -> None:
    write(tmp_path / "b.journal")
    write(tmp_path / "a.journal")
    (tmp_path / "notes.txt").write_text("x")
    assert [path.name for path in journal_files(tmp_path)] == ["a.journal", "b.journal"]
    assert list(journal_files(tmp_path / "none")) == []
