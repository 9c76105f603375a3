"""Secure dynamic messaging: what a card mirrors into the text of a file, opened and checked (AN12196 3; sheet 4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cardkit.crypto.desfire import BlockKey, DesfireKey, KeyKind, truncated
from cardkit.crypto.lrp import Lrp
from cardkit.crypto.secret import Secret
from cardkit.errors import AuthenticationError, EncodingError

PICC_DATA_BYTES, PICC_DATA_LRP_BYTES = 16, 24
_UID, _COUNTER, _UID_BYTES = 0x80, 0x40, 0x0F
_UID_SIZE, _COUNTER_SIZE, _BLOCK = 7, 3, 16
_ENC_LABEL, _MAC_LABEL = bytes.fromhex("C33C00010080"), bytes.fromhex("3CC300010080")
_LRP_LABEL, _LRP_TAIL = bytes.fromhex("00010080"), bytes.fromhex("1EE1")
_LRP_RANDOM = 8


@dataclass(frozen=True, slots=True)
class PiccData:
    """Which card, and how often it was read.

    :param uid: 7 bytes; empty where it is not mirrored.  :param counter: None where it is not mirrored.
    """

    uid: bytes
    counter: int | None

    @classmethod
    def parse(cls, data: bytes) -> PiccData:
        """Read PICCData as deciphered: tag, UID, counter; random bytes follow.

        :raises EncodingError: where the tag does not fit, which a wrong key makes likely.
        """
        tag = data[0]
        size = tag & _UID_BYTES if tag & _UID else 0
        if (tag & _UID and size != _UID_SIZE) or not tag & (_UID | _COUNTER):
            raise EncodingError(f"PICCData: tag {tag:02X}, expected C7, 87 or 40: the key is another, or the text")
        end = 1 + size + _COUNTER_SIZE
        return cls(data[1 : 1 + size], int.from_bytes(data[1 + size : end], "little") if tag & _COUNTER else None)

    @property
    def context(self) -> bytes:
        """What of it enters the session vectors: UID, then counter, low byte first."""
        return self.uid + (b"" if self.counter is None else self.counter.to_bytes(_COUNTER_SIZE, "little"))


def open_picc_data(key: Secret, data: bytes) -> PiccData:
    """Decipher PICCData; its length tells AES (16 bytes) from LRP (24).

    :param key: SDMMetaReadKey, 16 bytes.  :raises EncodingError: on another length, or when it cannot be read.
    """
    if len(data) == PICC_DATA_BYTES:
        return PiccData.parse(_block_key(key).decrypt(data))
    if len(data) == PICC_DATA_LRP_BYTES:
        plain, _ = Lrp(key).decrypt(data[_LRP_RANDOM:], data[:_LRP_RANDOM], padded=False)
        return PiccData.parse(plain)
    raise EncodingError(f"PICCData: {len(data)} bytes, expected {PICC_DATA_BYTES} (AES) or {PICC_DATA_LRP_BYTES} (LRP)")


class FileRead:
    """The session of one reading: MACs of the mirrored text, and the file data in it.

    :param key: SDMFileReadKey, 16 bytes, AES.  :param lrp: whether the card works with LRP.
    """

    def __init__(self, key: Secret, picc: PiccData, *, lrp: bool) -> None:
        self._counter = (picc.counter or 0).to_bytes(_COUNTER_SIZE, "little")
        self._lrp: Lrp | None = None
        context = picc.context
        if lrp:
            vector = _LRP_LABEL + context
            vector += bytes(-(len(vector) + len(_LRP_TAIL)) % _BLOCK) + _LRP_TAIL
            self._lrp = Lrp(Secret(Lrp(key).cmac(vector), "SesSDMFileReadMaster"), updated=2)
            return
        static = _block_key(key)
        label = _MAC_LABEL + context
        self._mac = _block_key(Secret(static.cmac(label + bytes(-len(label) % _BLOCK)), "SesSDMFileReadMAC"))
        enc = static.cmac(_ENC_LABEL + context) if picc.uid and picc.counter is not None else bytes(_BLOCK)
        self._enc = _block_key(Secret(enc, "SesSDMFileReadENC"))

    def mac(self, text: bytes) -> bytes:
        """Return SDMMAC, 8 bytes, of the text as it stands in the file."""
        return truncated(self._lrp.cmac(text) if self._lrp else self._mac.cmac(text))

    def check(self, text: bytes, mac: bytes) -> None:
        """Check the MAC of a text.  :raises AuthenticationError: when it is wrong."""
        if not hmac.compare_digest(self.mac(text), mac):
            raise AuthenticationError("SDMMAC: wrong: another key, another card's text, or a text that was changed")

    def decrypt(self, data: bytes) -> bytes:
        """Return the file data of the mirror.  :raises EncodingError: on part of a block."""
        if self._lrp:
            return self._lrp.decrypt(data, self._counter + bytes(3), number=1, padded=False)[0]
        return self._enc.decrypt(data, self._enc.encrypt(self._counter + bytes(_BLOCK - _COUNTER_SIZE)))

    def __repr__(self) -> str:
        return f"<SDM reading {int.from_bytes(self._counter, 'little')}>"


def _block_key(key: Secret) -> BlockKey:
    with key.reveal() as clear:
        return BlockKey(DesfireKey(clear, key.name, KeyKind.AES))
