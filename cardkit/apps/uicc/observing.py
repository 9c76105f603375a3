"""What rules ask of a card besides a dump: counters, short identifiers, class A0, identities, the toolkit.

No try is spent: the empty VERIFY and UNBLOCK PIN only ask (TS 102 221 11.1.9.1.5). PIN1 is presented where its holder
gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cardkit.apps.uicc.cat import Terminal
from cardkit.apps.uicc.client import UiccSession
from cardkit.apps.uicc.codecs.fields import to_hex
from cardkit.apps.uicc.dumped import OBSERVED, picture_of_dump
from cardkit.apps.uicc.fcp import Fcp
from cardkit.apps.uicc.files import APPLICATIONS, DIRECTORIES, Structure
from cardkit.apps.uicc.gsm import GsmSession
from cardkit.apps.uicc.names import PIN1, PIN2
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.pin import CodeStatus, Line, RetryGuard
from cardkit.apps.uicc.rules.codes import USUAL_TRIES
from cardkit.apps.uicc.rules.concealment import BY_THE_CARD, UST
from cardkit.apps.uicc.rules.expectation import GSM, USIM
from cardkit.apps.uicc.states.codes import CardJournal
from cardkit.apps.uicc.suci import get_identity
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.errors import EncodingError, ProtocolError, StatusError

UICC = "UICC"
MOST_BYTES = 16
CALLS = 2
LOCAL = 0x80
_REFUSALS = (StatusError, ProtocolError, EncodingError)

Document = dict[str, Any]


def observe(channel: Channel, document: Mapping[str, Any], *, toolkit: bool) -> Document:
    """Return what a UICC shows besides its files, as a part of its dump; nothing of a 2G SIM, which has no more.

    :param toolkit: send a TERMINAL PROFILE, and do what the card asks of a terminal.
    :raises TransportError: when the link fails.
    """
    if document["class"] != UICC:
        return {}
    observer = _Observer(channel, picture_of_dump(document))
    found: Document = {"codes": dict(observer.codes()), "by_sfi": dict(observer.by_sfi())}
    found |= observer.identities()
    found |= observer.class_a0()
    if toolkit:
        found |= observer.toolkit()
    return {OBSERVED: found}


def present_pin1(channel: Channel, code: Secret) -> None:
    """Present PIN1 once to a card, if its counter is full: what it guards can be read from then on.

    :raises CounterGuardError: when the counter is not full, or PIN1 is not asked for; nothing was sent.
    :raises AuthenticationError: when the card refuses it.  :raises CardError: when it is no UICC.
    """
    session = UiccSession(channel)
    session.select(())
    guard = RetryGuard(session, to_hex(channel.atr), CardJournal(), Secret(channel.atr, "digest key"), Line())
    guard.present(PIN1, code, full=USUAL_TRIES[f"{PIN1:02X}"])


class _Observer:
    """One card, and what its dump says of it."""

    def __init__(self, channel: Channel, picture: CardPicture) -> None:
        self._channel = channel
        self._session = UiccSession(channel)
        self._picture = picture

    def _enter(self, name: str) -> bool:
        """Make a directory current; whether it could be done."""
        directory = DIRECTORIES[name]
        try:
            if directory.application:
                self._session.select_application(APPLICATIONS[directory.application])
            if name not in APPLICATIONS:
                self._session.select(directory.path)
        except _REFUSALS:
            return False
        return True

    # Counters

    def codes(self) -> Iterator[tuple[str, Document]]:
        """Yield the counters of every secret the directories name; of a local one in the first application."""
        asked: set[int] = set()
        for name, control in self._picture.controls.items():
            if not isinstance(control, Fcp) or name not in DIRECTORIES:
                continue
            references = [pin.reference for pin in control.pins if pin.reference not in asked]
            if references and self._enter(name):
                for reference in references:
                    asked.add(reference)
                    yield from self._counters(reference)

    def _counters(self, reference: int) -> Iterator[tuple[str, Document]]:
        yield from self._counter(f"{reference:02X}", self._session.code_status, reference)
        if reference in (PIN1, PIN2):
            yield from self._counter(f"PUK {reference:02X}", self._session.unblock_status, reference)

    @staticmethod
    def _counter(name: str, ask: Callable[[int], CodeStatus], reference: int) -> Iterator[tuple[str, Document]]:
        try:
            status = ask(reference)
        except _REFUSALS:
            return
        yield name, {"state": status.state.name, "left": status.left}

    # Short identifiers

    def by_sfi(self) -> Iterator[tuple[str, str]]:
        """Yield the first bytes of every file that was read and says that it has a short identifier."""
        for directory in [name for name in self._picture.controls if name in DIRECTORIES]:
            mine = [item for item in self._files(directory) if item[1].sfi]
            if mine and self._enter(directory):
                yield from ((name, self._read(name, control)) for name, control in mine)

    def _files(self, directory: str) -> Iterator[tuple[str, Fcp]]:
        for name, control in self._picture.controls.items():
            if name.rpartition("/")[0] == directory and isinstance(control, Fcp) and self._picture.records(name):
                yield name, control

    def _read(self, name: str, control: Fcp) -> str:
        try:
            if control.structure is Structure.TRANSPARENT:
                size = min(MOST_BYTES, len(self._picture.bodies[name]))
                return to_hex(self._session.read_binary(size, sfi=control.sfi))
            return to_hex(self._session.read_record(1, control.record_length or 0, sfi=control.sfi))
        except _REFUSALS:
            return ""

    # Behaviour

    def identities(self) -> Document:
        """Return the SUCIs of two calls where the card is to conceal the identity itself."""
        if UST not in self._picture.bodies or BY_THE_CARD not in self._picture.value(UST).get("services", ()):
            return {}
        given = []
        if self._enter(USIM):
            for _ in range(CALLS):
                try:
                    given.append(to_hex(get_identity(self._session).build()))
                except _REFUSALS:
                    break
        return {"identities": given}

    def class_a0(self) -> Document:
        """Return what the card answers as a 2G SIM, after a reset: a session is of one class (TS 102 221 4)."""
        if not self._picture.has(GSM):
            return {}
        self._channel.reset(cold=True)
        try:
            status = GsmSession(self._channel).select(DIRECTORIES[GSM].path)
        except _REFUSALS:
            return {}
        return {"chv": to_hex(status.build())}

    def toolkit(self) -> Document:
        """Return what the card asks of a terminal that offers everything, after a reset."""
        self._channel.reset(cold=True)
        try:
            asked = Terminal(self._channel).profile()
        except _REFUSALS:
            return {}
        return {"asked": [to_hex(command.build()) for command in asked]}
