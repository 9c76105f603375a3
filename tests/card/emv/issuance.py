"""An issuer and a personalization bureau, written from the project's sheet: keys, certificates, DGIs, SCP02.

Shares nothing with the card: its own TLV, triple DES, RSA.
"""

import hashlib
import json
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

VECTORS = Path(__file__).parents[2] / "vectors"
ODA = {vector["name"]: vector for vector in json.loads((VECTORS / "emv_oda.json").read_text())}
KEYS = json.loads((Path(__file__).parent / "keys.json").read_text())

ISD = "A000000151000000"
AID = "F0434B49540101"
PSE, PPSE = b"1PAY.SYS.DDF01".hex().upper(), b"2PAY.SYS.DDF01".hex().upper()
PACKAGE, PAYMENT_MODULE, PSE_MODULE, PPSE_MODULE = "A0000000999901", *(f"A0000000999901{n:02X}" for n in (1, 2, 3))
KMC = bytes(range(0x40, 0x50))
PAN, PSN, PIN = "1234560012345608", "01", "1234"
MASTER_KEYS = tuple(bytes(range(first, first + 16)) for first in (0x40, 0x50, 0x60, 0x70))

CDOL1 = "9F02069F03069F1A0295055F2A029A039C019F3704"
PDOL = "9F3303"
CONTACTLESS_PDOL = "9F66049F02069F03069F1A0295055F2A029A039C019F3704"
IADS = {
    "vsdc10": "06010A03000000",
    "vsdc18": "06011203000000",
    "vsdc22": "1F2201" + "00" * 29,
    "mchip10": "0110" + "00" * 6 + "DAC0" + "00" * 8,
    "mchip11": "0111" + "00" * 6 + "DAC0" + "00" * 8,
    "mchip14": "0114" + "00" * 6 + "DAC0" + "00" * 8,
    "mchip15": "0115" + "00" * 6 + "DAC0" + "00" * 8,
    "ccd5": "0FA501" + "00" * 13 + "0F" + "00" * 15,
    "ccd6": "0FA601" + "00" * 13 + "0F" + "00" * 15,
}


def tlv(tag, value):
    """Hex of one object; `value` is hex, or other objects."""
    size = len(value) // 2
    length = f"{size:02X}" if size < 0x80 else f"81{size:02X}" if size < 0x100 else f"82{size:04X}"
    return f"{tag}{length}{value}"


def tlvs(table):
    return "".join(tlv(tag, value) for tag, value in table.items())


def parse(data):
    """One level of objects, tag -> value, hex -> bytes; tags of 1 and 2 bytes."""
    found, at = {}, 0
    while at < len(data):
        end = at + (2 if data[at] & 0x1F == 0x1F else 1)
        tag, size = data[at:end].hex().upper(), data[end]
        at = end + 1
        if size > 0x80:
            width = size & 0x7F
            size = int.from_bytes(data[at : at + width], "big")
            at += width
        assert tag not in found, f"{tag} twice"
        found[tag] = data[at : at + size]
        assert len(found[tag]) == size, f"{tag} cut short"
        at += size
    return found


def des3(key, data, mode=None, *, decrypt=False):
    algorithm = TripleDES(key + key[:8] if len(key) == 16 else key * 3)
    cipher = Cipher(algorithm, mode or modes.ECB())
    return (cipher.decryptor() if decrypt else cipher.encryptor()).update(data)


def pad(data, block=8):
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def kcv(key):
    return des3(key, bytes(8))[:3]


def option_a(master, pan=PAN, psn=PSN):
    """EMV Book 2, A1.4.1."""
    digits = bytes.fromhex((pan + psn)[-16:].zfill(16))
    derived = des3(master, digits) + des3(master, bytes(byte ^ 0xFF for byte in digits))
    return bytes(byte & 0xFE | (byte >> 1).bit_count() + 1 & 1 for byte in derived)


CARD_KEYS = tuple(option_a(master) for master in MASTER_KEYS)


@lru_cache(maxsize=256)
def _power(base, exponent, modulus):
    return pow(base, exponent, modulus)


class RSA:
    """A key pair of integers."""

    def __init__(self, key):
        self.n, self.e = int(key["n"], 16), int(key.get("e", 3))
        self.size = (self.n.bit_length() + 7) // 8
        self.p, self.q = (int(key[name], 16) if name in key else 0 for name in ("p", "q"))
        self.d = int(key["d"], 16) if "d" in key else pow(self.e, -1, (self.p - 1) * (self.q - 1))

    @property
    def modulus(self):
        return self.n.to_bytes(self.size, "big")

    @property
    def exponent(self):
        return self.e.to_bytes(1 if self.e == 3 else 3, "big")

    def sign(self, block):
        assert len(block) == self.size
        return _power(int.from_bytes(block, "big"), self.d, self.n).to_bytes(self.size, "big")

    def recover(self, block):
        assert len(block) == self.size
        return pow(int.from_bytes(block, "big"), self.e, self.n).to_bytes(self.size, "big")

    def crt(self):
        """DGIs 8201 to 8205."""
        half = (self.size + 1) // 2
        parts = (pow(self.q, -1, self.p), self.d % (self.q - 1), self.d % (self.p - 1), self.q, self.p)
        return [part.to_bytes(half, "big") for part in parts]


CA = RSA(ODA["issuer_cert_create: test CA signs the test issuer key, bit-exact"]["in"]["ca_key"])
ISSUER = RSA(
    ODA["icc_cert_create: test issuer signs the test ICC key over static data + AIP, bit-exact"]["in"]["issuer_key"]
)
ICC = RSA(ODA["icc_private_key: test ICC key, CRT parts for DGI 8201-8205"]["in"])


class PKI:
    """Certificates for one ICC key."""

    def __init__(self, icc=ICC, issuer=ISSUER, ca=CA):
        self.icc, self.issuer, self.ca = icc, issuer, ca

    @staticmethod
    def certify(signer, head, key, extra, fixed):
        """Certificate and remainder (section 9)."""
        room = signer.size - fixed
        body = head + b"\x01\x01" + bytes((key.size, len(key.exponent))) + key.modulus[:room].ljust(room, b"\xbb")
        rest = key.modulus[room:]
        digest = hashlib.sha1(body + rest + key.exponent + extra).digest()
        return signer.sign(b"\x6a" + body + digest + b"\xbc"), rest

    def issuer_certificate(self):
        return self.certify(self.ca, bytes.fromhex("02123456FF1230123456"), self.issuer, b"", 36)

    def icc_certificate(self, static, key=None, pan=PAN):
        head = b"\x04" + bytes.fromhex(pan.ljust(20, "F") + "1229" + "123456")
        return self.certify(self.issuer, head, key or self.icc, static, 42)


def record(table):
    return tlv("70", tlvs(table))


def card(iad="vsdc18", *, aip="3900", pki=None, **changes):
    """The DGIs of a whole contact card, hex by number; `changes` replaces or, with None, leaves out (`_8000=None`)."""
    pki = pki or PKI()
    signed = record(
        {"5A": PAN, "5F24": "291231", "5F25": "240101", "5F34": PSN, "5F28": "0860", "9F07": "FF80"}
        | {"8E": "000000000000000042014403410342031F03", "9F0D": "FC78FCA000", "9F0E": "0010000000"}
        | {"9F0F": "FC78FCF800", "9F4A": "82"}
    )
    response = "910A" if IADS[iad][:4] in ("0601", "0110", "0111", "0114", "0115") and iad != "vsdc18" else "9108"
    static = bytes.fromhex(signed)[3 if signed[2:4] == "81" else 2 :] + bytes.fromhex(aip)
    certificate, rest = pki.issuer_certificate()
    own, own_rest = pki.icc_certificate(static)
    issuer_record = {"8F": "92", "9F32": pki.issuer.exponent.hex()} | ({"92": rest.hex()} if rest else {})
    dgis = {
        "9102": tlv("A5", tlvs({"50": "4E45555452414C", "87": "01", "9F38": PDOL, "BF0C": tlv("9F4D", "0B03")})),
        "9104": tlvs({"82": aip, "94": "080101001001040118010200"}),
        "0101": record({"57": f"{PAN}D291220100000000000F", "5F20": "434152442F4F4E45"}),
        "0201": signed,
        "0202": record(issuer_record),
        "0203": record({"90": certificate.hex()}),
        "0204": record(
            {"9F47": pki.icc.exponent.hex(), "9F49": "9F3704"} | ({"9F48": own_rest.hex()} if own_rest else {})
        ),
        "0301": record({"9F46": own.hex()}),
        "0302": record({"8C": CDOL1, "8D": f"8A02{response}{CDOL1}", "9F08": "0096"}),
        "8000": b"".join(CARD_KEYS).hex(),
        "9000": b"".join(map(kcv, CARD_KEYS)).hex(),
        "8010": f"24{PIN}".ljust(16, "F"),
        "9010": "0303",
        **{f"82{number:02X}": part.hex() for number, part in enumerate(pki.icc.crt(), 1)},
        "0D01": tlvs({"9F10": IADS[iad], "9F51": "0860"}),
        "9F4F": "9F02065F2A029A039F36029F2701",
    }
    for name, value in changes.items():
        dgis[name.removeprefix("_")] = value
    return {name: value for name, value in dgis.items() if value is not None}


def directory():
    return {
        "9102": tlv("A5", tlvs({"88": "01", "5F2D": "757A656E"})),
        "0101": tlv("70", tlv("61", tlvs({"4F": AID, "50": "4E45555452414C", "87": "01"}))),
    }


def contactless_directory():
    entry = tlv("61", tlvs({"4F": AID, "50": "4E45555452414C", "87": "01"}))
    return {"9102": tlv("A5", tlv("BF0C", entry))}


def cmac(key, data):
    code = CMAC(AES(key))
    code.update(data)
    return code.finalize()
