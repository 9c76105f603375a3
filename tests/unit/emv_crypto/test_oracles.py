"""pyemv and psec, which share no code with us, give the same on random input."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psec import cvv as psec_cvv
from psec import des
from psec import pin as psec_pin
from psec import pinblock as psec_pinblock
from pyemv import ac, cvn, cvv, kd, sm

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.emvac import Transaction, arpc_2
from cardkit.crypto.emvcvn import cryptogram_data, find_version
from cardkit.crypto.emvkeys import card_digits, emv2000_tree, odd_parity
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.pinblock import EncipheredPin, PinFormat
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret

# The oracles use 3DES as `cryptography` had it.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
few = settings(max_examples=25, deadline=None)


def binary(size):
    return st.binary(min_size=size, max_size=size)


def digits(least, most):
    return st.text("0123456789", min_size=least, max_size=most)


des_keys = (
    binary(16).filter(lambda key: odd_parity(key[:8]) != odd_parity(key[8:])).map(lambda key: bytes(odd_parity(key)))
)
pans, psns, pins = digits(12, 19), digits(2, 2), digits(4, 12)
FIELDS = {"9F02": 6, "9F03": 6, "9F1A": 2, "95": 5, "5F2A": 2, "9A": 3, "9C": 1, "9F37": 4, "82": 2, "9F36": 2}
CLASSES = {
    "vsdc 0A": cvn.VisaCVN10, "vsdc 12": cvn.VisaCVN18, "vsdc 22": cvn.VisaCVN22, "interac 85": cvn.InteracCVN133,
    "mchip 10": cvn.MasterCardCVN16, "mchip 11": cvn.MasterCardCVN17, "mchip 14": cvn.MasterCardCVN20,
    "mchip 15": cvn.MasterCardCVN21,
}  # fmt: skip


def version_of(name):
    family, number = name.split()
    return find_version(family, int(number, 16))


def store(**keys):
    usages = {"ac": Usage.IMK_AC, "smi": Usage.IMK_SMI, "smc": Usage.IMK_SMC, "cvc3": Usage.IMK_CVC3,
              "cvk": Usage.CVK, "pvk": Usage.PVK, "zone": Usage.PIN_ENC}  # fmt: skip
    return MemoryKeyStore({f"iss:{name}": Key(value, name, f"3DES-{8 * len(value)}", usages[name])
                           for name, value in keys.items()})  # fmt: skip


def pin_of(text):
    return Secret(text.encode(), "pin")


@few
@given(des_keys, pans, psns)
def test_card_keys(master, pan, psn):
    keystore, data = store(ac=master), card_digits(pan, psn)
    for scheme, oracle in ((Scheme.EMV_A, kd.derive_icc_mk_a), (Scheme.EMV_B, kd.derive_icc_mk_b)):
        with keystore._clear_card_key(CardKey("iss:ac", scheme, data), "a cryptogram", (Usage.IMK_AC,)) as made:
            assert made == Key(oracle(master, pan, psn), "oracle", "3DES-128", Usage.SECURE_CHANNEL)
        check = keystore.card_key_kcv(CardKey("iss:ac", scheme, data)).hex().upper()
        assert check == MemoryKeyStore({"x:y": Key(oracle(master, pan, psn), "y", "3DES-128", Usage.KEK)}).kcv(
            "x:y", KCVMethod.ZERO
        )


@few
@given(des_keys, binary(2), st.sampled_from([(4, 8), (2, 16)]), binary(16))
def test_emv2000_tree(master, atc, shape, iv):
    branch, height = shape

    assert odd_parity(emv2000_tree(master, atc, branch, iv)) == kd.derive_emv2000_tree_sk(
        master, atc, height, branch, iv
    )


@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=6, deadline=None)
@given(st.data())
def test_transaction(name, data):
    """A whole transaction of a random card: cryptogram, answer, script MAC, secret data, a new PIN."""
    masters = {role: data.draw(des_keys) for role in ("ac", "smi", "smc")}
    pan, psn = data.draw(pans), data.draw(psns)
    fields = {tag: data.draw(binary(size)) for tag, size in FIELDS.items()}
    card = CLASSES[name](*masters.values(), pan, psn)
    moment, cryptogram = check_cryptogram(name, data, masters, card_digits(pan, psn), fields, card)
    check_answer(name, data, masters, card_digits(pan, psn), moment, card)
    check_scripts(name, data, masters, card_digits(pan, psn), moment, card)
    assert moment.cryptogram == cryptogram


def keys_of(version, pan_digits):
    return {role: CardKey(f"iss:{role}", version.option, pan_digits) for role in ("ac", "smi", "smc")}


def check_cryptogram(name, data, masters, pan_digits, fields, card):
    version = version_of(name)
    cvr, counters = data.draw(binary(3 if name == "vsdc 0A" else 6)), data.draw(binary(8))
    arguments = {f"tag_{tag.lower()}": value for tag, value in fields.items()}
    if name == "vsdc 0A":
        issuer_data, arguments["cvr"] = b"\x06\x01\x0a\x03" + cvr, b"\x03" + cvr
    elif name.startswith("mchip"):
        issuer_data, arguments["cvr"] = bytes((1, version.number)) + cvr + bytes(2) + counters, cvr
        if version.number & 1:
            arguments["counters"] = counters
    else:
        issuer_data = arguments["tag_9f10"] = data.draw(st.binary(min_size=7, max_size=32))
    moment = Transaction(version, fields["9F36"], fields["9F37"])
    values = {bytes.fromhex(tag): value for tag, value in fields.items()} | {b"\x9f\x10": issuer_data}
    made = store(**masters).emv_cryptogram(keys_of(version, pan_digits)["ac"], moment, cryptogram_data(version, values))

    assert made == card.generate_ac(**arguments)
    return Transaction(version, fields["9F36"], fields["9F37"], made), made


def check_answer(name, data, masters, pan_digits, moment, card):
    arguments = {"tag_9f26": moment.cryptogram}
    if name in ("vsdc 12", "vsdc 22", "mchip 14", "mchip 15", "interac 85"):
        arguments["tag_9f36"] = moment.atc
    if name == "interac 85":
        arguments["tag_9f37"] = moment.unpredictable
    if moment.version.arpc.value == "method 2":
        response, more = data.draw(binary(4)), data.draw(st.binary(max_size=8))
        arguments |= {"csu": response, "proprietary_auth_data": more}
        response += more
    else:
        response = arguments["arpc_rc"] = data.draw(binary(2))
    made = store(**masters).emv_arpc(keys_of(moment.version, pan_digits)["ac"], moment, response)

    assert made == card.generate_arpc(**arguments) + response


def check_scripts(name, data, masters, pan_digits, moment, card):
    keystore, keys = store(**masters), keys_of(moment.version, pan_digits)
    header, plain = data.draw(binary(5)), data.draw(st.binary(min_size=1, max_size=60))
    context = {"tag_9f26": moment.cryptogram, "tag_9f36": moment.atc}
    if name == "interac 85":
        del context["tag_9f36"]
    made = keystore.emv_script_mac(keys["smi"], moment, moment.script_message(header, plain))
    assert made == card.generate_command_mac(header, **context, command_data=plain)

    vis = name in ("vsdc 0A", "vsdc 12")
    hidden = keystore.emv_script_data(keys["smc"], moment, plain)
    assert hidden == card.encrypt_command_data(plain, moment.atc if vis else moment.cryptogram)

    new, old = data.draw(pins), data.draw(pins)
    change = NewPin(pin_of(new), pin_of(old) if name.startswith("vsdc") else None)
    extra = {"current_pin": old} if name.startswith("vsdc") else {}
    command = card.generate_pin_change_command(new, **context, **extra)
    assert keystore.emv_script_pin((keys["smc"], keys["ac"]), moment, change) == command[5:-8]


@few
@given(des_keys, binary(8), binary(4), st.binary(max_size=8))
def test_arpc_2(session, cryptogram, csu, more):
    key = Key(session, "session", "3DES-128", Usage.DATA_MAC)
    assert arpc_2(key, cryptogram, csu + more) == ac.generate_arpc_2(session, cryptogram, csu, more)


@few
@given(des_keys, pans, psns, st.binary(min_size=1, max_size=40), digits(8, 8), binary(2))
def test_cvc3(master, pan, psn, track, unpredictable, atc):
    icc, un = kd.derive_icc_mk_a(master, pan, psn), bytes.fromhex(unpredictable)
    code = store(cvc3=master).cvc3(CardKey("iss:cvc3", Scheme.EMV_A, card_digits(pan, psn)), track, un, atc)

    assert len(code) == 5
    assert str(int(code)) == cvv.generate_cvc3(icc, track, atc, un)


@few
@given(des_keys, digits(13, 19), digits(4, 4), digits(3, 3))
def test_card_verification_values(key, pan, expiry, service_code):
    assert store(cvk=key).cvv("iss:cvk", pan, expiry, service_code) == psec_cvv.generate_cvv(
        key, pan, expiry, service_code
    )


@few
@given(des_keys, digits(12, 19), digits(1, 1), pins)
def test_pin_verification_values(key, pan, pvki, pin):
    assert store(pvk=key).pvv("iss:pvk", pan, pvki, pin_of(pin)) == psec_pin.generate_visa_pvv(key, pvki, pin[:4], pan)


@few
@given(
    des_keys,
    digits(16, 19),
    digits(16, 16),
    pins,
    st.tuples(st.integers(0, 3), st.integers(1, 13), st.sampled_from("0F5c")),
)
def test_ibm_3624(key, pan, table, pin, where):
    keystore, terms = store(pvk=key), Ibm3624(table, *where)
    offset = keystore.ibm3624_offset("iss:pvk", pan, terms, pin_of(pin))

    assert offset == psec_pin.generate_ibm3624_offset(key, table, pin, pan, *where)


@few
@given(des_keys, digits(13, 19), pins)
def test_pin_blocks(key, pan, pin):
    """What psec enciphers is understood, and the other way round."""
    keystore = store(zone=key, pvk=bytes(range(16)))
    ours = keystore.translate_pin(pin_of(pin), "iss:zone", PinFormat.ISO_0, pan)
    assert des.decrypt_tdes_ecb(key, ours) == psec_pinblock.encode_pinblock_iso_0(pin, pan)

    for form, encode, decode in (
        (PinFormat.ISO_0, psec_pinblock.encode_pinblock_iso_0, psec_pinblock.decode_pinblock_iso_0),
        (PinFormat.ISO_3, psec_pinblock.encode_pinblock_iso_3, psec_pinblock.decode_pinblock_iso_3),
    ):
        theirs = EncipheredPin("iss:zone", des.encrypt_tdes_ecb(key, encode(pin, pan)), form, pan)
        back = keystore.translate_pin(theirs, "iss:zone", form, pan)
        assert decode(des.decrypt_tdes_ecb(key, back), pan) == pin


@few
@given(st.sampled_from([16, 24, 32]).flatmap(binary), digits(1, 19), pins)
def test_pin_blocks_of_format_4(key, pan, pin):
    keystore = MemoryKeyStore({"z:aes": Key(key, "aes", f"AES-{8 * len(key)}", Usage.PIN_ENC)})
    theirs = EncipheredPin("z:aes", psec_pinblock.encipher_pinblock_iso_4(key, pin, pan), PinFormat.ISO_4, pan)
    ours = keystore.translate_pin(theirs, "z:aes", PinFormat.ISO_4, pan)

    assert psec_pinblock.decipher_pinblock_iso_4(key, ours, pan) == pin


@few
@given(des_keys, pins)
def test_pin_blocks_for_cards(dek, pin):
    session = Key(dek, "S-DEK", "3DES-128", Usage.TRANSPORT_OUT)
    enciphered = store(pvk=bytes(range(16))).pin_for_card(pin_of(pin), session)

    assert des.decrypt_tdes_ecb(dek, enciphered) == sm.format_iso9564_2_pin_block(pin)
