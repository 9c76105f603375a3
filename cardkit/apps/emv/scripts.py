"""Issuer scripts: commands a card takes from its issuer alone, by any terminal (EMV 4.4 Book 2, 9; Book 3, 10.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvstore import EmvKeyStore, NewPin
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

BEFORE, AFTER = 0x71, 0x72  # whether it runs before or after the second GENERATE AC
_COMMAND = 0x86
_CLA, _SCHEME_CLA = 0x84, 0x04  # of EMV's own commands, and of those schemes add (unverified)
MAC_BYTES = (4, 8)
_APPLICATION_BLOCK, _APPLICATION_UNBLOCK, _CARD_BLOCK, _PIN_CHANGE = 0x1E, 0x18, 0x16, 0x24
_PUT_DATA, _UPDATE_RECORD = 0xDA, 0xDC
_UNBLOCK, _CHANGE_KNOWN, _CHANGE = 0x00, 0x01, 0x02  # P2 of PIN CHANGE/UNBLOCK

Keys = tuple[CardKey, CardKey, CardKey]
"""A card's keys for integrity, confidentiality and cryptograms."""


@dataclass(frozen=True, slots=True)
class ScriptCommand:
    """One command of a script, before it has a MAC.

    :param data: sent in clear, unless ``hidden``.  :param new_pin: in place of data.
    :param template: 71 or 72: before or after the second GENERATE AC.  :param mac_size: 4 to 8 bytes.
    """

    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    new_pin: NewPin | None = None
    hidden: bool = False
    template: int = AFTER
    mac_size: int = MAC_BYTES[1]
    cla: int = _CLA

    def build(self, keystore: EmvKeyStore, keys: Keys, transaction: Transaction) -> bytes:
        """Return the command with its MAC, format 2.

        :param transaction: with the number of commands that went before.
        :raises EncodingError: on a MAC of another length, or more data than a short command holds.
        Book 2, 9.2.1.2, 9.3.1.2
        """
        least, most = MAC_BYTES
        if not least <= self.mac_size <= most or self.template not in (BEFORE, AFTER):
            raise EncodingError(
                f"script: MAC of {self.mac_size} bytes in {self.template:02X}, expected 4 to 8 in 71 or 72"
            )
        integrity, confidentiality, cryptogram = keys
        data = self.data
        if self.new_pin is not None:
            data = keystore.emv_script_pin((confidentiality, cryptogram), transaction, self.new_pin)
        elif self.hidden:
            data = keystore.emv_script_data(confidentiality, transaction, self.data)
        length = len(data) + self.mac_size
        if length > 0xFF:
            raise EncodingError(f"script: {len(data)} bytes and a MAC of {self.mac_size}, expected 255 or less")
        header = bytes((self.cla, self.ins, self.p1, self.p2, length))
        mac = keystore.emv_script_mac(integrity, transaction, transaction.script_message(header, data))
        return header + data + mac[: self.mac_size]


APPLICATION_BLOCK = ScriptCommand(_APPLICATION_BLOCK)
APPLICATION_UNBLOCK = ScriptCommand(_APPLICATION_UNBLOCK)
CARD_BLOCK = ScriptCommand(_CARD_BLOCK)
PIN_UNBLOCK = ScriptCommand(_PIN_CHANGE, p2=_UNBLOCK)


def pin_change(new_pin: NewPin) -> ScriptCommand:
    """Return PIN CHANGE/UNBLOCK with a new PIN; the block proves the current one where it is given. Book 3, 6.5.10"""
    p2 = _CHANGE if new_pin.current is None else _CHANGE_KNOWN
    return ScriptCommand(_PIN_CHANGE, p2=p2, new_pin=new_pin)


def put_data(tag: int, value: bytes, *, hidden: bool = False) -> ScriptCommand:
    """Return PUT DATA of a data object with a two-byte tag (schemes' own, unverified).

    :raises EncodingError: on another tag.
    """
    if not 0 <= tag <= 0xFFFF:
        raise EncodingError(f"PUT DATA: tag {tag:X}, expected two bytes")
    return ScriptCommand(_PUT_DATA, tag >> 8, tag & 0xFF, value, hidden=hidden, cla=_SCHEME_CLA)


def update_record(sfi: int, record: int, value: bytes) -> ScriptCommand:
    """Return UPDATE RECORD (schemes' own, unverified).

    :param sfi: 1 to 30.  :param record: 1 to 255.  :raises EncodingError: on others.
    """
    if not 1 <= sfi <= 30 or not 1 <= record <= 0xFF:
        raise EncodingError(f"UPDATE RECORD: record {record} of SFI {sfi}, expected 1 to 255 of 1 to 30")
    return ScriptCommand(_UPDATE_RECORD, record, sfi << 3 | 4, value, cla=_SCHEME_CLA)


def script_templates(commands: Sequence[tuple[ScriptCommand, bytes]]) -> tuple[bytes, ...]:
    """Return the templates 71 and 72 of built commands, as many as are needed, the commands in order.

    Book 3, 10.10; Book 4, 12.2.4
    """
    templates = {
        template: b"".join(tlv.build(_COMMAND, built) for command, built in commands if command.template == template)
        for template in (BEFORE, AFTER)
    }
    return tuple(tlv.build(template, value) for template, value in templates.items() if value)
