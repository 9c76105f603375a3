"""What a profile says about an NTAG 424 DNA (``[ntag424]``), and a chip model about one (``[chip.ntag424]``)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cardkit.apps.desfire.schema import ChipBlock as DesfireChip
from cardkit.apps.desfire.schema import KeyBlock

KEYS = 5
FILE_BYTES = 256
"""Of the NDEF file."""


class TagKeyBlock(KeyBlock, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of the tag.

    :param m: parts of M of AN10922: ``uid``, ``key`` (its number), ``hex:...``, ``ascii:...``; empty for a key that is
        the same on every tag, which the one that opens PICCData has to be: nobody knows the UID before.
    """

    m: tuple[str, ...] = ()


class MirrorBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The NDEF file.

    :param url: what phones open. ``<picc>`` is where the tag writes UID and counter enciphered, ``<uid>`` and ``<ctr>``
        where it writes them in clear, ``<mac>`` its MAC, ``<start>`` where the MAC begins to count (by default at
        ``<mac>``). May name fields of the record.
    :param size: bytes of the file that are written and read back; zeros behind the URL.
    :param meta: key that enciphers UID and counter.  :param mac: key of the MAC.  :param write: who may write.
    :param counter: who may ask for the counter; a key's name, ``free`` or ``never``.
    :param limit: reading beyond which nothing is mirrored; 0 for none.
    """

    url: str
    size: Annotated[int, msgspec.Meta(ge=16, le=FILE_BYTES)] = 128
    meta: str = ""
    mac: str
    write: str
    counter: str = "never"
    limit: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFF)] = 0


class NtagBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tag.

    :param keys: five, the master key first.  :param mode: of its sessions; LRP cannot be taken back and is not set.
    """

    keys: tuple[TagKeyBlock, ...]
    ndef: MirrorBlock
    mode: Literal["aes"] = "aes"


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip: five AES keys of zeros.  :param frame, answer: data bytes of a frame, sent and answered."""

    frame: Annotated[int, msgspec.Meta(ge=16, le=248)] = 55
    answer: Annotated[int, msgspec.Meta(ge=16, le=255)] = 59

    @property
    def native(self) -> DesfireChip:
        """The same for a DESFire's native commands."""
        return DesfireChip(generation="ev2", frame=self.frame, answer=self.answer)
