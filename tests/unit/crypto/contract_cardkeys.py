"""What every key store does with the keys of cards: check values, sessions, keys under keys."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, Role, Scheme
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.kcv import KCVMethod, block_cipher
from cardkit.errors import KeyStoreError
from tests.unit.crypto.contract_keys import (
    AES_SET,
    DES_SET,
    GP_CRYPTO,
    GP_KEY,
    GP_KEYS,
    KDD,
    KEYS,
    NEW_AES,
    NEW_DES,
    SECURITY,
    aes_cbc,
    aes_cbc_decrypt,
    clear,
    cmac,
    key_set,
    pkcs8,
)


class Contract:
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


class CardKeyContract(Contract):
    """Card keys, their sessions, and keys that travel under them."""

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

    @pytest.mark.requirement("K15")
    def test_digest_of_a_card_key(self, keystore):
        """The same from every store, also where the key stays inside."""
        digests = DupDigests(Key(bytes(32), "digests", "HMAC-256", Usage.DUP_DIGEST))
        derived = cmac(GP_KEY, bytes((1, 0, 0, 0, 2, 0)) + KDD)
        for key, value in (
            (CardKey("test:aes"), GP_KEY),
            (CardKey("plant:kmc-aes", Scheme.KDF3, KDD, Role.MAC), derived),
        ):
            block = Cipher(algorithms.AES(value), modes.ECB()).encryptor().update(bytes(range(0x10, 0x20)))
            expected = hmac.digest(bytes(32), b"cardkit-key-1\0KVN 30 enc\0" + block, "sha256")

            assert expected == keystore.card_key_digest(key, "KVN 30 enc", digests)

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
