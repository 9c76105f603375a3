"""CAP files: read in every form, put in the card's order, and never trusted."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cardkit.apps.gp.cap import CapFile, Component, Package, digest
from cardkit.errors import EncodingError

from .capfiles import (
    APPLET,
    FRAMEWORK,
    ORDER,
    PACKAGE,
    applet,
    archive,
    component,
    components,
    header,
    imports,
    wrapped,
)

PARTS = components()
IJC = b"".join(PARTS[name] for name in ORDER)


@pytest.mark.parametrize(
    "data",
    [
        archive(PARTS),
        archive(PARTS, folder=""),
        archive(PARTS, folder="javacard/"),
        wrapped(archive(PARTS)),
        wrapped(IJC, "example.ijc"),
        IJC,
        b"".join(reversed([PARTS[name] for name in ORDER])),
    ],
    ids=["converter", "flat", "no package folder", "archive in an archive", "IJC in an archive", "IJC", "IJC shuffled"],
)
def test_the_block_is_the_same_whatever_the_form_of_the_file(data: bytes) -> None:
    cap = CapFile.parse(data)
    assert cap.load_file_data_block() == IJC
    assert cap.package == Package(PACKAGE, 1, 3)
    assert cap.applets == (APPLET,)
    assert cap.imports == (Package(FRAMEWORK, 1, 3),)
    assert (cap.version, cap.flags, cap.java_card) == ((2, 1), 0x04, "2.2.2")


def test_the_descriptor_goes_last_and_only_when_asked_for() -> None:
    cap = CapFile.parse(archive(PARTS))
    assert cap.load_file_data_block(descriptor=True) == IJC + PARTS["Descriptor"]
    assert PARTS["Debug"] not in cap.load_file_data_block(descriptor=True)


def test_absent_components_are_skipped() -> None:
    library = {name: PARTS[name] for name in ("Header", "Directory", "Export", "ConstantPool")}
    cap = CapFile.parse(archive(library))
    assert cap.load_file_data_block() == b"".join(library.values())
    assert (cap.applets, cap.imports, cap.java_card) == ((), (), "")


def test_several_applets_and_imports() -> None:
    packages = ((FRAMEWORK, 1, 6), (bytes.fromhex("A0000000620201"), 1, 6), (bytes.fromhex("A00000015100"), 1, 5))
    cap = CapFile.parse(archive(PARTS | {"Applet": applet(APPLET, PACKAGE), "Import": imports(*packages)}))
    assert cap.applets == (APPLET, PACKAGE)
    assert cap.imports == tuple(Package(*package) for package in packages)
    assert (str(cap.imports[0]), cap.java_card) == ("A0000000620101 1.6", "3.0.5")


@pytest.mark.parametrize(("minor", "version"), [(0, "2.1.1"), (8, "3.1"), (9, ""), (255, "")])
def test_java_card_version(minor: int, version: str) -> None:
    assert CapFile.parse(archive(PARTS | {"Import": imports((FRAMEWORK, 1, minor))})).java_card == version


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no Header"),
        (archive({}), "no component"),
        (archive(PARTS, other__javacard__Header_dot_cap=PARTS["Header"]), "second package"),
        (archive(PARTS, org__example__javacard__Method_dot_capx=b""), "Method.capx: only Java Card 3.1"),
        (archive(PARTS, org__example__javacard__StaticResources_dot_cap=b""), "only Java Card 3.1"),
        (archive(PARTS | {"Header": header(flags=0x0C)}), "extended CAP file"),
        (archive(PARTS | {"Header": header(magic="CAFEBABE")}), "magic is not DECAFFED"),
        (archive(PARTS | {"Header": header(aid=bytes(4))}), "AID of 4 bytes"),
        (archive(PARTS | {"Header": component("Header", bytes.fromhex("DECAFFED0102"))}), "Header: it ends"),
        (archive(PARTS | {"Applet": component("Applet", b"\x02" + bytes([5]) + bytes(7))}), "Applet: it ends"),
        (archive(PARTS | {"Import": component("Import", b"")}), "Import: it ends"),
        (archive(PARTS | {"Class": PARTS["Class"] + b"\x00"}), "CLASS: tag or size"),
        (archive(PARTS | {"Class": PARTS["Export"]}), "CLASS: tag or size"),
        (archive({name: PARTS[name] for name in ("Class", "Method")}), "no Header"),
        (wrapped(wrapped(archive(PARTS))), "no Header"),
        (wrapped(b"text"), "neither a ZIP archive nor a component"),
        (IJC + PARTS["Class"], "CLASS stands there twice"),
        (IJC[:-1], "neither a ZIP archive nor a component"),
        (IJC + b"\x0d\x00\x00", "neither a ZIP archive nor a component"),
        (IJC + b"\x0c\x00", "neither a ZIP archive nor a component"),
        (bytes(16 * 1024 * 1024 + 1), "expected 16777216 or fewer"),
    ],
)  # fmt: skip
def test_refused(data: bytes, message: str) -> None:
    with pytest.raises(EncodingError, match=message):
        CapFile.parse(data)


def test_an_entry_that_unpacks_to_more_than_a_component_holds_is_not_unpacked() -> None:
    bomb = archive(PARTS | {"Method": bytes(4 * 1024 * 1024)})
    assert len(bomb) < 100_000
    with pytest.raises(EncodingError, match="unpacks to more than 65538 bytes"):
        CapFile.parse(bomb)


def test_too_many_entries() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for number in range(4097):
            out.writestr(f"{number}", b"")
    with pytest.raises(EncodingError, match="4097 entries, expected 4096 or fewer"):
        CapFile.parse(packed.getvalue())


GOOD = archive(PARTS)


@settings(max_examples=40)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_damaged_archive_is_refused_or_read(place: int, change: int) -> None:
    damaged = bytearray(GOOD)
    damaged[place] ^= change
    parses_or_refuses(bytes(damaged))


@settings(max_examples=40)
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(b"PK\x03\x04".__add__)))
@example(b"PK\x03\x04")
@example(b"\x01")
@example(IJC[:20])
def test_any_bytes_are_a_cap_file_or_refused(data: bytes) -> None:
    parses_or_refuses(data)


@settings(max_examples=40)
@given(st.integers(0, len(IJC)), st.binary(max_size=30))
def test_components_cut_and_mended_are_read_or_refused(cut: int, rest: bytes) -> None:
    parses_or_refuses(IJC[:cut] + rest)


def parses_or_refuses(data: bytes) -> None:
    try:
        cap = CapFile.parse(data)
    except EncodingError:
        return
    assert Component.HEADER in cap.components
    assert CapFile.parse(cap.load_file_data_block(descriptor=True)).package == cap.package


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_the_hash_is_over_the_block_alone(algorithm: str) -> None:
    assert digest(IJC, algorithm) == getattr(hashlib, algorithm)(IJC).digest()


def test_another_hash_is_refused() -> None:
    with pytest.raises(EncodingError, match="got 'md5'"):
        digest(IJC, "md5")
