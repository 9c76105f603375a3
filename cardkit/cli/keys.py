"""``cardkit keys``: key stores and what is in them. Keys come and go under the eyes of two custodians."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from cardkit.cli import options
from cardkit.cli.keys_ceremony import Letter, combined, enrolled, hand_out, key_of_components, log_in
from cardkit.cli.keys_option import open_managed, passphrase_fd
from cardkit.cli.keys_session import all_sign, certificate_of, custody, parts_of, transcript_of
from cardkit.cli.render import print_json, say, table
from cardkit.cli.secrets_input import SecretSource, source
from cardkit.crypto import Usage
from cardkit.crypto.filestore import FileKeyStore, Kind, inventory
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.keysource import FILE, PKCS11, OpenManagedKeyStore, file_path
from cardkit.crypto.management import KeyEntry, NewKey
from cardkit.errors import KeyStoreError
from cardkit.production.people.ceremony import Ceremony

_USAGES = [usage.value for usage in Usage]
_BY = click.option(
    "--by", multiple=True, metavar="NAME", help="A custodian who takes part; may be given several times."
)
_UNDER = click.option("--under", required=True, metavar="REF", help="The block protection key in the same store.")


@click.group()
def keys() -> None:
    """Keep keys in an encrypted file or on a PKCS#11 token.

    A store is a FILE or pkcs11:token=LABEL?module-path=LIBRARY. Passphrases, PINs and components are asked for without
    echo, or read line by line from --passphrase-fd in the order they would be asked for.
    """


def in_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--store`` and ``--passphrase-fd``; the command gets the open ``store`` and the source of ``secrets``."""

    @functools.wraps(command)
    def opening(*args: object, store_url: str, descriptor: int | None, **given: object) -> object:
        secrets = source(descriptor)
        with open_managed(_url(store_url), secrets) as store:
            result = command(*args, store=store, secrets=secrets, **given)
            if isinstance(store, FileKeyStore):
                say(f"{store_url}: write {store.counter}, sha256 {store.sha256}")
            return result

    return _store_option(passphrase_fd(opening))


def _store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--store", "store_url", required=True, metavar="URL", help="FILE or pkcs11:URI.")(command)


def _url(text: str) -> str:
    return text if text.startswith((FILE, PKCS11)) else FILE + text


def new_key(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what is said of a new key; the command gets it as ``new``."""

    @functools.wraps(command)
    def described(
        *args: object,
        reference: str,
        algorithm: str,
        usage: str,
        customer: str,
        kvn: str | None,
        exportable: bool,
        not_after: datetime | None,
        by: Sequence[str],
        **given: object,
    ) -> object:
        number = _key_version(kvn) if kvn is not None else None
        last_day = not_after.date() if not_after else None
        terms = NewKey(reference, algorithm, Usage(usage), customer, number, exportable, last_day, ", ".join(by))
        return command(*args, new=terms, by=by, **given)

    for option in (
        _BY,
        click.option("--not-after", type=click.DateTime(["%Y-%m-%d"]), help="Last day of its cryptoperiod."),
        click.option("--exportable", is_flag=True, help="It may leave in a key block."),
        click.option("--kvn", metavar="HEX", help="Key version number, 00 to FF."),
        click.option("--customer", default="", metavar="NAME", help="Whose key it is."),
        click.option("--usage", required=True, type=click.Choice(_USAGES), help="Its one purpose."),
        click.option(
            "--algorithm",
            default="",
            metavar="A",
            help="AES-128, 3DES-128, HMAC-256, EC-P256, RSA-2048 ...; a card-secret has none.",
        ),
        click.argument("reference", metavar="REF"),
    ):
        described = option(described)
    return described


def _key_version(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise KeyStoreError(f"--kvn {text!r}: expected two hex digits") from None


@keys.command()
@_store_option
@passphrase_fd
@click.option("--live", is_flag=True, help="For real keys: it never takes a known test key. Without it: TEST.")
@click.option(
    "--custodian", "names", multiple=True, metavar="NAME", help="Who may bring components; two or more for LIVE."
)
@click.option("--shares", metavar="M/N", help="A file opened by any M of N people instead of a passphrase.")
@click.option("--share-fd", type=click.IntRange(min=0), metavar="N", help="Write the shares there, a line each.")
def init(
    store_url: str, descriptor: int | None, live: bool, names: Sequence[str], shares: str | None, share_fd: int | None
) -> None:
    """Make a key store: a new file, or a token that its own tool has initialized."""
    secrets = source(descriptor)
    kind: Kind = "LIVE" if live else "TEST"
    if live and len(names) < 2:
        raise KeyStoreError(f"custodians of a LIVE store: {len(names)}, expected 2 or more by --custodian")
    store = _new_token(store_url, kind, names, secrets) if store_url.startswith(PKCS11) else None
    if store is None:
        store = _new_file(file_path(store_url), kind, names, secrets, (shares, share_fd))
    with store:
        click.echo(f"{store_url}: a {store.kind} key store")


def _new_token(url: str, kind: Kind, names: Sequence[str], secrets: SecretSource) -> OpenManagedKeyStore:
    from cardkit.crypto.pkcs11store import Pkcs11KeyStore  # noqa: PLC0415  an extra: not everybody has it

    pin = secrets.secret("PIN of the token")
    return Pkcs11KeyStore.create(url, kind, pin, custodians=enrolled(names, secrets))


def _new_file(
    path: Path, kind: Kind, names: Sequence[str], secrets: SecretSource, sharing: tuple[str | None, int | None]
) -> FileKeyStore:
    shares, share_fd = sharing
    if shares is None:
        passphrase = secrets.twice(f"new passphrase of {path}")
        return FileKeyStore.create(path, kind, passphrase, custodians=enrolled(names, secrets))
    m, _, n = shares.partition("/")
    if not (m.isdigit() and n.isdigit()):
        raise KeyStoreError(f"--shares {shares!r}: expected M/N, such as 2/3")
    store, made = FileKeyStore.create_shared(path, kind, int(m), int(n), custodians=enrolled(names, secrets))
    hand_out(made, share_fd)
    return store


@keys.command("list")
@_store_option
@passphrase_fd
@options.as_json
def list_(store_url: str, descriptor: int | None, as_json: bool) -> None:
    """List the keys of a store. A file needs no passphrase for that, and is not checked for changes either."""
    if store_url.startswith(PKCS11):
        with open_managed(store_url, source(descriptor)) as store:
            kind, entries = str(store.kind), store.entries()
    else:
        kind, entries = inventory(file_path(store_url))
    if as_json:
        print_json({"store": store_url, "kind": kind, "keys": [_document(entry) for entry in entries]})
        return
    say(f"{store_url}: a {kind} key store, {len(entries)} keys")
    table(["key", "algorithm", "usage", "kvn", "kcv", "method", "state", "until", "custodian"], map(_row, entries))


@keys.command("import")
@new_key
@click.option("--kcv", "check", metavar="HEX", help="Check value of the whole key, as the letter has it.")
@click.option("--kcv-method", type=click.Choice([method.value for method in KCVMethod]), help="And how it was made.")
@click.option("--block", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="A TR-31 key block.")
@click.option("--under", metavar="REF", help="With --block: the block protection key in the same store.")
@in_store
def import_(
    store: OpenManagedKeyStore,
    secrets: SecretSource,
    new: NewKey,
    by: Sequence[str],
    check: str | None,
    kcv_method: str | None,
    block: Path | None,
    under: str | None,
) -> None:
    """Import key REF: from components that two or more custodians type, or from a TR-31 key block.

    A code that cards are shown in clear, such as a chip's transport ADM, is a card-secret: 1 to 32 bytes in a key
    file, in components as well (hex), with no algorithm and no check value, by which a short code could be found.

    \b
    cardkit keys import plant:kmc --store FILE --algorithm AES-128 --usage master-derive \\
        --by ann --by bob --kcv 6F2F9BE174 --kcv-method cmac_zero_block_5
    cardkit keys import order:kek --store FILE --algorithm AES-128 --usage kek \\
        --by ann --by bob --block kek.txt --under order:kbpk
    cardkit keys import plant:adm1 --store FILE --usage card-secret --by ann --by bob
    """
    if (block is None) != (under is None):
        raise KeyStoreError("--block and --under go together")
    if block is not None and under is not None:
        log_in(store, by, secrets)
        _show(store.import_block(new, _read_block(block), under))
        return
    store.check_new(new)
    with key_of_components(store, by, Letter.of(new, check, kcv_method), secrets) as value:
        _show(store.import_key(new, value))


def _read_block(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except ValueError:
        raise KeyStoreError(f"{path}: a key block is ASCII text") from None


@keys.command()
@new_key
@click.option("--officer", required=True, metavar="NAME", help="The security officer who watches over it.")
@click.option("--plant", metavar="URL", help="The plant's store: people are its accounts, its audit keeps the event.")
@click.option(
    "--sign", "signing", metavar="REF", help="Without --plant: the key (audit-sign) of this store that signs."
)
@click.option(
    "--new", "fresh", is_flag=True, help="Make random components and hand them out, instead of taking them in."
)
@click.option(
    "--kcv", "check", metavar="HEX", help="Check value of the whole key, as its letter has it; not with --new."
)
@click.option(
    "--kcv-method",
    type=click.Choice([method.value for method in KCVMethod]),
    help="How it is made; of a card-secret there is none.",
)
@click.option(
    "--transcript",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The transcript.",
)
@in_store
def ceremony(
    store: OpenManagedKeyStore,
    secrets: SecretSource,
    new: NewKey,
    by: Sequence[str],
    officer: str,
    plant: str | None,
    signing: str | None,
    fresh: bool,
    check: str | None,
    kcv_method: str | None,
    transcript: Path,
) -> None:
    """Bring key REF into the store in components, one by each --by, and leave a signed transcript.

    Every custodian logs in alone, types a component twice (or writes a new one down, --new), compares its check value
    with the letter, and names its envelope. At the end all log in once more; one who is missing, and nothing is stored.

    \b
    cardkit keys ceremony plant:kmc --store FILE --algorithm AES-128 --usage master-derive --plant sqlite:///plant.db \\
        --officer otto --by carl --by cleo --kcv 6F2F9BE174 --kcv-method cmac_zero_block_5 --transcript kmc.json
    """
    if new.usage is not Usage.CARD_SECRET and fresh == (check is not None):
        raise KeyStoreError("ceremony: --kcv is for components that come with letters, --new for new ones: one of them")
    letter = Letter.of(new, check, kcv_method, fresh=fresh)
    store.check_new(new)
    with (
        custody(store, plant, officer, signing, secrets) as who,
        parts_of(who, by, letter, secrets, fresh=fresh) as (values, parts),
        combined(values, letter) as (value, found),
    ):
        all_sign(who, officer, by, secrets)
        how = _how(new, len(value), fresh=fresh)
        done = Ceremony.of(new, how, store.kind, (letter.method_name, found), parts, officer)
        with transcript_of(who, done, transcript):
            store.import_key(new, value)


def _how(new: NewKey, size: int, *, fresh: bool) -> str:
    if new.usage is Usage.CARD_SECRET:
        return f"components of a code of {size} bytes, which has no check value"
    return "new components" if fresh else "components by letter"


@keys.command()
@new_key
@in_store
def generate(store: OpenManagedKeyStore, secrets: SecretSource, new: NewKey, by: Sequence[str]) -> None:
    """Make a random key REF."""
    log_in(store, by, secrets)
    _show(store.generate(new))


@keys.command()
@click.argument("reference", metavar="REF")
@click.option(
    "--method",
    type=click.Choice([method.value for method in KCVMethod]),
    help="How it is made; by default as it is shown for the algorithm.",
)
@in_store
def kcv(store: OpenManagedKeyStore, secrets: SecretSource, reference: str, method: str | None) -> None:  # noqa: ARG001
    """Print the check value of key REF."""
    if method is not None:
        click.echo(f"{store.kcv(reference, KCVMethod(method))} {method}")
        return
    entry = next((entry for entry in store.entries() if entry.reference == reference), None)
    if entry is None or not entry.kcv:
        raise KeyStoreError(f"key {reference}: has no check value that is shown")
    click.echo(f"{entry.kcv} {entry.kcv_method}")


@keys.command("export-block")
@click.argument("reference", metavar="REF")
@_UNDER
@_BY
@in_store
def export_block(
    store: OpenManagedKeyStore, secrets: SecretSource, reference: str, under: str, by: Sequence[str]
) -> None:
    """Print exportable key REF as a TR-31 key block."""
    log_in(store, by, secrets)
    click.echo(store.export_block(reference, under))


@keys.command()
@click.argument("reference", metavar="REF")
@_BY
@click.option("--yes", is_flag=True, help="Do it without asking again.")
@click.option(
    "--sign", "signing", metavar="REF", help="With --certificate: the key (audit-sign) of this store that signs."
)
@click.option("--certificate", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Say so, signed.")
@in_store
def destroy(
    store: OpenManagedKeyStore,
    secrets: SecretSource,
    reference: str,
    by: Sequence[str],
    yes: bool,
    signing: str | None,
    certificate: Path | None,
) -> None:
    """Destroy key REF for good. Copies of a key file made earlier still hold it."""
    entry = next((entry for entry in store.entries() if entry.reference == reference), None)
    if entry is None:
        raise KeyStoreError(f"key {reference}: not in this key store")
    log_in(store, by, secrets)
    if not yes:
        click.confirm(f"Destroy {_line(entry)}?", abort=True, err=True)
    with certificate_of(store, entry, by, (signing, certificate)):
        store.destroy(reference)
    click.echo(f"{reference}: destroyed")


def _show(entry: KeyEntry) -> None:
    click.echo(_line(entry))


def _line(entry: KeyEntry) -> str:
    check = f", KCV {entry.kcv} ({entry.kcv_method})" if entry.kcv else ""
    return f"{entry.reference}: {entry.named} for {entry.usage}{check}"


def _row(entry: KeyEntry) -> list[str]:
    kvn = "" if entry.kvn is None else f"{entry.kvn:02X}"
    until = entry.not_after.isoformat() if entry.not_after else ""
    kcv = (entry.kcv or "-") if len(entry.kcv) <= 10 else f"{entry.kcv[:16]}..."
    method = entry.kcv_method
    return [entry.reference, entry.named, entry.usage, kvn, kcv, method, entry.state, until, entry.custodian]


def _document(entry: KeyEntry) -> dict[str, object]:
    return {
        "reference": entry.reference,
        "algorithm": entry.algorithm,
        "bits": entry.bits,
        "usage": entry.usage,
        "customer": entry.customer,
        "kvn": entry.kvn,
        "kcv": entry.kcv,
        "kcv_method": entry.kcv_method,
        "state": entry.state,
        "created": entry.created.isoformat(),
        "not_after": entry.not_after.isoformat() if entry.not_after else None,
        "exportable": entry.exportable,
        "custodian": entry.custodian,
    }
