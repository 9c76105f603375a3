"""The readers the service lists, and who holds them. Nothing is connected."""

from __future__ import annotations

import re
from collections import Counter

from cardkit.doctor.check import Seen, ok, together, warn
from cardkit.doctor.deadline import within
from cardkit.doctor.station import Station
from cardkit.transport.pcsc_context import Context
from cardkit.transport.presence import ReaderState, StateFlag, look

_TIMEOUT_S = 5.0
_MANY = 12
_LIMIT = 16  # PCSCLITE_MAX_READERS_CONTEXTS
_INDEX_AND_SLOT = re.compile(r"(?P<model>.*) (?P<index>[0-9A-F]{2}) (?P<slot>[0-9A-F]{2})")


def names(_: Station) -> Seen:
    """Count the readers, and look for names that do not tell them apart.

    :raises TransportError: when the service does not list them.
    """
    listed = within(_TIMEOUT_S, _listed, "list")
    return judge_names(listed)


def judge_names(listed: list[str]) -> Seen:
    """Judge a list of reader names."""
    if not listed:
        return warn("the service lists no reader", "plug a reader in; if it stays hidden, look for its driver")
    looks = [ok(f"{len(listed)}: {', '.join(listed)}"), *_counted(len(listed))]
    twins = _twins(listed)
    if twins:
        looks.append(
            warn(
                f"readers that only their order tells apart: {', '.join(twins)}",
                "use readers with a serial number, or find each slot with a marker card",
            )
        )
    foreign = [name for name in listed if not name.isascii()]
    if foreign:
        looks.append(warn(f"names that are not ASCII: {foreign!a}", "rename them in pcscd's configuration"))
    return together(*looks)


def _counted(count: int) -> list[Seen]:
    if count >= _LIMIT:
        return [warn(f"{count} readers, the limit is reached: more may be hidden", "use a second host for the others")]
    if count > _MANY:
        return [warn(f"{count} readers, and the limit is {_LIMIT}", "plan a second host")]
    return []


def _twins(listed: list[str]) -> list[str]:
    """Names given twice, and models without a serial number that are plugged in twice."""
    matches = [_INDEX_AND_SLOT.fullmatch(name) for name in listed]
    units = {(match["model"], match["index"]) for match in matches if match}
    models = Counter(model for model, _ in units)
    same = [name for name, times in Counter(listed).items() if times > 1]
    return sorted({*same, *(f"{model} ({times} times)" for model, times in models.items() if times > 1)})


def holders(_: Station) -> Seen:
    """Look for readers whose card another program holds, and for mute cards.

    :raises TransportError: when the service does not say.
    """
    return judge_states(within(_TIMEOUT_S, _states, "status"))


def judge_states(states: list[ReaderState]) -> Seen:
    """Judge the states of the readers."""
    held = [state for state in states if state.flags & (StateFlag.EXCLUSIVE | StateFlag.IN_USE)]
    mute = [state for state in states if state.flags & StateFlag.MUTE]
    cards = sum(state.present for state in states)
    looks = [ok(f"no reader is held by another program; cards in {cards} of {len(states)}")]
    for state in held:
        how = "exclusively" if state.flags & StateFlag.EXCLUSIVE else "together with others"
        looks.append(
            warn(
                f"{state.name}: another program uses its card {how}",
                "stop it; usual ones are gpg's scdaemon, browsers, pcsc_scan",
            )
        )
    looks.extend(
        warn(f"{state.name}: its card is mute", "take the card out, clean it, put it in again") for state in mute
    )
    return together(*looks)


def _listed() -> list[str]:
    with Context() as context:
        return context.readers()


def _states() -> list[ReaderState]:
    """The states of readers with ASCII names: pyscard cannot ask for others."""
    with Context() as context:
        return [look(context, name) for name in context.readers() if name.isascii()]
