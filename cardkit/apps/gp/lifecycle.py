"""SET STATUS and the life cycles it moves (GPCS 5.1 to 5.3, 11.10, Tables 11-3 to 11-6)."""

from __future__ import annotations

from enum import IntEnum

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.install import CLA, Install
from cardkit.apps.gp.tags import CardState, Privilege, Privileges
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_INS = 0xF0


class Scope(IntEnum):
    """Whose status is set (P1, Table 11-86)."""

    CARD = 0x80
    APPLICATION = 0x40
    DOMAIN_AND_APPLICATIONS = 0x60


LOCK, UNLOCK = 0x80, 0x00
"""P2 for another application: only b8 counts (11.10.2.2)."""

# Which card states may follow which: one step at a time; only SECURED and CARD_LOCKED go both ways (5.1).
_CARD_STEPS = {
    CardState.OP_READY: (CardState.INITIALIZED,),
    CardState.INITIALIZED: (CardState.SECURED,),
    CardState.SECURED: (CardState.CARD_LOCKED,),
    CardState.CARD_LOCKED: (CardState.SECURED,),
    CardState.TERMINATED: (),
}

IRREVERSIBLE = frozenset((CardState.CARD_LOCKED, CardState.TERMINATED))
"""Card states nobody sets without saying so twice: one ends the card, the other may."""


def set_status(scope: Scope, state: int, aid: bytes = b"") -> CommandAPDU:
    """Move a life cycle.

    :param state: the new state; :data:`LOCK` or :data:`UNLOCK` for another application.
    :param aid: whose; empty for the card.
    :raises EncodingError: on an AID where none belongs, or none where one does.

    >>> set_status(Scope.CARD, CardState.INITIALIZED).encode().hex()
    '80f08007'
    """
    if scope is Scope.CARD:
        if aid:
            raise EncodingError(f"SET STATUS of the card: got AID {aid.hex().upper()}, expected none")
    else:
        checked_aid(aid)
    return CommandAPDU(CLA, _INS, scope, state, aid)


def card_steps(now: CardState, wanted: CardState) -> tuple[CardState, ...]:
    """Return the states a card goes through to the wanted one, that one included; empty where it is there already.

    One step at a time: cards differ on skipping INITIALIZED (sheet 2.2).

    :raises EncodingError: when no way leads there.

    >>> [state.name for state in card_steps(CardState.OP_READY, CardState.SECURED)]
    ['INITIALIZED', 'SECURED']
    """
    if now is wanted:
        return ()
    if wanted is CardState.TERMINATED:
        return (wanted,)
    way: list[CardState] = []
    at = now
    while at is not wanted:
        following = [state for state in _CARD_STEPS[at] if state not in (now, *way)]
        if not following:
            raise EncodingError(f"card life cycle: no way leads from {now.name} to {wanted.name}")
        at = following[0]
        way.append(at)
    return tuple(way)


# Privileges that can end a card, or rule over what is not one's own.
_DANGEROUS = (
    Privilege.CARD_LOCK,
    Privilege.CARD_TERMINATE,
    Privilege.FINAL_APPLICATION,
    Privilege.MANDATED_DAP_VERIFICATION,
    Privilege.GLOBAL_DELETE,
    Privilege.GLOBAL_LOCK,
)
_SYSTEM, _RESTRICT = 0xEF, 0xD9


def dangers(command: Install | Delete) -> list[str]:
    """Say what of a command cannot be taken back, or can end the card: a plan lists it before the card is touched.

    >>> dangers(Delete(bytes(5), related=True))
    ['DELETE 0000000000 takes every application made from it along']
    """
    if isinstance(command, Delete):
        name = command.aid.hex().upper()
        return [f"DELETE {name} takes every application made from it along"] if command.related else []
    privileges, parameters = command.fields[3:5] if len(command.fields) == 5 else (b"", b"")
    name = command.fields[2].hex().upper() or "the card"
    granted = Privileges.parse(privileges) if privileges else Privileges()
    found = [f"privilege {item.name} for {name}" for item in _DANGEROUS if item in granted]
    return found + ([f"restriction (D9) of {name}"] if _restricts(parameters) else [])


def _restricts(parameters: bytes) -> bool:
    return any(item.tag == _SYSTEM and _RESTRICT in item.children() for item in tlv.parse(parameters))
