"""Personalization through a security domain: STORE DATA to it or to one of its applications (GPCS 7.3.3, 11.11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.install import for_personalization
from cardkit.apps.gp.storedata import (
    Block,
    Encryption,
    Grouping,
    P1Table,
    Structure,
    ciphered,
    cut,
    pack,
    store_commands,
)


@dataclass(frozen=True, slots=True)
class P1Choice:
    """How P1 of STORE DATA is chosen, where the content does not decide.

    :param table: what a chip wants for each kind of content: its profile's ``store_data_p1``.
    :param single: all of P1 of single blocks by number, -1 for the last.
    :param mixed: send secret and clear groupings in the same commands.
    """

    table: P1Table = field(default_factory=dict)
    single: Mapping[int, int] = field(default_factory=dict)
    mixed: bool = False


_FROM_CONTENT = P1Choice()


def groupings_commands(
    domain: SecurityDomain, groupings: Sequence[Grouping], choice: P1Choice = _FROM_CONTENT
) -> list[CommandAPDU]:
    """Return the STORE DATA commands of data groupings, secret values under the session's DEK.

    :raises EncodingError: on more than 256 commands.  :raises KeyStoreError: on secrets that are no whole blocks.
    """
    if any(item.secret and item.plain for item in groupings):
        groupings = ciphered(groupings, domain.dek().encrypt)
    blocks = pack(groupings, domain.max_command_data, mixed=choice.mixed)
    return store_commands(blocks, table=choice.table, p1=choice.single)


def objects_commands(
    domain: SecurityDomain, data: bytes, choice: P1Choice = _FROM_CONTENT, structure: Structure = Structure.BER
) -> list[CommandAPDU]:
    """Return the STORE DATA commands of clear BER-TLV objects, or opaque data."""
    blocks: list[Block] = cut(data, domain.max_command_data, structure, Encryption.NONE)
    return store_commands(blocks, table=choice.table, p1=choice.single)


def store(domain: SecurityDomain, commands: Sequence[CommandAPDU], instance: bytes | None = None) -> None:
    """Send STORE DATA commands: all of them, or as far as the card goes along.

    An error resets the card's block counter: the whole has to be sent again, from the first.

    :param instance: the application they are for; None for the domain itself.
    :raises StatusError: when the card refuses one; it says which.
    """
    if instance is not None:
        command = for_personalization(instance).command()
        domain.send(command, what=f"INSTALL for personalization {instance.hex().upper()}")
    for number, command in enumerate(commands, 1):
        domain.send(command, what=f"STORE DATA {number} of {len(commands)} (P1 {command.p1:02X})")
