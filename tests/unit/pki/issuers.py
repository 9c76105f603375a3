"""A test issuing PKI in memory: obvious private keys, one CSCA, document signers, a list signer."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.apps.pki import issuing
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.cms import Signer
from cardkit.apps.pki.issuing import Place, Request, Term
from cardkit.apps.pki.names import Name
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import MemoryKeyStore, Usage
from cardkit.crypto.private import PrivateKey

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = {v["name"]: v for v in json.loads((FOLDER / "emrtd_pki.json").read_text(encoding="utf-8"))}
EAC = {v["name"]: v for v in json.loads((FOLDER / "emrtd_eac.json").read_text(encoding="utf-8"))}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TERM = Term(NOW, NOW + 3650 * DAY, NOW + 90 * DAY)
PLACE = Place("UTO", "https://csca.example", "https://csca.example/UTO.crl")
CURVES = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "bp256": ec.BrainpoolP256R1(),
          "bp384": ec.BrainpoolP384R1(), "bp512": ec.BrainpoolP512R1()}  # fmt: skip


def _store():
    store = MemoryKeyStore()
    for at, (name, curve) in enumerate(CURVES.items()):
        for number in range(1, 5):
            private = ec.derive_private_key(0x40414243 + 16 * at + number, curve)
            reference = f"test:{name}-{number}"
            store.add(reference, PrivateKey.of(private, reference, Usage.SIGN))
    for bits in (1024, 2048):
        der = (FOLDER / "keys" / f"rsa-{bits}.der").read_bytes()
        store.add(f"test:rsa-{bits}", PrivateKey(der, f"test:rsa-{bits}", Usage.SIGN))
    return store


STORE = _store()


def key(name):
    return SigningKey(STORE, f"test:{name}")


def request(name, common, *, serial=0x1234, explicit=False, term=TERM):
    return Request(serial, Name("UT", "Utopia", "Test", common), key(name), term, explicit)


def root(name="bp384-1", *, explicit=False, common="CSCA-UTO", term=TERM):
    """Return certificate (DER) and key of a CSCA."""
    return issuing.issue_root(request(name, common, explicit=explicit, term=term), PLACE), key(name)


def signer(authority, name="p256-1", *, types=("P", "I"), explicit=False, term=TERM, serial=0x77, country="UT"):
    """Return a document signer of a CSCA."""
    certificate, authority_key = authority
    asked = request(name, "DS", serial=serial, explicit=explicit, term=term)
    asked = replace(asked, subject=replace(asked.subject, country=country))
    made = issuing.issue_document_signer(asked, PLACE, Certificate.parse(certificate), authority_key, types)
    return Signer(key(name), made)


def list_signer(authority, name="p256-2"):
    """Return a signer of master lists of a CSCA."""
    certificate, authority_key = authority
    made = issuing.issue_list_signer(request(name, "MLS"), PLACE, Certificate.parse(certificate), authority_key)
    return Signer(key(name), made)


def in_vector(name, what="certificate"):
    return bytes.fromhex(VECTORS[name]["in"][what])
