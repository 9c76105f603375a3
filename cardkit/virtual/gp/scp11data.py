"""What a security domain keeps for SCP11: certificates, allow-lists, identifiers of certification authorities.

Amendment F, as other implementations store and read it (clauses unverified): each belongs to a key, KID and KVN.
"""

from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from . import ber, cells
from .chip import GpChip

CERTIFICATES, KLOC, KLCC = 0xBF21, 0xFF33, 0xFF34
_ALLOWED: Final = 0x70
_CONTROL, _REFERENCE, _KIND, _IDENTIFIER, _SERIAL = 0xA6, 0x83, 0x80, 0x42, 0x93
_KINDS: Final = {b"\x00": KLOC, b"\x01": KLCC}


def is_administration(objects: ber.Objects) -> bool:
    """Do the objects of a STORE DATA begin with the reference of a key?"""
    return bool(objects) and objects[0][0] == _CONTROL


def store(chip: GpChip, aid: bytes, objects: ber.Objects) -> None:
    """Keep certificates, an allow-list, or the identifier of an authority; an empty value deletes.

    :raises StatusWordError: 6A80; 6A88 when there is no such key.
    """
    control = ber.unique(objects[0][1], frozenset({_REFERENCE, _KIND, _IDENTIFIER}))
    reference = control.get(_REFERENCE, b"")
    if len(reference) != 2:
        raise StatusWordError(sw.WRONG_DATA)
    chip.keys(aid).ring().key(reference[1], reference[0])
    if _KIND in control:
        kind = _KINDS.get(control[_KIND])
        if kind is None or len(objects) > 1:
            raise StatusWordError(sw.WRONG_DATA)
        chip.journal.put(cells.scp11(aid, kind, reference), control.get(_IDENTIFIER, b""))
        return
    if [tag for tag, _ in objects[1:]] not in ([CERTIFICATES], [_ALLOWED]):
        raise StatusWordError(sw.WRONG_DATA)
    tag, value = objects[1]
    if tag == _ALLOWED and any(inner != _SERIAL for inner, _ in ber.parse(value)):
        raise StatusWordError(sw.WRONG_DATA)
    chip.journal.put(cells.scp11(aid, tag, reference), value)


def certificates(chip: GpChip, aid: bytes, data: bytes) -> bytes:
    """The certificates of the key that `A6{83{KID KVN}}` names, leaf last; empty when there are none."""
    control = ber.unique(dict(ber.parse(data)).get(_CONTROL, b""))
    return chip.journal.get(cells.scp11(aid, CERTIFICATES, control.get(_REFERENCE, b"")))


def authorities(chip: GpChip, aid: bytes, kind: int) -> bytes:
    """Identifiers of authorities and their keys, `42 id, 83 KID KVN` each."""
    names = chip.journal.names(cells.scp11(aid, kind))
    pairs = ((chip.journal.get(name), bytes.fromhex(name.rpartition("/")[2])) for name in names)
    return b"".join(ber.build(_IDENTIFIER, known) + ber.build(_REFERENCE, reference) for known, reference in pairs)


def allow_lists(chip: GpChip, aid: bytes) -> dict[tuple[int, int], frozenset[int]]:
    """(KVN, KID) of a key -> certificate serial numbers it may vouch for."""
    lists = {}
    for name in chip.journal.names(cells.scp11(aid, _ALLOWED)):
        kid, kvn = bytes.fromhex(name.rpartition("/")[2])
        serials = (int.from_bytes(value, "big") for _, value in ber.parse(chip.journal.get(name)))
        lists[kvn, kid] = frozenset(serials)
    return lists


def forget_keys(chip: GpChip, aid: bytes, kvn: int, kids: set[int]) -> None:
    """Keys are deleted: what belongs to them goes, too."""
    endings = {f"/{kid:02X}{kvn:02X}" for kid in kids}
    for name in chip.journal.names(cells.folder(cells.SCP11, aid)):
        if name[-5:] in endings:
            chip.journal.put(name, b"")
