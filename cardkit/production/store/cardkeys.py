"""Keys that are one card's alone, as digests: no other record may have them, after a purge neither. security.md K15

Product and role are part of each digest, so that a digest is found by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql

from cardkit.errors import KeyRepeatedError, StoreError
from cardkit.production.store.schema import card_key
from cardkit.production.store.statement import Driver, Statement

# SQLite knows the same words.
_ADD = postgresql.insert(card_key).on_conflict_do_nothing(index_elements=["digest"])


@cache
def _find(count: int) -> Statement:
    wanted = [bindparam(f"digest_{number}", type_=card_key.c.digest.type) for number in range(count)]
    holders = select(card_key.c.digest, card_key.c.record_id).where(card_key.c.digest.in_(wanted))
    return Statement(holders.where(card_key.c.record_id != bindparam("of_record")))


@cache
def _add(count: int) -> Statement:
    numbers = range(count)
    return Statement(
        _ADD.values([{"digest": bindparam(f"digest_{n}"), "record_id": bindparam("of_record")} for n in numbers])
    )


def _values(record_id: int, keys: Mapping[str, bytes]) -> dict[str, Any]:
    return {f"digest_{number}": digest for number, digest in enumerate(keys.values())} | {"of_record": record_id}


def require_own(driver: Driver, record_id: int, keys: Mapping[str, bytes]) -> None:
    """Refuse keys that another record has; the same record may come with them again.

    :param keys: digests by role.  :raises KeyRepeatedError: naming one of them and whose it is.
    """
    held = _find(len(keys)).one(driver, _values(record_id, keys)) if keys else None
    if held is None:
        return
    role = next(role for role, digest in keys.items() if digest == bytes(held.digest))
    raise KeyRepeatedError(
        f"record {record_id}: its key {role!r} is that of record {held.record_id}: whatever makes keys is broken"
    )


def add_own(driver: Driver, record_id: int, keys: Mapping[str, bytes]) -> None:
    """Remember keys that are this record's; those it has already stay.

    :raises StoreError: where another station remembered one of them at the same moment: nothing of the transaction may
        stay, and asked again the store says whose it is.
    """
    if keys and _add(len(keys)).run(driver, _values(record_id, keys)) < len(keys):
        try:
            require_own(driver, record_id, keys)
        except KeyRepeatedError as error:
            raise StoreError(f"at the same moment as another station: {error}") from None


def put_back(connection: Connection, record_id: int, digests: Iterable[bytes]) -> None:
    """Remember what a journal tells of a record's keys; what another record has is found once this one is worked on."""
    rows = [{"digest": digest, "record_id": record_id} for digest in digests]
    if rows:
        connection.execute(_ADD, rows)
