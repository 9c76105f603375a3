"""Track data of chip and stripe, with the values that are computed over them (ISO/IEC 7813; payment sheet 11, 16)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.schema import TrackBlock
from cardkit.crypto.emvstore import EmvKeyStore, PinSource
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.encoding.digits import encode_bcd
from cardkit.errors import EncodingError

CHIP_SERVICE_CODE, PRINTED_SERVICE_CODE = "999", "000"
TRACK_1_MOST, TRACK_2_MOST, _TRACK_2_BYTES = 79, 40, 19


@dataclass(frozen=True, slots=True)
class Tracks:
    """What stands on chip, stripe and plastic besides the holder's own data; never shown in a message.

    :param chip, stripe: discretionary data, digits.  :param cvv2: 3 digits, empty for none.
    """

    chip: str = field(repr=False)
    stripe: str = field(repr=False)
    cvv2: str = field(repr=False)


def tracks_of(block: TrackBlock, holder: Holder, keystore: EmvKeyStore) -> Tracks:
    """Compute them.

    :raises EncodingError: where the layout names what cannot be had.  :raises KeyStoreError: when a key is missing.
    """
    parts = {"pvki": str(block.pvki)}
    if block.pvk:
        if holder.pin is None:
            raise EncodingError("emv.tracks.pvk: a PVV or an offset needs a PIN")
        parts |= _pin_value(block, holder.pan, holder.pin, keystore)
    chip, stripe, printed = ("", "", "")
    if block.cvk:
        chip, stripe = (
            keystore.cvv(block.cvk, holder.pan, holder.yymm, code) for code in (CHIP_SERVICE_CODE, holder.service_code)
        )
        day = holder.yymm if block.cvv2_date == "YYMM" else holder.yymm[2:] + holder.yymm[:2]
        printed = keystore.cvv(block.cvk, holder.pan, day, PRINTED_SERVICE_CODE)
    return Tracks(_joined(block, {**parts, "cvv": chip}), _joined(block, {**parts, "cvv": stripe}), printed)


def offset_terms(block: TrackBlock) -> Ibm3624 | None:
    """Return how PIN offsets are computed; None where the issuer has PVVs."""
    rules = block.ibm3624
    return Ibm3624(rules.table, rules.start, rules.length, rules.pad) if rules is not None else None


def _pin_value(block: TrackBlock, pan: str, pin: PinSource, keystore: EmvKeyStore) -> dict[str, str]:
    terms = offset_terms(block)
    if terms is None:
        return {"pvv": keystore.pvv(block.pvk, pan, str(block.pvki), pin)}
    return {"offset": keystore.ibm3624_offset(block.pvk, pan, terms, pin)}


def _joined(block: TrackBlock, parts: dict[str, str]) -> str:
    found = "".join(parts.get(part) or part for part in block.layout)
    if not (found.isascii() and (found.isdecimal() or not found)):
        raise EncodingError(
            f"emv.tracks.layout: expected digits, {', '.join(parts)}, with the keys that compute them; "
            f"got {', '.join(block.layout)}"
        )
    return found


def track_objects(tracks: Tracks, holder: Holder) -> dict[bytes, bytes]:
    """Return the chip's track data by tag: 57, 9F1F, and 56 for mag-stripe mode.

    :raises EncodingError: when they are too long.
    """
    tail = f"{holder.yymm}{holder.service_code}{tracks.chip}"
    second = encode_bcd(f"{holder.pan}D{tail}")
    if len(second) > _TRACK_2_BYTES:
        raise EncodingError(f"track 2 equivalent data: {len(second)} bytes, expected {_TRACK_2_BYTES} or fewer")
    first = f"B{holder.pan}^{holder.name}^{tail}"
    return {b"\x56": first.encode(), b"\x57": second, b"\x9f\x1f": tracks.chip.encode()}


def stripe_lines(tracks: Tracks, holder: Holder) -> tuple[str, str]:
    """Return tracks 1 and 2 of the stripe with their sentinels, without LRC: the encoder makes it.

    :raises EncodingError: when one is longer than a stripe takes (ISO/IEC 7813, unverified).
    """
    tail = f"{holder.yymm}{holder.service_code}{tracks.stripe}?"
    lines = (f"%B{holder.pan}^{holder.name}^{tail}", f";{holder.pan}={tail}")
    for number, (line, most) in enumerate(zip(lines, (TRACK_1_MOST - 1, TRACK_2_MOST - 1), strict=True), 1):
        if len(line) > most:
            raise EncodingError(f"track {number}: {len(line)} characters, expected {most} or fewer without LRC")
    return lines
