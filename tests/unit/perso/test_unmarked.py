"""A chip without a home for the plant's marker: what it says of itself is told from what a marker says."""

from __future__ import annotations

import pytest

from cardkit.desired import Unmarked
from cardkit.perso.identify import MarkerState, Presented, read_marker
from cardkit.perso.recovery import ChipSeen, MarkerSeen, decide


@pytest.mark.parametrize(
    ("marker", "state"),
    [
        (Unmarked.BLANK, MarkerState.BLANK),
        (Unmarked.BEGUN, MarkerState.BEGUN),
        (None, MarkerState.FINAL),
        (b"", MarkerState.FOREIGN),
        (b"begun", MarkerState.FOREIGN),
    ],
)
def test_only_a_chip_that_has_no_marker_at_all_is_begun(marker, state):
    assert read_marker("01", marker).state is state


def test_a_chip_without_marker_belongs_to_nobody_by_itself():
    assert not Presented("01", None, MarkerState.BEGUN).belongs_to(bytes(16))


def test_the_bound_chip_goes_on():
    assert decide(bound=True, chip=ChipSeen.SAME, marker=MarkerSeen.MATCH).state == "BOUND"
