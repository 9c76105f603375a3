"""What a trace of this profile's cards may show."""

from __future__ import annotations

from cardkit.perso.planner import compiled
from cardkit.profile import Profile
from cardkit.transport.redact import Redactor, RuleRedactor


def redactor(profile: Profile) -> Redactor:
    """Return a redactor that follows SELECT: keys, PINs and personal files are masked, the rest is shown.

    :raises ProfileError: when the profile does not fit its chip.
    """
    return RuleRedactor(files=compiled(profile).file_classes())
