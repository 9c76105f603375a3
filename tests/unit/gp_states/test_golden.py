"""Dumps of GlobalPlatform cards: shown, compared, masked by a profile, and held against a golden card."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cardkit.apps.dump import compare, lines, look, parse, public
from cardkit.cli.app import run
from cardkit.errors import EncodingError
from cardkit.perso import Verdict, personalize, varying_places, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

TODAY = date(2026, 7, 1)
PROFILE = str(Path(__file__).parents[3] / "profiles" / "gp" / "gp-test")


@pytest.fixture(scope="module")
def dumps(scp03, good_chip):
    """Dumps of two good cards of one profile."""
    other = make_card(scp03.image, seed=2)
    outcome = personalize(scp03.plan(2), Card(LoopbackConnection(other)), scp03.keystore)
    assert outcome.verdict is Verdict.GOOD
    return [look(Card(LoopbackConnection(chip)).channel, TODAY) for chip in (good_chip(scp03), other)]


def test_a_dump_tells_what_the_domain_does(dumps):
    text = "\n".join(lines(dumps[0]))
    assert text.startswith("GlobalPlatform card, ATR 3BFB96")
    for words in ("key 01 of key set 30: AES 128", "CPLC personalizer: 4344", "card number (45): 9990000000000001"):
        assert f"\n    {words}" in text
    assert "CPLC personalization date: 6166 (2026-06-15)" in text
    assert public(dumps[0]) == dumps[0]


def test_good_cards_differ_only_where_the_profile_says(dumps, scp03):
    places = {item.where for item in compare(*dumps)}
    assert places == {"CPLC ic serial", "CPLC ic batch", "card number (45)", "diversification data (CF)"}
    assert compare(*dumps, masked=varying_places(scp03.profile)) == []


def test_diff_of_dumps_with_and_without_a_mask(dumps, tmp_path, capsys):
    names = []
    for number, document in enumerate(dumps):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        names.append(str(path))
    assert run(["diff", *names, "--json"]) == 1
    assert {item["where"] for item in json.loads(capsys.readouterr().out)} >= {"CPLC ic serial"}
    assert run(["diff", *names, "--mask", PROFILE]) == 0


def test_what_differs_from_a_golden_card_is_information(dumps, scp03, made):
    """GP-054: what the profile varies is no finding, what it does not is one, and no card is bad for it."""
    differs = frozenset(item.where for item in compare(*dumps))
    _, card = made(scp03)
    assert not told(verify(scp03.plan(), card, scp03.keystore, differs=differs))
    report = verify(scp03.plan(), card, scp03.keystore, differs=differs | {"CPLC os level"})
    assert told(report) == [("GP-054", "CPLC os level")]
    assert report.verdict is Verdict.GOOD


def told(report) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in report.findings if not finding.not_checked]


class Both:
    """A UICC on a GlobalPlatform base: what is selected decides who answers."""

    def __init__(self) -> None:
        self.uicc, self.base = make_card("usim", seed=1), make_card("gp-scp03", seed=1)
        self.current = self.uicc

    def atr(self) -> bytes:
        return self.uicc.atr()

    def power(self, cold: bool) -> None:
        self.uicc.power(cold)
        self.base.power(cold)
        self.current = self.uicc

    def transmit(self, command: bytes) -> bytes:
        if command[1] == 0xA4:
            named = command[5 : 5 + command[4]] if len(command) > 5 else b""
            of_base = command[2] == 0x04 and (not named or named.startswith(bytes.fromhex("A000000151")))
            self.current = self.base if of_base else self.uicc
        return self.current.transmit(command)


def test_a_uicc_on_a_globalplatform_base_shows_both():
    document = look(Card(LoopbackConnection(Both())).channel, TODAY)
    assert document["class"] == "UICC"
    text = list(lines(public(document)))
    assert text[0].startswith("UICC card, ATR ")
    assert "  security domain A000000151000000" in text
    assert any(line.strip().startswith("EF.ICCID") for line in text)
    assert not any("EF.IMSI" in line for line in text)


class Stranger:
    """A card that knows no command."""

    def atr(self) -> bytes:
        return bytes.fromhex("3B00")

    def power(self, cold: bool) -> None:
        del cold

    def transmit(self, command: bytes) -> bytes:
        del command
        return bytes.fromhex("6D00")


def test_a_card_nobody_knows_is_told_with_the_reasons():
    document = look(Card(LoopbackConnection(Stranger())).channel, TODAY)
    first, second = lines(public(document))
    assert first == "unknown card, ATR 3B00"
    assert "no security domain: SELECT of the issuer security domain" in second
    assert "no file tree: " in second


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "other-1"}', b"\xff"])
def test_what_is_no_dump_is_refused(data):
    with pytest.raises(EncodingError, match="cardkit dump --json"):
        parse(data)
