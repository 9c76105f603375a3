"""References and where everything lies in memory.

file/PATH     kind, SFI, eight access bytes, then the name of a directory        body/PATH     contents of a file
pin  puk      tries left, tries in all, up to 16 bytes                           key/REF       PKCS #8
"""

from typing import Final

AID: Final = bytes.fromhex("F276A288BCFBA69D34F31001")
MF: Final = "3F00"
PIN, PUK = 0x01, 0x02
PIN_CELLS: Final = {PIN: "pin", PUK: "puk"}
KEYS: Final = range(0x10)
FILES, BODIES = "file/", "body/"


def key_cell(reference: int) -> str:
    """Where a key lies."""
    return f"key/{reference:02X}"
