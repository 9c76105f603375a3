"""Mag-stripe mode of contactless cards: the card makes a code for one transaction, the track goes to the issuer.

EMV Contactless Book C-2; tags and the command as published, the rest unverified.
"""

from __future__ import annotations

from cardkit.apps.emv.terminal.transaction import Transaction
from cardkit.encoding.digits import encode_bcd
from cardkit.errors import EncodingError, ProtocolError

_TRACK_2, _TRACK_1, _UDOL = b"\x9f\x6b", b"\x56", b"\x9f\x69"
_CVC3, _ATC, _UNPREDICTABLE = b"\x9f\x61", b"\x9f\x36", b"\x9f\x6a"
_PUNATC, _NATC = b"\x9f\x66", b"\x9f\x67"
_DEFAULT_UDOL = bytes.fromhex("9F6A04")
_DIGITS, _RANDOM_BYTES = 8, 4
_SEPARATOR = "D"
_KERNELS = (0, 2)  # in others 9F6B is no track; 0 where nobody says whose card it is
CONTEXT = "C-2"


def is_mag_stripe(transaction: Transaction) -> bool:
    """Whether the card has tracks and does not know EMV mode."""
    if transaction.kernel not in _KERNELS or transaction.supports("EMV mode is supported (contactless)"):
        return False
    return _SEPARATOR in transaction.card_data.get(_TRACK_2, b"").hex().upper()


def compute_codes(transaction: Transaction) -> None:
    """Ask the card for its dynamic codes, and keep them for the issuer.

    :raises CardError: when it gives none.
    """
    transaction.context = CONTEXT
    transaction.data[_UNPREDICTABLE] = _unpredictable(transaction)
    udol = transaction.card_data.get(_UDOL, _DEFAULT_UDOL)
    try:
        data = transaction.listed(udol)
    except EncodingError as error:
        raise ProtocolError(f"UDOL (9F69): {error}") from None
    transaction.say("mag-stripe mode: COMPUTE CRYPTOGRAPHIC CHECKSUM", clause="Book C-2")
    transaction.tell_list(udol, data)
    answer = transaction.card.compute_cryptographic_checksum(data)
    code, atc = (answer.require(tag, "COMPUTE CRYPTOGRAPHIC CHECKSUM") for tag in (_CVC3, _ATC))
    transaction.card_data.update(answer.values)
    tracks = "tracks 1 and 2" if _TRACK_1 in transaction.card_data else "track 2"
    transaction.say(
        f"CVC3 (track 2) {int.from_bytes(code, 'big'):05d} for {tracks}, ATC {int.from_bytes(atc, 'big')}",
        clause="Book C-2",
    )


def _unpredictable(transaction: Transaction) -> bytes:
    """Return a number of as many digits as the track has room for: bits of 9F66 less those of the counter (9F67)."""
    places = transaction.card_data.get(_PUNATC)
    counter = int.from_bytes(transaction.card_data.get(_NATC, b""), "big")
    digits = _DIGITS if places is None else max(0, min(_DIGITS, int.from_bytes(places, "big").bit_count() - counter))
    drawn = int.from_bytes(transaction.around.random(_RANDOM_BYTES), "big") % 10**digits
    return encode_bcd(f"{drawn:0{_DIGITS}d}")
