"""Test authorities and terminals: card verifiable certificates on P-256, signed with `cryptography`."""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .issuance import DOMAINS
from .reader import BSI
from .tlv import tlv

ECDSA_SHA256 = bytes.fromhex(BSI + "020203")
INSPECTION = bytes.fromhex("04007F000703010201")


def digits(date):
    return bytes(int(digit) for digit in date)


class Holder:
    """Who holds a key and a name, and signs with it."""

    def __init__(self, name, secret):
        self.name = name.encode()
        self.key = ec.derive_private_key(secret, ec.SECP256R1())

    def sign(self, data):
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def public(self, *, parameters):
        curve = {name: bytes.fromhex(value) for name, value in DOMAINS["curves"]["12"].items()}
        point = self.key.public_key().public_numbers()
        own = tlv("86", b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))
        if not parameters:
            return tlv("06", ECDSA_SHA256) + own
        base = tlv("84", b"\x04" + curve["x"] + curve["y"])
        fields = tlv("81", curve["p"]) + tlv("82", curve["a"]) + tlv("83", curve["b"]) + base + tlv("85", curve["n"])
        return tlv("06", ECDSA_SHA256) + fields + own + tlv("87", b"\x01")

    def certify(self, subject, rights, dates=("250101", "300101"), *, role=INSPECTION, signer=None):
        """A certificate of `subject`, without its outer tag.

        :param rights: the authorization byte, its role in the two top bits.
        """
        body = tlv(
            "7F4E",
            tlv("5F29", b"\x00"),
            tlv("42", self.name),
            tlv("7F49", subject.public(parameters=rights >> 6 == 3)),
            tlv("5F20", subject.name),
            tlv("7F4C", tlv("06", role), tlv("53", bytes((rights,)))),
            tlv("5F25", digits(dates[0])),
            tlv("5F24", digits(dates[1])),
        )
        return body + tlv("5F37", (signer or self).sign(body))


CVCA, LINKED = Holder("UTCVCA00001", 0x1001), Holder("UTCVCA00002", 0x1002)
DV, TERMINAL = Holder("UTDVDE00001", 0x2001), Holder("UTTERM00001", 0x3001)
ROOT = tlv("7F21", CVCA.certify(CVCA, 0xC3))
TRUST = (("8120", ROOT), ("8130", digits("250601")))


def present(reader, issuer, certificate):
    """MSE:SET DST and PSO VERIFY CERTIFICATE."""
    reader.send(0, 0x22, 0x81, 0xB6, tlv("83", issuer.name))
    reader.send(0, 0x2A, 0x00, 0xBE, certificate)


def authenticate(reader, identifier, terminal=TERMINAL):
    """MSE:SET AT, GET CHALLENGE, EXTERNAL AUTHENTICATE."""
    reader.send(0, 0x22, 0x81, 0xA4, tlv("83", terminal.name))
    challenge = reader.send(0, 0x84, 0, 0, ne=8)
    reader.send(0, 0x82, 0, 0, terminal.sign(identifier + challenge + reader.ephemeral))
