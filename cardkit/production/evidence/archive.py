"""The zip around a pack: files, their signed manifest, and a seal over every byte, so that none can change unseen.

``manifest.json`` is canonical JSON with the SHA-256 of every other file, ``manifest.sig`` its signature in hex. The
comment of the archive, its last 128 bytes, is the signature of the digest of all bytes before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cardkit.errors import StoreError
from cardkit.production.audit.statement import EVIDENCE, Signer
from cardkit.production.canonical import canonical
from cardkit.production.report.atomic import replacing_bytes

FORMAT = "cardkit-evidence"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
AUDIT, CARDS, PROFILE_PARTS = "audit.jsonl", "cards.csv", "profile/files.sha256"
SEAL_BYTES = 128  # a signature of 64 bytes in hex
CHUNK_BYTES = 1 << 20

_ONE_TIME = (1980, 1, 1, 0, 0, 0)  # the files are what they are whenever they were packed
_OF_OWNER = 0o600 << 16
_UNIX = 3


def write_pack(path: Path, folder: Path, about: Mapping[str, Any], signer: Signer) -> str:
    """Pack all files of a folder, sign them, and seal the archive.

    :param about: what the manifest says besides its files; plain values in canonical JSON's reach.
    :returns: SHA-256 of the pack, lower hex.
    :raises StoreError: when a file cannot be read or the pack cannot be written.
    """
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    with TemporaryFile() as draft, replacing_bytes(path, private=True) as stream:
        try:
            _write_archive(draft, files, about, signer)
            return _sealed(draft, stream, signer)
        except ValueError as error:  # zipfile: a name or a size that no archive holds
            raise StoreError(f"{path}: cannot be packed: {error}") from error


def _write_archive(draft: BinaryIO, files: Mapping[str, Path], about: Mapping[str, Any], signer: Signer) -> None:
    with ZipFile(draft, "w") as archive:
        listed = {name: _add(archive, name, file) for name, file in files.items()}
        signed = signer.sign(EVIDENCE, {"v": 1, "type": FORMAT, **about, "files": listed})
        archive.writestr(_entry(MANIFEST), signed.body)
        archive.writestr(_entry(SIGNATURE), signed.signature.hex())
        archive.comment = bytes(SEAL_BYTES)


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _ONE_TIME)
    entry.compress_type, entry.create_system, entry.external_attr = ZIP_DEFLATED, _UNIX, _OF_OWNER
    return entry


def _add(archive: ZipFile, name: str, file: Path) -> dict[str, Any]:
    entry = _entry(name)
    entry.file_size = file.stat().st_size
    digest = hashlib.sha256()
    with file.open("rb") as source, archive.open(entry, "w") as member:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            member.write(chunk)
    return {"bytes": entry.file_size, "sha256": digest.hexdigest()}


def _sealed(draft: BinaryIO, stream: BinaryIO, signer: Signer) -> str:
    """Copy the archive with its seal in the place kept for it."""
    digest = hashlib.sha256()
    left = draft.seek(0, 2) - SEAL_BYTES
    draft.seek(0)
    while left:
        chunk = draft.read(min(left, CHUNK_BYTES))
        left -= len(chunk)
        digest.update(chunk)
        stream.write(chunk)
    seal = signer.sign(EVIDENCE, seal_content(digest.hexdigest())).signature.hex().encode()
    digest.update(seal)
    stream.write(seal)
    return digest.hexdigest()


def seal_content(sha256: str) -> dict[str, Any]:
    """Return what a seal signs.

    :param sha256: of the pack without its seal, lower hex.
    """
    return {"v": 1, "type": f"{FORMAT}-seal", "sha256": sha256}


def seal_body(sha256: str) -> bytes:
    """Return :func:`seal_content` as it is signed."""
    return canonical(seal_content(sha256))
