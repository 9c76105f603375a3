"""Commands, answers, certificates and sessions of Calypso cards, as two other implementations have them."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.calypso import commands
from cardkit.apps.calypso.certificates import (
    BOTH,
    PRODUCTION,
    TEST,
    CaCertificate,
    CardCertificate,
    Expected,
    Term,
    check_chain,
)
from cardkit.apps.calypso.commands import DEBIT, FETCH, RELOAD, REPEAT, Data, Ins, SessionKey, SessionMode
from cardkit.apps.calypso.fci import Fci, Product
from cardkit.apps.calypso.transcript import Transcript
from cardkit.crypto import Secret
from cardkit.crypto.iso9796 import recover
from cardkit.errors import AuthenticationError, EncodingError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "calypso.json").read_text(encoding="utf-8"))
PIN = "pin"


def unhex(text):
    return bytes.fromhex(text)


def of(op):
    found = [vector for vector in VECTORS if vector["in"]["op"] == op]
    assert found
    return pytest.mark.parametrize("vector", found, ids=lambda vector: vector["name"])


def named(name):
    return next(vector for vector in VECTORS if vector["name"] == name)


# Commands


def opened(given):
    mode = {"regular": SessionMode.REGULAR, "extended": SessionMode.EXTENDED}[given["mode"]]
    challenge = unhex(given["data"]) if mode is SessionMode.REGULAR else unhex(given["data"])[1:]
    key = SessionKey(given["key_index"])
    return commands.open_session(key, challenge, mode, record=given["record"], sfi=given["sfi"])


def searched(given):
    flags = (REPEAT if given["repeated_offset"] else 0) | (FETCH if given["fetch_first"] else 0)
    wanted, mask = unhex(given["search"]), unhex(given["mask"])
    return commands.search_records(given["record"], given["sfi"], given["offset"], wanted, mask, flags)


def counted(ins):
    return lambda given: commands.change_counter(
        ins, given["counter"], given["sfi"], given["value"], answers="le" in given
    )


def counted_all(ins):
    return lambda given: commands.change_counters(
        ins, given["sfi"], {int(counter): amount for counter, amount in given["counters"].items()}
    )


def binary(ins):
    return lambda given: commands.change_binary(ins, given["offset"], unhex(given["data"]), given.get("sfi", 0))


def selected(given):
    following = given["p2"] == "02"
    return commands.select_file(
        unhex(given["lid"]), cla=unhex(given["cla"])[0], p1=unhex(given["p1"])[0], following=following
    )


MADE = {
    "open secure session": opened,
    "close secure session": lambda g: commands.close_session(unhex(g["mac"]), ratified=g["ratify_at_once"]),
    "abort secure session": lambda _: commands.abort_session(),
    "manage secure session": lambda g: commands.manage_session(
        authenticate=g["authenticate"], encrypt=g["encrypt"], mac=unhex(g.get("mac", ""))
    ),
    "read records": lambda g: commands.read_records(g["record"], g["sfi"], g["le"], several=g["several"]),
    "read record multiple": lambda g: commands.read_records_partly(g["record"], g["sfi"], g["offset"], g["length"]),
    "search record multiple": searched,
    "update record": lambda g: commands.change_record(Ins.UPDATE_RECORD, g["record"], g["sfi"], unhex(g["data"])),
    "read binary": lambda g: commands.read_binary(g["offset"], g["le"], g.get("sfi", 0)),
    "update binary": binary(Ins.UPDATE_BINARY),
    "write binary": binary(Ins.WRITE_BINARY),
    "increase": counted(Ins.INCREASE),
    "decrease": counted(Ins.DECREASE),
    "increase multiple": counted_all(Ins.INCREASE_MULTIPLE),
    "decrease multiple": counted_all(Ins.DECREASE_MULTIPLE),
    "select file": selected,
    "get data": lambda g: commands.get_data(Data(int(g["tag"], 16))),
    "verify pin": lambda g: commands.verify_pin(Secret(unhex(g["pin"]), PIN)),
    "read pin counter": lambda _: commands.read_pin_counter(),
    "change pin": lambda g: commands.change_pin(Secret(unhex(g["data"]), PIN)),
    "change key": lambda g: commands.change_key(g["key_index"], unhex(g["data"])),
    "get challenge": lambda _: commands.get_challenge(),
    "sv get": lambda g: commands.sv_get(
        {"reload": RELOAD, "debit": DEBIT}[g["operation"]], extended=g["extended"], cla=unhex(g["cla"])[0]
    ),
    "invalidate": lambda _: commands.invalidate(),
    "rehabilitate": lambda _: commands.rehabilitate(),
}


@of("command")
def test_published_commands(vector):
    assert vector["out"]["command_apdu"] == MADE[vector["in"]["command"]](vector["in"]).encode().hex()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (commands.open_session_2(SessionKey.DEBIT, bytes(4), record=1, sfi=7), "948A8B38040000000000"),
        (commands.ratify(), "00B2000000"),
        (commands.append_record(7, b"\1"), "00E200380101"),
        (commands.change_record(Ins.WRITE_RECORD, 1, 7, b"\1"), "00D2013C0101"),
        (commands.put_data(Data.CARD_CERTIFICATE, b"\1"), "00DADF4C0101"),
        (commands.generate_keys(), "004600000A06082A8648CE3D030107"),
        (commands.select_application(unhex("315449432E")), "00A4040005315449432E00"),
    ],
)
def test_commands_as_the_sheet_has_them(command, expected):
    assert expected == command.encode().hex().upper()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: commands.select_file(b"\1"),
        lambda: commands.open_session(SessionKey.DEBIT, bytes(5)),
        lambda: commands.open_session(SessionKey.DEBIT, bytes(4), SessionMode.PKI),
        lambda: commands.search_records(1, 1, 0, b"\1\2", b"\xff"),
        lambda: commands.read_binary(256, 1, 3),
        lambda: commands.read_binary(-1, 1),
        lambda: commands.read_binary(0x8000, 1),
        lambda: commands.change_counter(Ins.INCREASE, 1, 1, 1 << 24, answers=True),
        lambda: commands.change_counter(Ins.DECREASE, 1, 1, -1, answers=True),
    ],
)
def test_what_a_card_cannot_take_is_not_made(wrong):
    with pytest.raises(EncodingError):
        wrong()


# What a card says of itself


@of("parse-fci")
def test_published_answers_to_select(vector):
    whole, expected = unhex(vector["in"]["fci"]), vector["out"]
    found = Fci.parse(whole[:-2], invalidated=whole[-2:] == b"\x62\x83")

    assert (expected["aid"], expected["serial"], expected["startup"]) == (
        found.aid.hex(),
        found.serial.hex(),
        found.startup.hex(),
    )
    assert (expected["product"], expected["hce"], expected["invalidated"]) == (
        found.product.value,
        found.hce,
        found.invalidated,
    )
    for name in (
        "pin",
        "stored_value",
        "ratification_command_required",
        "extended_mode",
        "pki",
        "session_buffer_bytes",
    ):
        if name in expected:
            assert expected[name] == getattr(found, name), name


def test_products_by_their_application_type():
    found = [Product.of(kind).value for kind in (0x01, 0x1F, 0x20, 0x90, 0x97, 0x98, 0x9F, 0xA0, 0xFF)]
    assert found == [
        "prime rev 2", "prime rev 2", "prime rev 3", "light", "light", "basic", "basic", "prime rev 3", "unknown",
    ]  # fmt: skip
    with pytest.raises(EncodingError, match="type 00"):
        Product.of(0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("c708", "c808"),
        ("53070a3c2005141001", "53060a3c20051410"),
        ("0a3c2005141001", "0a3c2000141001"),
        ("0a3c2005141001", "0a3c20ff141001"),
        ("0a3c2005141001", "0a3c0005141001"),
        ("6f23", "6e23"),
    ],
)
def test_an_answer_that_is_none_is_refused(old, new):
    text = named("fci prime revision 3")["in"]["fci"][:-4]
    changed = text.replace(old, new)
    if "5306" in new:
        changed = changed.replace("6f23", "6f22").replace("a516", "a515").replace("bf0c13", "bf0c12")
    with pytest.raises(EncodingError):
        Fci.parse(unhex(changed))


@pytest.mark.parametrize("indicator", [0x00, 0x05, 0x38, 0xFF])
def test_a_session_buffer_no_card_has(indicator):
    found = Fci(b"\1", bytes(8), bytes((indicator, 0x3C, 0x20, 5, 0x14, 0x10, 1)))
    with pytest.raises(EncodingError, match="indicator"):
        _ = found.session_buffer_bytes


@given(st.binary(max_size=50))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_an_answer_or_an_error(data):
    try:
        Fci.parse(data)
    except EncodingError:
        return


# Certificates


def authority():
    given = named("pki CA certificate")["in"]
    return CaCertificate.open(unhex(given["certificate"]), unhex(given["issuer_modulus"]), 65537)


def card_certificate():
    given = named("pki card certificate")["in"]
    return CardCertificate.open(unhex(given["certificate"]), unhex(given["issuer_modulus"]), 65537)


def test_the_certificate_of_an_authority():
    found, expected = authority(), named("pki CA certificate")["out"]
    assert (expected["issuer_key_reference"], expected["target_key_reference"]) == (
        found.issuer.hex(),
        found.target.hex(),
    )
    assert (expected["start"], expected["end"]) == (found.term.start.hex(), found.term.end.hex())
    assert (expected["rights"], expected["scope"]) == (f"{found.rights:02x}", f"{found.scope:02x}")
    assert (expected["aid"], expected["aid_truncation_allowed"]) == (found.aid.hex(), found.truncated)
    assert expected["modulus_header"] + expected["recovered"] == found.modulus.hex()
    assert named("pki card certificate")["in"]["issuer_modulus"] == found.modulus.hex()


def test_the_certificate_of_a_card():
    found, expected = card_certificate(), named("pki card certificate")["out"]
    assert (expected["issuer_key_reference"], expected["aid"]) == (found.issuer.hex(), found.aid.hex())
    assert (expected["serial"], expected["index"]) == (found.serial.hex(), found.index.hex())
    assert (expected["start"], expected["end"]) == (found.term.start.hex(), found.term.end.hex())
    assert (expected["card_info"], expected["public_key"]) == (found.info.hex(), found.public_key.hex())


def test_a_certificate_of_which_a_bit_was_changed():
    given = named("pki card certificate, one signature bit changed")["in"]
    with pytest.raises(AuthenticationError, match="signature is wrong"):
        CardCertificate.open(unhex(given["certificate"]), unhex(given["issuer_modulus"]), 65537)


@pytest.mark.parametrize("place", [2, 40, 59, 60, 200, 315])
def test_every_part_of_a_certificate_is_signed(place):
    given = named("pki card certificate")["in"]
    changed = bytearray(unhex(given["certificate"]))
    changed[place] ^= 1
    with pytest.raises(AuthenticationError):
        CardCertificate.open(bytes(changed), unhex(given["issuer_modulus"]), 65537)


def test_certificates_of_another_form():
    given = named("pki card certificate")["in"]
    data, modulus = unhex(given["certificate"]), unhex(given["issuer_modulus"])
    for wrong in (data[:-1], b"\x90" + data[1:], data[:1] + b"\x02" + data[2:]):
        with pytest.raises(EncodingError):
            CardCertificate.open(wrong, modulus, 65537)
    with pytest.raises(EncodingError, match="modulus of 255"):
        recover(modulus[:-1], 65537, b"", bytes(256))


EXPECTED = Expected(unhex("315449432e5445535431"), unhex("0000000011223344"), date(2026, 11, 22), TEST)


def test_a_chain_that_fits():
    check_chain(authority(), card_certificate(), EXPECTED)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aid": unhex("315449432e")}, "another AID"),
        ({"serial": bytes(8)}, "another serial number"),
        ({"scope": PRODUCTION}, "another scope"),
        ({"today": date(2024, 12, 31)}, "valid from 20250101"),
        ({"today": date(2036, 1, 1)}, "to 20351231"),
        ({"today": date(2041, 1, 1)}, "to 20401231"),
    ],
)
def test_a_chain_that_does_not_fit(changes, message):
    wanted = Expected(**{**{name: getattr(EXPECTED, name) for name in EXPECTED.__slots__}, **changes})
    with pytest.raises(AuthenticationError, match=message):
        check_chain(authority(), card_certificate(), wanted)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rights": 0x04}, "signs no cards"),
        ({"target": bytes(29)}, "another issuer"),
        ({"aid": unhex("3154494349")}, "AID of the authority"),
        ({"aid": unhex("315449432e")}, "AID of the authority"),
    ],
)
def test_an_authority_that_does_not_fit(changes, message):
    ca = authority()
    fields = {name: getattr(ca, name) for name in ca.__slots__}
    with pytest.raises(AuthenticationError, match=message):
        check_chain(CaCertificate(**{**fields, **changes}), card_certificate(), EXPECTED)


def test_an_authority_for_more():
    ca = authority()
    fields = {name: getattr(ca, name) for name in ca.__slots__}
    for changes in ({"aid": unhex("315449432e"), "truncated": True}, {"aid": b""}, {"scope": BOTH}):
        check_chain(CaCertificate(**{**fields, **changes}), card_certificate(), EXPECTED)


def test_a_term_without_days_holds():
    Term(bytes(4), bytes(4)).check(date(1990, 1, 1))


# Sessions


@of("pki-session")
def test_a_session_under_a_signature(vector):
    given, expected = vector["in"], vector["out"]
    said = Transcript()
    for command, answer in zip(given["apdus"][::2], given["apdus"][1::2], strict=True):
        said.add(CommandAPDU.parse(unhex(command)), ResponseAPDU.parse(unhex(answer)))
    if expected["valid"]:
        assert expected["transcript"] == said.said.hex()
        said.check(unhex(given["public_key"]), unhex(given["signature"]))
    else:
        with pytest.raises(AuthenticationError):
            said.check(unhex(given["public_key"]), unhex(given["signature"]))


@pytest.mark.parametrize("signature", [bytes(64), bytes(63), b"\xff" * 64])
def test_a_signature_that_is_none(signature):
    given = named("pki session signature")["in"]
    with pytest.raises((AuthenticationError, EncodingError)):
        Transcript().check(unhex(given["public_key"]), signature)
    with pytest.raises(EncodingError, match="point on P-256"):
        Transcript().check(bytes(64), bytes(64))
