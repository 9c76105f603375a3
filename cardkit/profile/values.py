"""Value templates: ``"{imsi}"``, ``"{imsi|acc}"``, ``"sip:{imsi}@ims.mnc{mnc|pad3}.mcc{mcc}.3gppnetwork.org"``.

Compiled once per profile, resolved per record. ``{{`` and ``}}`` are braces. A secret stands alone: it resolves to its
Secret object, never to text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from cardkit.crypto.pack import Value
from cardkit.errors import ProfileError, RecordError
from cardkit.profile.document import suggest
from cardkit.profile.record import RecordSchema

MAX_DEPTH = 32
_TOKEN = re.compile(r"\{\{|\}\}|\{(?P<field>[^{}|]*)(?P<filters>(?:\|[^{}|]*)*)\}|(?P<stray>[{}])")

Filter = Callable[[str], str]
Values = Mapping[str, Value]
Resolver = Callable[[Values], Any]


def _digits(text: str, least: int, what: str) -> str:
    if len(text) < least or not (text.isascii() and text.isdecimal()):
        raise RecordError(f"{what}: expected {least} or more digits, got {len(text)} characters", code="TEMPLATE")
    return text


def _access_class(imsi: str) -> str:
    """EF.ACC of an ordinary subscriber: the bit of the last IMSI digit (TS 31.102 4.2.15, TS 22.011 4.2)."""
    return f"{1 << int(_digits(imsi, 6, 'acc')[-1]):04X}"


FILTERS: Mapping[str, Filter] = {
    "acc": _access_class,
    "mcc": lambda imsi: _digits(imsi, 6, "mcc")[:3],
    "mnc2": lambda imsi: _digits(imsi, 6, "mnc2")[3:5],
    "mnc3": lambda imsi: _digits(imsi, 6, "mnc3")[3:6],
    "pad2": lambda text: _digits(text, 1, "pad2").zfill(2),
    "pad3": lambda text: _digits(text, 1, "pad3").zfill(3),
    "upper": str.upper,
    "lower": str.lower,
    "hex": lambda text: text.encode().hex().upper(),
}


@dataclass(frozen=True, slots=True)
class CompiledValues:
    """A template tree, ready to resolve.

    :param fields: names of the record's fields it depends on.
    """

    fields: frozenset[str]
    _resolver: Resolver | None
    _constant: Any

    @property
    def variable(self) -> bool:
        """Whether it depends on the record."""
        return self._resolver is not None

    def resolve(self, values: Values) -> Any:
        """Return the tree with every template filled in: str, int, bool, list, dict, and Secret where one stands alone.

        Parts without templates are shared between results: do not change them.

        :param values: a Record.  :raises RecordError: where a filter refuses a value.
        """
        return self._constant if self._resolver is None else self._resolver(values)


def compile_values(tree: object, schema: RecordSchema, where: str) -> CompiledValues:
    """Compile a tree of plain data or structs whose strings are templates.

    :param where: file and path, for messages.
    :raises ProfileError: on a malformed template, an unknown field or filter, or a secret inside a text.
    """
    compiler = _Compiler(schema)
    resolver, constant = compiler.node(tree, where, 0)
    return CompiledValues(frozenset(compiler.fields), resolver, constant)


class _Compiler:
    """Turns nodes into (resolver, constant): exactly one of them counts, the resolver unless it is None."""

    def __init__(self, schema: RecordSchema) -> None:
        self._schema = schema
        self.fields: set[str] = set()

    def node(self, tree: object, where: str, depth: int) -> tuple[Resolver | None, Any]:
        if depth > MAX_DEPTH:
            raise ProfileError(f"{where}: nested too deeply")
        if isinstance(tree, str):
            return self._template(tree, where)
        if isinstance(tree, msgspec.Struct):
            tree = {field.encode_name: getattr(tree, field.name) for field in msgspec.structs.fields(tree)}
        if isinstance(tree, Mapping):
            return self._mapping(tree, where, depth)
        if isinstance(tree, list | tuple):
            return self._sequence(tree, where, depth)
        return None, tree

    def _mapping(self, tree: Mapping[str, object], where: str, depth: int) -> tuple[Resolver | None, Any]:
        nodes = {key: self.node(value, f"{where}.{key}", depth + 1) for key, value in tree.items()}
        constants = {key: constant for key, (_, constant) in nodes.items()}
        resolvers = [(key, resolver) for key, (resolver, _) in nodes.items() if resolver is not None]
        if not resolvers:
            return None, constants

        def resolve(values: Values) -> dict[str, Any]:
            result = constants.copy()
            for key, resolver in resolvers:
                result[key] = resolver(values)
            return result

        return resolve, None

    def _sequence(self, tree: list[Any] | tuple[Any, ...], where: str, depth: int) -> tuple[Resolver | None, Any]:
        nodes = [self.node(value, f"{where}[{index}]", depth + 1) for index, value in enumerate(tree)]
        constants = [constant for _, constant in nodes]
        resolvers = [(index, resolver) for index, (resolver, _) in enumerate(nodes) if resolver is not None]
        if not resolvers:
            return None, constants

        def resolve(values: Values) -> list[Any]:
            result = constants.copy()
            for index, resolver in resolvers:
                result[index] = resolver(values)
            return result

        return resolve, None

    def _template(self, text: str, where: str) -> tuple[Resolver | None, Any]:
        if "{" not in text and "}" not in text:
            return None, text
        parts: list[str | Resolver] = []
        end = 0
        for token in _TOKEN.finditer(text):
            parts.append(text[end : token.start()])
            end = token.end()
            parts.append(self._part(token, text, where))
        parts.append(text[end:])
        return _joined([part for part in parts if part != ""])

    def _part(self, token: re.Match[str], text: str, where: str) -> str | Resolver:
        if token["stray"]:
            raise ProfileError(f'{where}: stray "{token["stray"]}" in a template; write it twice for a brace')
        if token["field"] is None:
            return token[0][0]
        name, filters = token["field"], token["filters"].split("|")[1:]
        field = self._schema.fields.get(name)
        if field is None:
            raise ProfileError(f'{where}: the record has no field "{name}"{suggest(name, list(self._schema.fields))}')
        self.fields.add(name)
        alone = token[0] == text and not filters
        if field.is_secret and not alone:
            raise ProfileError(f'{where}: "{name}" is secret: it may only stand alone, without filters')
        if alone and (field.is_secret or field.type == "number"):
            return lambda values: values[name]
        return _filtered(name, [_filter(each, where) for each in filters], where)


def _filter(name: str, where: str) -> Filter:
    if name not in FILTERS:
        raise ProfileError(f'{where}: unknown filter "{name}"{suggest(name, list(FILTERS))}')
    return FILTERS[name]


def _filtered(name: str, filters: list[Filter], where: str) -> Resolver:
    def resolve(values: Values) -> str:
        text = _text(values[name])
        for each in filters:
            try:
                text = each(text)
            except RecordError as error:
                raise RecordError(f"{where}: field {name}: {error}", code=error.code) from None
        return text

    return resolve


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex().upper()
    return value.isoformat() if isinstance(value, date) else str(value)


def _joined(parts: list[str | Resolver]) -> tuple[Resolver | None, Any]:
    texts = [part for part in parts if isinstance(part, str)]
    if len(texts) == len(parts):
        return None, "".join(texts)
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0], None
    return lambda values: "".join([part if isinstance(part, str) else part(values) for part in parts]), None
