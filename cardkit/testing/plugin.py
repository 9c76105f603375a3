"""The pytest plugin: virtual cards as fixtures, faults as marks.

pytest loads this module in every run of an environment that has cardkit, so it imports nothing but pytest; cards,
readers and hypothesis are imported by the fixture or test that asks for them.
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", "card_fault(name, *arguments, **options): the virtual cards misbehave")
