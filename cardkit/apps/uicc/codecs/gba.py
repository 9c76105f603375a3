"""Keys and servers of generic bootstrapping and of multicast (TS 31.102 4.2.79 to 4.2.87; TS 31.103 4.2.9 to .22).

TS 31.102 4.2.80 and .81 are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Fixed, Layout, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Hex, Number
from cardkit.apps.uicc.codecs.parts import AnyHex, Lengths, Several, Utf8
from cardkit.apps.uicc.codecs.templates import Group, Objects, Tag
from cardkit.errors import EncodingError

# TS 31.102 4.2.83; TS 31.103 4.2.10
GBANL = Objects({0x80: Tag("naf_id", AnyHex()), 0x81: Tag("b_tid", Utf8())})
# TS 31.103 4.2.11; TS 31.102 4.2.87
NAFKCA = Objects({0x80: Tag("naf_key_centre", Utf8())})
# TS 31.103 4.2.22: which application may use the keys of which server
GBAUAPI = Objects({0x80: Tag("access", Lengths("aid", "naf_id"), many=True)})


class BootstrapParameters(Codec):
    """RAND, B-TID and lifetime of a GBA bootstrap, each behind its length. TS 31.102 4.2.79; TS 31.103 4.2.9"""

    _PARTS = Lengths("rand", "b_tid", "lifetime")
    names = _PARTS.names

    def _read(self, body: bytes) -> Value:
        value, rest = self._PARTS.split(body)
        return with_rest(value, rest)

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        return padded(self._PARTS.join(value), value, size)


GBABP = BootstrapParameters()


class ServiceKeys(Codec):
    """Key domain and the service keys known in it. TS 31.102 4.2.80

    >>> ServiceKeys().decode(bytes.fromhex("62F210 01 00000001 0000000A".replace(" ", "")))
    {'key_domain': '62F210', 'keys': [{'id': '00000001', 'time_stamp': 10}]}
    """

    names = ("key_domain", "keys")
    _KEYS = Several(Fixed(Layout("id" / Hex(4), "time_stamp" / Number(4))))
    _DOMAIN, _KEY = 3, 8

    def _read(self, body: bytes) -> Value:
        start = self._DOMAIN + 1
        if len(body) < start:
            raise EncodingError(f"got {len(body)} bytes, expected {start} or more")
        end = start + self._KEY * body[self._DOMAIN]
        value = {"key_domain": body[: self._DOMAIN].hex().upper(), "keys": self._KEYS.decode(body[start:end])}
        return with_rest(value, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        keys = self._KEYS.encode(value.get("keys"))
        count, surplus = divmod(len(keys), self._KEY)
        if surplus:
            raise EncodingError(f"keys: got {len(keys)} bytes, expected {self._KEY} a key")
        head = Hex(self._DOMAIN).encode(value.get("key_domain")) + Number(1).encode(count)
        return padded(head + keys, value, size)


MSK = ServiceKeys()
# TS 31.102 4.2.81
MUK = Objects(
    {
        0xA0: Tag("muk_id", Group({0x80: Tag("idr", AnyHex()), 0x82: Tag("idi", AnyHex())})),
        0x81: Tag("time_stamp", AnyHex()),
    }
)
