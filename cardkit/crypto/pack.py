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
FACTS_KEPT = 256
_packed_facts: dict[tuple[str, str, int, int | None], bytes] = {}

Value = str | int | bytes | date | Secret


class _PackedKey(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    name: str
    algorithm: str
    usage: Usage
    kvn: int | None


def _extended(value: Value) -> object:
    """Return a value as MessagePack has it: dates and secrets as extensions."""
    if isinstance(value, Key):
        return Ext(_KEY, value.after(_key_facts(value)))
    if isinstance(value, Secret):
        return Ext(_SECRET, value.after(_sized(value.name)))
    return Ext(_DATE, value.isoformat().encode()) if isinstance(value, date) else value


def _key_facts(key: Key) -> bytes:
    # The hash of an Enum costs more than the rest of this; a usage is one object for ever.
    facts = (key.name, key.algorithm, id(key.usage), key.kvn)
    packed = _packed_facts.get(facts)
    if packed is None:
        packed = msgspec.msgpack.encode(_PackedKey(key.name, key.algorithm, key.usage, key.kvn))
        packed = len(packed).to_bytes(2, "big") + packed
        if len(_packed_facts) < FACTS_KEPT:
            _packed_facts[facts] = packed
    return packed


@lru_cache(maxsize=FACTS_KEPT)
def _sized(name: str) -> bytes:
    facts = name.encode()
    return len(facts).to_bytes(2, "big") + facts


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
        key = _PACKED_KEY.decode(facts)
        return Key(clear, key.name, key.algorithm, key.usage, kvn=key.kvn)
    raise EncodingError(f"packed values: unknown extension {code}")


# Made here and not at the first key: msgspec 0.22 crashes when two threads are the first to decode a struct.
_PACKED_KEY = msgspec.msgpack.Decoder(_PackedKey)
_ENCODER = msgspec.msgpack.Encoder(enc_hook=_refused, order="deterministic")
_DECODER = msgspec.msgpack.Decoder(type=dict[str, Any], ext_hook=_restore)


def pack(values: Mapping[str, Value]) -> bytearray:
    """Return the canonical bytes of a mapping, secrets in clear: seal them, then wipe the buffer.

    :raises EncodingError: on a value of another type.
    """
    plain = {name: value if type(value) is str else _extended(value) for name, value in values.items()}
    buffer = bytearray()
    try:
        _ENCODER.encode_into(plain, buffer)
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
