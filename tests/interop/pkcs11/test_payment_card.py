"""A payment card prepared and personalized with every issuer key in SoftHSM2."""

import shutil
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cardkit.crypto import Secret, Usage
from cardkit.crypto.management import NewKey
from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card
from tests.interop.pkcs11.softhsm import PIN
from tests.unit.emv_prepare.conftest import PROFILES, make_job, ready_keys, seeded

NAME = "emv-contact-cda"


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The contact profile without CVV: a token has no single DES."""
    folder = tmp_path_factory.mktemp("payment") / NAME
    shutil.copytree(PROFILES / NAME, folder)
    text = (folder / "profile.toml").read_text(encoding="utf-8")
    for old, new in (('cvk = "test:cvk"\n', ""), ('layout = ["pvki", "pvv", "cvv"]', 'layout = ["pvki", "pvv"]')):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "profile.toml").write_text(text, encoding="utf-8")
    return make_job(folder)


def pkcs8(path: Path) -> bytearray:
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("-----BEGIN"))
    key = load_pem_private_key("\n".join(lines[start:]).encode(), None)
    return bytearray(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="module")
def keystore(token, job):
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore

    folder = job.profile.path.parent
    keys = tomllib.loads((folder / "test-keys.toml").read_text(encoding="utf-8"))["test"]
    with Pkcs11KeyStore.create(token("cards"), "TEST", Secret(PIN, "PIN")) as store:
        for name, entry in keys.items():
            if "pem" in entry:
                new = NewKey(f"test:{name}", "RSA-1408", Usage(entry["usage"]))
                store.import_key(new, pkcs8(folder / entry["pem"]))
            else:
                new = NewKey(f"test:{name}", entry["algorithm"], Usage(entry["usage"]))
                store.import_key(new, bytearray.fromhex(entry["hex"]))
        yield store


def test_card_made_with_a_token_is_the_card_made_without(job, keystore):
    """Prepared values are the same, byte for byte; the card is good, and its keys are those of the token."""
    record = job.records[0]
    keystore.card_rsa_source = ready_keys()
    prepared = prepare(job.profile, record, keystore, seeded("card 1"))
    assert prepared.to_bytes() == job.prepared().to_bytes()

    card = Card(LoopbackConnection(make_card("emv-cps", seed=1)))
    outcome = personalize(plan(job.profile, record, prepared, keystore), card, keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    noted = " ".join(keystore.recorded_exceptions)
    assert "test:imk-ac: emv-a card keys in a wiped buffer" in noted
