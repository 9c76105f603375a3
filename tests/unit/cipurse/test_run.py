"""A blank chip becomes a transport card, is proven and sealed; torn, foreign and wrong ones are told apart."""

from __future__ import annotations

import copy
from contextlib import suppress

import pytest

from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import STANDARD, FileRules, Operation, Security
from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.cipurse.commands import Syntax
from cardkit.crypto import Key, Usage
from cardkit.desired import Part, Role
from cardkit.errors import AuthenticationError, ProfileError, StatusError, TransportError
from cardkit.perso import MarkerState, Verdict, identify, personalize, read_identity, verify
from cardkit.virtual import make_card
from tests.hostile.tearing import ANSWER_LOST, Cut

from .conftest import bad, inserted

CITY = bytes.fromhex("D2760000041502000003000101")
TRANSPORT = Key(b"\x73" * 16, "delivered", "AES-128", Usage.SECURE_CHANNEL)


@pytest.fixture(scope="module")
def finished(job):
    return job.made()


@pytest.fixture
def made(finished):
    """A finished card of one's own."""
    return copy.deepcopy(finished)


class Counted:
    """A reader that counts, and remembers what was sent."""

    def __init__(self, chip):
        self._chip, self.sent = chip, []

    def atr(self):
        return self._chip.atr()

    def power(self, cold):
        self._chip.power(cold)

    def transmit(self, command):
        self.sent.append(command)
        return self._chip.transmit(command)


def opened(job, chip, number, place="city"):
    """Return a client in a session of one key of a finished card."""
    product = job.plan().blueprint.product
    directory = next(one for one in product.directories if one.name == place)
    client = CipurseClient(inserted(chip).channel)
    uid = client.uid()
    client.select_mf() if directory.new is None else client.select_application(directory.aid)
    with job.keystore.card_key(directory.keys[number - 1].for_card(uid)) as key:
        client.authenticate(number, key, client.challenge(), bytes(range(22)))
    return client


def rules(job, name):
    product = job.plan().blueprint.product
    return next(file for app in product.applications for file in app.files if file.name == name).rules(sealed=True)


# The way of a card


def test_a_finished_card_is_good_to_a_stranger_too(job, made):
    report = verify(job.plan(), inserted(made), job.keystore)
    assert (report.verdict, bad(report.findings)) == (Verdict.GOOD, set())
    assert {finding.rule for finding in report.findings} == {"TRANSIT-003", "TRANSIT-033", "TRANSIT-045", *UNCHECKED}


def test_a_sample_bears_wrong_keys_and_spoiled_frames(job, made):
    report = verify(job.plan(), inserted(made), job.keystore, destructive=True)
    assert bad(report.findings) == set()
    assert {finding.rule for finding in report.findings} == {"TRANSIT-033", *UNCHECKED}
    again = verify(job.plan(), inserted(made), job.keystore)
    assert again.verdict is Verdict.GOOD


def test_without_keys_a_card_is_unproven_at_best(job, made):
    report = verify(job.plan(), inserted(made), job.keystore, without_keys=True)
    assert report.verdict is Verdict.UNPROVEN
    assert bad(report.findings) == set()


def test_another_order_row_is_found_by_its_contents(job, made):
    report = verify(job.plan(2), inserted(made), job.keystore)
    assert bad(report.findings) == {"TRANSIT-021"}


@pytest.mark.parametrize(("image", "version"), [("cipurse-v1", "0200"), ("cipurse-v2", "0201")])
def test_older_syntaxes_are_spoken(variant, image, version):
    job = variant(image=image, chip=[("020205070000000005000000", f"{version}05070000000005000000")])
    assert job.plan().blueprint.product.syntax is Syntax[image[-2:].upper()]
    chip = job.made()
    assert verify(job.plan(), inserted(chip), job.keystore).verdict is Verdict.GOOD


def test_a_chip_of_another_version_is_refused_before_anything_is_written(job):
    chip = make_card("cipurse-v1", seed=1)
    before = dict(chip.memory())
    outcome = personalize(job.plan(), inserted(chip), job.keystore)
    assert (outcome.verdict, outcome.reject.code) == (Verdict.BAD, "CARD_TYPE")
    assert dict(chip.memory()) == before


def test_blank_begun_and_finished_are_told_apart(job, made):
    assert identify(job.profile, inserted(job.fresh())).state is MarkerState.BLANK
    assert identify(job.profile, inserted(made)).state is MarkerState.FINAL
    seal = len(job.plan().steps) - len(job.plan().blueprint.parts[Part.STRANGER])
    for at in (len(job.plan().blueprint.parts[Part.FENCE]) + 3, 20, seal - 2):
        chip = job.fresh()
        _torn(job, chip, at)
        assert (at, identify(job.profile, inserted(chip)).state) == (at, MarkerState.BEGUN)


def _torn(job, chip, at):
    with pytest.raises(TransportError):
        personalize(job.plan(), inserted(Cut(chip, at, ANSWER_LOST)), job.keystore)


def test_a_card_is_known_by_its_uid(job, made):
    assert read_identity(job.profile, inserted(made)) == ("uid", "05" + made.serial.hex().upper()[:12])


def test_no_key_leaves_the_house_in_clear(job):
    counted = Counted(job.fresh())
    personalize(job.plan(), inserted(counted), job.keystore)
    product = job.plan().blueprint.product
    uid = CipurseClient(inserted(counted).channel).uid()
    wire = b"".join(counted.sent)
    for key in product.keys:
        with job.keystore.card_key(key.for_card(uid)) as own, own.reveal() as clear:
            assert bytes(clear) not in wire


def test_the_profile_decides_who_may_do_what(job, made):
    gate = opened(job, made, 2)
    contracts = rules(job, "city/contracts")
    assert not contracts.allows(Operation.UPDATE_ATTRIBUTES, 2)
    gate.select_file(0x5F02)
    with pytest.raises(StatusError, match="6982"):
        gate.require(
            commands.update_file_attributes(Syntax.V3, Security(bytes(2), b"\xff" * 4)),
            "rules",
            contracts.pair(Operation.UPDATE_ATTRIBUTES),
        )
    with pytest.raises(StatusError, match="6982"):
        gate.change_value(Operation.INCREASE, rules(job, "city/purse"), 1, 5, 4)


# Torn cards of another kind than the profile's: rules closed at the end, two applications, life cycles

UNCHECKED = {"TRANSIT-063", "TRANSIT-064"}  # of any card
LOCKED = [
    # nobody may write the environment once the card has left, nobody may make files
    ('art = ["40", "43", "01", "01"]', 'art = ["40", "41", "01", "01"]'),
    ('art = ["40", "D3", "42", "42"]', 'art = ["40", "42", "42", "42"]'),
]


def test_rules_that_would_keep_us_out_are_closed_last(variant):
    job = variant(*LOCKED)
    product = job.plan().blueprint.product
    (city,) = product.applications
    assert (city.locked_later, [file.locked_later for file in city.files]) == (True, [True, False, False, False])
    chip = job.made()
    assert bad(verify(job.plan(), inserted(chip), job.keystore).findings) == set()
    issuer = opened(job, chip, 1)
    with pytest.raises(StatusError, match="6982"):
        issuer.write(rules(job, "city/environment"), b"\x01", 1)


def test_a_card_torn_while_its_rules_are_closed_is_finished(variant):
    job = variant(*LOCKED)
    whole = dict(job.made().memory())
    steps = job.plan().steps
    first = next(at for at, step in enumerate(steps) if step.serves.endswith(" rules"))
    for at in range(first - 3, first + 8):
        chip = job.fresh()
        _torn(job, chip, at + 1)
        outcome = personalize(job.plan(), inserted(chip), job.keystore, resume=True)
        assert (at, outcome.verdict, dict(chip.memory()) == whole) == (at, Verdict.GOOD, True)


SECOND = """
[[cipurse.applications]]
name = "bikes"
fid = "6F00"
aid = "D2760000041502000003000102"
profile = "S"
register = "transport"
art = ["40", "D3"]
smr = ["mac/mac", "enc/mac", "plain/plain", "mac/mac"]
keys = { refs = ["test:city-issuer"] }
[[cipurse.applications.files]]
fid = "6F01"
sfid = 1
type = "binary+t"
size = 600
art = ["40", "C3"]
smr = ["mac/enc", "enc/mac", "plain/plain", "mac/mac"]
fill = "FF"
data = "{serial}"
"""


def with_second(variant, **more):
    last = "values = [{ value = 0, min = 0, max = 20000 }]\n"
    return variant((last, last + SECOND), **more)


def test_two_applications_and_a_file_of_many_pieces(variant):
    job = with_second(variant)
    chip = job.made()
    client = opened(job, chip, 1, "bikes")
    body = client.read(rules(job, "bikes/EF.6F01"), 600, 1)
    assert body == bytes.fromhex("9990000001") + b"\xff" * 595
    assert bad(verify(job.plan(), inserted(chip), job.keystore).findings) == set()


def test_a_chip_whose_applications_begin_out_of_use(variant):
    job = variant(chip=[("keys = 8\n", 'keys = 8\nlifecycle = "deactivated"\n')])
    sent = [step.command.ins for step in job.plan().blueprint.parts[Part.WRITE] if step.role is Role.ACTIVATE]
    assert sent == [0x44, 0x7E]


def test_keys_may_be_left_to_secure_messaging(variant):
    job = variant(("kek = 2\n", "kek = 0\n"))
    counted = Counted(job.fresh())
    assert personalize(job.plan(), inserted(counted), job.keystore).verdict is Verdict.GOOD
    created = [one for one in counted.sent if one[1] == 0xE0]
    assert {one[2] for one in created} == {0}


def test_an_application_of_somebody_else_is_left_alone(job, variant):
    other = variant(('"test:city-gate"', '"test:city-load"'), ('m = ["uid", "aid", "key"', 'm = ["key", "uid", "aid"'))
    chip = job.fresh()
    _torn(job, chip, 12)
    before = dict(chip.memory())
    outcome = personalize(other.plan(), inserted(chip), other.keystore, resume=True)
    assert (outcome.verdict, dict(chip.memory()) == before) == (Verdict.BAD, True)
    assert "other keys or rules" in outcome.reject.text


def test_a_master_key_nobody_knows_stops_the_seal(job, variant):
    other = variant(('m = ["uid", "aid", "key"', 'm = ["key", "uid", "aid"'))
    chip = other.fresh()
    steps = other.plan().steps
    changes = [at for at, step in enumerate(steps, 1) if step.role is Role.CHANGE]
    _torn(other, chip, changes[3])
    working = job.plan().blueprint.with_keys(job.keystore, bytes)
    session = working.session(job.plan().contents, inserted(chip).channel, {})
    session.run(working.identify, strict=False)
    with pytest.raises(AuthenticationError, match="of no key we know"):
        session.seal_again()


# Purses: what a transaction does, and what a cut one does not


def test_a_purse_is_loaded_and_spent(job, made):
    purse = rules(job, "city/purse")
    loader = opened(job, made, 3)
    assert loader.change_value(Operation.INCREASE, purse, 1, 700, 4) == 700
    loader.perform()
    gate = opened(job, made, 2)
    assert gate.value(purse, 1, 4) == 700
    assert gate.change_value(Operation.DECREASE, purse, 1, 250, 4) == 450
    gate.cancel()
    assert gate.value(purse, 1, 4) == 700
    gate.change_value(Operation.DECREASE, purse, 1, 250, 4)
    gate.perform()
    assert gate.value(purse, 1, 4) == 450
    with pytest.raises(StatusError, match="6985"):
        gate.change_value(Operation.DECREASE, purse, 1, 451, 4)


def test_a_ride_cut_anywhere_is_paid_and_written_or_neither(job, made):
    """Two files of one transaction: value and event change together, whatever is cut."""
    before = copy.deepcopy(made)
    loader = opened(job, before, 3)
    loader.change_value(Operation.INCREASE, rules(job, "city/purse"), 1, 700, 4)
    loader.perform()
    seen = set()
    for at in range(1, 9):
        for lost in ("command lost", ANSWER_LOST):
            chip = copy.deepcopy(before)
            _ride(job, Cut(chip, at, lost))
            gate = opened(job, chip, 2)
            value = gate.value(rules(job, "city/purse"), 1, 4)
            seen.add((value, _last_event(job, gate)))
    assert seen == {(700, b""), (450, b"ride")}


def _ride(job, chip):
    """Pay and note the ride, as far as the card lets us."""
    with suppress(TransportError):
        gate = opened(job, chip, 2)
        gate.change_value(Operation.DECREASE, rules(job, "city/purse"), 1, 250, 4)
        events = rules(job, "city/events")
        gate.require(commands.append_record(b"ride", 3), "event", events.pair(Operation.UPDATE))
        gate.perform()


def _last_event(job, gate):
    events = rules(job, "city/events")
    data = gate.require(commands.read_records(1, 3, 24), "event", events.pair(Operation.READ))
    return data.rstrip(b"\0")


# Profiles that cannot be

WRONG = [
    ('m = ["uid", "aid", "key", "ascii:UTOPIA"]', 'm = ["aid", "key"]', "no uid"),
    ('m = ["uid", "aid", "key", "ascii:UTOPIA"]', 'm = ["uid", "year"]', "expected uid, aid, key"),
    ('m = ["uid", "aid", "key", "ascii:UTOPIA"]', 'm = ["uid", "aid"]', "two equal keys"),
    ('m = ["uid", "aid", "key", "ascii:UTOPIA"]', 'm = ["uid", "aid", "key", "ascii:UTOPIA0123"]', "to diversify with"),
    ('spare = "test:mf-spare"', "", "spare would fill up"),
    ("manager = 2", "manager = 1", "must be able to update keys"),
    ('art = ["40", "40", "F3", "40", "40", "40", "40", "40", "40"]', 'art = ["40"]', "entries, expected 9"),
    ('art = ["40", "40", "F3"', 'art = ["00", "40", "F3"', "a card is told by them"),
    ('smr = ["mac/enc", "enc/mac"', 'smr = ["mac/enc", "enc/mad"', "expected two of plain, mac, enc"),
    ('register = "transport"', 'register = "access"', "no pxse access"),
    ("sfid = 2", "sfid = 1", "SFIDs of city"),
    ('fid = "5F02"', 'fid = "5F01"', "FIDs of city"),
    ("size = 64", "size = 0", "binary files have a size"),
    ("record_size = 12", "record_size = 8", "a counter takes 12"),
    ("reserve = 2048", "reserve = 4000", "of memory would be left"),
    ("room = 4", "room = 4, more = 1", "more"),
    ('attr = ["06"]', 'attr = ["06", "02"]', "expected one byte, or 3"),
]


@pytest.mark.parametrize(("old", "new", "text"), WRONG, ids=[text for *_, text in WRONG])
def test_what_no_card_can_be_is_refused(variant, old, new, text):
    with pytest.raises(ProfileError, match=text):
        variant((old, new)).plan()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"010F5554{serial}', '"' + "00" * 60 + "{serial}"),
        ("value = 0, min = 0", "value = 5, min = 6"),
        ('rows = ["01{tariff}', 'rows = ["01", "02", "03", "04", "05", "{tariff}'),
        ('"010F5554{serial}', '"01{serial}0'),
    ],
)
def test_values_that_do_not_fit_are_refused(variant, old, new):
    with pytest.raises(ValueError, match="cipurse: city/"):
        variant((old, new)).plan()


def test_tables_of_a_chip_may_differ(variant):
    job = variant(chip=[("keys = 8\n", "keys = 8\naccess = { value = { increase = [2, 5] } }\n")])
    product = job.plan().blueprint.product
    assert product.tables.value[Operation.INCREASE] == (2, 5)
    assert STANDARD.value[Operation.INCREASE] == (2, 3)
    with pytest.raises(ProfileError, match="unknown operations melt"):
        variant(chip=[("keys = 8\n", "keys = 8\naccess = { value = { melt = [2, 5] } }\n")]).plan()


def test_the_delivered_key_opens_nothing(job, made):
    client = CipurseClient(inserted(made).channel)
    client.select_mf()
    with pytest.raises(AuthenticationError):
        client.authenticate(2, TRANSPORT, client.challenge(), bytes(22))


def test_rules_say_which_level(job):
    found = FileRules(rules(job, "city/contracts").security, STANDARD.file)
    assert (str(found.pair(Operation.READ)), str(found.pair(Operation.UPDATE))) == ("mac/enc", "enc/mac")
