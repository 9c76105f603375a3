"""What is approved is exactly one content: a byte more, and it is not (R3)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from cardkit.errors import IllegalStepError, TwoPersonsError
from cardkit.production.people.approval import Kind, Subject, approvals, approve, propose, require_approved
from cardkit.production.store import Office, Store
from cardkit.production.store.schema import BatchState
from cardkit.profile import load_profile
from tests.unit.people.conftest import BATCH, audited, batch_of
from tests.unit.people.test_two_persons import PROFILE, approve_profile

ROOT = Path(__file__).parents[3] / "profiles"


def refuse(store: Store, subject: Subject) -> None:
    with store.reading() as connection, pytest.raises(IllegalStepError, match="not approved with this content"):
        require_approved(connection, subject)


@pytest.mark.requirement("R3")
def test_an_author_cannot_approve_the_own_profile(live: Callable[..., Store]) -> None:
    propose(live("arne"), PROFILE)
    with pytest.raises(TwoPersonsError, match="arne is its author"):
        approve(live("otto", "arne"), PROFILE, ("otto", "arne"))
    refuse(live("otto"), PROFILE)
    agreed = approve(live("otto", "quin"), PROFILE, ("otto", "quin"))
    assert (agreed.author, agreed.approvers) == ("arne", ("otto", "quin"))


@pytest.mark.requirement("R3")
def test_who_may_propose_and_approve(live: Callable[..., Store]) -> None:
    with pytest.raises(TwoPersonsError, match="proposing a profile needs author"):
        propose(live("sven"), PROFILE)
    with pytest.raises(IllegalStepError, match="nobody proposed this content"):
        approve(live("otto", "quin"), PROFILE, ("otto", "quin"))
    propose(live("arne"), PROFILE)
    with pytest.raises(IllegalStepError, match="proposed before"):
        propose(live("arne"), PROFILE)
    for by in (("otto",), ("otto", "otto"), ("sven", "olga"), ("otto", "sven")):
        with pytest.raises(TwoPersonsError, match="an approval needs security-officer and qa"):
            approve(live(*dict.fromkeys(by)), PROFILE, by)
    approve(live("otto", "quin"), PROFILE, ("otto", "quin"))
    with pytest.raises(IllegalStepError, match="approved already, by otto and quin"):
        approve(live("otto", "quin"), PROFILE, ("otto", "quin"))


def copied_profile(folder: Path) -> Path:
    shutil.copytree(ROOT / "sim/usim-test", folder / "profiles/sim/usim-test")
    for part in ("chips", "layouts"):
        shutil.copytree(ROOT / part, folder / "profiles" / part)
    return folder / "profiles"


@pytest.mark.requirement("R3")
@pytest.mark.parametrize("file", ["sim/usim-test/profile.toml", "chips/virtual-usim.toml"])
def test_one_byte_more_voids_an_approval(file: str, tmp_path: Path, live: Callable[..., Store]) -> None:
    root = copied_profile(tmp_path)
    folder = root / "sim/usim-test"
    before = load_profile(folder)
    subject = Subject(Kind.PROFILE, before.name, before.sha256)
    propose(live("arne"), subject)
    approve(live("otto", "quin"), subject, ("otto", "quin"))
    store = live("otto")
    with store.reading() as connection:
        require_approved(connection, subject)
    with (root / file).open("ab") as stream:
        stream.write(b"\n")
    after = load_profile(folder)
    refuse(store, Subject(Kind.PROFILE, after.name, after.sha256))


@pytest.mark.requirement("R3")
def test_a_batch_of_a_profile_that_is_not_approved_is_refused(live: Callable[..., Store]) -> None:
    batch_of(live("sven"))
    store = live("otto", "quin")
    with pytest.raises(IllegalStepError, match=r"profile usim .* not approved with this content"):
        Office(store, store.batch(BATCH), ("otto", "quin")).approve()
    assert store.batch(BATCH).state is BatchState.DRAFT
    approve_profile(live)
    store = live("otto", "quin")
    Office(store, store.batch(BATCH), ("otto", "quin")).approve()
    assert store.batch(BATCH).state is BatchState.APPROVED
    assert audited(store)[-3:] == ["PROPOSE", "APPROVAL", "APPROVE"]


@pytest.mark.requirement("R3")
@pytest.mark.parametrize(
    "change",
    ["profile_sha256 = x'AA'", "keyset_sha256 = x'BB'", "source_sha256 = x'CC'", "rows = 4", "remake = 'never'"],
)
def test_a_batch_that_was_changed_after_its_approval_does_not_open(live: Callable[..., Store], change: str) -> None:
    batch_of(live("sven"))
    approve_profile(live)
    store = live("otto", "quin")
    Office(store, store.batch(BATCH), ("otto", "quin")).approve()
    with store.writing() as connection:
        connection.execute(text(f"update batch set {change}"))
    store = live("sven", "olga")
    with pytest.raises(IllegalStepError, match="not approved with this content"):
        Office(store, store.batch(BATCH), ("sven", "olga")).open()
    assert store.batch(BATCH).state is BatchState.APPROVED


def test_approvals_are_listed(live: Callable[..., Store]) -> None:
    propose(live("arne"), PROFILE)
    other = Subject(Kind.PROFILE, "usim/out", b"\x22" * 32)
    propose(live("arne"), other)
    approve_store = live("otto", "quin")
    approve(approve_store, other, ("otto", "quin"))
    assert {(str(one.subject), one.approvers) for one in approvals(approve_store)} == {
        ("profile usim (1111111111111111)", ()),
        ("profile usim/out (2222222222222222)", ("otto", "quin")),
    }
