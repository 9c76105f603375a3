"""Keys by STORE DATA: DGI 00B9 describes them, the DGIs after it bring their components, in order (GPCS 11.11.4)."""

from itertools import groupby
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, keytypes, putkey
from .chip import Channel, GpChip
from .curves import KEY_EC_CURVE, KEY_EC_PRIVATE, KEY_EC_PUBLIC
from .keysets import CardKeyEntry
from .registry import Entry

_DESCRIPTIONS: Final = 0x00B9
_DESCRIPTION: Final = 0xB9
_USAGE, _ACCESS, _TYPE, _LENGTH, _KID, _KVN, _KCV = 0x95, 0x96, 0x80, 0x81, 0x82, 0x83, 0x84
_NEEDED: Final = frozenset((_TYPE, _LENGTH, _KID, _KVN))
_ALLOWED: Final = _NEEDED | {_USAGE, _ACCESS, _KCV}

SECRET_KEY: Final = 0x8113
_MODULUS, _EXPONENT, _PRIVATE_EXPONENT = 0x0010, 0x0011, 0x8112
_CRT: Final = (0x8121, 0x8122, 0x8123, 0x8124, 0x8125)  # q inverse, dQ, dP, q, p
_POINT, _SCALAR = 0x0036, 0x8137
SECRET_GROUPINGS: Final = frozenset((SECRET_KEY, _PRIVATE_EXPONENT, _SCALAR, *_CRT))
_KINDS: Final = {
    _MODULUS: keytypes.RSA_N,
    _EXPONENT: keytypes.RSA_E,
    _PRIVATE_EXPONENT: keytypes.RSA_D,
    **dict(zip(_CRT, (keytypes.RSA_PQ, keytypes.RSA_DQ, keytypes.RSA_DP, keytypes.RSA_Q, keytypes.RSA_P), strict=True)),
    _POINT: KEY_EC_PUBLIC,
    _SCALAR: KEY_EC_PRIVATE,
}
_WANTED: Final = {
    keytypes.RSA_N: (keytypes.RSA_N, keytypes.RSA_E),
    keytypes.RSA_D_N: (keytypes.RSA_N, keytypes.RSA_D),
    keytypes.RSA_P: (keytypes.RSA_P, keytypes.RSA_Q, keytypes.RSA_PQ, keytypes.RSA_DP, keytypes.RSA_DQ),
    KEY_EC_PUBLIC: (KEY_EC_PUBLIC,),
    KEY_EC_PRIVATE: (KEY_EC_PRIVATE,),
}  # components of a key, by the first; symmetric keys have one
_CURVE_PARAMETERS: Final = range(0x0030, 0x0036)
_RENAMED: Final = {(keytypes.RSA_D_N, keytypes.RSA_N): keytypes.RSA_D_N}  # the modulus beside a private exponent
_CURVES: Final = {32: b"\x00", 48: b"\x01", 66: b"\x02"}  # the NIST curves by the size of a coordinate


def take(channel: Channel, tag: int, value: bytes) -> None:
    """Take one DGI.

    :raises StatusWordError: 6A80 not described, or malformed; 6982 wrong key check value.
    """
    loading = channel.key_load
    if tag == _DESCRIPTIONS:
        loading.descriptions += map(_description, ber.parse(value))
        return
    if not loading.descriptions:
        raise StatusWordError(sw.WRONG_DATA)
    description = loading.descriptions[0]
    kind = description[_TYPE][0]
    if kind in keytypes.SYMMETRIC:
        if tag != SECRET_KEY:
            raise StatusWordError(sw.WRONG_DATA)
        loading.components[kind] = _cut(value, description)
    elif _KINDS.get(tag) in _WANTED.get(kind, ()):
        loading.components[_KINDS[tag]] = value
    elif tag not in _CURVE_PARAMETERS:
        raise StatusWordError(sw.WRONG_DATA)
    wanted = _WANTED.get(kind, (kind,))
    if loading.components.keys() == set(wanted):
        parts = [(_RENAMED.get((kind, part), part), loading.components[part]) for part in wanted]
        loading.keys.append(_key(description, parts))
        loading.descriptions.pop(0)
        loading.components = {}


def _description(found: tuple[int, bytes]) -> dict[int, bytes]:
    """:raises StatusWordError: 6A80."""
    tag, value = found
    objects = ber.unique(value, _ALLOWED)
    sizes = {len(objects.get(needed, b"")) for needed in (_TYPE, _KID, _KVN)}
    if tag != _DESCRIPTION or not objects.keys() >= _NEEDED or sizes != {1}:
        raise StatusWordError(sw.WRONG_DATA)
    return objects


def _cut(value: bytes, description: dict[int, bytes]) -> bytes:
    """A secret key without its padding.

    :raises StatusWordError: 6A80 when it is shorter than described.
    """
    size = int.from_bytes(description[_LENGTH], "big")
    if not 0 < size <= len(value):
        raise StatusWordError(sw.WRONG_DATA)
    return value[:size]


def _key(description: dict[int, bytes], parts: keytypes.Components) -> CardKeyEntry:
    kind, value = parts[0]
    if kind in (KEY_EC_PUBLIC, KEY_EC_PRIVATE):
        size = len(value) // 2 if kind == KEY_EC_PUBLIC else len(_cut(value, description))
        value = value if kind == KEY_EC_PUBLIC else value[:size]
        if size not in _CURVES:
            raise StatusWordError(sw.WRONG_DATA)
        parts = [(kind, value), (KEY_EC_CURVE, _CURVES[size])]
    kvn, kid = description[_KVN][0], description[_KID][0]
    key = keytypes.entry(kvn, kid, parts, description.get(_USAGE, b""), description.get(_ACCESS, b""))
    keytypes.check_value(key, description.get(_KCV, b""), needed=False)
    return key


def finish(chip: GpChip, channel: Channel, target: Entry) -> None:
    """The last block has come: all keys go into the security domain, replacing those of the same place.

    :raises StatusWordError: 6A80 when a described key has not come.
    """
    loading = channel.key_load
    if loading.descriptions:
        raise StatusWordError(sw.WRONG_DATA)
    for kvn, group in groupby(sorted(loading.keys, key=lambda key: (key.kvn, key.kid)), lambda key: key.kvn):
        keys = list(group)
        present = chip.keys(target.aid).ring().sets.get(kvn)
        replaces = present is not None and all(key.kid in present.keys for key in keys)
        putkey.store(chip, target, keys, replaced=kvn if replaces else 0)
