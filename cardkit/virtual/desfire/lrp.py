"""LRP, the leakage resilient primitive on AES-128 (AN12304; sheet 3.18)."""

from typing import Final

from .crypto import BlockCipher, padded_80, xor

_BLOCK: Final = 16
_STEP, _OUT = b"\x55" * _BLOCK, b"\xaa" * _BLOCK
_ZEROS: Final = bytes(_BLOCK)
_POLYNOMIAL: Final = 0x87


def _aes(key: bytes, block: bytes) -> bytes:
    return BlockCipher(key, aes=True).ecb(block)


def plaintexts(key: bytes) -> tuple[bytes, ...]:
    """The 16 secret plaintexts of a key (algorithm 1)."""
    found, state = [], _aes(key, _STEP)
    for _ in range(16):
        out = BlockCipher(state, aes=True).ecb(_OUT + _STEP)
        found.append(out[:_BLOCK])
        state = out[_BLOCK:]
    return tuple(found)


def updated_keys(key: bytes, count: int) -> tuple[bytes, ...]:
    """The first `count` updated keys (algorithm 2)."""
    found, state = [], _aes(key, _OUT)
    for _ in range(count):
        out = BlockCipher(state, aes=True).ecb(_OUT + _STEP)
        found.append(out[:_BLOCK])
        state = out[_BLOCK:]
    return tuple(found)


class Lrp:
    """A key with one of its updated keys.

    :param key: 16 bytes, from which the plaintexts follow.  :param number: of the updated key.
    """

    __slots__ = ("_plaintexts", "_updated")

    def __init__(self, key: bytes, number: int = 0) -> None:
        self._plaintexts = plaintexts(key)
        self._updated = updated_keys(key, number + 1)[number]

    @classmethod
    def pair(cls, key: bytes) -> "tuple[Lrp, Lrp]":
        """Updated keys 0 and 1, of one set of plaintexts: MAC and encryption of a session."""
        first, second = cls.__new__(cls), cls.__new__(cls)
        first._plaintexts = second._plaintexts = plaintexts(key)
        first._updated, second._updated = updated_keys(key, 2)
        return first, second

    def evaluate(self, data: bytes, *, odd_nibble: bool = False, final: bool = True) -> bytes:
        """The primitive itself (algorithm 3).

        :param odd_nibble: the last half byte does not count.
        """
        state = self._updated
        nibbles = data.hex()[: -1 if odd_nibble else None]
        for nibble in nibbles:
            state = _aes(state, self._plaintexts[int(nibble, 16)])
        return _aes(state, _ZEROS) if final else state

    def cmac(self, message: bytes) -> bytes:
        """CMAC over the primitive (algorithm 6), 16 bytes."""
        first = _double(int.from_bytes(self.evaluate(_ZEROS), "big"))
        whole = bool(message) and len(message) % _BLOCK == 0
        padded = message if whole else padded_80(message, _BLOCK)
        subkey = first if whole else _double(first)
        state = _ZEROS
        for at in range(0, len(padded) - _BLOCK, _BLOCK):
            state = self.evaluate(xor(state, padded[at : at + _BLOCK]))
        last = xor(padded[-_BLOCK:], subkey.to_bytes(_BLOCK, "big"))
        return self.evaluate(xor(state, last))

    def encrypt(self, data: bytes, counter: bytes) -> bytes:
        """LRICB of whole blocks (algorithm 4).

        :param counter: 4, 6 or 8 bytes; it goes up by one with each block.
        """
        blocks = []
        for at in range(0, len(data), _BLOCK):
            blocks.append(_aes(self.evaluate(counter), data[at : at + _BLOCK]))
            counter = after(counter, 1)
        return b"".join(blocks)

    def decrypt(self, data: bytes, counter: bytes) -> bytes:
        """LRICB backwards (algorithm 5)."""
        blocks = []
        for at in range(0, len(data), _BLOCK):
            cipher = BlockCipher(self.evaluate(counter), aes=True)
            blocks.append(cipher.decrypt(data[at : at + _BLOCK], _ZEROS))
            counter = after(counter, 1)
        return b"".join(blocks)


def after(counter: bytes, blocks: int) -> bytes:
    """The counter so many blocks later."""
    size = len(counter)
    return ((int.from_bytes(counter, "big") + blocks) % (1 << 8 * size)).to_bytes(size, "big")


def _double(value: int) -> int:
    doubled = value << 1
    return (doubled & (1 << 128) - 1) ^ (_POLYNOMIAL if doubled >> 128 else 0)
