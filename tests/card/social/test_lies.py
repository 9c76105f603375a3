"""Every lie is told when there is an occasion, and only then."""

import copy

import pytest

from cardkit.virtual import ImageError, make_card
from cardkit.virtual.social.lies import social_lies

from .conftest import ADF, IDENTITY, ISD, PIN, TRANSPORT, VERIFY, Terminal

CPLC, UID = "80CA9F7F00", "FFCA000000"


@pytest.fixture
def lying(finished):
    def tell(name, **more):
        return Terminal(social_lies()[name](copy.deepcopy(finished.card), **more))

    return tell


def test_another_uid(lying):
    liar = lying("other-uid")
    serial = liar.card.serial
    assert liar.ok(UID) == f"05{serial[0] ^ 1:02X}{serial[1:].hex().upper()}"
    assert liar("FFCA000004") == "6C07"
    assert liar.card.fired == 1
    assert lying("other-uid", at=2).ok(UID) == f"05{serial.hex().upper()}", "the first occasion passes"


def test_a_selection_that_is_none(lying):
    liar = lying("selection-ignored")
    assert liar.select(IDENTITY).endswith(f"{liar.card.serial.hex().upper()}9000")
    assert liar.ok(CPLC)
    assert liar(VERIFY + PIN) == "6D00"
    assert liar.card.fired == 1


def test_a_neighbour_answers(lying):
    liar = lying("neighbour-answers")
    liar.ok("00A4080C0450150001", "00B0000000")
    liar.enter(ADF)
    assert liar.ok(CPLC)
    liar.ok(VERIFY + PIN)
    assert liar("00B2010C00") == "6981", "what is refused otherwise stays refused"
    assert liar.card.fired == 4


@pytest.mark.parametrize("name", social_lies())
def test_a_lie_is_for_a_social_card(name):
    with pytest.raises(ImageError, match="expected a social card, got image cipurse"):
        social_lies()[name](make_card("cipurse", seed=1))


@pytest.mark.parametrize("name", social_lies())
def test_what_the_chip_holds_stays_right(lying, finished, name):
    liar = lying(name)
    for aid in (ISD, IDENTITY, TRANSPORT, ADF):
        liar.select(aid)
        liar("00B0000000")
    assert liar.card.memory() == finished.card.memory()
