"""What a profile says about a PKCS#15 card (``[pkcs15]``), and a chip model about one (``[chip.pkcs15]``).

Keys of the house are named, never given. Every text may be a template.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cardkit.apps.eid.schema import HolderBlock, IssuerBlock, ValidityBlock


class CodesBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the card leaves with, one secret field each, 4 to 16 characters."""

    pin: str
    puk: str


class KeyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key pair with its certificate.

    :param label: what it is called on the card.  :param use: what it and its certificate are for.
    :param made: by the card, which never gives it away, or by the issuer, who can store it once more: of encipherment.
    """

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    algorithm: Literal["RSA-2048", "P-256", "P-384", "brainpoolP256r1", "brainpoolP384r1"]
    use: Literal["authentication", "signature", "encipherment"]
    made: Literal["card", "issuer"] = "card"


class DataBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data of an application.

    :param application: whose.  :param value: text; or hexadecimal digits, where ``form`` says so.
    :param private: whether only the PIN opens it.
    """

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    application: str
    value: str
    form: Literal["text", "hex"] = "text"
    private: bool = False


class Pkcs15Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card with a PKCS#15 application.

    :param label, manufacturer: of the card.  :param serial: its number.
    :param serial_form: whether that is hexadecimal digits or text.  :param serial_kind: which key of the record it is.
    """

    label: str
    manufacturer: str
    serial: str
    serial_form: Literal["hex", "text"] = "hex"
    serial_kind: str = "credential"
    holder: HolderBlock
    validity: ValidityBlock
    codes: CodesBlock
    issuer: IssuerBlock
    keys: tuple[KeyBlock, ...]
    data: tuple[DataBlock, ...] = ()


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip, open until its PIN is set.

    :param aid: of its one application.  :param tries: of PIN and PUK.
    """

    aid: str = "F276A288BCFBA69D34F31001"
    tries: Annotated[int, msgspec.Meta(ge=1, le=15)] = 3
