"""What a profile or chip model may not ask for is refused when it is compiled, before any card."""

from __future__ import annotations

import msgspec
import pytest

from cardkit.apps.gp.schema import ChannelBlock
from cardkit.apps.gp.states.keysets import delivered_set
from cardkit.crypto import MemoryKeyStore
from cardkit.desired import Part, Role
from cardkit.errors import EncodingError, KeyStoreError, ProfileError
from cardkit.perso import plan, prepare
from cardkit.perso.planner import compiled
from cardkit.profile import load_profile
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

MAIN = 'keys = [{ set = "30=test:gp-master/kdf3", algorithm = "AES-128" }]'
HELLO = 'sha256 = "d9'

WRONG = [
    ("channel = { scp = 3, i = 0x70", "channel = { scp = 3, i = 0x60", "this chip has no such protocol"),
    ("level = 0x33", "level = 0x13, counter_limit = 1", None),
    (MAIN, "keys = []", "gp.keys: the first is a channel set"),
    (MAIN, 'keys = [{ set = "30", algorithm = "AES-128" }]', "gp.keys[0].set"),
    (MAIN, 'keys = [{ set = "80=test:gp-master/kdf3", algorithm = "AES-128" }]', "version 80, expected 01 to 7F"),
    (
        MAIN,
        'keys = [{ set = "73=test:gp-master", algorithm = "AES-128", purpose = "dap" }]',
        "the first is a channel set",
    ),
    (MAIN, 'keys = [{ set = "30=test:gp-master/xyz", algorithm = "AES-128" }]', "scheme 'xyz'"),
    ('cap = "hello.cap"', 'cap = "../hello.cap"', "no name of a file beside the profile"),
    ('cap = "hello.cap"', 'cap = "absent.cap"', "cannot be read"),
    (HELLO, 'sha256 = "00', "has SHA-256 d9"),
    ('deny = ["A0000000620001FF"', 'deny = ["F0564741"', "is denied"),
    ('privileges = ["trusted path"]', 'privileges = ["trusted paths"]', "expected one of"),
    ('privileges = ["trusted path"]', 'privileges = ["mandated dap verification"]', "without DAP_VERIFICATION"),
    (
        'keys = [{ set = "31=test:gp-domain/kdf3", algorithm = "AES-128" }]',
        "keys = []",
        "the first is its own channel set",
    ),
    ('parameters = "0102"', 'parameters = "010"', "pairs of hexadecimal digits"),
    ('domain = "F053534401"', 'domain = "F053534402"', "this profile has no such domain"),
    ('aid = "F04341524402"', 'aid = "F04341524401"', "is there twice"),
    ('aid = "F04341524402"', 'aid = "F043"', "5 to 16"),
    ('value = "{member}", size = 5', 'value = "{member}"', "its size must be given"),
    ('dgi = "0102"', 'dgi = "01"', "got 1 bytes, expected 2"),
    ('value = "{app_key}", size = 16', 'value = "{app_key}", size = 15', "whole blocks of 16, or pad = true"),
    ('value = "54455354"', 'value = "54455354", pad = true', "only a secret value is padded"),
    ('root = "maker-root.pem"', 'root = "README.md"', "gp.certificate.root: README.md"),
    ('day = "{day}"', "", "gp.data.day is missing"),
    ('parameters = "0102"', 'parameters = "0102"\nstore_data_p1 = { last = 0x88 }', "expected a number"),
]


@pytest.mark.parametrize(("old", "new", "why"), [line for line in WRONG if line[2]])
def test_what_cannot_be_is_refused(old, new, why, variant):
    with pytest.raises(ProfileError) as refusal:
        variant("gp-test", (old, new)).plan()
    assert why in str(refusal.value)


def test_a_level_without_mac_is_no_level():
    with pytest.raises(msgspec.ValidationError, match="C-MAC"):
        msgspec.convert({"scp": 3, "i": 0x70, "level": 0}, ChannelBlock)


def test_a_level_the_protocol_has_not_is_refused(variant):
    with pytest.raises(ProfileError, match="expected an explicit one that has the level"):
        variant("gp-test-scp02", ("level = 0x03", "level = 0x33")).plan()


def test_a_key_of_another_algorithm_is_refused_when_planned(scp03):
    record = scp03.records[0]
    prepared = prepare(scp03.profile, record, scp03.keystore, bytes)
    with pytest.raises(KeyStoreError, match="test:gp-default"):
        plan(scp03.profile, record, prepared, MemoryKeyStore())


def test_a_value_of_another_length_is_refused_when_planned_and_not_shown(variant):
    job = variant("gp-test", ('value = "{cin}", size = 8 }\npre', 'value = "{cin}", size = 7 }\npre'))
    with pytest.raises(EncodingError) as refusal:
        job.plan()
    assert "object 45: got 8 bytes, expected 7" in str(refusal.value)
    assert job.records[0]["cin"] not in str(refusal.value)


def test_the_profile_hash_covers_the_code(variant):
    """Another CAP file makes another profile, and one that is refused until the profile names it."""
    job = variant("gp-test")
    path = job.profile.path.parent / "hello.cap"
    path.write_bytes(path.read_bytes() + b"\0")
    other = load_profile(job.profile.path)
    assert other.sha256 != job.profile.sha256
    with pytest.raises(ProfileError, match="SHA-256"):
        compiled(other)


def test_chip_models_fit_their_cards(job):
    card = Card(LoopbackConnection(make_card(job.image, seed=3)))
    assert job.profile.chip.matches(card.atr)
    assert delivered_set(job.profile.chip.blocks["gp"]).kvn == 0xFF


def test_blocks_are_as_long_as_a_command_takes(job):
    """The plan's longest commands fill the command that the level leaves, and none is longer than a short APDU."""
    todo = job.plan()
    sizes = [step.nc for part in Part for step in todo.blueprint.parts[part]]
    assert max(sizes) <= 255
    loads = [step for step in todo.blueprint.parts[Part.WRITE] if step.command.ins == 0xE8]
    assert all(step.nc > 239 for step in loads[:-1])


def test_every_state_is_written_for_by_some_command(job):
    todo = job.plan()
    written = {step.serves for step in todo.steps if step.role in (Role.WRITE, Role.CHANGE, Role.DELETE)}
    objects = {"45", "9F67", "9F66"}  # in one command with 42
    assert {state.name for state in todo.states} - written == objects


def test_repairing_everything_is_writing_everything(job):
    """Of a card that shows nothing, all that comes after the fence is written again."""
    todo = job.plan()
    names = [state.name for state in todo.states if state.phase != "seal"][1:]
    headers = [step.shape for step in todo.blueprint.repair(names)]
    assert headers == [step.shape for step in todo.blueprint.parts[Part.WRITE]]


def store_data_p1(job) -> list[int]:
    steps = job.plan().blueprint.parts[Part.WRITE]
    return [step.command.p1 for step in steps if step.command.ins == 0xE2 and step.serves == "data of F04341524401"]


def test_p1_of_store_data_follows_the_content(scp03):
    """Two clear groupings in one command, the secret one in the last."""
    assert store_data_p1(scp03) == [0x08, 0xE8]


def test_a_profile_may_say_otherwise_block_by_block(variant):
    module = 'module = "F05647414C01"\ndata'
    job = variant("gp-test", (module, module.replace("\ndata", '\nstore_data_p1 = { "0" = 0x00, "-1" = 0x88 }\ndata')))
    assert store_data_p1(job) == [0x00, 0x88]


def test_a_dangerous_privilege_stands_in_the_plan(variant):
    parameters = 'parameters = "0102"\n'
    job = variant("gp-test", (parameters, parameters + 'privileges = ["card lock", "card terminate"]\n'))
    titles = [state.title for state in job.plan().states if "DANGEROUS" in state.title]
    assert titles == ["application F04341524402 is there, DANGEROUS: CARD_LOCK, CARD_TERMINATE"]
