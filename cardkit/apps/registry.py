"""Which applications there are. A profile names one by its key here, never by an import path."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from cardkit.desired import App
from cardkit.errors import ProfileError

ENTRY_POINT_GROUP = "cardkit.apps"

# Key -> "module:attribute"; third parties add theirs through the entry-point group.
BUILT_IN = {
    "calypso": "cardkit.apps.calypso.app:APP",
    "cipurse": "cardkit.apps.cipurse.app:APP",
    "desfire": "cardkit.apps.desfire.app:APP",
    "eid": "cardkit.apps.eid.app:APP",
    "emrtd": "cardkit.apps.emrtd.app:APP",
    "emv": "cardkit.apps.emv.app:APP",
    "gp": "cardkit.apps.gp.app:APP",
    "ntag424": "cardkit.apps.ntag424.app:APP",
    "pkcs15": "cardkit.apps.eid.pkcs15.app:APP",
    "storage": "cardkit.apps.storage.app:APP",
    "uicc": "cardkit.apps.uicc.app:APP",
}


@cache
def get_app(name: str) -> App:
    """Return the application with this key.

    :raises ProfileError: when nobody registered it.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        app: App = getattr(import_module(module), attribute)
        return app
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        loaded: App = point.load()
        return loaded
    known = ", ".join(names())
    raise ProfileError(f"unknown application {name!r}, expected one of: {known}")


def names() -> tuple[str, ...]:
    """The keys of all registered applications, sorted."""
    found = {point.name for point in entry_points(group=ENTRY_POINT_GROUP)}
    return tuple(sorted({*BUILT_IN, *found}))
