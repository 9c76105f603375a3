"""What each calculation refuses, and how it says so; the last value it takes, and the first it does not."""

import hashlib
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from cardkit.crypto import Key, MemoryKeyStore, Usage, cvv, emvac, emvkeys, pinblock, pinvalue
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import Hiding, find_version
from cardkit.crypto.emvrsa import RsaPublicKey, check_exponent, signed_block
from cardkit.crypto.nibbles import packed_nibbles
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret
from cardkit.crypto.statickey import ClearKey
from cardkit.errors import EncodingError, KeyStoreError

from .crypto_vectors import AnyKey

DES = Key(bytes(range(16)), "k", "3DES-128", Usage.DATA_MAC)
AES = Key(bytes(range(16)), "k", "AES-128", Usage.DATA_MAC)
PVK = AnyKey(bytes(range(16)))
PAN, LONG_PAN = "1234567890123", "1234567890123456789"
VERSION = find_version("ccd", 0xA5)
TERMS = Ibm3624("0123456789012345")
DIGITS = "expected 1 to 16 digits of the PAN, and a hexadecimal digit"


def refused(call, message, error=EncodingError):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


@pytest.mark.parametrize(("arguments", "got"), [
    (("12345678901", "2912", "101"), "PAN of 11, expiry of 4, service code of 3 characters"),
    (("1" * 20, "2912", "101"), "PAN of 20, expiry of 4, service code of 3 characters"),
    ((PAN, "291", "101"), "PAN of 13, expiry of 3, service code of 3 characters"),
    ((PAN, "2912", "1011"), "PAN of 13, expiry of 4, service code of 4 characters"),
    ((PAN, "2912", "1A1"), "PAN of 13, expiry of 4, service code of 3 characters"),
    ((PAN[:-1] + "F", "2912", "101"), "PAN of 13, expiry of 4, service code of 3 characters"),
])  # fmt: skip
def test_cvv(arguments, got):
    refused(lambda: cvv.cvv(DES, *arguments), f"CVV: {got}, expected 12 to 19, 4 and 3 digits")


@pytest.mark.parametrize("pan", ["123456789012", LONG_PAN])
def test_cvv_of_the_shortest_and_the_longest_pan(pan):
    assert len(cvv.cvv(DES, pan, "2912", "101")) == 3


@pytest.mark.parametrize(("un", "atc"), [(3, 2), (5, 2), (4, 1), (4, 3)])
def test_cvc3(un, atc):
    message = f"CVC3: number of {un}, ATC of {atc} bytes, expected 4 and 2"
    refused(lambda: cvv.cvc3(DES, b"track", bytes(un), bytes(atc)), message)


@pytest.mark.parametrize(("cryptogram", "code"), [(7, 2), (9, 2), (8, 1), (8, 3)])
def test_arpc_1(cryptogram, code):
    message = f"ARPC: cryptogram of {cryptogram}, response code of {code} bytes, expected 8 and 2"
    refused(lambda: emvac.arpc_1(DES, bytes(cryptogram), bytes(code)), message)


@pytest.mark.parametrize(("cryptogram", "response"), [(7, 4), (8, 3), (8, 13)])
def test_arpc_2(cryptogram, response):
    message = f"ARPC: cryptogram of {cryptogram}, response of {response} bytes, expected 8 and 4 to 12"
    refused(lambda: emvac.arpc_2(DES, bytes(cryptogram), bytes(response)), message)


def test_arpc_1_with_aes_fills_the_block_up_behind():
    block = bytes.fromhex("0102030405060708") + bytes(8)
    expected = Cipher(algorithms.AES(bytes(range(16))), modes.ECB()).encryptor().update(block)[:8]

    assert emvac.arpc_1(AES, bytes.fromhex("3132030405060708"), b"00") == expected


@pytest.mark.parametrize("size", [0, 256])
def test_secret_data_of_scripts(size):
    message = f"secret data of a script: {size} bytes, expected 1 to 255"
    refused(lambda: emvac.hide(DES, bytes(size), Hiding.CBC), message)
    assert len(emvac.hide(DES, bytes(255), Hiding.LENGTH_ECB)) == 264


@pytest.mark.parametrize(
    ("atc", "un", "cryptogram"), [(1, 0, 0), (3, 0, 0), (2, 3, 0), (2, 5, 0), (2, 0, 7), (2, 4, 9)]
)
def test_transaction(atc, un, cryptogram):
    got = f"ATC of {atc}, unpredictable number of {un}, cryptogram of {cryptogram} bytes"
    refused(
        lambda: Transaction(VERSION, bytes(atc), bytes(un), bytes(cryptogram)),
        f"transaction: {got}, expected 2, 4 and 8",
    )


def test_script_counter_goes_round():
    transaction = Transaction(find_version("mchip", 0x14), b"\0\1", b"", b"\xff" * 8, command=2)

    assert transaction.script_diversifier() == bytes(7) + b"\1"


@pytest.mark.parametrize(("name", "number", "message"), [
    ("mchip", 0x10, "cryptogram version mchip 10: no unpredictable number 9F37"),
    ("interac", 0x85, "cryptogram version interac 85: no unpredictable number 9F37"),
])  # fmt: skip
def test_skd_needs_an_unpredictable_number(name, number, message):
    refused(Transaction(find_version(name, number), b"\0\1").cryptogram_diversifier, message)


def test_script_needs_a_cryptogram():
    message = "session key of a script: no cryptogram 9F26 of the transaction"
    refused(Transaction(VERSION, b"\0\1").script_diversifier, message)


@pytest.mark.parametrize("number", [0x0A, 0x12])
def test_ways_to_session_keys_that_need_3des(number):
    version = find_version("vsdc" if number == 0x0A else "mchip", number, "c")
    keystore = MemoryKeyStore({"iss:ac": Key(bytes(range(16)), "ac", "AES-128", Usage.IMK_AC)})
    key = CardKey("iss:ac", Scheme.EMV_C, emvkeys.card_digits(PAN, None))
    with pytest.raises(KeyStoreError, match=rf"key iss:ac/emv-c: AES-128, session keys by {version.session} need 3DES"):
        keystore.emv_cryptogram(key, Transaction(version, b"\0\1"), b"")


@pytest.mark.parametrize("size", [0, 7, 9])
def test_common_session_key(size):
    message = f"session key under k: diversified with {size} bytes, expected 8"
    refused(lambda: emvkeys.common_session(ClearKey(DES), bytes(size), Usage.DATA_MAC), message, KeyStoreError)


@pytest.mark.parametrize("make", [emvkeys.vis_session, emvkeys.tree_session])
def test_atc(make):
    message = "session key under k: ATC of 3 bytes, expected 2"
    refused(lambda: make(DES, bytes(3), Usage.DATA_MAC), message, KeyStoreError)


def test_session_keys_are_named_by_their_master():
    keys = (
        emvkeys.common_session(ClearKey(DES), bytes(8), Usage.DATA_MAC),
        emvkeys.common_session(ClearKey(AES), bytes(8), Usage.DATA_MAC),
        emvkeys.vis_session(DES, bytes(2), Usage.DATA_MAC),
        emvkeys.tree_session(DES, bytes(2), Usage.DATA_MAC),
    )

    assert [(key.name, key.usage) for key in keys] == [("k/session", Usage.DATA_MAC)] * 4


@pytest.mark.parametrize("option", [emvkeys.option_a, emvkeys.option_b, emvkeys.option_c])
@pytest.mark.parametrize("data", [b"123456789", b"1" * 22, b"12345678F01", b""])
def test_what_a_card_key_is_derived_with(option, data):
    message = f"key iss:ac: diversification over {len(data)} characters, expected 10 to 21 digits"
    refused(lambda: option("iss:ac", data), message, KeyStoreError)


@pytest.mark.parametrize(("pan", "psn"), [("1234567", "01"), ("1" * 20, "01"), (PAN, "1"), (PAN, "001"), (PAN, "0A"),
                                          ("\u0661" * 16, "01")])  # fmt: skip
def test_card_digits(pan, psn):
    message = f"PAN of {len(pan)} and PSN of {len(psn)} characters, expected 8 to 19 digits and 2"
    refused(lambda: emvkeys.card_digits(pan, psn), message)
    assert emvkeys.card_digits("1" * 19, None) == b"1" * 19 + b"00"


def test_option_b_of_a_hash_with_few_digits():
    """Its letters follow, less ten, in order; the hash is written out here."""
    digits = "999999000000000033301"
    digest = hashlib.sha1(bytes.fromhex(digits.zfill(22))).hexdigest()
    numbers = "".join(c for c in digest if c in "0123456789")
    letters = "".join(str("abcdef".index(c)) for c in digest if c in "abcdef")
    assert len(numbers) < 16

    assert emvkeys.option_b("k", digits.encode())[:8].hex() == (numbers + letters)[:16]


def test_exponents():
    refused(lambda: check_exponent("CAPK", b""), "CAPK: public exponent absent, expected 03 or 010001")
    refused(lambda: check_exponent("CAPK", b"\x0b"), "CAPK: public exponent 0B, expected 03 or 010001")
    odd = RsaPublicKey(bytes(63) + b"\1", b"\5")
    message = "key k: public exponent 05, expected 03 or 010001"
    refused(lambda: signed_block(odd, "k", b"\4" + bytes(41), b""), message, KeyStoreError)


def test_modulus():
    refused(lambda: RsaPublicKey(bytes(8), b"\3").recover(bytes(8)), "RSA: modulus of 8 bytes is even, so it is none")
    refused(lambda: RsaPublicKey(bytes(8), b"\3").recover(bytes(9)), "RSA: block of 9 bytes, expected 8 as the modulus")


def test_nibbles_come_in_pairs():
    with pytest.raises(ValueError, match="shorter"):
        packed_nibbles([1, 2, 3])


@pytest.mark.parametrize("pin", [b"123", b"1" * 13, b"12F4", b""])
def test_pins(pin):
    message = f"PIN of {len(pin)} characters: expected 4 to 12 digits"
    refused(lambda: pinblock.check_pin(pin), message)
    refused(lambda: pinblock.check_pin(Secret(pin, "pin")), message)
    refused(lambda: pinblock.format_2(Secret(pin, "pin")), message)


def test_block_of_a_card_is_named():
    assert repr(pinblock.format_2(Secret(b"1234", "pin"))) == "<Secret PIN block, 8 bytes>"


@pytest.mark.parametrize(("form", "block"), [
    (PinFormat.ISO_2, "141234FFFFFFFFFF"),  # of another format
    (PinFormat.ISO_2, "231234FFFFFFFFFF"), (PinFormat.ISO_2, "2D12341234123412"),  # 3 and 13 digits
    (PinFormat.ISO_2, "24123AFFFFFFFFFF"), (PinFormat.ISO_2, "241234EFFFFFFFFF"), (PinFormat.ISO_2, "241234FFFFFFFFF0"),
    (PinFormat.ISO_3, "3412349FFFFFFFFF"), (PinFormat.ISO_3, "341234AAAAAAAAA9"), (PinFormat.ISO_0, "041234AFFFFFFFFF"),
    (PinFormat.ISO_1, "0412340000000000"), (PinFormat.ISO_1, "14123F0000000000"),
])  # fmt: skip
def test_blocks_that_are_none(form, block):
    """For formats 0 and 3 the PAN part is zeros, so that the block stands as it is."""
    pan = "0" * 13
    refused(
        lambda: pinblock.read_block(form, bytes.fromhex(block), pan),
        f"PIN block: not of format {form}, or of another PAN or key",
    )


@pytest.mark.parametrize(("form", "block"), [
    (PinFormat.ISO_0, "041234FFFFFFFFFF"), (PinFormat.ISO_1, "1412340123456789"), (PinFormat.ISO_3, "341234ABCDEFABCD"),
    (PinFormat.ISO_2, "241234FFFFFFFFFF"),
])  # fmt: skip
def test_blocks_that_are_right(form, block):
    assert pinblock.read_block(form, bytes.fromhex(block), "0" * 13) == b"1234"


@pytest.mark.parametrize("field", ["441234AAAAAAAAA9", "44123AAAAAAAAAAA", "541234AAAAAAAAAA", "431234AAAAAAAAAA"])
def test_fields_of_format_4_that_are_none(field):
    mixed = int(field + "00" * 8, 16) ^ int.from_bytes(pinblock.pan_field_4(PAN), "big")
    refused(
        lambda: pinblock.decipher_format_4(mixed.to_bytes(16, "big"), PAN, bytes),
        "PIN block: not of format 4, or of another PAN or key",
    )


def test_sizes_of_blocks():
    refused(
        lambda: pinblock.read_block(PinFormat.ISO_0, bytes(7), PAN),
        "PIN block of format 0: 7 bytes, expected 8 (format 4 has 16)",
    )
    refused(
        lambda: pinblock.read_block(PinFormat.ISO_4, bytes(8), PAN),
        "PIN block of format 4: 8 bytes, expected 8 (format 4 has 16)",
    )
    refused(lambda: pinblock.decipher_format_4(bytes(8), PAN, bytes), "PIN block of format 4: 8 bytes, expected 16")
    refused(
        lambda: pinblock.plain_block(PinFormat.ISO_4, b"1234", PAN, bytes),
        "PIN block of format 4: has 16 bytes, see encipher_format_4",
    )
    store = MemoryKeyStore({"zone:des": Key(bytes(range(16)), "z", "3DES-128", Usage.PIN_ENC)})
    source = EncipheredPin("zone:des", bytes(16), PinFormat.ISO_0, PAN)
    refused(lambda: store.translate_pin(source, "zone:des", PinFormat.ISO_0, PAN),
            "PIN block of format 0: 16 bytes, expected 8")  # fmt: skip


@pytest.mark.parametrize("pan", ["123456789012", "12345678901F3", ""])
def test_pans_of_blocks(pan):
    message = f"PIN block of format 0: PAN of {len(pan)} characters, expected 13 digits or more"
    refused(lambda: pinblock.plain_block(PinFormat.ISO_0, b"1234", pan, bytes), message)


@pytest.mark.parametrize("pan", ["", "1" * 20, "12F"])
def test_pan_fields(pan):
    refused(lambda: pinblock.pan_field_4(pan), f"PAN of {len(pan)} characters: expected 1 to 19 digits")


@pytest.mark.parametrize(("pan", "pvki"), [("12345678901", "1"), (PAN, "12"), (PAN, ""), (PAN, "A"), ("1F" * 8, "1")])
def test_pvv(pan, pvki):
    message = f"PVV: PAN of {len(pan)}, key index of {len(pvki)} characters, expected 12 digits or more, 1"
    refused(lambda: pinvalue.pvv(PVK, pan, pvki, b"1234"), message)


@pytest.mark.parametrize(("terms", "message"), [
    ({"table": "012345678901234"}, "decimalization table of 15 characters, expected 16 digits"),
    ({"table": "012345678901234A"}, "decimalization table of 16 characters, expected 16 digits"),
    ({"start": -1}, f"digits -1 to 15, pad 'F', {DIGITS}"),
    ({"length": 0}, f"digits 0 to 0, pad 'F', {DIGITS}"),
    ({"start": 1, "length": 17}, f"digits 1 to 18, pad 'F', {DIGITS}"),
    ({"pad": "G"}, f"digits 0 to 16, pad 'G', {DIGITS}"),
])  # fmt: skip
def test_terms_of_ibm_3624(terms, message):
    refused(lambda: Ibm3624(**{"table": "0123456789012345", **terms}), f"IBM 3624: {message}")


@pytest.mark.parametrize(("pan", "size", "digits"), [(PAN, 4, 13), ("123456789012345F", 4, 16), (LONG_PAN, 3, 16),
                                                     (LONG_PAN, 13, 16)])  # fmt: skip
def test_pans_of_ibm_3624(pan, size, digits):
    message = f"IBM 3624: {digits} digits of the PAN for a PIN of {size}, expected 16 for 4 to 12"
    refused(lambda: pinvalue.natural_pin(PVK, pan, TERMS, size), message)


def test_longest_natural_pin_and_digits_of_letters():
    assert len(pinvalue.natural_pin(PVK, LONG_PAN, TERMS, 12)) == 12
    assert pinvalue.decimalized(bytes.fromhex("AFA9"), 4) == "9050"


class BlindStore(MemoryKeyStore):
    """Its keys do not decipher."""

    @contextmanager
    def _card_key(self, key, purpose, allowed):
        yield PVK


def test_store_that_does_not_decipher():
    source = EncipheredPin("zone:des", bytes(8), PinFormat.ISO_0, PAN)
    refused(lambda: BlindStore().pvv("iss:pvk", PAN, "1", source),
            "key vector: this store does not decipher PIN blocks", KeyStoreError)  # fmt: skip


def test_version_that_is_none_is_told_with_all_there_are():
    with pytest.raises(EncodingError, match=r"cryptogram version vsdc 01: expected one of vsdc 0A, vsdc 11, vsdc 12, "):
        find_version("vsdc", 1)
