"""Recovering issuer and card keys: vectors of three other programs, and each thing that can be wrong alone."""

from dataclasses import replace
from datetime import date

import pytest

from cardkit.apps.emv.oda.block import Step
from cardkit.apps.emv.oda.recover import recover_icc, recover_issuer, recover_pin_key, recover_ssad
from cardkit.crypto.emvrsa import RsaPublicKey
from cardkit.errors import AuthenticationError

from .oda_vectors import icc_key, issuer_key, named, public, unhex

ISSUERS = {**named("issuer_cert 1"), **named("issuer_cert 2"), **named("issuer_cert 3"),
           **named("issuer_cert 4"), **named("issuer_cert 5")}  # fmt: skip
ICCS = {**named("icc_cert 1"), **named("icc_cert 2"), **named("icc_cert 3"), **named("icc_cert 4")}
SSADS = {**named("ssad 1"), **named("ssad 2")}
GOOD = ISSUERS["issuer_cert 1: issuer cert recovery A000000003#94"]
CARD = ICCS["icc_cert 3: dda: icc cert"]


def decoded(certificate):
    return {
        "expiry_mmyy": certificate.expiry.hex(),
        "serial": certificate.serial.hex().upper(),
        "hash_alg": f"{certificate.hash_algorithm:02X}",
        "pk_alg": f"{certificate.key_algorithm:02X}",
        "modulus": certificate.key.modulus.hex().upper(),
        "hash": certificate.digest.hex().upper(),
        "plain": certificate.plain.hex().upper(),
    }


@pytest.mark.parametrize("name", ISSUERS)
def test_issuer_key(name):
    vector = ISSUERS[name]
    recovery = recover_issuer(public(vector, "ca"), issuer_key(vector), pan=vector["in"]["pan"])
    out = vector["out"]

    assert recovery.faults == ()
    assert decoded(recovery.value).items() <= out.items()
    assert (recovery.value.identity, recovery.value.key.size) == (out["issuer_id"], out["pk_len"])


@pytest.mark.parametrize("name", ICCS)
def test_card_key(name):
    vector, out = ICCS[name], ICCS[name]["out"]
    static = unhex(vector, "static_data") if out.get("hash_checked", True) else None
    recovery = recover_icc(public(vector, "issuer"), icc_key(vector), static, pan=out["pan"].rstrip("F"))

    assert recovery.faults == ()
    assert decoded(recovery.value).items() <= out.items()
    assert (recovery.value.identity, recovery.value.key.size) == (out["pan"], out["pk_len"])


@pytest.mark.parametrize("name", SSADS)
def test_signed_static_data(name):
    vector, out = SSADS[name], SSADS[name]["out"]
    static = unhex(vector, "static_data") if out.get("hash_checked", True) else None
    signature = recover_ssad(public(vector, "issuer"), unhex(vector, "tag_93"), static).checked()

    assert (signature.dac.hex().upper(), signature.digest.hex().upper()) == (out["dac"], out["hash"])
    assert (signature.plain.hex().upper(), signature.hash_algorithm) == (out["plain"], 1)


@pytest.mark.parametrize("name", named("issuer_cert negative") | named("issuer_cert positive"))
def test_issuer_key_that_is_not_good(name):
    vector = named("issuer_cert")[name]
    text = vector["in"].get("transaction_date")
    on = date(2000 + int(text[:2]), int(text[2:4]), int(text[4:])) if text else None
    recovery = recover_issuer(public(vector, "ca"), issuer_key(vector), pan=vector["in"]["pan"], on=on)
    steps = [fault.step.value for fault in recovery.faults]

    if vector["out"]["error"] is None:
        assert steps == []
    else:
        assert steps[0] == vector["out"]["error"]


@pytest.mark.parametrize("name", named("icc_cert negative") | named("ssad negative"))
def test_card_data_that_are_not_good(name):
    vector = {**named("icc_cert"), **named("ssad")}[name]
    issuer = public(vector, "issuer")
    if vector["out"]["kind"] == "ssad":
        faults = recover_ssad(issuer, unhex(vector, "tag_93"), None).faults
    else:
        faults = recover_icc(issuer, icc_key(vector), None).faults

    assert [fault.step.value for fault in faults] == [vector["out"]["error"]]


def steps(recovery):
    return [fault.step for fault in recovery.faults]


def test_issuer_of_another_pan_is_refused():
    recovery = recover_issuer(public(GOOD, "ca"), issuer_key(GOOD), pan="4761740000000000")

    assert steps(recovery) == [Step.IDENTITY]
    with pytest.raises(AuthenticationError, match=r"identity: expected 3 to 8 leading digits .* 476173FF"):
        recovery.checked()


def test_revoked_issuer_is_refused():
    recovery = recover_issuer(public(GOOD, "ca"), issuer_key(GOOD), revoked={bytes.fromhex("03DA0A")})

    assert steps(recovery) == [Step.REVOKED]


@pytest.mark.parametrize(("field", "value", "step"), [
    ("certificate", b"", Step.MISSING), ("exponent", b"", Step.MISSING), ("certificate", bytes(247), Step.LENGTH),
    ("certificate", b"\xff" * 248, Step.BLOCK), ("remainder", b"\0", Step.HASH), ("exponent", b"\2", Step.HASH),
])  # fmt: skip
def test_one_object_wrong(field, value, step):
    recovery = recover_issuer(public(GOOD, "ca"), replace(issuer_key(GOOD), **{field: value}))

    assert steps(recovery)[0] is step


def test_remainder_and_exponent_are_judged_beside_the_hash():
    signed = issuer_key(GOOD)

    assert steps(recover_issuer(public(GOOD, "ca"), replace(signed, remainder=b"\0"))) == [Step.HASH, Step.LENGTH]
    assert steps(recover_issuer(public(GOOD, "ca"), replace(signed, exponent=b"\2"))) == [Step.HASH, Step.KEY]


def test_key_that_is_no_rsa_key():
    even = RsaPublicKey(public(GOOD, "ca").modulus[:-1] + b"\0", b"\3")
    two = RsaPublicKey(public(GOOD, "ca").modulus, b"\2")

    assert steps(recover_issuer(even, issuer_key(GOOD))) == [Step.KEY]
    assert steps(recover_issuer(two, issuer_key(GOOD))) == [Step.KEY]
    assert steps(recover_ssad(RsaPublicKey(b"\3" * 25, b"\3"), bytes(25), b"")) == [Step.LENGTH]


def test_card_key_with_other_static_data_or_pan():
    issuer, static = public(CARD, "issuer"), unhex(CARD, "static_data")

    assert steps(recover_icc(issuer, icc_key(CARD), static + b"\0")) == [Step.HASH]
    assert steps(recover_icc(issuer, icc_key(CARD), static, pan="5285881254345661")) == [Step.IDENTITY]
    assert "5285881254345653" not in str(recover_icc(issuer, icc_key(CARD), static, pan="1").faults[0])


def test_card_key_expires_at_the_end_of_its_month():
    issuer, static = public(CARD, "issuer"), unhex(CARD, "static_data")

    assert recover_icc(issuer, icc_key(CARD), static, on=date(2015, 6, 30)).good
    assert steps(recover_icc(issuer, icc_key(CARD), static, on=date(2015, 7, 1))) == [Step.EXPIRY]


def test_icc_certificate_does_not_serve_as_pin_certificate():
    """The PIN certificate covers no static data, so that of a card's other key does not fit."""
    assert steps(recover_pin_key(public(CARD, "issuer"), icc_key(CARD))) == [Step.HASH]


def test_issuer_certificate_is_not_taken_for_a_card():
    assert steps(recover_icc(public(GOOD, "ca"), issuer_key(GOOD), b"")) == [Step.FORMAT]


def test_static_signature_over_other_data():
    vector = SSADS["ssad 2: sda: ssad"]
    recovery = recover_ssad(public(vector, "issuer"), unhex(vector, "tag_93"), b"\0")

    assert steps(recovery) == [Step.HASH]
    assert recovery.value.dac == b"12"
