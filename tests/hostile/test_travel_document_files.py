"""Certificates, lists and security objects with bytes changed, missing or added: a finding or a declared error."""

import json
import random
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardkit.apps.emrtd.passive import Document, Terms, authenticate
from cardkit.apps.emrtd.signerrules import authority_troubles, signer_troubles
from cardkit.apps.pki.cvc import CvCertificate, check_chain
from cardkit.apps.pki.trust import TrustStore
from cardkit.errors import EncodingError

FOLDER = Path(__file__).parents[1] / "vectors"
PKI = {v["name"]: v["in"] for v in json.loads((FOLDER / "emrtd_pki.json").read_text(encoding="utf-8"))}
CONTENTS = {
    name: bytes.fromhex(given.get("file") or given.get("certificate") or given.get("crl") or given["cms"])
    for name, given in PKI.items()
    if not name.startswith("signature check")
}
TERMINALS = [
    bytes.fromhex(v["in"]["der"])
    for v in json.loads((FOLDER / "emrtd_eac.json").read_text(encoding="utf-8"))
    if v["name"].startswith("CV certificate")
]
AUTHORITIES = [(name, CONTENTS[name]) for name in ("csca_ecn", "csca_rsa", "csca_pss")]
TRUST = TrustStore.of(AUTHORITIES)
AT = datetime(2026, 12, 1, tzinfo=UTC)
ROUNDS = 40
LONGEST_S = 2.0


def changed(content, dice):
    data = bytearray(content)
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                del data[at : at + dice.randint(1, 4)]
            case 1:
                data[at:at] = dice.randbytes(3)
            case _:
                data[at] = dice.choice((0x00, 0xFF, 0x80, 0x30, 0x02, dice.randrange(256)))
    return bytes(data)


@pytest.mark.parametrize("name", [name for name in CONTENTS if name.startswith("sod_")])
def test_a_changed_security_object_ends_in_findings(name):
    dice = random.Random(name)
    for _ in range(ROUNDS):
        start = time.process_time()
        verdict = authenticate(Document(changed(CONTENTS[name], dice), {1: b"a"}), TRUST, Terms(AT))
        assert "EMRTD-072" in {one.rule for one in verdict.troubles} or verdict.sod is None
        assert time.process_time() - start < LONGEST_S


@pytest.mark.parametrize("name", [name for name in CONTENTS if not name.startswith("sod_")])
def test_a_changed_certificate_or_list_is_used_or_named(name):
    dice = random.Random(name)
    for _ in range(ROUNDS):
        store = TrustStore.of([*AUTHORITIES, ("changed", changed(CONTENTS[name], dice))])
        assert len(store.authorities) + len(store.signers) + len(store.crls) + len(store.troubles) >= len(AUTHORITIES)
        for certificate in (*store.authorities, *store.signers):
            chain = store.chain(certificate)
            found = [
                *signer_troubles(certificate, chain, store, (AT, AT), None),
                *authority_troubles(chain, certificate, None),
            ]
            assert all(one.rule.startswith("EMRTD-07") or one.rule == "EMRTD-080" for one in found)


@pytest.mark.parametrize("number", range(len(TERMINALS)))
def test_a_changed_terminal_certificate_is_never_issued_by_anybody(number):
    dice = random.Random(number)
    points = [CvCertificate.parse(data) for data in TERMINALS]
    for _ in range(ROUNDS):
        data = changed(TERMINALS[number], dice)
        if data in TERMINALS:
            continue
        for point in points:
            with pytest.raises(EncodingError):
                check_chain(point, [CvCertificate.parse(data)])
