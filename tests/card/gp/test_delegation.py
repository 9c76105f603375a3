"""Tokens, receipts, load file signatures and ciphered load files: one key type after the other, and forgeries."""

import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cardkit.virtual.gp import crypto

from .conftest import APPLET, ISD, KEYS, MODULE, PACKAGE, SSD, cbc, cmac, kcv, lv, tlv
from .test_content import CAP_AID, CAP_MODULE, cap, for_load, load_blocks

TOKEN_KEY, RECEIPT_KEY = b"\x70" * 16, b"\x71" * 16


@pytest.fixture
def delegated(opened):
    """A security domain with Delegated Management; token and receipt keys in the issuer's."""
    for kvn, key in ((0x70, TOKEN_KEY), (0x71, RECEIPT_KEY)):
        assert opened(f"80D80001{lv(f'{kvn:02X}' + opened.key_data(key))}") == f"{kvn:02X}{kcv(key)}9000"
    assert opened("80E29000" + lv(tlv("42", "A1A2") + tlv("45", "B1B2B3"))) == "9000"
    assert opened.install_domain(privileges="A00000") == "009000"
    assert opened.open(aid=SSD) == "9000"
    assert opened.put_keys(0x30, *KEYS).endswith("9000")
    assert opened(f"80F0400F{lv(SSD)}") == "9000"
    return opened


def token(p1, p2, data, key=TOKEN_KEY):
    """C.4: P1, P2, Lc and data without the token."""
    body = bytes.fromhex(data)
    size = bytes((len(body),)) if len(body) < 256 else b"\x00" + len(body).to_bytes(2, "big")
    return cmac(key, bytes((p1, p2)) + size + body).hex().upper()


INSTALL = "".join(map(lv, (PACKAGE, MODULE, APPLET, "00", "C900")))
UNIQUE = "05A1A2B1B2B3"


def receipt(counter, *subject):
    data = "02" + f"{counter:04X}" + UNIQUE
    return "10" + cmac(RECEIPT_KEY, bytes.fromhex(data + "".join(map(lv, subject)))).hex().upper() + data


class TestTokens:
    def test_install_and_delete_are_confirmed(self, delegated):
        answer = delegated(f"80E60C00{lv(INSTALL + lv(token(0x0C, 0, INSTALL)))}")
        assert answer == receipt(0, PACKAGE, APPLET) + "9000"
        gone = tlv("4F", APPLET)
        assert delegated(f"80E40000{lv(gone + tlv('9E', token(0, 0, gone)))}") == receipt(1, APPLET) + "9000"
        delegated.open(keys=(bytes(range(0x40, 0x50)),) * 3)
        assert delegated("80CA00C200") == "C20200029000"

    def test_load_with_a_token(self, delegated):
        block = cap()
        digest = hashlib.sha256(bytes.fromhex(block)).hexdigest()
        fields = "".join(map(lv, (CAP_AID, "", digest, "")))
        assert for_load(delegated, digest=digest, token=token(2, 0, fields)) == "009000"
        assert load_blocks(delegated, tlv("C4", block)) == receipt(0, CAP_AID, SSD) + "9000"

    def test_a_token_over_load_and_install_together(self, delegated):
        block = cap()
        digest = hashlib.sha256(bytes.fromhex(block)).hexdigest()
        first = "".join(map(lv, (CAP_AID, "", digest, "")))
        last = "".join(map(lv, (CAP_AID, CAP_MODULE, APPLET, "00", "C900")))

        def message(p2, data):
            return bytes((0x0E, p2, len(data) // 2)) + bytes.fromhex(data)

        together = cmac(TOKEN_KEY, message(1, first) + message(3, last)).hex()
        assert delegated(f"80E60E01{lv(first + '00')}") == "009000"
        assert load_blocks(delegated, tlv("C4", block)) == "009000"
        answer = delegated(f"80E60E03{lv(last + lv(together))}")
        assert answer == receipt(0, CAP_AID, APPLET, SSD) + "9000"

    @pytest.mark.parametrize("case", ["none", "wrong", "of another command", "short"])
    def test_without_a_good_token_nothing_is_done(self, delegated, case):
        given, status = {
            "none": ("", "6985"),
            "wrong": (token(0x0C, 0, INSTALL, b"\x01" * 16), "6982"),
            "of another command": (token(0x04, 0, INSTALL), "6982"),
            "short": (token(0x0C, 0, INSTALL)[:16], "6982"),
        }[case]
        before = dict(delegated.card.memory())
        assert delegated(f"80E60C00{lv(INSTALL + lv(given))}") == status
        assert delegated.card.memory() == before

    def test_load_with_a_token_needs_a_hash(self, delegated):
        fields = "".join(map(lv, (CAP_AID, "", "", "")))
        assert for_load(delegated, token=token(2, 0, fields)) == "6A80"

    def test_no_right_at_all(self, opened):
        assert opened.install_domain(privileges="80") == "009000"
        assert opened.open(aid=SSD) == "9000"
        assert opened(f"80F0400F{lv(SSD)}") == "9000"
        assert "C503808000" in opened.registry()[SSD][1], "bytes 2 and 3 of one byte (Table 6-2)"
        assert opened.install() == "6985"


RSA_KEY = rsa.generate_private_key(65537, 1024)
LONG_RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())


def rsa_data(key):
    modulus = key.public_key().public_numbers().n
    size = (modulus.bit_length() + 7) // 8
    return "73" + tlv("A1", modulus.to_bytes(size, "big").hex()) + "A003010001" + "00"


def ec_data(key, reference):
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()
    return "73" + tlv("B0", point) + f"F001{reference}" + "00"


def ecdsa(key, digest, message):
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
    size = key.curve.key_size // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


SIGNERS = {
    "AES": (None, lambda message: cmac(b"\x73" * 16, message)),
    "RSA 1024": (rsa_data(RSA_KEY), lambda message: RSA_KEY.sign(message, padding.PKCS1v15(), hashes.SHA1())),
    "RSA 2048": (
        rsa_data(LONG_RSA_KEY),
        lambda message: LONG_RSA_KEY.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    ),
    "EC 256": (ec_data(EC_KEY, "00"), lambda message: ecdsa(EC_KEY, hashes.SHA256(), message)),
    "EC 384": (ec_data(P384_KEY, "01"), lambda message: ecdsa(P384_KEY, hashes.SHA384(), message)),
}


def test_tokens_and_receipts_of_elliptic_curve_keys(opened):
    """The receipt is signed with a private key in the card, and anybody may check it."""
    secret = EC_KEY.private_numbers().private_value.to_bytes(32, "big")
    assert opened(f"80D80001{lv('71B1' + lv(cbc(opened.dek, secret).hex()) + 'F0010000')}") == "719000"
    assert opened(f"80D80001{lv(ec_data(EC_KEY, '00').replace('73', '70', 1))}") == "709000"
    assert opened.install_domain(privileges="A00000", parameters="C9028400") == "009000"
    assert opened.open(aid=SSD) == "9000"
    message = bytes((0x0C, 0, len(INSTALL) // 2)) + bytes.fromhex(INSTALL)
    signed = ecdsa(EC_KEY, hashes.SHA256(), message).hex()
    answer = bytes.fromhex(opened(f"80E60C00{lv(INSTALL + lv(signed))}"))
    r, s = (int.from_bytes(answer[at : at + 32], "big") for at in (1, 33))
    subject = answer[65:-2] + bytes.fromhex(lv(PACKAGE) + lv(APPLET))
    EC_KEY.public_key().verify(utils.encode_dss_signature(r, s), subject, ec.ECDSA(hashes.SHA256()))


class TestLoadFileSignatures:
    @pytest.fixture(params=SIGNERS)
    def verifier(self, request, opened):
        """A domain that must verify what is loaded into it, with its key; and who signs."""
        data, sign = SIGNERS[request.param]
        assert opened.install_domain(privileges="C0C000") == "009000"
        assert opened.open(aid=SSD) == "9000"
        if data is None:
            data = "73" + opened.key_data(b"\x73" * 16)
        assert opened.send(bytes.fromhex("80D80001"), bytes.fromhex(data)).endswith("9000")
        assert opened(f"80F0400F{lv(SSD)}") == "9000"
        assert opened.open() == "9000"
        return opened, sign

    def load(self, terminal, sign, *, flip=False, dap=True):
        block = cap()
        digest = hashlib.sha256(bytes.fromhex(block)).digest()
        assert for_load(terminal, domain=SSD, digest=digest.hex()) == "009000"
        signature = bytearray(sign(digest))
        signature[3] ^= flip
        head = tlv("E2", tlv("4F", SSD) + tlv("C3", signature.hex())) if dap else ""
        return load_blocks(terminal, head + tlv("C4", block))

    def test_signed_missing_and_forged(self, verifier):
        terminal, sign = verifier
        assert self.load(terminal, sign, dap=False) == "6985"
        assert self.load(terminal, sign, flip=True) == "6982"
        assert CAP_AID not in terminal.registry(0x20)
        assert self.load(terminal, sign) == "009000"
        assert tlv("CC", SSD) in terminal.registry(0x20)[CAP_AID][1]

    def test_mandated_verification_binds_every_load(self, opened):
        assert opened.install_domain(privileges="C10000") == "009000"
        assert opened.open(aid=SSD) == "9000"
        assert opened(f"80D80001{lv('73' + opened.key_data(b's' * 16))}").endswith("9000")
        assert opened.open() == "9000"
        block = cap()
        digest = hashlib.sha256(bytes.fromhex(block)).digest()
        assert for_load(opened, digest=digest.hex()) == "009000"
        assert load_blocks(opened, tlv("C4", block)) == "009000", "not PERSONALIZED yet"
        assert opened(f"80E40000{lv(tlv('4F', CAP_AID))}") == "009000"
        opened.open(aid=SSD)
        assert opened(f"80F0400F{lv(SSD)}") == "9000"
        assert opened.open() == "9000"
        assert for_load(opened, digest=digest.hex()) == "009000"
        assert load_blocks(opened, tlv("C4", block)) == "6985"

    def test_code_is_not_moved_to_a_domain_that_verifies(self, verifier):
        terminal, _ = verifier
        assert terminal(f"80E61000{lv(lv(SSD) + '00' + lv(PACKAGE) + '000000')}") == "6985"
        assert terminal(f"80E61000{lv(lv(SSD) + '00' + lv(ISD) + '000000')}") == "6985"


@pytest.mark.parametrize("icv", ["", "5A" * 16])
def test_a_ciphered_load_file(opened, icv):
    """C.6: the hash is over the clear block."""
    key = b"\x75" * 16
    assert opened.install_domain(privileges="80C040") == "009000"
    assert opened.open(aid=SSD) == "9000"
    assert opened(f"80D80001{lv('75' + opened.key_data(key))}").endswith("9000")
    assert opened(f"80F0400F{lv(SSD)}") == "9000"
    assert opened.open() == "9000"
    block = bytes.fromhex(cap())
    ciphered = cbc(key, crypto.pad80(block, 16), bytes.fromhex(icv) or bytes(16))
    file = (tlv("D3", icv) if icv else "") + tlv("D4", ciphered.hex())
    digest = hashlib.sha256(block).hexdigest()
    assert for_load(opened, digest=digest) == "009000"
    assert load_blocks(opened, file) == "6985", "the issuer's domain has no such privilege"
    assert for_load(opened, domain=SSD) == "009000"
    assert load_blocks(opened, file) == "6985", "no hash"
    assert for_load(opened, domain=SSD, digest=digest) == "009000"
    assert load_blocks(opened, file[:-2] + "00") in ("6982", "6A80")
    assert for_load(opened, domain=SSD, digest=digest) == "009000"
    assert load_blocks(opened, file) == "009000"
    assert opened.registry(0x10)[CAP_AID][0] == 0x01
