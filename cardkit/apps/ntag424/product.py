"""One product on one chip, checked once for every tag of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.apps.desfire.diversification import join_parts
from cardkit.apps.desfire.sdm import SdmOption, SdmSettings
from cardkit.apps.desfire.settings import FREE, NEVER, AccessRights, DataBody, FileSettings, FileType
from cardkit.apps.ntag424.schema import FILE_BYTES, KEYS, ChipBlock, NtagBlock, TagKeyBlock
from cardkit.apps.ntag424.text import Mirror
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.errors import EncodingError, ProfileError

NDEF_FILE = 2
_MIRRORS = 0x40  # SDM, in the options of a file's settings; plain otherwise
_MOST_M = 31
_WORDS = {"free": FREE, "never": NEVER}


@dataclass(frozen=True, slots=True)
class TagKey:
    """A key before the tag is known.  :param m: parts of M; empty for a key that is the same on every tag."""

    number: int
    name: str
    reference: str
    version: int
    m: tuple[str, ...]

    @property
    def state(self) -> str:
        """Name of its state."""
        return f"key {self.number}"

    def card_key(self, uid: bytes) -> CardKey:
        """Return the key of one tag."""
        if not self.m:
            return CardKey(self.reference)
        m = join_parts(self.m, {"uid": uid, "key": bytes((self.number,))})
        return CardKey(self.reference, Scheme.AN10922, m)


@dataclass(frozen=True, slots=True)
class NtagProduct:
    """All of it.

    :param meta, mac, write, counter: access nibbles of the NDEF file and its mirror: number of a key, free or never.
    """

    block: NtagBlock
    chip: ChipBlock
    keys: tuple[TagKey, ...]
    meta: int
    mac: int
    write: int
    counter: int

    @property
    def size(self) -> int:
        """Bytes of the NDEF file that are written."""
        return self.block.ndef.size

    def settings(self, mirror: Mirror) -> FileSettings:
        """Return the settings of a tag's NDEF file."""
        places, limit = mirror.places, self.block.ndef.limit
        options = SdmOption.UID | SdmOption.COUNTER | SdmOption.ASCII
        sdm = SdmSettings(
            options | SdmOption.COUNTER_LIMIT if limit else options,
            FREE if "uid" in places else self.meta,
            self.mac,
            self.counter,
            uid_offset=places.get("uid"),
            counter_offset=places.get("ctr"),
            picc_data_offset=places.get("picc"),
            mac_input_offset=places.get("start", places["mac"]),
            mac_offset=places["mac"],
            counter_limit=limit or None,
        )
        rights = AccessRights(FREE, self.write, NEVER, 0)
        return FileSettings(FileType.STANDARD, _MIRRORS, rights, DataBody(FILE_BYTES), sdm=sdm)


def build_product(block: NtagBlock, chip: ChipBlock) -> NtagProduct:
    """Join a profile's block with its chip's.  :raises ProfileError: naming the entry that is wrong."""
    keys = tuple(_key(number, key) for number, key in enumerate(block.keys))
    names = {key.name: key.number for key in keys}
    if len(keys) != KEYS or len(names) != KEYS or names.keys() & _WORDS.keys():
        raise ProfileError(
            f"ntag424.keys: {', '.join(key.name for key in keys)}: expected {KEYS} names, none of a word"
        )
    ndef = block.ndef
    meta = _right("meta", ndef.meta, names) if ndef.meta else NEVER
    mac, write = _right("mac", ndef.mac, names), _right("write", ndef.write, names)
    for name, right in (("mac", mac), ("write", write)):
        if right >= FREE:
            raise ProfileError(f"ntag424.ndef.{name}: expected a key")
    if "<picc>" in ndef.url:
        _check_meta(meta, mac, keys)
    if "uid" not in keys[mac].m:
        raise ProfileError("ntag424.ndef.mac: its key is the same on every tag: expected uid in its m")
    counter = _right("counter", ndef.counter, names)
    return NtagProduct(block, chip, keys, meta, mac, write, counter)


def _check_meta(meta: int, mac: int, keys: tuple[TagKey, ...]) -> None:
    if meta >= FREE or meta == mac:
        raise ProfileError("ntag424.ndef.meta: expected a key, and another one than the MAC's")
    if keys[meta].m:
        raise ProfileError("ntag424.ndef.meta: diversified: nobody knows the UID before it is deciphered")


def _key(number: int, block: TagKeyBlock) -> TagKey:
    key = TagKey(number, block.name, block.ref, block.version, block.m)
    try:
        size = len(key.card_key(bytes(7)).data)
    except EncodingError as error:
        raise ProfileError(f"ntag424.keys: {block.name}: {error}") from None
    if size > _MOST_M:
        raise ProfileError(f"ntag424.keys: {block.name}: {size} bytes of M, expected up to {_MOST_M}")
    return key


def _right(what: str, text: str, keys: Mapping[str, int]) -> int:
    known = {**_WORDS, **keys}
    if text not in known:
        raise ProfileError(f"ntag424.ndef.{what}: {text!r}, expected one of {', '.join(known)}")
    return known[text]
