"""Which purpose of a key goes with which TR-31 usage, algorithm and mode; what is not in the table is refused (K7)."""

from __future__ import annotations

import re

from cardkit.crypto.key import ALGORITHMS, Usage
from cardkit.crypto.keyblock import Header
from cardkit.errors import KeyStoreError

# TR-31 usage (pattern), our usage, modes of use that allow all it does; the first mode is the one we write.
_PURPOSES: tuple[tuple[str, Usage, str], ...] = (
    ("E[356]|B3", Usage.MASTER_DERIVE, "XN"),
    ("E0", Usage.IMK_AC, "XN"),
    ("E1", Usage.IMK_SMC, "XN"),
    ("E2", Usage.IMK_SMI, "XN"),
    ("E4", Usage.IMK_IDN, "XN"),
    ("C0", Usage.CVK, "CGN"),
    ("V[12]", Usage.PVK, "CGN"),
    ("K0", Usage.KEK, "BN"),
    ("K0", Usage.TRANSPORT_IN, "D"),
    ("K0", Usage.TRANSPORT_OUT, "E"),
    ("K1", Usage.BLOCK_PROTECTION, "BN"),
    ("D0", Usage.DATA_ENC, "BN"),
    ("M[0-8]", Usage.DATA_MAC, "CN"),
    ("P0", Usage.PIN_ENC, "BN"),
    ("S0", Usage.SIGN, "SN"),
    ("S[12]", Usage.EMV_SIGN, "SN"),
)
# The usage we write: E6 is "other" among the EMV master keys, M6 is CMAC.
_WRITTEN = {
    Usage.MASTER_DERIVE: "E6",
    Usage.KEK: "K0",
    Usage.TRANSPORT_IN: "K0",
    Usage.TRANSPORT_OUT: "K0",
    Usage.BLOCK_PROTECTION: "K1",
    Usage.DATA_ENC: "D0",
    Usage.DATA_MAC: "M6",
    Usage.PIN_ENC: "P0",
    Usage.IMK_AC: "E0",
    Usage.IMK_SMC: "E1",
    Usage.IMK_SMI: "E2",
    Usage.IMK_IDN: "E4",
    Usage.CVK: "C0",
    Usage.PVK: "V2",
}
_FAMILIES = {"A": "AES", "T": "3DES", "H": "HMAC"}


def usage_of(header: Header) -> Usage:
    """Return the one purpose a block's usage and mode give its key.

    :raises KeyStoreError: on a usage that is not known, or a mode that allows less than the purpose does.
    """
    known = [entry for entry in _PURPOSES if re.fullmatch(entry[0], header.usage)]
    if not known:
        raise KeyStoreError(f"key block: usage {header.usage} is not one cardkit has a purpose for")
    for _, usage, modes in known:
        if header.mode in modes:
            return usage
    modes = "".join(entry[2] for entry in known)
    raise KeyStoreError(f"key block: usage {header.usage} with mode {header.mode}, expected one of {', '.join(modes)}")


def algorithm_of(header: Header, size: int) -> str:
    """Return our name for a block's symmetric algorithm; KeyStoreError where there is none.

    :param size: of the key, in bytes.
    """
    name = f"{_FAMILIES.get(header.algorithm)}-{8 * size}"
    if name not in ALGORITHMS:
        raise KeyStoreError(f"key block: algorithm {header.algorithm} of {8 * size} bits is not imported")
    return name


def header_for(usage: Usage, algorithm: str, protection: str) -> Header:
    """Return the header of a block for a key of this store: version by the protection key, exportable under it.

    :param algorithm: of the key.  :param protection: algorithm of the block protection key.
    :raises KeyStoreError: where TR-31 has no usage or algorithm for the key.
    """
    family = next((letter for letter, name in _FAMILIES.items() if algorithm.startswith(f"{name}-")), None)
    if usage not in _WRITTEN or family is None:
        raise KeyStoreError(f"key block: a key {algorithm} for {usage} has no TR-31 usage")
    mode = next(modes[0] for _, known, modes in _PURPOSES if known is usage)
    version = "D" if protection.startswith("AES-") else "B"
    return Header(version, _WRITTEN[usage], family, mode, exportability="E")
