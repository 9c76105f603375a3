"""Remote application management: card content management as scripts (ETSI TS 102 226 8).

The commands are those of :mod:`cardkit.apps.gp`, class 80; the packet is their protection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.install import Install
from cardkit.apps.gp.load import LoadFile, load_block, load_blocks
from cardkit.apps.uicc.ota.rfm import Script
from cardkit.apps.uicc.ota.scripting import Coding, command_size, script_size
from cardkit.errors import ProfileError

TAR = bytes(3)
"""Of the issuer security domain, as most products have it; a product may say otherwise."""

_MOST_BLOCK = 255


def load_commands(
    announce: Install, load_file: LoadFile, room: int, coding: Coding = Coding.COMPACT
) -> list[CommandAPDU]:
    """Return INSTALL for load and the LOAD commands, each as long as a packet takes.

    :param announce: see :func:`cardkit.apps.gp.install.for_load`.  :param room: data bytes of a packet.
    :raises ProfileError: when a packet takes no block.
    """
    fitting = (size for size in range(_MOST_BLOCK, 0, -1) if _size([_block(size)], coding) <= room)
    size = next(fitting, 0)
    if size < 1:
        raise ProfileError(f"LOAD: a packet of {room} bytes takes no block")
    return [announce.command(), *load_blocks(load_file.build(), size)]


def content_scripts(
    commands: Iterable[CommandAPDU], room: int, *, tar: bytes = TAR, coding: Coding = Coding.COMPACT
) -> Iterator[Script]:
    """Return scripts that do the commands in order, as many in each as a packet takes.

    :param commands: of INSTALL, LOAD, DELETE, PUT KEY, SET STATUS, STORE DATA.  :param room: data bytes of a packet.
    :raises ProfileError: when a command is longer than a packet.
    """
    packet: list[CommandAPDU] = []
    for command in commands:
        if _size([command], coding) > room:
            raise ProfileError(f"command {command.ins:02X} of {command.nc} bytes: longer than a packet of {room}")
        if packet and _size([*packet, command], coding) > room:
            yield Script(tar, tuple(packet), (), coding)
            packet = []
        packet.append(command)
    if packet:
        yield Script(tar, tuple(packet), (), coding)


def _block(size: int) -> CommandAPDU:
    return load_block(0, bytes(size), last=False)


def _size(commands: Iterable[CommandAPDU], coding: Coding) -> int:
    return script_size([command_size(command, coding) for command in commands], coding)
