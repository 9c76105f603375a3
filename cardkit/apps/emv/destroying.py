"""What only a sample card may suffer: transactions that go online, wrong answers and scripts, the issued PIN.

Every transaction is brought to its end; the transaction counter, the counters behind it and the PIN counter may change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cardkit.apps.emv.capk import CapkStore
from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.commands import Cryptogram, PinForm
from cardkit.apps.emv.dol import dol_size
from cardkit.apps.emv.picture import Destroyed, Side
from cardkit.apps.emv.terminal.host import IssuerHost, OnlineAnswer, OnlineRequest
from cardkit.apps.emv.terminal.run import Result, run_transaction
from cardkit.apps.emv.terminal.settings import Purchase, Settings
from cardkit.apps.emv.terminal.transaction import Surroundings
from cardkit.channel import Channel
from cardkit.crypto import Secret
from cardkit.crypto.pinblock import format_2
from cardkit.errors import CardError

_PIN_COUNTER = b"\x9f\x17"
_APPROVED = b"00"
_ISSUER_FAILED = "issuer authentication failed"
_SCRIPT_FAILED = "script processing failed after final GENERATE AC"
AMOUNT = 100


@dataclass(frozen=True, slots=True)
class SampleMeans:
    """What it takes.

    :param host: the issuer, with its keys; ``scripting``: the same, with a script in every answer. None without keys.
    :param pin: the issued one; None where it is not known, or not in clear.
    """

    channel: Channel
    random: Callable[[int], bytes]
    moment: datetime
    capks: CapkStore
    host: IssuerHost | None = None
    scripting: IssuerHost | None = None
    pin: Secret | None = None


def destroy(means: SampleMeans, side: Side) -> Side:
    """Return a side with what a sample card did.

    :raises TransportError: when the link fails.
    """
    pin, tries = _presented(means, side)
    done = Destroyed(pin=pin, tries_after=tries)
    if means.host is not None and means.scripting is not None:
        wrong_script = _scripted(means, side, _Spoiled(means.scripting, script=True))
        done = replace(
            done,
            right_answer=_believed(means, side, means.host),
            wrong_answer=_believed(means, side, _Spoiled(means.host)),
            right_script=_scripted(means, side, means.scripting),
            wrong_script=wrong_script,
        )
    return replace(side, destroyed=done)


class _Spoiled:
    """An issuer whose authentication, or the MAC of whose scripts, is wrong in its last bit."""

    def __init__(self, host: IssuerHost, *, script: bool = False) -> None:
        self._host = host
        self._script = script

    def answer(self, request: OnlineRequest) -> OnlineAnswer:
        answer = self._host.answer(request)
        if self._script:
            return replace(answer, scripts=tuple(each[:-1] + bytes((each[-1] ^ 1,)) for each in answer.scripts))
        wrong = answer.issuer_authentication
        return replace(answer, issuer_authentication=bytes((wrong[0] ^ 1,)) + wrong[1:] if wrong else b"")


def _run(means: SampleMeans, side: Side, host: IssuerHost) -> Result:
    """Take the card online, as a terminal of its own country that has to."""
    country, currency = (int((side.get(tag) or bytes(2)).hex()) for tag in ("5F28", "9F42"))
    settings = Settings(applications=(side.aid,), country=country, currency=currency, force_online=True)
    around = Surroundings(settings, Purchase(AMOUNT, means.moment), means.capks, means.random, host, online=True)
    return run_transaction(means.channel, around)


def _believed(means: SampleMeans, side: Side, host: IssuerHost) -> bool | None:
    """Whether the card believed an answer that approves; None where it did not come so far."""
    done = _run(means, side, host).transaction
    if done.answer is None or done.second is None or not done.answer.issuer_authentication:
        return None if done.answer is None or done.answer.response_code != _APPROVED else False
    return done.second.kind is Cryptogram.TC and not done.flagged(_ISSUER_FAILED)


def _scripted(means: SampleMeans, side: Side, host: IssuerHost) -> bool | None:
    """Whether the card did a script; None where it did not come so far."""
    done = _run(means, side, host).transaction
    if done.answer is None or not done.answer.scripts or done.second is None:
        return None
    return not done.flagged(_SCRIPT_FAILED)


def _presented(means: SampleMeans, side: Side) -> tuple[bool | None, int | None]:
    """Present the issued PIN once, if the counter allows another try after it."""
    counter = (side.data or {}).get(_PIN_COUNTER, b"")
    if means.pin is None or int.from_bytes(counter, "big") < 2:
        return None, None
    card = EmvCard(means.channel)
    try:
        fci = card.select(side.aid)
        card.get_processing_options(bytes(dol_size(fci.pdol)))
        answer = card.verify(PinForm.PLAINTEXT, format_2(means.pin))
        tries = int.from_bytes(card.get_data(_PIN_COUNTER), "big")
    except CardError:
        return None, None
    return answer.accepted, tries
