"""Secrets that do not leak: nothing prints, compares, pickles or hashes their bytes.

Only ``crypto/``, ``secure/`` and the APDU encoder call :meth:`Secret.reveal`.
"""

from __future__ import annotations

import hmac
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NoReturn, SupportsIndex


class _HiddenBuffer(bytearray):
    """A buffer that inspection tools cannot print; entered, it gives itself: a card reveals a hundred secrets."""

    def __enter__(self) -> bytearray:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to give back."""

    def __repr__(self) -> str:
        return f"<{len(self)} hidden bytes>"

    __str__ = __repr__


class Secret:
    """Bytes that are used and never shown.

    :param value: the bytes; copied into a buffer that :meth:`wipe` can clear.
    :param name: what the secret is, for messages: ``pin1``, ``order:ki``.

    >>> Secret(b"1234", "pin1")
    <Secret pin1, 4 bytes>
    """

    __slots__ = ("_buffer", "name")

    def __init__(self, value: bytes | bytearray | memoryview, name: str) -> None:
        self._buffer = _HiddenBuffer(value)
        self.name = name

    def reveal(self) -> AbstractContextManager[bytearray]:
        """Give the buffer itself to a ``with`` block; do not keep it."""
        return self._buffer

    def after(self, head: bytes) -> bytes:
        """Return the value in clear behind some bytes, as it is packed: encrypt it at once, and keep it nowhere."""
        return head + self._buffer

    def wipe(self) -> None:
        """Overwrite the buffer with zeros."""
        self._buffer[:] = bytes(len(self._buffer))

    def __len__(self) -> int:
        return len(self._buffer)

    def __repr__(self) -> str:
        return f"<Secret {self.name}, {len(self)} bytes>"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._buffer, other._buffer)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> NoReturn:
        raise TypeError(f"{self!r} refuses to be pickled or copied")

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(f"{self!r} refuses to be pickled or copied")


def joined(content: bytes | tuple[bytes | Secret, ...]) -> bytes:
    """Return a content's parts as one value, secrets in clear: encrypt it at once, and keep it nowhere.

    >>> joined((b"A", Secret(b"B", "b")))
    b'AB'
    """
    if isinstance(content, bytes):
        return content
    whole = bytearray()
    for part in content:
        if isinstance(part, Secret):
            with part.reveal() as clear:
                whole += clear
        else:
            whole += part
    return bytes(whole)
