"""``cardkit doctor``: what works on this station, what is missing, and how to get it.

Every check only reads. Cards are touched when a reader is named, and then with harmless commands.
"""

from __future__ import annotations

from cardkit.doctor.check import Check, Verdict
from cardkit.doctor.run import run
from cardkit.doctor.station import Station

__all__ = ["Check", "Station", "Verdict", "run"]
