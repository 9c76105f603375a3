"""``cardkit gp identify``: which keys a card has, from one INITIALIZE UPDATE and no try."""

from __future__ import annotations

import click

from cardkit.apps.gp.identify import Candidate, Identification, Trial, diversified, identify, published_candidates
from cardkit.apps.gp.words import Document, upper_hex
from cardkit.cli import options
from cardkit.cli.gp_session import Access, greet, greeting_options, select, warn_of_published
from cardkit.cli.render import facts, print_json, table
from cardkit.crypto.cardkeys import KeySetSpec, parse_key_set
from cardkit.errors import KeyStoreError
from cardkit.target import open_card


@click.command("identify")
@options.reader
@click.option(
    "--key", "texts", multiple=True, metavar="REF",
    help="A key set, KVN=REF[,REF,REF][/SCHEME]; without SCHEME every usual one is tried. May be given several times.",
)  # fmt: skip
@greeting_options
@options.as_json
def identify_keys(reader: str, texts: tuple[str, ...], access: Access, as_json: bool) -> None:
    """Find which keys and diversification a card has.

    One INITIALIZE UPDATE is sent; the rest is arithmetic. Keys everybody knows are always tried too.
    """
    given = [parse_key_set(text) for text in texts]
    candidates = [Candidate(access.keystore, keys) for text, spec in zip(texts, given, strict=True)
                  for keys in ((spec,) if "/" in text else diversified(spec))]  # fmt: skip
    with open_card(reader) as card:
        domain = select(card.channel, access)
        greeting, challenge = greet(domain, _version(given), access.parameters)
    found = identify(greeting, challenge, [*candidates, *published_candidates()])
    if as_json:
        print_json(_document(found, len(candidates)))
    else:
        _show(found, len(candidates))
    match = found.match()
    if match.published:
        warn_of_published(match, greeting)


def _version(given: list[KeySetSpec]) -> int:
    """Return the key version to ask for: one, for there is one INITIALIZE UPDATE."""
    versions = sorted({keys.kvn for keys in given})
    if len(versions) > 1:
        names = ", ".join(f"{version:02X}" for version in versions)
        raise KeyStoreError(f"--key: got key versions {names}, expected one: ask for one after another")
    return versions[0] if versions else 0


def _document(found: Identification, own: int) -> Document:
    """Return the result for ``--json``; of the published keys only those that can be tried."""
    greeting = found.greeting
    return {
        "kdd": upper_hex(greeting.kdd),
        "kvn": f"{greeting.kvn:02X}",
        "scp": f"{greeting.scp:02X}",
        "i": None if greeting.i is None else f"{greeting.i:02X}",
        "sequence_counter": upper_hex(greeting.sequence),
        "proves": found.proves,
        "matches": [_trial_document(trial) for trial in found.matches],
        "tried": [_trial_document(trial) for trial in found.trials if not trial.impossible],
        "impossible": [
            {**_trial_document(trial), "why": trial.impossible} for trial in found.trials[:own] if trial.impossible
        ],
    }


def _trial_document(trial: Trial) -> Document:
    return {
        "key_set": str(trial.keys),
        "kcv": trial.kcv,
        "scheme": str(trial.keys.scheme),
        "published": trial.published or None,
    }


def _show(found: Identification, own: int) -> None:
    """Print the greeting, every candidate the user named, and whatever fits."""
    greeting = found.greeting
    option = "" if greeting.i is None else f" i={greeting.i:02X}"
    facts(
        [
            ("diversification data", greeting.kdd.hex().upper()),
            ("key version", f"{greeting.kvn:02X}"),
            ("secure channel", f"SCP{greeting.scp:02X}{option}"),
            ("sequence counter", upper_hex(greeting.sequence) or "none"),
        ]
    )
    rows = [_row(trial, found.proves) for at, trial in enumerate(found.trials) if at < own or trial in found.matches]
    if rows:
        click.echo()
        table(["key", "KCV", "diversification", "result"], rows)


def _row(trial: Trial, proves: str) -> tuple[str, str, str, str]:
    result = f"fits, {proves} proved" if trial.fits else trial.impossible or "does not fit"
    return trial.keys.enc, trial.kcv, str(trial.keys.scheme), result
