"""The store against its model, at length: the quick tests run a few lives of it. `CARDKIT_CHAOS=long` is longer."""

from __future__ import annotations

import os

from hypothesis.stateful import run_state_machine_as_test

from tests.property.production.test_store_machine import StoreMachine, machine_settings

EXAMPLES = 1_000 if os.environ.get("CARDKIT_CHAOS") == "long" else 30


def test_store_and_model_agree_over_many_lives():
    run_state_machine_as_test(StoreMachine, settings=machine_settings(EXAMPLES))
