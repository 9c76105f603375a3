"""``cardkit gp``: GlobalPlatform cards. Each verb lives in a module of its own and is imported when it is called."""

from __future__ import annotations

import click

from cardkit.cli.app import LazyGroup

# Module (a command whose name is not the verb's behind a colon) and one line of help: all it takes to add a verb.
VERBS = {
    "delete": ("gp_content", "Delete an application, a load file, or a key set."),
    "identify": (
        "gp_identify:identify_keys",
        "Find which keys and diversification a card has, offline, without spending a try.",
    ),
    "info": ("gp_read", "Say what a card tells without a session: protocols, keys, production data, room."),
    "install": ("gp_content", "Install an application or domain, extradite it, change its registry entry."),
    "list": ("gp_read:listing", "List domains, applications and load files with states and privileges."),
    "load": ("gp_content", "Load a CAP file, and install what is in it."),
    "lock": ("gp_content", "Lock an application or security domain."),
    "put-key": ("gp_content", "Put a key set, proven by a session, or a single key."),
    "rotate": ("gp_content", "Put a new key set, and drop the old one once the new one is proven."),
    "set-state": ("gp_content", "Move the life cycle of the card or of an application."),
    "store-data": ("gp_content", "Personalize an application or the domain itself."),
    "tree": ("gp_read", "Show domains, what belongs to them, and load files with their modules."),
    "unlock": ("gp_content", "Unlock an application or security domain."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def gp() -> None:
    """Look at and manage GlobalPlatform cards.

    A key set is KVN=REF[,REF,REF][/SCHEME]: 30=plant:kmc/kdf3, 20=file:enc,file:mac,file:dek, test:gp-default. Without
    --key-set the keys everybody knows are tried offline; a session is opened only with keys the card has proved.
    """
