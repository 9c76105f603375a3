"""What a profile says about an identity card with keys (``[eid]``), and a chip model about one (``[chip.eid]``).

Keys are named, never given. Every text of holder, validity and codes may be a template.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

ManagementAlgorithm = Literal["3DES-192", "AES-128", "AES-192", "AES-256"]


class HolderBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose card it is, as certificates name it.  :param country: two capital letters."""

    country: str
    organization: str
    name: str
    unit: str = ""


class FascNBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fields of the FASC-N, decimal digits.

    :param agency, system: 4 digits.  :param credential: 6.  :param series, issue: 1.  :param person: 10.
    :param category: 1, of the organization.  :param organization: 4.  :param association: 1.
    """

    agency: str
    system: str
    credential: str
    person: str
    organization: str
    series: str = "0"
    issue: str = "1"
    category: str = "3"
    association: str = "1"


class ValidityBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From the beginning of which day to the end of which, as YYYY-MM-DD (UTC)."""

    begin: str
    end: str


class CodesBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the card leaves with, one secret field each.

    :param pin: 6 to 8 digits.  :param puk: 8 characters.  :param management_key: as long as its algorithm says.
    """

    pin: str
    puk: str
    management_key: str
    management_algorithm: ManagementAlgorithm = "AES-256"


class KeyBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key pair the card makes, with its certificate."""

    slot: Literal["9A", "9C", "9D", "9E"]
    algorithm: Literal["RSA-2048", "RSA-3072", "P-256", "P-384"]


class IssuerBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who issues the certificates.

    :param key: reference of its private key.  :param certificate: file beside the profile, DER.
    """

    key: str
    certificate: str


class EidBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PIV card."""

    holder: HolderBlock
    fascn: FascNBlock
    validity: ValidityBlock
    codes: CodesBlock
    issuer: IssuerBlock
    keys: tuple[KeyBlock, ...]


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip; its codes and management key as delivered are in ``[chip.transport]``.

    :param management_algorithm: of the management key as delivered.  :param tries: of PIN and PUK.
    """

    management_algorithm: ManagementAlgorithm = "3DES-192"
    tries: Annotated[int, msgspec.Meta(ge=1, le=15)] = 3
