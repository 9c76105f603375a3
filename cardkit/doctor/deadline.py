"""Calls into the PC/SC service cannot be cancelled: wait for one so long and no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from cardkit.errors import Executed, LinkTimeoutError

Result = TypeVar("Result")


def within(timeout_s: float, call: Callable[[], Result], what: str) -> Result:
    """Make a call and return its result, or give up on it: its thread is then left behind and ends with the process.

    :param what: the call in words.  :raises LinkTimeoutError: when the time is over.  What the call raises is raised.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if errors:
        raise errors[0]
    if not results:
        raise LinkTimeoutError(f"{what}: no answer within {timeout_s:g} s", operation=what, executed=Executed.UNKNOWN)
    return results[0]
