"""Cards with one fault each, behind the same seam as a good card.

    card = catalogue()["dropped-write"](VirtualCard("usim"), seed)

Each fault counts in `fired` how often it showed. Judges compare what a client reports with `memory()`, never with
answers.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .faultbase import Fault
from .faults_answers import (
    EndlessMoreData,
    EndlessProactive,
    FcpLies,
    FlippedAnswerBit,
    LengthLoop,
    MoreDataWithoutData,
    OneByteAnswer,
    OversizedAnswer,
    TruncatedAnswer,
    WrongATR,
    WrongAuts,
    WrongRecord,
    WrongRes,
)
from .faults_contents import (
    CardSwapped,
    DroppedWrite,
    FlippedMemoryBit,
    OneTryLeft,
    OtherKey,
    SelectsAnother,
    SqnFarAhead,
    WriteError,
)
from .faults_power import Mute, TearAfter, TearBefore

_CATALOGUE: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {
        "flipped-answer": FlippedAnswerBit,
        "flipped-memory": FlippedMemoryBit,
        "dropped-write": DroppedWrite,
        "write-error": WriteError,
        "tear-before": TearBefore,
        "tear-after": TearAfter,
        "wrong-atr": WrongATR,
        "endless-61": EndlessMoreData,
        "61-without-data": MoreDataWithoutData,
        "6c-loop": LengthLoop,
        "91-forever": EndlessProactive,
        "mute": Mute,
        "oversized-answer": OversizedAnswer,
        "truncated-answer": TruncatedAnswer,
        "one-byte-answer": OneByteAnswer,
        "wrong-record": WrongRecord,
        "selects-another": SelectsAnother,
        "one-try-left": OneTryLeft,
        "wrong-res": WrongRes,
        "wrong-auts": WrongAuts,
        "other-key": OtherKey,
        "sqn-far-ahead": SqnFarAhead,
        "fcp-lies": FcpLies,
        "card-swapped": CardSwapped,
    }
)


def catalogue() -> Mapping[str, type[Fault]]:
    """Every fault by its name; call the class as factory(card, seed)."""
    return _CATALOGUE


__all__ = ["Fault", "TearAfter", "TearBefore", "catalogue"]
