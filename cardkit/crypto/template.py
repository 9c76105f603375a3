"""Derivation templates: the bytes a plant's own scheme encrypts or MACs, written as text in a profile."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cardkit.errors import KeyStoreError

ECB_BYTES = 16
_TOKEN = re.compile(r"\$l\$l|\$[0-9a-f]|\$k|\$_|[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template.

    :param tokens: hex pairs, ``$0`` to ``$f`` (a byte of the KDD), ``$k`` (1 ENC, 2 MAC, 3 DEK), ``$_`` (counter),
        ``$l$l`` (length of the result in bits, 2 bytes).

    >>> Template.parse("$4$5 $6$7 $8$9 F0$k $4$5 $6$7 $8$9 0F$k").expand(bytes(range(10)), 1).hex()
    '040506070809f0010405060708090f01'
    """

    tokens: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Read a template; spaces mean nothing.

        :raises KeyStoreError: on an unknown token, or, without ``$_``, on a length other than 16 bytes or on ``$l$l``.
        """
        compact = "".join(text.split())
        tokens = tuple(_TOKEN.findall(compact))
        if not tokens or "".join(tokens) != compact:
            raise KeyStoreError(f"template {text!r}: expected hex pairs, $0 to $f, $k, $_ and $l$l")
        template = cls(tokens)
        if not template.counted and ("$l$l" in tokens or len(tokens) != ECB_BYTES):
            raise KeyStoreError(f"template {text!r}: without $_ it must give {ECB_BYTES} bytes and hold no $l$l")
        return template

    @property
    def counted(self) -> bool:
        """Whether it holds the counter ``$_``, which makes it the input of a CMAC; otherwise it is encrypted in ECB."""
        return "$_" in self.tokens

    def expand(self, kdd: bytes, number: int, *, counter: int = 0, bits: int = 0) -> bytes:
        """Return the bytes for one card and key.

        :param kdd: diversification data.  :param number: 1 ENC, 2 MAC, 3 DEK.
        :param counter: of the block, from 1.  :param bits: length of the result.
        :raises KeyStoreError: where the template names a byte the diversification data do not have.
        """
        named = {"$k": bytes((number,)), "$_": bytes((counter,)), "$l$l": bits.to_bytes(2, "big")}
        return b"".join(named[token] if token in named else self._byte(token, kdd) for token in self.tokens)

    @staticmethod
    def _byte(token: str, kdd: bytes) -> bytes:
        if not token.startswith("$"):
            return bytes.fromhex(token)
        index = int(token[1:], 16)
        if index >= len(kdd):
            raise KeyStoreError(f"template: {token} asks for byte {index} of {len(kdd)} bytes of diversification data")
        return kdd[index : index + 1]
