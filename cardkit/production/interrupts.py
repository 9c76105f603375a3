"""An interrupt that is heard where it can be obeyed: Python raises it between any two steps, also half-way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def first_interrupt(told: Callable[[], None]) -> Iterator[None]:
    """Have the first interrupt of a block told; a second one is raised as KeyboardInterrupt, as usual.

    Where another program took the signal, or outside the main thread, nothing changes.

    :param told: called between two steps of whatever runs: it may only leave word, such as in a SimpleQueue.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return

    def tell(*_: object) -> None:
        signal.signal(signal.SIGINT, usual)
        told()

    signal.signal(signal.SIGINT, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
