"""Network names of NITZ and EF.PNN (3GPP TS 24.008 10.5.3.5a)."""

from __future__ import annotations

import msgspec

from cardkit.encoding.text.gsm7 import decode_gsm7, encode_gsm7, pack, unpack
from cardkit.errors import EncodingError

_PACKED, _UCS2 = 0, 1


class NetworkName(msgspec.Struct, frozen=True):
    """A network name as read.

    :param text: the characters; U+FFFD where the bytes say nothing.
    :param ucs2: whether the text is UCS2 rather than packed GSM 7-bit.
    :param country_initials: whether the terminal adds the country's initials.
    :param raw: the whole value, from the byte with the coding scheme on.
    """

    text: str
    ucs2: bool
    country_initials: bool
    raw: bytes

    @property
    def exact(self) -> bool:
        """Whether text, scheme and initials rebuild the value; otherwise keep `raw`."""
        try:
            return encode_network_name(self.text, ucs2=self.ucs2, country_initials=self.country_initials) == self.raw
        except EncodingError:
            return False

    def build(self) -> bytes:
        """Return the value as it was read."""
        return self.raw


def decode_network_name(value: bytes) -> NetworkName:
    """Read the value of a name object, tag and length taken off.

    :raises EncodingError: if it is empty or its coding scheme is reserved.

    >>> decode_network_name(bytes.fromhex("82F7B0BDDC7E8BD3EC32")).text
    'wavemobile'
    """
    if not value:
        raise EncodingError("network name: empty, expected a coding byte and text")
    scheme, spare, body = value[0] >> 4 & 7, value[0] & 7, value[1:]
    if scheme == _PACKED:
        text = decode_gsm7(unpack(body, max(0, len(body) * 8 - spare) // 7))
    elif scheme == _UCS2:
        text = body.decode("utf-16-be", "replace")
    else:
        raise EncodingError(f"network name: coding scheme is {scheme}, expected 0 (GSM 7-bit) or 1 (UCS2)")
    return NetworkName(text, scheme == _UCS2, bool(value[0] & 8), value)


def encode_network_name(text: str, *, ucs2: bool | None = None, country_initials: bool = False) -> bytes:
    """Write the value of a name object.

    :param ucs2: by default only if the GSM alphabet lacks a character.
    :raises EncodingError: on a character the scheme does not have.

    >>> encode_network_name("wavemobile").hex()
    '82f7b0bddc7e8bd3ec32'
    """
    if ucs2 is None:
        try:
            return encode_network_name(text, ucs2=False, country_initials=country_initials)
        except EncodingError:
            ucs2 = True
    flags = 0x88 if country_initials else 0x80
    if ucs2:
        return bytes((flags | _UCS2 << 4,)) + _utf16(text)
    septets = encode_gsm7(text)
    packed = pack(septets)
    return bytes((flags | len(packed) * 8 - len(septets) * 7,)) + packed


def _utf16(text: str) -> bytes:
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError:
        raise EncodingError("network name: a lone surrogate is no character") from None
