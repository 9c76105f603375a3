"""What a profile says about a UICC (``[uicc]``), and what a chip model says about one (``[chip.uicc]``)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec


class PinBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PIN and its PUK.

    :param value, puk: templates of secret fields, ``"{pin1}"``: digits, 4 to 8 and 8.
    :param enabled: whether the card asks for it.  :param prove_puk: present the PUK once, with the same PIN.
    """

    value: str
    puk: str
    enabled: bool = True
    prove_puk: bool = True


class AdmBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An administrative key's final value.

    :param value: template of a secret field, ``"{adm1}"``.
    :param format: ``hex``: the field holds 8 bytes; ``ascii``: it holds 8 digits, sent as text.
    """

    value: str
    format: Literal["ascii", "hex"]


Gsm = Literal["comp128v1", "comp128v2", "comp128v3", "xor-2g"]
"""Algorithms that answer 2G challenges only."""

Algorithm = Literal["milenage", "tuak", "xor", "comp128v1", "comp128v2", "comp128v3", "xor-2g"]

Weak = Literal["comp128v1", "xor", "test-keys"]
"""What a profile must name to get: algorithms that give Ki away, keys that are published or all one byte."""


class MilenageBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator's own constants of Milenage. TS 35.206 4.1

    :param r: r1 to r5 in bits, 0 to 127.  :param c: c1 to c5, 32 hexadecimal digits each.
    """

    r: tuple[int, int, int, int, int]
    c: tuple[str, str, str, str, str]


class TuakBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sizes of TUAK, and how often Keccak is applied; MAC has 64 bits, as AUTN has room for (TS 33.102 6.3.2).

    :param key_bits: of CK and IK.  K says its size itself.
    """

    res_bits: Literal[32, 64, 128] = 64
    key_bits: Literal[128, 256] = 128
    iterations: Annotated[int, msgspec.Meta(ge=1, le=255)] = 1


class AuthBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Authentication: algorithm, where the keys come from, and the sequence number.

    :param algorithm: of every key file, but those that answer 2G challenges where ``gsm_algorithm`` names another.
    :param k: template of the key, 16 bytes; 32 with TUAK as well.
    :param opc, op: template of OPc, or of OP where the card's OPc is to be computed: 16 bytes; TOPc, TOP: 32 bytes.
    :param milenage, tuak: parameters other than the usual ones.  :param accept: weaknesses this product is to have.
    :param sres_variant: 2G answers of an AKA algorithm: 1 all of RES folded, 2 its first word.
    :param amf: 2 bytes as hexadecimal digits.
    :param sqn_start: SQN the card holds before its proof.  :param sqn_max: the highest it may hold when it leaves.
    :param ind: the index value reserved for the plant's proof.  :param delta: largest step of SEQ the card accepts.
    :param age_limit: how far SEQ may lie below the highest one, 0 for as far as it likes.
    :param probe_delta: prove that a larger step is refused; a card that takes it is spent.
    :param issuer: key set of the security domain, ``30=plant:isd``, on a chip that takes K and OPc through one.
    """

    algorithm: Algorithm
    k: str
    opc: str = ""
    op: str = ""
    gsm_algorithm: Gsm | None = None
    milenage: MilenageBlock | None = None
    tuak: TuakBlock = TuakBlock()
    accept: tuple[Weak, ...] = ()
    sres_variant: Literal[1, 2] = 1
    amf: str = "8000"
    sqn_start: int = 0
    sqn_max: int = 0
    ind: int = 0
    ind_bits: int = 5
    delta: int = 1 << 28
    age_limit: int = 0
    probe_delta: bool = False
    issuer: str = ""


class NetworkBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbering of the product.

    :param mcc, mnc: digits.  :param iccid_prefix: 89, country and issuer.
    :param special_classes: access classes 11 to 15 every card has besides the one of its IMSI.
    """

    mcc: str
    mnc: str
    iccid_prefix: str
    special_classes: tuple[int, ...] = ()


Condition = str | tuple[str, ...]
"""``always``, ``never``, the name of a secret, or several of which any is enough."""


class RuleBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record of EF.ARR. TS 102 221 9.2; TS 102 222 6

    :param read, update, increase: of a file.  :param manage: deactivate, activate, resize and delete it.
    :param directory: make and delete files in a directory, and itself; such a rule says nothing of files.
    """

    read: Condition = "never"
    update: Condition = "never"
    increase: Condition = "never"
    manage: Condition = "never"
    directory: Condition = ""


class NewPlaceBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory to be made.

    :param rule: name in the table of rules.  :param memory: bytes set aside.
    :param fid: 4 hexadecimal digits, the catalogue's if empty; an ADF needs one.  :param aid: of an ADF.
    :param pins: whether each secret that counts here is enabled, by name.
    """

    rule: str
    memory: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]
    fid: str = ""
    aid: str = ""
    pins: dict[str, bool] = {}


class NewFileBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file to be made: structure and content before use are the catalogue's, all else that is not given, too.

    :param rule: name in the table of rules.  :param size: bytes of a transparent body.
    :param record, count: bytes and number of records.  :param sfi: 0 for none.
    """

    rule: str
    fid: str = ""
    sfi: int | None = None
    size: int = 0
    record: int = 0
    count: int = 0


class BuildBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file system of a card that is delivered without one, in the order it is made. TS 102 222

    :param rules: records of EF.ARR, which all files refer to.  :param places: directories, parents first.
    """

    rules: dict[str, RuleBlock]
    places: dict[str, NewPlaceBlock]
    files: dict[str, NewFileBlock]


class UiccBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The product.

    :param files: contents by file name, ``FILE#RECORD`` for one record; values as the file's codec reads them.
    :param expect: files that are read and compared, never written.
    :param same: copy -> original: both must hold the same.
    :param deactivated: files of services the product does not offer; nobody can read them.
    :param build: where the chip comes without files.
    :param free_bytes: memory the card must have left for later use; 0 for none asked.
    """

    network: NetworkBlock
    files: dict[str, dict[str, Any]]
    expect: dict[str, dict[str, Any]] = {}
    same: dict[str, str] = {}
    deactivated: tuple[str, ...] = ()
    free_bytes: int = 0
    pins: dict[str, PinBlock] = {}
    adm: dict[str, AdmBlock] = {}
    auth: AuthBlock
    build: BuildBlock | None = None


class AccessModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which secret opens a file for reading and updating: its name, ``always`` or ``never``."""

    read: str
    update: str


class SecretModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A secret of the card. TS 102 221 table 9.3

    :param reference: key reference byte.  :param tries, unblock_tries: counters when full.
    :param scope: the ADF it is local to.  :param file: the file that holds value and counters, "" where there is none.
    :param state: first byte of that file for an enabled secret.
    """

    reference: int
    tries: int
    unblock_tries: int = 0
    scope: str = ""
    file: str = ""
    state: int = 0xF0


class PlaceModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A directory: by path from the MF, by AID, or as a child of an ADF; hexadecimal digits."""

    path: str = ""
    aid: str = ""
    parent: str = ""


class FileModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file as this chip has it.

    :param fid: 4 hexadecimal digits.  :param sfi: 0 where it has none.  :param size: bytes of a transparent body.
    :param record, count: bytes and number of records.  :param access: name in the access table.
    """

    fid: str
    access: str
    sfi: int = 0
    size: int = 0
    record: int = 0
    count: int = 0


class KeySlot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where K and OPc go, and how the card shows that it has them.

    :param file: written as configuration byte, K, OPc; for TUAK as configuration 3, TOPc, K. "" where no file takes
        them: the application of this directory gets them by STORE DATA, as ``store_data`` says.
    :param proof: AKA in this directory, or the GSM context.
    :param sqn: the file with the sequence number policy, "" where the card shares one or has none.
    :param preloaded: the chip maker has put all that there for this order, or what is written elsewhere counts here,
        too: it is proven, never written.
    :param algorithms: what the chip can do here.
    """

    file: str = ""
    proof: Literal["aka", "gsm"]
    sqn: str = ""
    preloaded: bool = False
    algorithms: tuple[Algorithm, ...] = ("milenage", "xor")


class Grouped(StrEnum):
    """What a data grouping holds: algorithm and options, sequence number policy, Milenage constants, K, OPc."""

    ALGORITHM = "algorithm"
    SQN = "sqn"
    CONSTANTS = "constants"
    K = "k"
    OPC = "opc"


class StoreDataModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A security domain through which applications get K and OPc. GPCS 11.11

    :param domain: its AID, hexadecimal digits.  :param scp, i, level: of the secure channel, as on the wire.
    :param key_algorithm: of the keys that open it.  :param groupings: identifiers, 4 hexadecimal digits each.
    :param codes: first byte of the grouping ``algorithm``.
    """

    domain: str
    scp: Literal[2, 3]
    i: Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
    level: Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
    key_algorithm: str = "AES-128"
    groupings: dict[Grouped, str]
    codes: dict[str, Annotated[int, msgspec.Meta(ge=0, le=0xFF)]]


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is true of this chip's file system, whatever the product.

    :param files: those it is delivered with; of a chip without any, the marker's home, which the plant makes first.
    :param identity: the file with its own number, "" where it has none: then the marker names it.
    :param constants: the file for an operator's constants of Milenage, "" where the chip takes none.
    :param store_data: how keys without a file get there.
    """

    access: dict[str, AccessModel]
    secrets: dict[str, SecretModel]
    places: dict[str, PlaceModel]
    files: dict[str, FileModel]
    keys: dict[str, KeySlot]
    marker: str
    identity: str = ""
    constants: str = ""
    store_data: StoreDataModel | None = None
