"""DER (ITU-T X.690): what travel documents and certificates are written in, on top of :mod:`cardkit.encoding.tlv`.

Builders return whole objects (tag, length, value); readers take the value of one. Real certificates are not always DER:
length forms longer than needed are read, and kept by :class:`~cardkit.encoding.tlv.Tlv`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache

from cardkit.encoding import tlv
from cardkit.encoding.tlv import Tlv
from cardkit.errors import EncodingError

_OID_TOPS = 2
_ARCS_BELOW = 40
_UTC_YEARS = range(1950, 2050)  # RFC 5280 4.1.2.5.1
_TIME_FORMS = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


class Tag(IntEnum):
    """Universal tags as they are written. X.680 8.4"""

    BOOLEAN = 0x01
    INTEGER = 0x02
    BIT_STRING = 0x03
    OCTET_STRING = 0x04
    NULL = 0x05
    OID = 0x06
    ENUMERATED = 0x0A
    UTF8 = 0x0C
    PRINTABLE = 0x13
    IA5 = 0x16
    UTC_TIME = 0x17
    GENERALIZED_TIME = 0x18
    SEQUENCE = 0x30
    SET = 0x31


NULL = bytes((Tag.NULL, 0))
TRUE = bytes((Tag.BOOLEAN, 1, 0xFF))


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE of objects."""
    return tlv.build(Tag.SEQUENCE, b"".join(parts))


def set_of(parts: Iterable[bytes]) -> bytes:
    """Return a SET OF, its objects in the order DER wants. X.690 11.6"""
    return tlv.build(Tag.SET, b"".join(sorted(parts)))


def integer(value: int) -> bytes:
    """Return an INTEGER in the fewest bytes, two's complement. X.690 8.3

    >>> integer(170).hex(), integer(-1).hex()
    ('020200aa', '0201ff')
    """
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return tlv.build(Tag.INTEGER, value.to_bytes(size, "big", signed=True))


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tlv.build(Tag.OCTET_STRING, value)


def bits(value: bytes, unused: int = 0) -> bytes:
    """Return a BIT STRING of whole bytes, of which the last `unused` bits do not count. X.690 8.6"""
    return tlv.build(Tag.BIT_STRING, bytes((unused,)) + value)


def text(tag: Tag, value: str) -> bytes:
    """Return a string.

    :param tag: UTF8, PRINTABLE or IA5.
    :raises EncodingError: on a character that an ASCII kind of string does not have.
    """
    try:
        return tlv.build(tag, value.encode("utf-8" if tag is Tag.UTF8 else "ascii"))
    except UnicodeEncodeError:
        raise EncodingError(f"{tag.name} string of {len(value)} characters: got one that is not ASCII") from None


def explicit(number: int, content: bytes) -> bytes:
    """Return objects behind a context tag, constructed: ``[number]``."""
    return tlv.build(0xA0 | number, content)


def time(moment: datetime) -> bytes:
    """Return a time, in seconds: UTCTime until 2049, GeneralizedTime from then on. RFC 5280 4.1.2.5

    :param moment: aware.
    """
    if moment.astimezone(UTC).year in _UTC_YEARS:
        return tlv.build(Tag.UTC_TIME, f"{moment.astimezone(UTC):%y%m%d%H%M%SZ}".encode())
    return generalized_time(moment)


def generalized_time(moment: datetime) -> bytes:
    """Return a GeneralizedTime, in seconds.

    :param moment: aware.
    """
    return tlv.build(Tag.GENERALIZED_TIME, f"{moment.astimezone(UTC):%Y%m%d%H%M%SZ}".encode())


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER. X.690 8.19

    :raises EncodingError: on a text that is none.

    >>> oid("2.23.136.1.1.1").hex()
    '0606678108010101'
    """
    try:
        arcs = [int(arc) for arc in dotted.split(".")]
    except ValueError:
        arcs = []
    if len(arcs) < 2 or min(arcs) < 0 or arcs[0] > _OID_TOPS or (arcs[0] < _OID_TOPS and arcs[1] >= _ARCS_BELOW):
        raise EncodingError(f"object identifier {dotted!r}: expected numbers with dots between them")
    joined = (_ARCS_BELOW * arcs[0] + arcs[1], *arcs[2:])
    return tlv.build(Tag.OID, b"".join(map(_base_128, joined)))


def _base_128(number: int) -> bytes:
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(0x80 | number & 0x7F)
    return bytes(reversed(groups))


def read_oid(value: bytes) -> str:
    """Return an object identifier in dots. X.690 8.19

    :raises EncodingError: if it is empty, or ends inside a number.

    >>> read_oid(bytes.fromhex("67810f010201"))
    '2.23.143.1.2.1'
    """
    if not value or value[-1] & 0x80:
        raise EncodingError("object identifier: it ends inside a number")
    arcs, number = [], 0
    for byte in value:
        number = number << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(number)
            number = 0
    top = min(arcs[0] // _ARCS_BELOW, _OID_TOPS)
    return ".".join(map(str, (top, arcs[0] - _ARCS_BELOW * top, *arcs[1:])))


def read_integer(value: bytes) -> int:
    """Return a number, also one written in more bytes than DER wants.

    :raises EncodingError: if there are no bytes of one.
    """
    if not value:
        raise EncodingError("INTEGER: got no byte of a number")
    return int.from_bytes(value, "big", signed=True)


def read_bits(value: bytes) -> bytes:
    """Return the bytes of a BIT STRING without its leading count.

    :raises EncodingError: if the count is missing, or says that bits do not count.
    """
    if not value or value[0]:
        raise EncodingError("BIT STRING: expected whole bytes behind a leading 00")
    return value[1:]


def read_text(item: Tlv) -> str:
    """Return a string of any kind.

    :raises EncodingError: where it is neither UTF-8 nor, in the older kinds, Latin-1.
    """
    if item.tag == Tag.UTF8:
        try:
            return item.value.decode("utf-8")
        except UnicodeDecodeError:
            raise EncodingError(f"string of {len(item.value)} bytes: got bytes that are no UTF-8") from None
    return item.value.decode("latin-1")


def read_time(item: Tlv) -> datetime:
    """Return a UTCTime or GeneralizedTime. RFC 5280 4.1.2.5

    :raises EncodingError: on another tag or form.
    """
    form = _TIME_FORMS.get(item.tag)
    if form is None:
        raise EncodingError(f"time: got tag {item.tag:02X}, expected 17 or 18")
    try:
        moment = datetime.strptime(item.value.decode("ascii"), form).replace(tzinfo=UTC)
    except ValueError:
        raise EncodingError(f"time: got {len(item.value)} bytes, expected YYMMDDhhmmssZ or YYYYMMDDhhmmssZ") from None
    if item.tag == Tag.UTC_TIME and moment.year not in _UTC_YEARS:
        return moment.replace(year=moment.year - 100)  # %y reads 50 to 68 as 2050 to 2068
    return moment


def only(data: bytes, tag: int, what: str) -> Tlv:
    """Return the one object that data consist of.

    :raises EncodingError: where it has another tag, or something comes behind it.
    """
    fields = Fields(data, what)
    item = fields.take(tag, what)
    fields.end()
    return item


class Fields:
    """The components of a value, taken one after the other.

    :param what: the value's name in messages.
    :raises EncodingError: when the value is not TLV.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._what = what
        try:
            self._items = tlv.parse(data).items
        except EncodingError as error:
            raise EncodingError(f"{what}: {error}") from None
        self._at = 0

    def take(self, tag: int, name: str) -> Tlv:
        """Return the next object.  :raises EncodingError: where it has another tag, or there is none."""
        item = self.maybe(tag)
        if item is None:
            got = f"tag {self._items[self._at].tag:02X}" if self._at < len(self._items) else "the end"
            raise EncodingError(f"{self._what}: {name}: got {got}, expected tag {tag:02X}")
        return item

    def maybe(self, *tags: int) -> Tlv | None:
        """Return the next object if it has one of these tags."""
        if self._at < len(self._items) and self._items[self._at].tag in tags:
            self._at += 1
            return self._items[self._at - 1]
        return None

    def any(self, name: str) -> Tlv:
        """Return the next object, whatever it is.  :raises EncodingError: where there is none."""
        if self._at == len(self._items):
            raise EncodingError(f"{self._what}: {name} is missing")
        self._at += 1
        return self._items[self._at - 1]

    def rest(self) -> tuple[Tlv, ...]:
        """Return every object that was not taken."""
        left, self._at = self._items[self._at :], len(self._items)
        return left

    def end(self) -> None:
        """Make sure that nothing is left.  :raises EncodingError: where something is."""
        if left := self.rest():
            raise EncodingError(f"{self._what}: got {len(left)} more objects, the first with tag {left[0].tag:02X}")

    def sequence(self, name: str) -> Fields:
        """Return the components of the next object, a SEQUENCE."""
        return Fields(self.take(Tag.SEQUENCE, name).value, f"{self._what}: {name}")

    def integer(self, name: str) -> int:
        """Return the next object, an INTEGER."""
        return read_integer(self.take(Tag.INTEGER, name).value)

    def oid(self, name: str) -> str:
        """Return the next object, an OBJECT IDENTIFIER, in dots."""
        return read_oid(self.take(Tag.OID, name).value)

    def octets(self, name: str) -> bytes:
        """Return the next object, an OCTET STRING."""
        return self.take(Tag.OCTET_STRING, name).value
