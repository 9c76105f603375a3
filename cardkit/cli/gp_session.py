"""Options of verbs that talk to a security domain, and the session they open."""

from __future__ import annotations

import functools
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

from cardkit.apps.gp.aids import checked_aid
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.identify import Trial, identify, published_candidates
from cardkit.channel import Channel
from cardkit.cli import keys_option
from cardkit.cli.gp_scp11 import Certificates, scp11_options
from cardkit.cli.hexadecimal import from_hex
from cardkit.cli.render import say
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import KeySetSpec, parse_key_set
from cardkit.errors import EncodingError, ProfileError
from cardkit.secure.greeting import Greeting
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.parameters import Parameters, decode_parameters
from cardkit.target import open_card

_PROTOCOL = re.compile(r"(?:SCP)?(?P<scp>[0-9A-F]{2}):(?P<i>[0-9A-F]{2})", re.IGNORECASE)
_LEVEL_TEXT = re.compile("[0-9A-Fa-f]{1,2}")
_LONGEST_CHALLENGE = 16


@dataclass(frozen=True, slots=True)
class Access:
    """What the options say about the domain and the session with it.

    :param aid: of the domain; None for the issuer's.  :param keys: None to look for keys everybody knows.
    :param level: None for the strongest the card has.  :param parameters: None for what the card names.
    :param certificates: for SCP11, which asks for no key set.
    """

    keystore: KeyStore
    aid: bytes | None = None
    keys: KeySetSpec | None = None
    level: SecurityLevel | None = None
    parameters: Parameters | None = None
    certificates: Certificates | None = None


_AID = click.option("--aid", metavar="HEX", help="The security domain; by default that of the issuer.")
_SCP = click.option(
    "--scp", metavar="NN:II", help="Protocol and its option i, such as 03:70; by default what the card names."
)
_KEY_SET = click.option(
    "--key-set", metavar="KVN=REF", help="Keys of the session, such as 30=plant:kmc/kdf3; by default published ones."
)
_LEVEL = click.option(
    "--level",
    metavar="HEX",
    help="01 C-MAC, 03 also encrypted commands, 13 also R-MAC, 33 all encrypted; by default the strongest.",
)


def domain_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--aid``; the command gets ``aid``, None for the issuer's domain."""

    @functools.wraps(command)
    def with_aid(*arguments: Any, aid: str | None, **others: Any) -> Any:
        return command(*arguments, aid=parse_aid(aid), **others)

    return _AID(with_aid)


def greeting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--aid``, ``--scp`` and ``--keys``; the command gets an :class:`Access` as ``access``."""
    return _AID(_SCP(_collected(command)))


def session_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what :func:`greeting_options` adds, ``--key-set`` and ``--level``: all a session takes."""
    return _AID(_KEY_SET(_LEVEL(_SCP(scp11_options(_collected(command))))))


def _collected(command: Callable[..., Any]) -> Callable[..., Any]:
    @keys_option.keystore
    @functools.wraps(command)
    def with_access(
        *arguments: Any,
        keystore: KeyStore,
        aid: str | None,
        scp: str | None,
        key_set: str | None = None,
        level: str | None = None,
        certificates: Certificates | None = None,
        **others: Any,
    ) -> Any:
        access = Access(
            keystore,
            parse_aid(aid),
            None if key_set is None else parse_key_set(key_set),
            None if level is None else parse_level(level),
            None if scp is None else parse_protocol(scp),
            certificates,
        )
        return command(*arguments, access=access, **others)

    return with_access


@contextmanager
def opened_domain(reader: str, access: Access) -> Iterator[SecurityDomain]:
    """Select a security domain and open a session with it; the session ends with the block.

    Errors as :meth:`SecurityDomain.open`.
    """
    with open_card(reader) as card:
        domain = select(card.channel, access)
        open_session(domain, access)
        try:
            yield domain
        finally:
            domain.close()


def open_session(domain: SecurityDomain, access: Access) -> None:
    """Open a session as the options say: by certificates, by the key set named, or by published keys that fit.

    Errors as :meth:`SecurityDomain.open` and :meth:`SecurityDomain.open_scp11`.
    """
    if access.certificates is not None:
        domain.open_scp11(access.keystore, access.certificates.agreement(domain, access.level))
        return
    keystore, keys = (access.keystore, access.keys) if access.keys else known_keys(domain, access)
    challenge = secrets.token_bytes(_LONGEST_CHALLENGE)
    domain.open(keystore, keys, access.level, host_challenge=challenge, parameters=access.parameters)


def select(channel: Channel, access: Access) -> SecurityDomain:
    """Select the domain the options name, and say what is strange in its answer."""
    domain = SecurityDomain.select(channel, access.aid)
    for finding in domain.fci.findings:
        say(f"note: {finding}")
    if domain.card_locked:
        say("warning: the card is CARD_LOCKED")
    return domain


def known_keys(domain: SecurityDomain, access: Access) -> tuple[KeyStore, KeySetSpec]:
    """Return the published keys a card has, found offline.

    :raises ProfileError: when it has others: somebody must say which.
    """
    greeting, challenge = greet(domain, 0, access.parameters)
    matches = identify(greeting, challenge, published_candidates()).matches
    if not matches:
        raise ProfileError(
            f"key version {greeting.kvn:02X} of this card has no published key, no try was spent: give --key-set"
        )
    warn_of_published(matches[0], greeting)
    return matches[0].candidate.keystore, matches[0].keys


def greet(domain: SecurityDomain, kvn: int, parameters: Parameters | None) -> tuple[Greeting, bytes]:
    """Send one INITIALIZE UPDATE; return the answer and the host challenge it belongs to."""
    offered = (parameters,) if parameters is not None else domain.protocols()
    challenge = secrets.token_bytes(offered[0].challenge_size if offered else 8)
    return domain.greet(kvn, challenge), challenge


def warn_of_published(trial: Trial, greeting: Greeting) -> None:
    """Tell on stderr that a card has keys everybody knows."""
    say(f"warning: key version {greeting.kvn:02X} has keys everybody knows ({trial.published}): {trial}")


def parse_aid(text: str | None) -> bytes | None:
    """Read the AID of a security domain, None for the issuer's.  :raises EncodingError: on anything else."""
    return None if text is None else checked_aid(from_hex(text), "--aid")


def parse_level(text: str) -> SecurityLevel:
    """Read a security level.  :raises EncodingError: on anything but hexadecimal.

    >>> parse_level("33")
    <SecurityLevel.C_MAC|C_DEC|R_MAC|R_ENC: 51>
    """
    if not _LEVEL_TEXT.fullmatch(text):
        raise EncodingError(f"--level {text}: expected hexadecimal digits such as 01, 03, 13 or 33")
    return SecurityLevel(int(text, 16))


def parse_protocol(text: str) -> Parameters:
    """Read a protocol and its option.  :raises EncodingError: on another form.  :raises ProfileError: on a bad option.

    >>> str(parse_protocol("03:70"))
    'SCP03 i=70'
    """
    match = _PROTOCOL.fullmatch(text)
    if match is None:
        raise EncodingError(f"--scp {text}: expected protocol and option such as 03:70 or 02:55")
    return decode_parameters(int(match["scp"], 16), int(match["i"], 16))
