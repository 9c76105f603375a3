"""The schema of one card's data, and the record itself: typed, immutable, secrets never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cardkit.crypto.pack import Value, pack, unpack
from cardkit.errors import EncodingError, ProfileError
from cardkit.profile.field import Field

ROW_NO = "row_no"


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """The fields of a record, in the order messages and composite keys use.

    :ivar packed: each field with its name in the canonical record.
    """

    fields: Mapping[str, Field]
    packed: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    _keys: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = tuple((name, rule.key) for name, rule in self.fields.items() if rule.key is not None)
        packed = tuple((name, f".{name}") for name in self.fields)
        object.__setattr__(self, "_keys", keys)  # both are looked up for each row
        object.__setattr__(self, "packed", packed)

    @property
    def secret_fields(self) -> frozenset[str]:
        """Names of the fields whose values are Secret or Key objects."""
        return frozenset(name for name, rule in self.fields.items() if rule.is_secret)

    def keys_of(self, values: Mapping[str, Value]) -> dict[str, str]:
        """Return the business keys of a record's values by kind: parts joined with ``|``, letters in capitals."""
        keys: dict[str, str] = {}
        for name, kind in self._keys:
            part = str(values[name]).upper()
            keys[kind] = f"{keys[kind]}|{part}" if kind in keys else part
        return keys


class Record(Mapping[str, Value]):
    """One card's data: one row of an order.

    :param schema: what the values are.  :param values: one per field of the schema.
    :param row_no: row in the order, from 1.
    """

    __slots__ = ("_values", "row_no", "schema")

    def __init__(self, schema: RecordSchema, values: Mapping[str, Value], row_no: int) -> None:
        self.schema = schema
        self.row_no = row_no
        self._values = values

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Record row {self.row_no}, {len(self)} fields>"

    __hash__ = None  # type: ignore[assignment]

    def business_keys(self) -> dict[str, str]:
        """Return the values that must be unique in all history, by kind: ``{"iccid": "8999..."}``."""
        return self.schema.keys_of(self._values)

    def to_canonical(self) -> bytearray:
        """Return the record as canonical bytes, secrets in clear: seal them in a cell or envelope, then wipe them."""
        packed: dict[str, Value] = {name: self._values[field] for field, name in self.schema.packed}
        packed[ROW_NO] = self.row_no
        return pack(packed)

    @classmethod
    def from_canonical(cls, schema: RecordSchema, data: bytes | bytearray) -> Record:
        """Return the record of canonical bytes.

        :raises EncodingError: on bytes of another form.  :raises ProfileError: on a record of another schema.
        """
        packed = unpack(data)
        row_no = packed.pop(ROW_NO, None)
        if not isinstance(row_no, int):
            raise EncodingError("record: the packed form has no row number")
        if {name[1:] for name in packed} != set(schema.fields):
            raise ProfileError(f"record of row {row_no}: its fields are not those of this profile")
        return cls(schema, {name: packed[f".{name}"] for name in schema.fields}, row_no)
