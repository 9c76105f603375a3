"""``cardkit id prepare``: an order becomes prepared documents in the store, keys and security objects made ahead."""

from __future__ import annotations

from cardkit.cli.preparing import preparing_command

prepare = preparing_command(
    """Prepare every document of ORDER with PROFILE: zone, data groups, keys, signed EF.SOD; no card is touched.

    Interrupted, run it again: records that are prepared stay as they are. Then make the cards with `batch run`.
    """
)
