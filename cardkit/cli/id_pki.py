"""``cardkit id pki``: a test issuing PKI in a folder, its keys in a key store."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from cardkit.apps.pki import cvc, issuing
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.cms import Signer
from cardkit.apps.pki.crl import Crl, Revocation, issue_crl
from cardkit.apps.pki.cvc import CvCertificate, CvRequest, Right, check_chain
from cardkit.apps.pki.issuing import Request, Term
from cardkit.apps.pki.masterlist import issue_master_list
from cardkit.apps.pki.names import name_text
from cardkit.apps.pki.signing import SigningKey
from cardkit.apps.pki.trust import TrustStore
from cardkit.cli import options
from cardkit.cli.id_pki_folder import Index, Kind, PkiFolder, Revoked, moment_of, signing_key
from cardkit.cli.keys_option import URL_HELP, open_managed, passphrase_fd
from cardkit.cli.render import facts, print_json
from cardkit.cli.secrets_input import source
from cardkit.crypto.management import ManagedKeyStore, utc_now
from cardkit.errors import EncodingError

_YEAR = timedelta(days=366)
_SIGNING_PERIOD = timedelta(days=90)  # of a document signer: three months at most (9303-12 7.1)
_CSCA_SIGNING = 3 * _YEAR
_CRL_PERIOD = timedelta(days=90)
_RIGHTS = {"finger": Right.FINGER, "iris": Right.IRIS}


@click.group()
def pki() -> None:
    """Make a test issuing PKI: certificates and lists in a folder, keys in a key store.

    Keys are taken from the store by reference; a store of test keys makes those it does not have.

    \b
    cardkit keys init --store utopia.keys
    cardkit id pki init --keys file:utopia.keys --dir utopia --country UT --state UTO --organization Utopia
    cardkit id pki issue-ds --keys file:utopia.keys --dir utopia --types P,I
    cardkit id pki crl --keys file:utopia.keys --dir utopia
    """


def in_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--keys``, ``--dir``, ``--at`` and ``--json``; the command returns what it made, which is shown."""

    @functools.wraps(command)
    def opening(
        *, keys_url: str, descriptor: int | None, folder: Path, at: str | None, as_json: bool, **given: Any
    ) -> None:
        with open_managed(keys_url, source(descriptor)) as store:
            made = command(store=store, folder=folder, now=moment_of(at, utc_now()), **given)
        print_json(made) if as_json else facts(made.items())

    parameters = (
        click.option("--keys", "keys_url", required=True, metavar="URL", help=URL_HELP),
        passphrase_fd,
        click.option(
            "--dir", "folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="Of the PKI."
        ),
        click.option("--at", metavar="TIME", help="Time of issue, ISO 8601; by default now."),
        options.as_json,
    )
    for parameter in reversed(parameters):
        opening = parameter(opening)
    return opening


@pki.command()
@in_folder
@click.option("--country", help="Two capital letters; needed for a new PKI.")
@click.option("--state", help="Three letters as in the zone (D for Germany); needed for a new PKI.")
@click.option("--organization", default="Test", show_default=True)
@click.option("--common-name", default="", help="Of the CSCA; by default CSCA- and the state.")
@click.option(
    "--uri", default="https://csca.example", show_default=True, help="Of the authority, for its certificates."
)
@click.option("--key", default="pki:csca-1", show_default=True, metavar="REF", help="The CSCA's key; usage sign.")
@click.option("--algorithm", default="EC-BP384", show_default=True, help="Of a key that has to be made.")
@click.option(
    "--explicit", is_flag=True, help="Write out curve parameters, as ICAO wants; openssl verify takes no such key."
)
@click.option("--renew", is_flag=True, help="A new CSCA in a PKI that has one: self-signed, and a link certificate.")
def init(
    store: ManagedKeyStore,
    folder: Path,
    now: datetime,
    country: str | None,
    state: str | None,
    organization: str,
    common_name: str,
    uri: str,
    key: str,
    algorithm: str,
    explicit: bool,
    renew: bool,
) -> dict[str, str]:
    """Make a CSCA, the first of a PKI or the next one."""
    if renew:
        return _renew(PkiFolder.open(folder), signing_key(store, key, algorithm), common_name, now)
    if not country or not state:
        raise EncodingError("a new PKI: --country and --state are needed")
    opened = PkiFolder.create(folder, Index(country, state, organization, uri, explicit))
    request = _authority_request(opened, signing_key(store, key, algorithm), common_name, now)
    made = {"csca": opened.add("csca", key, issuing.issue_root(request, opened.place))}
    return _shown(opened, made)


def _renew(folder: PkiFolder, new: SigningKey, common: str, now: datetime) -> dict[str, str]:
    old, old_key = folder.authority(new.keystore)
    if new.reference == old_key.reference:
        raise EncodingError(f"key {new.reference}: is that of the CSCA there is; --key names a new one")
    request = _authority_request(folder, new, common, now)
    link = issuing.issue_link(request, folder.place, old, old_key)
    root = issuing.issue_root(request, folder.place)
    return _shown(
        folder, {"link": folder.add("link", new.reference, link), "csca": folder.add("csca", new.reference, root)}
    )


def _authority_request(folder: PkiFolder, key: SigningKey, common: str, now: datetime) -> Request:
    name = folder.name("Passport Authority", common or f"CSCA-{folder.index.state}")
    term = Term(now, now + _CSCA_SIGNING + 11 * _YEAR, now + _CSCA_SIGNING)
    return Request(_serial(), name, key, term, folder.index.explicit)


@pki.command("issue-ds")
@in_folder
@click.option("--key", default="pki:ds-1", show_default=True, metavar="REF", help="The signer's key; usage sign.")
@click.option("--algorithm", default="EC-P256", show_default=True, help="Of a key that has to be made.")
@click.option("--types", default="P,I", show_default=True, help="Documents it signs, as codes of the zone.")
@click.option("--document-years", type=click.IntRange(1, 15), default=10, show_default=True)
@click.option("--list-signer", is_flag=True, help="A signer of master lists instead of documents.")
def issue_ds(
    store: ManagedKeyStore,
    folder: Path,
    now: datetime,
    key: str,
    algorithm: str,
    types: str,
    document_years: int,
    list_signer: bool,
) -> dict[str, str]:
    """Certify a document signer with the newest CSCA; its key signs for three months."""
    opened = PkiFolder.open(folder)
    authority, authority_key = opened.authority(store)
    term = Term(now, now + _SIGNING_PERIOD + document_years * _YEAR, now + _SIGNING_PERIOD)
    kind = "list-signer" if list_signer else "ds"
    number = 1 + sum(1 for line in opened.index.lines if line.kind == kind)
    name = opened.name("List Signer" if list_signer else "Document Signer", f"{opened.index.state}-{kind}-{number:03}")
    request = Request(_serial(), name, signing_key(store, key, algorithm), term, opened.index.explicit)
    if list_signer:
        content = issuing.issue_list_signer(request, opened.place, authority, authority_key)
        return _shown(opened, {"list-signer": opened.add("list-signer", key, content)})
    kinds = [kind.strip() for kind in types.split(",") if kind.strip()]
    content = issuing.issue_document_signer(request, opened.place, authority, authority_key, kinds)
    return _shown(opened, {"ds": opened.add("ds", key, content)})


@pki.command()
@in_folder
@click.option(
    "--revoke", multiple=True, metavar="FILE", help="A certificate of the folder; may be given several times."
)
def crl(store: ManagedKeyStore, folder: Path, now: datetime, revoke: tuple[str, ...]) -> dict[str, str]:
    """Issue the next revocation list of the newest CSCA; it is good for 90 days."""
    opened = PkiFolder.open(folder)
    authority, key = opened.authority(store)
    for name in revoke:
        revoked = Certificate.parse((folder / Path(name).name).read_bytes())
        opened.index.revoked.append(Revoked(f"{revoked.serial:X}", now))
    opened.index.crl_number += 1
    entries = [Revocation(int(one.serial, 16), one.at) for one in opened.index.revoked]
    content = issue_crl(authority, key, opened.index.crl_number, (now, now + _CRL_PERIOD), entries)
    path = opened.write(f"crl-{opened.index.crl_number}.crl", content)
    opened.save()
    made = Crl.parse(content)
    return {"crl": str(path), "number": str(made.number), "revoked": str(len(made.revoked))}


@pki.command("master-list")
@in_folder
@click.option(
    "--add", multiple=True, type=click.Path(path_type=Path, exists=True), help="CSCA certificate of another state."
)
def master_list(store: ManagedKeyStore, folder: Path, now: datetime, add: tuple[Path, ...]) -> dict[str, str]:
    """Sign a master list: every CSCA of the folder, and those added; issue-ds --list-signer makes its signer."""
    opened = PkiFolder.open(folder)
    own = [opened.content(line) for line in opened.index.lines if line.kind in ("csca", "link")]
    others = TrustStore.of((str(path), path.read_bytes()) for path in add)
    if others.troubles:
        raise EncodingError(others.troubles[0])
    line = opened.newest("list-signer")
    signer = Signer(SigningKey(store, line.key), opened.content(line))
    certificates = [*own, *(one.der for one in others.authorities)]
    content = issue_master_list(certificates, signer, opened.content(opened.newest("csca")), now)
    opened.index.list_number += 1
    path = opened.write(f"master-list-{opened.index.list_number}.ml", content)
    opened.save()
    return {"master_list": str(path), "certificates": str(len(set(certificates)))}


@pki.command()
@in_folder
@click.option("--key", default="pki:cvca-1", show_default=True, metavar="REF", help="The CVCA's key; usage sign.")
@click.option("--verifier-key", default="pki:dv-1", show_default=True, metavar="REF", help="The document verifier's.")
@click.option("--terminal-key", default="pki:is-1", show_default=True, metavar="REF", help="The inspection system's.")
@click.option("--algorithm", default="EC-P256", show_default=True, help="Of keys that have to be made.")
@click.option(
    "--rights", default="finger", show_default=True, help="What the terminal may read: finger, iris, or both."
)
@click.option(
    "--days", type=click.IntRange(1, 366), default=30, show_default=True, help="The terminal's certificate lasts."
)
def cvca(
    store: ManagedKeyStore,
    folder: Path,
    now: datetime,
    key: str,
    verifier_key: str,
    terminal_key: str,
    algorithm: str,
    rights: str,
    days: int,
) -> dict[str, str]:
    """Make the other PKI, of terminals: a CVCA, a document verifier and an inspection system."""
    opened = PkiFolder.open(folder)
    allowed = _rights(rights)
    country = opened.index.country
    holders = (f"{country}CVCA00001", f"{country}DV00001", f"{country}IS00001")
    roles = (Right.AUTHORITY | Right.FINGER | Right.IRIS, Right.DOMESTIC_VERIFIER | allowed, allowed)
    keys = [signing_key(store, reference, algorithm) for reference in (key, verifier_key, terminal_key)]
    ends = (now + 3 * _YEAR, now + timedelta(days=92), now + timedelta(days=days))
    made: dict[str, Path] = {}
    kinds: tuple[Kind, ...] = ("cvca", "dv", "is")
    for at, kind in enumerate(kinds):
        request = CvRequest(holders[at], keys[at], roles[at], now.date(), ends[at].date())
        above = max(0, at - 1)
        content = cvc.issue(request, holders[above], keys[above])
        made[kind] = opened.add(kind, keys[at].reference, content, "cvcert")
    opened.save()
    point, *chain = (CvCertificate.parse(path.read_bytes()) for path in made.values())
    effective = Right(check_chain(point, chain)[0])
    shown = {kind: str(path) for kind, path in made.items()}
    return shown | {"rights": ", ".join(word for word, right in _RIGHTS.items() if right in effective)}


def _rights(text: str) -> Right:
    found = Right(0)
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word not in _RIGHTS:
            raise EncodingError(f"right {word!r}, expected {' or '.join(_RIGHTS)}")
        found |= _RIGHTS[word]
    return found


def _shown(folder: PkiFolder, made: dict[str, Path]) -> dict[str, str]:
    """Save the index, and return what was made: file, name and fingerprint of each certificate."""
    folder.save()
    shown = {}
    for kind, path in made.items():
        certificate = Certificate.parse(path.read_bytes())
        shown[kind] = str(path)
        shown[f"{kind}_subject"] = name_text(certificate.subject)
        shown[f"{kind}_sha256"] = certificate.sha256
    return shown


def _serial() -> int:
    """Return a positive serial number of 16 random bytes."""
    return int.from_bytes(os.urandom(16), "big") | 1 << 127
