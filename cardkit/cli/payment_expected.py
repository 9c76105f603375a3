"""What ``cardkit payment validate`` compares a card with: profile, order, key store, CA keys, the printer's file."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import cast

import click

from cardkit.apps.emv.app import EmvBlueprint
from cardkit.apps.emv.capk import CapkStore
from cardkit.apps.emv.rules.expectation import Expectation, Printed
from cardkit.apps.emv.rules.ordered import printed_cards
from cardkit.apps.emv.scripts import PIN_UNBLOCK
from cardkit.apps.emv.terminal.host import IssuerHost
from cardkit.cli.keys_option import open_keystore
from cardkit.cli.order import Job
from cardkit.cli.payment_issuer import IssuerChoice, add_authorities, add_capks, issuers_of, payment_files
from cardkit.cli.textfile import read_text
from cardkit.crypto import Secret
from cardkit.crypto.keysource import OpenKeyStore
from cardkit.errors import EncodingError
from cardkit.perso.planner import compiled
from cardkit.profile import Profile, Record, load_profile, read_order

_LIVE = "LIVE"


@dataclass(frozen=True, slots=True)
class ValidateChoice:
    """What the options say."""

    profile: str
    order_path: Path | None
    record_no: int | None
    keys_url: str
    capk: tuple[Path, ...]
    printed: Path | None
    descriptor: int | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a card is compared with.

    :param host, scripting: the issuer, and the same with a script in every answer; None without a profile.
    :param pin: issued with the card, None where it is not known in clear.
    """

    card: Expectation
    profile: Profile | None = None
    host: IssuerHost | None = None
    scripting: IssuerHost | None = None
    pin: Secret | None = None


def expected_card(choice: ValidateChoice, today: date, stack: ExitStack) -> Expected:
    """Read everything the options name.

    :param stack: closes the key store.
    :raises ProfileError: when the profile is of no payment card.  :raises EncodingError: on a wrong file.
    """
    capks = CapkStore()
    for path in choice.capk:
        add_capks(capks, read_text(path), str(path))
    if not choice.profile:
        if choice.order_path or choice.record_no or choice.keys_url or choice.printed:
            raise click.UsageError("order, record, keys and printed fields are read by a profile: expected --profile")
        return Expected(Expectation(today, capks if len(capks) else None))
    if (choice.order_path is None) != (choice.record_no is None):
        raise click.UsageError("--order and --record belong together")
    return _of_profile(choice, capks, today, stack)


def _of_profile(choice: ValidateChoice, capks: CapkStore, today: date, stack: ExitStack) -> Expected:
    profile = load_profile(choice.profile)
    files = payment_files(profile)
    add_authorities(capks, files)
    keystore = _keystore(choice, profile, stack)
    record = _record(choice, profile, keystore)
    blueprint = cast("EmvBlueprint", compiled(profile))  # of the block that payment_files has found
    card = blueprint.expectation(today, record, keystore)
    printed = _printed(choice, card)
    card = replace(card, capks=capks, printed=printed, production=profile.kind == _LIVE)
    if keystore is None:
        return Expected(card, profile)
    issuer = IssuerChoice(choice.profile, choice.keys_url, choice.capk, "", choice.descriptor)
    scripting = issuers_of(files, keystore, replace(issuer, scripts=(PIN_UNBLOCK,)))
    pin = card.holder.pin if card.holder is not None and isinstance(card.holder.pin, Secret) else None
    return Expected(card, profile, issuers_of(files, keystore, issuer), scripting, pin)


def _keystore(choice: ValidateChoice, profile: Profile, stack: ExitStack) -> OpenKeyStore | None:
    """Return the key store; None where a profile for people's cards comes without one."""
    if choice.keys_url:
        return stack.enter_context(open_keystore(choice.keys_url, choice.descriptor))
    if profile.test_keys is None and choice.order_path is None:
        return None
    return stack.enter_context(profile.test_keystore())


def _record(choice: ValidateChoice, profile: Profile, keystore: OpenKeyStore | None) -> Record | None:
    if choice.order_path is None or choice.record_no is None or keystore is None:
        return None
    order = read_order(profile, choice.order_path, keystore)
    return Job(profile, order, choice.order_path, keystore).record(choice.record_no)


def _printed(choice: ValidateChoice, card: Expectation) -> Printed | None:
    """Find the card of the order in the printer's file, or the only one there is."""
    if choice.printed is None:
        return None
    cards = list(printed_cards(read_text(choice.printed).splitlines()))
    wanted = [each for each in cards if card.holder is None or each.pan == card.holder.pan]
    if len(wanted) != 1:
        raise EncodingError(f"{choice.printed}: {len(wanted)} of {len(cards)} cards may be this one, expected one")
    return wanted[0]
