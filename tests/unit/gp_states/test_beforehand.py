"""Scripts: what the plan shows is what the card gets, byte for byte, and nothing at all where the card has moved on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cardkit.apps.gp.client import SecurityDomain
from cardkit.cli.plan import plan as plan_verb
from cardkit.errors import ProfileError
from cardkit.perso import Verdict, personalize
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

SEED = 7
PROFILES = Path(__file__).parents[3] / "profiles" / "gp"
IMAGES = {"gp-test": "gp-scp03", "gp-test-scp02": "gp-scp02"}
BEFORE_DATA = "[gp.data]\n"


def without_domains(name: str) -> list[tuple[str, str]]:
    text = (PROFILES / name / "profile.toml").read_text(encoding="utf-8")
    domains = text[text.index("[[gp.domains]]") : text.index("[[gp.applications]]")]
    return [(domains, ""), ('domain = "F053534401"\n', "")]


def script(kdd: str, sequence: str) -> tuple[str, str]:
    return BEFORE_DATA, f'[gp.script]\nkdd = "{kdd}"\nsequence = "{sequence}"\n\n{BEFORE_DATA}'


def delivery_note(image: str) -> tuple[str, str]:
    """Return KDD and counter of a blank chip, as its maker would tell them."""
    domain = SecurityDomain.select(Card(LoopbackConnection(make_card(image, seed=SEED))).channel)
    return domain.value(0xCF).hex(), domain.value(0xC1).hex()


@pytest.fixture(scope="module", params=list(IMAGES))
def scripted(request, variant):
    """A product without domains, at a level without R-MAC, for a chip that is known beforehand."""
    name = request.param
    level = [("level = 0x33", "level = 0x03")] if name == "gp-test" else []
    return variant(name, *without_domains(name), *level, script(*delivery_note(IMAGES[name])))


def fence_and_write(sent: list[bytes], todo) -> list[bytes]:
    """Return what was sent in sessions up to the check: a script for each, from its INITIALIZE UPDATE on."""
    sessions = sum(len(item.commands) for item in todo.scripts)
    inside = [command for command in sent if command[1] not in (0xA4, 0xCA)]
    return inside[:sessions]


def test_what_is_sent_is_what_was_planned(scripted, tap):
    todo = scripted.plan()
    assert [len(item.commands) > 2 for item in todo.scripts] == [True, True]
    seam, card = tap(scripted.image, seed=SEED)
    outcome = personalize(todo, card, scripted.keystore)
    assert outcome.verdict is Verdict.GOOD, outcome
    planned = [command for item in todo.scripts for command in item.commands]
    assert fence_and_write(seam.sent, todo) == planned


def test_two_plans_of_one_record_differ_by_their_challenges_alone(scripted):
    first, again, other = scripted.plan(), scripted.plan(), scripted.plan(seed="b")
    assert [item.commands for item in first.scripts] == [item.commands for item in again.scripts]
    assert first.scripts[0].commands[0] != other.scripts[0].commands[0]
    assert first.scripts[0].terms == other.scripts[0].terms


def test_a_card_that_was_greeted_before_gets_nothing_of_a_script(scripted, tap):
    seam, card = tap(scripted.image, seed=SEED)
    product = scripted.plan().blueprint.product
    SecurityDomain.select(card.channel).open(
        scripted.keystore, product.delivered.spec, product.level, host_challenge=bytes(8), parameters=product.parameters
    )
    card.channel.secure = None
    card.reset()
    before = len(seam.sent)
    outcome = personalize(scripted.plan(), card, scripted.keystore)
    assert outcome.verdict is Verdict.BAD
    assert "the counter moved by 1" in outcome.reject.text
    assert seam.sent[before:][-1][1] == 0x50


def test_another_card_gets_nothing_of_a_script(scripted, tap):
    seam, card = tap(scripted.image, seed=SEED + 1)
    outcome = personalize(scripted.plan(), card, scripted.keystore)
    assert outcome.verdict is Verdict.BAD
    assert "another card or moment" in outcome.reject.text
    assert seam.sent[-1][1] == 0x50


def test_a_torn_card_is_finished_without_its_script(scripted, torn):
    chip = torn(scripted, 12, after=True, seed=SEED)
    outcome = personalize(scripted.plan(), Card(LoopbackConnection(chip)), scripted.keystore, resume=True)
    assert outcome.verdict is Verdict.GOOD, outcome


def test_plan_shows_every_command_by_digest_and_no_secret(scripted):
    folder = scripted.profile.path.parent
    arguments = [str(folder), "--order", str(folder / "order.csv"), "--record", "1"]
    shown = json.loads(CliRunner().invoke(plan_verb, [*arguments, "--json"], catch_exceptions=False).output)
    for item in shown["scripts"]:
        assert {"aid", "kvn", "kdd", "sequence", "level"} <= set(item)
        for command in item["commands"]:
            secret = command["header"][2:4] in ("50", "82", "D8", "E2")
            assert (command["apdu"] is None) is secret
            if command["apdu"]:
                assert hashlib.sha256(bytes.fromhex(command["apdu"])).hexdigest() == command["sha256"]
    text = CliRunner().invoke(plan_verb, arguments, catch_exceptions=False).output
    assert text.count("computed beforehand") == 2
    assert "84D8" in text


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("gp-test", without_domains("gp-test"), "has R-MAC"),
        ("gp-test-scp02", [], "security domains are not known beforehand"),
    ],
)
def test_a_script_that_cannot_be_is_refused_when_planned(name, changes, why, variant):
    job = variant(name, script("00" * 10, "000000"), *changes)
    with pytest.raises(ProfileError, match=why):
        job.plan()
