"""Recorded sessions: the host makes every command byte for byte and reads every answer.

Sources stand in the files: unit tests of pySim, kaoh/globalplatform, openjavacard, Yubico.NET.SDK, scp03_dart, and
sessions recorded between independent hosts and cards (GlobalPlatformPro, gpshell, yubikit, JCardEngine).
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto.cardkeys import SessionKeys
from cardkit.crypto.mac import Cmac
from cardkit.errors import ProtocolError, SecureMessagingError
from cardkit.secure import (
    Greeting,
    Quirks,
    Scp11,
    SecurityLevel,
    Terms,
    Variant,
    card_cryptogram,
    decode_parameters,
    initialize_update,
    open_session,
    parse_initialize_update,
)
from cardkit.secure.scp02 import Scp02Session, card_challenge
from cardkit.secure.scp03 import Scp03Session
from tests.unit.secure.naive import cmac
from tests.unit.secure.sessions import key

VECTORS = Path(__file__).parents[2] / "vectors"
SESSIONS = json.loads((VECTORS / "gp_sessions.json").read_text(encoding="utf-8"))
SCP03 = json.loads((VECTORS / "scp03_sessions.json").read_text(encoding="utf-8"))
SCP11 = json.loads((VECTORS / "gp_scp11.json").read_text(encoding="utf-8"))
CRYPTO = {entry["name"]: entry for entry in json.loads((VECTORS / "gp_crypto.json").read_text(encoding="utf-8"))}

unhex = bytes.fromhex
OK = ResponseAPDU(b"", 0x9000)

# This card answers for another key version than it was asked for.
ODD_KVN = "scp02-i15-cmac-pysim"


def named(entries):
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def keys_of(entry) -> SessionKeys:
    values = entry["out"]["session_keys"]
    family = "AES" if entry["in"]["protocol"] == "SCP03" else "3DES"
    rmac = key(unhex(values["rmac"]), family=family) if "rmac" in values else None
    return SessionKeys(
        enc=key(unhex(values["enc"]), family=family),
        mac=key(unhex(values.get("mac") or values["cmac"]), family=family),
        rmac=rmac,
    )


def greeting_of(entry) -> tuple[Greeting, bytes]:
    asked = unhex(entry["in"]["initialize_update"])[2]
    data = unhex(entry["in"]["initialize_update_response"])
    parameters = parameters_of(entry)
    if entry["name"] == ODD_KVN:
        with pytest.raises(ProtocolError, match="key version 70, expected 20"):
            parse_initialize_update(data, asked_kvn=asked, parameters=parameters)
        asked = 0
    greeting = parse_initialize_update(data, asked_kvn=asked, parameters=parameters)
    return greeting, unhex(entry["in"]["host_challenge"])


def parameters_of(entry):
    return decode_parameters(int(entry["in"]["protocol"][3:]), int(entry["in"]["i"], 16))


@pytest.mark.parametrize("entry", named(SESSIONS))
def test_a_recorded_session_is_reproduced(entry):
    greeting, challenge = greeting_of(entry)
    out = entry["out"]
    assert greeting.cryptogram == unhex(out["card_cryptogram"])
    assert greeting.challenge == unhex(out["card_challenge"])
    assert (greeting.sequence or b"").hex().upper() == out.get("sequence_counter", "")
    commands = [a | b for a, b in zip(entry["in"].get("commands", out["commands"]), out["commands"], strict=True)]
    session = open_session(
        parameters_of(entry),
        greeting,
        challenge,
        keys_of(entry),
        SecurityLevel(int(entry["in"]["security_level"], 16)),
        quirks=Quirks(enc_empty_data=any("quirk" in command for command in commands)),
    )
    # GlobalPlatformPro sends Le with EXTERNAL AUTHENTICATE in S16 mode; it has no answer, so we do not.
    recorded = replace(CommandAPDU.parse(unhex(out["external_authenticate"])), ne=0)
    assert session.external_authenticate() == recorded
    session.authenticated(OK)
    plain = [CommandAPDU.parse(unhex(command["plain"])) for command in commands]
    wrapped = [command.encode() for command in session.wrap_ahead(plain)]
    assert wrapped == [unhex(command["wrapped"]) for command in commands]
    for command in commands:
        if "response" in command:
            response = session.unwrap(ResponseAPDU.parse(unhex(command["response"])))
            assert response == ResponseAPDU.parse(unhex(command["plain_response"]))


@pytest.mark.parametrize("entry", named(SESSIONS))
def test_initialize_update_is_the_recorded_one(entry):
    recorded = unhex(entry["in"]["initialize_update"])
    challenge = unhex(entry["in"]["host_challenge"])
    le = len(recorded) == 5 + len(challenge) + 1
    assert initialize_update(recorded[2], challenge, le=le).encode() == recorded


@pytest.mark.parametrize("entry", named(entry for entry in SESSIONS if "i75" in entry["name"]))
def test_a_recorded_scp02_challenge_is_the_well_known_one(entry):
    assert card_challenge(keys_of(entry), unhex(entry["in"]["aid"])) == unhex(entry["out"]["card_challenge"])


def derived(entry) -> SessionKeys:
    """Session keys of Amd D 6.2.1 by plain CMAC calls."""
    challenges = unhex(entry["in"]["host_challenge"]) + unhex(entry["in"]["initialize_update_response"])[13:21]
    size = entry["in"]["key_bits"] // 8

    def kdf(name: str, constant: int):
        label = bytes(11) + bytes([constant, 0]) + (8 * size).to_bytes(2, "big")
        static = unhex(entry["in"][name])
        return key((cmac(static, label + b"\1" + challenges) + cmac(static, label + b"\2" + challenges))[:size])

    return SessionKeys(enc=kdf("enc", 4), mac=kdf("mac", 6), rmac=kdf("mac", 7))


@pytest.mark.parametrize("entry", named(SCP03))
def test_a_session_recorded_with_a_real_card_is_reproduced(entry):
    parameters = decode_parameters(3, unhex(entry["in"]["initialize_update_response"])[12])
    asked = int(entry["in"]["kvn"], 16)
    data = unhex(entry["in"]["initialize_update_response"])
    greeting = parse_initialize_update(data, asked_kvn=asked, parameters=None)
    challenge = unhex(entry["in"]["host_challenge"])
    assert initialize_update(asked, challenge).encode() == unhex(entry["in"]["initialize_update"])
    level = SecurityLevel(int(entry["in"]["security_level"], 16))
    session = open_session(parameters, greeting, challenge, derived(entry), level)
    assert session.external_authenticate().encode() == unhex(entry["out"]["external_authenticate"])
    session.authenticated(OK)
    plain = [CommandAPDU.parse(unhex(command)) for command in entry["in"]["commands"]]
    wrapped = [command.encode().hex() for command in session.wrap_ahead(plain)]
    assert wrapped == entry["out"]["commands_wrapped"]
    for answer, expected in zip(entry["in"]["responses_wrapped"], entry["out"]["responses_plain"], strict=True):
        assert session.unwrap(ResponseAPDU(unhex(answer), 0x9000)) == ResponseAPDU(unhex(expected), 0x9000)


@pytest.mark.parametrize("entry", named(SCP11))
def test_a_recorded_scp11_session_is_reproduced(entry):
    given, out = entry["in"], entry["out"]
    private = {
        name: ec.derive_private_key(int(value, 16), ec.SECP256R1()) for name, value in given.items() if "sk_" in name
    }
    card_key = private["sk_sd_ecka"].public_key()
    agreed = None
    if "sk_oce_ecka" in private:
        shared = private["sk_oce_ecka"].exchange(ec.ECDH(), card_key)
        assert shared == unhex(out["shss"])
        agreed = key(shared, family="ECDH")
    variant = next(variant for variant in Variant if variant.kid == int(given["kid"], 16))
    terms = Terms(decode_parameters(0x11, 0x07 | 0x10), SecurityLevel(0x33), Quirks(enc_empty_data=True), 255)
    opening = Scp11(variant, 0x01, terms, private["esk_oce_ecka"], card_key, agreed=agreed)
    ins = 0x88 if variant is Variant.B else 0x82
    data = unhex(given["key_agreement_command_data"])
    assert opening.authenticate() == CommandAPDU(0x80, ins, 0x01, variant.kid, data, 256)
    session = opening.finish(ResponseAPDU.parse(unhex(out["response"])))
    assert session._keys.dek.kcv == key(unhex(out["s_dek"])).kcv
    for command, expected in zip(given["commands"], out["commands"], strict=True):
        plain = replace(CommandAPDU.parse(unhex(command["plain"])), extended=True)
        assert session.wrap(plain).encode() == unhex(expected["wrapped"])
        response = session.unwrap(ResponseAPDU.parse(unhex(command["response"])))
        assert response == ResponseAPDU.parse(unhex(expected["plain_response"]))


CHAINS = ["scp02-wrap-cmac", "scp02-wrap-cmac-cenc", "scp03-wrap-cmac", "scp03-wrap-cmac-cenc"]


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_of_commands_is_wrapped_as_recorded(name):
    entry = CRYPTO[name]
    is_aes = name.startswith("scp03")
    value = unhex("404142434445464748494A4B4C4D4E4F")
    keys = SessionKeys(*(key(value, family="AES" if is_aes else "3DES") for _ in range(3)))
    level = SecurityLevel(int(entry["in"]["security_level"], 16))
    parameters = decode_parameters(3 if is_aes else 2, int(entry["in"]["i"], 16))
    terms = Terms(parameters, level, Quirks(), 255)
    session = Scp03Session(terms, keys, None) if is_aes else Scp02Session(terms, keys, None)
    commands = entry["out"]["commands"]
    plain = [CommandAPDU.parse(unhex(command["plain"])) for command in commands]
    assert [c.encode() for c in session.wrap_ahead(plain)] == [unhex(c["wrapped"]) for c in commands]


def test_the_counter_block_of_command_94_is_yubicos():
    entry = CRYPTO["scp03-cenc-counter94"]
    value = key(unhex(entry["in"]["s_enc"]))
    terms = Terms(decode_parameters(3, 0x70), SecurityLevel(0x03), Quirks(), 255)
    session = Scp03Session(terms, SessionKeys(value, key(unhex(entry["in"]["s_enc"])), key(bytes(16))), None)
    session.wrap_ahead([CommandAPDU(0x80, 0xCA, 0, 0)] * 93)
    session._awaited.clear()
    wrapped = session.wrap(CommandAPDU(0x80, 0xE2, 0, 0, unhex(entry["in"]["plain"])))
    assert wrapped.data[:-8] == unhex(entry["out"]["value"])


def session_at(s_enc: str, s_mac: str, s_rmac: str, chain: str, counter: int) -> Scp03Session:
    """A session as it is when a command with this chaining value and counter has gone out."""
    terms = Terms(decode_parameters(3, 0x70), SecurityLevel(0x33), Quirks(), 255)
    session = Scp03Session(terms, SessionKeys(*(key(unhex(value)) for value in (s_enc, s_mac, s_rmac))), None)
    session.wrap_ahead([CommandAPDU(0x80, 0xCA, 0, 0)] * counter)
    last = session._awaited[-1]._replace(context=unhex(chain))
    session._awaited.clear()
    session._awaited.append(last)
    return session


def test_an_answer_recorded_by_scp03_dart_is_read():
    given, out = CRYPTO["scp03-rmac-renc-dart"]["in"], CRYPTO["scp03-rmac-renc-dart"]["out"]
    session = session_at(given["s_enc"], given["s_mac"], given["s_rmac"], given["chaining_value"], given["counter"])
    response = session.unwrap(ResponseAPDU.parse(unhex(given["response"])))
    assert response == ResponseAPDU(unhex(out["plain"]), 0x9000)


def test_an_answer_of_yubicos_tests_is_verified():
    given = CRYPTO["scp03-rmac-yubico"]["in"]
    any_key = "00" * 16
    session = session_at(any_key, any_key, given["s_rmac"], given["mac_chaining_value"], 1)
    # The key of the data is another vector's: the R-MAC verifies, the padding then does not.
    with pytest.raises(SecureMessagingError, match="padding"):
        session.unwrap(ResponseAPDU.parse(unhex(given["response"])))
    assert session.proven
    decryption = CRYPTO["scp03-renc-counter1"]
    s_enc = decryption["in"]["s_enc"]
    session = session_at(s_enc, any_key, given["s_rmac"], given["mac_chaining_value"], 1)
    response = session.unwrap(ResponseAPDU.parse(unhex(given["response"])))
    assert response.data == unhex(decryption["out"]["value"])


def test_the_host_cryptogram_of_yubicos_tests_is_made():
    entry = CRYPTO["scp03-host-cryptogram-yubico"]
    value = key(unhex(entry["in"]["s_mac"]))
    card = unhex(entry["in"]["card_challenge"])
    keys = SessionKeys(enc=value, mac=value, rmac=value)
    parameters = decode_parameters(3, 0x00)
    host = unhex(entry["in"]["host_challenge"])
    greeting = Greeting(bytes(10), 1, 3, 0x00, card, b"", None)
    greeting = replace(greeting, cryptogram=card_cryptogram(parameters, keys, host, greeting))
    session = open_session(parameters, greeting, host, keys, SecurityLevel.C_MAC)
    assert session.external_authenticate().data[:8] == unhex(entry["out"]["value"])


def test_the_mac_over_a_class_as_given_is_yubicos():
    entry = CRYPTO["scp03-cmac-raw"]
    chain = unhex(entry["in"]["mac_chaining_value"])
    mac = Cmac(unhex(entry["in"]["s_mac"])).mac(chain + unhex("00FD000008"))
    assert mac[:8] == unhex(entry["out"]["value"])[5:]
