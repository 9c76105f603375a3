"""Session keys of the secure channels SCP01, SCP02 and SCP03, from static keys wherever those live.

Pure: challenges and counters come in. Clauses: GPCS 2.3.1 D.4.1 (SCP01), E.4.1 (SCP02), Amendment D 4.1.5 and 6.2
(SCP03).
"""

from __future__ import annotations

from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.key import Key, Usage
from cardkit.crypto.statickey import StaticKey, is_aes, key_bytes
from cardkit.errors import EncodingError, KeyStoreError

DOUBLE_LENGTH = "3DES-128"
# GPCS E.4.1: what goes before the sequence counter
SCP02_C_MAC = bytes.fromhex("0101")
SCP02_R_MAC = bytes.fromhex("0102")
SCP02_ENC = bytes.fromhex("0182")
SCP02_DEK = bytes.fromhex("0181")
# Amendment D, Table 4-1: derivation constants
SCP03_CARD_CHALLENGE = 0x02
SCP03_S_ENC = 0x04
SCP03_S_MAC = 0x06
SCP03_S_RMAC = 0x07


def _check_size(what: str, value: bytes, *sizes: int) -> None:
    if len(value) not in sizes:
        raise EncodingError(f"{what}: {len(value)} bytes, expected {' or '.join(map(str, sizes))}")


def _check_double_length(protocol: str, *keys: StaticKey) -> None:
    for key in keys:
        if key.algorithm != DOUBLE_LENGTH:
            raise KeyStoreError(f"key {key.name}: {key.algorithm}, {protocol} works with {DOUBLE_LENGTH}")


def scp01_derivation_data(host_challenge: bytes, card_challenge: bytes) -> bytes:
    """Return the 16 bytes that SCP01 encrypts to get a session key; challenges of 8 bytes. GPCS D.4.1"""
    _check_size("SCP01 host challenge", host_challenge, 8)
    _check_size("SCP01 card challenge", card_challenge, 8)
    return card_challenge[4:] + host_challenge[:4] + card_challenge[:4] + host_challenge[4:]


def scp01_session(enc: StaticKey, mac: StaticKey, host_challenge: bytes, card_challenge: bytes) -> SessionKeys:
    """Return S-ENC and S-MAC; the DEK of SCP01 is static.

    :param enc: and ``mac``: 3DES-128.  :param host_challenge: and ``card_challenge``: 8 bytes.
    :raises EncodingError: on another size.  :raises KeyStoreError: on another algorithm.
    GPCS D.4.1
    """
    _check_double_length("SCP01", enc, mac)
    data = scp01_derivation_data(host_challenge, card_challenge)
    return SessionKeys(
        enc=Key(enc.ecb(data), "SCP01 S-ENC", DOUBLE_LENGTH, Usage.DATA_ENC),
        mac=Key(mac.ecb(data), "SCP01 S-MAC", DOUBLE_LENGTH, Usage.DATA_MAC),
    )


def scp02_session(enc: StaticKey, mac: StaticKey, dek: StaticKey, sequence: bytes) -> SessionKeys:
    """Return S-ENC, S-MAC, S-RMAC and S-DEK.

    :param enc: ``mac`` and ``dek``: 3DES-128.  :param sequence: the 2-byte sequence counter.
    :raises EncodingError: on another size.  :raises KeyStoreError: on another algorithm.
    GPCS E.4.1
    """
    _check_double_length("SCP02", enc, mac, dek)
    _check_size("SCP02 sequence counter", sequence, 2)
    tail = sequence + bytes(12)
    return SessionKeys(
        enc=Key(enc.cbc(SCP02_ENC + tail), "SCP02 S-ENC", DOUBLE_LENGTH, Usage.DATA_ENC),
        mac=Key(mac.cbc(SCP02_C_MAC + tail), "SCP02 S-MAC", DOUBLE_LENGTH, Usage.DATA_MAC),
        rmac=Key(mac.cbc(SCP02_R_MAC + tail), "SCP02 S-RMAC", DOUBLE_LENGTH, Usage.DATA_MAC),
        dek=Key(dek.cbc(SCP02_DEK + tail), "SCP02 S-DEK", DOUBLE_LENGTH, Usage.TRANSPORT_OUT),
    )


def scp03_kdf(key: StaticKey, constant: int, context: bytes, size: int) -> bytes:
    """Return bytes derived by the counter mode KDF of SCP03 (NIST SP 800-108, CMAC as the PRF).

    :param constant: what is derived, one byte.  :param size: of the result in bytes, 1 to 32.
    Amendment D 4.1.5
    """
    label = bytes(11) + bytes((constant, 0)) + (8 * size).to_bytes(2, "big")
    blocks = [key.cmac(label + bytes((counter,)) + context) for counter in range(1, (size + 15) // 16 + 1)]
    return b"".join(blocks)[:size]


def scp03_session(enc: StaticKey, mac: StaticKey, context: bytes) -> SessionKeys:
    """Return S-ENC, S-MAC and S-RMAC; sensitive data of SCP03 goes under the static DEK.

    :param enc: and ``mac``: AES keys of the same size.  :param context: host and card challenge, 16 or 32 bytes.
    :raises EncodingError: on another size.  :raises KeyStoreError: on another algorithm.
    Amendment D 6.2.1
    """
    if not is_aes(enc) or enc.algorithm != mac.algorithm:
        raise KeyStoreError(
            f"keys {enc.name} and {mac.name}: {enc.algorithm} and {mac.algorithm}, SCP03 works with AES of one size"
        )
    _check_size("SCP03 challenges", context, 16, 32)
    size = key_bytes(enc)

    def derived(key: StaticKey, constant: int, name: str, usage: Usage) -> Key:
        return Key(scp03_kdf(key, constant, context, size), f"SCP03 {name}", key.algorithm, usage)

    return SessionKeys(
        enc=derived(enc, SCP03_S_ENC, "S-ENC", Usage.DATA_ENC),
        mac=derived(mac, SCP03_S_MAC, "S-MAC", Usage.DATA_MAC),
        rmac=derived(mac, SCP03_S_RMAC, "S-RMAC", Usage.DATA_MAC),
    )


def scp03_card_challenge(enc: StaticKey, sequence: bytes, aid: bytes, size: int) -> bytes:
    """Return the pseudo-random challenge a card makes from its static ENC key.

    :param sequence: the 3-byte counter of the key set.  :param aid: of the application that runs the channel.
    :param size: 8, or 16 in S16 mode.
    :raises EncodingError: on another size.  :raises KeyStoreError: on a key that is not AES.
    Amendment D 6.2.2.1
    """
    if not is_aes(enc):
        raise KeyStoreError(f"key {enc.name}: {enc.algorithm}, SCP03 works with AES")
    _check_size("SCP03 sequence counter", sequence, 3)
    _check_size("application identifier", aid, *range(5, 17))
    if size not in (8, 16):
        raise EncodingError(f"SCP03 card challenge of {size} bytes, expected 8 or 16")
    return scp03_kdf(enc, SCP03_CARD_CHALLENGE, sequence + aid, size)
