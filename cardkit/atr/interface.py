"""Interface bytes of an answer to reset (ISO/IEC 7816-3 8.2.3, 8.3, 10.2, 11.4; ETSI TS 102 221 6.3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cardkit.atr.tables import BAUD_RATE, CLASSES, CLOCK_RATE, CLOCK_STOP, UICC_FEATURES

GLOBAL = 15
"""T=15 is no protocol: it marks interface bytes that hold for all of them."""


@dataclass(frozen=True, slots=True)
class InterfaceBytes:
    """One group TAi, TBi, TCi, TDi; None for each that is absent.

    :param index: i, from 1.
    :param protocol: T of the TD before it, 15 for global bytes; None in the first group.
    """

    index: int
    protocol: int | None
    ta: int | None = None
    tb: int | None = None
    tc: int | None = None
    td: int | None = None

    def describe(self) -> list[tuple[str, str, str]]:
        """Return (name, hex, words with the clause) for each byte present."""
        present = (("TA", self.ta), ("TB", self.tb), ("TC", self.tc), ("TD", self.td))
        return [
            (f"{name}{self.index}", f"{value:02X}", self._words(name, value))
            for name, value in present
            if value is not None
        ]

    def _words(self, name: str, value: int) -> str:
        if name == "TD":
            return _td(value)
        # Groups 1 and 2 hold global bytes, TC2 apart; later ones belong to the protocol before them.
        key = (name, self.index) if self.index <= 2 else (name, f"T={self.protocol}")
        words = _WORDS.get(key)
        return words(value) if words else f"specific to T={self.protocol} [ISO/IEC 7816-3 8.3]"


def read_groups(raw: bytes) -> tuple[tuple[InterfaceBytes, ...], int]:
    """Read the interface bytes of a whole ATR; IndexError where they end early.

    :returns: the groups, and the offset behind them.
    """
    groups: list[InterfaceBytes] = []
    present, protocol, offset = raw[1] >> 4, None, 2
    while present:
        values: dict[str, int] = {}
        for bit, name in ((1, "ta"), (2, "tb"), (4, "tc"), (8, "td")):
            if present & bit:
                values[name] = raw[offset]
                offset += 1
        groups.append(InterfaceBytes(len(groups) + 1, protocol, **values))
        td = values.get("td", 0)
        present, protocol = td >> 4, td & 0x0F
    return tuple(groups), offset


def _td(value: int) -> str:
    named = "global bytes" if value & 0x0F == GLOBAL else f"T={value & 0x0F} offered"
    return f"{named}, {_following(value >> 4)} [ISO/IEC 7816-3 8.2.3]"


def _following(present: int) -> str:
    names = [name for bit, name in ((1, "TA"), (2, "TB"), (4, "TC"), (8, "TD")) if present & bit]
    return f"then {', '.join(names)}" if names else "no interface bytes behind"


def _ta1(value: int) -> str:
    clock, baud = CLOCK_RATE.get(value >> 4), BAUD_RATE.get(value & 0x0F)
    if clock is None or baud is None:
        return "reserved value of F or D [ISO/IEC 7816-3 8.3]"
    return f"F {clock[0]}, D {baud}: {clock[0] / baud:g} clocks per etu, up to {clock[1]:g} MHz [ISO/IEC 7816-3 8.3]"


def _tc1(value: int) -> str:
    extra = "the protocol's minimum" if value == 0xFF else f"{value} etu"
    return f"extra guard time: {extra} [ISO/IEC 7816-3 8.3]"


def _ta2(value: int) -> str:
    change = "cannot change mode" if value & 0x80 else "may change mode"
    rate = "implicit bit rate" if value & 0x10 else "bit rate of TA1"
    return f"specific mode: T={value & 0x0F}, {rate}, {change} [ISO/IEC 7816-3 8.3]"


def _tb_t1(value: int) -> str:
    return f"block waiting integer {value >> 4}, character waiting integer {value & 0x0F} [ISO/IEC 7816-3 11.4.3]"


def _ta_global(value: int) -> str:
    classes = ", ".join(words for bit, words in CLASSES.items() if value & bit)
    return f"{CLOCK_STOP[value >> 6]}; classes {classes or 'reserved'} [ISO/IEC 7816-3 8.3]"


def _tb_global(value: int) -> str:
    features = ", ".join(words for bit, words in UICC_FEATURES.items() if value & bit)
    return f"{features or 'no further interface'} [ETSI TS 102 221 6.3.3]"


_WORDS = {
    ("TA", 1): _ta1,
    ("TB", 1): lambda _: "programming voltage, deprecated [ISO/IEC 7816-3 8.3]",
    ("TC", 1): _tc1,
    ("TA", 2): _ta2,
    ("TB", 2): lambda _: "programming voltage, deprecated [ISO/IEC 7816-3 8.3]",
    ("TC", 2): lambda value: f"T=0 waiting integer {value} [ISO/IEC 7816-3 10.2]",
    ("TA", "T=1"): lambda value: f"blocks to the card of up to {value} bytes [ISO/IEC 7816-3 11.4.2]",
    ("TB", "T=1"): _tb_t1,
    ("TC", "T=1"): lambda value: f"blocks end in a {'CRC' if value & 1 else 'LRC'} [ISO/IEC 7816-3 11.4.4]",
    ("TA", "T=15"): _ta_global,
    ("TB", "T=15"): _tb_global,
}
