"""Passive authentication: every fault is named by its rule, and by no other."""

import base64
from dataclasses import replace
from datetime import datetime

import pytest

from cardkit.apps.emrtd.countries import STATES, same_state
from cardkit.apps.emrtd.groups import build_dg1, build_group
from cardkit.apps.emrtd.mrz import Format, Holder, compose
from cardkit.apps.emrtd.passive import Document, Terms, authenticate
from cardkit.apps.emrtd.sod import LdsSecurityObject, build_sod
from cardkit.apps.pki import issuing
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.crl import Revocation, issue_crl
from cardkit.apps.pki.issuing import Term
from cardkit.apps.pki.masterlist import issue_master_list
from cardkit.apps.pki.trust import TrustStore
from cardkit.encoding import tlv

from .issuers import DAY, NOW, PLACE, VECTORS, in_vector, key, list_signer, request, root, signer

HOLDER = Holder("P", "UTO", "L898902C3", "UTO", "740812", "F", "301115", "ERIKSSON", "ANNA MARIA")
DG1 = build_dg1(compose(Format.TD3, HOLDER))
DG13 = build_group(13, b"national")
GROUPS = {1: DG1, 13: DG13}
TERMS = Terms(NOW + DAY)
AUTHORITY = root(explicit=True)
SIGNER = signer(AUTHORITY, explicit=True)
SOD = build_sod(LdsSecurityObject.of("sha256", GROUPS), SIGNER, NOW)


def crl_of(authority, *serials, at=NOW, number=1):
    certificate, own = authority
    revoked = [Revocation(serial, at) for serial in serials]
    return issue_crl(Certificate.parse(certificate), own, number, (at, at + 90 * DAY), revoked)


def trusting(*contents):
    store = TrustStore.of((str(at), content) for at, content in enumerate(contents))
    assert store.troubles == ()
    return store


TRUST = trusting(AUTHORITY[0], crl_of(AUTHORITY))


def found(sod=SOD, groups=GROUPS, trust=TRUST, terms=TERMS, closed=()):
    """Return rules and what was found for a document."""
    verdict = authenticate(Document(sod, groups, frozenset(closed)), trust, terms)
    return [(one.rule, one.actual) for one in verdict.troubles]


def rules(**changes):
    return [rule for rule, _ in found(**changes)]


def test_a_good_document_has_no_finding():
    verdict = authenticate(Document(SOD, {1: DG1 + bytes(50), 13: DG13}), TRUST, TERMS)
    assert verdict.troubles == ()
    assert verdict.signer == Certificate.parse(SIGNER.certificate)
    assert [one.der for one in verdict.chain] == [AUTHORITY[0]]


EXPECTED = {
    "hash of DG1 differs": {"EMRTD-072"},
    "messageDigest attribute differs from the content": {"EMRTD-071", "EMRTD-072"},  # a hash in the content was changed
    "signature": {"EMRTD-071"},
    "signer does not chain to the trusted CSCA": {"EMRTD-073"},
    "signer revoked": {"EMRTD-076"},
    "eContentType is not 2.23.136.1.1.1": {"EMRTD-070"},
}
NAMED_CURVES = "EMRTD-078"  # a warning, of every vector whose curve is named


@pytest.mark.parametrize("name", [name for name in VECTORS if name.startswith("sod_")])
def test_objects_of_openssl(name):
    given, out = VECTORS[name]["in"], VECTORS[name]["out"]
    contents = [in_vector(given["csca"]), in_vector(given["signer"])]
    contents += [in_vector(given["crl"], "crl")] if "crl" in given else []
    groups = {number: bytes.fromhex(given[f"dg{number}"]) for number in (1, 11)}
    at = datetime.fromisoformat(given["at"])
    verdict = authenticate(Document(bytes.fromhex(given["file"]), groups), trusting(*contents), Terms(at))
    bad = {one.rule for one in verdict.troubles if not one.actual.startswith("not checked")} - {NAMED_CURVES}
    expected = {"EMRTD-079"} if out.get("ber") else set()
    assert bad == (expected if out["valid"] else EXPECTED[out["why"]])


def test_an_altered_group_is_named_with_both_hashes():
    altered = DG13[:-1] + b"L"
    verdict = authenticate(Document(SOD, {1: DG1, 13: altered}), TRUST, TERMS)
    assert [(one.rule, one.where) for one in verdict.troubles] == [("EMRTD-072", "EF.DG13")]
    assert verdict.troubles[0].expected == LdsSecurityObject.of("sha256", {13: DG13}).hashes[13].hex().upper()


def test_groups_that_are_missing_closed_or_not_in_the_object():
    assert found(groups={1: DG1}) == [("EMRTD-072", "absent")]
    assert found(groups={1: DG1}, closed=[13]) == [("EMRTD-072", "not checked: no right to read it")]
    assert found(groups=GROUPS | {11: build_group(11, b"")}) == [("EMRTD-072", "none")]


def test_a_foreign_signer_is_named_by_the_rule_of_the_chain_alone():
    foreign = root("bp384-2", explicit=True)
    sod = build_sod(LdsSecurityObject.of("sha256", GROUPS), signer(foreign, "p256-3", explicit=True), NOW)
    assert rules(sod=sod) == ["EMRTD-073"]


def test_a_foreign_authority_with_the_same_name_and_key_identifier():
    """The name and identifiers are right; only the signature tells."""
    real = Certificate.parse(SIGNER.certificate)
    changed = bytearray(real.der)
    changed[-1] ^= 1
    forged = replace(SIGNER, certificate=bytes(changed))
    assert rules(sod=build_sod(LdsSecurityObject.of("sha256", GROUPS), forged, NOW)) == ["EMRTD-073"]


def test_the_objects_own_certificates_are_never_trusted():
    assert found(trust=TrustStore()) == [("EMRTD-073", "not checked: no trust store given")]


def issued(*, at=TERMS, authority=AUTHORITY, groups=GROUPS, hashing="sha256", signing=NOW, **signer_is):
    """Return rules and findings for a document whose signer is special."""
    special = signer(authority, explicit=True, **signer_is)
    sod = build_sod(LdsSecurityObject.of(hashing, groups), special, signing)
    return found(sod=sod, groups=groups, terms=at, trust=trusting(authority[0], crl_of(authority)))


def test_an_expired_certificate():
    term = Term(NOW - 9 * DAY, NOW + DAY / 2, NOW + DAY / 4)
    assert issued(term=term) == [("EMRTD-073", f"{term.begin:%Y-%m-%d} to {term.end:%Y-%m-%d}")]


def test_a_certificate_that_was_not_in_force_when_it_signed():
    term = Term(NOW + DAY / 2, NOW + 900 * DAY, NOW + 90 * DAY)
    assert {rule for rule, _ in issued(term=term)} == {"EMRTD-073", "EMRTD-075"}


def test_a_key_that_signed_after_its_time():
    term = Term(NOW - 100 * DAY, NOW + 900 * DAY, NOW - 10 * DAY)
    assert [rule for rule, _ in issued(term=term)] == ["EMRTD-075"]
    # Without a signing time, the day of issue counts.
    until_noon = replace(term, key_end=NOW + DAY / 2)
    assert [rule for rule, _ in issued(term=until_noon, signing=None)] == ["EMRTD-075"]
    assert issued(term=until_noon, signing=None, at=replace(TERMS, issued=NOW)) == []


def test_a_type_the_signer_may_not_sign():
    assert issued(types=("I", "ID")) == [("EMRTD-074", "I ID")]


def test_an_authority_or_list_signer_in_the_place_of_a_signer():
    sod = build_sod(LdsSecurityObject.of("sha256", GROUPS), list_signer(AUTHORITY), NOW)
    assert found(sod=sod) == [("EMRTD-074", "missing"), ("EMRTD-078", "curve P-256 by name")]


def test_a_weak_hash():
    assert issued(hashing="sha224") == [("EMRTD-081", "sha224")]
    assert issued(hashing="sha224", at=replace(TERMS, least_hash="sha224")) == []


def test_a_revoked_signer_and_lists_that_are_old_or_missing():
    assert found(trust=trusting(AUTHORITY[0], crl_of(AUTHORITY, 0x77))) == [("EMRTD-076", "revoked on 2026-11-22")]
    assert found(trust=trusting(AUTHORITY[0], crl_of(AUTHORITY, 0x78))) == []
    assert found(trust=trusting(AUTHORITY[0])) == [("EMRTD-076", "not checked: no CRL of its CSCA given")]
    stale = crl_of(AUTHORITY, at=NOW - 100 * DAY)
    assert found(trust=trusting(AUTHORITY[0], stale)) == [("EMRTD-076", f"next update {NOW - 10 * DAY:%Y-%m-%d}")]
    newest = [crl_of(AUTHORITY, 0x77, at=NOW - DAY), crl_of(AUTHORITY, number=2)]
    assert found(trust=trusting(AUTHORITY[0], *newest)) == []


def test_a_list_nobody_trusted_has_signed_does_not_count():
    other = root("bp384-2")
    forged = crl_of(other, 0x77)
    assert found(trust=trusting(AUTHORITY[0], forged)) == [("EMRTD-076", "not checked: no CRL of its CSCA given")]


def renewed(common="CSCA-UTO"):
    """Return the next CSCA: its link certificate, its own, its key."""
    old = Certificate.parse(AUTHORITY[0])
    new = request("bp384-3", common, explicit=True)
    return issuing.issue_link(new, PLACE, old, AUTHORITY[1]), issuing.issue_root(new, PLACE), key("bp384-3")


@pytest.mark.parametrize("common", ["CSCA-UTO", "CSCA-UTO-2"])
def test_a_link_certificate_leads_from_the_old_authority_to_signers_of_the_new_one(common):
    link, new, new_key = renewed(common)
    special = signer((new, new_key), "p256-2", explicit=True)
    sod = build_sod(LdsSecurityObject.of("sha256", GROUPS), special, NOW)
    verdict = authenticate(Document(sod, GROUPS), trusting(AUTHORITY[0], link, crl_of((new, new_key))), TERMS)
    assert [one.der for one in verdict.chain] == [link, AUTHORITY[0]]
    assert verdict.troubles == ()
    assert rules(sod=sod, trust=trusting(AUTHORITY[0])) == ["EMRTD-073"]
    assert rules(sod=sod, trust=trusting(link, crl_of((new, new_key)))) == ["EMRTD-073"]
    assert ("2.23.136.1.1.6.1" in Certificate.parse(link).extensions) == (common != "CSCA-UTO")


def test_the_new_key_signs_lists_for_signers_of_the_old_one():
    _, new, new_key = renewed()
    crl = crl_of((new, new_key), 0x77, at=NOW + DAY / 2, number=7)
    assert found(trust=trusting(AUTHORITY[0], new, crl)) == [("EMRTD-076", "revoked on 2026-11-23")]


def test_countries():
    assert issued(country="FR") == [("EMRTD-080", "FR"), ("EMRTD-080", "UTO")]
    german = {1: build_dg1(compose(Format.TD3, replace(HOLDER, issuing_state="D"))), 13: DG13}
    assert issued(groups=german) == [("EMRTD-080", "D<<")]
    assert (same_state("de", "D<<"), same_state("UZ", "UZB"), same_state("UZ", "KAZ")) == (True, True, False)
    assert len(STATES) > 195
    assert all(len(code) == 2 and len(state) in (1, 3) for code, state in STATES.items())


def test_a_weak_authority():
    weak = root("rsa-2048")
    trust = trusting(weak[0], crl_of(weak))
    sod = build_sod(LdsSecurityObject.of("sha256", GROUPS), signer(weak, explicit=True), NOW)
    assert found(sod=sod, trust=trust) == [("EMRTD-077", "2048")]


def test_what_is_no_security_object():
    for data in (b"", b"\x77\x00", SOD[:-1], tlv.build(0x77, SIGNER.certificate), bytes.fromhex("77803080")):
        assert rules(sod=data) == ["EMRTD-070"]


def test_master_lists_count_when_a_trusted_authority_vouches_for_their_signer():
    other = root("bp512-1")
    data = issue_master_list([other[0], AUTHORITY[0]], list_signer(AUTHORITY), AUTHORITY[0], NOW)
    store = TrustStore.of([("list", data), ("csca", AUTHORITY[0])])
    assert (sorted(one.der for one in store.authorities), store.troubles) == (sorted([other[0], AUTHORITY[0]]), ())
    alone = TrustStore.of([("list", data)])
    assert (alone.authorities, alone.troubles) == (
        (),
        ("list: master list: its signer does not chain to a trusted CSCA",),
    )
    signed_by_a_document_signer = issue_master_list([other[0]], SIGNER, AUTHORITY[0], NOW)
    refused = TrustStore.of([("list", signed_by_a_document_signer), ("csca", AUTHORITY[0])])
    assert refused.troubles == ("list: master list: its signer has no purpose 2.23.136.1.1.3",)
    changed = bytearray(data)
    changed[-1] ^= 1
    assert TrustStore.of([("list", bytes(changed)), ("csca", AUTHORITY[0])]).troubles == (
        "list: master list: its signature is wrong",
    )


def test_openssls_master_list_brings_its_four_authorities():
    store = trusting(in_vector("csca_ecn"), in_vector("master_list", "cms"))
    assert len(store.authorities) == 4


def test_an_authority_whose_identifier_cannot_be_read_spoils_nobody_elses_chain():
    broken = bytearray(AUTHORITY[0])
    identifier = Certificate.parse(AUTHORITY[0]).subject_key_identifier
    broken[broken.index(b"\x04\x14" + identifier, broken.index(bytes.fromhex("0603551D0E"))) + 1] = 0x30
    store = trusting(bytes(broken), AUTHORITY[0])
    assert len(store.authorities) == 2
    assert [one.der for one in store.chain(Certificate.parse(SIGNER.certificate))] == [AUTHORITY[0]]


def test_a_trust_folder_may_hold_pem_and_says_what_it_cannot_use():
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(AUTHORITY[0]) + b"-----END CERTIFICATE-----\n"
    store = TrustStore.of([("a.pem", pem + pem), ("b.txt", b"hello"), ("c.pem", b"-----BEGIN X-----\n?\n-----END X")])
    assert [one.der for one in store.authorities] == [AUTHORITY[0]] * 2
    assert [text.partition(":")[0] for text in store.troubles] == ["b.txt", "c.pem"]
