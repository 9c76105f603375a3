"""What a profile says about a GlobalPlatform card (``[gp]``), and a chip model about one (``[chip.gp]``).

AIDs, tags and other bytes are hexadecimal digits. Keys are named, never given: ``KVN=REF[,REF,REF][/SCHEME]``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Byte = Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Purpose = Literal["channel", "dap", "token", "receipt", "ota"]
Digest = Literal["sha1", "sha256", "sha384", "sha512"]
Restriction = Literal["delete", "load", "install", "selectable", "extradition", "personalization", "registry"]


class ChannelBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secure channel the card is made and verified with.

    :param level: P1 of EXTERNAL AUTHENTICATE; 01 at least.
    :param counter_limit: highest sequence counter a card may leave with.
    """

    scp: Literal[1, 2, 3]
    i: Byte
    level: Byte
    counter_limit: Count | None = None

    def __post_init__(self) -> None:
        """Refuse a level without C-MAC."""
        if not self.level & 0x01:
            raise ValueError(f'"level" is {self.level:02X}, expected C-MAC at least (01)')


class KeySetBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys to load.

    :param set: version, references and diversification; one key for any purpose but ``channel``.
    :param algorithm: of the card's keys.  :param kid: identifier of the first.
    :param usage, access: qualifiers the card must show, where it shows any.
    :param kdd: template of what the keys are diversified with, where that is not the card's own KDD.
    """

    set: str
    algorithm: Literal["AES-128", "AES-192", "AES-256", "3DES-128", "3DES-192"]
    purpose: Purpose = "channel"
    kid: Byte = 1
    usage: str = ""
    access: str = ""
    kdd: str = ""


class LoadBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A package to load.

    :param cap: file beside the profile.  :param sha256: of that file, 64 digits; the released code and no other.
    :param hash: of the load file data block, sent in INSTALL.  :param descriptor: send the Descriptor component too.
    :param domain: AID of the security domain it goes to, by default the issuer's.
    """

    cap: str
    sha256: str
    hash: Digest = "sha256"
    descriptor: bool = False
    domain: str = ""


class GroupingBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data grouping.

    :param dgi: 4 digits.  :param value: template of hexadecimal digits, or of one secret field.
    :param size: bytes of the value, needed where it depends on the record.
    :param secret: under the DEK; by default where the identifier is 8xxx.
    :param pad: fill a secret value up to whole cipher blocks with 80 00...
    """

    dgi: str
    value: str
    size: Count | None = None
    secret: bool | None = None
    pad: bool = False


class ApplicationBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application to install.

    :param load_file, module: AIDs.  :param privileges: names, ``final application``.
    :param parameters: what the applet's install method gets (C9).
    :param life_cycle: of the finished application: 07, or a state of its own it takes when it is personalized.
    :param domain: AID of its security domain, by default the issuer's.
    :param implicit: implicit selections (CF), one byte each.
    :param data: STORE DATA, in order.  :param store_data_p1: all of P1 of single blocks, by number; -1 is the last.
    :param direct: the data go to the application itself, in a session it opens with its security domain's keys; else
        through the domain, by INSTALL for personalization.
    """

    aid: str
    load_file: str
    module: str
    privileges: tuple[str, ...] = ()
    parameters: str = ""
    life_cycle: Byte = 0x07
    domain: str = ""
    implicit: tuple[Byte, ...] = ()
    data: tuple[GroupingBlock, ...] = ()
    store_data_p1: dict[str, Byte] = {}
    direct: bool = False


class NumberBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data object 42 or 45.

    :param value: template of hexadecimal digits.  :param size: bytes.
    """

    value: str
    size: Annotated[int, msgspec.Meta(ge=1, le=64)]


class DomainBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A supplementary security domain.

    :param privileges: besides ``security domain``.  :param parameters: C9; by default protocol and options (81).
    :param keys: the first is its own channel set.
    :param issuer_number, card_number: 42 and 45.
    """

    aid: str
    keys: tuple[KeySetBlock, ...]
    privileges: tuple[str, ...] = ()
    parameters: str = ""
    issuer_number: NumberBlock | None = None
    card_number: NumberBlock | None = None


class ProductionBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the CPLC: who, when, on which machine.

    :param by: 4 digits.  :param date: 4 digits, YDDD.  :param equipment: 8 digits.  All are templates.
    """

    by: str
    date: str
    equipment: str


class DataBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data objects of the issuer security domain.

    :param issuer_number, card_number: 42 and 45.
    :param day: template of the day of production as YYYY-MM-DD: no date of the CPLC is later.
    """

    issuer_number: NumberBlock | None = None
    card_number: NumberBlock | None = None
    pre_personalization: ProductionBlock | None = None
    personalization: ProductionBlock | None = None
    day: str = ""


class ScriptBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a blank card beforehand: then all its commands are computed before it is touched.

    :param kdd: template of its KDD, 20 digits.
    :param sequence: template of the delivered set's counter as the card has it now, hexadecimal digits.
    """

    kdd: str
    sequence: str


class CertificateBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chip maker's certificate of the key for SCP11b: its chain must lead to a root that is pinned here.

    It must be in force on the day of production (``data.day``).

    :param root: PEM file beside the profile: a public key, or a certificate of it.
    :param kvn: version of the card's key.  :param i: options of SCP11, as card recognition data has them.
    """

    root: str
    kvn: Byte
    i: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class RestrictionBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may no longer be done (D9).  :param aid: to whom; empty for the whole card, which cannot be taken back."""

    forbid: tuple[Restriction, ...]
    aid: str = ""


class MemoryBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be left, in bytes."""

    nvm: Count
    ram: Count = 0


class GpBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The product.

    :param life_cycle: of the finished card.  :param keys: of the issuer security domain; the first is the set the card
        is managed with, and loading it is the first thing that changes the card.
    :param deny: beginnings of AIDs of packages that must not be on a finished card.
    :param hands_off: others manage content by tokens: token and receipt keys must be there.
    :param variable: places of a dump in which a card may differ from the golden one, as ``cardkit diff`` names them,
        besides what the record gives and what names the chip.
    """

    channel: ChannelBlock
    keys: tuple[KeySetBlock, ...]
    life_cycle: Literal["OP_READY", "INITIALIZED", "SECURED"] = "SECURED"
    load: tuple[LoadBlock, ...] = ()
    domains: tuple[DomainBlock, ...] = ()
    applications: tuple[ApplicationBlock, ...] = ()
    data: DataBlock = DataBlock()
    restrictions: tuple[RestrictionBlock, ...] = ()
    deny: tuple[str, ...] = ()
    hands_off: bool = False
    memory: MemoryBlock | None = None
    script: ScriptBlock | None = None
    certificate: CertificateBlock | None = None
    variable: tuple[str, ...] = ()


class ProtocolModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secure channel protocol the chip offers."""

    scp: Literal[1, 2, 3]
    i: Byte


class DeliveredSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chip maker's key set.

    :param set: version and references.  :param algorithm: of its keys.
    :param removal: what makes it go away: the first set loaded beside it, the one that replaces it, or DELETE.
    """

    set: str
    algorithm: str
    removal: Literal["first", "replace", "delete"] = "first"


class PackageModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A load file the chip is delivered with.

    :param version: 4 digits; empty if any.  :param modules: AIDs.
    """

    aid: str
    version: str = ""
    modules: tuple[str, ...] = ()


class KeyModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key the chip is delivered with and keeps, such as those of SCP11.

    :param type: GPCS Table 11-16.  :param length: bytes.
    """

    kvn: Byte
    kid: Byte
    type: Byte
    length: Byte


class StoreDataP1(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """P1 of STORE DATA this chip wants in place of what the content gives, without the last flag."""

    dgi: Byte | None = None
    dgi_secret: Byte | None = None
    ber: Byte | None = None


class QuirksModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this chip departs from the texts; each is named with card and source in the chip file.

    A chip that takes no SELECT without a name, or gives its CPLC without tag, needs no word here: issuer security
    domains are selected by name, and both forms are read.

    :param enc_empty_data: SCP03: it wants a padding block encrypted where a command has no data.
    :param counter_data_only: SCP03: its encryption counter moves only for commands with data.
    :param scp03_challenge_old_counter: its pseudo-random challenge is made with the counter before the increment.
    :param rmac_on_error: it sends an R-MAC with an error status word too.
    :param put_key_bare_aes: PUT KEY without the clear length of an AES key (``88 10``).
    :param kcv_aes_zero: it answers PUT KEY with check values of AES keys over a block of zeros.
    :param iu_no_le: it takes no Le in INITIALIZE UPDATE.
    :param case4_as_3: it takes no Le in commands that change it.
    :param get_status_legacy: GET STATUS knows no TLV form.  :param no_modules_status: nor P1 10.
    :param privileges_1_byte: INSTALL takes one byte of privileges.
    :param store_data_p1: P1 of STORE DATA in place of what the content gives.
    """

    enc_empty_data: bool = False
    counter_data_only: bool = False
    scp03_challenge_old_counter: bool = False
    rmac_on_error: bool = False
    put_key_bare_aes: bool = False
    kcv_aes_zero: bool = False
    iu_no_le: bool = False
    case4_as_3: bool = False
    get_status_legacy: bool = False
    no_modules_status: bool = False
    privileges_1_byte: bool = False
    store_data_p1: StoreDataP1 = StoreDataP1()


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is true of this chip as its maker delivers it.

    :param isd: AID of the issuer security domain.  :param privileges: its privileges, 6 digits.
    :param keys: what it keeps of what it is delivered with, besides the delivered set.
    :param max_data: longest data field of a command (9F65).
    :param packages: load files it is delivered with.
    :param domain_package, domain_module: AIDs of what a supplementary security domain is made of.
    :param cplc: fields of the CPLC that tell this chip from others, digits by name.
    :param kdd_of_cplc: whether its KDD holds fabrication date, serial number and batch.
    :param channels: further logical channels it gives.
    :param packing: how applications take their data: a grouping a command (``single``), several where they fit
        (``whole``), or any value in pieces, so that every STORE DATA is full (``full``).
    """

    isd: str
    protocols: tuple[ProtocolModel, ...]
    delivered: DeliveredSet
    keys: tuple[KeyModel, ...] = ()
    life_cycle: Literal["OP_READY", "INITIALIZED"] = "OP_READY"
    privileges: str = "9EFE80"
    max_data: Annotated[int, msgspec.Meta(ge=32, le=255)] = 255
    packages: tuple[PackageModel, ...] = ()
    domain_package: str = ""
    domain_module: str = ""
    cplc: dict[str, str] = {}
    kdd_of_cplc: bool = False
    channels: Count | None = None
    packing: Literal["single", "whole", "full"] = "whole"
    quirks: QuirksModel = QuirksModel()
