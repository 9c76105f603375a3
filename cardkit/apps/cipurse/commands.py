"""Commands of a CIPURSE card, in the syntax of its version (transport sheet 2.1 to 2.3).

All but SELECT, GET CHALLENGE and MUTUAL AUTHENTICATE may go out protected; they are the same in all versions but for
CREATE FILE and UPDATE FILE ATTRIBUTES.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse.access import Security
from cardkit.apps.cipurse.attributes import AES, DF_NAME, FCP, REGISTERED, SECURITY_OBJECT, EfAttributes, FileType
from cardkit.apps.iso7816.commands import ANY_LENGTH, LARGEST_RECORD, LARGEST_SFI, Ins, SelectBy
from cardkit.crypto import Secret
from cardkit.crypto.cipurse import BLOCK, CHALLENGE_BYTES
from cardkit.encoding import tlv
from cardkit.encoding.dgi import DGI
from cardkit.errors import EncodingError

MF, ID_INFO = 0x3F00, 0x2FF7
NO_ANSWER, NEXT = 0x0C, 0x02
"""P2 of SELECT: without response data; the next application whose AID begins so."""

_OWN = 0x80
_DF, _EF, _KEYS = 0x9200, 0x9201, 0xA00F
_CODING = 0x41
"""What V1 has behind the descriptor of a file: constant in every run, reads like a data coding byte (unverified)."""
_CONFIRM = b"ConfirM"
_ONE, _TO_THE_LAST = 4, 5
_VALUE_BYTES = 4


class Syntax(IntEnum):
    """Versions of the command syntax."""

    V1 = 1
    V2 = 2
    V3 = 3


class CipurseIns(IntEnum):
    """Instruction bytes that are not interindustry."""

    DECREASE_VALUE = 0x30
    INCREASE_VALUE = 0x32
    READ_VALUE = 0x34
    LIMITED_INCREASE_VALUE = 0x3C
    LIMITED_DECREASE_VALUE = 0x3E
    UPDATE_KEY_ATTRIBUTES = 0x4E
    UPDATE_KEY = 0x52
    CANCEL_TRANSACTION = 0x7C
    PERFORM_TRANSACTION = 0x7E
    MUTUAL_AUTHENTICATE = 0x82
    READ_FILE_ATTRIBUTES = 0xCE
    UPDATE_FILE_ATTRIBUTES = 0xDE
    CREATE_FILE = 0xE0
    APPEND_RECORD = 0xE2
    DELETE_FILE = 0xE4
    FORMAT_ALL = 0xFC


@dataclass(frozen=True, slots=True)
class KeyToLoad:
    """A key on its way into a card.

    :param value: enciphered under a key of the card; in clear it is a Secret.
    :param kvv: of the clear key, 3 bytes.  :param attribute: bits of KeyRight.
    """

    value: bytes | Secret
    kvv: bytes
    add_info: int
    attribute: int


@dataclass(frozen=True, slots=True)
class NewDirectory:
    """An application or a list of applications that is made.

    :param kind: profile and registration bits, 0 for a PxSE.  :param files, sfids: room.
    :param registered: AID of the PxSE that lists it; told by syntax V3 only.  :param proprietary: object 86.
    """

    type: FileType
    kind: int
    fid: int
    files: int
    sfids: int
    aid: bytes
    registered: bytes = b""
    proprietary: bytes = b""

    def parameters(self, syntax: Syntax) -> bytes:
        """Return the control parameters (62)."""
        objects = tlv.build(DF_NAME, self.aid)
        if self.proprietary:
            objects += tlv.build(SECURITY_OBJECT, self.proprietary)
        if self.registered and syntax is Syntax.V3:
            objects += tlv.build(REGISTERED, self.registered)
        return tlv.build(FCP, objects)


# Selecting


def select_mf(p2: int = 0, ne: int = 0) -> CommandAPDU:
    """Select the master file.  :param ne: 256 for its control information, 0 for no answer."""
    return CommandAPDU(0x00, Ins.SELECT, SelectBy.FID, p2, ne=ne)


def select_file(fid: int, p2: int = 0, ne: int = 0) -> CommandAPDU:
    """Select a file of the current application, or an application."""
    return CommandAPDU(0x00, Ins.SELECT, SelectBy.FID, p2, fid.to_bytes(2), ne)


def select_application(aid: bytes, p2: int = 0, ne: int = 0) -> CommandAPDU:
    """Select an application.  :param aid: 1 to 16 bytes, or its beginning.  :param p2: ``NEXT`` for a further one."""
    return CommandAPDU(0x00, Ins.SELECT, SelectBy.AID, p2, aid, ne)


# Authentication


def get_challenge() -> CommandAPDU:
    """Ask for a challenge, 22 bytes; it is good for the next command only."""
    return CommandAPDU(0x00, Ins.GET_CHALLENGE, 0x00, 0x00, ne=CHALLENGE_BYTES)


def mutual_authenticate(key: int, proof: bytes = b"", challenge: bytes = b"") -> CommandAPDU:
    """Prove a key and let the card prove it.  :param proof: 16 bytes.  :param challenge: the host's, 22 bytes."""
    return CommandAPDU(0x00, CipurseIns.MUTUAL_AUTHENTICATE, 0x00, key, proof + challenge, BLOCK)


# Records and values


def _record(number: int, sfid: int, mode: int) -> tuple[int, int]:
    """Return P1 and P2.  :param sfid: 0 for the current file."""
    if not 0 <= number <= LARGEST_RECORD or not 0 <= sfid <= LARGEST_SFI:
        raise EncodingError(f"record {number} of file {sfid}: expected up to {LARGEST_RECORD} and {LARGEST_SFI}")
    return number, sfid << 3 | mode


def read_records(number: int, sfid: int = 0, ne: int = ANY_LENGTH) -> CommandAPDU:
    """Read from one record to the last."""
    return CommandAPDU(0x00, Ins.READ_RECORD, *_record(number, sfid, _TO_THE_LAST), ne=ne)


def append_record(data: bytes, sfid: int = 0) -> CommandAPDU:
    """Write the next record of a linear file, or a new first one of a cyclic file."""
    return CommandAPDU(0x00, CipurseIns.APPEND_RECORD, *_record(0, sfid, 0), data)


def read_value(number: int, sfid: int = 0, ne: int = _VALUE_BYTES) -> CommandAPDU:
    """Read a counter, 4 bytes."""
    return CommandAPDU(_OWN, CipurseIns.READ_VALUE, *_record(number, sfid, _ONE), ne=ne)


def change_value(ins: CipurseIns, number: int, amount: int, sfid: int = 0, ne: int = 0) -> CommandAPDU:
    """Add to a counter, or take from it.

    :param ins: one of the four instructions that do.  :param amount: 0 to 2^31 - 1.  :param ne: 256 for the new value.
    :raises EncodingError: on another amount.
    """
    if not 0 <= amount < 1 << 31:
        raise EncodingError(f"amount {amount}, expected 0 to {(1 << 31) - 1}")
    return CommandAPDU(_OWN, ins, *_record(number, sfid, _ONE), amount.to_bytes(_VALUE_BYTES), ne)


def perform_transaction() -> CommandAPDU:
    """Make pending changes true, all of them at once."""
    return CommandAPDU(_OWN, CipurseIns.PERFORM_TRANSACTION, 0x00, 0x00)


def cancel_transaction() -> CommandAPDU:
    """Forget pending changes."""
    return CommandAPDU(_OWN, CipurseIns.CANCEL_TRANSACTION, 0x00, 0x00)


# Life cycle


def activate() -> CommandAPDU:
    """Put the current application into use."""
    return CommandAPDU(0x00, Ins.ACTIVATE, 0x00, 0x00)


def deactivate() -> CommandAPDU:
    """Take the current application out of use."""
    return CommandAPDU(0x00, Ins.DEACTIVATE, 0x00, 0x00)


def delete_current() -> CommandAPDU:
    """Delete the current application."""
    return CommandAPDU(0x00, CipurseIns.DELETE_FILE, 0x00, 0x00)


def delete_file(fid: int) -> CommandAPDU:
    """Delete a file."""
    return CommandAPDU(0x00, CipurseIns.DELETE_FILE, SelectBy.FID, 0x00, fid.to_bytes(2))


def delete_application(aid: bytes) -> CommandAPDU:
    """Delete an application by its AID."""
    return CommandAPDU(0x00, CipurseIns.DELETE_FILE, SelectBy.AID, 0x00, aid)


def format_all(confirmation: bytes = _CONFIRM) -> CommandAPDU:
    """Make the card blank again: every application goes, the keys of delivery come back."""
    return CommandAPDU(_OWN, CipurseIns.FORMAT_ALL, 0x00, 0x00, confirmation)


# Attributes and keys


def read_file_attributes() -> CommandAPDU:
    """Ask for the attributes of the current file, else of the current application or MF."""
    return CommandAPDU(_OWN, CipurseIns.READ_FILE_ATTRIBUTES, 0x00, 0x00, ne=ANY_LENGTH)


def update_file_attributes(syntax: Syntax, security: Security, proprietary: bytes = b"") -> CommandAPDU:
    """Give the current file, application or MF other rules.  :param proprietary: object 86, empty to leave it."""
    count = b"" if syntax is Syntax.V1 else bytes((security.keys,))
    own = tlv.build(SECURITY_OBJECT, proprietary) if proprietary else b""
    return CommandAPDU(_OWN, CipurseIns.UPDATE_FILE_ATTRIBUTES, 0x00, 0x00, count + security.build() + own)


def update_key(number: int, key: KeyToLoad, kek: int = 0) -> CommandAPDU:
    """Replace a key.  :param kek: number of the key it is enciphered under, 0 for none.

    :raises EncodingError: where the key is in clear and a key-encryption key is named, or the other way round.
    """
    _check_sealed((key,), kek)
    head = bytes((key.add_info,)) + AES
    return CommandAPDU(_OWN, CipurseIns.UPDATE_KEY, kek, number, (head, key.value, key.kvv))


def update_key_attributes(number: int, attribute: int) -> CommandAPDU:
    """Say what may be done with a key from now on."""
    return CommandAPDU(_OWN, CipurseIns.UPDATE_KEY_ATTRIBUTES, 0x00, number, bytes((attribute,)))


def _check_sealed(keys: Sequence[KeyToLoad], kek: int) -> None:
    """Refuse to say that keys are enciphered when they are not."""
    if any(isinstance(key.value, Secret) is bool(kek) for key in keys):
        named = f"key {kek} is to encipher them" if kek else "no key is to encipher them"
        raise EncodingError(f"keys for the card: {named}, got the opposite")


# Creating files


def create_file(syntax: Syntax, file: EfAttributes) -> CommandAPDU:
    """Make a file in the current application.  :raises EncodingError: on a value that does not fit."""
    if syntax is Syntax.V1:
        rules = b"" if file.security is None else file.security.build()
        head = bytes((file.type, _CODING)) + file.fid.to_bytes(2)
        size = file.size or file.records * file.record_size
        value = head + bytes((file.records,)) + size.to_bytes(2) + bytes((file.sfid,)) + rules
    else:
        value = file.build()
    return CommandAPDU(0x00, CipurseIns.CREATE_FILE, 0x00, 0x00, DGI(_EF, value).build())


def create_directory(
    syntax: Syntax,
    directory: NewDirectory,
    security: Security | None = None,
    keys: Sequence[KeyToLoad] = (),
    kek: int = 0,
) -> CommandAPDU:
    """Make an application with its rules and keys, or a list of applications, which has none.

    :param kek: number of the MF's key the keys are enciphered under, 0 for none.
    :raises EncodingError: where rules and keys do not fit each other, or keys are not enciphered as is said.
    """
    if len(keys) != (0 if security is None else security.keys):
        raise EncodingError(f"{directory.aid.hex().upper()}: {len(keys)} keys, and rules for another number of them")
    _check_sealed(keys, kek)
    first = syntax is Syntax.V1
    head = bytes((directory.type, directory.kind)) + directory.fid.to_bytes(2) + (bytes((kek,)) if first else b"")
    head += bytes((directory.files, directory.sfids, len(keys)))
    rules = b"" if security is None else security.build()
    described = b"".join(bytes((key.attribute,)) + AES for key in keys)
    data: list[bytes | Secret] = [DGI(_DF, head + rules + described + directory.parameters(syntax)).build()]
    if keys:
        data.append(_KEYS.to_bytes(2) + bytes((sum(len(key.value) + 1 + len(key.kvv) for key in keys),)))
        for key in keys:
            data += [key.value, bytes((key.add_info,)) + key.kvv]
    whole = data[0] if len(data) == 1 else tuple(data)
    assert not isinstance(whole, Secret)
    return CommandAPDU(0x00, CipurseIns.CREATE_FILE, 0 if first else kek, 0x00, whole)
