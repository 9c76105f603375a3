"""The keys of one card while it is worked on: as delivered, zeros of new applications, its own from the store."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.desfire.states.product import KEY_KINDS, DesfireProduct, KeySpec
from cardkit.apps.desfire.states.steps import CARD_KEY, DELIVERED, OWN
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.desfire import DesfireKey
from cardkit.errors import AuthenticationError, KeyStoreError

PICC_KEY = "card key"
"""Name of the card's key as delivered, in ``[chip.transport]``."""


class Keyring:
    """Keys by their states; a card's own are derived once and wiped with :meth:`forget`.

    :param transport: keys as delivered; empty for a verification.  :param keystore: None where a card is identified.
    """

    def __init__(self, product: DesfireProduct, transport: Mapping[str, Secret], keystore: KeyStore | None) -> None:
        self._transport = transport
        self._keystore = keystore
        self._delivered_kind = KEY_KINDS[product.chip.key_kind]
        self._own: dict[tuple[bytes, str, int, int], DesfireKey] = {}
        self._uid = b""
        self._states = {app.key_state(key.number): key for app in product.apps for key in app.keys}
        self._states[CARD_KEY] = product.picc
        files = ((app, file) for app in product.apps for file in app.files)
        self._macs = {f"{app.title}/{file.name}": file.key for app, file in files if file.key is not None}

    def of_card(self, uid: bytes) -> None:
        """Say which card it is: what was derived for another one is wiped."""
        if uid != self._uid:
            self.forget()
            self._uid = uid

    def own(self, key: KeySpec) -> DesfireKey:
        """Return a key of the finished card.  :raises KeyStoreError: when it is missing, or of another kind."""
        place = (key.aid, key.name, key.key_set, key.number)
        if place not in self._own:
            self._own[place] = self._derived(key)
        return self._own[place]

    def input(self, key: KeySpec) -> bytes:
        """Return what a key of this card was diversified with; nothing where it is the same on every card."""
        return key.card_key(self._uid).data

    def own_keys(self) -> dict[str, CardKey]:
        """Return the keys that are this card's alone, by state; none before it is known which card it is."""
        if not self._uid:
            return {}
        found = {state: key.card_key(self._uid) for state, key in (self._states | self._macs).items()}
        return {state: key for state, key in found.items() if key.data}

    def _derived(self, key: KeySpec) -> DesfireKey:
        if self._keystore is None:
            raise KeyStoreError(f"key {key.reference}: a card is worked on with a key store")
        with self._keystore.card_key(key.card_key(self._uid)) as clear:
            found = DesfireKey.of(clear, key.version)
        if found.kind is not key.kind:
            raise KeyStoreError(f"key {key.reference}: {found.kind}, the profile has {key.kind}")
        if found.is_default:
            raise KeyStoreError(f"key {key.reference}: a default key, which a card must not keep")
        return found

    def alike(self, state: str, key: KeySpec) -> tuple[str, ...]:
        """Return the other keys that are the same as this one."""
        own = self.own(key)
        return tuple(name for name, other in self._states.items() if name != state and self.own(other) == own)

    def value(self, which: str, key: KeySpec) -> DesfireKey:
        """Return what a session is opened with.

        :param which: ``DELIVERED``, ``ZEROS`` or ``OWN``.  :raises AuthenticationError: where the key as delivered is
            none of this run's business.
        """
        if which == OWN:
            return self.own(key)
        if which != DELIVERED:
            return DesfireKey.zero(key.kind)
        if PICC_KEY not in self._transport:
            raise AuthenticationError(f"{PICC_KEY}: the one delivered is not used to verify a card")
        return DesfireKey.delivered(self._transport[PICC_KEY], self._delivered_kind)

    def forget(self) -> None:
        """Wipe every derived key."""
        for key in self._own.values():
            key.wipe()
        self._own.clear()
