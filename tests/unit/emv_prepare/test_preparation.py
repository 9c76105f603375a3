"""Prepared cards, taken apart with nothing of ours but the DGI and TLV readers: arithmetic, ciphers and oracles."""

from __future__ import annotations

import hashlib
import json
import tomllib
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from psec import cvv, pin

from cardkit.crypto import Secret, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.crypto.secret import joined
from cardkit.encoding import dgi, tlv
from cardkit.errors import EncodingError, KeyStoreError, ProfileError
from cardkit.perso import Prepared, plan, prepare
from tests.unit.emv_prepare.conftest import KEYS, numbers_of

AID = "F0434B49540101"
TEST_KEYS = {
    name: bytes(range(first, first + 16)) for name, first in (("ac", 0x40), ("smi", 0x50), ("smc", 0x60), ("idn", 0x70))
}
CVK, PVK = bytes(range(0x80, 0x90)), bytes(range(0x90, 0xA0))


def groupings(prepared, name=AID):
    return {item.tag: item.value for item in dgi.parse(joined((prepared.values[name],)))}


def objects(groups, sfis=(1, 2, 3)):
    """Return the data objects of all records of some files."""
    found = {}
    for tag, value in groups.items():
        if tag >> 8 in sfis:
            (template,) = tlv.parse(value)
            assert template.tag == 0x70
            found |= {item.tag: item.value for item in template.children()}
    return found


@pytest.fixture(scope="session")
def card(contact):
    return groupings(contact.prepared())


def test_the_same_record_gives_the_same_bytes(job):
    assert job.prepared(2).to_bytes() == job.prepared(2).to_bytes()
    assert Prepared.from_bytes(job.prepared(2).to_bytes()) == job.prepared(2)


def test_certificates_say_what_they_must(contact, card):
    """Recovered with pow and SHA-1 as EMV 4.4 Book 2, 5.3 and 6.4 have it."""
    (authority,) = tomllib.loads((contact.profile.path.parent / "authorities.capk").read_text())["capk"]
    data = objects(card)
    n = int(authority["modulus"], 16)
    issuer = pow(int.from_bytes(data[0x90], "big"), int(authority["exponent"], 16), n).to_bytes(len(data[0x90]), "big")
    assert (issuer[:2], issuer[-1:], issuer[2:6].hex()) == (b"\x6a\x02", b"\xbc", "999999ff")
    modulus = issuer[15:-21] + data[0x92]
    hashed = issuer[1:-21] + data[0x92] + data[0x9F32]
    assert issuer[-21:-1] == hashlib.sha1(hashed).digest()

    block = pow(int.from_bytes(data[0x9F46], "big"), 3, int.from_bytes(modulus, "big")).to_bytes(len(modulus), "big")
    (template,) = tlv.parse(card[0x0201])
    static = template.value + bytes.fromhex("3900")
    assert (block[:2], block[-1:], block[2:12].hex()) == (b"\x6a\x04", b"\xbc", "9999990000000014ffff")
    assert block[12:14].hex() == "1229"
    assert block[-21:-1] == hashlib.sha1(block[1:-21] + data[0x9F48] + data[0x9F47] + static).digest()
    assert (block[19], len(data[0x9F48])) == (144, 10)
    (hidden,) = (value for name, value in contact.prepared().values.items() if name.endswith("secret"))
    parts = {item.tag: int.from_bytes(item.value, "big") for item in dgi.parse(joined((hidden,)))}
    p, q = parts[0x8205], parts[0x8204]
    assert int.from_bytes(block[21:-21] + data[0x9F48], "big") == p * q
    assert parts[0x8201] == pow(q, -1, p)
    assert (3 * parts[0x8202] % (q - 1), 3 * parts[0x8203] % (p - 1)) == (1, 1)


def test_check_values_are_those_of_the_derived_keys(card):
    """Option A with two-key 3DES (EMV 4.4 Book 2, A1.4.1), computed here; KCV: a block of zeros enciphered."""
    y = bytes.fromhex("9999000000001401")
    expected = b""
    for master in TEST_KEYS.values():
        derived = tdes(master, y + bytes(byte ^ 0xFF for byte in y))
        adjusted = bytes(byte if byte.bit_count() % 2 else byte ^ 1 for byte in derived)
        expected += tdes(adjusted, bytes(8))[:3]
    assert card[0x9000] == expected


def tdes(key, data):
    return Cipher(TripleDES(key + key[:8]), modes.ECB()).encryptor().update(data)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_track_data_recompute(contact, card):
    """CVV with service code 999 and PVV, by psec."""
    data = objects(card)
    pan = "9999990000000014"
    value = pin.generate_visa_pvv(PVK, "1", "1234", pan)
    code = cvv.generate_cvv(CVK, pan, "2912", "999")
    discretionary = f"1{value}{code}"
    assert data[0x57].hex().upper() == f"{pan}D2912201{discretionary}"
    assert data[0x9F1F] == discretionary.encode()


def test_what_is_shown_is_what_the_profile_says(card):
    assert card[0x9102].hex() == "a518500c" + b"NEUTRAL TEST".hex() + "8701015f2d04757a656e"
    assert card[0x9104].hex() == "82023900940c080101001001040118010100"
    assert card[0x9010].hex() == "0303"
    assert objects(card)[0x8E].hex() == "00000000000000004201440341035e0342031f03"


def test_a_key_of_any_size_finds_its_place(variant):
    """1984 bits under an issuer key of 1408 are refused: a card's key is no longer than its issuer's."""
    for bits, exponent in ((1024, 65537), (1408, 3)):
        changed = variant_of(variant, bits, exponent)
        data = objects(groupings(changed.prepared()))
        rest = bits // 8 - (176 - 42)
        assert len(data.get(0x9F48, b"")) == max(rest, 0)
    with pytest.raises(EncodingError, match="no longer than the key that signs"):
        variant_of(variant, 1984, 3).prepared()


def variant_of(variant, bits, exponent):
    return variant("emv-contact-cda", ("bits = 1152, exponent = 3", f"bits = {bits}, exponent = {exponent}"))


def test_nothing_of_the_private_key_shows(contact):
    prepared = contact.prepared()
    (hidden,) = (value for name, value in prepared.values.items() if name.endswith("secret"))
    (first, *_) = dgi.parse(joined((hidden,)))
    shown = f"{prepared!r} {contact.plan()!r} {contact.plan().to_json()}".upper()
    assert first.value.hex().upper()[:32] not in shown
    assert "9999990000000014" not in shown


def test_no_object_on_the_way_shows_whose_card_it_is(contact):
    """What a traceback with local variables would print: PAN, name and records are in none of it."""
    blueprint = contact.plan().blueprint
    card = blueprint._card
    shown = " ".join(map(repr, (blueprint._card, *card.faces.values(), *card.data.values(), card.holder, blueprint)))
    assert not [text for text in ("9999990000000014", "TEST/CARD ONE", "544553542F") if text in shown.upper()]


def test_values_of_another_product_are_refused(contact, dual):
    values = dual.prepared()
    with pytest.raises(ProfileError, match="changed since record 1 was prepared"):
        plan(contact.profile, contact.records[0], values, contact.keystore)
    forged = replace(values, profile_sha256=contact.profile.sha256)
    with pytest.raises(ProfileError, match="not of this product"):
        plan(contact.profile, contact.records[0], forged, contact.keystore)


def test_values_of_another_record_are_refused(contact):
    with pytest.raises(ProfileError, match="not of this record: ICC certificate: identity"):
        plan(contact.profile, contact.records[1], contact.prepared(1), contact.keystore)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_values_that_were_damaged_are_refused_as_such(contact, data):
    """Whatever stands in a stream: a plan, or a ProfileError; sealed as they are, nobody can change them."""
    made = contact.prepared()
    name = data.draw(st.sampled_from(sorted(made.values)))
    stream = bytearray(joined((made.values[name],)))
    at = data.draw(st.integers(0, len(stream) - 1))
    stream[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    values = {**made.values, name: Secret(stream, name)}
    with suppress(ProfileError):
        plan(contact.profile, contact.records[0], replace(made, values=values), contact.keystore)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('iins = ["999999"]', 'iins = ["888888"]', "not of this issuer"),
        ('"9F07" = "FF80"\n', "", "data object 9F07: no value"),
        ('"9F07" = "FF80"', '"9F07" = "FF8"', "data object 9F07: expected pairs"),
        ('layout = ["pvki", "pvv", "cvv"]', 'layout = ["pvki", "cvv2"]', "emv.tracks.layout"),
        (
            'layout = ["pvki", "pvv", "cvv"]',
            'layout = ["000000000000000000000000"]',
            "track 2 equivalent data: 24 bytes",
        ),
        ('label = "NEUTRAL TEST"', 'label = "NEUTRAL TEST CARD"', "expected 1 to 16 letters"),
        ('fci = ["5F2D"]', 'fci = ["5F2D", "9F38"]', "data object 9F38: no value"),
        ('"5F2D" = "757A656E"', f'"5F2D" = "{"75" * 240}"', "FCI of F0434B49540101: 265 bytes, expected 252"),
        ('"9F4A" = "82"', '"9F4A" = "83"', "static data tag list 9F4A: 83, expected 82"),
    ],
)
def test_what_does_not_fit_is_said_before_a_card_is_there(variant, old, new, text):
    changed = variant("emv-contact-cda", (old, new))
    with pytest.raises(EncodingError, match=text):
        changed.prepared()


def test_a_card_that_outlives_its_issuers_certificate_is_refused(variant):
    changed = variant(
        "emv-contact-cda", ("9999990000000014,01,2029-12", "9999990000000014,01,2036-01"), file="order.csv"
    )
    with pytest.raises(EncodingError, match="issuer certificate: good until 2035-12-31, the card until 2036-01-31"):
        changed.prepared()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("pin_tries = 3", 'pin_tries = 3\ngroupings = { "30" = "00" }', "groupings: 30: expected 4 digits"),
        ("pin_tries = 3", 'pin_tries = 3\ndata = ["9F4F"]', "data: 9F4F has no value in tags"),
        ('aip = "3900"', 'aip = "39"', r"emv.applications\[0\].contact.aip: got 1 bytes, expected 2"),
        ('["57", "5F20", "9F1F"]', '["57", "5F20", "5A"]', "5A stands in two records"),
        ('"9F10" = "0FA5', '"9F10" = "00A5', "format of no cryptogram version"),
        ("rsa = {", 'dac = "0000"\nrsa = {', "go with static = true"),
        ('key = "test:issuer"\n', "", "key, certificate and authorities: all are needed"),
        ('module = "A000000099990102"', 'module = "A000000099990109"', "no module A000000099990109 in its load file"),
        (
            "[emv.pse]",
            '[emv.ppse]\nload_file = "A0000000999901"\nmodule = "A000000099990103"\n[emv.pse]',
            "emv.ppse: no application",
        ),
    ],
)
def test_a_profile_that_cannot_be_is_refused_as_such(variant, old, new, text):
    changed = variant("emv-contact-cda", (old, new))
    with pytest.raises(ProfileError, match=text):
        prepare(changed.profile, changed.records[0], changed.keystore, bytes)


@pytest.mark.parametrize(
    ("file", "old", "new", "text"),
    [
        ("issuer-certificate.hex", "8F01929081B05F", "8F01929081B05E", "header or trailer"),
        ("issuer-certificate.hex", "8F0192", "8F01", "got 1|expected data objects"),
        ("authorities.capk", 'index = "92"', 'index = "93"', "check sum"),
    ],
)
def test_a_certificate_that_does_not_recover_is_refused(variant, file, old, new, text):
    changed = variant("emv-contact-cda", (old, new), file=file)
    with pytest.raises(ProfileError, match=f"emv.issuer.*({text})"):
        changed.prepared()


def test_another_issuer_key_than_the_certificates_is_found_out(variant):
    changed = variant("emv-contact-cda")
    key = next(entry for entry in json.loads(KEYS.read_text())["keys"] if entry["bits"] == 1408)
    changed.keystore._keys["test:issuer"] = PrivateKey.of(numbers_of(key).private_key(), "other", Usage.EMV_SIGN)
    with pytest.raises(KeyStoreError, match="key test:issuer: another than the one the issuer certificate is of"):
        changed.prepared()
