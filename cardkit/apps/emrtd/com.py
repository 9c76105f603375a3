"""EF.COM: versions, and which data groups there are (ICAO Doc 9303-10 4.6.1); deprecated, still expected by readers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cardkit.apps.emrtd.lds import DATA_GROUPS, GROUP_OF_TAG, open_file
from cardkit.encoding import tlv
from cardkit.encoding.tlv import TlvList
from cardkit.errors import EncodingError

_LDS_VERSION, _UNICODE_VERSION, _TAGS = 0x5F01, 0x5F36, 0x5C
LDS_1_7, LDS_1_8 = "0107", "0108"
UNICODE_4 = "040000"


@dataclass(frozen=True, slots=True)
class Com:
    """EF.COM; unknown objects stay where they are.

    :param objects: content of the template 60.
    """

    objects: TlvList

    @classmethod
    def parse(cls, data: bytes) -> Com:
        """Read the file.  :raises EncodingError: where an object is missing or it is no EF.COM."""
        found = cls(open_file("EF.COM", data).objects())
        for tag in (_LDS_VERSION, _UNICODE_VERSION, _TAGS):
            found._value(tag)
        return found

    @classmethod
    def of(cls, groups: Iterable[int], lds_version: str = LDS_1_7, unicode_version: str = UNICODE_4) -> Com:
        """Return the file of data groups.

        :param groups: numbers from 1 to 16.  :param lds_version: 4 digits.  :param unicode_version: 6 digits.
        """
        tags = bytes(DATA_GROUPS[number].tag for number in sorted(groups))
        values = ((_LDS_VERSION, lds_version.encode()), (_UNICODE_VERSION, unicode_version.encode()), (_TAGS, tags))
        return cls(tlv.parse(b"".join(tlv.build(tag, value) for tag, value in values)))

    @property
    def lds_version(self) -> str:
        """``0107`` is LDS 1.7."""
        return self._value(_LDS_VERSION).decode("latin-1")

    @property
    def unicode_version(self) -> str:
        """``040000`` is Unicode 4.0.0."""
        return self._value(_UNICODE_VERSION).decode("latin-1")

    @property
    def tags(self) -> bytes:
        """First bytes of the groups it lists, in its order, unknown ones included."""
        return self._value(_TAGS)

    @property
    def groups(self) -> tuple[int, ...]:
        """Numbers of the groups it lists, in its order."""
        return tuple(GROUP_OF_TAG[tag] for tag in self.tags if tag in GROUP_OF_TAG)

    def build(self) -> bytes:
        """Return the file."""
        return tlv.build(0x60, self.objects.build())

    def _value(self, tag: int) -> bytes:
        value = self.objects.first(tag)
        if value is None:
            raise EncodingError(f"EF.COM: {tag:02X} is missing")
        return value
