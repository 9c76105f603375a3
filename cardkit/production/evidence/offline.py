"""A pack checked with a public key and nothing else."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile, ZipFile

import msgspec

from cardkit.errors import EncodingError
from cardkit.production.audit.offline import verify_export
from cardkit.production.audit.statement import EVIDENCE, Statement
from cardkit.production.canonical import parse_canonical
from cardkit.production.evidence.archive import (
    AUDIT,
    CARDS,
    CHUNK_BYTES,
    FORMAT,
    MANIFEST,
    PROFILE_PARTS,
    SEAL_BYTES,
    SIGNATURE,
    seal_body,
)

MOST_BYTES = 16 << 20  # of a manifest

# What zipfile raises for an archive that somebody damaged, besides its own error.
DAMAGED = (BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, OverflowError)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bytes: int
    sha256: str


class _Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a manifest says."""

    v: int
    type: str
    installation: str
    kind: str
    batch: str
    state: str
    at: str
    by: str
    profile: _Profile
    files: dict[str, _File]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a pack.

    :param file: empty where it is about the pack as a whole.
    """

    code: str
    file: str = ""


@dataclass(slots=True)
class Checked:
    """A pack that was looked at.

    :ivar manifest: what it says; None where nothing can be believed.  :ivar cards: lines of ``cards.csv``.
    """

    sha256: str
    manifest: Manifest | None = None
    cards: int = 0
    findings: list[Finding] = field(default_factory=list)


def verify_evidence(path: Path, public: bytes) -> Checked:
    """Check every byte of a pack.

    A pack that is damaged names the files that are, as far as it can still be read. Nothing is unpacked to disk.

    :param public: the key of the audit, SubjectPublicKeyInfo in DER, from elsewhere.
    """
    with path.open("rb") as stream:
        done = _check_seal(stream, public)
        try:
            with ZipFile(stream) as archive:
                _check_archive(archive, public, done)
        except DAMAGED:
            done.findings.append(Finding("UNREADABLE"))
    return done


def _check_seal(stream: BinaryIO, public: bytes) -> Checked:
    whole, inner = hashlib.sha256(), hashlib.sha256()
    left = max(0, stream.seek(0, 2) - SEAL_BYTES)
    stream.seek(0)
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        left -= len(chunk)
        inner.update(chunk)
        whole.update(chunk)
    seal = stream.read()
    whole.update(seal)
    done = Checked(whole.hexdigest())
    if not Statement(seal_body(inner.hexdigest()), _signature(seal)).is_by(public, EVIDENCE):
        done.findings.append(Finding("SEAL"))
    return done


def _signature(digits: bytes) -> bytes:
    """Return the signature written in lower hex; one that proves nothing where it is not."""
    try:
        signature = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        return b""
    return signature if signature.hex().encode() == digits else b""


def _check_archive(archive: ZipFile, public: bytes, done: Checked) -> None:
    body, signature = (_small(archive, name) for name in (MANIFEST, SIGNATURE))
    if not Statement(body, _signature(signature)).is_by(public, EVIDENCE):
        done.findings.append(Finding("SIGNATURE", MANIFEST))
        return
    try:
        manifest = msgspec.convert(parse_canonical(body), Manifest)
    except (EncodingError, msgspec.ValidationError):
        done.findings.append(Finding("SIGNATURE", MANIFEST))  # a statement of that key about something else
        return
    if (manifest.v, manifest.type) != (1, FORMAT):
        done.findings.append(Finding("SIGNATURE", MANIFEST))
        return
    done.manifest = manifest
    wrong = list(_compared(archive, manifest))
    done.findings += wrong
    if not wrong:
        done.findings += _contents(archive, manifest, public, done)


def _small(archive: ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as member:
            return member.read(MOST_BYTES)
    except KeyError:
        return b""


def _compared(archive: ZipFile, manifest: Manifest) -> Iterator[Finding]:
    """Yield what differs between the files listed and those that are there."""
    names = archive.namelist()
    expected = [*manifest.files, MANIFEST, SIGNATURE]
    for name in dict.fromkeys(names):
        if name not in expected or names.count(name) > 1:
            yield Finding("ADDED", name)
    for name, file in manifest.files.items():
        if name not in names:
            yield Finding("MISSING", name)
        elif not _is(archive, name, file):
            yield Finding("CHANGED", name)


def _is(archive: ZipFile, name: str, file: _File) -> bool:
    if archive.getinfo(name).file_size != file.bytes:
        return False
    digest = hashlib.sha256()
    try:
        with archive.open(name) as member:
            while chunk := member.read(CHUNK_BYTES):
                digest.update(chunk)
    except DAMAGED:
        return False
    return digest.hexdigest() == file.sha256


def _contents(archive: ZipFile, manifest: Manifest, public: bytes, done: Checked) -> Iterator[Finding]:
    """Yield where files contradict each other: the audit itself, the digests of cards, the profile."""
    if missing := [name for name in (AUDIT, CARDS, PROFILE_PARTS) if name not in manifest.files]:
        yield from (Finding("MISSING", name) for name in missing)
        return
    with archive.open(AUDIT) as stream:
        try:
            audited = verify_export(stream, public)
            about = (audited.installation, audited.batch)
            sound = not audited.findings and about == (manifest.installation, manifest.batch)
        except EncodingError:
            sound = False
    if not sound:
        yield Finding("AUDIT", AUDIT)
        return
    with archive.open(AUDIT) as stream:
        proved = set(_digests(stream))
    cards = list(_cards(archive))
    done.cards = len(cards)
    if not {digest for digest in cards if digest} <= proved:
        yield Finding("DIGEST", CARDS)
    if manifest.files[PROFILE_PARTS].sha256 != manifest.profile.sha256:
        yield Finding("PROFILE", PROFILE_PARTS)


def _digests(lines: Any) -> Iterator[str]:
    """Yield the evidence digests that events of an export name."""
    for line in lines:
        event = json.loads(line).get("event")
        digest = json.loads(event)["data"].get("evidence_sha256") if event else None
        if digest:
            yield digest


def _cards(archive: ZipFile) -> Iterator[str]:
    with archive.open(CARDS) as stream:
        for line in csv.DictReader(io.TextIOWrapper(stream, "ascii", newline="")):
            yield line["evidence_sha256"]
