"""Contents of the files: one codec for each layout, grouped as the standards group them.

    IMSI.decode(bytes.fromhex("080910100000001020"))  -> {"imsi": "001010000000102"}

A codec loses nothing: see :mod:`.base`. Which file has which codec is said in :mod:`cardkit.apps.uicc.files`.
"""

from __future__ import annotations

from cardkit.apps.uicc.codecs.base import Codec, Opaque, Value

__all__ = ["Codec", "Opaque", "Value"]
