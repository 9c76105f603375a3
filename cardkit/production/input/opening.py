"""Opening an order file: as it lies there, or out of the OpenPGP message its customer signed. security.md D1"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import RecordError
from cardkit.production.input.openpgp import Sender, decrypted
from cardkit.production.store.audit import OFFICE, Event
from cardkit.production.store.store import Store
from cardkit.profile import OrderRows, Profile, open_order
from cardkit.profile.making import RandomBytes
from cardkit.profile.order import order_rows

SUFFIXES = frozenset({".gpg", ".pgp", ".asc"})


@contextmanager
def opened_order(
    store: Store, profile: Profile, path: Path, keystore: KeyStore, rng: RandomBytes, sender: Sender | None
) -> Iterator[OrderRows]:
    """Open an order file for an import, to be read row by row in the ``with`` block.

    :param rng: size -> random bytes, for values the plant makes.
    :param sender: whose OpenPGP message it must be; None for a file in clear.
    :raises RecordError: why nothing of it is read; a message that was refused is audited by its digest.
    :raises StoreError: where there is no ``gpg``.
    """
    with ExitStack() as stack:
        if sender is None:
            if path.suffix in SUFFIXES:
                raise RecordError(f"{path}: an OpenPGP message: name its sender", code="SIGNER")
            yield stack.enter_context(open_order(profile, path, keystore, rng=rng))
            return
        try:
            plain = stack.enter_context(decrypted(path, sender, store.clocks.wall()))
        except RecordError as error:
            _note_refused(store, path, error.code)
            raise
        yield order_rows(profile, plain, keystore, name=str(path), rng=rng)


def plain_name(path: Path) -> str:
    """Return the name an order file has without the message around it.

    >>> plain_name(Path("in/lot-7.csv.gpg"))
    'lot-7.csv'
    """
    return path.stem if path.suffix in SUFFIXES else path.name


def _note_refused(store: Store, path: Path, code: str) -> None:
    data = {"file": path.name, "code": code}
    if path.is_file():
        with path.open("rb") as stream:
            data["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("FILE_REFUSED", store.operator, data))
