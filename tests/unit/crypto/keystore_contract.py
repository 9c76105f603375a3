"""What every key store must do, whatever keeps its keys: the same tests run over memory, file and PKCS#11."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from cardkit.crypto import Key, MemoryKeyStore, Secret, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Role, Scheme, parse_key_set
from cardkit.crypto.kcv import KCVMethod, block_cipher
from cardkit.crypto.mac import retail_mac
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError

FOLDER = Path(__file__).parents[2] / "vectors"
GP_CRYPTO = {v["name"]: v for v in json.loads((FOLDER / "gp_crypto.json").read_text(encoding="utf-8"))}
GP_KEYS = {v["name"]: v for v in json.loads((FOLDER / "gp_keys.json").read_text(encoding="utf-8"))}
SECURITY = {v["name"]: v for v in json.loads((FOLDER / "security-keys.json").read_text(encoding="utf-8"))}
GP_KEY = bytes(range(0x40, 0x50))
EMV_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
KDD = bytes(range(10))
NEW_AES = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
NEW_DES = bytes.fromhex("0E9A7741E84385BE7AE4B5831ADE6F21")


def pkcs8(name):
    return (FOLDER / "keys" / f"{name}.der").read_bytes()


KEYS = {
    # reference: algorithm, usage, clear value
    "test:aes": ("AES-128", Usage.SECURE_CHANNEL, GP_KEY),
    "test:aes192": ("AES-192", Usage.SECURE_CHANNEL, bytes(range(0x40, 0x58))),
    "test:aes256": ("AES-256", Usage.SECURE_CHANNEL, bytes(range(0x40, 0x60))),
    "test:des": ("3DES-128", Usage.SECURE_CHANNEL, GP_KEY),
    "plant:kmc": ("3DES-128", Usage.MASTER_DERIVE, GP_KEY),
    "plant:kmc-aes": ("AES-128", Usage.MASTER_DERIVE, GP_KEY),
    "plant:kmc-aes256": ("AES-256", Usage.MASTER_DERIVE, bytes(range(0x40, 0x60))),
    "plant:new-aes": ("AES-128", Usage.CARD_KEY, NEW_AES),
    "plant:new-aes192": ("AES-192", Usage.CARD_KEY, NEW_AES + NEW_DES[:8]),
    "plant:new-aes256": ("AES-256", Usage.CARD_KEY, NEW_AES + NEW_DES),
    "plant:new-des": ("3DES-128", Usage.CARD_KEY, NEW_DES),
    "plant:imk-ac": ("3DES-128", Usage.IMK_AC, EMV_KEY),
    "plant:kek": ("AES-128", Usage.KEK, GP_KEY),
    "order:zmk": ("AES-128", Usage.TRANSPORT_IN, GP_KEY),
    "order:zmk-des": ("3DES-128", Usage.TRANSPORT_IN, GP_KEY),
    "order:out": ("AES-128", Usage.TRANSPORT_OUT, GP_KEY),
    "order:out-des": ("3DES-128", Usage.TRANSPORT_OUT, GP_KEY),
    "plant:marker": ("HMAC-256", Usage.DATA_MAC, bytes(range(32))),
    "plant:dup": ("HMAC-256", Usage.DUP_DIGEST, bytes(range(32))),
    "plant:receipt": ("AES-128", Usage.DATA_MAC, GP_KEY),
    "plant:dap-aes": ("AES-128", Usage.SIGN, GP_KEY),
    "plant:dap-des": ("3DES-128", Usage.SIGN, GP_KEY),
    "plant:dap-ec": ("EC-P256", Usage.SIGN, pkcs8("ec-p256")),
    "plant:dap-ec384": ("EC-BP384", Usage.SIGN, pkcs8("ec-bp384")),
    "plant:dap-rsa": ("RSA-2048", Usage.SIGN, pkcs8("rsa-2048")),
    "plant:dap-rsa1024": ("RSA-1024", Usage.SIGN, pkcs8("rsa-1024")),
    "plant:scp11": ("EC-P256", Usage.AGREE, pkcs8("ec-p256")),
    "plant:audit": ("EC-P256", Usage.AUDIT_SIGN, pkcs8("ec-p256")),
}


def clear(key):
    with key.reveal() as value:
        return bytes(value)


def aes_cbc(key, data):
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor().update(data)


def aes_cbc_decrypt(key, data):
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor().update(data)


def cmac(key, message):
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def key_set(text, kdd=KDD):
    return parse_key_set(text).for_card(kdd)


POINT = (
    ec.derive_private_key(7, ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
)
WRAPPED = bytes.fromhex(SECURITY["wrap-rfc3394"]["out"]["wrapped"])
AES_SET = key_set("30=test:aes")
DES_SET = key_set("20=test:des")


class KeyStoreContract:
    """Give a fixture ``keystore`` that holds ``KEYS``; ``unsupported`` names what the store refuses by its nature."""

    unsupported: frozenset[str] = frozenset()

    def offered(self, what, call):
        """Return what a call gives; None where the store cannot do it, and says so in one line."""
        if what not in self.unsupported:
            return call()
        with pytest.raises(KeyStoreError, match=r"this token|under this key|not extractable") as caught:
            call()
        assert len(str(caught.value).splitlines()) == 1
        return None

    def test_public_facts(self, keystore):
        info = keystore.find("test:aes")

        assert (info.reference, info.algorithm, info.bits) == ("test:aes", "AES-128", 128)
        assert (info.usage, info.kvn, info.kcv) == (Usage.SECURE_CHANNEL, None, "504A77")
        assert keystore.kind == "TEST"

    def test_public_key_digest_is_the_check_value_of_a_private_key(self, keystore):
        private = serialization.load_der_private_key(pkcs8("ec-p256"), None)
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        info = keystore.find("plant:scp11")

        assert (info.algorithm, info.bits, info.usage) == ("EC-P256", 256, Usage.AGREE)
        assert info.kcv == hashlib.sha256(private.public_key().public_bytes(*form)).hexdigest().upper()

    def test_missing_key(self, keystore):
        for call in (keystore.find, keystore.card_secret, lambda ref: keystore.kcv(ref, KCVMethod.ZERO)):
            with pytest.raises(KeyStoreError, match="key test:none: not in this"):
                call("test:none")

    @pytest.mark.parametrize("method", KCVMethod)
    def test_check_values(self, keystore, method):
        expected = SECURITY["kcv-aes-gp-40-4f"]["out"][method]

        assert expected == keystore.kcv("test:aes", method)

    def test_check_values_of_3des(self, keystore):
        expected = SECURITY["kcv-des-gp-40-4f"]["out"]

        assert expected["zero_block_ecb"] == keystore.kcv("test:des", KCVMethod.ZERO)
        assert expected["cmac_zero_block_5"] == keystore.kcv("test:des", KCVMethod.CMAC_5)
        with pytest.raises(KeyStoreError, match="for AES keys only"):
            keystore.kcv("test:des", KCVMethod.ONES)

    def test_card_key_check_values(self, keystore):
        assert keystore.card_key_kcv(CardKey("test:aes")).hex() == "504a77"
        assert keystore.card_key_kcv(CardKey("test:des")).hex() == "8baf47"
        assert keystore.card_key_kcv(CardKey("plant:kmc-aes", Scheme.KDF3, KDD, Role.MAC)).hex() == "d1bd77"

    def test_scp01_session(self, keystore):
        session = keystore.scp01_session(DES_SET, bytes(range(0x10, 0x18)), bytes(range(0x20, 0x28)))
        data = bytes.fromhex("24252627101112132021222314151617")
        expected = Cipher(block_cipher("3DES", GP_KEY), modes.ECB()).encryptor().update(data)

        assert clear(session.enc) == clear(session.mac) == expected
        assert session.dek is session.rmac is None

    def test_scp02_session(self, keystore):
        expected = GP_CRYPTO["scp02-session-kcv"]["out"]["keys"]
        session = keystore.scp02_session(DES_SET, bytes(2))
        got = {"enc": session.enc, "cmac": session.mac, "rmac": session.rmac, "dek": session.dek}

        assert expected == {name: clear(key).hex().upper() for name, key in got.items()}

    def test_scp03_session(self, keystore):
        vector = GP_CRYPTO["scp03-session-keys-aes128"]
        context = bytes.fromhex(vector["in"]["host_challenge"] + vector["in"]["card_challenge"])
        session = keystore.scp03_session(AES_SET, context)
        got = {"enc": session.enc, "mac": session.mac, "rmac": session.rmac}

        assert vector["out"] == {name: clear(key).hex().upper() for name, key in got.items()}

    @pytest.mark.parametrize("bits", ["192", "256"])
    def test_scp03_session_of_longer_keys(self, keystore, bits):
        size = int(bits) // 8
        static, context = KEYS[f"test:aes{bits}"][2], bytes(range(32))
        label = bytes(11) + b"\x06\x00" + (8 * size).to_bytes(2, "big")
        expected = b"".join(cmac(static, label + bytes((counter,)) + context) for counter in (1, 2))[:size]

        assert expected == clear(keystore.scp03_session(key_set(f"30=test:aes{bits}"), context).mac)

    def test_scp03_card_challenge(self, keystore):
        aid, sequence = bytes.fromhex("A000000151000000"), b"\0\0\1"
        label = bytes(11) + b"\x02\x00" + (64).to_bytes(2, "big") + b"\x01"

        assert cmac(GP_KEY, label + sequence + aid)[:8] == keystore.scp03_card_challenge(AES_SET.enc, sequence, aid, 8)

    @pytest.mark.parametrize("scheme", [Scheme.EMV, Scheme.VISA2])
    def test_session_of_a_card_with_diversified_3des_keys(self, keystore, scheme):
        keys = GP_KEYS[f"diversify-{scheme}-scp02"]["out"]["keys"]
        session = keystore.scp02_session(key_set(f"20=plant:kmc/{scheme}"), bytes(2))
        expected = MemoryKeyStore(
            {
                f"test:{role}": Key(bytes.fromhex(value), role, "3DES-128", Usage.SECURE_CHANNEL)
                for role, value in keys.items()
            }
        ).scp02_session(key_set("test:enc,test:mac,test:dek"), bytes(2))

        assert [expected.enc, expected.mac, expected.rmac, expected.dek] == [
            session.enc, session.mac, session.rmac, session.dek,
        ]  # fmt: skip

    def test_session_of_a_card_with_diversified_aes_keys(self, keystore):
        keys = {role: bytes.fromhex(v) for role, v in GP_KEYS["diversify-kdf3-aes256"]["out"]["keys"].items()}
        context = bytes(range(16))
        label = bytes(11) + b"\x04\x00\x01\x00"
        expected = b"".join(cmac(keys["enc"], label + bytes((counter,)) + context) for counter in (1, 2))

        assert expected == clear(keystore.scp03_session(key_set("30=plant:kmc-aes256/kdf3"), context).enc)

    def test_aes_key_under_a_static_dek(self, keystore):
        wrapped = keystore.wrap_for_card(CardKey("plant:new-aes"), AES_SET.dek)

        assert (wrapped.algorithm, wrapped.size_bytes) == ("AES-128", 16)
        assert wrapped.cryptogram == aes_cbc(GP_KEY, NEW_AES)
        assert wrapped.kcv == Cipher(algorithms.AES(NEW_AES), modes.ECB()).encryptor().update(b"\x01" * 16)[:3]
        assert wrapped.kcv == keystore.card_key_kcv(CardKey("plant:new-aes"))

    def test_aes256_key_under_a_static_dek(self, keystore):
        dek = key_set("30=test:aes256").dek
        wrapped = keystore.wrap_for_card(CardKey("plant:new-aes256"), dek)

        assert wrapped.cryptogram == aes_cbc(KEYS["test:aes256"][2], NEW_AES + NEW_DES)

    def test_aes192_key_is_filled_up_with_random_bytes(self, keystore):
        def wrap():
            return keystore.wrap_for_card(CardKey("plant:new-aes192"), AES_SET.dek)

        first = self.offered("wrap aes192", wrap)
        if first is None:
            return
        plain = [aes_cbc_decrypt(GP_KEY, wrapped.cryptogram) for wrapped in (first, wrap())]

        assert [len(first.cryptogram), first.size_bytes] == [32, 24]
        assert [NEW_AES + NEW_DES[:8]] * 2 == [text[:24] for text in plain]
        assert plain[0][24:] != plain[1][24:]

    def test_diversified_key_under_a_diversified_dek(self, keystore):
        """A card's own DEK carries the card's own new keys: nothing of it is stored anywhere."""
        new = CardKey("plant:kmc-aes", Scheme.KDF3, KDD[::-1], Role.ENC)
        old = {role: bytes.fromhex(v) for role, v in GP_KEYS["diversify-kdf3-aes128"]["out"]["keys"].items()}
        wrapped = keystore.wrap_for_card(new, key_set("30=plant:kmc-aes/kdf3").dek)
        value = aes_cbc_decrypt(old["dek"], wrapped.cryptogram)

        assert cmac(GP_KEY, b"\x01\0\0\0\x01\0" + KDD[::-1]) == value
        assert wrapped.kcv == keystore.card_key_kcv(new)

    def test_3des_key_under_a_session_dek(self, keystore):
        expected = GP_KEYS["encrypt-key-scp02-seq0000"]["out"]["value"]
        session = keystore.scp02_session(DES_SET, bytes(2))
        wrapped = self.offered(
            "wrap 3des under session dek", lambda: keystore.wrap_for_card(CardKey("test:des"), session.dek)
        )
        if wrapped is None:
            return

        assert expected == wrapped.cryptogram.hex().upper()
        assert wrapped.kcv.hex().upper() == "8BAF47"

    def test_diversified_3des_key_under_a_session_dek(self, keystore):
        session = keystore.scp02_session(DES_SET, bytes(2))
        new = CardKey("plant:kmc", Scheme.EMV, KDD, Role.ENC)
        wrapped = keystore.wrap_for_card(new, session.dek)

        assert wrapped.kcv.hex().upper() == GP_KEYS["diversify-emv-scp02"]["out"]["kcv"]["enc"]
        assert (wrapped.algorithm, len(wrapped.cryptogram)) == ("3DES-128", 16)

    def test_aes_key_under_a_session_dek(self, keystore):
        dek = Key(GP_KEY[::-1], "S-DEK", "AES-128", Usage.TRANSPORT_OUT)
        wrapped = keystore.wrap_for_card(CardKey("plant:new-aes"), dek)

        assert wrapped.cryptogram == aes_cbc(GP_KEY[::-1], NEW_AES)

    def test_sensitive_data_under_a_dek(self, keystore):
        for name, reference in (("scp03", "test:aes"), ("scp02", "test:des")):
            vector = GP_KEYS[f"{name}-encrypt-sensitive"]
            dek = key_set(reference).dek
            for data, expected in zip(vector["in"]["data"], vector["out"]["values"], strict=True):
                assert expected.endswith(keystore.encrypt_for_card(bytes.fromhex(data), dek).hex().upper())

    def test_sensitive_data_under_a_session_dek(self, keystore):
        dek = Key(GP_KEY, "S-DEK", "AES-128", Usage.TRANSPORT_OUT)

        assert aes_cbc(GP_KEY, bytes(32)) == keystore.encrypt_for_card(bytes(32), dek)

    @pytest.mark.parametrize("size", [0, 8, 17])
    def test_sensitive_data_are_whole_blocks(self, keystore, size):
        with pytest.raises(KeyStoreError, match=f"{size} bytes, expected a multiple of 16"):
            keystore.encrypt_for_card(bytes(size), AES_SET.dek)

    def test_order_fields(self, keystore):
        wrapped = bytes.fromhex(SECURITY["wrap-rfc3394"]["out"]["wrapped"])
        expected = SECURITY["wrap-rfc3394"]["in"]["key"]

        assert expected == keystore.unwrap("plant:kek", wrapped, Wrapping.AES_KW).hex().upper()
        assert expected == keystore.unwrap("order:zmk", wrapped, Wrapping.AES_KW).hex().upper()
        changed = wrapped[:-1] + bytes((wrapped[-1] ^ 1,))
        with pytest.raises(KeyStoreError, match="integrity check failed"):
            keystore.unwrap("plant:kek", changed, Wrapping.AES_KW)

    def test_order_column(self, keystore):
        column = Cipher(algorithms.AES(GP_KEY), modes.CBC(b"\x23" * 16)).encryptor().update(NEW_AES)

        assert keystore.unwrap("order:zmk", column, Wrapping.AES_CBC_23) == NEW_AES
        with pytest.raises(KeyStoreError, match="expected a multiple of 16"):
            keystore.unwrap("order:zmk", column[:-1], Wrapping.AES_CBC_23)

    def test_order_blocks_without_chaining(self, keystore):
        for reference, cipher, wrapping in (
            ("order:zmk", algorithms.AES(GP_KEY), Wrapping.AES_ECB),
            ("order:zmk-des", block_cipher("3DES-128", GP_KEY), Wrapping.TDES_ECB),
        ):
            blocks = Cipher(cipher, modes.ECB()).encryptor().update(NEW_AES)

            assert keystore.unwrap(reference, blocks, wrapping) == NEW_AES
            with pytest.raises(KeyStoreError, match="expected a multiple of"):
                keystore.unwrap(reference, blocks[:-1], wrapping)
        with pytest.raises(KeyStoreError, match="3DES-128, aes-ecb needs AES"):
            keystore.unwrap("order:zmk-des", bytes(16), Wrapping.AES_ECB)

    def test_order_value_bound_to_its_place(self, keystore):
        nonce = bytes(range(12))
        sealed = nonce + AESGCM(GP_KEY).encrypt(nonce, b"2437", b"order 7, pin1")

        assert keystore.unwrap("order:zmk", sealed, Wrapping.AES_GCM, b"order 7, pin1") == b"2437"
        with pytest.raises(KeyStoreError, match="integrity check failed"):
            keystore.unwrap("order:zmk", sealed, Wrapping.AES_GCM, b"order 7, pin2")
        with pytest.raises(KeyStoreError, match="28 bytes, expected 29 or more"):
            keystore.unwrap("order:zmk", sealed[:28], Wrapping.AES_GCM)

    def test_output_value_under_aes_key_wrap(self, keystore):
        vector = SECURITY["wrap-rfc3394"]
        value = Secret(bytes.fromhex(vector["in"]["key"]), "ki")

        assert bytes.fromhex(vector["out"]["wrapped"]) == keystore.wrap("order:out", value, Wrapping.AES_KW)
        with pytest.raises(KeyStoreError, match="value for order:out: 4 bytes, aes-kw takes 16 or more"):
            keystore.wrap("order:out", Secret(b"2437", "pin1"), Wrapping.AES_KW)

    def test_output_value_in_the_operators_cipher(self, keystore):
        value, nonce = Secret(NEW_AES, "ki"), bytes(range(12))
        for reference, wrapping, expected in (
            ("order:out", Wrapping.AES_ECB, Cipher(algorithms.AES(GP_KEY), modes.ECB()).encryptor().update(NEW_AES)),
            ("order:out-des", Wrapping.TDES_ECB,
             Cipher(block_cipher("3DES-128", GP_KEY), modes.ECB()).encryptor().update(NEW_AES)),
            ("order:out", Wrapping.AES_CBC_23,
             Cipher(algorithms.AES(GP_KEY), modes.CBC(b"\x23" * 16)).encryptor().update(NEW_AES)),
            ("order:out", Wrapping.AES_GCM, nonce + AESGCM(GP_KEY).encrypt(nonce, NEW_AES, b"here")),
        ):  # fmt: skip
            written = self.offered(
                "the operator's cipher",
                lambda: keystore.wrap(reference, value, wrapping, b"here", nonce),  # noqa: B023
            )

            assert written in (None, expected)

    def test_marker_and_digest(self, keystore):
        key, binding = bytes(range(32)), Binding("b", 1, 2)
        mac = hmac.digest(key, binding.message(), "sha256")

        assert b"\x01\x02" + mac[:16] == keystore.marker("plant:marker", binding, MarkerState.DATA_DONE)
        assert hmac.digest(key, b"cardkit-dup-1\0iccid\x0089", "sha256") == keystore.dup_digest(
            "plant:dup", "iccid", "89"
        )

    def test_agreement(self, keystore):
        other = ec.generate_private_key(ec.SECP256R1())
        form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        own = serialization.load_der_private_key(pkcs8("ec-p256"), None)
        agreed = keystore.agree("plant:scp11", other.public_key().public_bytes(*form))

        assert other.exchange(ec.ECDH(), own.public_key()) == clear(agreed)

    def test_agreement_with_no_point_of_the_curve_is_refused(self, keystore):
        point = bytearray(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint))  # fmt: skip
        point[-1] ^= 1
        for wrong in (bytes(point), bytes(point[:-1]), b"\x02" + bytes(point[1:]), b"", b"\x04" + bytes(64)):
            with pytest.raises(EncodingError, match="point on secp256r1"):
                keystore.agree("plant:scp11", wrong)

    def test_content_macs(self, keystore):
        assert cmac(GP_KEY, b"load file hash") == keystore.sign_content("plant:dap-aes", b"load file hash")
        keystore.verify_content("plant:receipt", b"receipt", cmac(GP_KEY, b"receipt"))
        signature = self.offered("retail mac", lambda: keystore.sign_content("plant:dap-des", b"load file hash"))
        assert signature in (None, retail_mac(GP_KEY, b"load file hash"))

    def test_content_signature_by_ecdsa(self, keystore):
        signature = keystore.sign_content("plant:dap-ec", b"token")
        public = serialization.load_der_private_key(pkcs8("ec-p256"), None).public_key()
        r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))

        public.verify(encode_dss_signature(r, s), b"token", ec.ECDSA(SHA256()))
        assert len(signature) == 64
        keystore.verify_content("plant:dap-ec", b"token", signature)

    def test_signature_of_a_checkpoint(self, keystore):
        signature = keystore.sign_audit("plant:audit", b"checkpoint")
        public = serialization.load_der_public_key(keystore.public_key_info("plant:audit"))
        r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))

        public.verify(encode_dss_signature(r, s), b"checkpoint", ec.ECDSA(SHA256()))

    def test_content_signature_on_a_brainpool_curve(self, keystore):
        signature = keystore.sign_content("plant:dap-ec384", b"token")

        assert len(signature) == 96
        keystore.verify_content("plant:dap-ec384", b"token", signature)

    def test_content_signature_by_rsa(self, keystore):
        signature = keystore.sign_content("plant:dap-rsa", b"token")
        public = serialization.load_der_private_key(pkcs8("rsa-2048"), None).public_key()

        public.verify(signature, b"token", padding.PSS(padding.MGF1(SHA256()), 32), SHA256())
        keystore.verify_content("plant:dap-rsa", b"token", signature)

    def test_content_signature_by_short_rsa(self, keystore):
        signature = keystore.sign_content("plant:dap-rsa1024", b"token")
        public = serialization.load_der_private_key(pkcs8("rsa-1024"), None).public_key()

        public.verify(signature, b"token", padding.PKCS1v15(), SHA1())

    @pytest.mark.parametrize("reference", ["plant:dap-aes", "plant:dap-ec", "plant:dap-rsa", "plant:receipt"])
    @pytest.mark.parametrize("signature", [b"", bytes(8), bytes(16), bytes(64), bytes(256)])
    def test_wrong_signature_is_never_retried(self, keystore, reference, signature):
        with pytest.raises(AuthenticationError, match="wrong") as caught:
            keystore.verify_content(reference, b"token", signature)
        assert caught.value.security_stop

    # K8: each operation, and the only keys that serve it.
    PURPOSES = (
        ("a session", {Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.scp03_session(key_set(ref), bytes(16)), "AES"),
        ("a session", {Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.scp02_session(key_set(ref), bytes(2)), "3DES"),
        ("a session", {Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.scp03_card_challenge(CardKey(ref), bytes(3), bytes(8), 8), "AES"),
        ("diversification kdf3", {Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.scp03_session(key_set(f"{ref}/kdf3"), bytes(16)), "AES"),
        ("diversification emv", {Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.scp02_session(key_set(f"{ref}/emv"), bytes(2)), "3DES"),
        ("a DEK", {Usage.SECURE_CHANNEL},
         lambda store, ref: store.encrypt_for_card(bytes(16), CardKey(ref)), ""),
        ("a key for a card", {Usage.CARD_KEY, Usage.SECURE_CHANNEL},
         lambda store, ref: store.wrap_for_card(CardKey(ref), Key(GP_KEY, "S-DEK", "AES-128", Usage.TRANSPORT_OUT)),
         "AES"),
        ("a check value", {Usage.CARD_KEY, Usage.SECURE_CHANNEL, Usage.MASTER_DERIVE},
         lambda store, ref: store.card_key_kcv(CardKey(ref)), ""),
        ("unwrapping", {Usage.KEK, Usage.TRANSPORT_IN},
         lambda store, ref: store.unwrap(ref, WRAPPED, Wrapping.AES_KW), "AES-"),
        ("wrapping", {Usage.TRANSPORT_OUT},
         lambda store, ref: store.wrap(ref, Secret(bytes(16), "ki"), Wrapping.AES_KW), "AES-"),
        ("a marker", {Usage.DATA_MAC}, lambda store, ref: store.marker(ref, Binding("b", 1, 1), MarkerState.STARTED),
         "HMAC"),
        ("a duplicate digest", {Usage.DUP_DIGEST}, lambda store, ref: store.dup_digest(ref, "iccid", "1"), "HMAC"),
        ("a signature", {Usage.SIGN}, lambda store, ref: store.sign_content(ref, b"m"), ""),
        ("a checkpoint", {Usage.AUDIT_SIGN}, lambda store, ref: store.sign_audit(ref, b"m"), ""),
        ("a key agreement", {Usage.AGREE}, lambda store, ref: store.agree(ref, POINT), "EC"),
        ("expected card-secret", set(), lambda store, ref: store.card_secret(ref), ""),
    )  # fmt: skip

    @pytest.mark.requirement("K8")
    @pytest.mark.parametrize("purpose", range(len(PURPOSES)))
    def test_key_serves_its_purpose_and_no_other(self, keystore, purpose):
        what, usages, call, family = self.PURPOSES[purpose]
        for reference, (algorithm, usage, _) in KEYS.items():
            if usage not in usages:
                with pytest.raises(KeyStoreError, match=f"usage {usage}|no private key"):
                    call(keystore, reference)
            elif algorithm.startswith(family) and not self._refused_by_token(what, reference):
                assert call(keystore, reference) is not None

    def _refused_by_token(self, what, reference):
        return bool(self.unsupported) and (what == "a key for a card" or reference == "plant:dap-des")

    def test_payment_card_key_opens_no_session(self, keystore):
        for reference in ("plant:kmc", "plant:imk-ac"):
            key = CardKey(reference, Scheme.EMV_A, b"0" * 18)
            with pytest.raises(KeyStoreError, match="a session is not done with a payment card's master key"):
                keystore.scp02_session(CardKeySet(1, key, key, key), bytes(2))

    def test_issuer_master_key_goes_into_no_card_itself(self, keystore):
        dek = Key(GP_KEY[::-1], "S-DEK", "3DES-128", Usage.TRANSPORT_OUT)
        for call in (keystore.wrap_for_card, lambda key, dek: keystore.card_key_kcv(key)):
            with pytest.raises(KeyStoreError, match="key plant:imk-ac: usage imk-ac"):
                call(CardKey("plant:imk-ac"), dek)

    def test_payment_card_key_under_a_dek(self, keystore):
        """EMV vector `kd.derive_icc_mk_a 1`: the key, and its check value."""
        key = CardKey("plant:imk-ac", Scheme.EMV_A, b"990123456789012345")
        dek = Key(GP_KEY[::-1], "S-DEK", "3DES-128", Usage.TRANSPORT_OUT)
        decryptor = Cipher(block_cipher("3DES", GP_KEY[::-1]), modes.ECB()).decryptor()

        assert keystore.card_key_kcv(key).hex()[:4] == "1da5"
        assert decryptor.update(keystore.wrap_keys_for_card([key], dek)).hex() == "f84315c7b95bd3b0c74694922c3808b0"

    def test_bytes_to_diversify_with_need_a_scheme(self, keystore):
        with pytest.raises(KeyStoreError, match="10 bytes to diversify with, but scheme none"):
            keystore.card_key_kcv(CardKey("test:aes", Scheme.NONE, KDD))
