"""Calypso cards as cardkit sees them: looked at, proven and checked; making them takes a SAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardkit.apps.calypso import dump
from cardkit.apps.calypso.rules import RULES, findings
from cardkit.apps.lookedat import LookedAt
from cardkit.channel import Channel
from cardkit.desired import Finding


class CalypsoApp(LookedAt):
    """The application as the registry knows it."""

    rules = RULES

    def observe(self, channel: Channel, document: Mapping[str, Any], *, toolkit: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return nothing: the dump shows all that the rules ask for."""
        return {}

    def check(self, document: Mapping[str, Any], printed: str) -> list[Finding]:
        """Apply the rules to a dump.  :raises EncodingError: when it is none.

        :param printed: the serial number in print on the card, "" where nobody read it.
        """
        return findings(document[self.part], serial=printed.upper())


APP = CalypsoApp("calypso", dump, "Calypso cards are looked at and proven; no profile makes one, that takes a SAM")
