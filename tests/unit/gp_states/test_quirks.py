"""Chips that depart from the texts: ``[chip.gp.quirks]``, three ways in which the delivered set goes, restrictions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

from .conftest import PROFILES, Job, Tap, make_job

CHIP = PROFILES.parent / "chips" / "virtual-gp-scp03.toml"
IMAGE = resources.files("cardkit.virtual") / "images" / "gp-scp03.toml"
INITIALIZE_UPDATE, INSTALL, PUT_KEY, GET_STATUS = 0x50, 0xE6, 0xD8, 0xF2

Change = tuple[str, str]
Odd = Callable[..., Job]


def changed(text: str, changes: tuple[Change, ...]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def odd(tmp_path: Path) -> Odd:
    """Return gp-test with another chip: ``odd(quirks, chip=changes, image=changes, profile=changes)``."""

    def make(quirks: str = "", chip: tuple[Change, ...] = (), image=(), profile=()) -> Job:
        folder = tmp_path / "gp-test"
        shutil.copytree(PROFILES / "gp-test", folder)
        (folder / "chips").mkdir()
        model = changed(CHIP.read_text(encoding="utf-8"), chip) + f"quirks = {{ {quirks} }}\n"
        (folder / "chips" / CHIP.name).write_text(model, encoding="utf-8")
        product = folder / "profile.toml"
        product.write_text(changed(product.read_text(encoding="utf-8"), profile), encoding="utf-8")
        (tmp_path / "image.toml").write_text(changed(IMAGE.read_text(encoding="utf-8"), image), encoding="utf-8")
        return make_job(folder, str(tmp_path / "image.toml"))

    return make


def made(job: Job, spoil=None) -> Tap:
    """Make and verify a card; return what was sent."""
    seam = Tap(make_card(job.image, seed=1), spoil)
    card = Card(LoopbackConnection(seam))
    outcome = personalize(job.plan(), card, job.keystore)
    assert outcome.verdict is Verdict.GOOD, [item for item in outcome.findings if not item.not_checked] or outcome
    assert verify(job.plan(), card, job.keystore).verdict is Verdict.GOOD
    return seam


def test_an_old_card_is_asked_in_its_own_way(odd):
    """No TLV, no modules, CPLC without tag, no SELECT without a name, one byte of privileges."""
    job = odd(
        "get_status_legacy = true, no_modules_status = true, privileges_1_byte = true",
        image=tuple(
            (f"{habit} = true", f"{habit} = false")
            for habit in ("status_tlv", "status_modules", "cplc_tagged", "empty_select")
        ),
        profile=(('privileges = ["trusted path"]\n', ""),),
    )
    asked = {(command[2], command[3]) for command in made(job).sent if command[1] == GET_STATUS and command[0] & 0x04}
    assert asked == {(kind, 0x00) for kind in (0x80, 0x40, 0x20)}
    (install,) = [state for state in job.plan().steps if state.serves == "domain F053534401"]
    assert bytes.fromhex("F0535344010180") in install.command.data


@pytest.mark.parametrize(
    ("quirk", "instructions"),
    [("iu_no_le = true", {INITIALIZE_UPDATE}), ("case4_as_3 = true", {INSTALL, PUT_KEY})],
)
def test_commands_without_le(quirk, instructions, odd):
    sent = [command for command in made(odd(quirk)).sent if command[1] in instructions]
    assert {command[1] for command in sent} == instructions
    assert {len(command) - 5 - command[4] for command in sent} == {0}


def test_check_values_of_another_kind_are_not_compared(odd):
    """The session with the new set proves it; check values over zeros are nobody's to repeat."""

    def spoil(_, command, chip):
        answer = chip.transmit(command)
        return answer[:1] + bytes(9) + answer[10:] if command[1] == PUT_KEY else answer

    low = ("level = 0x33", "level = 0x03")
    made(odd("kcv_aes_zero = true", profile=(low,)), spoil)


@pytest.mark.parametrize(("removal", "old_version"), [("replace", 0x20), ("delete", 0x00)])
def test_a_delivered_set_is_replaced_or_deleted(removal, old_version, odd):
    job = odd(
        chip=(("FF=test:gp-default", "20=test:gp-default"), ('removal = "first"', f'removal = "{removal}"')),
        image=(("kvn = 0xFF", "kvn = 0x20"), ("initial_set_vanishes = true", "initial_set_vanishes = false")),
    )
    (put,) = [command for command in made(job).sent if command[1] == PUT_KEY]
    assert put[2] == old_version


def test_restrictions_hold_on_a_sealed_card(odd):
    from cardkit.apps.gp.client import SecurityDomain
    from cardkit.apps.gp.install import for_install, for_load
    from cardkit.apps.gp.tags import Privileges
    from cardkit.errors import ConditionsError

    job = odd(profile=(('deny = ["A', 'restrictions = [{ forbid = ["load", "install"] }]\ndeny = ["A'),))
    card = Card(LoopbackConnection(made(job)))
    product = job.plan().blueprint.product
    card.reset()
    domain = SecurityDomain.select(card.channel)
    domain.open(job.keystore, product.main.spec, product.level, host_challenge=bytes(16), parameters=product.parameters)
    module = bytes.fromhex("F05647414C"), bytes.fromhex("F05647414C01")
    for command in (
        for_load(bytes.fromhex("F04341524499")),
        for_install(module, bytes.fromhex("F04341524403"), Privileges()),
    ):
        with pytest.raises(ConditionsError):
            domain.send(command.command(), what="INSTALL")
