"""Calypso cards as cardkit sees them: looked at and proven; making them takes a SAM."""

from __future__ import annotations

from cardkit.apps.calypso import dump
from cardkit.apps.lookedat import LookedAt

APP = LookedAt("calypso", dump, "Calypso cards are looked at and proven; no profile makes one, that takes a SAM")
