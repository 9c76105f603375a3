"""What a DESFire card showed against what was planned for it: every rule that applies to this stretch of commands."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.desfire.rules.card import check_card
from cardkit.apps.desfire.rules.evidence import Evidence
from cardkit.apps.desfire.rules.files import check_files
from cardkit.apps.desfire.rules.keys import check_keys
from cardkit.apps.desfire.rules.samples import check_samples
from cardkit.apps.desfire.states.plan import DesfirePlan
from cardkit.apps.desfire.states.product import DesfireProduct
from cardkit.desired import Content, Finding, Observations, Part


def judge(
    product: DesfireProduct, plan: DesfirePlan, contents: Mapping[str, Content], seen: Observations, part: Part | None
) -> list[Finding]:
    """Apply the rules.  :param part: CHECK before sealing, STRANGER after it, None for a survey."""
    evidence = Evidence(product, plan, contents, seen, part)
    return [*check_keys(evidence), *check_card(evidence), *check_files(evidence), *check_samples(evidence)]
