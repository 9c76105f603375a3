"""Which database a store URL means."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from cardkit.errors import StoreError
from cardkit.production.store.database import Database
from cardkit.production.store.sqlite import SQLiteDatabase

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"


def database_of(url: str) -> Database:
    """Return the database of a store URL.

    :param url: ``sqlite:///FILE`` or ``postgresql://[USER@]HOST/DATABASE[?files=DIR]``.
    :raises StoreError: on anything else; the URL is not repeated, it may hold a password.
    """
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return SQLiteDatabase(Path(url[len(SQLITE) :]))
    if url.startswith(POSTGRESQL):
        return _postgresql(url)
    scheme = url.split(":", 1)[0]
    raise StoreError(f"store: got a URL of kind {scheme!r}, expected sqlite:///FILE or postgresql://HOST/DATABASE")


def _postgresql(url: str) -> Database:
    try:
        import psycopg  # noqa: F401, PLC0415 - an extra

        from cardkit.production.store.postgresql import PostgreSQLDatabase  # noqa: PLC0415 - needs it
    except ImportError as error:
        raise StoreError("store: PostgreSQL needs the extra `postgres`: pip install 'cardkit[postgres]'") from error
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError("store: not a URL, expected postgresql://[USER@]HOST[:PORT]/DATABASE[?files=DIR]") from None
    files = parsed.query.get("files", ".")
    if not isinstance(files, str):
        raise StoreError("store: a URL names one folder for the store's files, got several")
    plain = parsed.difference_update_query(["files"]).set(drivername="postgresql+psycopg")
    return PostgreSQLDatabase(plain, Path(files))
