"""Numbers and what goes with them: phone numbers, extensions, mailboxes (TS 31.102 4.2.24 to 4.2.64).

Clauses of TS 24.008, 24.011 and 23.040, and TS 31.102 4.2.73 to 4.2.77 and 4.4.2, are from memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.uicc.codecs.base import Codec, Entries, Fixed, Layout, Single, Value, padded
from cardkit.apps.uicc.codecs.fields import Alpha, Bits, Coded, Digits, Field, Flags, Hex, Number, as_text, within
from cardkit.encoding.digits import decode_dialling, encode_dialling
from cardkit.errors import EncodingError

# TS 24.008 10.5.4.7, octet 3
_TON = ("unknown", "international", "national", "network specific", "dedicated access", "ton 5", "ton 6", "extension")
_NPI = {0: "unknown", 1: "ISDN", 3: "data", 4: "telex", 8: "national", 9: "private", 15: "extension"}
_INTERNATIONAL, _UNKNOWN = 0x91, 0x81
_FF = b"\xff"


def read_type(byte: int, digits: str) -> Value:
    """Return a number with its type: "+49301" is international ISDN, "911" unknown ISDN, others name both.

    :raises EncodingError: if bit 8 is 0.
    """
    if not byte & 0x80:
        raise EncodingError(f"type of number: got {byte:02X}, expected bit 8 set")
    if byte == _INTERNATIONAL:
        return {"number": "+" + digits}
    if byte == _UNKNOWN:
        return {"number": digits}
    npi = byte & 0x0F
    return {"number": digits, "ton": _TON[byte >> 4 & 7], "npi": _NPI.get(npi, f"npi {npi}")}


def write_type(value: Mapping[str, Any]) -> tuple[int, str]:
    """Return the byte of TON and NPI and the digits of a number."""
    number = value.get("number")
    if not isinstance(number, str):
        raise EncodingError(f"number: got {type(number).__name__}, expected digits as text")
    if number.startswith("+"):
        return _INTERNATIONAL, number[1:]
    if "ton" not in value and "npi" not in value:
        return _UNKNOWN, number
    ton, npi = as_text(value.get("ton", "unknown")), as_text(value.get("npi", "ISDN"))
    plans = {name: code for code, name in _NPI.items()} | {
        f"npi {code}": code for code in range(16) if code not in _NPI
    }
    if ton not in _TON or npi not in plans:
        raise EncodingError(f"ton, npi: got {ton!r} and {npi!r}, expected one of {', '.join(_TON)}; {', '.join(plans)}")
    return 0x80 | _TON.index(ton) << 4 | plans[npi], number


class Address(Field):
    """A number in a field of fixed size: length, TON and NPI, digits. TS 24.011 8.2.5.1; TS 23.040 9.1.2.5

    Reads as "" if the field is FF, as text ("+4915790109999", "5555") for the usual types, else as a table.

    :param size: bytes.  :param counts_digits: the length is that of the digits (TP-DA), not of the bytes behind it.
    """

    def __init__(self, size: int, *, counts_digits: bool = False) -> None:
        super().__init__(size)
        self._counts_digits = counts_digits

    def read(self, data: bytes) -> Any:
        """Return the number."""
        if not data.strip(_FF):
            return ""
        used = (data[0] + 1) // 2 if self._counts_digits else data[0] - 1
        digits = decode_dialling(data[2 : 2 + used]).removesuffix("F")
        value = read_type(data[1], digits)
        return value["number"] if len(value) == 1 else value

    def write(self, value: Any) -> bytes:
        """Accept a number as it reads."""
        if value == "":
            return _FF * self.size
        ton_npi, digits = write_type(value if isinstance(value, Mapping) else {"number": value})
        coded = encode_dialling(digits)
        if len(coded) > self.size - 2:
            raise EncodingError(f"got {len(digits)} digits, expected {2 * (self.size - 2)} or fewer")
        length = len(digits) if self._counts_digits else len(coded) + 1
        return (bytes((length, ton_npi)) + coded).ljust(self.size, _FF)


class DiallingNumber(Codec):
    """Name, number, capability and extension record: the ADN family. TS 31.102 4.4.2.3, 4.2.24, 4.2.26

    >>> DiallingNumber().decode(bytes.fromhex("415006810628560810ffffffffffffff"))
    {'alpha': 'AP', 'number': '6082658001'}

    ``ccp`` and ``ext`` are record numbers, left out when unused; ``length`` stands for a length byte that does not fit
    the number.

    :param tail: fields after the number's ten bytes, one byte each.
    """

    names = ("alpha", "number", "ton", "npi", "length", "ccp", "ext", "comparison")
    _DIGIT_BYTES = 10

    def __init__(self, tail: tuple[str, ...] = ("ccp", "ext")) -> None:
        self._tail = tail
        self._fixed = 2 + self._DIGIT_BYTES + len(tail)

    def _read(self, body: bytes) -> Value:
        alpha = len(body) - self._fixed
        if alpha < 0:
            raise EncodingError(f"got {len(body)} bytes, expected {self._fixed} or more")
        length, ton_npi = body[alpha], body[alpha + 1]
        digits = decode_dialling(body[alpha + 2 : alpha + 2 + self._DIGIT_BYTES]).rstrip("F")
        value: Value = {"alpha": Alpha(alpha).decode(body[:alpha]), "number": ""}
        if digits or ton_npi != 0xFF:
            value |= read_type(ton_npi, digits)
        if length != self._length(digits, value):
            value["length"] = length
        tail = zip(self._tail, body[-len(self._tail) :], strict=True)
        return value | {name: number for name, number in tail if number != 0xFF}

    def _length(self, digits: str, value: Mapping[str, Any]) -> int:
        return (len(digits) + 1) // 2 + 1 if value["number"] else 0xFF

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        if size < self._fixed:
            raise EncodingError(f"got a record of {size} bytes, expected {self._fixed} or more")
        ton_npi, digits = write_type(value)
        coded = encode_dialling(digits)
        if len(coded) > self._DIGIT_BYTES:
            raise EncodingError(f"number: got {len(digits)} digits, expected 20 or fewer")
        if not value["number"] and "ton" not in value:
            ton_npi = 0xFF
        head = Number(1).encode(value.get("length", self._length(digits, value))) + bytes((ton_npi,))
        tail = b"".join(self._byte(name, value) for name in self._tail)
        alpha = self._alpha(value.get("alpha", ""), size - self._fixed)
        return padded(alpha + head + coded.ljust(self._DIGIT_BYTES, _FF) + tail, value, size)

    def _alpha(self, text: Any, size: int) -> bytes:
        with within("alpha"):
            return Alpha(size).encode(text)

    def _byte(self, name: str, value: Mapping[str, Any]) -> bytes:
        with within(name):
            return Number(1).encode(value.get(name, 0xFF))


NUMBER = DiallingNumber()
# TS 31.102 4.2.44, from memory: comparison method at the end
BARRED_NUMBER = DiallingNumber(("ccp", "ext", "comparison"))

# TS 31.102 4.4.2.4; TS 51.011 10.5.10
EXTENSION = Layout(
    "type" / Coded({0: "free", 1: "called party subaddress", 2: "additional data"}),
    "data" / Hex(11),
    "next" / Number(1),
    defaults={"data": "FF" * 11, "next": 0xFF},
)

_MAILBOXES = ("voicemail", "fax", "email", "other", "videomail")


class Mailboxes(Codec):
    """One byte each for voicemail, fax, e-mail, other and (since release 6) video. TS 31.102 4.2.62, 4.2.63

    :param flags: whether a byte of flags stands before the numbers (EF.MWIS).
    """

    blank_has_meaning = False

    def __init__(self, *, flags: bool = False) -> None:
        self._flags = Flags(*_MAILBOXES) if flags else None
        self.names = (("waiting",) if flags else ()) + _MAILBOXES

    def _read(self, body: bytes) -> Value:
        value: Value = {}
        if self._flags:
            value["waiting"] = self._flags.decode(body[:1])
            body = body[1:]
        if not 4 <= len(body) <= 5:
            raise EncodingError(f"got {len(body)} mailbox bytes, expected 4 or 5")
        return value | dict(zip(_MAILBOXES, body, strict=False))

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        body = b""
        if self._flags:
            body = self._flags.encode(value.get("waiting", []))
        for name in _MAILBOXES[: size - len(body)]:
            with within(name):
                body += Number(1).encode(value.get(name, 0))
        return padded(body, value, size)


MBI = Mailboxes()
MWIS = Mailboxes(flags=True)

# TS 31.102 4.2.64; msp 1-4
CFIS = Layout(
    "msp" / Number(1),
    "forwarding" / Flags("voice", "fax", "data"),
    "number" / Address(12),
    "ccp" / Number(1),
    "ext" / Number(1),
    defaults={"number": "", "ccp": 0xFF, "ext": 0xFF},
)


class EmergencyCode(Codec):
    """Emergency number, its name and the services it reaches. TS 31.102 4.2.21

    >>> EmergencyCode().decode(bytes.fromhex("19f1ff01"))
    {'number': '911', 'services': ['police']}
    """

    names = ("number", "alpha", "services")
    _SERVICES = Flags("police", "ambulance", "fire", "marine", "mountain", "manual_ecall", "automatic_ecall")

    def _read(self, body: bytes) -> Value:
        if len(body) < 4:
            raise EncodingError(f"got {len(body)} bytes, expected 4 or more")
        value: Value = {"number": decode_dialling(body[:3]).rstrip("F")}
        if body[3:-1].strip(_FF):
            value["alpha"] = Alpha(len(body) - 4).decode(body[3:-1])
        return {**value, "services": self._SERVICES.decode(body[-1:])}

    def _write(self, value: Mapping[str, Any], size: int) -> bytes:
        number = value.get("number")
        if not isinstance(number, str) or len(number) > 6:
            raise EncodingError("number: got something else, expected up to 6 digits as text")
        if size < 4:
            raise EncodingError(f"got a record of {size} bytes, expected 4 or more")
        with within("alpha"):
            alpha = Alpha(size - 4).encode(value.get("alpha", ""))
        with within("services"):
            services = self._SERVICES.encode(value.get("services", []))
        return encode_dialling(number, 3) + alpha + services


ECC = EmergencyCode()

# TS 31.102 4.2.39: levels and fast set-up, b1 = A ... b7 = 4
_LEVELS = ("A", "B", "0", "1", "2", "3", "4")
EMLPP = Layout("levels" / Flags(*_LEVELS), "fast_setup" / Flags(*_LEVELS))

# TS 31.102 4.2.73 to .76: group identities of up to 8 digits; 50 flags, then 6 bits of 1
GROUP_IDS = Entries(Digits(4), b"\xff" * 4)
GROUP_FLAGS = Single("active", Bits(7, first=1), blank_has_meaning=True)
# TS 31.102 4.2.77: ciphering algorithms of two keys of each group
GROUP_CIPHERS = Entries(Fixed(Layout("first" / Number(1), "second" / Number(1))), b"\xff\xff")
