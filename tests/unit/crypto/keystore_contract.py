"""What every key store must do, whatever keeps its keys: the same tests run over memory, file and PKCS#11."""

import hmac

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from cardkit.crypto import Key, Secret, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Scheme
from cardkit.crypto.kcv import KCVMethod, block_cipher
from cardkit.crypto.mac import retail_mac
from cardkit.crypto.marker import Binding, MarkerState
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError
from tests.unit.crypto.contract_cardkeys import CardKeyContract
from tests.unit.crypto.contract_keys import (
    CODES,
    GP_KEY,
    KDD,
    KEYS,
    NEW_AES,
    POINT,
    SECURITY,
    WRAPPED,
    clear,
    cmac,
    key_set,
    pkcs8,
)


class KeyStoreContract(CardKeyContract):
    """All that a key store does: card keys, then data, signatures and the purposes of keys.

    A store that shows cards their codes says so with ``shows_codes``, and holds ``CODES``.
    """

    shows_codes = False

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
        ("expected card-secret", {Usage.CARD_SECRET}, lambda store, ref: store.card_secret(ref), ""),
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

    @pytest.mark.requirement("K8")
    @pytest.mark.parametrize("purpose", range(len(PURPOSES)))
    @pytest.mark.parametrize("reference", CODES)
    def test_code_is_shown_to_cards_and_nothing_else(self, keystore, purpose, reference):
        _, usages, call, _ = self.PURPOSES[purpose]
        if self.shows_codes and Usage.CARD_SECRET in usages:
            assert CODES[reference] == clear(call(keystore, reference))
            return
        with pytest.raises(KeyStoreError, match=f"key {reference}: "):
            call(keystore, reference)

    def test_code_has_a_length_and_no_check_value(self, keystore):
        for reference, value in CODES.items() if self.shows_codes else ():
            found = keystore.find(reference)
            assert (found.algorithm, found.bits, found.kcv) == ("", 8 * len(value), None)
            with pytest.raises(KeyStoreError, match=f"key {reference}: usage card-secret"):
                keystore.kcv(reference, KCVMethod.ZERO)

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
