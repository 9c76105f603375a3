"""Settings of all tests: CI tries the same examples each time, people and long runs try new ones.

A slow machine is no failure: speed is measured in tests/bench, not by a deadline of an example.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

EXAMPLES = 50  # of a property that names no number of its own
PATIENT = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("people", PATIENT)
settings.register_profile("ci", PATIENT, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")
