"""A DESFire card made through pcscd and vpcd, its native commands wrapped and as raw frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardkit.perso import Verdict, personalize, verify
from cardkit.target import open_card
from tests.interop.opensc import served
from tests.interop.stack import Stack
from tests.unit.desfire.conftest import told
from tests.unit.desfire.test_variants import Made

pytestmark = pytest.mark.interop


@pytest.mark.parametrize("framing", ["wrapped", "raw"])
@pytest.mark.parametrize("generation", ["ev1", "ev2"])
def test_a_card_is_made_and_verified(stack: Stack, tmp_path: Path, generation: str, framing: str) -> None:
    product = Made(tmp_path, generation, chip=f'framing = "{framing}"\n')
    with served(stack, product.image), open_card("pcsc:0") as card:
        outcome = personalize(product.plan(), card, product.keystore)
        assert (outcome.verdict, outcome.findings) == (Verdict.GOOD, ())
        report = verify(product.plan(), card, product.keystore, destructive=True)
        assert (report.verdict, told(report.findings)) == (Verdict.GOOD, ())
