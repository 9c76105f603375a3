"""Application identifiers of payment systems, and the kernels that belong to them.

From published lists of the payment systems and terminals; kernel numbers: EMV Contactless Book B 3.3.2.5 (unverified).
"""

from __future__ import annotations

_RID_BYTES = 5

PSE = b"1PAY.SYS.DDF01"
PPSE = b"2PAY.SYS.DDF01"

# First bytes, and whose application that is; a longer match wins.
NAMES = {
    "A0000000031010": "Visa",
    "A0000000032010": "Visa Electron",
    "A0000000032020": "V Pay",
    "A0000000033010": "Visa Interlink",
    "A0000000038010": "Visa Plus",
    "A0000000980840": "Visa US common debit",
    "A0000000041010": "Mastercard",
    "A0000000042203": "Mastercard US Maestro",
    "A0000000043060": "Maestro",
    "A0000000046000": "Cirrus",
    "A00000002501": "American Express",
    "A0000000291010": "LINK",
    "A0000000421010": "Cartes Bancaires",
    "A0000000651010": "JCB",
    "A0000001211010": "Dankort",
    "A0000001410001": "PagoBancomat",
    "A0000001523010": "Discover",
    "A0000001524010": "Discover US common debit",
    "A0000002281010": "SPAN",
    "A0000002771010": "Interac",
    "A000000333010101": "UnionPay debit",
    "A000000333010102": "UnionPay credit",
    "A000000333010103": "UnionPay quasi credit",
    "A000000333010106": "UnionPay electronic cash",
    "A000000333010108": "UnionPay US common debit",
    "A0000003591010028001": "girocard",
    "A0000005241010": "RuPay",
    "A0000006581010": "Mir",
    "A0000006582010": "Mir debit",
    "A0000006723010": "Troy",
    "A0000006200620": "DNA shared debit",
    "F0434B49540101": "cardkit neutral test",
    "F0434B49540102": "cardkit neutral test, second",
}

# Registered provider -> kernel of its contactless applications, where the card names none.
_KERNELS = {
    "A000000003": 3,
    "A000000004": 2,
    "A000000025": 4,
    "A000000065": 5,
    "A000000152": 6,
    "A000000333": 7,
}


def aid_name(aid: bytes) -> str:
    """Say whose application this is; empty where it is nobody's we know.

    >>> aid_name(bytes.fromhex("A000000333010101"))
    'UnionPay debit'
    """
    text = aid.hex().upper()
    return next((NAMES[text[:size]] for size in range(len(text), 0, -2) if text[:size] in NAMES), "")


def kernel_of(aid: bytes, kernel_id: bytes = b"") -> int:
    """Return the number of the contactless kernel an application is for, 0 where nobody says.

    :param kernel_id: tag 9F2A of the directory entry; its short form decides where there is one.

    >>> kernel_of(bytes.fromhex("A0000000041010"))
    2
    """
    if kernel_id and kernel_id[0] & 0x3F:
        return kernel_id[0] & 0x3F
    return _KERNELS.get(aid[:_RID_BYTES].hex().upper(), 0)
