"""One card that is several: the blueprints of a profile's applications, worked as one.

One order of work, one bind, one report: names of states, contents and values carry the application they belong to
(``pkcs15: PIN``). The first application is the host: it names the chip, is written first and sealed last.
"""

from __future__ import annotations

from cardkit.perso.joined.blueprint import JoinedBlueprint
from cardkit.perso.joined.door import Door, Floor
from cardkit.perso.joined.session import JoinedSession

__all__ = ["Door", "Floor", "JoinedBlueprint", "JoinedSession"]
