"""A whole transaction, from the first SELECT to the last script (EMV 4.4 Book 3 8, figure 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.commands import Cryptogram
from cardkit.apps.emv.terminal import contactless
from cardkit.apps.emv.terminal.authenticate import authenticate
from cardkit.apps.emv.terminal.cardholder import verify_cardholder
from cardkit.apps.emv.terminal.cryptogram import first_generate, second_generate
from cardkit.apps.emv.terminal.decide import decide, decide_alone
from cardkit.apps.emv.terminal.initiate import initiate, read_records, require_mandatory
from cardkit.apps.emv.terminal.magstripe import compute_codes, is_mag_stripe
from cardkit.apps.emv.terminal.online import approved, authenticate_issuer, go_online, run_scripts
from cardkit.apps.emv.terminal.restrictions import restrict
from cardkit.apps.emv.terminal.risk import manage_risk
from cardkit.apps.emv.terminal.selection import candidates, select_application
from cardkit.apps.emv.terminal.start import terminal_data
from cardkit.apps.emv.terminal.transaction import Line, Surroundings, Transaction
from cardkit.channel import Channel
from cardkit.errors import CardError, ProtocolError

_ARC = b"\x8a"
_UNABLE_APPROVED, _UNABLE_DECLINED, _DECLINED = b"Y3", b"Z3", b"Z1"


class Outcome(StrEnum):
    """How a transaction ends."""

    APPROVED_OFFLINE = "approved offline"
    APPROVED_ONLINE = "approved online"
    DECLINED_OFFLINE = "declined offline"
    DECLINED_ONLINE = "declined online"
    TERMINATED = "terminated"

    @property
    def approved(self) -> bool:
        """Whether goods change hands."""
        return self in (Outcome.APPROVED_OFFLINE, Outcome.APPROVED_ONLINE)


@dataclass(frozen=True, slots=True)
class Result:
    """A transaction as it ended.

    :ivar error: what ended it before its time; None where it came to its end.
    """

    outcome: Outcome
    transaction: Transaction
    error: CardError | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """The story, in order."""
        return tuple(self.transaction.lines)


def run_transaction(channel: Channel, around: Surroundings) -> Result:
    """Take a card through one transaction.

    :param channel: to a card that was just powered.
    :returns: also where the card misbehaves: the outcome is TERMINATED then, and `error` says why.
    :raises TransportError: when the link fails.  :raises KeyStoreError: when the host lacks a key.
    """
    transaction = Transaction(EmvCard(channel), around, terminal_data(around))
    try:
        outcome = _run(transaction)
    except CardError as error:
        transaction.problem(f"transaction terminated: {error}", clause="Book 3 7.5")
        return Result(Outcome.TERMINATED, transaction, error)
    transaction.phase = "completion"
    transaction.say(str(outcome), clause="Book 3 10.11")
    return Result(outcome, transaction)


def _run(transaction: Transaction) -> Outcome:
    _begin(transaction)
    _phase(transaction, "reading", read_records)
    if transaction.around.contactless and contactless.decided_at_once(transaction):
        return _finish_at_once(transaction)
    if transaction.around.contactless and is_mag_stripe(transaction):
        transaction.phase = "card action analysis"
        compute_codes(transaction)
        return _complete_online(transaction)
    require_mandatory(transaction)
    _phase(transaction, "offline data authentication", authenticate)
    _phase(transaction, "processing restrictions", restrict)
    _phase(transaction, "cardholder verification", verify_cardholder)
    _phase(transaction, "terminal risk management", manage_risk)
    transaction.phase = "terminal action analysis"
    asked = decide(transaction)
    transaction.phase = "card action analysis"
    answer = first_generate(transaction, asked)
    if answer.kind is Cryptogram.ARQC:
        return _complete_online(transaction)
    if transaction.signature_failed:
        transaction.problem("approved by the card, but its signature is wrong: declined", clause="Book 2 6.6.2")
        return Outcome.DECLINED_OFFLINE
    return Outcome.APPROVED_OFFLINE if answer.kind is Cryptogram.TC else Outcome.DECLINED_OFFLINE


def _phase(transaction: Transaction, name: str, work: Callable[[Transaction], None]) -> None:
    transaction.phase = name
    work(transaction)


def _begin(transaction: Transaction) -> None:
    """Select an application that takes this transaction; one that refuses is dropped (Book 1 12.4)."""
    transaction.phase = "application selection"
    if transaction.around.contactless:
        contactless.qualify(transaction)
    for candidate in candidates(transaction):
        transaction.phase = "application selection"
        if select_application(transaction, candidate):
            transaction.phase = "initiate application processing"
            if initiate(transaction):
                return
    raise ProtocolError("no application is left")


def _complete_online(transaction: Transaction) -> Outcome:
    """Ask the issuer and end with the second GENERATE AC (Book 3 10.9 to 10.11)."""
    if transaction.signature_failed:
        return _refuse(transaction)
    transaction.phase = "online processing"
    answer = go_online(transaction)
    if answer is None:
        return _complete_alone(transaction)
    if not transaction.around.contactless:
        authenticate_issuer(transaction, answer)
        run_scripts(transaction, answer, final=False)
        transaction.phase = "completion"
        final = second_generate(transaction, Cryptogram.TC if approved(answer) else Cryptogram.AAC)
        transaction.phase = "issuer scripts"
        run_scripts(transaction, answer, final=True)
        good = final.kind is Cryptogram.TC and not transaction.signature_failed
        return Outcome.APPROVED_ONLINE if good else Outcome.DECLINED_ONLINE
    return Outcome.APPROVED_ONLINE if approved(answer) else Outcome.DECLINED_ONLINE


def _complete_alone(transaction: Transaction) -> Outcome:
    """End a transaction whose issuer could not be reached (Book 3 10.7, 10.9)."""
    if transaction.around.contactless:
        return Outcome.DECLINED_OFFLINE
    asked = decide_alone(transaction)
    transaction.data[_ARC] = _UNABLE_APPROVED if asked is Cryptogram.TC else _UNABLE_DECLINED
    transaction.phase = "completion"
    final = second_generate(transaction, asked)
    good = final.kind is Cryptogram.TC and not transaction.signature_failed
    return Outcome.APPROVED_OFFLINE if good else Outcome.DECLINED_OFFLINE


def _refuse(transaction: Transaction) -> Outcome:
    """Decline for a wrong signature: the issuer is not asked (Book 2 6.6.2)."""
    transaction.problem("the signature is wrong: declined without asking the issuer", clause="Book 2 6.6.2")
    if not transaction.around.contactless:
        transaction.data[_ARC] = _DECLINED
        transaction.phase = "completion"
        second_generate(transaction, Cryptogram.AAC)
    return Outcome.DECLINED_OFFLINE


def _finish_at_once(transaction: Transaction) -> Outcome:
    """End a contactless transaction whose cryptogram came with GET PROCESSING OPTIONS."""
    transaction.phase = "card action analysis"
    answer = contactless.first_cryptogram(transaction)
    transaction.phase = "processing restrictions"
    restrict(transaction)
    transaction.phase = "offline data authentication"
    kind = contactless.judge_offline(transaction, answer)
    transaction.phase = "cardholder verification"
    verified = contactless.verify_cardholder(transaction)
    if kind is Cryptogram.AAC or not verified:
        return Outcome.DECLINED_OFFLINE
    if kind is Cryptogram.TC:
        return Outcome.APPROVED_OFFLINE
    transaction.phase = "online processing"
    return _complete_online(transaction)
