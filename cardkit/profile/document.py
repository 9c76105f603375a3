"""TOML files read strictly: every complaint is one line that names file, path, got and expected."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from cardkit.errors import ProfileError

MAX_BYTES = 1 << 20
MAX_LINE_BYTES = 4096  # tomllib needs the square of the parts of a dotted key: 100 KB of them took 79 s
_LOCATION = re.compile(r"^(?P<text>.*) - at `\$(?P<path>[^`]*)`$", re.DOTALL)
_INVALID = re.compile(r"^Invalid enum value '(?P<value>.*)'$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>.*)`$", re.DOTALL)

T = TypeVar("T")


def read_toml(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return a TOML file as plain data, and its bytes for the profile's hash.

    :raises ProfileError: where the file cannot be read, is larger than 1 MiB, has a line over 4 KiB or is no TOML.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise ProfileError(f"{path}: {len(content)} bytes, expected {MAX_BYTES} or fewer")
    for number, text in enumerate(content.split(b"\n"), 1):
        if len(text) > MAX_LINE_BYTES:
            raise ProfileError(f"{path}: line {number}: {len(text)} bytes, expected {MAX_LINE_BYTES} or fewer")
    try:
        return tomllib.loads(content.decode("utf-8")), content
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ProfileError(f"{path}: line {line}: not UTF-8") from None
    except ValueError as error:
        raise ProfileError(f"{path}: not TOML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ProfileError(f"{path}: not TOML: nested too deeply") from None


def convert(data: object, kind: type[T], where: str) -> T:
    """Return plain data as a struct.

    :param where: file and path of the data, such as ``profile.toml: record``; every message begins with it.
    :raises ProfileError: on an unknown key, a missing key, a wrong type or a refused value.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        text, path = _locate(data, kind, str(error))
        raise ProfileError(f"{where}{_dotted(path)}: {_explain(text, path, kind)}") from None
    except RecursionError:
        raise ProfileError(f"{where}: nested too deeply") from None


def require_table(document: Mapping[str, Any], key: str, where: str, *, optional: bool = False) -> Mapping[str, Any]:
    """Return a table of a document, an empty one for an absent optional table; ProfileError on anything else."""
    if optional and key not in document:
        return {}
    table = document.get(key)
    if not isinstance(table, dict):
        raise ProfileError(f"{where}: {key}: {'missing' if table is None else 'no'} table, expected [{key}]")
    return table


def suggest(name: str, known: list[str]) -> str:
    """Return a hint that ends a message: the closest known name, or all of them where they are few."""
    close = difflib.get_close_matches(name[:80], known, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; expected one of {', '.join(sorted(known))}" if 0 < len(known) <= 12 else ""


def _locate(data: object, kind: Any, message: str) -> tuple[str, list[str]]:
    """Split msgspec's message into text and path; ``[...]`` in a path hides the key of a mapping, so look for it."""
    match = _LOCATION.match(message)
    if match is None:
        return message, []
    steps = re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+", match["path"])
    path: list[str] = []
    for step in steps:
        path.append(_failing_key(data, kind, path, message) if step == "[...]" else step.strip("[]"))
    return match["text"], path


def _failing_key(data: object, kind: Any, path: list[str], message: str) -> str:
    """Return the first key of the mapping at ``path`` that alone brings the same message."""
    for key, reduced in _single_entries(data, path):
        try:
            msgspec.convert(reduced, kind)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return key
    return "?"


def _single_entries(data: object, path: list[str]) -> Iterator[tuple[str, object]]:
    """Yield copies of the data whose mapping at ``path`` has one entry each."""
    if not path:
        if isinstance(data, Mapping):
            yield from ((str(key), {key: value}) for key, value in data.items())
        return
    step = path[0]
    if isinstance(data, Mapping) and step in data:
        for key, reduced in _single_entries(data[step], path[1:]):
            yield key, {**data, step: reduced}
    elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
        index = int(step)
        for key, reduced in _single_entries(data[index], path[1:]):
            yield key, [*data[:index], reduced, *data[index + 1 :]]


def _dotted(path: list[str]) -> str:
    return "".join(f".{step}" if re.fullmatch(r"[\w-]+", step) else f'."{step}"' for step in path)


def _explain(text: str, path: list[str], kind: Any) -> str:
    types = _types_at(inspect.type_info(kind), path)
    if match := _UNKNOWN.match(text):
        known = [field.encode_name for info in types if isinstance(info, inspect.StructType) for field in info.fields]
        return f'unknown key "{match["name"]}"{suggest(match["name"], known)}'
    if match := _INVALID.match(text):
        return f'invalid value "{match["value"]}"{suggest(match["value"], _values(types))}'
    text = text.replace("Object missing required field", "missing key").replace("`", '"')
    return text[:1].lower() + text[1:]


def _values(types: list[inspect.Type]) -> list[str]:
    literals = [str(value) for info in types if isinstance(info, inspect.LiteralType) for value in info.values]
    return literals + [str(member.value) for info in types if isinstance(info, inspect.EnumType) for member in info.cls]


def _types_at(info: inspect.Type, path: list[str]) -> list[inspect.Type]:
    """Return the types a value at ``path`` below a type may have."""
    if isinstance(info, inspect.UnionType):
        return [found for member in info.types for found in _types_at(member, path)]
    if not path:
        return [info]
    if isinstance(info, inspect.StructType):
        return [
            found for field in info.fields if field.encode_name == path[0] for found in _types_at(field.type, path[1:])
        ]
    if isinstance(info, inspect.DictType):
        return _types_at(info.value_type, path[1:])
    return _types_at(info.item_type, path[1:]) if isinstance(info, inspect.ListType | inspect.VarTupleType) else []
