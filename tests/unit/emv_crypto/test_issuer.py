"""The issuer's host: what it approves, what it refuses, and what its answers look like to pyemv's card."""

import pytest
from psec import pin as psec_pin
from pyemv import cvn, cvv, kd, sm

from cardkit.apps.emv.issuer import IssuerKeys, IssuerPolicy, IssuerSimulator, PinCheck
from cardkit.apps.emv.scripts import (
    APPLICATION_BLOCK,
    BEFORE,
    CARD_BLOCK,
    PIN_UNBLOCK,
    ScriptCommand,
    pin_change,
    put_data,
    update_record,
)
from cardkit.apps.emv.terminal.host import OnlineRequest
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.pinvalue import Ibm3624
from cardkit.crypto.secret import Secret
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, KeyStoreError

# The oracle uses 3DES as `cryptography` had it.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
MASTERS = {
    "iss:ac": (Usage.IMK_AC, "0123456789ABCDEFFEDCBA9876543210"),
    "iss:smi": (Usage.IMK_SMI, "FEDCBA98765432100123456789ABCDEF"),
    "iss:smc": (Usage.IMK_SMC, "89ABCDEF0123456776543210FEDCBA98"),
}
KEYS = IssuerKeys("iss:ac", "iss:smi", "iss:smc")
# The transaction of pyemv's tests.
FIELDS = {"9F02": "000000004000", "9F03": "000000000000", "9F1A": "0124", "95": "8000048000", "5F2A": "0124",
          "9A": "191105", "9C": "01", "9F37": "52BF4585", "82": "1800", "9F36": "001C"}  # fmt: skip
PAN = "1234567890123456"


def keystore():
    keys = {name: Key(bytes.fromhex(value), name, "3DES-128", usage) for name, (usage, value) in MASTERS.items()}
    keys["iss:cvc3"] = Key(bytes.fromhex(MASTERS["iss:ac"][1]), "cvc3", "3DES-128", Usage.IMK_CVC3)
    return MemoryKeyStore({**keys, "iss:pvk": Key(bytes(range(16)), "pvk", "3DES-128", Usage.PVK)})


def card(kind):
    return kind(*(bytes.fromhex(value) for _, value in MASTERS.values()), PAN, "00")


def values(issuer_data, cryptogram, **changes):
    fields = {**FIELDS, "5A": PAN, "5F34": "00", "9F10": issuer_data, "9F26": cryptogram, **changes}
    return {bytes.fromhex(tag): bytes.fromhex(value) for tag, value in fields.items() if value is not None}


def ac_arguments():
    return {f"tag_{tag.lower()}": bytes.fromhex(value) for tag, value in FIELDS.items()}


def visa18(**changes):
    cryptogram = card(cvn.VisaCVN18).generate_ac(**ac_arguments(), tag_9f10=bytes.fromhex("06011203A0B800"))
    return values("06011203A0B800", cryptogram.hex(), **changes)


def answered(given, policy=None, keys=KEYS, pin=None):
    return IssuerSimulator(keystore(), keys, policy).answer(OnlineRequest(given, b"", pin))


def test_right_cryptogram_is_approved_by_method_2():
    answer = answered(visa18())
    csu = bytes.fromhex("00800000")
    arpc = card(cvn.VisaCVN18).generate_arpc(visa18()[b"\x9f\x26"], b"\0\x1c", csu)

    assert (answer.response_code, answer.issuer_authentication) == (b"00", arpc + csu)
    assert answer.words[0] == "cryptogram right (vsdc 12, option B)"
    assert answer.scripts == ()


def test_approval_by_method_1():
    kind = card(cvn.VisaCVN10)
    cryptogram = kind.generate_ac(**ac_arguments(), cvr=bytes.fromhex("03A06010"))
    answer = answered(values("06010A03A06010", cryptogram.hex()))

    assert answer.issuer_authentication == kind.generate_arpc(cryptogram, b"00") + b"00"


def test_policy_declines_and_says_so_under_the_arpc():
    answer = answered(visa18(), IssuerPolicy(approve=False))
    arpc = card(cvn.VisaCVN18).generate_arpc(visa18()[b"\x9f\x26"], b"\0\x1c", bytes(4))

    assert (answer.response_code, answer.issuer_authentication) == (b"05", arpc + bytes(4))
    assert answer.words[1] == "declined by the issuer's policy"


@pytest.mark.parametrize("changes", [{"9F02": "000000004001"}, {"9F26": "00" * 8}, {"9F26": ""}, {"9F26": None},
                                     {"9F10": "06011203A0B801"}, {"5A": "1234567890123464"}])  # fmt: skip
def test_wrong_cryptogram_is_declined_without_authentication(changes):
    answer = answered(visa18(**changes))

    assert (answer.response_code, answer.issuer_authentication, answer.scripts) == (b"05", b"", ())
    assert "cryptogram wrong" in answer.words[0]
    assert "1234567890" not in str(answer)


def test_option_of_the_issuer_goes_before_that_of_the_version():
    icc = kd.derive_icc_mk_a(bytes.fromhex(MASTERS["iss:ac"][1]), PAN, "00")

    assert icc == kd.derive_icc_mk_b(bytes.fromhex(MASTERS["iss:ac"][1]), PAN, "00")  # a PAN of 16 digits
    assert answered(visa18(), keys=IssuerKeys("iss:ac", option="a")).words[0].endswith("option A)")


def test_version_that_a_card_does_not_tell():
    data = "1501850440B100000000B00000000000000000000000"
    kind = card(cvn.InteracCVN133)
    cryptogram = kind.generate_ac(**ac_arguments(), tag_9f10=bytes.fromhex(data))
    answer = answered(values(data, cryptogram.hex()), keys=IssuerKeys("iss:ac", version=("interac", 0x85)))
    arpc = kind.generate_arpc(cryptogram, bytes.fromhex("52BF4585"), b"\0\x1c", b"00")

    assert answer.issuer_authentication == arpc + b"00"
    assert answered(values(data, cryptogram.hex())).response_code == b"30"


@pytest.mark.parametrize("changes", [{"9F10": "00"}, {"9F36": "00"}, {"9F36": None}, {"9A": None}, {"5A": None},
                                     {"5A": "12AB567890123456"}, {"5F34": "FF"}])  # fmt: skip
def test_malformed_request_is_refused_with_the_reason(changes):
    answer = answered(visa18(**changes))

    assert (answer.response_code, answer.issuer_authentication) == (b"30", b"")
    assert answer.words[0].startswith("request refused: ")


def test_pan_of_track_2_serves_contactless_cards():
    given = visa18(**{"5A": None, "57": PAN + "D2912201123456789F"})

    assert answered(given).response_code == b"00"


def test_contactless_version_has_no_authentication():
    data = "06011103A00000"
    simulator = IssuerSimulator(keystore(), KEYS)
    given = values(data, "00" * 8)
    given[b"\x9f\x26"] = simulator.cryptogram(given)
    answer = simulator.answer(OnlineRequest(given, b""))

    assert (answer.response_code, answer.issuer_authentication) == (b"00", b"")
    assert answer.words[-1] == "no issuer authentication"


PVK = "iss:pvk"
TERMS = Ibm3624("1234567890123456")


@pytest.mark.parametrize(("entered", "code"), [("1234", b"00"), ("1235", b"55"), ("12345", b"00")])
def test_online_pin_by_the_pvv_on_track_2(entered, code):
    """A PVV covers four digits; psec computes it."""
    value = psec_pin.generate_visa_pvv(bytes(range(16)), "2", "1234", PAN)
    given = visa18(**{"57": f"{PAN}D29122012{value}999".ljust(34, "F")})
    answer = answered(given, IssuerPolicy(pin_check=PinCheck(PVK, ("pvki", "pvv", "cvv"))), pin=pin(entered))

    assert answer.response_code == code


@pytest.mark.parametrize(("entered", "code"), [("123456", b"00"), ("123457", b"55"), ("1234", b"55")])
def test_online_pin_by_its_offset(entered, code):
    offset = psec_pin.generate_ibm3624_offset(bytes(range(16)), TERMS.table, "123456", PAN, 0, 16, "F")
    given = visa18(**{"57": f"{PAN}D291220188{offset}"})
    answer = answered(given, IssuerPolicy(pin_check=PinCheck(PVK, ("88", "offset"), TERMS)), pin=pin(entered))

    assert answer.response_code == code


@pytest.mark.parametrize("track", [None, PAN, f"{PAN}D2912201", f"{PAN}D2912201123F"])
def test_online_pin_without_a_value_on_track_2(track):
    check = PinCheck(PVK, ("pvki", "pvv", "cvv"))
    answer = answered(visa18(**{"57": track}), IssuerPolicy(pin_check=check), pin=pin("1234"))

    assert answer.response_code == b"55"
    assert answer.words[1] == "online PIN: no value of it in track 2 data: declined"


def pin(text):
    return Secret(text.encode(), "entered")


def test_missing_key_is_an_error_of_the_caller():
    with pytest.raises(KeyStoreError, match="key iss:none"):
        answered(visa18(), keys=IssuerKeys("iss:none"))


# The track, number and counter of pyemv's test of a CVC3; the key there is the card's own.
TRACK, ATC, NUMBER = "5123456789012345D35121010000000000000F", "005E", "00000899"


def code_request(code, **changes):
    fields = {"9F6B": TRACK, "9F6A": NUMBER, "9F36": ATC, "9F61": f"{int(code):04X}", **changes}
    return {bytes.fromhex(tag): bytes.fromhex(value) for tag, value in fields.items() if value is not None}


def expected_code():
    icc = kd.derive_icc_mk_a(bytes.fromhex(MASTERS["iss:ac"][1]), TRACK.partition("D")[0], "00")
    return cvv.generate_cvc3(icc, bytes.fromhex(TRACK), bytes.fromhex(ATC), bytes.fromhex(NUMBER))


CODE_KEYS = IssuerKeys("iss:ac", code="iss:cvc3")


def test_code_of_mag_stripe_mode():
    answer = answered(code_request(expected_code()), keys=CODE_KEYS)

    assert (answer.response_code, answer.words) == (b"00", ("dynamic verification code right", "approved"))


@pytest.mark.parametrize(("changes", "code"), [
    ({"9F61": "0000"}, b"05"), ({"9F36": "005F"}, b"05"), ({"9F6A": "00000898"}, b"05"), ({"9F6A": None}, b"30"),
    ({"9F6B": None}, b"30"), ({"9F36": None}, b"30"), ({"9F6B": "00"}, b"30"), ({"9F61": "FF" * 9}, b"05"),
])  # fmt: skip
def test_code_that_is_not_right(changes, code):
    assert answered(code_request(expected_code(), **changes), keys=CODE_KEYS).response_code == code


def commands(answer):
    """Return the commands of the one template 72, as bytes."""
    assert [script[0] for script in answer.scripts] == [0x72]
    items = tlv.parse(answer.scripts[0])[0].children()
    assert {item.tag for item in items} == {0x86}
    return [item.value for item in items]


def test_scripts_carry_a_mac_each():
    sent = (APPLICATION_BLOCK, CARD_BLOCK, PIN_UNBLOCK)
    built = commands(answered(visa18(), IssuerPolicy(scripts=sent)))
    kind, cryptogram = card(cvn.VisaCVN18), visa18()[b"\x9f\x26"]

    assert [command[:5].hex() for command in built] == ["841e000008", "8416000008", "8424000008"]
    for command in built:
        assert command[5:] == kind.generate_command_mac(command[:5], cryptogram, b"\0\x1c")


@pytest.mark.parametrize("current", [None, b"8888"])
def test_pin_change(current):
    change = NewPin(Secret(b"9999", "pin"), Secret(current, "pin") if current else None)
    (command,) = commands(answered(visa18(), IssuerPolicy(scripts=(pin_change(change),))))
    cryptogram, old = visa18()[b"\x9f\x26"], current.decode() if current else None
    expected = card(cvn.VisaCVN18).generate_pin_change_command("9999", cryptogram, b"\0\x1c", old)

    assert command == expected


def test_data_that_go_into_the_card():
    sent = (put_data(0x9F58, b"\x05"), update_record(1, 2, b"\x70\0"), put_data(0x9F59, b"\7", hidden=True))
    put, update, secret = commands(answered(visa18(), IssuerPolicy(scripts=sent)))
    kind, cryptogram = card(cvn.VisaCVN18), visa18()[b"\x9f\x26"]

    assert (put[:6].hex(), update[:7].hex()) == ("04da9f580905", "04dc020c0a7000")
    assert put[6:] == kind.generate_command_mac(put[:5], cryptogram, b"\0\x1c", put[5:6])
    assert secret[5:13] == kind.encrypt_command_data(b"\7", b"\0\x1c")


def test_session_keys_of_mchip_scripts_go_on_with_every_command():
    data = "0114A00003220000DAC0" + "00" * 8
    cryptogram = card(cvn.MasterCardCVN20).generate_ac(**ac_arguments(), cvr=bytes.fromhex("A00003220000"))
    answer = answered(values(data, cryptogram.hex()), IssuerPolicy(scripts=(PIN_UNBLOCK, PIN_UNBLOCK)))
    first, second = commands(answer)
    next_r = (int.from_bytes(cryptogram, "big") + 1).to_bytes(8, "big")
    kind = card(cvn.MasterCardCVN20)
    session = kd.derive_common_sk(kind.icc_mk_smi, next_r)

    assert first[5:] == kind.generate_command_mac(first[:5], cryptogram, b"\0\x1c")
    assert second[5:] == sm.generate_command_mac(session, second[:5] + b"\0\x1c" + cryptogram)


def test_templates_say_when_a_script_runs():
    early = ScriptCommand(0x1E, template=BEFORE, mac_size=4)
    first, second = answered(visa18(), IssuerPolicy(scripts=(CARD_BLOCK, early))).scripts

    assert (first[0], second[0]) == (0x71, 0x72)
    assert len(tlv.parse(first)[0].children()[0].value) == 9


@pytest.mark.parametrize("wrong", [ScriptCommand(0x1E, mac_size=3), ScriptCommand(0x1E, template=0x73),
                                   ScriptCommand(0xDA, data=bytes(248))])  # fmt: skip
def test_command_that_cannot_be(wrong):
    with pytest.raises(EncodingError, match="script: "):
        answered(visa18(), IssuerPolicy(scripts=(wrong,)))


def test_places_that_cannot_be():
    with pytest.raises(EncodingError, match="record 0 of SFI 1"):
        update_record(1, 0, b"")
    with pytest.raises(EncodingError, match="record 1 of SFI 31"):
        update_record(31, 1, b"")
    with pytest.raises(EncodingError, match="tag DF8101"):
        put_data(0xDF8101, b"")
