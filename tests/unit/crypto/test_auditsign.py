"""Signatures of the audit: Ed25519 against a published seed, ECDSA P-256 as tokens have it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage, auditsign
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey
from cardkit.crypto.private import PrivateKey
from cardkit.errors import KeyStoreError

VECTORS = {
    vector["name"]: vector
    for vector in json.loads(
        (Path(__file__).parents[2] / "vectors" / "security-audit.json").read_text(encoding="utf-8")
    )
}
FIRST = VECTORS["checkpoint-1"]
SEED = Key(bytes.fromhex(FIRST["in"]["ed25519_seed"]), "seed", "HMAC-256", Usage.MASTER_DERIVE)


def p256() -> PrivateKey:
    return PrivateKey.of(ec.derive_private_key(0x1234567, ec.SECP256R1()), "p256", Usage.AUDIT_SIGN)


@pytest.mark.parametrize("name", ["checkpoint-1", "checkpoint-2"])
def test_signature_of_a_published_seed(name: str) -> None:
    vector = VECTORS[name]
    key = auditsign.key_of_seed(SEED, "audit")
    raw = load_der_public_key(key.public).public_bytes(Encoding.Raw, PublicFormat.Raw)
    message = b"cardkit-checkpoint-1\0" + vector["out"]["canonical"].encode()
    store = MemoryKeyStore({"plant:audit": key})
    assert raw.hex() == vector["out"]["public_key"]
    assert store.sign_audit("plant:audit", message).hex() == vector["out"]["signature"]
    assert store.find("plant:audit").algorithm == "ED25519"


def test_p256_is_plain_r_and_s() -> None:
    store = MemoryKeyStore({"plant:audit": p256()})
    signature = store.sign_audit("plant:audit", b"message")
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public = load_der_public_key(store.public_key_info("plant:audit"))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(encode_dss_signature(r, s), b"message", ec.ECDSA(SHA256()))


@pytest.mark.parametrize("key", [auditsign.key_of_seed(SEED, "audit"), p256()], ids=lambda key: key.algorithm)
def test_a_changed_message_or_signature_is_found(key: PrivateKey) -> None:
    signature = auditsign.sign(key, b"message")
    assert auditsign.verifies(key.public, b"message", signature)
    for message, wrong in (
        (b"massage", signature),
        (b"message", signature[:-1]),
        (b"message", b""),
        (b"message", bytes((signature[0] ^ 1,)) + signature[1:]),
    ):
        assert not auditsign.verifies(key.public, message, wrong)


def test_a_public_key_is_read_as_pem_and_as_der() -> None:
    public = p256().public
    assert auditsign.public_key(public) == public
    assert auditsign.public_key(auditsign.to_pem(public)) == public


def test_other_keys_are_no_keys_of_an_audit() -> None:
    other = rsa.generate_private_key(65537, 1024).public_key()
    for data in (b"", b"-----BEGIN X", other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        with pytest.raises(KeyStoreError, match="public key: "):
            auditsign.public_key(data)
    with pytest.raises(KeyStoreError, match=r"^public key: expected SubjectPublicKeyInfo, PEM or DER$"):
        auditsign.public_key(b"no key")


def test_each_key_keeps_to_its_purpose() -> None:
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    with pytest.raises(KeyStoreError, match="expected usage audit-sign"):
        PrivateKey.of(edwards, "x", Usage.SIGN)
    with pytest.raises(KeyStoreError, match="checkpoints are signed with ED25519 or EC-P256"):
        PrivateKey.of(ec.derive_private_key(7, ec.SECP384R1()), "x", Usage.AUDIT_SIGN)
    store = MemoryKeyStore({
        "a:audit": auditsign.key_of_seed(SEED, "audit"),
        "a:sign": PrivateKey.of(ec.derive_private_key(7, ec.SECP256R1()), "x", Usage.SIGN),
        "a:mac": Key(bytes(range(16)), "mac", "AES-128", Usage.AUDIT_SIGN),
    })  # fmt: skip
    with pytest.raises(KeyStoreError, match="usage audit-sign, a signature needs sign"):
        store.sign_content("a:audit", b"m")
    with pytest.raises(KeyStoreError, match="usage sign, a checkpoint needs audit-sign"):
        store.sign_audit("a:sign", b"m")
    with pytest.raises(KeyStoreError, match="AES-128, a checkpoint needs a private key"):
        store.sign_audit("a:mac", b"m")
    with pytest.raises(KeyStoreError, match="ED25519, it signs checkpoints and nothing else"):
        auditsign.key_of_seed(SEED, "audit").load()


@pytest.mark.usefixtures("cheap")
def test_a_key_file_makes_and_keeps_a_key_of_the_audit(tmp_path: Path) -> None:
    with FileKeyStore.create(tmp_path / "k", "LIVE", Secret(b"store phrase", "p")) as store:
        entry = store.generate(NewKey("plant:audit", "ED25519", Usage.AUDIT_SIGN))
        public, signature = store.public_key_info("plant:audit"), store.sign_audit("plant:audit", b"m")
    assert (entry.algorithm, entry.bits, entry.kcv_method) == ("ED25519", 256, "sha256_public_key")
    with FileKeyStore.open(tmp_path / "k", Secret(b"store phrase", "p")) as store:
        assert store.sign_audit("plant:audit", b"m") == signature
    assert auditsign.verifies(public, b"m", signature)
