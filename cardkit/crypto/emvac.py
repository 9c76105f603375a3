"""Cryptograms, issuer answers and script protection under a session key (EMV 4.4 Book 2, 8, 9)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.crypto import emvkeys
from cardkit.crypto.emvcvn import CryptogramVersion, Hiding, Padding, Scripting, Session
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.mac import RetailMac, cmac, pad80
from cardkit.crypto.nibbles import mix, packed
from cardkit.crypto.statickey import ClearKey, block_bytes
from cardkit.errors import EncodingError, KeyStoreError

CRYPTOGRAM_BYTES = 8
UNPREDICTABLE_BYTES = 4
ARC_BYTES = 2
ARPC_2_BYTES = 4
CSU_BYTES = 4
PROPRIETARY_BYTES = 8


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a card's session keys and script MACs depend on.

    :param version: of its cryptograms.  :param atc: application transaction counter, 2 bytes.
    :param unpredictable: tag 9F37, 4 bytes; for SKD.  :param cryptogram: the first one, 8 bytes; for the answer to it.
    :param command: how many script commands went before.
    """

    version: CryptogramVersion
    atc: bytes
    unpredictable: bytes = b""
    cryptogram: bytes = b""
    command: int = 0

    def __post_init__(self) -> None:
        sizes = (len(self.atc), len(self.unpredictable), len(self.cryptogram))
        if len(self.atc) != 2 or sizes[1] not in (0, UNPREDICTABLE_BYTES) or sizes[2] not in (0, CRYPTOGRAM_BYTES):
            got = "ATC of {}, unpredictable number of {}, cryptogram of {} bytes".format(*sizes)
            raise EncodingError(f"transaction: {got}, expected 2, 4 and 8")

    @property
    def scripting(self) -> Scripting:
        """What the version does with scripts; EncodingError where it has none."""
        if self.version.scripting is None:
            raise EncodingError(f"cryptogram version {self.version.name}: has no issuer scripts")
        return self.version.scripting

    def cryptogram_diversifier(self) -> bytes:
        """Return the 8 bytes R a cryptogram's session key is diversified with.

        :raises EncodingError: where SKD lacks the unpredictable number.
        Book 2, A1.3.1; M/Chip (unverified)
        """
        if self.version.session is not Session.SKD:
            return self.atc + bytes(6)
        if not self.unpredictable:
            raise EncodingError(f"cryptogram version {self.version.name}: no unpredictable number 9F37")
        return self.atc + bytes(2) + self.unpredictable

    def script_diversifier(self) -> bytes:
        """Return the 8 bytes R a script's session keys are diversified with: the cryptogram, counted up where it is so.

        :raises EncodingError: where there is no cryptogram.
        Book 2, A1.3.1; counting unverified
        """
        if not self.cryptogram:
            raise EncodingError("session key of a script: no cryptogram 9F26 of the transaction")
        number = int.from_bytes(self.cryptogram, "big") + (self.command if self.scripting.counted else 0)
        return (number % (1 << 8 * CRYPTOGRAM_BYTES)).to_bytes(CRYPTOGRAM_BYTES, "big")

    def script_message(self, header: bytes, data: bytes) -> bytes:
        """Return what the MAC of a script command covers.

        :param header: CLA INS P1 P2 Lc, the length with the MAC.  :param data: as sent, without the MAC.
        Book 2, 9.2.3.1
        """
        covered = self.atc + self.cryptogram if self.scripting.covers_transaction else b""
        return header + covered + data


def session_from_clear(session: Session, master: Key, atc: bytes, usage: Usage) -> Key:
    """Return a session key that is made of the master key's bytes; the caller wipes it.

    :raises KeyStoreError: on an AES key, for which only EMV's common method is known.
    """
    if master.algorithm.startswith("AES-"):
        raise KeyStoreError(f"key {master.name}: {master.algorithm}, session keys by {session} need 3DES")
    if session is Session.VIS:
        return emvkeys.vis_session(master, atc, usage)
    if session is Session.TREE:
        return emvkeys.tree_session(master, atc, usage)
    with master.reveal() as clear:
        return Key(clear, master.name, master.algorithm, usage)


def emv_mac(key: Key, message: bytes, padding: Padding) -> bytes:
    """Return the 8-byte MAC of a message: ISO/IEC 9797-1 algorithm 3, for AES the first half of a CMAC.

    :param padding: without meaning for AES.  Book 2, A1.2.1, A1.2.2
    """
    with key.reveal() as clear:
        if key.algorithm.startswith("AES-"):
            return cmac(clear, message)[:CRYPTOGRAM_BYTES]
        return RetailMac(clear).mac_padded(padded(message, padding))


def padded(message: bytes, padding: Padding) -> bytes:
    """Return a message filled up to blocks of 8 bytes (ISO/IEC 9797-1, 6.3); method 1 makes one block of nothing.

    >>> padded(b"1", Padding.ZEROS).hex(), padded(b"", Padding.METHOD_2).hex()
    ('3100000000000000', '8000000000000000')
    """
    if padding is Padding.METHOD_2:
        return pad80(message, emvkeys.DES_BLOCK)
    return message + bytes(-len(message) % emvkeys.DES_BLOCK or (0 if message else emvkeys.DES_BLOCK))


def arpc_1(key: Key, cryptogram: bytes, response_code: bytes) -> bytes:
    """Return an ARPC of method 1, 8 bytes: the cryptogram and the response code, mixed and enciphered.

    :param cryptogram: 8 bytes.  :param response_code: tag 8A or what the scheme has for it, 2 bytes.
    :raises EncodingError: on other lengths.
    Book 2, 8.2.1; with AES unverified
    """
    if len(cryptogram) != CRYPTOGRAM_BYTES or len(response_code) != ARC_BYTES:
        raise EncodingError(
            f"ARPC: cryptogram of {len(cryptogram)}, response code of {len(response_code)} bytes, expected 8 and 2"
        )
    static = ClearKey(key)
    mixed = mix(bytearray(cryptogram), response_code)
    return static.ecb(mixed.ljust(block_bytes(static), b"\0"))[:CRYPTOGRAM_BYTES]


def arpc_2(key: Key, cryptogram: bytes, response: bytes) -> bytes:
    """Return an ARPC of method 2, 4 bytes: a MAC over cryptogram, card status update and proprietary data.

    :param response: card status update (4 bytes), then 0 to 8 bytes.  :raises EncodingError: on other lengths.
    Book 2, 8.2.2
    """
    least, most = CSU_BYTES, CSU_BYTES + PROPRIETARY_BYTES
    if len(cryptogram) != CRYPTOGRAM_BYTES or not least <= len(response) <= most:
        got = f"cryptogram of {len(cryptogram)}, response of {len(response)} bytes"
        raise EncodingError(f"ARPC: {got}, expected 8 and {least} to {most}")
    return emv_mac(key, cryptogram + response, Padding.METHOD_2)[:ARPC_2_BYTES]


def hide(key: Key, data: bytes | bytearray, hiding: Hiding) -> bytes:
    """Return a script's secret data, enciphered.

    :param data: 1 to 255 bytes.  :raises EncodingError: on none, or more.
    Book 2, 9.3
    """
    if not 1 <= len(data) <= 0xFF:
        raise EncodingError(f"secret data of a script: {len(data)} bytes, expected 1 to 255")
    static = ClearKey(key)
    block = block_bytes(static)
    if hiding is Hiding.LENGTH_ECB:
        return static.ecb(pad80(bytes((len(data),)) + data, block))
    if hiding is Hiding.CBC or len(data) % block:
        return static.cbc(pad80(bytes(data), block))
    return static.cbc(data)


def vis_pin_block(master: Key, pin: bytes | bytearray, current: bytes | bytearray | None) -> bytearray:
    """Return the PIN block of VSDC scripts, clear; the caller wipes it.

    :param master: the card's key for cryptograms.  :param pin: 4 to 12 digits, ASCII.
    :param current: the PIN that is changed, where the command proves it.
    VIS, unverified; vectors of pyemv
    """
    with master.reveal() as clear:
        mask = bytes(4) + clear[4:8]
    block = bytearray((len(pin),)) + packed(pin, 14, 0xF)
    mix(block, mask)
    if current is not None:
        mix(block, packed(current, 16, 0))
    return block
