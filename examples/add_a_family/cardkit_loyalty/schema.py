"""What a profile says about a loyalty card (``[loyalty]``), and a chip model about its chip (``[chip.loyalty]``)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

FileName = Literal["SERIAL", "MARK", "MEMBER", "POINTS"]


class LoyaltyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The product.

    :param member: template of the member number, ``"{member}"``.  :param points: balance of a new card.
    """

    member: str
    points: Annotated[int, msgspec.Meta(ge=0)]


class IssuerModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The issuer code: its key reference, and its tries when full."""

    reference: int
    tries: int


class FileModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A transparent file.

    :param fid: 4 hexadecimal digits.  :param size: bytes.
    """

    fid: str
    sfi: int
    size: int


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chip.

    :param aid: of the directory, hexadecimal digits.
    """

    aid: str
    issuer: IssuerModel
    files: dict[FileName, FileModel]
