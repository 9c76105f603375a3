"""What a profile says about a payment card (``[emv]``), and a chip model about one (``[chip.emv]``).

AIDs, tags, values and other bytes are hexadecimal digits. Keys are named, never given. Every text may be a template.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from cardkit.apps.gp.schema import ChipBlock as GpChipBlock
from cardkit.apps.gp.schema import GpBlock

LONGEST_NAME = 26
Sfi = Annotated[int, msgspec.Meta(ge=1, le=30)]


class HolderBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose card it is; templates, for the columns of an order have names of their own.

    :param psn: PAN sequence number, 2 digits.  :param expiry, effective: days as YYYY-MM-DD; a card expires with the
        last day of that month.
    :param service_code: 3 digits, of stripe and chip.  :param pin: one secret field of 4 to 12 digits; empty for a
        card without offline PIN.
    :param pin_key: reference of the key the PIN comes under; then ``pin`` is an enciphered block, in hexadecimal
        digits.
    :param pin_format: of that block (ISO 9564-1).
    """

    pan: str
    psn: str
    expiry: str
    name: str
    service_code: str
    effective: str = ""
    pin: str = ""
    pin_key: str = ""
    pin_format: Literal[0, 1, 3, 4] = 0


class OffsetBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an issuer computes PIN offsets (IBM 3624).

    :param table: 16 digits: what stands for 0 to F.  :param start, length: which digits of the PAN.
    :param pad: the hexadecimal digit behind them.
    """

    table: str = "0123456789012345"
    start: Annotated[int, msgspec.Meta(ge=0, le=18)] = 0
    length: Annotated[int, msgspec.Meta(ge=1, le=16)] = 16
    pad: str = "F"


class TrackBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Discretionary data of the tracks, and the values printed.

    :param cvk: key of CVV, iCVV and CVV2.  :param pvk: key of the PVV; empty for none.  :param pvki: its index.
    :param ibm3624: where the key gives an offset, not a PVV.
    :param layout: parts of the discretionary data in order: ``pvki``, ``pvv`` or ``offset``, ``cvv`` (chip: iCVV),
        or digits.
    :param cvv2_date: order of the expiry in CVV2, by brand (unverified).
    """

    cvk: str = ""
    pvk: str = ""
    pvki: Annotated[int, msgspec.Meta(ge=0, le=9)] = 1
    ibm3624: OffsetBlock | None = None
    layout: tuple[str, ...] = ()
    cvv2_date: Literal["YYMM", "MMYY"] = "YYMM"


class IssuerBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The issuer's key pair of one BIN range, and the certificate a payment system made of it.

    :param iins: leading digits of the PANs it issues.  :param key: reference of its private key.
    :param certificate: file beside the profile with data objects 8F, 90, 92 and 9F32 in hexadecimal digits.
    :param authorities: file beside the profile with public keys of certification authorities, as the CAPK list has
        them.
    """

    iins: tuple[str, ...]
    key: str = ""
    certificate: str = ""
    authorities: str = ""


class MasterKeysBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """References of the issuer master keys that the card's keys are derived from.

    :param derivation: option of EMV 4.4 Book 2, A1.4.  :param idn, cvc3: empty where the card has none.
    """

    ac: str
    smi: str
    smc: str
    idn: str = ""
    cvc3: str = ""
    derivation: Literal["A", "B", "C"] = "A"


class RsaBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card's own RSA key pair.

    :param bits: of the modulus, whole bytes.  :param form: of the private key in the personalization: its parts by the
        Chinese remainder theorem (8201 to 8205), or modulus and exponent (8103, 8101).
    """

    bits: Annotated[int, msgspec.Meta(ge=1024, le=1984, multiple_of=8)]
    exponent: Literal[3, 65537] = 3
    form: Literal["crt", "plain"] = "crt"


class RecordBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data objects that stand together in the records of one file, packed into as few as they fit.

    :param signed: whether they are static data that are signed.
    """

    sfi: Sfi
    tags: tuple[str, ...]
    signed: bool = False


class InterfaceBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a payment application shows through one of its interfaces.

    :param aip: 4 digits.  :param fci: data objects of its FCI besides label and priority, in order: tags.
    :param issuer_data: data objects inside BF0C: tags.  :param records: in the order of the AFL.
    :param answer: further data objects of the answer to GET PROCESSING OPTIONS: tags.
    :param internal: data objects the application keeps for itself, by tag: those of 0D01 or 0E01; in another form they
        stand among its ``groupings``.
    :param tags: values that differ from those of the application, by tag.
    """

    aip: str
    fci: tuple[str, ...] = ()
    issuer_data: tuple[str, ...] = ()
    records: tuple[RecordBlock, ...] = ()
    answer: tuple[str, ...] = ()
    internal: dict[str, str] = {}
    tags: dict[str, str] = {}


class PaymentBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment application.

    :param label: text of 50.  :param priority: 1, highest, to 15; 0 for none.  :param kernel: value of 9F2A in the
        PPSE, empty where that of the RID will do.
    :param tags: values by tag, those that nothing derives.
    :param data: further data groupings whose identifier is a tag: tags that GET DATA gives.
    :param groupings: further data groupings by identifier: what else the application keeps; those 8xxx are secret.
    :param rsa: the card's own key pair, and ``pin_rsa``: one of its own for enciphered PINs (9F2D); else that serves.
    :param static: whether static data are signed by the issuer too (SDA: 93).  :param dac: data authentication code.
    :param pin_tries: limit; the card starts with as many.
    """

    aid: str
    load_file: str
    module: str
    label: str
    keys: MasterKeysBlock
    priority: Annotated[int, msgspec.Meta(ge=0, le=15)] = 1
    kernel: str = ""
    parameters: str = ""
    privileges: tuple[str, ...] = ()
    life_cycle: Annotated[int, msgspec.Meta(ge=7, le=0x7F)] = 0x0F
    contact: InterfaceBlock | None = None
    contactless: InterfaceBlock | None = None
    tags: dict[str, str] = {}
    data: tuple[str, ...] = ()
    groupings: dict[str, str] = {}
    rsa: RsaBlock | None = None
    pin_rsa: RsaBlock | None = None
    static: bool = False
    dac: str = ""
    pin_tries: Annotated[int, msgspec.Meta(ge=1, le=15)] = 3


class DirectoryBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment system environment: the contact directory (PSE) or the contactless one (PPSE).

    :param sfi: of the directory's records; without meaning for a PPSE.  :param languages: 5F2D as text.
    """

    load_file: str
    module: str
    parameters: str = ""
    sfi: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    languages: str = ""
    life_cycle: Annotated[int, msgspec.Meta(ge=7, le=0x7F)] = 0x0F


class EmvBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The product.

    :param gp: the card it stands on: channel, keys, life cycle.  :param pse, ppse: absent where the card has none.
    """

    gp: GpBlock
    holder: HolderBlock
    issuer: IssuerBlock
    applications: tuple[PaymentBlock, ...]
    tracks: TrackBlock = TrackBlock()
    pse: DirectoryBlock | None = None
    ppse: DirectoryBlock | None = None


class GroupingMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Identifiers of the data groupings this chip's applications take; where a scheme differs, the chip file says so.

    An empty one is of a grouping they do not take: check values, PIN tries, internal data.

    EMV CPS 2.0 appendix A, and published practice (payment sheet 13; the order of the parts is unverified).

    :param crt: q^-1 mod p, d mod (q-1), d mod (p-1), q, p.  :param pin_crt: the same of the key for enciphered PINs.
    :param order: identifiers that are sent before all others, in this order; by default secret ones go first, records
        last.
    """

    keys: str = "8000"
    check_values: str = "9000"
    pin: str = "8010"
    pin_tries: str = "9010"
    fci: str = "9102"
    fci_contactless: str = "9103"
    gpo: str = "9104"
    gpo_contactless: str = "B104"
    internal: str = "0D01"
    internal_contactless: str = "0E01"
    crt: tuple[str, str, str, str, str] = ("8201", "8202", "8203", "8204", "8205")
    exponent: str = "8101"
    modulus: str = "8103"
    pin_crt: tuple[str, str, str, str, str] = ("8301", "8302", "8303", "8304", "8305")
    pin_exponent: str = "8102"
    pin_modulus: str = "8104"
    order: tuple[str, ...] = ()


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is true of this chip.

    :param record_bytes: longest record it holds.
    :param direct: its applications take their data themselves, in a session of their own; else through the domain.
    :param contactless_after_ppse: whether it shows its contactless side through any reader once the contactless
        directory is selected; else that side is looked at in a contactless reader only.
    """

    gp: GpChipBlock
    groupings: GroupingMap = GroupingMap()
    direct: bool = False
    contactless_after_ppse: bool = False
    record_bytes: Annotated[int, msgspec.Meta(ge=64, le=255)] = 254
