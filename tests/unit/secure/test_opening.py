"""Opening a session: who derives what, and that nothing goes on after a wrong cryptogram."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Role, SessionKeys
from cardkit.errors import AuthenticationError, EncodingError, KeyStoreError, ProfileError
from cardkit.secure import (
    Greeting,
    Quirks,
    SecurityLevel,
    card_cryptogram,
    check_card_challenge,
    decode_parameters,
    implicit_session_keys,
    open_implicit_session,
    open_session,
    parse_initialize_update,
    session_keys,
)
from tests.unit.secure import naive
from tests.unit.secure.sessions import ENC, MAC, RMAC, aes_keys, des_keys, key

ENTRIES = json.loads((Path(__file__).parents[2] / "vectors" / "gp_sessions.json").read_text(encoding="utf-8"))
HOST, CARD = bytes(range(8)), bytes(range(8, 16))
AID = bytes.fromhex("A000000151000000")
SEQUENCE = bytes.fromhex("000010")
unhex = bytes.fromhex


def card_keys(*names: str) -> CardKeySet:
    return CardKeySet(0x30, *(CardKey(f"test:{name}", role=role) for name, role in zip(names, Role, strict=True)))


THREE = card_keys("enc", "mac", "dek")


def store_of(values: dict[str, str], family: str) -> MemoryKeyStore:
    return MemoryKeyStore(
        {
            f"test:{name}": Key(unhex(value), name, f"{family}-{4 * len(value)}", Usage.SECURE_CHANNEL)
            for name, value in values.items()
        }
    )


def opened(entry):
    protocol = int(entry["in"]["protocol"][3:])
    values = entry["in"]["keys"].get("diversified", entry["in"]["keys"])
    parameters = decode_parameters(protocol, int(entry["in"]["i"], 16))
    data = unhex(entry["in"]["initialize_update_response"])
    greeting = parse_initialize_update(data, asked_kvn=0, parameters=parameters)
    return store_of(values, "AES" if protocol == 3 else "3DES"), parameters, greeting


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in ENTRIES])
def test_static_keys_of_a_recorded_session_open_it(entry):
    store, parameters, greeting = opened(entry)
    challenge = unhex(entry["in"]["host_challenge"])
    static = THREE if parameters.three_keys else card_keys("enc", "enc", "enc")
    keys = session_keys(store, static, parameters, challenge, greeting)
    assert card_cryptogram(parameters, keys, challenge, greeting) == greeting.cryptogram
    level = SecurityLevel(int(entry["in"]["security_level"], 16))
    session = open_session(parameters, greeting, challenge, keys, level)
    wire = session.external_authenticate().encode()
    assert entry["out"]["external_authenticate"] in (wire.hex().upper(), wire.hex().upper() + "00")


RECOMPUTED = [
    entry
    for entry in ENTRIES
    if entry["out"].get("pseudo_random_challenge") or entry["out"].get("pseudo_random_challenge_ok")
]


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in RECOMPUTED])
def test_a_recorded_pseudo_random_challenge_recomputes(entry):
    store, parameters, greeting = opened(entry)
    aid = unhex(entry["in"]["aid"])
    check_card_challenge(parameters, greeting, aid, keystore=store, keys=THREE)
    for wrong in naive_flips(greeting.challenge):
        with pytest.raises(AuthenticationError, match="the card challenge is not the one of sequence counter"):
            check_card_challenge(parameters, replace(greeting, challenge=wrong), aid, keystore=store, keys=THREE)
    with pytest.raises(AuthenticationError, match=f"and AID {entry['in']['aid'][:-2]}01$"):
        check_card_challenge(parameters, greeting, aid[:-1] + b"\x01", keystore=store, keys=THREE)


def naive_flips(data: bytes) -> list[bytes]:
    return [data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :] for i in range(len(data))]


class Recorder:
    """A key store that says what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.given: list[SessionKeys] = []

    def scp01_session(self, keys, host_challenge, card_challenge):
        self.asked.append((1, keys, host_challenge, card_challenge))
        return des_keys()

    def scp02_session(self, keys, sequence):
        self.asked.append((2, keys, sequence))
        number = sequence[-1] % 100
        keys = SessionKeys(*(key(bytes(range(number + i, number + i + 16)), family="3DES") for i in range(4)))
        self.given.append(keys)
        return keys

    def scp03_session(self, keys, context):
        self.asked.append((3, keys, context))
        return aes_keys()

    def scp03_card_challenge(self, enc, sequence, aid, size):
        self.asked.append((4, enc, sequence, aid, size))
        return (sequence + aid + bytes(16))[:size]


def greeting(scp: int, i: int | None, challenge: bytes = CARD, sequence: bytes | None = None) -> Greeting:
    return Greeting(bytes(10), 0x30, scp, i, challenge, bytes(8), sequence)


@pytest.mark.parametrize(
    ("scp", "i", "met", "asked"),
    [
        (1, 0x05, greeting(1, None), (1, THREE, HOST, CARD)),
        (2, 0x15, greeting(2, None, CARD[:6], b"\0\7"), (2, THREE, b"\0\7")),
        (3, 0x60, greeting(3, 0x60), (3, THREE, HOST + CARD)),
    ],
)
def test_the_key_store_is_asked_for_what_the_protocol_derives(scp, i, met, asked):
    store = Recorder()
    session_keys(store, THREE, decode_parameters(scp, i), HOST, met)
    assert store.asked == [asked]


def test_one_base_key_serves_as_all_three():
    store = Recorder()
    met = greeting(2, None, CARD[:6], b"\0\7")
    one = card_keys("base", "base", "base")
    session_keys(store, one, decode_parameters(2, 0x14), HOST, met)
    assert store.asked == [(2, replace(one, mac=one.enc, dek=one.enc), b"\0\7")]
    for several in (THREE, card_keys("base", "base", "dek"), card_keys("base", "mac", "base")):
        with pytest.raises(ProfileError, match="SCP02 i=14 has one base key, the key set names several"):
            session_keys(store, several, decode_parameters(2, 0x14), HOST, met)


@pytest.mark.parametrize("call", [session_keys, card_cryptogram])
def test_what_does_not_belong_together_is_refused(call):
    def run(parameters, challenge, met):
        if call is session_keys:
            return session_keys(Recorder(), THREE, parameters, challenge, met)
        return card_cryptogram(parameters, aes_keys(), challenge, met)

    scp03 = decode_parameters(3, 0x70)
    with pytest.raises(EncodingError, match="SCP03 i=70: host challenge of 16 bytes, expected 8"):
        run(scp03, bytes(16), greeting(3, 0x70))
    with pytest.raises(EncodingError, match="SCP03 i=71: host challenge of 8 bytes, expected 16"):
        run(decode_parameters(3, 0x71), bytes(8), greeting(3, 0x71))
    with pytest.raises(ProfileError, match="SCP03 i=70: the card greeted with SCP02"):
        run(scp03, HOST, greeting(2, None))
    with pytest.raises(ProfileError, match="SCP03 i=70: the card greeted with SCP03"):
        run(scp03, HOST, greeting(3, 0x60))
    for scp, i in ((2, 0x1A), (0x11, 0x07)):
        with pytest.raises(ProfileError, match=f"SCP{scp:02X} i={i:02X}: not opened by INITIALIZE UPDATE"):
            run(decode_parameters(scp, i), HOST, greeting(scp, None))


CASES = [
    pytest.param(1, 0x05, None, 0x01, id="scp01"),
    pytest.param(2, 0x15, b"\0\7", 0x01, id="scp02"),
    pytest.param(3, 0x70, SEQUENCE, 0x33, id="scp03"),
]


def proved(scp: int, i: int, sequence: bytes | None):
    """A greeting with the right cryptogram, by plain calls, and the host cryptogram to expect."""
    challenge = CARD[:6] if scp == 2 else CARD
    met = greeting(scp, i if scp == 3 else None, challenge, sequence)
    if scp == 3:
        label = bytes(11) + b"%c\0\0\x40\1"
        card = naive.cmac(MAC[:16], label % 0 + HOST + challenge)[:8]
        host = naive.cmac(MAC[:16], label % 1 + HOST + challenge)[:8]
        return replace(met, cryptogram=card), aes_keys(), host
    theirs = (sequence or b"") + challenge
    card, host = naive.full(ENC[:16], HOST + theirs), naive.full(ENC[:16], theirs + HOST)
    return replace(met, cryptogram=card), des_keys(), host


@pytest.mark.parametrize(("scp", "i", "sequence", "level"), CASES)
def test_the_host_proves_itself_after_the_card(scp, i, sequence, level):
    met, keys, host = proved(scp, i, sequence)
    session = open_session(decode_parameters(scp, i), met, HOST, keys, SecurityLevel(level), max_data=200)
    command = session.external_authenticate()
    assert (command.cla, command.ins, command.p1, command.p2, command.ne) == (0x84, 0x82, level, 0x00, 0)
    assert command.data[:8] == host
    assert session.max_command_data < 200
    assert repr(session) == f"<SCP{scp:02X} i={i:02X} level={level:02X} called>"


@pytest.mark.parametrize(("scp", "i", "sequence", "level"), CASES)
def test_any_other_card_cryptogram_ends_everything(scp, i, sequence, level):
    met, *_ = proved(scp, i, sequence)
    cryptogram = met.cryptogram
    flipped = [
        cryptogram[: n // 8] + bytes([cryptogram[n // 8] ^ 1 << n % 8]) + cryptogram[n // 8 + 1 :] for n in range(64)
    ]
    for wrong in [*flipped, b"", cryptogram[:7], cryptogram + b"\0"]:
        _, keys, _ = proved(scp, i, sequence)
        with pytest.raises(
            AuthenticationError,
            match=r"wrong card cryptogram with key version 30: .*before EXTERNAL AUTHENTICATE, no try was spent$",
        ) as caught:
            open_session(decode_parameters(scp, i), replace(met, cryptogram=wrong), HOST, keys, SecurityLevel(level))
        assert caught.value.security_stop
        assert not any(any(one._buffer) for one in (keys.enc, keys.mac, keys.rmac))


@pytest.mark.parametrize(("scp", "i", "sequence", "level"), CASES)
def test_the_quirks_reach_the_session(scp, i, sequence, level):
    met, keys, _ = proved(scp, i, sequence)
    quirks = Quirks(rmac_on_error=True)
    assert (
        open_session(decode_parameters(scp, i), met, HOST, keys, SecurityLevel(level), quirks=quirks).quirks == quirks
    )


def test_a_level_the_card_does_not_have_is_refused_before_any_cryptogram():
    met, keys, _ = proved(3, 0x70, SEQUENCE)
    with pytest.raises(ProfileError, match="security level 33"):
        open_session(decode_parameters(3, 0x30), replace(met, i=0x30), HOST, keys, SecurityLevel(0x33))
    assert any(keys.mac._buffer)


@pytest.mark.parametrize(("scp", "i", "keys"), [(1, 5, aes_keys()), (2, 0x15, aes_keys()), (3, 0x70, des_keys())])
def test_keys_of_another_cipher_are_refused(scp, i, keys):
    met = greeting(scp, i if scp == 3 else None)
    with pytest.raises(
        KeyStoreError, match=rf"^SCP0{scp} i=..: session key test is .*, expected {'AES' if scp == 3 else '3DES'}$"
    ):
        card_cryptogram(decode_parameters(scp, i), keys, HOST, met)


# Pseudo-random challenges.


def test_scp03_asks_the_store_for_the_challenge_of_the_counter():
    store = Recorder()
    met = greeting(3, 0x70, (SEQUENCE + AID + bytes(16))[:8], SEQUENCE)
    check_card_challenge(decode_parameters(3, 0x70), met, AID, keystore=store, keys=THREE)
    assert store.asked == [(4, THREE.enc, SEQUENCE, AID, 8)]


def test_scp03_in_s16_mode_has_a_challenge_of_16_bytes():
    store = Recorder()
    met = greeting(3, 0x71, (SEQUENCE + AID + bytes(16))[:16], SEQUENCE)
    check_card_challenge(decode_parameters(3, 0x71), met, AID, keystore=store, keys=THREE)
    assert store.asked == [(4, THREE.enc, SEQUENCE, AID, 16)]


def test_a_challenge_of_the_old_counter_passes_only_with_its_quirk():
    old = (unhex("00000F") + AID + bytes(16))[:8]
    met = greeting(3, 0x70, old, SEQUENCE)
    parameters, store = decode_parameters(3, 0x70), Recorder()
    with pytest.raises(AuthenticationError, match="sequence counter 000010 and AID A000000151000000"):
        check_card_challenge(parameters, met, AID, keystore=store, keys=THREE)
    quirks = Quirks(scp03_challenge_old_counter=True)
    check_card_challenge(parameters, met, AID, keystore=store, keys=THREE, quirks=quirks)
    assert [asked[2] for asked in store.asked] == [SEQUENCE, SEQUENCE, unhex("00000F")]
    new = greeting(3, 0x70, (SEQUENCE + AID)[:8], SEQUENCE)
    check_card_challenge(parameters, new, AID, keystore=store, keys=THREE, quirks=quirks)
    first = greeting(3, 0x70, (bytes(3) + AID)[:8], bytes(3))
    store.asked.clear()
    check_card_challenge(parameters, first, AID, keystore=store, keys=THREE, quirks=quirks)
    assert [asked[2] for asked in store.asked] == [bytes(3)]


def test_the_scp02_challenge_is_a_mac_over_the_aid_with_the_session_key():
    store = Recorder()
    expected = naive.retail(bytes(range(8, 24)), AID)[:6]
    met = greeting(2, None, expected, b"\0\7")
    check_card_challenge(decode_parameters(2, 0x55), met, AID, keystore=store, keys=THREE)
    assert store.asked == [(2, THREE, b"\0\7")]
    assert not any(store.given[0].mac._buffer)


@pytest.mark.parametrize(("scp", "i"), [(1, 0x05), (2, 0x15), (3, 0x60)])
def test_a_random_challenge_is_not_recomputed(scp, i):
    store = Recorder()
    check_card_challenge(decode_parameters(scp, i), greeting(scp, None), AID, keystore=store, keys=THREE)
    assert store.asked == []


# Implicit sessions.


def test_implicit_keys_come_from_the_counter_and_the_next():
    store = Recorder()
    keys = implicit_session_keys(store, THREE, decode_parameters(2, 0x1B), b"\x00\x10")
    assert store.asked == [(2, THREE, b"\x00\x10"), (2, THREE, b"\x00\x11")]
    now, then = (Recorder().scp02_session(THREE, number) for number in (b"\x00\x10", b"\x00\x11"))
    assert (keys.enc, keys.mac, keys.rmac, keys.dek) == (now.enc, now.mac, then.rmac, then.dek)
    first, second = store.given
    assert not any(any(unused._buffer) for unused in (first.rmac, first.dek, second.enc, second.mac))


@pytest.mark.parametrize(("sequence", "after"), [(b"\x00\xff", b"\x01\x00"), (b"\xff\xfe", b"\xff\xff")])
def test_the_counter_carries_over(sequence, after):
    store = Recorder()
    implicit_session_keys(store, THREE, decode_parameters(2, 0x1B), sequence)
    assert [asked[2] for asked in store.asked] == [sequence, after]


def test_a_used_up_counter_opens_nothing():
    with pytest.raises(ProfileError, match=r"^sequence counter FFFF: this key set opens no further session$"):
        implicit_session_keys(Recorder(), THREE, decode_parameters(2, 0x1B), b"\xff\xff")


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_counter_of_another_length_is_refused(length):
    with pytest.raises(EncodingError, match=f"sequence counter: got {length} bytes, expected 2"):
        implicit_session_keys(Recorder(), THREE, decode_parameters(2, 0x1B), bytes(length))


def test_an_implicit_session_takes_one_base_key():
    store = Recorder()
    one = card_keys("base", "base", "base")
    implicit_session_keys(store, one, decode_parameters(2, 0x1A), b"\0\1")
    assert [asked[1] for asked in store.asked] == [replace(one, mac=one.enc, dek=one.enc)] * 2


def test_an_implicit_session_begins_with_the_mac_over_the_aid():
    session = open_implicit_session(decode_parameters(2, 0x0B), AID, des_keys(), quirks=Quirks(), max_data=100)
    assert (session.level, session.max_command_data, session.quirks) == (SecurityLevel.C_MAC, 92, Quirks())
    wrapped = session.wrap(CommandAPDU(0x80, 0xCA, 0, 0x66))
    block = unhex("80CA006600")
    assert wrapped.data == naive.retail(MAC[:16], block, naive.retail(MAC[:16], AID))
    assert session.unwrap(ResponseAPDU(b"\x66\0", 0x9000)).data == b"\x66\0"


def test_the_first_r_mac_of_an_implicit_session_begins_with_the_mac_over_the_aid():
    session = open_implicit_session(decode_parameters(2, 0x2B), AID, des_keys())
    session.wrap(session.begin_r_mac())
    block = unhex("807A10010100") + unhex("00") + unhex("9000")
    first = naive.retail(RMAC[:16], block, naive.retail(RMAC[:16], AID))
    assert session.unwrap(ResponseAPDU(first, 0x9000)) == ResponseAPDU(b"", 0x9000)
    assert session.proven


@pytest.mark.parametrize(("scp", "i"), [(2, 0x15), (3, 0x70), (1, 0x05), (0x11, 0x07)])
def test_only_implicit_scp02_opens_implicitly(scp, i):
    with pytest.raises(ProfileError, match="expected SCP02 with implicit initiation"):
        open_implicit_session(decode_parameters(scp, i), AID, des_keys())
