"""Signed reports of what people did once and for all: a purge, a key ceremony. A JSON file anybody can print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cardkit.crypto import auditsign
from cardkit.crypto.durable import replace_file
from cardkit.errors import AuthenticationError, EncodingError, StoreError
from cardkit.production.audit.statement import REPORT, Signer, Statement

FORMAT = "cardkit-report"
MOST_BYTES = 16 << 20


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    report: dict[str, Any]
    statement: str
    signature: str
    key: str


def write_report(path: Path, content: Mapping[str, Any], signer: Signer) -> Statement:
    """Sign a report and write it.

    :param content: plain values in canonical JSON's reach; ``type`` says what it is.
    :raises StoreError: when the file cannot be written.
    """
    signed = signer.sign(REPORT, content)
    write_signed(path, signed, signer.public)
    return signed


def write_signed(path: Path, signed: Statement, public: bytes) -> None:
    """Write a report that was signed.

    :param public: the key that signed it, SubjectPublicKeyInfo in DER.
    :raises StoreError: when the file cannot be written.
    """
    pem = auditsign.to_pem(public).decode()
    file = _File(FORMAT, signed.content, signed.body.decode(), signed.signature.hex(), pem)
    try:
        replace_file(path, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n")
    except OSError as error:
        raise StoreError(f"{path}: the report cannot be written: {error.strerror or error}") from None


def read_report(path: Path, public: bytes) -> dict[str, Any] | None:
    """Return what a report says; None where the file is none.

    :param public: the key it must be signed with; the one in the file proves nothing.
    :raises AuthenticationError: when it was changed, or signed by another key.
    """
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES)
    try:
        file = msgspec.json.decode(data, type=_File)
        statement = Statement(file.statement.encode(), bytes.fromhex(file.signature))
        content = statement.content
    except (msgspec.MsgspecError, EncodingError, ValueError, RecursionError):
        return None
    if not statement.is_by(public, REPORT) or content != file.report or file.format != FORMAT:
        raise AuthenticationError(f"{path}: the report was changed, or signed by another key")
    return content
