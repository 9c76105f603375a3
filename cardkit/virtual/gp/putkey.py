"""PUT KEY and GENERATE KEY: keys come into a security domain, all of a command or none (GPCS 11.8; Amendment F)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, curves, keytypes
from .ber import Fields
from .chip import Answer, Channel, GpChip, PlainCommand
from .crypto import KEY_AES, KEY_DES
from .keysets import DEK, ENC, MAC, SCP01, SCP02, SCP03, SCP11, SCP80, CardKeyEntry, KeySet
from .keytypes import EXTENDED, SECRET
from .registry import Entry
from .session import SecureChannel

_SEVERAL: Final = 0x80  # P2 b8
_COMPONENT: Final = 0x80  # types of components are this or higher, lengths of check values lower
INITIAL_SET: Final = 0xFF
_VERSIONS: Final = range(0x01, 0x80)
_PROTOCOLS: Final = {KEY_DES: (SCP01, SCP02), KEY_AES: (SCP03,)}
_CHANNEL_KIDS: Final = frozenset((ENC, MAC, DEK))
_OTHER_PURPOSES: Final = 0x70  # key versions from here on are for tokens, receipts, load files
_OTA_VERSIONS: Final = range(0x01, 0x10)
_AGREEMENT_KIDS: Final = (0x11, 0x13, 0x15)


def put_key(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """PUT KEY: the new version number and each key check value are the answer.

    :raises StatusWordError: 6A80 data; 6982 wrong key check value; 6A88 no such key to replace; 6A86.
    """
    if not command.p2 & ~_SEVERAL and command.p2:
        raise StatusWordError(sw.WRONG_P1P2)
    data = Fields(command.data)
    kvn, kid = data.byte(), command.p2 & ~_SEVERAL
    if kvn not in _VERSIONS:
        raise StatusWordError(sw.WRONG_DATA)
    keys: list[CardKeyEntry] = []
    answer = bytes((kvn,))
    while data.more():
        if keys and not command.p2 & _SEVERAL:
            raise StatusWordError(sw.WRONG_DATA)
        key, check = _read_key(data, channel.secure, kvn, kid + len(keys))
        keys.append(key)
        answer += check
    store(chip, entry, keys, replaced=command.p1)
    return answer, sw.OK


def _read_key(data: Fields, secure: SecureChannel, kvn: int, kid: int) -> tuple[CardKeyEntry, bytes]:
    components: keytypes.Components = []
    extended = False
    kind = data.byte()
    while kind >= _COMPONENT:
        if kind == EXTENDED:
            extended, kind = True, data.byte()
        value = data.long()
        components.append((kind, _clear(secure, value) if kind in SECRET else value))
        kind = data.byte()
    given = data.take(kind)
    usage, access = (data.short(), data.short()) if extended else (b"", b"")
    key = keytypes.entry(kvn, kid, components, usage, access)
    return key, keytypes.check_value(key, given)


def _clear(secure: SecureChannel, value: bytes) -> bytes:
    """A secret component: bare ciphertext, or ciphertext behind the length of what it hides (11.8.2.3.2).

    :raises StatusWordError: 6A80.
    """
    if len(value) % secure.sensitive_block == 0:
        return secure.decrypt_sensitive(value)
    size, clear = value[0] if value else 0, secure.decrypt_sensitive(value[1:])
    if not 0 < size <= len(clear):
        raise StatusWordError(sw.WRONG_DATA)
    return clear[:size]


def store(chip: GpChip, domain: Entry, keys: list[CardKeyEntry], *, replaced: int) -> None:
    """Put keys of one version number into a security domain.

    :param replaced: version number of the keys that go, 0 when keys are added.
    :raises StatusWordError: 6A80 nothing to put, or type, length or place do not fit; 6A88 no such key to replace.
    """
    if not keys or len({key.kid for key in keys}) != len(keys) or any(key.kid >= _COMPONENT for key in keys):
        raise StatusWordError(sw.WRONG_DATA)
    cells = chip.keys(domain.aid)
    sets = dict(cells.ring().sets)
    kvn = keys[0].kvn
    if replaced:
        left = _without(sets, keys, replaced)
        sets[replaced] = left
        if replaced != kvn:
            cells.put(left) if left.keys else cells.remove(replaced)
    present = sets.get(kvn, KeySet(kvn, 0, 0))
    if present.keys.keys() & {key.kid for key in keys}:
        raise StatusWordError(sw.WRONG_DATA)
    together = {**present.keys, **{key.kid: key for key in keys}}
    scp, i = _protocol(chip, domain, together, kvn)
    cells.put(replace(present, scp=scp, i=i, keys=dict(sorted(together.items()))))
    replaces_initial = kvn != INITIAL_SET and together.keys() >= _CHANNEL_KIDS and scp not in (0, SCP80)
    if chip.image.habits.initial_set_vanishes and replaces_initial:
        cells.remove(INITIAL_SET)


def _without(sets: dict[int, KeySet], keys: list[CardKeyEntry], replaced: int) -> KeySet:
    """The set that loses keys: those that take their place must be of the same type and length."""
    old = sets.get(replaced)
    if old is None or any(key.kid not in old.keys for key in keys):
        raise StatusWordError(sw.DATA_NOT_FOUND)
    for key in keys:
        before = old.keys[key.kid]
        if (before.type, len(before.value)) != (key.type, len(key.value)):
            raise StatusWordError(sw.WRONG_DATA)
    going = {key.kid for key in keys}
    return replace(old, keys={kid: key for kid, key in old.keys.items() if kid not in going})


def _protocol(chip: GpChip, domain: Entry, keys: dict[int, CardKeyEntry], kvn: int) -> tuple[int, int]:
    """The secure channel that a set opens: the domain's first one for keys of that type; 0 for none.

    :raises StatusWordError: 6A80 when the domain has no secure channel for such keys.
    """
    if chip.image.habits.ota_sets and kvn in _OTA_VERSIONS:
        return SCP80, 0
    kinds = {keys[kid].type for kid in _CHANNEL_KIDS & keys.keys()} & _PROTOCOLS.keys()
    if not kinds:
        return (SCP11, chip.image.behaviour.scp11_i) if keys.keys() & set(_AGREEMENT_KIDS) else (0, 0)
    for pair in domain.protocols:
        if kvn < _OTHER_PURPOSES and len(kinds) == 1 and pair[0] in _PROTOCOLS[max(kinds)]:
            return pair[0], pair[1]
    if kvn >= _OTHER_PURPOSES:
        return 0, 0
    raise StatusWordError(sw.WRONG_DATA)


def generate_key(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """GENERATE KEY: a key pair for SCP11 made on the card; its point is the answer.

    P1 is the version number of the key that goes, 00 for none; P2 the key identifier.

    :raises StatusWordError: 6A86 no such identifier; 6A80; 6A88.
    """
    del channel
    if command.p2 not in _AGREEMENT_KIDS:
        raise StatusWordError(sw.WRONG_P1P2)
    kvn, objects = command.data[:1], ber.unique(command.data[1:], frozenset({curves.KEY_EC_CURVE}))
    reference = objects.get(curves.KEY_EC_CURVE, b"")
    if not kvn or kvn[0] not in _VERSIONS:
        raise StatusWordError(sw.WRONG_DATA)
    private = curves.draw(chip.random.randbytes, curves.curve(reference))
    size = (private.curve.key_size + 7) // 8
    scalar = private.private_numbers().private_value.to_bytes(size, "big")
    components = [(curves.KEY_EC_PRIVATE, scalar), (curves.KEY_EC_CURVE, reference)]
    store(chip, entry, [keytypes.entry(kvn[0], command.p2, components, b"", b"")], replaced=command.p1)
    return ber.build(curves.KEY_EC_PUBLIC, curves.point_of(private.public_key())), sw.OK
