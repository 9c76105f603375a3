"""What every key store must do for payment cards: the same tests run over memory, file and PKCS#11."""

from datetime import date

import pytest

from cardkit.apps.emv.oda.create import Subject, create_icc_certificate
from cardkit.apps.emv.oda.recover import recover_icc
from cardkit.crypto import Key, Usage
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import VERSIONS, find_version
from cardkit.crypto.emvkeys import card_digits
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import EncodingError, KeyStoreError

from .crypto_vectors import EMV, FOLDER

MASTER = "0123456789ABCDEFFEDCBA9876543210"
ZONE = bytes(range(0x60, 0x70))
DEK = bytes(range(0x40, 0x50))


def signing_key():
    return (FOLDER / "keys" / "emv-1152-3.der").read_bytes()


PAYMENT_KEYS = {
    # reference: algorithm, usage, clear value
    "iss:ac": ("3DES-128", Usage.IMK_AC, bytes.fromhex(MASTER)),
    "iss:smi": ("3DES-128", Usage.IMK_SMI, bytes.fromhex("FEDCBA98765432100123456789ABCDEF")),
    "iss:smc": ("3DES-128", Usage.IMK_SMC, bytes.fromhex("89ABCDEF0123456776543210FEDCBA98")),
    "iss:idn": ("3DES-128", Usage.IMK_IDN, bytes(range(0x70, 0x80))),
    "iss:cvc3": ("3DES-128", Usage.IMK_CVC3, bytes.fromhex(MASTER)),
    "iss:ac-aes": ("AES-128", Usage.IMK_AC, bytes(range(16))),
    "iss:smi-aes": ("AES-256", Usage.IMK_SMI, bytes(range(32))),
    "iss:smc-aes": ("AES-256", Usage.IMK_SMC, bytes(range(32))),
    "iss:cvk": ("3DES-128", Usage.CVK, bytes.fromhex("99999999999999998888888888888888")),
    "iss:pvk": ("3DES-128", Usage.PVK, bytes.fromhex(MASTER)),
    "zone:des": ("3DES-128", Usage.PIN_ENC, ZONE),
    "zone:aes": ("AES-128", Usage.PIN_ENC, bytes.fromhex("00112233445566778899AABBCCDDEEFF")),
    "iss:rsa": ("RSA-1152", Usage.EMV_SIGN, signing_key()),
    "card:dek": ("3DES-128", Usage.SECURE_CHANNEL, DEK),
    "card:dek-aes": ("AES-128", Usage.SECURE_CHANNEL, DEK),
    "plant:kmc": ("3DES-128", Usage.MASTER_DERIVE, bytes(range(0x50, 0x60))),
    "plant:dap": ("RSA-1024", Usage.SIGN, (FOLDER / "keys" / "rsa-1024.der").read_bytes()),
}
PAN, DIGITS = "1234567890123456", card_digits("1234567890123456", "00")
LONG = card_digits("9999990000000000006", "01")
CRYPTOGRAM = bytes.fromhex("29CCA15AE665FA2E")


def key(role, scheme=Scheme.EMV_A, digits=DIGITS):
    return CardKey(f"iss:{role}", scheme, digits)


def transaction(family="vsdc", number=0x12, command=0):
    return Transaction(
        find_version(family, number), b"\0\x1c", bytes.fromhex("52BF4585"), CRYPTOGRAM, command
    )  # fmt: skip


def result_of(call):
    return next(v["out"]["result"] for v in EMV if v["name"] == call)


def pin(text=b"1234"):
    return Secret(text, "pin")


def opened(reference, data):
    """Decrypt what stands under a DEK of the contract."""
    algorithm = PAYMENT_KEYS[reference][0]
    clear = ClearKey(Key(DEK, "dek", algorithm, Usage.SECURE_CHANNEL))
    return b"".join(clear.cbc_decrypt(data[at : at + 8]) for at in range(0, len(data), 8)) if algorithm[0] == "3" else (
        clear.cbc_decrypt(data)
    )  # fmt: skip


class PaymentContract:
    """Give a fixture ``keystore`` that holds ``PAYMENT_KEYS``; ``unsupported`` names what the store refuses."""

    unsupported: frozenset[str] = frozenset()

    def test_cryptogram_and_answer(self, keystore):
        data = bytes.fromhex("0000000040000000000000000124800004800001241911050152BF45851800001C06011203A0B800")
        made = keystore.emv_cryptogram(key("ac", Scheme.EMV_B), transaction(), data)
        answered = Transaction(find_version("vsdc", 0x12), b"\0\x1c", b"", made)

        assert made.hex().upper() == result_of("cvn.VisaCVN18.generate_ac 1")
        assert keystore.emv_arpc(key("ac", Scheme.EMV_B), answered, bytes(4)).hex().upper() == (
            result_of("cvn.VisaCVN18.generate_arpc 1") + "00000000"
        )

    def test_cryptogram_with_the_master_key_itself(self, keystore):
        """VSDC 10: the card's key never was a session key, and is derived in a buffer where a token must give it."""
        data = bytes.fromhex("0000000040000000000000000124800004800001241911050152BF45851800001C03A06010")
        made = keystore.emv_cryptogram(key("ac"), transaction("vsdc", 0x0A), data)

        assert made.hex().upper() == result_of("cvn.VisaCVN10.generate_ac 1")

    def test_scripts(self, keystore):
        moment = transaction("vsdc", 0x0A)
        message = moment.script_message(bytes.fromhex("8418000008"), b"")
        hidden = keystore.emv_script_pin((key("smc"), key("ac")), moment, NewPin(pin(b"9999")))

        assert keystore.emv_script_mac(key("smi"), moment, message).hex().upper() == (
            result_of("cvn.VisaCVN10.generate_command_mac 1")
        )
        expected = bytes.fromhex(result_of("cvn.VisaCVN10.generate_pin_change_command 1"))[5:-8]
        assert hidden == expected
        assert len(keystore.emv_script_data(key("smc"), moment, b"\1")) == 8

    def test_aes_cards(self, keystore):
        """Option C and EMV's common session key, recomputed here block by block."""
        digits = bytes.fromhex(LONG.decode().zfill(32))
        master = aes(PAYMENT_KEYS["iss:ac-aes"][2]).ecb(digits)
        session = aes(master).ecb(b"\0\x1c" + bytes(14))
        moment = transaction("ccd", 0xA6)

        assert (
            keystore.emv_cryptogram(key("ac-aes", Scheme.EMV_C, LONG), moment, b"data")
            == (aes(session).cmac(b"data")[:8])
        )

    def test_long_aes_keys(self, keystore):
        digits = bytes.fromhex(LONG.decode().zfill(32))
        inverse = bytes(byte ^ 0xFF for byte in digits)
        master = aes(bytes(range(32))).ecb(digits + inverse)
        halves = (CRYPTOGRAM[:2] + bytes((half,)) + CRYPTOGRAM[3:] + bytes(8) for half in (0xF0, 0x0F))
        session = aes(aes(master).ecb(b"".join(halves)))
        moment, smi, smc = transaction("ccd", 0xA6), *(key(f"{r}-aes", Scheme.EMV_C, LONG) for r in ("smi", "smc"))

        assert keystore.emv_script_mac(smi, moment, b"message") == session.cmac(b"message")[:8]
        assert keystore.emv_script_data(smc, moment, b"\1\2") == session.cbc(b"\1\2\x80" + bytes(13))

    def test_certificate(self, keystore):
        card_key = RsaPublicKey(b"\xc1" + bytes(126) + b"\1", b"\3")
        subject = Subject(PAN, card_key, date(2029, 12, 31), b"\0\0\1")
        signed = create_icc_certificate(keystore, "iss:rsa", subject, b"static")

        assert recover_icc(keystore.emv_public("iss:rsa"), signed, b"static", pan=PAN).checked().key == card_key
        with pytest.raises(KeyStoreError, match="format 05, expected 02, 03 or 04"):
            keystore.emv_sign("iss:rsa", b"\5" + bytes(121), b"")

    def test_card_verification_value(self, keystore):
        if "single DES" in self.unsupported:
            with pytest.raises(KeyStoreError, match=r"not extractable.*a card verification value"):
                keystore.cvv("iss:cvk", "2222222222222222", "3333", "111")
        else:
            assert keystore.cvv("iss:cvk", "2222222222222222", "3333", "111") == "361"

    def test_dynamic_verification_code(self, keystore):
        assert len(keystore.cvc3(key("cvc3"), b"track", bytes(4), b"\0\1")) == 5

    def test_pin_values(self, keystore):
        table = Ibm3624("1234567890123456")

        assert keystore.pvv("iss:pvk", "1122334455667788", "1", pin(b"4524")) == "8523"
        assert keystore.ibm3624_offset("iss:pvk", "1122334455667788", table, pin(b"5635")) == "1111"

    def test_enciphered_pin_is_never_seen(self, keystore):
        """ISO format 4 vector; format 0 under the other zone key, and into a card's PIN block."""
        block = bytes.fromhex("28B41FDDD29B743E93124BD8E32D921E")
        source = EncipheredPin("zone:aes", block, PinFormat.ISO_4, "1234567890123456789")
        other = keystore.translate_pin(source, "zone:des", PinFormat.ISO_0, "5555555551234567")
        des = ClearKey(Key(ZONE, "zone", "3DES-128", Usage.PIN_ENC))

        assert des.cbc_decrypt(other).hex().upper() == "041261AAAAEDCBA9"
        again = EncipheredPin("zone:des", other, PinFormat.ISO_0, "5555555551234567")
        assert opened("card:dek", keystore.pin_for_card(again, CardKey("card:dek"))).hex() == "241234ffffffffff"
        assert keystore.pvv("iss:pvk", "1122334455667788", "1", again) == (
            keystore.pvv("iss:pvk", "1122334455667788", "1", pin())
        )

    def test_pin_block_under_an_aes_dek_is_filled_up(self, keystore):
        dek = keystore.pin_for_card(pin(), CardKey("card:dek-aes"))

        assert opened("card:dek-aes", dek).hex() == "241234ffffffffff" + "80" + "00" * 7

    @pytest.mark.parametrize("form", [PinFormat.ISO_1, PinFormat.ISO_3, PinFormat.ISO_4])
    def test_random_pin_blocks_come_back(self, keystore, form):
        zone = "zone:aes" if form is PinFormat.ISO_4 else "zone:des"
        one, two = (keystore.translate_pin(pin(b"123456"), zone, form, PAN) for _ in range(2))
        source = EncipheredPin(zone, one, form, PAN)

        assert one != two
        assert keystore.ibm3624_offset("iss:pvk", PAN, Ibm3624("0123456789012345"), source) == (
            keystore.ibm3624_offset("iss:pvk", PAN, Ibm3624("0123456789012345"), pin(b"123456"))
        )

    def test_pin_of_another_card_is_an_error(self, keystore):
        block = keystore.translate_pin(pin(), "zone:des", PinFormat.ISO_0, PAN)
        source = EncipheredPin("zone:des", block, PinFormat.ISO_0, PAN[:-2] + "99")
        with pytest.raises(EncodingError, match="not of format 0, or of another PAN or key"):
            keystore.pvv("iss:pvk", PAN, "1", source)

    @pytest.mark.parametrize(("form", "zone"), [(PinFormat.ISO_4, "zone:des"), (PinFormat.ISO_0, "zone:aes")])
    def test_pin_block_and_cipher_go_together(self, keystore, form, zone):
        with pytest.raises(KeyStoreError, match=f"PIN blocks of format {form:d} go under"):
            keystore.translate_pin(pin(), zone, form, PAN)

    def test_pin_blocks_of_cards_go_under_no_zone_key(self, keystore):
        with pytest.raises(EncodingError, match="format 2: is for cards"):
            keystore.translate_pin(pin(), "zone:des", PinFormat.ISO_2, PAN)

    @pytest.mark.parametrize("version", VERSIONS.values(), ids=[v.name for v in VERSIONS.values()])
    def test_every_version_calculates(self, keystore, version):
        moment = Transaction(version, b"\0\1", bytes(4), bytes(8))
        suffix, scheme = ("-aes", Scheme.EMV_C) if version.option is Scheme.EMV_C else ("", version.option)
        ac, smi, smc = (key(role + suffix, scheme, LONG) for role in ("ac", "smi", "smc"))

        assert len(keystore.emv_cryptogram(ac, moment, b"data")) == 8
        if version.scripting is None:
            with pytest.raises(EncodingError, match="has no"):
                keystore.emv_script_mac(smi, moment, b"")
            with pytest.raises(EncodingError, match="has no issuer authentication"):
                keystore.emv_arpc(ac, moment, b"00")
        else:
            response = bytes(4) if version.arpc.value == "method 2" else b"00"
            assert len(keystore.emv_arpc(ac, moment, response)) in (8, 10)
            assert len(keystore.emv_script_mac(smi, moment, b"")) == 8
            assert len(keystore.emv_script_pin((smc, ac), moment, NewPin(pin()))) in (8, 16)

    # K8: each operation, and the one purpose whose keys serve it.
    PURPOSES = (
        ("a cryptogram", Usage.IMK_AC, lambda store, ref: store.emv_cryptogram(card(ref), transaction(), b"")),
        ("a cryptogram", Usage.IMK_AC, lambda store, ref: store.emv_cryptogram(
            card(ref), transaction("vsdc", 0x0A), b"")),
        ("a cryptogram", Usage.IMK_AC, lambda store, ref: store.emv_arpc(card(ref), transaction(), bytes(4))),
        ("a script MAC", Usage.IMK_SMI, lambda store, ref: store.emv_script_mac(card(ref), transaction(), b"")),
        ("secret data", Usage.IMK_SMC, lambda store, ref: store.emv_script_data(card(ref), transaction(), b"1")),
        ("secret data", Usage.IMK_SMC, lambda store, ref: store.emv_script_pin(
            (card(ref), key("ac")), transaction(), NewPin(pin()))),
        ("a cryptogram", Usage.IMK_AC, lambda store, ref: store.emv_script_pin(
            (key("smc"), card(ref)), transaction(), NewPin(pin()))),
        ("a dynamic verification code", Usage.IMK_CVC3, lambda store, ref: store.cvc3(
            card(ref), b"t", bytes(4), bytes(2))),
        ("a card verification value", Usage.CVK, lambda store, ref: store.cvv(ref, PAN, "2912", "999")),
        ("a PIN verification value", Usage.PVK, lambda store, ref: store.pvv(ref, PAN, "1", pin())),
        ("a PIN verification value", Usage.PVK, lambda store, ref: store.ibm3624_offset(
            ref, PAN, Ibm3624("0" * 16), pin())),
        ("a PIN block", Usage.PIN_ENC, lambda store, ref: store.translate_pin(pin(), ref, PinFormat.ISO_0, PAN)),
        ("a PIN block", Usage.PIN_ENC, lambda store, ref: store.pin_for_card(
            EncipheredPin(ref, bytes(8), PinFormat.ISO_0, PAN), CardKey("card:dek"))),
        ("a certificate", Usage.EMV_SIGN, lambda store, ref: store.emv_sign(ref, b"\4" + bytes(121), b"")),
        ("a certificate", Usage.EMV_SIGN, lambda store, ref: store.emv_public(ref)),
    )  # fmt: skip

    @pytest.mark.parametrize("number", range(len(PURPOSES)))
    def test_key_serves_its_purpose_and_no_other(self, keystore, number):
        what, right, call = self.PURPOSES[number]
        for reference, (_, usage, _) in PAYMENT_KEYS.items():
            if usage is not right:
                with pytest.raises(
                    KeyStoreError, match=f"key {reference}: usage {usage}, {what}|no private key|a private"
                ):
                    call(keystore, reference)

    def test_another_key_of_the_same_master_is_another_card(self, keystore):
        one, two = (keystore.emv_cryptogram(key("ac", digits=card_digits(PAN, psn)), transaction(), b"")
                    for psn in ("00", "01"))  # fmt: skip

        assert one != two

    def test_card_key_check_values_for_dgi_9000(self, keystore):
        for role in ("ac", "smi", "smc", "idn"):
            assert len(keystore.card_key_kcv(key(role))) == 3
        assert keystore.card_key_kcv(key("ac")).hex().upper()[:4] == result_of("tools.key_check_digits 4")


def aes(value):
    return ClearKey(Key(value, "aes", f"AES-{8 * len(value)}", Usage.SECURE_CHANNEL))


def card(reference):
    return CardKey(reference, Scheme.EMV_A, DIGITS)
