"""A terminal that looks finds out every lying card, and a card without its lie passes."""

import pytest

from cardkit.virtual.emv.lies import payment_lies

from .terminal import AAC, ARQC, RefusedError

FOUND = {
    "tag-repeated": "twice", "tag-omitted": "KeyError", "tag-in-two-records": "", "pan-differs": "",
    "record-missing": "6A83", "record-without-70": "KeyError", "record-with-more": "", "record-cut": "cut short",
    "afl-sfi-0": "6A86", "afl-last-before-first": "", "afl-5-bytes": "", "sdad-without-length": "",
    "sdad-of-other-key": "", "sdad-of-yesterday": "", "cda-order-swapped": "", "tc-for-aac": "", "atc-jumps": "",
    "iad-33-bytes": "", "nothing-but-9000": "KeyError", "61-for-ever": "",
}  # fmt: skip


def judge(terminal):
    """Everything a careful terminal looks at in two transactions; any exception is a finding."""
    for asked in (AAC, ARQC):
        terminal.select()
        terminal.initiate()
        assert len(terminal.afl) % 4 == 0
        assert all(
            entry[1] <= entry[2] for entry in (terminal.afl[at : at + 4] for at in range(0, len(terminal.afl), 4))
        )
        terminal.read()
        assert terminal.tags["5A"].hex() == terminal.tags["57"].hex().partition("d")[0]
        terminal.keys()
        first = terminal.dda("00000001")
        assert terminal.dda("00000002") != first
        fields = terminal.generate(asked, cda=True)
        assert "signed" in fields
        assert fields["9F27"][0] & 0xC0 <= asked
        assert fields["9F36"] == terminal.ok("80CA9F3600")[3:]
        assert len(fields["9F10"]) <= 32


class Bounded:
    """A card that ends the test when a terminal asks it for ever."""

    def __init__(self, card):
        self.card = card
        self.left = 200

    def transmit(self, command):
        self.left -= 1
        if not self.left:
            raise RefusedError("no end")
        return self.card.transmit(command)


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
def test_a_good_card_has_no_finding(issue, image):
    judge(issue(image=image))


@pytest.mark.parametrize("image", ["emv-cps", "emv-cps-t0"])
@pytest.mark.parametrize("name", payment_lies())
def test_every_lie_is_found(issue, name, image):
    terminal = issue(image=image)
    terminal.card = Bounded(payment_lies()[name](terminal.card))
    with pytest.raises(Exception) as found:  # noqa: PT011 - what it is is compared below
        judge(terminal)
    assert FOUND[name] in f"{type(found.value).__name__} {found.value}"
    assert isinstance(found.value, (AssertionError, KeyError, IndexError, RefusedError))


def test_a_lie_may_wait(issue):
    terminal = issue()
    terminal.card = payment_lies()["atc-jumps"](terminal.card, at=3)
    judge(terminal)
    with pytest.raises(AssertionError):
        judge(terminal)
    assert terminal.card.fired == 1
