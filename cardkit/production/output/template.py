"""Templates of output files: layouts with ``direction = "out"``, checked against the profile's record.

A column is a field of the record, or what the store knows of the card: ``status`` in the customer's words, ``chip_id``,
``reason`` of a reject, ``row_no`` in the order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cardkit.errors import ProfileError
from cardkit.profile import Profile
from cardkit.profile.document import convert, read_toml, require_table
from cardkit.profile.field import Field
from cardkit.profile.layout import Layout
from cardkit.profile.layoutcheck import ENDED
from cardkit.profile.locate import part_file
from cardkit.profile.schema import schema_of

OF_ORDERS = ("transport", "wrap", "kcv", "make", "default")  # say how a value comes, not what it is

STATUS, CHIP_ID, REASON, ROW_NO = "status", "chip_id", "reason", "row_no"


@dataclass(frozen=True, slots=True)
class OutputTemplate:
    """One form of output file, for one product.

    :param profile: the product.  :param rules: rule of each column, by name.
    :param states: the customer's word for each state that is written.
    :param sha256: of the template's file, 32 bytes.
    """

    profile: Profile
    path: Path
    layout: Layout
    rules: Mapping[str, Field]
    states: Mapping[str, str]
    sha256: bytes


def load_template(profile: Profile, name: str) -> OutputTemplate:
    """Load a template and check it against a profile.

    :param name: of a file in ``layouts/``, such as ``sim-out-csv``, or the path of a TOML file.
    :raises ProfileError: where it is no template, names what the record does not have, or would show a secret.
    """
    path = Path(name) if name.endswith(".toml") else part_file("layouts", name, profile.path)
    document, content = read_toml(path)
    layout = convert(require_table(document, "layout", str(path)), Layout, f"{path}: layout")
    if layout.direction != "out":
        raise ProfileError(f'{path}: layout.direction is "in", expected "out": an order\'s layout writes nothing')
    rules = _rules(profile, layout, path)
    for column in layout.fields:
        if rules[column.name].is_secret and not rules[column.name].transport:
            raise ProfileError(
                f'{path}: layout.fields: "{column.name}" is secret, it leaves under a key only; say "transport"'
            )
    states = layout.states or {state: state for state in ENDED}
    return OutputTemplate(profile, path, layout, rules, states, hashlib.sha256(content).digest())


def _rules(profile: Profile, layout: Layout, path: Path) -> dict[str, Field]:
    """Return the rule of each column: its own, that of the record, or of what the store knows."""
    table: dict[str, Mapping[str, object]] = {}
    for column in layout.fields:
        own, known = column.rule(), profile.record.fields.get(column.name)
        if own is None and known is not None:
            described = msgspec.to_builtins(known)
            table[column.name] = {key: value for key, value in described.items() if key not in OF_ORDERS}
        elif own is None and column.name in STORE_RULES:
            table[column.name] = STORE_RULES[column.name]
        elif known is None and column.name not in STORE_RULES and (own is None or own.type != "const"):
            raise ProfileError(f'{path}: layout.fields: "{column.name}" is no field of {profile.name}\'s record')
    fields = dict(schema_of(table, layout, path).fields)
    for column in layout.fields:
        rule = column.rule()
        if rule is not None:
            fields[column.name] = rule
        _check_secrecy(profile, column.name, fields[column.name], path)
    return fields


def _check_secrecy(profile: Profile, name: str, rule: Field, path: Path) -> None:
    known = profile.record.fields.get(name)
    if known is not None and known.is_secret and not rule.is_secret:
        raise ProfileError(f'{path}: layout.fields: "{name}" is secret in {profile.name}; say class = "secret"')


STORE_RULES: Mapping[str, Mapping[str, object]] = {
    STATUS: {"type": "text"},
    CHIP_ID: {"type": "ascii", "min": 0},
    REASON: {"type": "ascii", "min": 0},
    ROW_NO: {"type": "number", "max": 10},
}
