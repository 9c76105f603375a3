"""What a sample has to bear: keys it must not know, frames changed, frames sent twice. Never for a card that leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.client import CipurseClient
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory
from cardkit.apps.cipurse.states.ring import KeyRing
from cardkit.apps.cipurse.states.seen import SeenTransit
from cardkit.apps.cipurse.states.visiting import DELIVERED, OWN
from cardkit.crypto import Key
from cardkit.crypto.cardkeys import CardKey
from cardkit.errors import AuthenticationError, KeyStoreError
from cardkit.secure.cipurse import Level, Pair

REFUSED, TAKEN = "refused", "taken"
DELIVERED_KEY, MASTER_KEY, NEIGHBOUR_KEY = "the key delivered", "the master key", "the key of another card"
CHANGED, REPEATED = "a changed frame", "a frame sent twice"
_PROTECTED = Pair(Level.MAC, Level.MAC)


class Misuse:
    """Attempts on one card; each key is proven afterwards, so that no counter of wrong keys is left behind."""

    def __init__(self, product: CipurseProduct, client: CipurseClient, ring: KeyRing, seen: SeenTransit) -> None:
        self._product, self._client, self._ring, self._seen = product, client, ring, seen

    def answers(self) -> dict[str, str]:
        """Return what the card did, by key and attempt."""
        found: dict[str, str] = {}
        for directory in self._product.directories:
            self._select(directory)
            for key in directory.keys:
                found |= {f"{key.name}: {name}": self._tried(key, given) for name, given in self._wrong(key)}
                self._open(key)
            found |= self._frames(directory)
        return found

    def _select(self, directory: ProductDirectory) -> None:
        if directory.new is None:
            self._client.select_mf()
        else:
            self._client.select_application(directory.aid)

    def _open(self, key: DirectoryKey) -> None:
        self._ring.authenticate(self._client, key, OWN, self._client.challenge())

    def _wrong(self, key: DirectoryKey) -> Iterator[tuple[str, AbstractContextManager[Key]]]:
        yield DELIVERED_KEY, self._ring.given(key, DELIVERED)
        if key.diversification.parts:
            yield MASTER_KEY, self._ring.other(CardKey(key.reference))
            yield NEIGHBOUR_KEY, self._ring.other(key.of_another(self._ring.uid))

    def _tried(self, key: DirectoryKey, given: AbstractContextManager[Key]) -> str:
        try:
            with given as wrong:
                self._client.authenticate(key.number, wrong, self._client.challenge(), self._ring.random())
        except AuthenticationError:
            return REFUSED
        except KeyStoreError:
            return self._compared(key)
        return TAKEN

    def _compared(self, key: DirectoryKey) -> str:
        """Hold a master key that may only be derived from against the check value the card tells."""
        told = self._seen.directories.get(key.place)
        return TAKEN if told is None or told.keys[key.number - 1].kvv == self._ring.master_kvv(key) else REFUSED

    def _frames(self, directory: ProductDirectory) -> dict[str, str]:
        """Return how the card takes frames that are not as they were made."""
        found = {}
        self._open(directory.manager)
        changed = self._client.spoiled(commands.read_file_attributes(), _PROTECTED, _flipped)
        found[f"{directory.name}: {CHANGED}"] = REFUSED if changed == 0x6988 else TAKEN
        self._open(directory.manager)
        again = self._client.repeated(commands.read_file_attributes(), _PROTECTED)
        found[f"{directory.name}: {REPEATED}"] = REFUSED if again == 0x6988 else TAKEN
        return found


def _flipped(command: CommandAPDU) -> CommandAPDU:
    """Return a command with one bit of its MAC changed."""
    assert isinstance(command.data, bytes)
    return replace(command, data=command.data[:-1] + bytes((command.data[-1] ^ 1,)))
