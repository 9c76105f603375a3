"""Extended card resources, tag FF21 (ETSI TS 102 226 8.2.1.7.2, from memory)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.encoding import tlv
from cardkit.errors import EncodingError

RESOURCES = 0xFF21
_APPLICATIONS, _NVM, _RAM = 0x81, 0x82, 0x83


@dataclass(frozen=True, slots=True)
class Memory:
    """How much room a card has.

    :param whole: the object as read.  :param objects: what it holds.

    >>> Memory.parse(bytes.fromhex("FF2110 81020002 820400016DB4 83040000086A")).free_nvm
    93620
    """

    whole: tlv.TlvList
    objects: tlv.TlvList

    @classmethod
    def parse(cls, data: bytes) -> Memory:
        """Read the object, or its value alone.  :raises EncodingError: if it is neither."""
        whole = tlv.parse(data)
        objects = whole[0].children() if len(whole) == 1 and whole[0].tag == RESOURCES else whole
        if not len(objects) or not {item.tag for item in objects} & {_APPLICATIONS, _NVM, _RAM}:
            raise EncodingError("card resources: got none of 81, 82, 83, expected FF21 with them")
        return cls(whole, objects)

    def encode(self) -> bytes:
        """Return the bytes that were read."""
        return self.whole.build()

    @property
    def applications(self) -> int | None:
        """Number of installed applications."""
        return self._number(_APPLICATIONS)

    @property
    def free_nvm(self) -> int | None:
        """Free non-volatile memory in bytes."""
        return self._number(_NVM)

    @property
    def free_ram(self) -> int | None:
        """Free volatile memory in bytes."""
        return self._number(_RAM)

    def _number(self, tag: int) -> int | None:
        value = self.objects.first(tag)
        return int.from_bytes(value, "big") if value else None
