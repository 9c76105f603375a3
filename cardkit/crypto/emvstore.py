"""What payment cards ask of a key store: cryptograms, scripts, certificates, PINs, verification values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.key import Key
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret

PinSource = Secret | EncipheredPin
"""A PIN: ASCII digits, or a block under a key of the store."""


@dataclass(frozen=True, slots=True)
class NewPin:
    """A PIN that a script writes.

    :param current: the PIN it takes the place of, where the command proves that it is known.
    """

    pin: PinSource
    current: PinSource | None = None


class EmvKeyStore(Protocol):
    """Every operation raises KeyStoreError: no such key, or another purpose.

    A :class:`CardKey` here is a card's master key: its scheme is ``emv-a``, ``emv-b`` or ``emv-c``.
    """

    def emv_cryptogram(self, key: CardKey, transaction: Transaction, data: bytes) -> bytes:
        """Return an application cryptogram, 8 bytes, over data of :func:`~cardkit.crypto.emvcvn.cryptogram_data`."""
        ...

    def emv_arpc(self, key: CardKey, transaction: Transaction, response: bytes) -> bytes:
        """Return issuer authentication data (tag 91): ARPC and response.

        :param response: response code (2 bytes), or card status update and proprietary data (4 to 12), by the version.
        """
        ...

    def emv_script_mac(self, key: CardKey, transaction: Transaction, message: bytes) -> bytes:
        """Return the MAC of a script command, 8 bytes; cards take its first 4 to 8.

        :param message: of :meth:`~cardkit.crypto.emvac.Transaction.script_message`.
        """
        ...

    def emv_script_data(self, key: CardKey, transaction: Transaction, data: bytes) -> bytes:
        """Return a script's secret data, enciphered."""
        ...

    def emv_script_pin(self, keys: tuple[CardKey, CardKey], transaction: Transaction, change: NewPin) -> bytes:
        """Return a new PIN as a script carries it, enciphered.

        :param keys: for confidentiality, and for cryptograms, of which VSDC mixes a part into the PIN.
        """
        ...

    def emv_public(self, reference: str) -> RsaPublicKey:
        """Return the public half of a key that signs certificates."""
        ...

    def emv_sign(self, reference: str, content: bytes, extra: bytes) -> bytes:
        """Return the block ``6A content SHA-1(content extra) BC``, signed.

        :param content: begins with the format, 22 bytes shorter than the modulus.
        """
        ...

    def cvv(self, reference: str, pan: str, expiry: str, service_code: str) -> str:
        """Return a card verification value, 3 digits: see :func:`cardkit.crypto.cvv.cvv`."""
        ...

    def cvc3(self, key: CardKey, track: bytes, unpredictable: bytes, atc: bytes) -> str:
        """Return a dynamic verification code, 5 digits: see :func:`cardkit.crypto.cvv.cvc3`."""
        ...

    def pvv(self, reference: str, pan: str, pvki: str, pin: PinSource) -> str:
        """Return a PIN verification value, 4 digits: see :func:`cardkit.crypto.pinvalue.pvv`."""
        ...

    def ibm3624_offset(self, reference: str, pan: str, terms: Ibm3624, pin: PinSource) -> str:
        """Return the offset of a PIN, as many digits."""
        ...

    def pin_for_card(self, pin: PinSource, dek: CardKey | Key) -> bytes:
        """Return a PIN block of format 2 under a card's DEK; for AES it is filled up to 16 bytes (80 00 ..)."""
        ...

    def translate_pin(self, pin: PinSource, reference: str, form: PinFormat, pan: str) -> bytes:
        """Return a PIN in a block under another key of usage ``pin-enc``: 8 bytes, 16 for format 4."""
        ...
