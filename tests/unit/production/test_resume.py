"""Cards presented after a crash: the decision table at work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cardkit.production.books import Verdict
from cardkit.production.couplers.messages import Seen

MakePlant = Callable[..., Any]


def doubtful(make_plant: MakePlant, *chips: str) -> Any:
    """A plant whose record 1 is in doubt on chip c1."""
    plant = make_plant(["c1"], records=1, c1="torn")
    plant.run()
    assert plant.states() == {1: "IN_DOUBT"}
    plant.world.script.clear()
    plant.world.waiting.extend(chips or ("c1",))
    return plant


def tag(plant: Any, token: int = 1) -> bytes:
    return bytes(plant.store.vault.batch("B-1").tag(1, token))


def test_a_started_card_is_finished(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "started", tag(plant))
    recovery = plant.recover()
    assert plant.states() == {1: "GOOD"}
    assert plant.world.resumed == ["c1"]
    assert recovery.tally[Verdict.GOOD] == 1
    plant.check()


def test_an_untouched_card_is_started_over(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "blank", None)
    plant.recover()
    assert plant.states() == {1: "GOOD"}
    plant.check()


@pytest.mark.parametrize(("proved", "state"), [(True, "GOOD"), (False, "REJECTED")])
def test_a_sealed_card_is_verified_not_written(make_plant: MakePlant, proved: bool, state: str) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "final", None)
    plant.world.proved["c1"] = proved
    before = list(plant.world.written["c1"])
    plant.recover()
    assert plant.states() == {1: state}
    assert plant.world.written["c1"] == before
    plant.check()


def test_a_foreign_marker_on_the_bound_chip_rejects_it_and_holds_the_batch(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "started", tag(plant, token=2))
    recovery = plant.recover()
    assert plant.states() == {1: "REJECTED"}
    assert recovery.stopped is not None
    assert recovery.stopped.scope == "batch"
    assert plant.store.batch("B-1").state == "HELD"
    plant.check()


def test_another_chip_with_a_marker_holds_the_batch(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant, "c9", "c1")
    plant.world.seen["c9"] = Seen("c9", "data", b"?" * 16)
    plant.recover()
    assert plant.states() == {1: "IN_DOUBT"}
    assert plant.store.batch("B-1").state == "HELD"


def test_another_blank_chip_is_given_back_and_the_right_one_taken(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant, "c9", "c1")
    plant.world.seen["c9"] = Seen("c9", "blank", None)
    plant.world.seen["c1"] = Seen("c1", "data", tag(plant))
    plant.recover()
    assert plant.states() == {1: "GOOD"}
    assert "c9" not in plant.world.written
    plant.check()


def test_a_card_torn_out_again_stays_in_doubt(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "started", tag(plant))
    plant.world.script["c1"] = "torn"
    plant.recover()
    assert plant.states() == {1: "IN_DOUBT"}
    plant.world.script.clear()
    plant.world.waiting.append("c1")
    plant.recover()
    assert plant.states() == {1: "GOOD"}
    plant.check()


def test_without_a_card_the_record_stays_in_doubt(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.waiting.clear()
    plant.recover()
    assert plant.states() == {1: "IN_DOUBT"}


def test_a_killed_resume_can_be_resumed(make_plant: MakePlant) -> None:
    plant = doubtful(make_plant)
    plant.world.seen["c1"] = Seen("c1", "started", tag(plant))
    plant.world.script["c1"] = "bug"
    plant.recover()
    assert plant.states() == {1: "IN_DOUBT"}
    plant.world.script.clear()
    plant.world.waiting.append("c1")
    plant.recover()
    assert plant.states() == {1: "GOOD"}
    plant.check()
