"""``cardkit payment``: payment cards. Each verb lives in a module of its own and is imported when it is called."""

from __future__ import annotations

import click

from cardkit.cli.app import LazyGroup

# Module, its command's name behind a colon, and one line of help: all it takes to add a verb.
VERBS = {
    "print": ("payment_print:print_command", "Write what is printed, embossed and encoded on the cards of a batch."),
    "prepare": ("payment_prepare", "Prepare the cards of an order: values, certificates, data groupings."),
    "mailer": ("payment_mailer", "Write the PIN letters of a batch: PINs under a key of their printer's."),
    "store": ("payment_store:store_command", "Load data groupings into an application without a secure channel."),
    "certify": ("payment_certify", "Certify an issuer's key with a payment system's."),
    "decode": ("payment_decode:decode_command", "Say what payment data mean: templates, lists, bits."),
    "transaction": ("payment_transaction:transaction_command", "Take a card through a whole transaction, explained."),
    "validate": ("payment_validate:validate_command", "Judge cards or dumps by the rules, and by rule packs."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def payment() -> None:
    """Prepare, try and judge payment cards (EMV)."""
