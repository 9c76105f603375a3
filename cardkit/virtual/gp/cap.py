"""What the card reads of a load file data block: the components of a Java Card package (JCVM 6.2).

Only Header and Applet matter to the registry: package AID and version, AIDs of the applets.
"""

from typing import Final, NamedTuple

from .. import statuswords as sw
from ..errors import StatusWordError
from .ber import Fields

_HEADER, _APPLET, _LAST_TAG = 1, 3, 11
_MAGIC: Final = bytes.fromhex("DECAFFED")
_AID_SIZES: Final = range(5, 17)


class Package(NamedTuple):
    """A Java Card package.

    :ivar version: major and minor, two bytes.  :ivar applets: AIDs of its applets.
    """

    aid: bytes
    version: bytes
    applets: tuple[bytes, ...]


def walk(block: bytes) -> Package:
    """Read the components one after the other: tag, size of two bytes, contents.

    :raises StatusWordError: 6A80 unless they fill the block, begin with one Header and come once each.
    """
    components: dict[int, bytes] = {}
    fields = Fields(block)
    while fields.more():
        tag = fields.byte()
        body = fields.take(int.from_bytes(fields.take(2), "big"))
        if not 1 <= tag <= _LAST_TAG or tag in components or (not components and tag != _HEADER):
            raise StatusWordError(sw.WRONG_DATA)
        components[tag] = body
    if _HEADER not in components:
        raise StatusWordError(sw.WRONG_DATA)
    aid, version = _header(components[_HEADER])
    return Package(aid, version, _applets(components.get(_APPLET, b"\x00")))


def _header(body: bytes) -> tuple[bytes, bytes]:
    fields = Fields(body)
    magic = fields.take(4)
    fields.take(3)  # version of the CAP format, flags
    minor, major = fields.byte(), fields.byte()
    aid = fields.short()
    if magic != _MAGIC or len(aid) not in _AID_SIZES:
        raise StatusWordError(sw.WRONG_DATA)
    return aid, bytes((major, minor))


def _applets(body: bytes) -> tuple[bytes, ...]:
    """Count, then AID and the offset of its install method each."""
    fields = Fields(body)
    found = []
    for _ in range(fields.byte()):
        found.append(fields.short())
        fields.take(2)
    fields.end()
    return tuple(found)
