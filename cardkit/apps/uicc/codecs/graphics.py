"""Images shown with names (TS 31.102 4.6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Fixed, Layout, Value, padded, with_rest
from cardkit.apps.uicc.codecs.fields import Coded, Hex, Number
from cardkit.apps.uicc.codecs.parts import Several
from cardkit.errors import EncodingError

_INSTANCE = Fixed(
    Layout(
        "width" / Number(1),
        "height" / Number(1),
        "coding" / Coded({0x11: "basic", 0x21: "colour", 0x22: "colour with transparency"}),
        "fid" / Hex(2),
        "offset" / Number(2),
        "length" / Number(2),
    )
)


class Images(Codec):
    """Instances of one image: how many, then size, coding and place of each. TS 31.102 4.6.1.1

    >>> Images().decode(bytes.fromhex("01 2E 28 11 4F04 0000 00E8 FF".replace(" ", "")))["instances"][0]["coding"]
    'basic'
    """

    names = ("instances",)
    _INSTANCES = Several(_INSTANCE)

    def _read(self, body: bytes) -> Value:
        end = 1 + _INSTANCE.size * (body[0] if body else 0)
        if not body or end > len(body):
            raise EncodingError(f"got {len(body)} bytes, expected {end}")
        return with_rest({"instances": self._INSTANCES.decode(body[1:end])}, body[end:])

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        instances = self._INSTANCES.encode(value.get("instances"))
        count, surplus = divmod(len(instances), _INSTANCE.size)
        if surplus:
            raise EncodingError(f"instances: got {len(instances)} bytes, expected {_INSTANCE.size} an instance")
        return padded(Number(1).encode(count) + instances, value, size)


IMG = Images()
