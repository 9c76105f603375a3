"""The power is cut at every command of a GlobalPlatform card's run, before it runs and before its answer arrives."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.tags import StatusKind
from cardkit.perso import Verdict, personalize
from cardkit.virtual import make_card
from tests.hostile.tearing import LOSSES, Job, inserted


def shown(job: Job, chip) -> Iterator[str]:
    """Yield all a finished card tells but its counters."""
    product = job.plan.blueprint.product
    card = inserted(chip)
    domain = SecurityDomain.select(card.channel)
    yield from ((domain.find_data(tag) or b"").hex() for tag in (0x9F7F, 0xE0, 0x66, 0x42, 0x45, 0xFF21))
    domain.open(job.keystore, product.main.spec, product.level, host_challenge=bytes(16), parameters=product.parameters)
    for kind in (StatusKind.ISD, StatusKind.APPLICATIONS, StatusKind.MODULES):
        yield from sorted(entry.encode().hex() for entry in domain.status(kind))
    for aid in (item.aid for item in (*product.domains, *product.applications)):
        other = SecurityDomain.select(card.channel, aid)
        yield from ((other.find_data(tag) or b"").hex() for tag in (0xE0, 0x42, 0x45, 0x0101, 0x0102, 0x8001))


@pytest.mark.parametrize(("name", "image"), [("gp-test", "gp-scp03"), ("gp-test-scp02", "gp-scp02")])
def test_whenever_the_power_goes_the_card_ends_the_same(name, image):
    job = Job.of(f"gp/{name}", lambda: make_card(image, seed=1))
    whole = job.fresh()
    assert personalize(job.plan, inserted(whole), job.keystore).verdict is Verdict.GOOD
    good = list(shown(job, whole))
    for at in range(1, job.count + 1):
        for lost in LOSSES:
            chip = job.fresh()
            _, sent = job.tear(chip, at, lost)
            assert sent == at
            outcome = personalize(job.plan, inserted(chip), job.keystore, resume=True)
            assert outcome.verdict is Verdict.GOOD, (at, lost, outcome.reject)
            assert list(shown(job, chip)) == good, (at, lost)
