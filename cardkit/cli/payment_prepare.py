"""``cardkit payment prepare``: an order becomes prepared records in the store, keys and certificates made ahead."""

from __future__ import annotations

from cardkit.cli.preparing import preparing_command

prepare = preparing_command(
    """Prepare every card of ORDER with PROFILE: values, records, certificates, data groupings; no card is touched.

    Interrupted, run it again: records that are prepared stay as they are. Then make the cards with `batch run`.
    """
)
