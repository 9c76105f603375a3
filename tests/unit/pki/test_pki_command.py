"""``cardkit id pki``: a whole test PKI in a folder, trusted as it is."""

import json
import os

import pytest

from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.crl import Crl
from cardkit.apps.pki.cvc import CvCertificate, check_chain
from cardkit.apps.pki.publickey import parse
from cardkit.apps.pki.trust import TrustStore
from cardkit.cli.app import run
from cardkit.crypto import Secret, Usage, passphrase
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey

from .issuers import FOLDER

PHRASE = b"store phrase"
AT = "2026-11-22T12:00:00"


@pytest.fixture
def plant(tmp_path, monkeypatch):
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})
    FileKeyStore.create(tmp_path / "plant.keys", "TEST", Secret(PHRASE, "p")).close()
    return tmp_path


@pytest.fixture
def call(plant, capfd):
    """Run a verb; return its document, or its exit code and what it said."""

    def call(*words):
        reading, writing = os.pipe()
        os.write(writing, PHRASE + b"\n")
        os.close(writing)
        more = ["--keys", f"file:{plant / 'plant.keys'}", "--dir", str(plant / "utopia"), "--json"]
        more += ["--passphrase-fd", str(reading)]
        more += [] if "--at" in words else ["--at", AT]
        capfd.readouterr()
        code = run(["id", "pki", *words, *more])
        os.close(reading)
        out, err = capfd.readouterr()
        return json.loads(out) if code == 0 else (code, err)

    return call


def init(call, *more):
    return call("init", "--country", "UT", "--state", "UTO", "--organization", "Utopia", *more)


def in_folder(plant, name):
    return (plant / "utopia" / name).read_bytes()


def trust(plant):
    files = sorted((plant / "utopia").iterdir())
    return TrustStore.of((path.name, path.read_bytes()) for path in files if path.suffix in (".cer", ".crl", ".ml"))


def test_a_whole_pki(call, plant):
    made = init(call)
    csca = Certificate.parse(in_folder(plant, "csca-1.cer"))
    assert (made["csca_sha256"], made["csca_subject"]) == (
        csca.sha256,
        "C=UT, O=Utopia, OU=Passport Authority, CN=CSCA-UTO",
    )
    call("issue-ds", "--types", "P, ID")
    call("issue-ds", "--list-signer", "--key", "pki:mls-1")
    assert call("crl") | {"crl": ""} == {"crl": "", "number": "1", "revoked": "0"}
    assert call("crl", "--revoke", "ds-1.cer")["revoked"] == "1"
    assert call("master-list")["certificates"] == "1"
    signer = Certificate.parse(in_folder(plant, "ds-1.cer"))
    store = trust(plant)
    assert store.troubles == ()
    assert [one.der for one in store.chain(signer)] == [csca.der]
    assert set(signer.document_types) == {"P", "ID"}
    assert signer.not_before.isoformat() == AT + "+00:00"
    newest = Crl.parse(in_folder(plant, "crl-2.crl"))
    assert list(newest.revoked) == [signer.serial]
    assert store.crl_of(csca, newest.this_update) == newest


def test_a_renewed_authority_has_a_link_and_signs_from_then_on(call, plant):
    init(call)
    call("init", "--renew", "--key", "pki:csca-2", "--algorithm", "EC-P384")
    call("issue-ds")
    signer = Certificate.parse(in_folder(plant, "ds-1.cer"))
    old, new, link = (in_folder(plant, f"{name}.cer") for name in ("csca-1", "csca-2", "link-1"))
    through_link = TrustStore.of([("old", old), ("link", link)])
    assert [one.der for one in through_link.chain(signer)] == [link, old]
    assert [one.der for one in TrustStore.of([("new", new)]).chain(signer)] == [new]
    assert TrustStore.of([("old", old)]).chain(signer) == ()


def test_explicit_parameters_on_request(call, plant):
    init(call, "--explicit")
    call("issue-ds")
    for name in ("csca-1.cer", "ds-1.cer"):
        assert parse(Certificate.parse(in_folder(plant, name)).public_key).explicit


def test_terminals(call, plant):
    init(call)
    assert call("cvca", "--rights", "finger,iris")["rights"] == "finger, iris"
    point, *chain = (CvCertificate.parse(in_folder(plant, f"{name}-1.cvcert")) for name in ("cvca", "dv", "is"))
    assert check_chain(point, chain) == b"\x03"
    assert (chain[-1].effective.isoformat(), chain[-1].expires.isoformat()) == ("2026-11-22", "2026-12-22")


def test_keys_stay_in_the_store_and_nothing_secret_is_in_the_folder(call, plant):
    init(call)
    call("issue-ds")
    with FileKeyStore.open(plant / "plant.keys", Secret(PHRASE, "p")) as store:
        assert {entry.reference: entry.usage for entry in store.entries()} == {
            "pki:csca-1": Usage.SIGN,
            "pki:ds-1": Usage.SIGN,
        }
    index = json.loads(in_folder(plant, "pki.json"))
    assert [line["key"] for line in index["lines"]] == ["pki:csca-1", "pki:ds-1"]
    for path in (plant / "utopia").iterdir():
        assert b"PRIVATE" not in path.read_bytes()


def test_rsa_keys_of_the_store_sign_with_pss(call, plant):
    with FileKeyStore.open(plant / "plant.keys", Secret(PHRASE, "p")) as store:
        der = bytearray((FOLDER / "keys" / "rsa-2048.der").read_bytes())
        store.import_key(NewKey("pki:rsa", "RSA-2048", Usage.SIGN), der)
    init(call, "--key", "pki:rsa")
    csca = Certificate.parse(in_folder(plant, "csca-1.cer"))
    assert csca.signed_by(csca.public_key)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("init",), "--country and --state are needed"),
        (("init", "--country", "ut", "--state", "UTO"), "two capital letters"),
        (("init", "--country", "UT", "--state", "UTO", "--algorithm", "EC-P192"), "algorithm 'EC-P192'"),
        (("issue-ds",), "no issuing PKI"),
        (("crl", "--at", "yesterday"), "time 'yesterday'"),
    ],
)
def test_what_cannot_be_done_is_said(call, words, said):
    code, err = call(*words)
    assert code == 4
    assert said in err


def test_a_pki_is_never_begun_twice_and_its_parts_come_in_order(call, plant):
    init(call)
    before = in_folder(plant, "pki.json")
    for words, said in (
        (("init", "--country", "UT", "--state", "UTO"), "never overwritten"),
        (("init", "--renew"), "is that of the CSCA there is"),
        (("master-list",), "no certificate of kind list-signer yet"),
        (("cvca", "--rights", "face"), "right 'face'"),
    ):
        code, err = call(*words)
        assert (code, said in err) == (4, True), err
    assert in_folder(plant, "pki.json") == before


def test_an_index_somebody_broke(plant, call):
    init(call)
    (plant / "utopia" / "pki.json").write_text('{"country": "UT"}', encoding="utf-8")
    code, err = call("crl")
    assert (code, "no issuing PKI" in err) == (4, True)
