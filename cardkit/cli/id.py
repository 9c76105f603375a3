"""``cardkit id``: identity documents. Each verb lives in a module of its own and is imported when it is called."""

from __future__ import annotations

import click

from cardkit.cli.app import LazyGroup

# Module, its command's name behind a colon, and one line of help: all it takes to add a verb.
VERBS = {
    "prepare": ("id_prepare", "Prepare the documents of an order: zone, data groups, keys, security object."),
    "read": ("id_read:read_command", "Read and check a travel document as a border does."),
    "pki": ("id_pki", "Make a test issuing PKI: CSCA, document signers, CRLs, master lists, CVCA."),
}


@click.group("id", cls=LazyGroup, verbs=VERBS)
def id_group() -> None:
    """Prepare and read travel documents and national identity cards."""
