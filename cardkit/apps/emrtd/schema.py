"""What a profile says about a travel document (``[emrtd]``), and a chip model about one (``[chip.emrtd]``).

Identifiers and other bytes are hexadecimal digits. Keys are named, never given. Every text may be a template.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Byte = Annotated[int, msgspec.Meta(ge=0, le=0xFF)]
Cipher = Literal["3DES", "AES-128", "AES-192", "AES-256"]
Hash = Literal["sha224", "sha256", "sha384", "sha512"]


class HolderBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose document it is, as the machine readable zone has it; names are transliterated here.

    :param birth, expiry: days as YYYY-MM-DD; unknown parts of a birth as ``<``: ``1970-<<-<<``.
    :param sex: ``M``, ``F``, or ``X`` and ``<`` for unspecified.
    :param mrz: the order's own zone, without line breaks; it goes before a composed one, whose fields it must have.
    """

    document_code: str
    issuing_state: str
    document_number: str
    nationality: str
    birth: str
    sex: str
    expiry: str
    primary: str
    secondary: str = ""
    optional_data: str = ""
    optional_data_2: str = ""
    mrz: str = ""


Finger = Literal[
    "right thumb", "right index", "right middle", "right ring", "right little",
    "left thumb", "left index", "left middle", "left ring", "left little",
]  # fmt: skip


class FingerBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finger.

    :param record: as the enrolment gives it (ISO/IEC 19794-4): a file of ``images``, or hexadecimal digits.
    """

    finger: Finger
    record: str


class IrisBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An eye.  :param record: as the enrolment gives it (ISO/IEC 19794-6): as of a finger."""

    eye: Literal["right", "left"]
    record: str


class GroupsBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What else is in the data groups.

    :param images: files beside the profile; ``face``, ``portrait`` and ``signature`` name one of them, or are the
        image itself in hexadecimal digits, as a base64 column gives it.
    :param face_format: which ISO/IEC standard the record of DG2 follows.
    :param face: of DG2, JPEG or JPEG2000.  :param portrait: of DG5.  :param signature: of DG7.
    :param details: of DG11, by name (``name``, ``place_of_birth`` ...): texts, or lists of texts.
    :param document: of DG12, by name (``issuing_authority`` ...).
    :param national: content of DG13, hexadecimal digits.
    :param fingers, irises: of DG3 and DG4, which only terminal authentication opens.
    """

    face: str
    face_format: Literal["19794-5", "39794-5"] = "19794-5"
    images: tuple[str, ...] = ()
    portrait: str = ""
    signature: str = ""
    details: dict[str, str | tuple[str, ...]] = {}
    document: dict[str, str | tuple[str, ...]] = {}
    national: str = ""
    fingers: tuple[FingerBlock, ...] = ()
    irises: tuple[IrisBlock, ...] = ()


class PaceBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way of PACE.

    :param mapping: with ECDH-CAM the chip proves itself too, by a key in EF.CardSecurity.
    :param parameters: standardized domain parameters (9303-11 9.5.1).
    """

    mapping: Literal["ECDH-GM", "ECDH-IM", "ECDH-CAM", "DH-GM", "DH-IM"] = "ECDH-GM"
    cipher: Cipher = "AES-128"
    parameters: Annotated[int, msgspec.Meta(ge=0, le=18)] = 13


class AccessBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What opens the document.

    :param bac: whether its MRZ opens it by BAC too.
    :param can: card access number, one secret field of digits; empty for none.
    """

    bac: bool = True
    pace: tuple[PaceBlock, ...] = ()
    can: str = ""


class ChipAuthenticationBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key of chip authentication, made for each card.

    :param curve: ``P-256``, ``brainpoolP256r1`` ...  :param key_id: needed where there are several.
    """

    curve: str
    cipher: Cipher = "AES-128"
    key_id: Annotated[int, msgspec.Meta(ge=0, le=0xFFFFFFFF)] | None = None


class ActiveAuthenticationBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key of active authentication, made for each card: ECDSA on a curve, or RSA.

    :param rsa_bits: of the modulus, for chips that have RSA only (applet-2006).  :param hash: of ECDSA.
    """

    curve: str = ""
    rsa_bits: Annotated[int, msgspec.Meta(ge=1024, le=1984, multiple_of=16)] | None = None
    hash: Hash = "sha256"

    def __post_init__(self) -> None:
        """Refuse two kinds of key, or none."""
        if bool(self.curve) == (self.rsa_bits is not None):
            raise ValueError('expected "curve" or "rsa_bits", and one of them only')


class TerminalBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The inspection system a finished document is proven with.

    :param key: reference of its private key.
    :param certificates: files beside the profile: document verifiers, its own last; card verifiable.
    """

    key: str
    certificates: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class TerminalAuthenticationBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose terminals read fingers and irises.

    :param trust_points: certificates of one CVCA or two, files beside the profile; the newer first.
    :param date: what day the chip takes it to be, YYYY-MM-DD; it goes on by certificates it sees.
    :param terminal: None where nobody here reads fingers: that they are closed is proven all the same.
    """

    trust_points: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=2)]
    date: str
    terminal: TerminalBlock | None = None


class SignerBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs the document security object.

    :param key: reference of the document signer's private key.  :param certificate: file beside the profile, DER.
    :param hash: of the data groups.  :param lds: version of the logical data structure, as EF.COM has it; 0108 is
        signed too.
    """

    key: str
    certificate: str
    hash: Hash = "sha256"
    lds: Literal["0107", "0108"] = "0107"


class EmrtdBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A travel document.  :param format: of its machine readable zone."""

    format: Literal["TD1", "TD2", "TD3"]
    holder: HolderBlock
    groups: GroupsBlock
    access: AccessBlock
    signer: SignerBlock
    chip_authentication: tuple[ChipAuthenticationBlock, ...] = ()
    active_authentication: ActiveAuthenticationBlock | None = None
    terminal_authentication: TerminalAuthenticationBlock | None = None


class ConditionsBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the chip calls the conditions of reading a file; the plan has them in words (one byte each)."""

    always: Byte = 0x00
    session: Byte = 0x10
    pace: Byte = 0x11
    fingers: Byte = 0x21
    irises: Byte = 0x22


class ChipBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blank chip.

    :param driver: how it is personalized.  :param transport: key set it is delivered with, ``KVN=REF[/SCHEME]``, AES;
        none for applet-2006.
    :param i: options of SCP03.  :param level: of the secure channel; keys go under C-DEC.
    :param directory: file identifier of the application's directory (iso7816).
    :param load_file, module, isd: AIDs of the applet and of the card's issuer domain (gp-store-data).
    :param plain_errors: errors inside secure messaging come unprotected and end it.
    :param answer_bytes: the most of a file it gives at a time.  :param memory_bytes: for files.
    """

    driver: Literal["iso7816", "gp-store-data", "applet-2006"]
    transport: str = ""
    i: Byte = 0x70
    level: Byte = 0x33
    conditions: ConditionsBlock = ConditionsBlock()
    directory: str = "3F01"
    load_file: str = ""
    module: str = ""
    isd: str = "A000000151000000"
    plain_errors: bool = False
    answer_bytes: Annotated[int, msgspec.Meta(ge=1, le=223)] = 223
    memory_bytes: int = 65536

    def __post_init__(self) -> None:
        """Refuse a level that keys cannot be sent under, and a driver without its transport key."""
        if bool(self.transport) == (self.driver == "applet-2006"):
            raise ValueError('"transport": a key set for every driver but applet-2006')
        if self.level & 0x03 != 0x03:
            raise ValueError(f'"level" is {self.level:02X}, expected C-MAC and C-DEC at least (03)')
