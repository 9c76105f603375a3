"""Cryptogram versions end to end: an issuer's master keys in a store, calls of pyemv's classes, what came out."""

import pytest

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.emvac import Transaction
from cardkit.crypto.emvcvn import VERSIONS, Family, cryptogram_data, find_version, read_issuer_data
from cardkit.crypto.emvkeys import card_digits
from cardkit.crypto.emvstore import NewPin
from cardkit.crypto.secret import Secret
from cardkit.errors import EncodingError

from .crypto_vectors import EMV

CLASSES = {
    "VisaCVN10": ("vsdc", 0x0A), "VisaCVN18": ("vsdc", 0x12), "VisaCVN22": ("vsdc", 0x22),
    "InteracCVN133": ("interac", 0x85), "MasterCardCVN16": ("mchip", 0x10), "MasterCardCVN17": ("mchip", 0x11),
    "MasterCardCVN20": ("mchip", 0x14), "MasterCardCVN21": ("mchip", 0x15),
}  # fmt: skip
# What each class takes apart is one object on a card: 9F10.
ISSUER_DATA = {
    "vsdc": lambda number, given: "0601" + f"{number:02X}" + given["cvr"],
    "mchip": lambda number, given: f"01{number:02X}" + given["cvr"] + "0000" + given.get("counters", "00" * 8),
}
ROLES = {"ac": Usage.IMK_AC, "smi": Usage.IMK_SMI, "smc": Usage.IMK_SMC}


def calls(method):
    found = [v for v in EMV if v["in"]["call"].startswith("pyemv.cvn.") and v["in"]["call"].endswith(f".{method}")]
    assert found
    return [pytest.param(v["in"]["call"].split(".")[2], v["in"], v["out"]["result"], id=v["name"]) for v in found]


def store(init):
    return MemoryKeyStore({
        f"iss:{role}": Key(bytes.fromhex(init[f"iss_mk_{role}"]), role, "3DES-128", usage)
        for role, usage in ROLES.items()
    })  # fmt: skip


def opened(name, given):
    """Return store, version, transaction and the card's keys of a vector."""
    version, init = find_version(*CLASSES[name]), given["init"]
    digits = card_digits(init["pan"], init.get("psn"))
    parts = (bytes.fromhex(given.get(f"tag_{tag}", "")) for tag in ("9f36", "9f37", "9f26"))
    atc, unpredictable, cryptogram = parts
    transaction = Transaction(version, atc or bytes(2), unpredictable, cryptogram)
    return store(init), transaction, {role: CardKey(f"iss:{role}", version.option, digits) for role in ROLES}


@pytest.mark.parametrize(("name", "given", "result"), calls("generate_ac"))
def test_cryptogram(name, given, result):
    keystore, transaction, keys = opened(name, given)
    values = {bytes.fromhex(key[4:]): bytes.fromhex(value) for key, value in given.items() if key.startswith("tag_")}
    if "cvr" in given:
        family, number = CLASSES[name]
        values[b"\x9f\x10"] = bytes.fromhex(ISSUER_DATA[family](number, given))
    data = cryptogram_data(transaction.version, values)

    assert keystore.emv_cryptogram(keys["ac"], transaction, data).hex().upper() == result


@pytest.mark.parametrize(("name", "given", "result"), calls("generate_arpc"))
def test_arpc(name, given, result):
    keystore, transaction, keys = opened(name, given)
    response = bytes.fromhex(given.get("arpc_rc") or given["csu"] + given.get("proprietary_auth_data", ""))

    assert keystore.emv_arpc(keys["ac"], transaction, response).hex().upper() == result + response.hex().upper()


@pytest.mark.parametrize(("name", "given", "result"), calls("generate_command_mac"))
def test_script_mac(name, given, result):
    keystore, transaction, keys = opened(name, given)
    header, data = (bytes.fromhex(given.get(part, "")) for part in ("command_header", "command_data"))
    message = transaction.script_message(header, data)

    assert keystore.emv_script_mac(keys["smi"], transaction, message).hex().upper() == result


@pytest.mark.parametrize(("name", "given", "result"), calls("generate_pin_change_command"))
def test_pin_change(name, given, result):
    keystore, transaction, keys = opened(name, given)
    current = given.get("current_pin")
    change = NewPin(Secret(given["pin"].encode(), "pin"), Secret(current.encode(), "pin") if current else None)
    header, mac = bytes.fromhex(result)[:5], bytes.fromhex(result)[-8:]
    hidden = keystore.emv_script_pin((keys["smc"], keys["ac"]), transaction, change)

    assert hidden == bytes.fromhex(result)[5:-8]
    assert keystore.emv_script_mac(keys["smi"], transaction, transaction.script_message(header, hidden)) == mac


def test_versions_are_known_by_family_and_number():
    assert {(v.family, v.number) for v in VERSIONS.values()} == set(VERSIONS)
    assert find_version("ccd", 0xA5, "b").option is Scheme.EMV_B
    for wrong in (("visa", 0x0A, ""), ("vsdc", 0x0B, ""), ("mchip", 0x0A, ""), ("ccd", 0xA5, "d")):
        with pytest.raises(EncodingError, match="cryptogram version"):
            find_version(*wrong)


CCD = "0FA501" + "A1A2A3A4A5" + "C1C2C3C4C5C6C7C8" + "0F" + "00" * 15


@pytest.mark.parametrize(("data", "expected"), [
    (CCD, (Family.CCD, 0xA5, 1, "A1A2A3A4A5", "C1C2C3C4C5C6C7C8")),
    (CCD.replace("A5", "A6", 1), (Family.CCD, 0xA6, 1, "A1A2A3A4A5", "C1C2C3C4C5C6C7C8")),
    ("0114A00003220000DAC0C1C2C3C4C5C6C7C8", (Family.MCHIP, 0x14, 1, "A00003220000", "C1C2C3C4C5C6C7C8")),
    ("0115A00003220000DAC0C1C2C3C4C5C6C7C8D1D2", (Family.MCHIP, 0x15, 1, "A00003220000", "C1C2C3C4C5C6C7C8")),
    ("06011203A0B800", (Family.VSDC, 0x12, 1, "03A0B800", "")),
    ("06020A03A0B8000A0101", (Family.VSDC, 0x0A, 2, "03A0B800", "")),
    ("1F2201A0B8000000" + "00" * 24, (Family.VSDC, 0x22, 1, "A0B8000000", "")),
])  # fmt: skip
def test_issuer_application_data(data, expected):
    read = read_issuer_data(bytes.fromhex(data))

    assert expected == (
        read.version.family, read.version.number, read.key_index, read.cvr.hex().upper(), read.counters.hex().upper()
    )  # fmt: skip


@pytest.mark.parametrize("data", ["", "06", "06011203A0B8", "06011204A0B800", CCD[:-2], "0FA401" + CCD[6:],
                                  CCD[:32] + "00" * 16, "0124A00003220000DAC0C1C2C3C4C5C6C7C8",
                                  "1F2201A0B8000000F0" + "00" * 23])  # fmt: skip
def test_unknown_issuer_application_data(data):
    with pytest.raises(EncodingError, match=r"issuer application data 9F10 of|cryptogram version"):
        read_issuer_data(bytes.fromhex(data))


VALUES = {bytes.fromhex(tag): bytes((number,)) * 2 for number, tag in enumerate(
    ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36"), 1)}  # fmt: skip
IAD = bytes.fromhex(CCD)


def test_what_a_cryptogram_covers_in_which_order():
    data = cryptogram_data(find_version("ccd", 0xA5), VALUES | {b"\x9f\x10": IAD})

    assert data == bytes.fromhex("0101020203030404050506060707080809090a0a") + IAD


def test_contactless_cryptogram_covers_little():
    values = VALUES | {b"\x9f\x10": bytes.fromhex("06011103A0B800")}

    assert cryptogram_data(find_version("vsdc", 0x11), values).hex() == "0101" + "0808" + "0a0a" + "a0"
    with pytest.raises(EncodingError, match="9F10 of 4 bytes"):
        cryptogram_data(find_version("vsdc", 0x11), VALUES | {b"\x9f\x10": bytes(4)})


def test_missing_value_is_named():
    values = {tag: value for tag, value in VALUES.items() if tag != b"\x9a"}
    with pytest.raises(EncodingError, match="cryptogram ccd A5: 9A, 9F10 missing"):
        cryptogram_data(find_version("ccd", 0xA5), values)


def test_issuer_data_of_another_family_are_refused():
    with pytest.raises(EncodingError, match="cryptogram mchip 14: 9F10 is of ccd A5"):
        cryptogram_data(find_version("mchip", 0x14), VALUES | {b"\x9f\x10": IAD})


def test_fifth_byte_of_issuer_data_is_the_last_that_must_be_there():
    """qVSDC takes one byte of 9F10, the fifth: five bytes are enough, four are not."""
    version = find_version("vsdc", 0x11)
    values = {tag: bytes(2) for tag in (b"\x9f\x02", b"\x9f\x37", b"\x9f\x36")}

    assert cryptogram_data(version, {**values, b"\x9f\x10": bytes.fromhex("0601110300")}) == bytes(6) + b"\x00"
    assert cryptogram_data(version, {**values, b"\x9f\x10": bytes.fromhex("06011103A5")})[-1:] == b"\xa5"
    with pytest.raises(EncodingError, match="9F10 of 4 bytes, expected 5 or more"):
        cryptogram_data(version, {**values, b"\x9f\x10": bytes(4)})
