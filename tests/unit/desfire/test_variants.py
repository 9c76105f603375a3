"""Products unlike the city cards: random UID, no formatting, raw frames, frozen keys, other keys; wrong profiles."""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from cardkit.apps.desfire.commands import Op, inform
from cardkit.crypto.desfire import DesfireKey
from cardkit.errors import EncodingError, KeyStoreError, ProfileError, TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, plan, prepare, verify
from cardkit.profile import Record, load_profile, read_order
from cardkit.secure.desfire import Authentication
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, Cut
from tests.unit.desfire.conftest import FOLDER, GENERATIONS, client_of, inserted, seeded, told, uid_of
from tests.unit.desfire.small import small_product

CHIPS = FOLDER.parent / "chips"


class Made:
    """The small product with some lines changed, and one card of it."""

    def __init__(self, folder, generation, *changes, chip=None):
        small_product(folder, generation, 40)
        path = folder / "profile.toml"
        text = path.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)
        if chip is not None:
            (folder / "chips").mkdir()
            model = (CHIPS / f"virtual-desfire-{generation}.toml").read_text()
            (folder / "chips" / f"virtual-desfire-{generation}.toml").write_text(model + chip)
        self.image = f"desfire-{generation}"
        self.profile = load_profile(folder)
        self.keystore = self.profile.test_keystore()

    def plan(self):
        record = read_order(self.profile, self.profile.path.parent / "order.csv", self.keystore).records[0]
        return plan(self.profile, record, prepare(self.profile, record, self.keystore, seeded("a")), self.keystore)

    def make(self, seed=1):
        chip = make_card(self.image, seed=seed)
        outcome = personalize(self.plan(), inserted(chip), self.keystore)
        assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
        return chip

    def findings(self, chip):
        return {(f.rule, f.not_checked) for f in told(verify(self.plan(), inserted(chip), self.keystore).findings)}


LOCKED = (
    'diversify = { m = ["uid", "aid", "ascii:UZTR01"] }\n\n[[desfire.apps]]',
    "random_uid = true\nformat_disabled = true\nirreversible = true\n\n[[desfire.apps]]",
)
PICC_KEY = ('"test:city-card"', '"test:fixed"')
FIXED_KEY = '\n[test.fixed]\nusage = "card-key"\nhex = "E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF"\nalgorithm = "AES-128"\n'


@pytest.fixture(params=GENERATIONS)
def locked(request, tmp_path):
    """A product with a random UID, which cannot be formatted any more."""
    small_product(tmp_path, request.param, 40)
    keys = tmp_path / "test-keys.toml"
    made = tmp_path / "product"
    made.mkdir()
    product = Made.__new__(Made)
    shutil.copy(keys, made)
    product.__init__(made, request.param)
    text = (made / "profile.toml").read_text()
    for old, new in (LOCKED, PICC_KEY):
        assert old in text
        text = text.replace(old, new, 1)
    (made / "profile.toml").write_text(text)
    (made / "test-keys.toml").write_text((made / "test-keys.toml").read_text() + FIXED_KEY)
    product.profile = load_profile(made)
    product.keystore = product.profile.test_keystore()
    return product


def test_a_random_uid_is_proven_and_the_card_is_known_by_its_real_one(locked):
    chip = make_card(locked.image, seed=1)
    real = uid_of(chip)
    outcome = personalize(locked.plan(), inserted(chip), locked.keystore)
    assert (outcome.verdict, outcome.findings, outcome.chip_id) == (Verdict.GOOD, (), real.hex().upper())
    told = set()
    for _ in range(3):
        chip.power(True)
        told.add(uid_of(chip))
    assert len(told) == 3
    assert all(len(uid) == 4 and uid[0] == 0x08 for uid in told)
    # That formatting is disabled nobody tries on a card that leaves.
    assert locked.findings(chip) == {("TRANSIT-038", True)}


@pytest.mark.parametrize("from_end", range(9))
def test_torn_while_it_is_locked_it_is_finished(locked, from_end):
    todo = locked.plan()
    chip = make_card(locked.image, seed=1)
    real = uid_of(chip).hex().upper()
    with contextlib.suppress(TransportError):
        personalize(todo, inserted(Cut(chip, len(todo.steps) - from_end, ANSWER_LOST)), locked.keystore)
    outcome = personalize(todo, inserted(chip), locked.keystore, resume=True)
    assert outcome.chip_id == real
    assert outcome.verdict is Verdict.GOOD or {f.rule for f in told(outcome.findings)} == {"TRANSIT-038"}


def test_raw_frames_make_the_same_card(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "wrapped").mkdir()
    raw = Made(tmp_path / "raw", "ev1", chip='framing = "raw"\n')
    wrapped = Made(tmp_path / "wrapped", "ev1")
    assert dict(raw.make().memory()) == dict(wrapped.make().memory())


@pytest.mark.parametrize("settings", ["0B", "0A", "09", "03", "EB", "FB", "1B", "02", "F0"])
def test_settings_of_the_application(tmp_path, settings):
    """Each key itself, nobody, another key; key or settings frozen; nothing listed."""
    product = Made(tmp_path, "ev2", ('settings = "0B"\nkeys', f'settings = "{settings}"\nkeys'))
    chip = product.make()
    assert product.findings(chip) == set()


SETS = """diversify = { m = ["uid", "aid", "ascii:UZTR01"] }

[[desfire.apps.key_sets]]
version = 2
keys = [
    { name = "next master", ref = "test:city-reload", version = 2 },
    { name = "next validator", ref = "test:city-master", version = 2 },
    { name = "next reload", ref = "test:city-validator", version = 2 },
]

[[desfire.apps.files]]"""
WITHOUT_SETS = 'diversify = { m = ["uid", "aid", "ascii:UZTR01"] }\n\n[[desfire.apps.files]]'


def test_a_further_set_of_keys_is_ready_to_be_rolled(tmp_path):
    product = Made(tmp_path, "ev2", (WITHOUT_SETS, SETS))
    chip = product.make()
    assert product.findings(chip) == set()
    spec = product.plan().blueprint.product.apps[0]
    keys = {}
    for key in (*spec.keys, *spec.key_sets[0].keys):
        with product.keystore.card_key(key.card_key(uid_of(chip))) as clear:
            keys[key.name] = DesfireKey.of(clear, key.version)
    client = client_of(chip)
    client.select(spec.aid)
    client.authenticate(Authentication.EV2, 0, keys["master"], os.urandom)
    assert client.key_settings().rest == bytes.fromhex("0101021000")
    client.send(inform(Op.ROLL_KEY_SET, b"\1", 0), "RollKeySet")
    client.select(spec.aid)
    for number, name in enumerate(("next master", "next validator", "next reload")):
        client.authenticate(Authentication.EV2, number, keys[name], os.urandom)
        assert client.key_version(number) == 2


def test_sets_of_keys_that_do_not_fit(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(ProfileError, match="EV1 knows no sets"):
        Made(tmp_path / "a", "ev1", (WITHOUT_SETS, SETS)).plan()
    short = SETS.replace('    { name = "next reload", ref = "test:city-validator", version = 2 },\n', "")
    with pytest.raises(ProfileError, match="2 keys, expected 3"):
        Made(tmp_path / "b", "ev2", (WITHOUT_SETS, short)).plan()


@pytest.mark.parametrize(("kind", "size"), [("2tdea", 16), ("3tdea", 24)])
def test_keys_of_the_des_family(tmp_path, kind, size):
    keys = "\n".join(
        f'des-{name} = {{ usage = "card-key", hex = "{(bytes(range(start, start + size))).hex()}", '
        f'algorithm = "3DES-{8 * size}" }}'
        for name, start in (("master", 0x11), ("validator", 0x41), ("reload", 0x71))
    )
    changes = [
        ('name = "small"', f'name = "small"\nkind = "{kind}"'),
        ("test:city-master", "test:des-master"),
        ("test:city-validator", "test:des-validator"),
        ("test:city-reload", "test:des-reload"),
    ]
    product = Made(tmp_path, "ev1", *changes)
    text = (tmp_path / "profile.toml").read_text()
    first, found, last = text.rpartition('diversify = { m = ["uid", "aid", "ascii:UZTR01"] }\n')
    assert found
    (tmp_path / "profile.toml").write_text(first + last)
    (tmp_path / "test-keys.toml").write_text(
        (tmp_path / "test-keys.toml").read_text().replace("[test]", "[test]\n" + keys)
    )
    product.profile = load_profile(tmp_path)
    product.keystore = product.profile.test_keystore()
    assert product.findings(product.make()) == set()


def test_a_begun_card_is_begun(tmp_path):
    product = Made(tmp_path, "ev1")
    todo, chip = product.plan(), make_card("desfire-ev1", seed=1)
    with pytest.raises(TransportError):
        personalize(todo, inserted(Cut(chip, 8, ANSWER_LOST)), product.keystore)
    assert identify(product.profile, inserted(chip)).state is MarkerState.BEGUN


# Profiles that are wrong

TAIL = '"ascii:UZTR01"] }\n\n[[desfire.apps]]'
WRONG = {
    "another generation": ('card = "ev1"', 'card = "ev2"', "the chip is ev1"),
    "locks nobody thought about": ('settings = "0B"\ndiv', 'settings = "0B"\nrandom_uid = true\ndiv', "irreversible"),
    "a key that opens by what is not known": (
        'settings = "0B"\ndiv', 'settings = "0B"\nrandom_uid = true\nirreversible = true\ndiv', "random UID",
    ),
    "a frozen card key": ('settings = "0B"\ndiv', 'settings = "0A"\ndiv', "bit 0"),
    "an application twice": ('aid = "F21190"', 'aid = "F211"', "3 bytes"),
    "a right nobody has": ('read = "validator"', 'read = "nobody"', "right 'nobody'"),
    "a key name twice": ('name = "reload"', 'name = "validator"', "each name once"),
    "a part of M nobody knows": (TAIL, TAIL.replace("ascii:UZTR01", "serial"), "part 'serial'"),
    "M too long": (TAIL, TAIL.replace("UZTR01", 4 * "UZTR01"), "expected 1 to 31"),
    "fields too long": ("size = 40\nfields", "size = 30\nfields", "the file has 30"),
    "no size": ("size = 40\nfields", "size = 0\nfields", "size 0"),
    "a key no transaction MAC has": ('type = "standard"', 'type = "transaction-mac"', "has a key"),
    "records without room": ('type = "standard"', 'type = "cyclic"\nrecords = 1', "expected 2 or more"),
    "values without room": ('type = "standard"', 'type = "value"\nlower = 5\nupper = 4', "values from 5 to 4"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), WRONG.values(), ids=WRONG)
def test_a_profile_that_is_wrong_says_where(tmp_path, old, new, message):
    with pytest.raises(ProfileError, match=message):
        Made(tmp_path, "ev1", (old, new)).plan()


def test_a_default_key_is_never_set(tmp_path):
    product = Made(tmp_path, "ev1")
    text = (tmp_path / "test-keys.toml").read_text()
    (tmp_path / "test-keys.toml").write_text(
        text.replace(
            "[test]", '[test]\nzeros = { usage = "card-key", hex = "' + "00" * 16 + '", algorithm = "AES-128" }'
        )
    )
    profile = (tmp_path / "profile.toml").read_text()
    first, _, last = profile.rpartition('diversify = { m = ["uid", "aid", "ascii:UZTR01"] }\n')
    (tmp_path / "profile.toml").write_text((first + last).replace("test:city-reload", "test:zeros").replace(
        "test:city-master", "test:fixed").replace("test:city-validator", "test:fixed"))  # fmt: skip
    with (tmp_path / "test-keys.toml").open("a") as file:
        file.write(FIXED_KEY)
    product.profile = load_profile(tmp_path)
    product.keystore = product.profile.test_keystore()
    with pytest.raises(KeyStoreError, match="default key"):
        product.make()


def test_values_of_a_record_that_do_not_fit(jobs):
    job = jobs["ev1"]
    record = job.records[0]
    for field, value, message in (
        ("balance", "500001", "expected 0 to 500000"),
        ("holder", "ANNA ÖZ", "field holder does not fit"),
        ("card", "99860000000000019", "field card number does not fit"),
    ):
        changed = Record(record.schema, {**record, field: value}, 1)
        with pytest.raises(EncodingError, match=message):
            plan(job.profile, changed, prepare(job.profile, changed, job.keystore, seeded("a")), job.keystore)
