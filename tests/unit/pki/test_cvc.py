"""Card verifiable certificates: those of the worked examples, and chains made here."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardkit.apps.pki import cvc
from cardkit.apps.pki.cvc import CvCertificate, CvRequest, Right, check_chain
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, KeyStoreError

from .issuers import EAC, key

NAMES = [name for name in EAC if name.startswith("CV certificate ")]
EXAMPLES = {name.split()[-1]: CvCertificate.parse(bytes.fromhex(EAC[name]["in"]["der"])) for name in NAMES}
EFFECTIVE, EXPIRES = date(2026, 11, 22), date(2026, 12, 22)
ALL = Right.FINGER | Right.IRIS


@pytest.mark.parametrize("name", NAMES)
def test_certificates_of_the_worked_examples(name):
    out = EAC[name]["out"]
    found = EXAMPLES[name.split()[-1]]
    issuer = EXAMPLES[out["signature_valid_with"]]
    assert (found.authority, found.holder) == (out["car"], out["chr"])
    assert found.authorization == bytes.fromhex(out["chat"])
    assert (str(found.effective), str(found.expires)) == (out["effective"], out["expires"])
    assert found.signature == bytes.fromhex(out["signature"])
    assert [f"{item.tag:02X}" for item in found.public_key] == out["public_key_tags"]
    assert found.signed_by(issuer, EXAMPLES["tc_ecdh_cvca_cert"].curve())
    assert not replace(found, signature=found.signature[::-1]).signed_by(issuer, EXAMPLES["tc_ecdh_cvca_cert"].curve())


@pytest.mark.parametrize("kind", ["ecdh_cvca_cert ecdh_dv_cert ecdh_ta_cert", "dh_cvca dh_dv_cert dh_ta_cert"])
def test_chains_of_the_worked_examples(kind):
    point, *chain = (EXAMPLES[f"tc_{name}"] for name in kind.split())
    assert check_chain(point, chain).hex() == "0000000110"
    with pytest.raises(EncodingError, match="issued by DETESTDVDE019, expected"):
        check_chain(point, chain[1:])


def made(name, holder, rights, authority=None, issuer=None):
    """Return a certificate; its own authority where none is named."""
    request = CvRequest(holder, key(name), rights, EFFECTIVE, EXPIRES)
    data = cvc.issue(request, authority or holder, key(issuer or name))
    return CvCertificate.parse(data)


@pytest.mark.parametrize("curve", ["p256", "bp256", "p384", "bp512", "p521"])
def test_a_chain_gives_the_rights_all_of_it_has(curve):
    point = made(f"{curve}-1", "UTCVCA00001", Right.AUTHORITY | ALL)
    verifier = made(f"{curve}-2", "UTDV00001", Right.DOMESTIC_VERIFIER | Right.FINGER, "UTCVCA00001", f"{curve}-1")
    terminal = made(f"{curve}-3", "UTIS00001", ALL, "UTDV00001", f"{curve}-2")
    assert check_chain(point, [verifier, terminal]) == bytes((Right.FINGER,))
    assert (point.curve() is not None, verifier.curve(), terminal.curve()) == (True, None, None)
    assert (point.effective, point.expires, point.role) == (EFFECTIVE, EXPIRES, cvc.INSPECTION_SYSTEM)


def test_only_a_cvca_has_the_parameters_of_its_curve():
    point = made("p256-1", "UTCVCA00001", Right.AUTHORITY | ALL)
    terminal = made("p256-3", "UTIS00001", ALL, "UTCVCA00001", "p256-1")
    assert [f"{item.tag:02X}" for item in point.public_key] == ["06", "81", "82", "83", "84", "85", "86", "87"]
    assert [f"{item.tag:02X}" for item in terminal.public_key] == ["06", "86"]
    body = tlv.first(terminal.der)[0].children()[0].children()
    dates = [item.value.hex() for item in body if item.tag in (0x5F25, 0x5F24)]
    assert dates == ["020601010202", "020601020202"]


def test_a_foreign_signature_and_a_wrong_issuer_are_named():
    point = made("p256-1", "UTCVCA00001", Right.AUTHORITY | ALL)
    foreign = made("p256-3", "UTIS00001", ALL, "UTCVCA00001", "p256-2")
    with pytest.raises(EncodingError, match="UTIS00001: its signature is wrong under the key of UTCVCA00001"):
        check_chain(point, [foreign])


@pytest.mark.parametrize("holder", ["ut00001", "UT1", "UTABCDEFGHIJK00001", "UT-DV00001", "ÜTDV00001"])
def test_references_that_are_none(holder):
    with pytest.raises(EncodingError, match="reference"):
        made("p256-1", holder, ALL)


def test_a_key_that_is_on_no_curve():
    with pytest.raises(KeyStoreError, match="test:rsa-2048: expected an elliptic curve"):
        made("rsa-2048", "UTCVCA00001", Right.AUTHORITY)


@given(st.integers(0, 500), st.integers(0, 255))
def test_a_changed_byte_is_noticed_or_refused(at, value):
    data = bytearray(EXAMPLES["tc_ecdh_ta_cert"].der)
    at %= len(data)
    if data[at] == value:
        return
    data[at] = value
    issuer, curve = EXAMPLES["tc_ecdh_dv_cert"], EXAMPLES["tc_ecdh_cvca_cert"].curve()
    try:
        assert not CvCertificate.parse(bytes(data)).signed_by(issuer, curve)
    except EncodingError:
        return
