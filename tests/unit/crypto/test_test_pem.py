"""Private keys of a test key file: PEM files beside it that say of themselves what they are."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from cardkit.crypto import MemoryKeyStore, Usage
from cardkit.errors import KeyStoreError

LINE = b"TEST KEY: made for a test\n"
P = 2**521 - 1  # Mersenne primes: a key at once
Q = 2**607 - 1


def made():
    d = rsa.rsa_recover_private_exponent(65537, P, Q)
    public = rsa.RSAPublicNumbers(65537, P * Q)
    crt = (rsa.rsa_crt_dmp1(d, P), rsa.rsa_crt_dmq1(d, Q), rsa.rsa_crt_iqmp(P, Q))
    return rsa.RSAPrivateNumbers(P, Q, d, *crt, public).private_key()


def pem(encryption=None):
    return made().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.fixture
def load(tmp_path):
    def work(content, entry='{ usage = "emv-sign", pem = "issuer.pem" }'):
        if content is not None:
            (tmp_path / "issuer.pem").write_bytes(content)
        file = tmp_path / "keys.toml"
        file.write_text(f'kind = "TEST"\n[test]\nissuer = {entry}\n')
        return MemoryKeyStore.from_toml(file)

    return work


def test_a_key_that_says_it_is_a_test_key_is_read(load):
    info = load(LINE + pem()).find("test:issuer")
    assert (info.algorithm, info.usage) == ("RSA-1128", Usage.EMV_SIGN)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (pem(), "begins with"),
        (LINE + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM form"),
        (LINE + pem(BestAvailableEncryption(b"x")), "unencrypted"),
        (None, "cannot be read"),
    ],
)
def test_any_other_file_is_refused(load, content, text):
    with pytest.raises(KeyStoreError, match=text):
        load(content)


@pytest.mark.parametrize("entry", ['{ usage = "sign" }', '{ usage = "sign", pem = "issuer.pem", hex = "00" }'])
def test_a_key_has_one_value(load, entry):
    with pytest.raises(KeyStoreError, match="expected hex or pem, and one of them only"):
        load(LINE, entry)
