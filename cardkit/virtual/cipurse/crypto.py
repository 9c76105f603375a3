"""The arithmetic of CIPURSE: field product, session keys, and what consumes frame keys (AES-128 throughout).

Each frame function takes the frame key and returns the next one: no key is used twice.
"""

from array import array
from binascii import crc_hqx
from functools import cache, lru_cache
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

BLOCK: Final = 16
MAC_SIZE: Final = 8
MIC_SIZE: Final = 4
KVV_SIZE: Final = 3
_ECB: Final = modes.ECB()  # noqa: S305 - single blocks, as CIPURSE says
_FIELD: Final = 0x1_35B0_88CC_E173  # polynomial of degree 48 over GF(2)
_DEGREE: Final = 48
_NONCE: Final = 6
_CHAIN_KEY: Final = b"\x74" * BLOCK
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC_START: Final = 0xC6C6  # 6363 with its bits mirrored


class SessionKeys(NamedTuple):
    """What an authentication agrees on.

    :ivar terminal_proof: cP.  :ivar card_proof: cT.  :ivar frame_key: the first one.
    """

    terminal_proof: bytes
    card_proof: bytes
    frame_key: bytes


def encrypt(key: bytes, block: bytes) -> bytes:
    """One block, or several of them one by one."""
    return _encryptor(key).update(block)


def _encryptor(key: bytes) -> CipherContext:
    """Making one costs as much as a dozen blocks: whoever has several for a key keeps it."""
    return Cipher(algorithms.AES128(key), _ECB).encryptor()


def _fed(cipher: CipherContext, block: bytes) -> bytes:
    """A block enciphered and added to itself: the way that leads to each next key, and not back."""
    return (int.from_bytes(cipher.update(block), "big") ^ int.from_bytes(block, "big")).to_bytes(BLOCK, "big")


def decrypt(key: bytes, block: bytes) -> bytes:
    """The inverse of `encrypt`."""
    return Cipher(algorithms.AES128(key), _ECB).decryptor().update(block)


def xor(left: bytes, right: bytes) -> bytes:
    """Both of the same length."""
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")


@lru_cache(maxsize=1024)
def kvv(key: bytes) -> bytes:
    """Key verification value, 3 bytes.

    >>> kvv(b"s" * 16).hex()
    '5fd67b'
    """
    return encrypt(key, bytes(BLOCK))[:KVV_SIZE]


def _reduction(excess: int) -> int:
    """The multiple of the field's polynomial that has these four coefficients from degree 48 on."""
    multiple = 0
    for at in (3, 2, 1, 0):
        if (multiple >> _DEGREE ^ excess) >> at & 1:
            multiple ^= _FIELD << at
    return multiple


_REDUCTIONS: Final = [_reduction(excess) for excess in range(16)]


def nlm(x: int, y: int) -> int:
    """Product of two polynomials over GF(2) of less than 48 bits, modulo the field's; four coefficients at a time.

    >>> f"{nlm(0x010000000000, 0x800000000000):012x}"
    'f760849a87c1'
    """
    multiples = [0, x]
    for half in range(1, 8):
        multiples += (multiples[half] << 1, multiples[half] << 1 ^ x)
    product = 0
    for at in range(_DEGREE - 4, -1, -4):
        product = product << 4 ^ multiples[y >> at & 0xF]
        product ^= _REDUCTIONS[product >> _DEGREE]
    return product


def agree(key: bytes, challenge: bytes, terminal_random: bytes) -> SessionKeys:
    """The keys of one authentication.

    :param challenge: the card's, RP 16 || rP 6.  :param terminal_random: the terminal's, RT 16 || rT 6.
    """
    rp, small_rp = challenge[:BLOCK], challenge[BLOCK:]
    rt, small_rt = terminal_random[:BLOCK], terminal_random[BLOCK:]
    product = nlm(int.from_bytes(small_rp, "big"), int.from_bytes(key[-_NONCE:], "big"))
    base = (product << _DEGREE | product) ^ int.from_bytes(small_rt, "big")
    session = _fed(_encryptor(base.to_bytes(BLOCK, "big")), key)
    proofs = encrypt(session, rp + rt)
    return SessionKeys(proofs[:BLOCK], proofs[BLOCK:], _fed(_encryptor(rp), xor(session, rt)))


def pad(data: bytes) -> bytes:
    """Padding method 2: 80, then zeros up to whole blocks."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpad(padded: bytes) -> bytes | None:
    """What was padded; None for a padding that is none."""
    data = padded.rstrip(b"\0")
    if not data.endswith(b"\x80") or len(padded) - len(data) >= BLOCK:
        return None
    return data[:-1]


def mac(frame_key: bytes, data: bytes) -> tuple[bytes, bytes]:
    """MAC of 8 bytes, and the next frame key."""
    padded, first = pad(data), _encryptor(frame_key)
    chained = _fed(first, padded[:BLOCK])
    for at in range(BLOCK, len(padded), BLOCK):
        chained = _fed(_encryptor(chained), padded[at : at + BLOCK])
    return _fed(first, chained)[:MAC_SIZE], chained


def encipher(frame_key: bytes, padded: bytes) -> tuple[bytes, bytes]:
    """Cryptogram of whole blocks, each under a key of its own, and the next frame key."""
    blocks = []
    for at in range(0, len(padded), BLOCK):
        frame_key = _fed(_chain(), frame_key)
        blocks.append(encrypt(frame_key, padded[at : at + BLOCK]))
    return b"".join(blocks), frame_key


def decipher(frame_key: bytes, cryptogram: bytes) -> tuple[bytes, bytes]:
    """The inverse of `encipher`, with the same next frame key."""
    blocks = []
    for at in range(0, len(cryptogram), BLOCK):
        frame_key = _fed(_chain(), frame_key)
        blocks.append(decrypt(frame_key, cryptogram[at : at + BLOCK]))
    return b"".join(blocks), frame_key


@cache
def _chain() -> CipherContext:
    """The cipher under the one constant key, made when it is needed first."""
    return _encryptor(_CHAIN_KEY)


def mic(data: bytes) -> bytes:
    """Message integrity code, 4 bytes: two checksums of the data, the first one with the halves of each word swapped.

    They are CRC_A of ISO/IEC 14443-3 without inversion: the CCITT checksum of mirrored bytes, mirrored.

    >>> mic(bytes.fromhex("11223344")).hex()
    'd471a773'
    """
    words = array("H", (data + bytes(-len(data) % 4)).translate(_MIRRORED))
    straight = crc_hqx(words, _CRC_START)
    words[::2], words[1::2] = words[1::2], words[::2]
    swapped = crc_hqx(words, _CRC_START)
    return (straight << 16 | swapped).to_bytes(MIC_SIZE, "little").translate(_MIRRORED)
