"""Terminal authentication: fingerprints and iris open to those whose whole chain may see them."""

import pytest

from .issuance import CAN, CHIP_KEY, DG3, DG4, MRZ_INFORMATION, domain
from .reader import RefusedError
from .terminals import CVCA, DV, ECDSA_SHA256, LINKED, TERMINAL, TRUST, authenticate, digits, present
from .tlv import tlv


@pytest.fixture
def reader(issue):
    """After BAC and chip authentication."""
    found = issue(keys=TRUST)
    found.select_application()
    found.bac(MRZ_INFORMATION)
    _chip(found)
    return found


def _chip(reader):
    group = domain(13)
    reader.chip_authentication(group, group.encode(group.mul(CHIP_KEY % group.n, group.g)), 2)


def chain(reader, dv=0x83, terminal=0x03, *, dates=("250101", "300101")):
    present(reader, CVCA, CVCA.certify(DV, dv, dates))
    present(reader, DV, DV.certify(TERMINAL, terminal, dates))


def readable(reader):
    """FIDs of the biometric groups that read now; each refusal must be 6982."""
    found = {}
    for fid in ("0103", "0104"):
        try:
            found[fid] = reader.read(fid)
        except RefusedError as refusal:
            found[fid] = refusal.sw
    contents = {"0103": DG3, "0104": DG4}
    allowed = [fid for fid, content in contents.items() if found[fid] == content]
    assert all(found[fid] == "6982" for fid in contents if fid not in allowed)
    return allowed


@pytest.mark.parametrize(
    ("dv", "terminal", "open_groups"),
    [
        (0x83, 0x03, ["0103", "0104"]),
        (0x83, 0x01, ["0103"]),
        (0x83, 0x02, ["0104"]),
        (0x81, 0x03, ["0103"]),
        (0x42, 0x03, ["0104"]),
        (0x83, 0x00, []),
    ],
)
def test_the_rights_are_those_of_the_whole_chain(reader, dv, terminal, open_groups):
    assert readable(reader) == []
    chain(reader, dv, terminal)
    assert readable(reader) == []
    authenticate(reader, b"L898902C<3")
    assert readable(reader) == open_groups


def test_after_pace_the_chip_is_known_by_its_ephemeral_key(issue):
    reader = issue(keys=TRUST)
    reader.pace(2, 2, domain(13), 13, CAN, password=2)
    reader.select_application()
    _chip(reader)
    chain(reader)
    authenticate(reader, reader.chip_identifier)
    assert readable(reader) == ["0103", "0104"]


def test_without_chip_authentication_there_is_no_terminal_authentication(issue):
    reader = issue(keys=TRUST)
    reader.select_application()
    reader.bac(MRZ_INFORMATION)
    reader.ephemeral = bytes(32)
    chain(reader)
    with pytest.raises(RefusedError, match="6985"):
        authenticate(reader, b"L898902C<3")


def test_a_signature_for_another_document_is_refused(reader):
    chain(reader)
    with pytest.raises(RefusedError, match="6300"):
        authenticate(reader, b"L898902C<4")
    assert readable(reader) == []


WRONG = {
    "foreign signer": lambda: CVCA.certify(DV, 0x83, signer=LINKED),
    "expired": lambda: CVCA.certify(DV, 0x83, ("240101", "250531")),
    "ends before it begins": lambda: CVCA.certify(DV, 0x83, ("270101", "260101")),
    "terminal from the authority": lambda: CVCA.certify(TERMINAL, 0x03),
    "another role": lambda: CVCA.certify(DV, 0x83, role=bytes.fromhex("04007F000703010202")),
    "another issuer": lambda: LINKED.certify(DV, 0x83, signer=CVCA),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_certificate_that_does_not_follow_is_refused(reader, what):
    with pytest.raises(RefusedError, match="6300"):
        present(reader, CVCA, WRONG[what]())


def test_a_terminal_issues_nothing(reader):
    chain(reader)
    with pytest.raises(RefusedError, match="6300"):
        present(reader, TERMINAL, TERMINAL.certify(DV, 0x03))


def test_the_date_moves_forward_with_domestic_certificates(reader):
    chain(reader, dates=("260101", "300101"))
    assert reader.card.memory()["emrtd/key/8130"] == digits("260101")
    with pytest.raises(RefusedError, match="6300"):
        present(reader, CVCA, CVCA.certify(DV, 0x83, ("250101", "251231")))
    chain(reader, dates=("250101", "300101"))
    assert reader.card.memory()["emrtd/key/8130"] == digits("260101")


def test_foreign_certificates_do_not_move_the_date(reader):
    chain(reader, 0x43, dates=("270101", "300101"))
    assert reader.card.memory()["emrtd/key/8130"] == digits("250601")


def test_a_link_certificate_becomes_the_trust_point(reader):
    present(reader, CVCA, CVCA.certify(LINKED, 0xC3))
    present(reader, LINKED, LINKED.certify(DV, 0x83))
    present(reader, DV, DV.certify(TERMINAL, 0x03))
    authenticate(reader, b"L898902C<3")
    assert readable(reader) == ["0103", "0104"]
    assert reader.read("011C") == (b"\x42\x0bUTCVCA00002\x42\x0bUTCVCA00001").ljust(36, b"\x00")


def test_an_unknown_authority_is_named(reader):
    with pytest.raises(RefusedError, match="6A88"):
        present(reader, DV, DV.certify(TERMINAL, 0x03))


@pytest.mark.parametrize("same_key", [True, False])
def test_version_2_comes_before_chip_authentication_and_is_bound_to_it(issue, same_key):
    group = domain(13)
    reader = issue(keys=TRUST, version=2)
    reader.pace(2, 2, group, 13, CAN, password=2)
    chain(reader)
    own = 0x1234567
    ephemeral = group.comp(group.mul(own, group.g))
    template = tlv("80", ECDSA_SHA256) + tlv("83", TERMINAL.name) + tlv("91", ephemeral)
    reader.send(0, 0x22, 0x81, 0xA4, template)
    challenge = reader.send(0, 0x84, 0, 0, ne=8)
    reader.send(0, 0x82, 0, 0, TERMINAL.sign(reader.chip_identifier + challenge + ephemeral))
    reader.select_application()
    assert readable(reader) == []
    public = group.encode(group.mul(CHIP_KEY % group.n, group.g))
    if same_key:
        reader.chip_authentication(group, public, 2, version=2, own=own)
        assert readable(reader) == ["0103", "0104"]
    else:
        with pytest.raises(RefusedError, match="6300"):
            reader.chip_authentication(group, public, 2, version=2, own=own + 1)
        assert readable(reader) == []
