"""Card verification values: of stripe, chip and back, and those cards make themselves (of schemes, unverified)."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from cardkit.crypto.kcv import block_cipher
from cardkit.crypto.key import Key
from cardkit.crypto.mac import RetailMac, pad80
from cardkit.crypto.nibbles import is_digits, mix
from cardkit.crypto.pinvalue import decimalized
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import EncodingError

CVV_DIGITS = 3
ICVV_SERVICE_CODE = "999"
CVV2_SERVICE_CODE = "000"
_BLOCK = 8
_DATA_DIGITS = 32
_CVC3_DIGITS = 5


def cvv(cvk: Key, pan: str, expiry: str, service_code: str) -> str:
    """Return a card verification value, 3 digits.

    :param cvk: two-key 3DES: CVK A and CVK B.  :param expiry: 4 digits, in the order the scheme has.
    :param service_code: that of the stripe; 999 gives the chip's (iCVV), 000 that on the back (CVV2).
    :raises EncodingError: on digits of another number.
    """
    digits = pan + expiry + service_code
    if not 12 <= len(pan) <= 19 or len(expiry) != 4 or len(service_code) != 3 or not is_digits(digits):
        got = f"PAN of {len(pan)}, expiry of {len(expiry)}, service code of {len(service_code)} characters"
        raise EncodingError(f"CVV: {got}, expected 12 to 19, 4 and 3 digits")
    data = bytes.fromhex(digits.ljust(_DATA_DIGITS, "0"))
    with cvk.reveal() as clear:
        single = Cipher(block_cipher("3DES", clear[:_BLOCK] * 3), modes.ECB())  # noqa: S305  one block
        first = single.encryptor().update(data[:_BLOCK])
    return decimalized(ClearKey(cvk).ecb(mix(bytearray(first), data[_BLOCK:])), CVV_DIGITS)


def cvc3(key: Key, track: bytes, unpredictable: bytes, atc: bytes) -> str:
    """Return a dynamic card verification code, 5 digits: the last ones go where the track has room for them.

    :param key: the card's own.  :param track: static track data, as tag 56 or 9F6B, with the fields filled up empty.
    :param unpredictable: 4 bytes, BCD.  :param atc: 2 bytes.  :raises EncodingError: on other lengths.
    """
    if len(unpredictable) != 4 or len(atc) != 2:
        raise EncodingError(f"CVC3: number of {len(unpredictable)}, ATC of {len(atc)} bytes, expected 4 and 2")
    with key.reveal() as clear:
        iv = RetailMac(clear).mac_padded(pad80(track, _BLOCK))[-2:]
    value = ClearKey(key).ecb(iv + unpredictable + atc)[-2:]
    return str(int.from_bytes(value, "big")).zfill(_CVC3_DIGITS)
