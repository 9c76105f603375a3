"""The record schema of a profile: the fields of ``[record]`` and those the layout describes itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cardkit.crypto.wrap import Wrapping
from cardkit.errors import ProfileError
from cardkit.profile.document import convert, suggest
from cardkit.profile.field import Field
from cardkit.profile.layout import HEADER_KEYS, Layout
from cardkit.profile.reading import FieldError, reader
from cardkit.profile.record import RecordSchema

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REFERENCE = re.compile(r"[a-z]+:[\w.-]+")


def schema_of(table: Mapping[str, object], layout: Layout, file: Path) -> RecordSchema:
    """Return the schema of ``[record]`` together with a layout.

    A field's rule stands in one place. A const of the layout is checked and then dropped; one of ``[record]`` is a
    value of each record, whether the file has it or not.

    :raises ProfileError: on a bad rule, a field described twice or nowhere, or one that no column brings.
    """
    fields = {name: _field(name, rule, file) for name, rule in table.items()}
    for column in layout.fields:
        rule = column.rule()
        if rule is None and column.name not in fields:
            hint = suggest(column.name, list(fields))
            raise ProfileError(f'{file}: layout.fields: "{column.name}" has no rule here or in [record]{hint}')
        if rule is not None and column.name in table:
            raise ProfileError(f'{file}: layout.fields: "{column.name}" has a rule here and in [record], expected one')
        if rule is not None and rule.type != "const":
            _check_name(column.name, f"{file}: layout.fields")
            fields[column.name] = rule
    _check_columns(fields, layout, file)
    for name, field in fields.items():
        _check_transport(name, field, layout, file)
    _check_hash(fields, layout, file)
    _check_identity(fields, layout, file)
    return RecordSchema(fields)


def check_live(schema: RecordSchema, file: Path) -> None:
    """Refuse a LIVE profile whose orders would bring keys in clear (production.md 9)."""
    for name, field in schema.fields.items():
        if field.type == "key" and not field.transport:
            raise ProfileError(f"{file}: record.{name}: a LIVE profile takes keys under a transport key only")


def _field(name: str, rule: object, file: Path) -> Field:
    _check_name(name, f"{file}: record")
    field = convert(rule, Field, f"{file}: record.{name}")
    if field.default is not None:
        try:
            reader(name, field, None)(field.default)
        except FieldError as error:
            raise ProfileError(f"{file}: record.{name}.default: {error.code}: {error.reason}") from None
    return field


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise ProfileError(f'{where}: "{name[:80]}" is no field name: a letter, then letters, digits and _, lower case')


def _check_columns(fields: Mapping[str, Field], layout: Layout, file: Path) -> None:
    columns = {column.name for column in layout.fields}
    for name, field in fields.items():
        if columns and name not in columns and not field.is_supplied:
            raise ProfileError(f'{file}: record.{name}: no column of the layout brings it, and it has no "default"')


def _check_transport(name: str, field: Field, layout: Layout, file: Path) -> None:
    if not field.transport:
        return
    place, _, source = field.transport.partition(".")
    if place == "header":
        if source not in layout.header_fields or source not in HEADER_KEYS:
            raise ProfileError(
                f'{file}: record.{name}.transport: "{field.transport}" is no key index of the order\'s header'
            )
        if field.kcv and field.kcv.startswith("header.") and field.kcv[len("header.") :] not in layout.header_fields:
            raise ProfileError(f'{file}: record.{name}.kcv: "{field.kcv}" is no value of the order\'s header')
    elif not _REFERENCE.fullmatch(field.transport):
        raise ProfileError(f"{file}: record.{name}.transport: expected a reference scheme:name, never a value")


def _check_identity(fields: Mapping[str, Field], layout: Layout, file: Path) -> None:
    bound = next((name for name, field in fields.items() if field.wrap is Wrapping.AES_GCM), None)
    if layout.identity is not None and (layout.identity not in fields or fields[layout.identity].is_secret):
        raise ProfileError(f'{file}: layout.identity: "{layout.identity}" is no field that may be shown')
    if bound is not None and layout.identity is None:
        raise ProfileError(f"{file}: record.{bound}.wrap: aes-gcm binds a value to its row; say layout.identity")


def _check_hash(fields: Mapping[str, Field], layout: Layout, file: Path) -> None:
    total = layout.totals.hash
    if total is not None and (total.field not in fields or fields[total.field].type != "digits"):
        raise ProfileError(f'{file}: layout.totals.hash.field: "{total.field}" is no field of digits')
