"""The contents of test documents: specimen data of the state UTO, and every key written for all to see."""

import json
from pathlib import Path

from .reader import BSI, Curve, Modular
from .tlv import tlv

DOMAINS = json.loads((Path(__file__).parent / "domains.json").read_text())
MRZ_INFORMATION = b"L898902C<369080619406236"
CAN, PIN, PUK = b"123456", b"0123456789"[:6], b"9876543210"
DG1 = tlv(
    "61", tlv("5F1F", b"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C<3UTO6908061F9406236ZE184226B<<<<<14")
)
DG2 = tlv("75", bytes(range(256)) * 8)
DG3, DG4 = tlv("63", b"fingers" * 9), tlv("76", b"iris" * 9)
SOD = tlv("77", b"signed" * 40)
COM = tlv("60", tlv("5F01", b"0107"), tlv("5F36", b"040000"), tlv("5C", bytes.fromhex("617563766E6F")))
CHIP_KEY = 0x1234567890ABCDEF1234567890ABCDEF1234567890ABCDEF12345678
MAPPING_KEY = 0x0FEDCBA0987654321FEDCBA0987654321FEDCBA0987654321FEDCBA1


def domain(number):
    """The group of a number of standardized domain parameters."""
    if str(number) in DOMAINS["groups"]:
        return Modular(*(int(DOMAINS["groups"][str(number)][name], 16) for name in ("p", "g", "q")))
    p, a, b, x, y, n = (int(DOMAINS["curves"][str(number)][name], 16) for name in ("p", "a", "b", "x", "y", "n"))
    return Curve(p, a, b, (x, y), n)


def info(arc, version, reference=None):
    parts = [tlv("06", bytes.fromhex(BSI + arc)), tlv("02", bytes((version,)))]
    if reference is not None:
        parts.append(tlv("02", bytes((reference,))))
    return tlv("30", *parts)


def private(number, secret, *more):
    """A key object on standardized domain parameters."""
    group = domain(number)
    size = (group.n.bit_length() + 7) // 8
    return tlv("80", bytes((number,))) + tlv("86", (secret % group.n).to_bytes(size, "big")) + b"".join(more)


def document(pace=((0x0202, 13),), chip=((0x0202, 13, None),), *, version=1, keys=None, files=None):
    """What goes on a chip.

    :param pace: pairs of arc and parameters.  :param chip: arc, parameters and keyId of chip authentication.
    """
    access = tlv("31", *(info(f"04{arc:04X}", 2, number) for arc, number in pace))
    infos = [info(f"03{arc:04X}", version, key_id) for arc, _, key_id in chip]
    dg14 = tlv("6E", tlv("31", *infos))
    objects = {
        "8001": tlv("81", MRZ_INFORMATION),
        "8002": tlv("81", CAN),
        "8003": tlv("81", PIN),
        "8004": tlv("81", PUK),
    }
    for place, (_, number, key_id) in enumerate(chip):
        reference = b"" if key_id is None else tlv("89", bytes((key_id,)))
        objects[f"81{0x10 + place:02X}"] = private(number, CHIP_KEY, reference)
    objects.update(keys or {})
    mf = {"011C": (access, "always"), "011D": (tlv("30", b"security" * 20), "pace")}
    df = {
        "011E": (COM, "session"),
        "0101": (DG1, "session"),
        "0102": (DG2, "session"),
        "0103": (DG3, "fingers"),
        "0104": (DG4, "iris"),
        "010E": (dg14, "session"),
        "011D": (SOD, "session"),
        "011C": (tlv("42", b"UTCVCA00001").ljust(36, b"\x00"), "session"),
        **(files or {}),
    }
    return {"mf": mf, "df": df, "keys": objects}
