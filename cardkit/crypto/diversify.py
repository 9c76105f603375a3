"""How a card's own key is made from a master key and something of the card's, usually its KDD.

KDD = key diversification data, the first 10 bytes of the answer to INITIALIZE UPDATE. k = 1 ENC, 2 MAC, 3 DEK.
"""

from __future__ import annotations

import itertools

from cardkit.crypto import emvkeys
from cardkit.crypto.cardkeys import OF_PAYMENT_CARDS, CardKey, Scheme
from cardkit.crypto.statickey import StaticKey, block_bytes, is_aes, key_bytes
from cardkit.crypto.template import Template
from cardkit.errors import KeyStoreError

KDD_BYTES = 10
# Which bytes of the KDD each scheme of EMV CPS form takes: 6 of them.
_CHOICE: dict[Scheme, tuple[int, ...]] = {
    Scheme.EMV: (4, 5, 6, 7, 8, 9),  # EMV CPS 1.1, 4.1.1.6
    Scheme.VISA2: (0, 1, 4, 5, 6, 7),  # issuer scheme
    Scheme.VISA: (0, 1, 2, 3, 8, 9),  # issuer scheme
}
_3DES_ONLY = frozenset((*_CHOICE, Scheme.EMV_A, Scheme.EMV_B))
_AES_ONLY = frozenset((Scheme.KDF3, Scheme.EMV_C, Scheme.PLAIN_CMAC))
# AN10922: the constant before M, one for each block of the result
_AN10922 = {
    "AES-128": (0x01,),
    "AES-192": (0x11, 0x12),
    "AES-256": (0x41, 0x42),
    "3DES-128": (0x21, 0x22),
    "3DES-192": (0x31, 0x32, 0x33),
}
_RB = {16: 0x87, 8: 0x1B}  # NIST SP 800-38B 5.3: what a doubled block is reduced by


def derived_algorithm(master: str, scheme: Scheme) -> str:
    """Return the algorithm of the card keys a master key gives.

    :raises KeyStoreError: where the scheme does not work with the master's algorithm.
    """
    if scheme in _3DES_ONLY:
        if not master.startswith("3DES-"):
            raise KeyStoreError(f"diversification {scheme}: {master} master key, expected 3DES")
        return "3DES-128"
    if scheme in _AES_ONLY and not master.startswith("AES-"):
        raise KeyStoreError(f"diversification {scheme}: {master} master key, expected AES")
    return "3DES-128" if scheme is Scheme.TEMPLATE and master.startswith("3DES-") else master


def diversify(master: StaticKey, key: CardKey) -> bytearray:
    """Return the clear card key; the caller wipes it.

    :param master: the key ``key.reference`` names.
    :param key: what to derive; its data are 10 bytes (KDD), for AN10922 the 1 to 31 (3DES: 15) bytes of M.
    :returns: as long as :func:`derived_algorithm` says.
    :raises KeyStoreError: where scheme, master key, role or data do not fit together.
    EMV CPS 4.1, AN10922 2.2 to 2.5, GlobalPlatform sheet 10; VISA and VISA2 as issuers publish them (unverified)
    """
    derived_algorithm(master.algorithm, key.scheme)
    if key.scheme in OF_PAYMENT_CARDS:
        return _payment_card_key(master, key)
    if key.scheme is Scheme.AN10922:
        return an10922(master, key.data)
    if key.scheme is Scheme.PLAIN_CMAC:
        return bytearray(master.cmac(bytes(_AN10922["AES-128"]) + key.data))
    if key.scheme is Scheme.NONE:
        raise KeyStoreError(f"key {key.reference}: nothing to diversify with scheme {Scheme.NONE}")
    number = _checked_number(key)
    if key.scheme is Scheme.KDF3:
        return _kdf3(master, number, key.data)
    if key.scheme is Scheme.TEMPLATE:
        return _from_template(master, Template.parse(key.template), number, key.data)
    return bytearray(master.ecb(derivation_data(key)))


def _checked_number(key: CardKey) -> int:
    if key.role is None:
        raise KeyStoreError(f"key {key.reference}: diversification {key.scheme} needs a role: enc, mac or dek")
    if len(key.data) != KDD_BYTES:
        raise KeyStoreError(
            f"key {key.reference}: diversification {key.scheme} over {len(key.data)} bytes, expected {KDD_BYTES}"
        )
    return key.role.number


def _payment_card_key(master: StaticKey, key: CardKey) -> bytearray:
    if key.scheme is Scheme.EMV_C:
        return bytearray(master.ecb(emvkeys.option_c(key.reference, key.data)))[: key_bytes(master)]
    return emvkeys.odd_parity(master.ecb(derivation_data(key)))


def derivation_data(key: CardKey) -> bytes:
    """Return the 16 bytes a 3DES master key encrypts: d F0 k d 0F k (EMV CPS, VISA), Y and its inverse (payment cards).

    :raises KeyStoreError: on a key without role, or data of another size.
    EMV CPS 1.1, 4.1.1.6; EMV 4.4 Book 2, A1.4.1, A1.4.2
    """
    if key.scheme is Scheme.EMV_A:
        return emvkeys.option_a(key.reference, key.data)
    if key.scheme is Scheme.EMV_B:
        return emvkeys.option_b(key.reference, key.data)
    number = _checked_number(key)
    chosen = bytes(key.data[index] for index in _CHOICE[key.scheme])
    return chosen + bytes((0xF0, number)) + chosen + bytes((0x0F, number))


def _kdf3(master: StaticKey, number: int, kdd: bytes) -> bytearray:
    size = key_bytes(master)
    blocks = (master.cmac(bytes((counter, 0, 0, 0, number, 0)) + kdd) for counter in range(1, (size + 15) // 16 + 1))
    return bytearray(b"".join(blocks))[:size]


def _from_template(master: StaticKey, template: Template, number: int, kdd: bytes) -> bytearray:
    if not template.counted:
        if is_aes(master):
            raise KeyStoreError(f"key {master.name}: {master.algorithm}, a template without counter works with 3DES")
        return bytearray(master.ecb(template.expand(kdd, number)))
    if not is_aes(master):
        raise KeyStoreError(f"key {master.name}: {master.algorithm}, a template with a counter works with AES")
    size = key_bytes(master)
    counters = range(1, (size + 15) // 16 + 1)
    blocks = (master.cmac(template.expand(kdd, number, counter=j, bits=8 * size)) for j in counters)
    return bytearray(b"".join(blocks))[:size]


def an10922(master: StaticKey, m: bytes) -> bytearray:
    """Return the key NXP's AN10922 derives from M; the key version is not written into the parity bits.

    :param m: 1 to 31 bytes for AES, 1 to 15 for 3DES.
    :raises KeyStoreError: on another length.
    AN10922 2.2 (AES-128), 2.4 (two-key 3DES), 2.5 (three-key 3DES); AES-192 and AES-256 unverified
    """
    limit = 2 * block_bytes(master) - 1
    if not 1 <= len(m) <= limit:
        raise KeyStoreError(f"key {master.name}: AN10922 over {len(m)} bytes, expected 1 to {limit}")
    blocks = [_two_block_mac(master, bytes((constant,)) + m) for constant in _AN10922[master.algorithm]]
    if master.algorithm == "AES-192":  # 8 bytes of A, 8 of A and B together, 8 of B
        middle = (a ^ b for a, b in zip(blocks[0][8:], blocks[1][:8], strict=True))
        return bytearray(itertools.chain(blocks[0][:8], middle, blocks[1][8:]))
    return bytearray(b"".join(blocks))


def _two_block_mac(key: StaticKey, message: bytes) -> bytes:
    """Return a CMAC that pads to two blocks always, however short the message is (AN10922 2.2, step 4)."""
    block = block_bytes(key)
    if is_aes(key) and len(message) > block:
        return key.cmac(message)  # of two blocks in any case: a CMAC like any other, in one operation
    subkey = _doubled(key.ecb(bytes(block)))
    if len(message) < 2 * block:
        subkey = _doubled(subkey)
        message = (message + b"\x80").ljust(2 * block, b"\0")
    last = bytes(a ^ b for a, b in zip(message[block:], subkey, strict=True))
    return key.cbc(message[:block] + last)[block:]


def _doubled(block: bytes) -> bytes:
    """Return a block times x in GF(2^128) or GF(2^64). NIST SP 800-38B 6.1"""
    size = len(block)
    value = int.from_bytes(block, "big") << 1
    if value >> 8 * size:
        value = (value ^ _RB[size]) & ((1 << 8 * size) - 1)
    return value.to_bytes(size, "big")
