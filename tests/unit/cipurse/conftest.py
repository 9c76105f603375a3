"""The transport card of the test profile on virtual chips: real profile, real order; and variants of it in a folder."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from cardkit.perso import Verdict, personalize, plan, prepare
from cardkit.profile import load_profile, read_order
from cardkit.target import Card
from cardkit.transport.loopback import LoopbackConnection
from cardkit.virtual import make_card

PROFILES = Path(__file__).parents[3] / "profiles"
PROFILE = PROFILES / "transport" / "cipurse-transit"
CHIP = PROFILES / "chips" / "virtual-cipurse.toml"


def seeded(seed):
    """Return a source of repeatable bytes."""
    counter = iter(range(1 << 30))
    return lambda size: hashlib.shake_128(f"{seed} {next(counter)}".encode()).digest(size)


class Job:
    """A profile with its keys and order.  :param image: of the virtual chips."""

    def __init__(self, folder=PROFILE, image="cipurse"):
        self.image = image
        self.profile = load_profile(folder)
        self.keystore = self.profile.test_keystore()
        order = read_order(self.profile, Path(folder) / "order.csv", self.keystore)
        assert not order.quarantined
        self.records = order.records

    def plan(self, row=1):
        record = self.records[row - 1]
        return plan(self.profile, record, prepare(self.profile, record, self.keystore, seeded("a")), self.keystore)

    def fresh(self, seed=1):
        return make_card(self.image, seed=seed)

    def made(self, seed=1):
        """Return a finished chip."""
        chip = self.fresh(seed)
        outcome = personalize(self.plan(), inserted(chip), self.keystore)
        assert (outcome.verdict, bad(outcome.findings)) == (Verdict.GOOD, set())
        return chip


def inserted(chip):
    """Put a chip into a reader."""
    return Card(LoopbackConnection(chip))


def bad(findings):
    """Return the rules that were broken."""
    return {finding.rule for finding in findings if not finding.not_checked}


@pytest.fixture(scope="session")
def job():
    return Job()


@pytest.fixture
def variant(tmp_path):
    """Give a maker of variants: texts of profile and chip file replaced, each of which must be there."""

    def made(*changes, image="cipurse", chip=()):
        folder = tmp_path / f"variant{len(list(tmp_path.iterdir()))}"
        shutil.copytree(PROFILE, folder)
        (folder / "chips").mkdir()
        for source, target, pairs in (
            (PROFILE / "profile.toml", folder / "profile.toml", changes),
            (CHIP, folder / "chips" / CHIP.name, chip),
        ):
            text = source.read_text(encoding="utf-8")
            for old, new in pairs:
                assert old in text, old
                text = text.replace(old, new)
            target.write_text(text, encoding="utf-8")
        return Job(folder, image)

    return made
