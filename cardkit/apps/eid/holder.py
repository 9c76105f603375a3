"""What both kinds of identity card with keys share: a client's way of sending, a session's run, a blueprint's keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from cardkit.apdu import CommandAPDU
from cardkit.apps.eid.certificates import check_issuer
from cardkit.apps.eid.rules import REFUSED
from cardkit.apps.eid.schema import IssuerBlock
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.pki.certificate import Certificate
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.secret import joined
from cardkit.desired import NOT_CHECKED, Challenge, Content, Finding, Role, Secrecy, Step
from cardkit.errors import CardError, KeyStoreError

_OK = 0x9000


class HolderClient:
    """A card on one channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, command: CommandAPDU, what: str) -> bytes:
        """Send a command that must succeed and return its data.  :raises StatusError: when the card refuses."""
        response = self._channel.send(command)
        if response.sw != _OK:
            raise status_error(what, response.sw)
        return response.data


class HolderSession(ABC):
    """A powered card: runs steps one by one, and keeps what went wrong where nobody is strict.

    :param keys: key store and source of random numbers; None where the card is only identified.
    """

    def __init__(self, contents: Mapping[str, Content], keys: tuple[KeyStore, Challenge] | None) -> None:
        self._contents = contents
        self._keys = keys
        self.current: Step | None = None

    @property
    @abstractmethod
    def _troubles(self) -> dict[str, str]:
        """What went wrong since the last reset, by step."""

    @abstractmethod
    def _handle(self, step: Step) -> None:
        """Send one step.  :raises CardError: on a wrong answer."""

    def run(self, steps: Iterable[Step], *, strict: bool) -> None:
        """Send steps in order.

        :param strict: the first wrong answer raises; else it is kept.
        :raises CardError: on a wrong answer when strict.  :raises TransportError: when the link fails.
        """
        for step in steps:
            self.current = step
            try:
                self._handle(step)
            except CardError as error:
                if strict:
                    raise
                self._troubles.setdefault(step.serves, str(error))

    def _code(self, name: str) -> Secret:
        return next(part for part in self._contents[name] if isinstance(part, Secret))

    def _open(self, name: str) -> bytes:
        return joined(self._contents[name])

    def _random(self, size: int) -> bytes:
        return self._working()[1](size)

    def _working(self) -> tuple[KeyStore, Challenge]:
        if self._keys is None:
            raise KeyStoreError("an identity card is worked on with a key store and a source of random numbers")
        return self._keys


class _Block(Protocol):
    @property
    def issuer(self) -> IssuerBlock: ...


class HolderProduct(Protocol):
    """A product whose cards get certificates."""

    @property
    def block(self) -> _Block:
        """The profile's block."""
        ...

    @property
    def issuer(self) -> Certificate:
        """Of who issues them."""
        ...


def check_issuer_of(product: HolderProduct, keystore: KeyStore) -> None:
    """Find the issuer's key.  :raises KeyStoreError: when it is missing, or its certificate is of another."""
    named = product.block.issuer
    check_issuer(product.issuer, named.key, named.certificate, keystore)


def refusal_findings(steps: Iterable[Step], answers: Mapping[str, int]) -> Iterator[Finding]:
    """Yield what a card did not refuse.  :param answers: status words, by step."""
    for step in steps:
        if step.role is not Role.GONE:
            continue
        sw = answers.get(step.serves)
        expected = " or ".join(f"{word:04X}" for word in step.sw)
        if sw not in step.sw:
            got = NOT_CHECKED if sw is None else f"{sw:04X}"
            yield REFUSED.finding(step.serves, expected, got, secrecy=Secrecy.PUBLIC)
