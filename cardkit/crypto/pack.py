"""Values, secrets included, to bytes that go into a cell or an envelope and nowhere else, and back.

MessagePack with sorted keys and four extension types: the same values always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from msgspec.msgpack import Ext

from cardkit.crypto.key import Key, Usage
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError, KeyStoreError

_DATE, _SECRET, _KEY = 1, 2, 3

Value = str | int | bytes | date | Secret


class _PackedKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    name: str
    algorithm: str
    usage: Usage
    kvn: int | None


@lru_cache(maxsize=1024)
def _name(text: str) -> bytes:
    return msgspec.msgpack.encode(text)


@lru_cache(maxsize=1024)
def _secret_head(name: str, size: int) -> bytes:
    """Return what stands before the bytes of a secret: the extension's head and the secret's facts."""
    return _head(_SECRET, name.encode(), size)


@lru_cache(maxsize=1024)
def _key_head(name: str, algorithm: str, usage: Usage, kvn: int | None, size: int) -> bytes:
    return _head(_KEY, msgspec.msgpack.encode(_PackedKey(name, algorithm, usage, kvn)), size)


def _head(code: int, facts: bytes, size: int) -> bytes:
    whole = msgspec.msgpack.encode(Ext(code, len(facts).to_bytes(2, "big") + facts + bytes(size)))
    return whole[: len(whole) - size]


def _map_head(entries: int) -> bytes:
    if entries < 16:
        return bytes((0x80 | entries,))
    return b"\xdf" + entries.to_bytes(4, "big") if entries >> 16 else b"\xde" + entries.to_bytes(2, "big")


def _append(buffer: bytearray, value: Value) -> None:
    """Append one value as MessagePack has it: dates and secrets as extensions."""
    if isinstance(value, Secret):
        size = len(value)
        if isinstance(value, Key):
            buffer += _key_head(value.name, value.algorithm, value.usage, value.kvn, size)
        else:
            buffer += _secret_head(value.name, size)
        with value.reveal() as clear:
            buffer += clear
    elif isinstance(value, date):
        buffer += _ENCODER.encode(Ext(_DATE, value.isoformat().encode()))
    else:
        buffer += _ENCODER.encode(value)


def _refused(value: object) -> NoReturn:
    raise EncodingError(f"cannot pack a {type(value).__name__}")


def _restore(code: int, data: memoryview) -> date | Secret:
    if code == _DATE:
        return date.fromisoformat(bytes(data).decode("ascii"))
    size = int.from_bytes(data[:2], "big")
    facts, clear = bytes(data[2 : 2 + size]), data[2 + size :]
    if code == _SECRET:
        return Secret(clear, facts.decode())
    if code == _KEY:
        key = msgspec.msgpack.decode(facts, type=_PackedKey)
        return Key(clear, key.name, key.algorithm, key.usage, kvn=key.kvn)
    raise EncodingError(f"packed values: unknown extension {code}")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_refused)
_DECODER = msgspec.msgpack.Decoder(type=dict[str, Any], ext_hook=_restore)


def pack(values: Mapping[str, Value]) -> bytearray:
    """Return the canonical bytes of a mapping, secrets in clear: seal them, then wipe the buffer.

    :raises EncodingError: on a value of another type.
    """
    buffer = bytearray(_map_head(len(values)))
    try:
        for name in sorted(values):
            buffer += _name(name)
            _append(buffer, values[name])
    except (TypeError, OverflowError) as error:
        raise EncodingError(f"packed values: {error}") from None
    return buffer


def unpack(data: bytes | bytearray) -> dict[str, Value]:
    """Return the mapping packed in these bytes; EncodingError on bytes of another form."""
    try:
        values: dict[str, Value] = _DECODER.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError, KeyStoreError) as error:
        raise EncodingError(f"packed values: {type(error).__name__}: not the packed form") from None
    if not all(isinstance(value, Value) for value in values.values()):
        raise EncodingError("packed values: a value of a type that is never packed")
    return values
