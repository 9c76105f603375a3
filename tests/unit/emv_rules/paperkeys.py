"""A certification authority, issuers and cards on paper: blocks made by plain arithmetic, no code of the product."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

KEYS = Path(__file__).parents[2] / "vectors" / "emv_test_keys.json"


def _numbers(entry) -> rsa.RSAPrivateNumbers:
    p, q, e = int(entry["p"], 16), int(entry["q"], 16), entry["e"]
    d = rsa.rsa_recover_private_exponent(e, p, q)
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    return rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))


NUMBERS = [_numbers(entry) for entry in json.loads(KEYS.read_text())["keys"]]


@dataclass(frozen=True)
class PaperKey:
    """An RSA key pair.

    :param stated: the exponent as certificates have it.
    """

    n: int
    d: int
    stated: bytes

    @property
    def modulus(self) -> bytes:
        return self.n.to_bytes((self.n.bit_length() + 7) // 8, "big")

    def sign(self, content: bytes, extra: bytes) -> bytes:
        """Return the signed block of a content that is filled up with BB."""
        content = content.ljust(len(self.modulus) - 22, b"\xbb")
        block = b"\x6a" + content + hashlib.sha1(content + extra).digest() + b"\xbc"
        return pow(int.from_bytes(block, "big"), self.d, self.n).to_bytes(len(self.modulus), "big")

    def certify(self, head: str, key: PaperKey, room: int, extra: bytes = b"", spoil: bytes = b"") -> tuple:
        """Return certificate, remainder and exponent of another key.

        :param head: format, identity, expiry and serial in hexadecimal digits.  :param room: for the modulus.
        """
        size = bytes((1, 1, len(key.modulus), len(key.stated)))
        rest = key.modulus[room:]
        content = bytes.fromhex(head) + size + key.modulus[:room]
        return self.sign(content, rest + key.stated + extra + spoil), rest, key.stated


def paper(bits: int, exponent: int = 3, number: int = 0) -> PaperKey:
    """Return a key of the file."""
    found = [
        each for each in NUMBERS if each.public_numbers.e == exponent and each.public_numbers.n.bit_length() == bits
    ]
    numbers = found[number]
    return PaperKey(numbers.public_numbers.n, numbers.d, b"\x03" if exponent == 3 else b"\x01\x00\x01")


CA, ISSUER, SMALL_ISSUER, OTHER_CARD = paper(1408), paper(1408, number=1), paper(1152, number=3), paper(1152, number=2)
