"""Keys of one directory of a product: where each comes from, and what the card says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cardkit.apps.cipurse.access import MOST_KEYS
from cardkit.apps.cipurse.schema import DiversifyBlock, KeysBlock
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.desired import Access
from cardkit.errors import ProfileError

UNCOUNTED = -1
"""A card does not tell how many tries a key has left."""

_LEAST, _MOST = 1, 31
_TEXT, _DIGITS = "ascii:", "hex:"
_PART = re.compile(r"ascii:[ -~]+|hex:([0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Diversification:
    """How the card's own keys are made.

    :param parts: of what they are diversified with, as the profile names them; empty for the keys as they are.
    """

    parts: tuple[str, ...]

    def input(self, uid: bytes, aid: bytes, number: int) -> bytes:
        """Return what one key is diversified with (AN10922: M)."""
        known = {"uid": uid, "aid": aid, "key": bytes((number,))}
        return b"".join([known[part] if part in known else _constant(part) for part in self.parts])


@cache
def _constant(part: str) -> bytes:
    if part.startswith(_TEXT):
        return part.removeprefix(_TEXT).encode("ascii")
    return bytes.fromhex(part.removeprefix(_DIGITS))


def diversification(block: DiversifyBlock) -> Diversification:
    """Check the parts.  :raises ProfileError: on a part that is none, or keys that would be the same on every card."""
    if block.scheme == "none":
        return Diversification(())
    if "uid" not in block.m:
        raise ProfileError("cipurse.diversify.m: no uid among its parts, keys would be the same on every card")
    for part in block.m:
        if part not in ("uid", "aid", "key") and not _PART.fullmatch(part):
            raise ProfileError(f"cipurse.diversify.m: {part!r}, expected uid, aid, key, ascii:TEXT or hex:DIGITS")
    return Diversification(block.m)


@dataclass(frozen=True, slots=True)
class DirectoryKey:
    """A key of a directory.

    :param place: name of the directory.  :param name: of the key's state.  :param aid: what it is diversified with.
    :param add_info: version it shows.  :param attribute: bits of KeyRight.
    """

    place: str
    name: str
    number: int
    reference: str
    add_info: int
    attribute: int
    aid: bytes
    diversification: Diversification

    @property
    def access(self) -> Access:
        """The right it gives."""
        return Access(self.name, self.number, UNCOUNTED, self.place)

    def for_card(self, uid: bytes) -> CardKey:
        """Return the key of one card."""
        if not self.diversification.parts:
            return CardKey(self.reference)
        return CardKey(self.reference, Scheme.AN10922, self.input(uid))

    def input(self, uid: bytes) -> bytes:
        """Return what the key of one card is diversified with; empty where it is not."""
        return self.diversification.input(uid, self.aid, self.number)

    def of_another(self, uid: bytes) -> CardKey:
        """Return the key the card with the next number would have."""
        other = (int.from_bytes(uid) + 1) % (1 << 8 * len(uid))
        return self.for_card(other.to_bytes(len(uid)))


def keys_of(
    block: KeysBlock, place: str, aid: bytes, diversified: Diversification, count: int = 0
) -> tuple[DirectoryKey, ...]:
    """Return the keys of a directory.

    :param count: how many it has, where that is given; ``spare`` fills up.
    :raises ProfileError: where their number does not fit, or two of them would be the same.
    """
    where = f"cipurse: {place}.keys"
    refs = block.refs + (block.spare,) * max(count - len(block.refs), 0)
    total = len(refs)
    if "" in refs:
        raise ProfileError(f"{where}.refs: {len(block.refs)} keys, the directory has {count}; spare would fill up")
    if not 1 <= total <= (count or MOST_KEYS):
        raise ProfileError(f"{where}.refs: {total} keys, expected 1 to {count or MOST_KEYS}")
    if len(set(refs)) < total and "key" not in diversified.parts:
        raise ProfileError(
            f"{where}.refs: the same key twice, and no key number in cipurse.diversify.m: two equal keys"
        )
    if block.manager > total:
        raise ProfileError(f"{where}.manager: key {block.manager} of {total}")
    _check_input(diversified, aid, where)
    versions = _each(block.add_info, total, f"{where}.add_info")
    attributes = _each(block.attr, total, f"{where}.attr")
    told = enumerate(zip(refs, versions, attributes, strict=True), 1)
    return tuple(DirectoryKey(place, f"{place}/key {number}", number, *one, aid, diversified) for number, one in told)


def _check_input(diversified: Diversification, aid: bytes, where: str) -> None:
    longest = len(diversified.input(bytes(10), aid, 1))
    if diversified.parts and not _LEAST <= longest <= _MOST:
        raise ProfileError(
            f"{where}: {longest} bytes to diversify with, expected up to {_MOST}: see cipurse.diversify.m"
        )


def _each(texts: Sequence[str], count: int, where: str) -> tuple[int, ...]:
    """Return one byte for each key; one entry stands for all."""
    try:
        found = tuple(bytes.fromhex(text)[0] for text in texts if len(bytes.fromhex(text)) == 1)
    except ValueError:
        found = ()
    if len(found) != len(texts) or len(found) not in (1, count):
        raise ProfileError(f"{where}: expected one byte, or {count}, in pairs of hexadecimal digits")
    return found * count if len(found) == 1 else found
