"""`verify` applies the rules to what it reads anyway."""

from __future__ import annotations

from cardkit.cli.app import run
from cardkit.crypto import MemoryKeyStore
from cardkit.perso import verify
from cardkit.profile import load_profile
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection

from .conftest import PLANS, PROFILES, chip_of

NAME = "emv-contact-cda"


def found(keystore) -> set[str]:
    report = verify(PLANS[NAME], Card(LoopbackConnection(chip_of(NAME))), keystore)
    return {item.rule for item in report.findings if item.bad}


def test_check_values_of_another_key_store_are_found(contact, tmp_path):
    """The card was prepared under one key, and the key store has another of its name: no host would know it."""
    home = PROFILES / NAME
    text = (home / "test-keys.toml").read_text(encoding="utf-8")
    assert found(load_profile(home).test_keystore()) == set()
    changed = tmp_path / "keys.toml"
    (tmp_path / "issuer.pem").write_bytes((home / "issuer.pem").read_bytes())
    changed.write_text(text.replace("505152535455565758595A5B5C5D5E5F", bytes(range(0x20, 0x30)).hex()), "utf-8")
    assert found(MemoryKeyStore.from_toml(changed)) == {"EMV-104"}


def test_a_rule_is_explained(capsys):
    assert run(["explain", "EMV-092"]) == 0
    assert "dynamic authentication fails" in capsys.readouterr().out
