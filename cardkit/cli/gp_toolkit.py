"""What ``cardkit gp install --toolkit`` says of a toolkit applet, as text."""

from __future__ import annotations

from cardkit.apps.gp.install_toolkit import FULL_ACCESS, FileAccess, Toolkit, sim_parameters, uicc_parameters
from cardkit.cli.hexadecimal import from_hex
from cardkit.errors import EncodingError

_NUMBERS = {"priority": "priority", "timers": "timers", "text": "text_bytes", "channels": "channels"}
_WORDS = "priority=N, timers=N, text=N, channels=N, menu=POSITION:ID, level=HEX, tar=HEX"


def toolkit_from(text: str) -> Toolkit:
    """Read a toolkit applet's needs.

    :param text: ``word=value`` with commas between; menu and tar may come several times.
    :raises EncodingError: on a word nobody knows, or a value of another form.

    >>> toolkit_from("timers=1,text=16,menu=1:2,tar=D50101").menu
    ((1, 2),)
    """
    numbers: dict[str, int] = {}
    menu: list[tuple[int, int]] = []
    tars: list[bytes] = []
    level: int | None = None
    for part in text.split(","):
        word, _, value = part.strip().partition("=")
        if word in _NUMBERS:
            numbers[_NUMBERS[word]] = _number(part, value)
        elif word == "menu":
            position, _, identifier = value.partition(":")
            menu.append((_number(part, position), _number(part, identifier)))
        elif word == "level":
            level = from_hex(value)[0] if value else None
        elif word == "tar":
            tars.append(from_hex(value))
        else:
            raise EncodingError(f"--toolkit {part.strip()!r}: expected {_WORDS}")
    return Toolkit(**numbers, menu=tuple(menu), security_level=level, tars=tuple(tars))


def sim_field(text: str) -> bytes:
    """Return ``CA``, as SIM cards take it, with access to all files; empty where nothing is said."""
    return sim_parameters(toolkit_from(text), FULL_ACCESS) if text else b""


def uicc_field(text: str) -> bytes:
    """Return ``EA``, as UICCs take it, with access to all files; empty where nothing is said."""
    return uicc_parameters(toolkit_from(text), [FileAccess()]) if text else b""


def _number(part: str, value: str) -> int:
    if not value.isdecimal():
        raise EncodingError(f"--toolkit {part.strip()!r}: expected {_WORDS}")
    return int(value)
