"""The verbs of ``cardkit gp`` that change a card: the plan before, the proof after, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from cardkit.apps.gp import domain_keys, domain_lifecycle
from cardkit.cli import keys_option
from cardkit.cli.app import run
from cardkit.cli.gp_task import Task
from cardkit.crypto import MemoryKeyStore, Usage
from cardkit.crypto.private import PrivateKey
from cardkit.errors import AuthenticationError, CardFaultError

from .capfiles import APPLET, archive, components, imports

APP, PACKAGE, MODULE = "F05647414C0101", "F05647414C", "F05647414C01"
SSD = "A00000015153504101"
ROOT = str(Path(__file__).parents[3] / "profiles" / "gp" / "gp-test" / "maker-root.pem")

Verb = Callable[..., Any]


@pytest.fixture
def reader(tmp_path: Path) -> str:
    """One virtual chip that keeps what is done to it."""
    return f"virtual:gp-scp03@{tmp_path / 'chips'}"


@pytest.fixture
def gp(reader: str, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb that must end with a code; return its JSON where that is 0, else what it said."""

    def call(*words: str, code: int = 0, yes: bool = True) -> Any:
        capsys.readouterr()
        ended = run(["gp", *words, "--reader", reader, "--json", *(["--yes"] if yes else [])])
        out, err = capsys.readouterr()
        assert ended == code, err
        return json.loads(out) if code == 0 else err

    return call


def listed(gp: Verb) -> dict[str, str]:
    """Return the state of every entry by AID."""
    found = gp("list", yes=False)
    entries = found["entries"] if isinstance(found, dict) else found
    return {entry["aid"]: entry["state"] for entry in entries}


def install(gp: Verb) -> Any:
    return gp("install", APP, "--package", PACKAGE, "--module", MODULE)


def test_nothing_is_written_without_a_plan_that_was_agreed_to(gp: Verb) -> None:
    said = gp("install", APP, "--package", PACKAGE, "--module", MODULE, code=2, yes=False)
    assert f"1. INSTALL for install and make selectable: {APP}" in said
    assert "nothing written: no terminal to ask at, expected --yes" in said
    assert APP not in listed(gp)


def test_an_application_from_installation_to_deletion(gp: Verb) -> None:
    assert install(gp)["purpose"] == "for install and make selectable"
    assert listed(gp)[APP] == "SELECTABLE"
    assert gp("lock", APP)["locked"] is True
    assert listed(gp)[APP] == "LOCKED (was SELECTABLE)"
    assert gp("unlock", APP)["locked"] is False
    assert gp("delete", APP)["deleted"] == [APP]
    assert APP not in listed(gp)


def test_what_takes_others_along_needs_a_word_of_its_own(gp: Verb) -> None:
    install(gp)
    said = gp("delete", PACKAGE, "--related", code=2)
    assert "irreversible or dangerous: DELETE F05647414C takes every application made from it along" in said
    assert "needs --irreversible" in said
    assert APP in listed(gp)
    assert gp("delete", PACKAGE, "--related", "--irreversible")["deleted"] == [PACKAGE, APP]


@pytest.mark.parametrize(
    ("words", "danger"),
    [
        (("install", APP, "--package", PACKAGE, "--module", MODULE, "--privilege", "card lock"), "privilege CARD_LOCK"),
        (("install", "card", "--update", "--restrict", "02"), "restriction (D9) of the card"),
        (("set-state", "terminated"), "card life cycle TERMINATED"),
    ],
)
def test_dangerous_steps_are_listed_and_refused(gp: Verb, words: tuple[str, ...], danger: str) -> None:
    said = gp(*words, code=2)
    assert f"irreversible or dangerous: {danger}" in said
    assert "nothing written" in said


def test_the_card_goes_to_secured_in_steps(gp: Verb) -> None:
    assert gp("set-state", "secured")["through"] == ["INITIALIZED", "SECURED"]
    assert gp("set-state", "secured")["through"] == []
    assert "expected one of op_ready, initialized" in gp("set-state", "finished", code=4)


# Loading


def test_a_cap_file_is_loaded_and_its_applets_installed(gp: Verb, tmp_path: Path) -> None:
    path = tmp_path / "applet.cap"
    path.write_bytes(archive(components(1000)))
    done = gp("load", str(path), "--hash", "sha256", "--install-all")
    assert done["loaded"] == "D276000085494A434F"
    assert done["installed"] == [APPLET.hex().upper()]
    assert len(done["hash"]["sha256"]) == 64
    assert done["imports"] == {"A0000000620101 1.3": "not listed, taken as part of the platform"}
    assert listed(gp)["D276000085494A434F"] == "LOADED"
    assert "it is on the card already" in gp("load", str(path), code=4)


def test_a_cap_file_that_needs_what_the_card_lacks(gp: Verb, tmp_path: Path) -> None:
    path = tmp_path / "applet.cap"
    path.write_bytes(archive(components(100) | {"Import": imports((bytes(5), 1, 0))}))
    assert "the card lacks 0000000000 1.0 (missing)" in gp("load", str(path), code=4)
    assert gp("load", str(path), "--any-imports")["imports"] == {"0000000000 1.0": "missing"}


def test_a_file_that_is_no_cap_file(gp: Verb, tmp_path: Path) -> None:
    path = tmp_path / "applet.cap"
    path.write_bytes(b"text")
    assert "neither a ZIP archive nor a component" in gp("load", str(path), code=4)
    assert "expected AID=REF" in gp("load", str(path_of(archive(components()), tmp_path)), "--dap", APP, code=4)


def path_of(content: bytes, folder: Path) -> Path:
    path = folder / "good.cap"
    path.write_bytes(content)
    return path


# Personalization


def test_groupings_are_stored_with_p1_from_their_content(gp: Verb, tmp_path: Path) -> None:
    install(gp)
    path = tmp_path / "applet.dgi"
    path.write_text("# one clear, one secret\nDGI0101=70025700\nDGI8000=" + "A5" * 16 + "\n", encoding="utf-8")
    stored = gp("store-data", "--aid", APP, "--dgi", str(path))
    assert stored["blocks"] == [{"p1": "08", "bytes": 7}, {"p1": "E8", "bytes": 19}]
    gp("install", APP[:-2] + "02", "--package", PACKAGE, "--module", MODULE)
    overridden = gp("store-data", "--aid", APP[:-2] + "02", "--dgi", str(path), "--mixed", "--p1", "last=88")
    assert overridden["blocks"] == [{"p1": "88", "bytes": 26}]


def test_objects_are_stored_in_the_domain(gp: Verb) -> None:
    assert gp("store-data", "--object", "420201 02".replace(" ", ""), "--object", "4502AABB")["blocks"] == [
        {"p1": "90", "bytes": 8}
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "expected --dgi FILE or --object HEX"),
        (("--object", "4200", "--p1", "88"), "expected N=HEX or last=HEX"),
        (("--object", "4200", "--p1", "0=8888"), "expected one byte"),
        (("--object", "4200", "--secret", "80"), "expected four hex digits"),
    ],
)
def test_store_data_options_that_say_nothing(gp: Verb, words: tuple[str, ...], message: str) -> None:
    code = 2 if not words else 4
    assert message in gp("store-data", *words, code=code)


# Domains


def test_a_security_domain_is_made_and_gets_an_application(gp: Verb) -> None:
    made = gp("install", SSD, "--privilege", "security-domain", "--speaks", "03:70")
    assert made["privileges"] == ["SECURITY_DOMAIN"]
    assert listed(gp)[SSD] == "SELECTABLE"


def test_one_change_at_a_time(gp: Verb) -> None:
    assert "expected one of" in gp("install", APP, "--make-selectable", "--update", code=2)
    assert "nothing to change" in gp("install", APP, "--update", code=4)
    assert "expected an AID, or --key-version KVN" in gp("delete", code=2)
    assert "under a MAC only" in gp("lock", APP, "--level", "00", code=2)


# Keys

SET_30 = "30=test:gp-default"
EQUAL = ("--allow", "equal-keys")


def test_a_set_is_rotated_proven_and_dropped(gp: Verb) -> None:
    first = gp("rotate", "--new", SET_30, *EQUAL)
    assert (first["kvn"], first["proven"]) == ("30", True)
    assert "FF" not in first["versions"]
    second = gp("rotate", "--new", "31=test:gp-default", "--key-set", SET_30, *EQUAL)
    assert second["deleted"] == "30"
    assert {"30", "31"} & set(second["versions"]) == {"31"}
    again = gp("rotate", "--new", "31=test:gp-default", "--key-set", "31=test:gp-default", *EQUAL)
    assert (again["deleted"], again["versions"]) == (None, second["versions"])


def test_check_values_of_an_order(gp: Verb) -> None:
    assert "the order says" in gp("put-key", "--new", SET_30, *EQUAL, "--kcv", "504A77,504A77,000000", code=4)
    assert gp("put-key", "--new", SET_30, *EQUAL, "--kcv", "504A77,504A77,504A77")["kcv"] == ["504A77"] * 3
    assert "three check values of three bytes" in gp("put-key", "--new", SET_30, "--kcv", "504A77", code=4)


def test_equal_keys_are_refused(gp: Verb) -> None:
    assert "not three different keys" in gp("put-key", "--new", SET_30, code=4)


def test_test_keys_are_refused_for_a_card_in_a_real_reader(gp: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Task, "live", property(lambda self: True))
    assert "test keys: they do not go onto a live card" in gp("put-key", "--new", SET_30, *EQUAL, code=4)
    assert "test keys" in gp("put-key", "--single", "test:gp-default", "--kvn", "70", "--kid", "01", code=4)
    assert gp("put-key", "--new", SET_30, *EQUAL, "--test-card")["proven"] is True


def test_a_single_key_and_a_public_one(gp: Verb, tmp_path: Path) -> None:
    gp("put-key", "--new", SET_30, *EQUAL)
    single = gp("put-key", "--single", "test:gp-default", "--kvn", "71", "--kid", "1".zfill(2))
    assert (single["kvn"], single["kid"], single["kcv"]) == ("71", "01", "504A77")
    path = tmp_path / "dap.pem"
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert gp("put-key", "--public", str(path), "--kvn", "73", "--kid", "01")["kcv"] is None
    assert gp("delete", "--key-version", "73")["deleted_keys"] == "73"
    path.write_bytes(b"text")
    assert "no PEM public key" in gp("put-key", "--public", str(path), "--kvn", "73", "--kid", "01", code=4)


def test_put_key_needs_to_know_which_and_where(gp: Verb) -> None:
    assert "expected one of --new, --single and --public" in gp("put-key", code=2)
    assert "needs --kvn and --kid" in gp("put-key", "--single", "test:gp-default", code=2)


def test_a_set_that_is_not_proven_is_told_and_stops_the_line(gp: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AuthenticationError("card cryptogram: wrong")

    monkeypatch.setattr(domain_keys, "prove", refuse)
    said = gp("rotate", "--new", SET_30, *EQUAL, code=5)
    assert "key set 30 is not proven: keep the keys of FF and of 30" in said
    assert "the card lists key versions" in said
    assert "error: card cryptogram: wrong" in said


def test_an_unclear_answer_is_told(gp: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **others: object) -> None:
        raise CardFaultError("SET STATUS", 0x6581)

    monkeypatch.setattr(domain_lifecycle, "set_lock", fail)
    assert "whether the card did the last command is not known" in gp("lock", APP, code=1)


def test_make_selectable_later_and_a_state_of_its_own(gp: Verb) -> None:
    gp("install", APP, "--package", PACKAGE, "--module", MODULE, "--not-selectable", "--parameters", "0102")
    assert listed(gp)[APP] == "INSTALLED"
    assert gp("install", APP, "--make-selectable")["purpose"] == "for make selectable"
    assert listed(gp)[APP] == "SELECTABLE"
    assert gp("install", APP, "--update", "--privilege", "trusted path")["privileges"] == ["TRUSTED_PATH"]


def test_an_application_cannot_go_where_nobody_is(gp: Verb) -> None:
    install(gp)
    assert f"INSTALL for extradition {APP}" in gp("install", APP, "--extradite-to", SSD, code=1)


def test_a_domain_is_told_its_state_by_its_issuer(gp: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[bytes, int]] = []
    monkeypatch.setattr(domain_lifecycle, "set_application_state", lambda domain, aid, state: told.append((aid, state)))
    assert gp("set-state", "0F", "--aid", SSD)["state"] == "0F"
    assert told == [(bytes.fromhex(SSD), 0x0F)]


def test_a_person_at_the_keyboard_may_say_no(gp: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *words, **options: (_ for _ in ()).throw(click.Abort()))
    assert "interrupted" in gp("install", APP, "--package", PACKAGE, "--module", MODULE, code=130, yes=False)
    assert APP not in listed(gp)


def test_a_package_and_its_applet_in_one_sequence(gp: Verb, tmp_path: Path) -> None:
    file = tmp_path / "applet.cap"
    file.write_bytes(archive(components()))
    assert gp("load", str(file), "--together")["installed"] == [APPLET.hex().upper()]
    assert listed(gp)[APPLET.hex().upper()] == "SELECTABLE"


def test_a_signature_made_elsewhere_is_checked_before_anything_is_sent(gp: Verb, tmp_path: Path) -> None:
    file, signature = tmp_path / "applet.cap", tmp_path / "applet.dap"
    file.write_bytes(archive(components()))
    signature.write_bytes(bytes(16))
    assert "expected AID=REF=FILE" in gp("load", str(file), "--signed", f"{SSD}=test:content", code=4)
    gp("load", str(file), "--signed", f"{SSD}=test:gp-default={signature}", code=4)
    assert APPLET.hex().upper() not in listed(gp)


def test_a_security_domain_gets_keys_of_its_own(gp: Verb) -> None:
    gp("install", SSD, "--privilege", "security domain", "--speaks", "03:70")
    done = gp("put-key", "--new", "31=test:gp-default/kdf3", "--into", SSD)
    assert (done["domain"], done["kvn"], done["proven"]) == (SSD, "31", True)
    told = gp("list", "--aid", SSD, "--key-set", "31=test:gp-default/kdf3", yes=False)
    assert SSD in {entry["aid"] for entry in told}
    assert "--into goes with --new" in gp("put-key", "--into", SSD, "--single", "test:gp-default", code=2)


def test_what_a_toolkit_applet_needs_is_said_when_it_is_installed(gp: Verb) -> None:
    spec = "priority=1,timers=1,text=16,channels=1,tar=D50101"
    assert install(gp)["aid"] == APP
    gp("install", APP[:-2] + "02", "--package", PACKAGE, "--module", MODULE, "--toolkit", spec, "--uicc-toolkit", spec)
    refused = gp("install", APP, "--package", PACKAGE, "--module", MODULE, "--toolkit", "timer=1", code=4)
    assert "'timer=1': expected priority=N, timers=N" in refused


@pytest.mark.parametrize("variant", ["a", "c"])
def test_a_card_is_managed_over_scp11(variant: str, gp: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card gets the key of our authority first; then our certificate opens a session that may change it."""
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem, chain = tmp_path / "authority.pem", tmp_path / "chain.pem"
    pem.write_bytes(authority.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    chain.write_bytes(certificate(own.public_key(), authority).public_bytes(Encoding.PEM))
    gp("put-key", "--public", str(pem), "--kvn", "05", "--kid", "10")
    pkcs8 = own.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    def own_store(*_: object) -> MemoryKeyStore:
        store = MemoryKeyStore()
        store.add("plant:own", PrivateKey(pkcs8, "own", Usage.AGREE))
        return store

    monkeypatch.setattr(keys_option, "open_keystore", own_store)
    session = ("--scp11", f"{variant}:01", "--root", ROOT, "--host-key", "05=plant:own", "--host-chain", str(chain))
    gp("install", APP, "--package", PACKAGE, "--module", MODULE, *session)
    assert APP in {entry["aid"] for entry in gp("list", *session, yes=False)}


def certificate(key: ec.EllipticCurvePublicKey, authority: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("host", "authority"))
    start = datetime(2025, 1, 1, tzinfo=UTC)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=True, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = x509.CertificateBuilder(issuer, subject, key, 7, start, start + timedelta(days=20_000))
    return builder.add_extension(usage, critical=True).sign(authority, SHA256())
