"""How long an answer takes: from the service, and from a card."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from cardkit.doctor.check import Seen, fail, ok, warn
from cardkit.doctor.deadline import within
from cardkit.doctor.station import Station
from cardkit.transport.pcsc_context import Context

ROUNDS = 100
_SLOW_US = 200.0
_BROKEN_US = 1_000.0
_TIMEOUT_S = 10.0
# Debian 12, 2 cores, pcscd 1.9.9: the service alone, and with a virtual card behind it.
SERVICE_REFERENCE_US = 27
CARD_REFERENCE_US = 37


def service(_: Station) -> Seen:
    """Time 100 questions to the service; no card takes part.

    :raises TransportError: when it does not answer.
    """
    p50_us = within(_TIMEOUT_S, _service_us, "list")
    about = f"the service answers in {p50_us:.0f} us (p50 of {ROUNDS}; reference {SERVICE_REFERENCE_US} us)"
    return judge(p50_us, about, "this machine is busy or throttled: stop other programs")


def _service_us() -> float:
    with Context() as context:
        return median_us(context.readers)


def median_us(call: Callable[[], object]) -> float:
    """Return the median time of 100 calls in microseconds."""
    clock = time.perf_counter
    times = []
    for _ in range(ROUNDS):
        start = clock()
        call()
        times.append(clock() - start)
    return statistics.median(times) * 1e6


def judge(p50_us: float, about: str, remedy: str) -> Seen:
    """Judge a time with no card's work in it: over 200 us is slow, over 1 ms broken."""
    if p50_us > _BROKEN_US:
        return fail(about, remedy)
    return warn(about, remedy) if p50_us > _SLOW_US else ok(about)
