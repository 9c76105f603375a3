"""What the rules look at: the product, what one card shall hold, and what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cardkit.apps.desfire.states.contents import with_uid
from cardkit.apps.desfire.states.plan import DesfirePlan
from cardkit.apps.desfire.states.product import DesfireProduct, FileSpec
from cardkit.apps.desfire.states.seen import NOTE, SeenDesfire
from cardkit.crypto.secret import joined
from cardkit.desired import NOT_CHECKED, Content, Finding, Observations, Part, Rule, Secrecy, Step


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one check.

    :param part: CHECK before sealing, STRANGER after it, None for a survey.
    """

    product: DesfireProduct
    plan: DesfirePlan
    contents: Mapping[str, Content]
    seen: Observations
    part: Part | None

    @property
    def notes(self) -> SeenDesfire:
        """What the card showed beside contents."""
        notes: SeenDesfire = self.seen.notes[NOTE]
        return notes

    @property
    def of_applications(self) -> bool:
        """Whether the applications were looked at."""
        return self.part is not Part.STRANGER

    @property
    def of_card(self) -> bool:
        """Whether the card's own level was looked at: it is set by the seal."""
        return self.part is not Part.CHECK

    @property
    def steps(self) -> tuple[Step, ...]:
        """The commands of this check."""
        return self.plan.survey if self.part is None else self.plan.parts[self.part]

    def content(self, file: FileSpec, state: str) -> bytes:
        """Return what a file shall hold, the card's UID in it."""
        return with_uid(joined(self.contents[state]), file.fields, self.notes.identified)

    def missing(self, rule: Rule, where: str, expected: str) -> Finding:
        """Return the finding of a rule whose evidence is not there: why, where somebody knows."""
        reason = self.notes.troubles.get(where, NOT_CHECKED)
        return rule.finding(where, expected, reason, secrecy=Secrecy.PUBLIC)


def public(rule: Rule, where: str, expected: str, actual: str) -> Finding:
    """Return a finding that quotes nothing secret or personal."""
    return rule.finding(where, expected, actual, secrecy=Secrecy.PUBLIC)
