"""Tables of services and switches (TS 31.102 4.2.8, 4.2.47; TS 31.103 4.2.7; TS 51.011 10.3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Single, Value
from cardkit.apps.uicc.codecs.fields import Flags, as_list, within
from cardkit.errors import EncodingError


class ServiceTable(Codec):
    """One bit a service: ``{"services": [19, 21, 33]}``; service 1 is the lowest bit of byte 1. TS 31.102 4.2.8

    :param name: of the list.

    >>> ServiceTable().encode({"services": [1, 10]}, 2).hex()
    '0102'
    """

    blank_has_meaning = True

    def __init__(self, name: str = "services") -> None:
        self.names = (name,)
        self._name = name

    def _read(self, body: bytes) -> Value:
        return {self._name: _positions(int.from_bytes(body, "little"), 8 * len(body))}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        return _bits(self._name, value.get(self._name), 8 * size).to_bytes(size, "little")


class AllocationTable(Codec):
    """Two bits a service: ``allocated`` and, of those, ``activated``. TS 51.011 10.3.7

    >>> AllocationTable().decode(bytes.fromhex("07"))
    {'activated': [1], 'allocated': [1, 2]}
    """

    names = ("activated", "allocated")
    blank_has_meaning = True

    def _read(self, body: bytes) -> Value:
        bits = int.from_bytes(body, "little")
        pairs = [bits >> 2 * index & 3 for index in range(4 * len(body))]
        return {
            "activated": [index for index, pair in enumerate(pairs, 1) if pair & 2],
            "allocated": [index for index, pair in enumerate(pairs, 1) if pair & 1],
        }

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        activated = _bits("activated", value.get("activated"), 4 * size)
        allocated = _bits("allocated", value.get("allocated"), 4 * size)
        pairs = sum((allocated >> i & 1 | (activated >> i & 1) << 1) << 2 * i for i in range(4 * size))
        return pairs.to_bytes(size, "little")


def _positions(bits: int, count: int) -> list[int]:
    return [index + 1 for index in range(count) if bits >> index & 1]


def _bits(name: str, value: Any, count: int) -> int:
    bits = 0
    with within(name):
        numbers = as_list(value)
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= count:
            raise EncodingError(f"{name}: got {number!r}, expected numbers from 1 to {count} (the file's size)")
        bits |= 1 << number - 1
    return bits


SERVICES = ServiceTable()
SST = AllocationTable()
# TS 31.102 4.2.93: bits of TERMINAL PROFILE (TS 102 223 5.2) left to the applications of the card
FACILITIES = ServiceTable("facilities")


def switches(*words: str | None) -> Single:
    """Return the codec of a file whose first byte is switches: ``{"enabled": [words]}``, 00 behind it."""
    return Single("enabled", Flags(*words), blank_has_meaning=True, padding=b"\x00")


EST = switches("FDN", "BDN", "ACL")  # TS 31.102 4.2.47
PWS = switches("ignore_in_hplmn", "ignore_in_vplmn")  # TS 31.102 4.2.96, 4.4.12.2
FROM_PREFERRED = switches("from_preferred")  # TS 31.102 4.2.106
EAKA = switches("eaka")  # TS 31.102 4.2.114
INV_SCAN = switches("in_limited_service", "after_successful_selection")  # TS 31.102 4.4.3.4
UAC_AIC = switches("multimedia_priority", "mission_critical")  # TS 31.102 4.4.11.7
NSWO = switches("allowed")  # TS 31.102 4.4.11.19
KAUSF = switches("use_msk")  # TS 31.102 4.4.11.21
AAEM = switches("A", "B", "0", "1", "2", "3", "4")  # TS 31.102 4.2.40
