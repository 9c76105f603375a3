"""The keys of one card, from a key store: given for one use each, never kept."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.cipurse.commands import KeyToLoad
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.visiting import OWN
from cardkit.crypto import Key, KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey
from cardkit.crypto.cipurse import CHALLENGE_BYTES, enciphered, kvv
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.secret import joined
from cardkit.desired import Challenge
from cardkit.errors import AuthenticationError, KeyStoreError, ProtocolError


class KeyRing:
    """Keys of one card.

    :param delivered: what every key of the MF is before it is replaced.
    :ivar uid: of the card; no key is its own before it is known.
    :ivar kvvs: key verification values of the keys that were given so far, by name.
    :ivar inputs: what those keys were diversified with.
    """

    def __init__(self, keys: tuple[KeyStore, Challenge] | None, delivered: CardKey) -> None:
        self._keys = keys
        self._delivered = delivered
        self.uid = b""
        self.kvvs: dict[str, bytes] = {}
        self.inputs: dict[str, bytes] = {}

    def given(self, key: DirectoryKey, which: str = OWN) -> AbstractContextManager[Key]:
        """Give a key for the length of a ``with`` block.

        :param which: ``OWN`` or ``DELIVERED``.  :raises KeyStoreError: where the store does not have it.
        """
        return self._store.card_key(self._own(key) if which == OWN else self._delivered)

    def _own(self, key: DirectoryKey) -> CardKey:
        if not self.uid:
            raise ProtocolError(f"{key.name}: the card did not tell its UID, nobody knows its keys")
        found = key.for_card(self.uid)
        self.inputs[key.name] = found.data
        return found

    def own_keys(self, keys: Iterable[DirectoryKey]) -> dict[str, CardKey]:
        """Return those of some keys that are this card's alone, by name; none before its UID is known."""
        found = {key.name: key.for_card(self.uid) for key in keys} if self.uid else {}
        return {name: key for name, key in found.items() if key.data}

    def other(self, key: CardKey) -> AbstractContextManager[Key]:
        """Give a key that no card should have."""
        return self._store.card_key(key)

    def compute(self, keys: Iterable[DirectoryKey]) -> None:
        """Make sure that the key verification values of the card's own keys are known."""
        for key in keys:
            if key.name not in self.kvvs:
                with self.given(key) as own:
                    self.kvvs[key.name] = kvv(own)

    def master_kvv(self, key: DirectoryKey) -> bytes:
        """Return the check value of what a card's key is derived from."""
        return bytes.fromhex(self._store.kcv(key.reference, KCVMethod.ZERO))

    def loading(self, key: DirectoryKey, kek: tuple[DirectoryKey, str] | None) -> KeyToLoad:
        """Return a key as the card takes it.

        :param kek: the key of the MF it is enciphered under, and which value of that is in force; None for none.
        """
        with self.given(key) as own:
            if kek is None:
                value: bytes | Secret = Secret(joined((own,)), key.name)
            else:
                with self.given(*kek) as above:
                    value = enciphered(own, above)
            self.kvvs[key.name] = kvv(own)
            return KeyToLoad(value, self.kvvs[key.name], key.add_info, key.attribute)

    def authenticate(
        self, client: CipurseClient, key: DirectoryKey, which: str, challenge: bytes, told: bytes = b""
    ) -> None:
        """Prove a key to the card and let the card prove it.

        :param challenge: the card's.  :param told: check value the card says its key has, empty where it said none.
        :raises AuthenticationError: on another check value than the key's: nothing is tried then.
        """
        with self.given(key, which) as secret:
            if which == OWN and key.name not in self.kvvs:
                self.kvvs[key.name] = kvv(secret)
            if which == OWN and told not in (b"", self.kvvs[key.name]):
                raise AuthenticationError(
                    f"{key.name}: the card tells check value {told.hex().upper()}, its key has "
                    f"{self.kvvs[key.name].hex().upper()}: not tried"
                )
            client.authenticate(key.number, secret, challenge, self.random())

    def random(self) -> bytes:
        """Return a challenge of the host's."""
        return self._working[1](CHALLENGE_BYTES)

    @property
    def _store(self) -> KeyStore:
        return self._working[0]

    @property
    def _working(self) -> tuple[KeyStore, Challenge]:
        if self._keys is None:
            raise KeyStoreError("a transport card is worked on with a key store and a source of random numbers")
        return self._keys
