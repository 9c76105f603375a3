"""What a LIVE run is refused for: one line each, before any record is claimed."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from cardkit.crypto import Secret, Usage
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.keysource import KeySource
from cardkit.crypto.management import NewKey
from cardkit.errors import LoginError, TwoPersonsError
from cardkit.production import kept_values, open_store
from cardkit.production.couplers.bench import matching_profile
from cardkit.production.people import accounts
from cardkit.profile import load_profile, read_order
from tests.unit.live.plant import (
    BLANK_KEY,
    CUSTOMER_KEY,
    PHRASE,
    ROWS,
    STORE,
    USAGES,
    LivePlant,
    check_value,
    password,
    piped,
)

PHRASE_SECRET = Secret(PHRASE.encode(), "phrase")


def refusal(
    plant: LivePlant, capfd: pytest.CaptureFixture[str], people: str = "olga", keys: str | None = PHRASE
) -> str:
    """The line a run is refused with; no card was claimed by it."""
    capfd.readouterr()
    code = plant.desk(people, "batch", "run", "lot", "--reader", f"virtual:{plant.image}", keys=keys)
    error = capfd.readouterr().err
    assert plant.desk("audi", "batch", "status", "lot", "--json") == 0
    assert (code, json.loads(capfd.readouterr().out)["records"]["READY"]) == (4, ROWS)
    assert (error.count("\n"), error.startswith("error: "), PHRASE in error) == (1, True, False)
    return error


def without(reference: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with FileKeyStore.open(path, PHRASE_SECRET) as store:
            store.destroy(reference)

    return change


def another(reference: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with FileKeyStore.open(path, PHRASE_SECRET) as store:
            store.destroy(reference)
            store.generate(NewKey(reference, "AES-128", Usage(USAGES[reference])))

    return change


def of_test(path: Path) -> None:
    """A TEST store with the keys of the same names."""
    path.unlink()
    with FileKeyStore.create(path, "TEST", PHRASE_SECRET) as store:
        for reference, usage in USAGES.items():
            store.generate(NewKey(reference, "AES-128", Usage(usage)))


@pytest.mark.requirement("K3")
def test_without_a_key_store(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    assert "a LIVE profile has no test keys: name its key store (--keys)" in refusal(opened, capfd, keys=None)


def test_with_a_wrong_passphrase(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    error = refusal(opened, capfd, keys="another phrase")
    assert "plant.keys: wrong" in error
    assert "another phrase" not in error


@pytest.mark.requirement("K2")
@pytest.mark.requirement("K3")
@pytest.mark.requirement("P11")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_test, "a LIVE profile, its key store is TEST"),
        (without("plant:domain"), "key plant:domain: not in this key store, which holds 3 keys"),
        (another("plant:master"), "batch lot: its key store holds other keys than the batch was imported with"),
    ],
    ids=["test keys", "a key is missing", "another key"],
)
def test_with_another_key_store(
    opened: LivePlant, capfd: pytest.CaptureFixture[str], change: Callable[[Path], None], message: str
) -> None:
    shutil.copy("plant.keys", "other.keys")
    change(Path("other.keys"))
    opened.keys_url = "file:other.keys"
    assert message in refusal(opened, capfd)


@pytest.mark.requirement("K2")
def test_a_test_key_does_not_come_into_a_live_store(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    known, first = bytes.fromhex(BLANK_KEY), bytes.fromhex(opened.components["plant:master"][0])
    second = bytes(a ^ b for a, b in zip(known, first, strict=True))
    opened.components = {**opened.components, "plant:chip": [first.hex().upper(), second.hex().upper()]}
    shutil.copy("plant.keys", "other.keys")
    without("plant:chip")(Path("other.keys"))
    Path("plant-chip.json").unlink()
    capfd.readouterr()
    opened.keys_url = "file:other.keys"
    assert opened.ceremony("plant:chip") == 4
    assert "key plant:chip: a known test key" in capfd.readouterr().err
    assert check_value(known) == "6F2F9BE174"


@pytest.mark.requirement("R3")
def test_with_a_profile_that_was_changed(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    profile = Path(opened.profile, "profile.toml")
    content = profile.read_bytes()
    try:
        profile.write_bytes(content + b"#")
        matching_profile.cache_clear()  # a command is a process of its own
        assert "changed since the batch was imported" in refusal(opened, capfd)
    finally:
        profile.write_bytes(content)


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("who", ["quin", "carl", "root"])
def test_by_somebody_without_the_role(opened: LivePlant, capfd: pytest.CaptureFixture[str], who: str) -> None:
    assert "running a batch needs operator or supervisor" in refusal(opened, capfd, people=who)


@pytest.mark.requirement("R3")
@pytest.mark.requirement("R4")
def test_before_two_people_approved_and_opened_it(plant: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    terms = ["--customer", "C", "--profile", plant.profile, "--quantity", "9", "--sender", CUSTOMER_KEY]
    assert plant.desk("sven", "order", "create", "PO-1", *terms) == 0
    assert plant.desk("otto quin", "order", "approve", "PO-1") == 0
    plant.take_order()
    assert "is DRAFT" in refusal(plant, capfd)
    assert plant.desk("otto quin", "approve", "batch", "lot") == 4
    assert "profile gp-live" in capfd.readouterr().err
    assert plant.desk("arne", "approve", "profile", plant.profile, "--propose") == 0
    assert plant.desk("otto", "approve", "profile", plant.profile) == 4
    assert plant.desk("otto quin", "approve", "profile", plant.profile) == 0
    assert plant.desk("otto", "approve", "batch", "lot") == 4
    assert plant.desk("otto quin", "approve", "batch", "lot") == 0
    assert plant.desk("sven", "batch", "open", "lot") == 4
    assert "is APPROVED" in refusal(plant, capfd)


@pytest.mark.requirement("P1")
@pytest.mark.requirement("R4")
def test_no_live_card_is_made_outside_of_a_batch(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["personalize", opened.profile, "--order", opened.order, "--record", "1"]
    assert opened.alone(*words, "--reader", f"virtual:{opened.image}", "--yes", keys=PHRASE) == 4
    assert "a LIVE card is made in an approved batch (batch run), never alone" in capfd.readouterr().err


@pytest.mark.requirement("K3")
@pytest.mark.parametrize("verb", ["personalize", "verify", "plan"])
def test_a_test_card_takes_no_live_keys(opened: LivePlant, capfd: pytest.CaptureFixture[str], verb: str) -> None:
    reader = [] if verb == "plan" else ["--reader", "virtual:gp-scp03"]
    assert opened.alone(verb, "gp/gp-test", "--order", opened.order, "--record", "1", *reader, keys=PHRASE) == 4
    assert "a TEST profile, its key store is LIVE" in capfd.readouterr().err


def test_a_live_card_is_planned_with_its_keys(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert opened.alone("plan", opened.profile, "--order", opened.order, "--record", "1", "--json", keys=PHRASE) == 0
    assert json.loads(capfd.readouterr().out)["profile"]["name"] == "gp-live"


@pytest.mark.parametrize("url", ["test", "sql:keys"])
def test_with_a_key_store_of_another_form(opened: LivePlant, capfd: pytest.CaptureFixture[str], url: str) -> None:
    opened.keys_url = url
    assert f"key store '{url}': expected file:PATH or pkcs11:" in refusal(opened, capfd)


@pytest.mark.requirement("R1")
@pytest.mark.requirement("R4")
def test_prepared_values_are_for_people_of_the_line(opened: LivePlant) -> None:
    profile = load_profile(opened.profile)
    with KeySource(opened.keys_url, (PHRASE_SECRET,)).open() as keys:
        record = read_order(profile, opened.order, keys).records[0]
    for name, error in (("olga", None), ("quin", TwoPersonsError), ("sven", LoginError)):
        with open_store(STORE, operator=name) as store:
            if error is not LoginError:
                accounts.log_in(store, name, Secret(password(name).encode(), name))
            with nullcontext() if error is None else pytest.raises(error):
                assert kept_values(store, profile, record) is None


def test_a_verification_with_the_store_is_by_somebody_who_logs_in(
    opened: LivePlant, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["verify", opened.profile, "--order", opened.order, "--record", "1", "--reader", f"virtual:{opened.image}"]
    capfd.readouterr()
    with piped(["not the password"]) as logins:
        store = ["--store", STORE, "--operator", "olga", "--login-fd", str(logins)]
        assert opened.alone(*words, *store, keys=PHRASE) == 4
    assert "login: unknown name or wrong password" in capfd.readouterr().err


def test_a_test_card_takes_its_keys_from_a_test_store(opened: LivePlant, capfd: pytest.CaptureFixture[str]) -> None:
    profile = load_profile("gp/gp-test")
    assert profile.test_keys is not None
    with FileKeyStore.create(Path("test.keys"), "TEST", PHRASE_SECRET) as store:
        for name, key in tomllib.loads(profile.test_keys.read_text("utf-8"))["test"].items():
            store.import_key(
                NewKey(f"test:{name}", key["algorithm"], Usage(key["usage"])), bytearray.fromhex(key["hex"])
            )
    opened.keys_url = "file:test.keys"
    words = ["personalize", "gp/gp-test", "--order", str(profile.path.parent / "order.csv"), "--record", "1"]
    capfd.readouterr()
    assert opened.alone(*words, "--reader", "virtual:gp-scp03", "--yes", "--json", keys=PHRASE) == 0
    assert json.loads(capfd.readouterr().out)["verdict"] == "GOOD"


@pytest.mark.requirement("L3")
@pytest.mark.parametrize(
    ("people", "more", "code", "said"),
    [
        ("otto sven", [], 2, "--recipient and --signer say who may read it"),
        ("olga sven", ["--recipient", "A" * 40, "--signer", "B" * 40], 4, "unlocking a trace needs security-officer"),
    ],
)
def test_a_live_trace_without_masks_needs_its_people_and_a_reader(
    opened: LivePlant, capfd: pytest.CaptureFixture[str], people: str, more: list[str], code: int, said: str
) -> None:
    words = ["trace", opened.profile, "--order", opened.order, "--record", "1", "--out", "card.trace", "--unmasked"]
    capfd.readouterr()
    assert opened.desk(people, *words, "--reader", f"virtual:{opened.image}", *more, keys=PHRASE) == code
    assert said in capfd.readouterr().err
    assert not Path("card.trace").exists()
