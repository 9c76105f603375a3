"""How many bytes it takes to make a passport: at most a tenth more than what its contents need by themselves."""

from __future__ import annotations

import shutil
from math import ceil

import pytest

from cardkit.desired import Part
from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card

from .conftest import PROFILES, Job, Told, document_in, inserted

DG2_BYTES = 20_480
# A command under SCP03 with C-MAC and C-DEC carries 239 bytes of contents; its answer is status word and R-MAC.
PLAIN_BYTES, HEADER_BYTES, MAC_BYTES, BLOCK_BYTES, ANSWER_BYTES = 239, 5, 8, 16, 2 + 8
MOST = 1.10


def least(size):
    """Return the bytes both ways that contents of a size take, in the fewest commands."""
    whole, rest = divmod(size, PLAIN_BYTES)
    ciphered = whole * (PLAIN_BYTES + 1) + (ceil((rest + 1) / BLOCK_BYTES) * BLOCK_BYTES if rest else 0)
    return ciphered + ceil(size / PLAIN_BYTES) * (HEADER_BYTES + MAC_BYTES + ANSWER_BYTES)


@pytest.fixture(params=["emrtd-td3", "residence-permit-td1"])
def long(request, tmp_path):
    """A product whose DG2 has 20 KB."""
    folder = tmp_path / request.param
    shutil.copytree(PROFILES / request.param, folder)
    for name in ("face-1.jpg", "face-2.jpg"):
        face = (folder / name).read_bytes()
        (folder / name).write_bytes(face[:-2] + bytes(DG2_BYTES - 100 - len(face)) + face[-2:])
    return Job(folder)


def test_a_passport_of_20_kb_takes_a_tenth_more_than_its_contents_at_most(long):
    todo = long.plan()
    document = document_in(todo)
    assert abs(len(document.files["EF.DG2"]) - DG2_BYTES) < 200
    chip = Sized(make_card(long.image, seed=1))
    outcome = personalize(todo, inserted(chip), long.keystore)
    assert outcome.verdict is Verdict.GOOD
    parts = todo.blueprint.parts
    first = len(parts[Part.FENCE])
    written = chip.sizes[first : first + len(parts[Part.WRITE])]
    minimum = sum(least(len(body)) for body in document.files.values())
    assert sum(written) <= MOST * minimum, f"{sum(written)} bytes, the contents need {minimum}"


class Sized(Told):
    """A chip that notes how many bytes go each way, command by command."""

    def __init__(self, chip):
        super().__init__(chip)
        self.sizes = []

    def transmit(self, command):
        answer = super().transmit(command)
        self.sizes.append(len(command) + len(answer))
        return answer
