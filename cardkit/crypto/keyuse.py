"""A key store in front of another that counts what its keys are used for. security.md L6"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

from cardkit.crypto.cardkeys import CardKey, CardKeySet
from cardkit.crypto.keysource import OpenKeyStore

# Looking at a key is no use of it.
_LOOKS = frozenset({"find", "kcv", "card_key_kcv", "public_key_info", "emv_public", "make_card_rsa", "close"})


class KeyUses:
    """Passes every operation on and counts it for the keys it is done with.

    :ivar counts: operations by reference, since :meth:`taken` was called last.
    """

    def __init__(self, keystore: OpenKeyStore) -> None:
        self._keystore = keystore
        self.counts: Counter[str] = Counter()

    @property
    def store(self) -> OpenKeyStore:
        """The same, as what it stands for."""
        return cast("OpenKeyStore", self)

    def taken(self) -> dict[str, int]:
        """Return the counts, and begin anew."""
        counts, self.counts = self.counts, Counter()
        return dict(counts)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # an operation is public, and a copy that is being made has nothing yet
        found = getattr(self._keystore, name)
        if name in _LOOKS or not callable(found):
            return found
        counting = self._counting(found)
        setattr(self, name, counting)  # asked for again with every card
        return counting

    def _counting(self, operation: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(operation)
        def counted(*arguments: Any, **named: Any) -> Any:
            self.counts.update(_references(arguments))
            return operation(*arguments, **named)

        return counted


def _references(arguments: tuple[Any, ...]) -> Iterator[str]:
    """Yield the keys an operation is done with: a reference comes first, card keys anywhere."""
    if arguments and isinstance(arguments[0], str):
        yield arguments[0]
    for argument in arguments:
        match argument:
            case CardKey(reference):
                yield reference
            case CardKeySet(_, enc, mac, dek):
                yield from {enc.reference, mac.reference, dek.reference}
            case list() | tuple():
                yield from _references(tuple(argument))
