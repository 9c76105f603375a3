"""Payment system public keys: a terminal's list, checked before it is believed (EMV 4.4 Book 2, 11.2)."""

from __future__ import annotations

import hashlib
import hmac
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import msgspec

from cardkit.crypto.emvrsa import RsaPublicKey, check_exponent
from cardkit.errors import EncodingError

RID_BYTES = 5
LONGEST_BYTES = 256  # published lists have keys of 2,048 bits; certificates under a key have 248 bytes at most


@dataclass(frozen=True, slots=True)
class CaPublicKey:
    """A payment system's public key.

    :param rid: registered application provider, 5 bytes: the first of an AID.  :param index: 0 to 255, as tag 8F.
    :param expires: last day; None where it is not published.  :param test: for test cards only.
    """

    rid: bytes
    index: int
    key: RsaPublicKey
    expires: date | None = None
    test: bool = False

    @property
    def name(self) -> str:
        """RID and index: ``A000000003 92``."""
        return f"{self.rid.hex().upper()} {self.index:02X}"

    @property
    def checksum(self) -> bytes:
        """SHA-1 over RID, index, modulus and exponent, 20 bytes. Book 2, 11.2.2"""
        data = self.rid + bytes((self.index,)) + self.key.modulus + self.key.exponent
        return hashlib.sha1(data).digest()  # noqa: S324  the standard's


class CapkStore:
    """Payment system public keys by RID and index."""

    def __init__(self, keys: Iterable[CaPublicKey] = ()) -> None:
        self._keys: dict[tuple[bytes, int], CaPublicKey] = {}
        for key in keys:
            self.add(key)

    def add(self, key: CaPublicKey, checksum: bytes | None = None) -> None:
        """Hold one more key; the same one twice is one.

        :param checksum: as published, 20 bytes; None where nothing was.
        :raises EncodingError: on a wrong check sum, another key of this RID and index, a modulus or exponent that is
            none, or a RID of another length.
        """
        _check(key)
        if checksum is not None and not hmac.compare_digest(checksum, key.checksum):
            raise EncodingError(
                f"CAPK {key.name}: check sum {checksum.hex().upper()}, expected {key.checksum.hex().upper()}"
            )
        held = self._keys.setdefault((key.rid, key.index), key)
        if held.key != key.key:
            raise EncodingError(f"CAPK {key.name}: two different keys for one index")

    def find(self, rid: bytes, index: int) -> CaPublicKey | None:
        """Return a key; None where there is none.

        :param rid: its first 5 bytes count, so an AID will do.
        """
        return self._keys.get((rid[:RID_BYTES], index))

    def __iter__(self) -> Iterator[CaPublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)


def _check(key: CaPublicKey) -> None:
    if len(key.rid) != RID_BYTES or not 0 <= key.index <= 0xFF:
        raise EncodingError(f"CAPK {key.name}: expected a RID of 5 bytes and an index from 00 to FF")
    check_exponent(f"CAPK {key.name}", key.key.exponent)
    modulus = key.key.modulus
    if not 0 < len(modulus) <= LONGEST_BYTES or not modulus[0] or not modulus[-1] & 1:
        raise EncodingError(f"CAPK {key.name}: modulus of {len(modulus)} bytes, expected an odd number of up to 256")


class _Entry(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    rid: str
    index: str
    modulus: str
    exponent: str
    checksum: str = ""
    expires: date | None = None
    test: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    capk: tuple[_Entry, ...]


def parse_capk(text: str, where: str = "CAPK list") -> CapkStore:
    """Read a list in TOML: tables ``[[capk]]`` of rid, index, modulus, exponent, and checksum, expires, test if known.

    :param text: values are hexadecimal, ``expires`` is a date.  :param where: the file, for messages.
    :raises EncodingError: on another form, and as :meth:`CapkStore.add`.
    """
    try:
        entries = msgspec.convert(tomllib.loads(text), _File).capk
    except (ValueError, RecursionError) as error:
        raise EncodingError(f"{where}: {error}") from None
    store = CapkStore()
    for number, entry in enumerate(entries, 1):
        place = f"{where}, key {number}"
        index = _hex(place, "index", entry.index)
        if len(index) != 1:
            raise EncodingError(f"{place}: index of {len(index)} bytes, expected 1")
        key = RsaPublicKey(_hex(place, "modulus", entry.modulus), _hex(place, "exponent", entry.exponent))
        ca = CaPublicKey(_hex(place, "rid", entry.rid), index[0], key, entry.expires, entry.test)
        store.add(ca, _hex(place, "checksum", entry.checksum) if entry.checksum else None)
    return store


def build_capk(keys: Iterable[CaPublicKey]) -> str:
    """Return keys as the text :func:`parse_capk` reads, with their check sums."""
    return "\n".join(_entry(key) for key in keys)


def _entry(key: CaPublicKey) -> str:
    lines = [
        "[[capk]]",
        f'rid = "{key.rid.hex().upper()}"',
        f'index = "{key.index:02X}"',
        f'modulus = "{key.key.modulus.hex().upper()}"',
        f'exponent = "{key.key.exponent.hex().upper()}"',
        f'checksum = "{key.checksum.hex().upper()}"',
    ]
    lines += [f"expires = {key.expires.isoformat()}"] if key.expires else []
    lines += ["test = true"] if key.test else []
    return "\n".join(lines) + "\n"


def _hex(place: str, field: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EncodingError(f"{place}: {field}: expected pairs of hex digits") from None
