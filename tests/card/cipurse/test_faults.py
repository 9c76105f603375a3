"""The faults of all cards, on a transport card: each shows, none breaks it, and the memory is what the judge sees."""

import contextlib

import pytest

from cardkit.virtual import ImageError, make_card
from cardkit.virtual.faults import catalogue

from .terminal import ENC, MAC, Bench

OF_FILES = {"selects-another", "one-try-left", "other-key", "sqn-far-ahead"}
NO_OCCASION = {"wrong-res", "wrong-auts", "fcp-lies", "wrong-record", "card-swapped"}


def run(card):
    """An application made, written and read; how far it came."""
    card.atr()
    card.power(cold=True)
    bench = Bench(card).opened()
    assert bench(bench.adf(), ENC, MAC) == "9000"
    bench.reselect().opened(1, Bench.KEYS[0])
    assert bench(bench.ef(fd="11")) == "9000"
    for write in ("00D6810003" + "0A0B0C", "807E0000", "00D6810303" + "0D0E0F", "807E0000"):
        assert bench(write, ENC, MAC) == "9000"
    assert bench("00B0810006", MAC, ENC) == "0A0B0C0D0E0F9000"


@pytest.mark.parametrize("name", sorted(set(catalogue()) - OF_FILES - NO_OCCASION))
def test_every_fault_shows(name):
    card = catalogue()[name](make_card("cipurse", seed=1), seed=3, at=1 if name == "flipped-memory" else 4)
    with contextlib.suppress(AssertionError, TimeoutError, ValueError):
        run(card)
    assert card.fired


@pytest.mark.parametrize("name", sorted(NO_OCCASION))
def test_faults_without_an_occasion(name):
    run(catalogue()[name](make_card("cipurse", seed=1)))


@pytest.mark.parametrize("name", sorted(OF_FILES))
def test_faults_of_files_say_what_they_want(name):
    with pytest.raises(ImageError, match="expected a card with files, got image cipurse"):
        run(catalogue()[name](make_card("cipurse", seed=1)))


@pytest.mark.parametrize(("name", "answer"), [("dropped-write", "9000"), ("write-error", "6581")])
def test_lost_writes_are_in_the_memory_for_the_judge(name, answer):
    bench = Bench(catalogue()[name](make_card("cipurse", seed=1), at=6))
    bench.with_adf(bench.ef())
    assert bench.raw("00D6810001AA") == answer
    assert bench.card.fired == 1
    assert bench.card.memory()["data/5F00/0001"] == bytes(32)
    assert bench.ok("00D6810001AA") == ""
    assert bench.card.memory()["data/5F00/0001"][0] == 0xAA


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_application_that_could_not_be_written_is_not_selected(nth):
    bench = Bench(catalogue()["write-error"](make_card("cipurse", seed=1), at=nth))
    before = dict(bench.card.memory())
    assert bench.raw(bench.adf()) == "6581"
    assert {**dict(bench.card.memory()), "journal": b""} == {**before, "journal": b""}
    assert bench.ok("80CE000000").startswith("38003F00")
    bench.ok(bench.adf())


def test_a_transaction_that_could_not_be_written_is_over():
    card = make_card("cipurse", seed=1)
    bench = Bench(card).with_adf(*[Bench.ef(f"000{at}", fd="11", sfid=at) for at in (1, 2, 3)]).opened(1, Bench.KEYS[0])
    for at in (1, 2, 3):
        assert bench(f"00D68{at}0001AA") == "9000"
    before = dict(card.memory())
    bench.card = catalogue()["write-error"](card, at=3)
    assert bench("807E0000") == "6581"
    assert dict(card.memory()) == before
    assert bench("807E0000") == "9000"
    assert [bench(f"00B08{at}0001") for at in (1, 2, 3)] == ["009000"] * 3


def test_a_lost_structure_does_not_break_the_card():
    for nth in range(1, 9):
        bench = Bench(catalogue()["dropped-write"](make_card("cipurse", seed=1), at=nth))
        for command in (
            bench.adf(),
            bench.ef(),
            "80CE000000",
            "0084000016",
            "00A40000",
            "00A4040001D200",
            "80CE000000",
        ):
            assert len(bench.raw(command)) >= 4
        assert bench.raw("80FC000007436F6E6669724D") in ("9000", "6985")
