"""``--script`` of ``cardkit payment transaction``: what the issuer does to the card, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import click

from cardkit.apps.emv.scripts import (
    APPLICATION_BLOCK,
    APPLICATION_UNBLOCK,
    CARD_BLOCK,
    PIN_UNBLOCK,
    ScriptCommand,
    pin_change,
    put_data,
    update_record,
)
from cardkit.cli.hexadecimal import from_hex
from cardkit.crypto import Secret
from cardkit.crypto.emvstore import NewPin

_FIXED = {
    "application-block": APPLICATION_BLOCK,
    "application-unblock": APPLICATION_UNBLOCK,
    "card-block": CARD_BLOCK,
    "pin-unblock": PIN_UNBLOCK,
}
_PIN_CHANGE = "pin-change"
_PUT_DATA = re.compile(r"put-data:([0-9A-Fa-f]{4})=([0-9A-Fa-f ]+)")
_UPDATE_RECORD = re.compile(r"update-record:(\d{1,2})/(\d{1,3})=([0-9A-Fa-f ]+)")
HELP = (
    f"The issuer sends this command: {', '.join((*_FIXED, _PIN_CHANGE))}, put-data:TAG=HEX, update-record:SFI/N=HEX; "
    "may be given several times. It changes the card: with --yes only."
)


def script_commands(texts: Sequence[str], ask: Callable[[str], Secret]) -> tuple[ScriptCommand, ...]:
    """Read ``--script`` options.

    :param ask: for a secret, by its name.  :raises click.BadParameter: on another text.
    :raises EncodingError: on a tag, file or record that cannot be.
    """
    return tuple(_command(text, ask) for text in texts)


def _command(text: str, ask: Callable[[str], Secret]) -> ScriptCommand:
    if text in _FIXED:
        return _FIXED[text]
    if text == _PIN_CHANGE:
        return pin_change(NewPin(ask("new PIN of the card")))
    if match := _PUT_DATA.fullmatch(text):
        return put_data(int(match[1], 16), from_hex(match[2]))
    if match := _UPDATE_RECORD.fullmatch(text):
        return update_record(int(match[1]), int(match[2]), from_hex(match[3]))
    known = ", ".join((*_FIXED, _PIN_CHANGE))
    raise click.BadParameter(f"{text!r}: expected {known}, put-data:TAG=HEX or update-record:SFI/N=HEX")
