"""Status words this card answers (ISO/IEC 7816-4 table 6; ETSI TS 102 221 10.2.1; 3GPP TS 51.011 9.4 for class A0)."""

from typing import Final

OK: Final = b"\x90\x00"
END_REACHED: Final = b"\x62\x82"
DEACTIVATED: Final = b"\x62\x83"
TERMINATED: Final = b"\x62\x85"
MORE_TO_RETRIEVE: Final = b"\x62\xf1"
MORE_TO_SET: Final = b"\x63\xf1"
MEMORY_PROBLEM: Final = b"\x65\x81"
WRONG_LENGTH: Final = b"\x67\x00"
NO_CHANNEL: Final = b"\x68\x81"
NO_SECURE_MESSAGING: Final = b"\x68\x82"
NO_CHAINING: Final = b"\x68\x84"
WRONG_STRUCTURE: Final = b"\x69\x81"
SECURITY_STATUS: Final = b"\x69\x82"
BLOCKED: Final = b"\x69\x83"
DATA_INVALIDATED: Final = b"\x69\x84"
CONDITIONS: Final = b"\x69\x85"
NO_CURRENT_EF: Final = b"\x69\x86"
WRONG_SECURE_MESSAGING: Final = b"\x69\x88"
WRONG_DATA: Final = b"\x6a\x80"
NOT_SUPPORTED: Final = b"\x6a\x81"
FILE_NOT_FOUND: Final = b"\x6a\x82"
RECORD_NOT_FOUND: Final = b"\x6a\x83"
NO_MEMORY: Final = b"\x6a\x84"
WRONG_P1P2: Final = b"\x6a\x86"
DATA_NOT_FOUND: Final = b"\x6a\x88"
FILE_EXISTS: Final = b"\x6a\x89"
NAME_EXISTS: Final = b"\x6a\x8a"
WRONG_OFFSET: Final = b"\x6b\x00"
NO_INSTRUCTION: Final = b"\x6d\x00"
NO_CLASS: Final = b"\x6e\x00"
INTERNAL: Final = b"\x6f\x00"
MAXIMUM_REACHED: Final = b"\x98\x50"
WRONG_MAC: Final = b"\x98\x62"
NO_CONTEXT: Final = b"\x98\x64"


def tries_left(count: int) -> bytes:
    """63CX: `count` tries are left, 0 to 15."""
    return bytes((0x63, 0xC0 | min(count, 15)))


def more_data(count: int) -> bytes:
    """61XX: `count` bytes wait for GET RESPONSE, 00 standing for 256 or more."""
    return bytes((0x61, count if count < 256 else 0))


def right_length(count: int) -> bytes:
    """6CXX: repeat with Le = `count`, 00 standing for 256 or more."""
    return bytes((0x6C, count if count < 256 else 0))
