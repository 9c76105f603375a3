"""libpcsclite and pyscard: there, missing, or complaining."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cardkit.doctor import Verdict, library, virtual
from cardkit.errors import EncodingError


def test_virtual_cards_say_how_fast_they_are(station):
    seen = virtual.cards(station)
    assert seen.verdict == Verdict.OK
    assert "APDU/s" in seen.evidence


def test_virtual_cards_that_do_not_open_are_a_failure(station, monkeypatch):
    def refuse(target: str) -> None:
        raise EncodingError("no image here")

    monkeypatch.setattr(virtual, "open_card", refuse)
    assert virtual.cards(station).verdict == Verdict.FAIL


def test_the_library_is_named_with_its_place(other):
    place = "/usr/lib/x86_64-linux-gnu/libc.so.6"
    there = other(library="libc.so.6")
    (there.proc / "self/maps").write_text(f"7f00-7f01 r--p 00000000 fe:00 66  {place}\n", encoding="utf-8")
    assert library.library(there).evidence == place


def test_a_private_service_is_told(other):
    there = other(library="libc.so.6", environ={"PCSCLITE_CSOCK_NAME": "/run/mine/comm"})
    seen = library.library(there)
    assert (seen.verdict, seen.evidence) == (
        Verdict.OK,
        "libc.so.6; PCSCLITE_CSOCK_NAME=/run/mine/comm is in force",
    )


def test_a_missing_library_fails_with_what_to_install(other):
    seen = library.library(other(library="libnothere.so.1"))
    assert seen.verdict == Verdict.FAIL
    assert "libnothere.so.1" in seen.evidence
    assert "libpcsclite1" in seen.remedy


@pytest.fixture
def with_pyscard(tmp_path: Path, other):
    """A station whose pyscard is this text."""

    def make(text: str, **changes: object):
        package = tmp_path / "site/smartcard"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "scard.py").write_text(text, encoding="utf-8")
        return other(environ={"PYTHONPATH": str(package.parent)}, python=sys.executable, **changes)

    return make


def test_a_silent_pyscard_is_good(with_pyscard):
    seen = library.pyscard(with_pyscard(""))
    assert (seen.verdict, seen.remedy) == (Verdict.OK, "")
    assert seen.evidence.startswith("pyscard ")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_pyscard_that_prints_has_no_library(with_pyscard, stream):
    complaint = "libpcsclite.so.1: cannot open shared object file"
    seen = library.pyscard(with_pyscard(f"import sys; print('{complaint}', file=sys.{stream})"))
    assert seen.verdict == Verdict.FAIL
    assert complaint in seen.evidence


@pytest.mark.parametrize(("platform", "remedy"), [("linux", "libpcsclite-dev"), ("win32", "pip install")])
def test_a_missing_pyscard_fails_with_the_way_to_get_it(with_pyscard, platform, remedy):
    seen = library.pyscard(with_pyscard("raise ImportError('no scard here')", platform=platform))
    assert seen.verdict == Verdict.FAIL
    assert "no scard here" in seen.evidence
    assert remedy in seen.remedy


def test_a_pyscard_that_crashes_fails(with_pyscard):
    seen = library.pyscard(with_pyscard("import os; os._exit(7)"))
    assert (seen.verdict, seen.evidence) == (Verdict.FAIL, "pyscard cannot be loaded (exit code 7)")


def test_a_pyscard_without_its_metadata_has_no_version(with_pyscard, monkeypatch):
    def missing(name: str) -> str:
        raise library.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(library.metadata, "version", missing)
    assert library.pyscard(with_pyscard("")).evidence == "pyscard of unknown version"
