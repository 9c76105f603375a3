"""``users``, ``roles``, ``approve``, and the people behind every step: accounts that log in with each command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cardkit.cli.app import run
from cardkit.crypto import passphrase
from cardkit.production import open_store
from tests.unit.cli.conftest import ORDER, PROFILE

STORE = ["--store", "sqlite:///plant.db"]
Call = Callable[..., tuple[int, str, str]]


def password(name: str) -> str:
    return f"the password of {name}"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passphrase.COSTS, "argon2id", {"m_kib": 32, "t": 1, "p": 4})


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run a verb as the first of some people; each types the own password, on a pipe."""

    def typed(people: str, *words: str, then: tuple[str, ...] = (), known: bool = True) -> tuple[int, str, str]:
        names = people.split()
        lines = [*(password(name) for name in names if known), *then]
        ours, theirs = os.pipe()
        os.write(theirs, "".join(f"{line}\n" for line in lines).encode())
        os.close(theirs)
        by = [word for name in names[1:] for word in ("--by", name)]
        try:
            code = run([*words, *STORE, "--operator", names[0], *by, "--login-fd", str(ours)])
        finally:
            os.close(ours)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return typed


@pytest.fixture
def plant(call: Call) -> Call:
    """A LIVE store with people."""
    first = ("users", "add", "root", "--role", "administrator", "--live")
    assert call("root", *first, then=(password("root"),), known=False)[0] == 0
    for name, role in (("otto", "security-officer"), ("quin", "qa"), ("arne", "author"), ("sven", "supervisor")):
        code, _, err = call("root", "users", "add", name, "--role", role, then=(password(name),))
        assert (code, err) == (0, f"account {name}: {role}\n")
    return call


def kinds() -> list[str]:
    with open_store("sqlite:///plant.db", operator="x") as store:
        return [str(link.kind) for link in store.audit_events("office")]


@pytest.mark.requirement("R1")
def test_people_log_in_with_every_command(plant: Call) -> None:
    code, out, _ = plant("sven", "users", "list", "--json")
    assert code == 0
    assert {one["name"]: one["roles"] for one in json.loads(out)} == {
        "arne": ["author"], "otto": ["security-officer"], "quin": ["qa"], "root": ["administrator"],
        "sven": ["supervisor"],
    }  # fmt: skip
    assert kinds()[-2:] == ["LOGIN", "LOGOUT"]
    code, out, err = plant("sven", "users", "list", then=("wrong password",), known=False)
    assert (code, out, err) == (4, "", "error: login: unknown name or wrong password\n")


@pytest.mark.requirement("R1")
def test_an_account_locked_by_wrong_passwords_is_unlocked_by_an_administrator(plant: Call) -> None:
    for _ in range(6):
        plant("sven", "users", "list", then=("wrong password",), known=False)
    code, _, err = plant("sven", "users", "list")
    assert (code, "the account is locked" in err) == (4, True)
    assert plant("root", "users", "unlock", "sven")[0] == 0
    assert plant("sven", "users", "list")[0] == 0
    assert plant("root", "users", "lock", "sven")[0] == 0
    assert plant("sven", "users", "list")[0] == 4


def test_passwords_and_roles_change(plant: Call) -> None:
    assert plant("sven", "users", "password", "sven", then=("another password",))[0] == 0
    assert plant("sven", "users", "list")[0] == 4
    assert plant("root", "users", "password", "sven", then=(password("sven"),))[0] == 0
    assert plant("root", "users", "roles", "sven", "--role", "operator", "--role", "qa")[0] == 0
    assert "operator, qa" in plant("sven", "users", "list")[1]
    code, _, err = plant("sven", "users", "roles", "sven", "--role", "administrator")
    assert (code, "changing accounts needs administrator" in err) == (4, True)


def test_no_password_is_ever_an_argument_or_printed(plant: Call) -> None:
    for verb in ("add", "password"):
        assert run(["users", verb, "x", "--password", "y", *STORE]) == 2
    said = plant("sven", "users", "list")
    assert password("sven") not in "".join(map(str, said))
    assert password("sven").encode() not in Path("plant.db").read_bytes()


@pytest.mark.requirement("R3")
@pytest.mark.requirement("R4")
def test_a_profile_is_proposed_by_one_and_approved_by_two_others(plant: Call) -> None:
    approve = ("approve", "profile", PROFILE, "--template", "sim-out-csv")
    code, _, err = plant("otto quin", *approve)
    assert (code, "nobody proposed this content" in err) == (4, True)
    assert plant("arne", *approve, "--propose")[0] == 0
    code, _, err = plant("otto", *approve)
    assert (code, "an approval needs security-officer and qa" in err) == (4, True)
    assert plant("otto quin", *approve)[0] == 0
    found = json.loads(plant("otto", "approve", "list", "--json")[1])
    assert {(one["name"], one["author"], tuple(one["approvers"])) for one in found} == {
        ("usim-test", "arne", ("otto", "quin")),
        ("usim-test/sim-out-csv", "arne", ("otto", "quin")),
    }


@pytest.mark.requirement("R3")
def test_an_order_is_approved_by_others_than_its_author(call: Call) -> None:
    made = ("order", "create", "O-1", "--customer", "acme", "--profile", PROFILE, "--quantity", "10")
    assert call("ana", *made, known=False)[0] == 0
    code, _, err = call("ana", "approve", "order", "O-1", known=False)
    assert (code, "ana is its author and cannot approve it" in err) == (4, True)
    assert call("bek", "approve", "order", "O-1", known=False)[0] == 0


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("words", [("batch", "run", "B-1", "--reader", "virtual:usim"), ("batch", "close", "B-1")])
def test_a_live_store_takes_no_step_without_a_login(plant: Call, words: tuple[str, ...]) -> None:
    code, _, err = plant("nobody", *words)
    assert (code, err) == (4, "error: login: unknown name or wrong password\n")


@pytest.mark.requirement("K3")
def test_a_live_store_takes_no_test_profile(plant: Call) -> None:
    code, _, err = plant("sven", "batch", "import", PROFILE, ORDER)
    assert (code, "a TEST profile, the store is LIVE" in err) == (4, True)


@pytest.mark.requirement("K3")
def test_a_live_verb_does_not_open_a_test_store(plant: Call) -> None:
    run(["batch", "import", PROFILE, ORDER, "--store", "sqlite:///test.db", "--operator", "ana"])
    words = ["users", "add", "root", "--role", "administrator", "--live", "--store", "sqlite:///test.db"]
    assert run(words) == 4


def test_two_people_approve_and_open_a_batch_of_a_test_store_by_name(
    call: Call, capfd: pytest.CaptureFixture[str]
) -> None:
    run(["batch", "import", PROFILE, ORDER, "--name", "B-1", *STORE, "--operator", "ana"])
    with open_store("sqlite:///plant.db", operator="ana") as store, store.writing() as connection:
        connection.execute(text("update batch set state = 'DRAFT'"))
    assert call("ana", "batch", "open", "B-1", known=False)[0] == 4
    assert call("ana bek", "approve", "batch", "B-1", known=False)[0] == 0
    assert call("ana bek", "batch", "open", "B-1", known=False)[0] == 0
    assert "OPEN" in call("ana", "batch", "status", "B-1", known=False)[1]


def test_roles_are_listed_with_the_steps_that_need_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["roles", "list"]) == 0
    assert "scrapping a card" in capfd.readouterr().out
    assert run(["roles", "list", "--json"]) == 0
    steps = json.loads(capfd.readouterr().out)["steps"]
    assert steps["LOST"] == [["security-officer"], ["supervisor"]]
    assert steps["KEY_IMPORT"] == [["custodian"], ["custodian"], ["security-officer"]]
