"""What names a card to people: its business keys, those of a person masked (security.md 1, L2)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from cardkit.errors import ProfileError
from cardkit.production.store import Batch, Store
from cardkit.production.store.orders import DATA_FIELD
from cardkit.production.store.schema import own_record
from cardkit.profile import Record, load_profile
from cardkit.profile.field import Field
from cardkit.profile.record import RecordSchema

_SHOWN_HEAD, _SHOWN_TAIL = 5, 3


def identity(record: Record) -> str:
    """Return the record's public business keys, such as its ICCID; where it has none, the others masked.

    Parts of one key stand together: a card sequence number alone names nothing.
    """
    fields = {name: field for name, field in record.schema.fields.items() if field.key is not None}
    masked = {field.key for field in fields.values() if field.is_masked}
    public = [str(record[name]) for name, field in fields.items() if field.key not in masked]
    return " ".join(public or (_shown(str(record[name]), field) for name, field in fields.items()))


def _shown(text: str, field: Field) -> str:
    return mask(text) if field.is_masked else text


def mask(text: str) -> str:
    """Keep the ends of an identity: the network of an IMSI and its last digits (security.md, vectors ``mask-imsi``).

    >>> mask("001010000000001")
    '00101*******001'
    """
    hidden = len(text) - _SHOWN_HEAD - _SHOWN_TAIL
    if hidden < _SHOWN_TAIL:
        return "*" * len(text)
    return f"{text[:_SHOWN_HEAD]}{'*' * hidden}{text[-_SHOWN_TAIL:]}"


class Identities:
    """Names of the cards of a stored batch; none if its profile is no longer where and what it was at import."""

    def __init__(self, store: Store, lot: Batch) -> None:
        self._store = store
        self._lot = lot
        self._vault = store.vault.batch(lot.name)
        self._schema = _schema(lot)

    def of_rows(self, rows: Collection[int]) -> dict[int, str]:
        """Return the identity of each row."""
        if self._schema is None:
            return {}
        columns = select(own_record.c.row_no, own_record.c.data_enc)
        chosen = columns.where(own_record.c.batch_id == self._lot.id, own_record.c.row_no.in_(rows))
        with self._store.reading() as connection:
            cells = connection.execute(chosen.where(own_record.c.data_enc.is_not(None))).all()
        return {row_no: identity(self._record(self._schema, row_no, cell)) for row_no, cell in cells}

    def _record(self, schema: RecordSchema, row_no: int, cell: bytes) -> Record:
        return Record.from_canonical(schema, self._vault.open(row_no, DATA_FIELD, cell))


def _schema(lot: Batch) -> RecordSchema | None:
    try:
        profile = load_profile(lot.profile_path)
    except ProfileError:
        return None
    return profile.record if profile.sha256 == lot.profile_sha256 else None
