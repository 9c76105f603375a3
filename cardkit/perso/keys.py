"""The keys that a profile's cards ask for, found before any card is touched."""

from __future__ import annotations

from typing import Any, cast

from cardkit.crypto import KeyInfo, KeyStore
from cardkit.errors import KeyStoreError
from cardkit.perso.planner import find_keys
from cardkit.profile import Profile


class _Noting:
    """A key store that notes which keys are asked for."""

    def __init__(self, keystore: KeyStore) -> None:
        self._keystore = keystore
        self.found: dict[str, KeyInfo] = {}

    def find(self, reference: str) -> KeyInfo:
        self.found[reference] = self._keystore.find(reference)
        return self.found[reference]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keystore, name)


def check_keys(profile: Profile, keystore: KeyStore) -> tuple[KeyInfo, ...]:
    """Return the public facts of every key a station needs for cards of a profile, sorted by reference.

    :raises KeyStoreError: when one is missing, may not be used, or is for another purpose; when a LIVE profile is to
        have test keys, or a TEST profile live ones (security.md K3).
    :raises ProfileError: when the profile asks for what its chip cannot do.
    """
    if keystore.kind != profile.kind:
        raise KeyStoreError(f"{profile.path}: a {profile.kind} profile, its key store is {keystore.kind}")
    noting = _Noting(keystore)
    find_keys(profile, cast("KeyStore", noting))
    return tuple(info for _, info in sorted(noting.found.items()))
