"""A station built in a folder, and a PC/SC service that plays what it is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardkit.doctor import Station
from cardkit.transport import pcsc_context

EMPTY, PRESENT, EXCLUSIVE, IN_USE, MUTE = 0x10, 0x20, 0x80, 0x100, 0x200


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """An empty Linux machine: no programs but a Python with pyscard, no processes, no configuration."""
    for name in ("proc/net", "proc/self", "reader.conf.d", "bin", "work"):
        (tmp_path / name).mkdir(parents=True)
    python = tmp_path / "bin/python"
    python.write_text("#!/bin/sh\n", encoding="utf-8")
    python.chmod(0o755)
    return Station(
        platform="linux",
        uid=1000,
        environ={"PATH": str(tmp_path / "bin")},
        proc=tmp_path / "proc",
        reader_conf=tmp_path / "reader.conf.d",
        folder=tmp_path / "work",
        programs=(),
        python=str(python),
    )


@pytest.fixture
def install(tmp_path: Path) -> Callable[[str, str], None]:
    """Install a program: a shell script."""

    def make(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    return make


@pytest.fixture
def start(station: Station) -> Callable[..., None]:
    """Let a process run: its id and its words."""

    def make(pid: int, *words: str) -> None:
        folder = station.proc / str(pid)
        folder.mkdir()
        (folder / "cmdline").write_bytes("\0".join(words).encode() + b"\0")

    return make


@dataclass
class PlayedService:
    """What the fake ``smartcard.scard`` answers."""

    context: int = 0
    readers: list[str] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    listing: int = 0
    delay_s: float = 0.0

    def module(self) -> SimpleNamespace:
        """The functions of ``smartcard.scard`` that lists and waits use."""
        return SimpleNamespace(
            SCARD_SCOPE_USER=0,
            SCardEstablishContext=self._establish,
            SCardReleaseContext=lambda handle: 0,
            SCardListReaders=self._list,
            SCardGetStatusChange=self._status,
        )

    def _establish(self, scope: int) -> tuple[int, int]:
        time.sleep(self.delay_s)
        return self.context, 1

    def _list(self, handle: int, groups: list[str]) -> tuple[int, list[str]]:
        return self.listing, self.readers

    def _status(self, handle: int, timeout: int, known: list[tuple[str, int]]) -> tuple[int, list[object]]:
        (name, _), *_others = known
        name.encode("ascii")
        return 0, [(name, self.states.get(name, EMPTY), [])]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedService]:
    """Put a fake PC/SC service in pyscard's place."""
    service = PlayedService()
    pcsc_context.scard.cache_clear()
    monkeypatch.setitem(sys.modules, "smartcard.scard", service.module())
    yield service
    pcsc_context.scard.cache_clear()


@pytest.fixture
def other(station: Station) -> Callable[..., Station]:
    """The same station with other properties."""
    return lambda **changes: replace(station, **changes)
