"""COMP128 versions 1, 2 and 3: A3 and A8 of old 2G networks. Version 1 is broken; some cards still have it."""

from .comp128_tables import LEVELS, S0, S1

_ROUNDS = 8


def comp128v1(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    """SRES (4 bytes) and Kc (8 bytes, the last 10 bits 0) from Ki and RAND, 16 bytes each."""
    x = bytearray(ki + rand)
    for number in range(_ROUNDS):
        x[:16] = ki
        _compress(x)
        if number < _ROUNDS - 1:
            x[16:] = _permuted(x)
    nibbles = x[:8]
    sres = bytes(high << 4 | low for high, low in zip(nibbles[::2], nibbles[1::2], strict=True))
    kc = [x[at + 18] << 6 | x[at + 19] << 2 | x[at + 20] >> 2 for at in range(0, 12, 2)]
    kc += [x[30] << 6 | x[31] << 2, 0]
    return sres, bytes(byte & 0xFF for byte in kc)


def _compress(x: bytearray) -> None:
    """Five levels of table look-ups over pairs of the 32 values."""
    for level, table in enumerate(LEVELS):
        half = 1 << 4 - level
        size = 32 * half
        for a in (at for at in range(32) if not at & half):
            b = a + half
            x[a], x[b] = table[(x[a] + 2 * x[b]) % size], table[(2 * x[a] + x[b]) % size]


def _permuted(x: bytearray) -> bytes:
    """The 128 bits of 32 nibbles, in the order of the next round."""
    bits = [x[at // 4] >> 3 - at % 4 & 1 for at in range(128)]
    return bytes(sum(bits[(8 * i + j) * 17 % 128] << 7 - j for j in range(8)) for i in range(16))


def comp128v3(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    """SRES (4 bytes) and Kc (8 bytes, all 64 bits) from Ki and RAND, 16 bytes each."""
    r = rand[::-1]
    k = bytes(a ^ b for a, b in zip(ki[::-1], r, strict=True))
    for _ in range(_ROUNDS):
        r = _gathered(_mixed(r + k))
    out = r[::-1]
    return out[:4], out[8:16]


def comp128v2(ki: bytes, rand: bytes) -> tuple[bytes, bytes]:
    """As version 3, the last 10 bits of Kc cleared."""
    sres, kc = comp128v3(ki, rand)
    return sres, kc[:6] + bytes((kc[6] & 0xFC, 0))


def _mixed(block: bytes) -> bytearray:
    """Five levels over 32 values; the lower half is overwritten while the upper is still read, in ascending order."""
    w = bytearray(block)
    for level in range(5):
        step = 1 << level
        t = bytes(S0[S1[w[16 + z]] ^ w[z]] for z in range(16))
        for j in range(step):
            for q in range(16 >> level):
                at = q * step + j
                w[(2 * q + 1) * step + j] = S0[S1[t[at]] ^ w[16 + at]]
                w[2 * q * step + j] = t[at]
    return w


def _gathered(w: bytearray) -> bytes:
    """16 bytes out of single bits of the 32."""
    return bytes(
        sum((w[(19 * (j + 8 * i) + 19) % 256 // 8] >> (3 * j + 3) % 8 & 1) << j for j in range(8)) for i in range(16)
    )
