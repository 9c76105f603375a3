"""The keys that are one card's alone, as digests: a store that remembers them finds a repeated one. security.md K15"""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.digest import DupDigests
from cardkit.crypto.key import Key
from cardkit.desired import OwnKeys, Session
from cardkit.transport.offers import offers

LEAST_KEY_BYTES = 16


def keys_in(record: Mapping[str, object]) -> dict[str, Secret]:
    """Return what a record brings that is a key: Ki, OPc, an application's; codes are too short to be one card's alone.

    >>> keys_in({"iccid": "8999901000000000013", "pin1": Secret(b"2437", "pin1")})
    {}
    """
    secrets = {name: value for name, value in record.items() if isinstance(value, Secret)}
    return {name: value for name, value in secrets.items() if isinstance(value, Key) or len(value) >= LEAST_KEY_BYTES}


class OwnKeyDigests:
    """The digests of one card's own keys, each told once.

    :param digests: under the digest key of the product.  :param record: of the card.
    """

    def __init__(self, digests: DupDigests, record: Mapping[str, object]) -> None:
        self._digests = digests
        self._record = keys_in(record)
        self._told: set[str] = set()

    def new(self, session: Session, keystore: KeyStore) -> dict[str, bytes]:
        """Return those of the keys that are known by now and were not before, by role.

        :raises KeyStoreError: when a key is missing.
        """
        found = {
            role: self._digests.of_key(role, value)
            for name, value in self._record.items()
            if (role := f"record {name}") not in self._told
        }
        if offers(session, OwnKeys):
            for role, key in session.own_keys().items():
                if role not in self._told:
                    found[role] = keystore.card_key_digest(key, role, self._digests)
        self._told |= found.keys()
        return found
