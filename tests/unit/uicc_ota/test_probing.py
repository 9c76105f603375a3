"""Packets a card should take and refuse: UICC-115 to 117, against the virtual card and against cards that err."""

from __future__ import annotations

import json

import pytest

from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.ota.probing import judged, probe
from cardkit.apps.uicc.ota.sending import Postman
from cardkit.apps.uicc.picture import SeenPacket
from cardkit.cli import keys_option
from cardkit.cli.app import run
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.secure.counter import Counter
from cardkit.secure.scp80 import Scp80, terms_for
from cardkit.secure.spi import Spi
from cardkit.target import open_card

# Key set 01 of the image usim-isim-5g.
VALUES = {name: bytes(range(start, start + 16)) for name, start in (("kic", 0x10), ("kid", 0x20), ("kik", 0x30))}
TAR, FOREIGN = bytes.fromhex("B00000"), bytes.fromhex("BFFFF0")
RIGHT = {"wrong checksum": 0x01, "good": 0x00, "replayed": 0x02, "unsecured": 0x0A, "foreign application": 0x09}


def keystore(**changed: bytes) -> MemoryKeyStore:
    return MemoryKeyStore(
        {
            f"test:{name}": Key(changed.get(name, value), name, "3DES-128", Usage.SECURE_CHANNEL)
            for name, value in VALUES.items()
        }
    )


def probed(store: MemoryKeyStore) -> dict[str, int | None]:
    held = KeySetSpec(1, "test:kic", "test:kid", "test:kik").for_card(b"")
    scp80 = Scp80(store, held, terms_for(store, held, Spi.parse(bytes.fromhex("1619"))))
    with open_card("virtual:usim-isim-5g", seed=5) as card:
        terminal = Terminal(card.channel)
        secured, plain = Postman(terminal, scp80), Postman(terminal, scp80.unprotected())
        packets = probe(secured, plain, TAR, FOREIGN, Counter(7), scp80.terms.spi.counter)
    return {packet.kind: packet.status for packet in packets}


def test_the_virtual_card_takes_one_packet_and_refuses_four():
    assert probed(keystore()) == RIGHT


def test_other_keys_take_nothing():
    found = probed(keystore(kid=bytes(range(16))))
    assert found["good"] != 0
    assert found["unsecured"] == 0x0A


@pytest.mark.parametrize(
    ("kind", "status", "rule"),
    [
        ("good", 0x01, "UICC-115"), ("good", None, "UICC-115"), ("wrong checksum", 0x00, "UICC-115"),
        ("replayed", 0x00, "UICC-115"), ("unsecured", 0x00, "UICC-116"), ("foreign application", 0x00, "UICC-117"),
    ],
)  # fmt: skip
def test_a_card_that_errs_breaks_the_rule_of_the_packet(kind, status, rule):
    packets = tuple(SeenPacket(name, TAR, status if name == kind else right) for name, right in RIGHT.items())
    assert [item.rule for item in judged(packets)] == [rule]


def test_a_right_card_breaks_none():
    assert judged(tuple(SeenPacket(name, TAR, status) for name, status in RIGHT.items())) == []


@pytest.mark.parametrize(("counter", "code"), [("7", 0), ("0", 2)])
def test_the_command_line_says_what_came_of_each(counter, code, capsys, monkeypatch):
    monkeypatch.setattr(keys_option, "open_keystore", lambda url, descriptor: keystore())
    words = ["ota", "probe", "--key-set", "1=test:kic,test:kid,test:kik", "--tar", "B00000", "--counter", counter,
             "--reader", "virtual:usim-isim-5g", "--yes", "--json"]  # fmt: skip
    assert run(words) == code
    out = capsys.readouterr().out
    if code == 0:
        shown = json.loads(out)
        assert shown["packets"] == {name: f"{status:02X}" for name, status in RIGHT.items()}
        assert shown["findings"] == []
