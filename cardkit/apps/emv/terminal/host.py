"""What a terminal asks of the issuer's host, and what it gets back (EMV 4.4 Book 3 10.9, Book 4 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from cardkit.crypto import Secret


@dataclass(frozen=True, slots=True)
class OnlineRequest:
    """An authorisation request.

    :ivar values: by tag, as the terminal sent them to the card or got them from it: 84, 5A, 57, 5F34, 82, 9F26, 9F27,
        9F10, 9F36, 95, 9F37, 9F02 and the rest of CDOL1.
    :ivar cdol1_data: the data field of the first GENERATE AC.
    :ivar pin: 4 to 12 ASCII digits where the PIN is verified online; a real terminal enciphers it.
    """

    values: Mapping[bytes, bytes] = field(repr=False)
    cdol1_data: bytes = field(repr=False)
    pin: Secret | None = None


@dataclass(frozen=True, slots=True)
class OnlineAnswer:
    """The issuer's answer.

    :ivar response_code: tag 8A, two characters: ``00`` approves.
    :ivar issuer_authentication: value of tag 91, 8 to 16 bytes; empty where the issuer sends none.
    :ivar scripts: whole templates 71 and 72, in order.
    :ivar words: what the host did, a sentence each.
    """

    response_code: bytes
    issuer_authentication: bytes = b""
    scripts: tuple[bytes, ...] = ()
    words: tuple[str, ...] = ()


class IssuerHost(Protocol):
    """Whoever answers for the issuer."""

    def answer(self, request: OnlineRequest) -> OnlineAnswer:
        """Judge a request: a wrong cryptogram is declined, and the words say so.

        :raises KeyStoreError: when a key that is needed is not there.
        """
        ...


@runtime_checkable
class KnowsKeys(Protocol):
    """What a host offers besides, where it has the issuer's keys."""

    def cryptogram(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the cryptogram a card with these data must give, 8 bytes.

        :param values: by tag, as in a request.
        :raises EncodingError: where one is missing or malformed.  :raises KeyStoreError: where the key is not there.
        """
        ...


@dataclass(frozen=True, slots=True)
class FixedHost:
    """An issuer that answers the same to everything, and authenticates nothing.

    :ivar response_code: two characters.
    """

    response_code: bytes

    def answer(self, request: OnlineRequest) -> OnlineAnswer:  # noqa: ARG002 - whatever is asked
        """Answer without looking at the cryptogram."""
        return OnlineAnswer(self.response_code, words=("no key is known: the cryptogram is not looked at",))
