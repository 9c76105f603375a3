"""The store's own key: 32 random bytes in a small file beside the data base, and the keys derived from it.

The file is not part of the data base's backup: whoever destroys it purges every cell at once (security.md 9, D3).
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from cardkit.crypto.durable import sync_folder
from cardkit.crypto.key import Key, Usage
from cardkit.errors import KeyStoreError

MAGIC = b"cardkit-datakey-1\n"
KEY_BYTES = 32


def load_or_create(path: Path) -> Key:
    """Return the data key kept in a file, making file and key where there is none.

    The file appears whole or not at all, readable by its owner only where the platform has modes; of two processes that
    create it at once, both get the same key.

    :raises KeyStoreError: where the file cannot be read or written, or is no data key.
    """
    try:
        if not path.exists():
            _create(path)
        content = path.read_bytes()
    except OSError as error:
        raise KeyStoreError(f"{path}: data key file: {error.strerror or error}") from None
    if not content.startswith(MAGIC) or len(content) != len(MAGIC) + KEY_BYTES:
        raise KeyStoreError(f"{path}: no data key file: {len(content)} bytes, expected {len(MAGIC) + KEY_BYTES}")
    return Key(memoryview(content)[len(MAGIC) :], f"file:{path.name}", "HMAC-256", Usage.MASTER_DERIVE)


def destroy(path: Path) -> bool:
    """Overwrite and remove a data key file, and make sure that it is gone; whether there was one.

    Copies elsewhere stay, and so may the blocks that a file system or a disk wrote aside.

    :raises KeyStoreError: where it cannot be removed.
    """
    try:
        if not path.exists():
            return False
        with path.open("r+b") as file:
            file.write(os.urandom(len(MAGIC) + KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise KeyStoreError(f"{path}: data key file: {error.strerror or error}") from None
    if path.exists():
        raise KeyStoreError(f"{path}: data key file: still there after it was removed")
    return True


def _create(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(draft, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(MAGIC + os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first: a key once read must never be replaced."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            draft.rename(path)
    sync_folder(path.parent)


def expand(key: Key, context: bytes, size: int) -> bytes:
    """Return bytes that look random and are the same each time: HKDF-Expand with SHA-256 (RFC 5869 2.3).

    :param key: HMAC-256 with usage master-derive.  :param size: up to 8160.
    :raises KeyStoreError: where the key is for another purpose.
    """
    _require_deriving(key)
    with key.reveal() as clear:
        return HKDFExpand(SHA256(), size, b"cardkit-expand-1\0" + context).derive(bytes(clear))


def derive(master: Key, purpose: str, algorithm: str, usage: Usage) -> Key:
    """Derive a 256-bit key from the data key: HKDF-SHA-256, info = ``cardkit-derive-1 00 usage 00 purpose``.

    :param purpose: what it is for, such as ``cells:B-2031-0001``.  :param algorithm: ``AES-256`` or ``HMAC-256``.
    :raises KeyStoreError: where the master key is for another purpose or the algorithm has no 256 bits.
    """
    _require_deriving(master)
    info = b"\0".join((b"cardkit-derive-1", usage.encode(), purpose.encode()))
    with master.reveal() as clear:
        value = bytearray(HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(bytes(clear)))
    key = Key(value, purpose, algorithm, usage)
    value[:] = bytes(len(value))
    return key


def _require_deriving(key: Key) -> None:
    if key.usage is not Usage.MASTER_DERIVE:
        raise KeyStoreError(f"key {key.name}: usage {key.usage}, deriving needs {Usage.MASTER_DERIVE}")
