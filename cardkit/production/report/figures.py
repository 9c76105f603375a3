"""Figures as people read them, the same on every page of a report."""

from __future__ import annotations

from datetime import UTC, datetime

UNKNOWN = "\N{EN DASH}"


def percent(share: float | None) -> str:
    """Write a share of 1 in per cent, one digit after the point.

    >>> percent(0.9999), percent(1.0), percent(0.125)
    ('99.9', '100', '12.5')
    """
    if share is None:
        return UNKNOWN
    text = f"{share * 100:.1f}"
    # 99.96 % is not 100 %: one bad card in ten thousand must not vanish in rounding.
    return "99.9" if text == "100.0" and share < 1 else text.removesuffix(".0")


def number(count: int) -> str:
    """Write a count with its thousands apart."""
    return f"{count:,}"


def known(count: int | None) -> int | str:
    """Return a count, or what stands for one that nobody measured."""
    return UNKNOWN if count is None else count


def clock(moment: datetime) -> str:
    """Write a point in time, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(length_s: float) -> str:
    """Write how long something took.

    >>> duration(59.95), duration(61), duration(3725)
    ('1 min 00 s', '1 min 01 s', '1 h 02 min')
    """
    hours, rest = divmod(round(length_s), 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{length_s:.1f} s"


def seconds(time_s: float | None) -> str:
    """Write a card time."""
    return UNKNOWN if time_s is None else f"{time_s:.2f} s"
