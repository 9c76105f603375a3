"""One card's contents: values of profile and record, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from cardkit.apps.gp.states.expecting import DAY
from cardkit.apps.gp.states.product import Product, Value
from cardkit.crypto import Secret
from cardkit.desired import Content, Template
from cardkit.errors import EncodingError

SCRIPT_KDD, SCRIPT_SEQUENCE = "KDD known beforehand", "counter known beforehand"
KDD_BYTES = 10
_PRODUCTION = {0x9F66: "personalization", 0x9F67: "pre_personalization"}
_NUMBERS = {0x42: "issuer_number", 0x45: "card_number"}
_FIELDS = (("by", 2), ("date", 2), ("equipment", 4))


def fill(product: Product, template: Template, record: Mapping[str, Any]) -> dict[str, Content]:
    """Return one card's contents: data objects by tag, groupings of applications, diversification data.

    :param template: of the whole block.  :raises EncodingError: when a value is not as long as the profile says.
    """
    values = template.resolve(record)
    return dict(_contents(product, values))


def _contents(product: Product, values: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    yield from _objects(product, values)
    yield from _diversified(product, values)
    if day := values["data"]["day"]:
        yield DAY, _day(day)
    if script := values["script"]:
        yield SCRIPT_KDD, hex_value(script["kdd"], "gp.script.kdd", KDD_BYTES)
        yield SCRIPT_SEQUENCE, hex_value(script["sequence"], "gp.script.sequence", product.parameters.sequence_size)


def _objects(product: Product, values: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    for item in product.objects:
        yield item.name, _object(item, values["data"])
    for index, domain in enumerate(product.domains):
        for item in domain.objects:
            yield item.name, _object(item, values["domains"][index])
    for index, application in enumerate(product.applications):
        for item, given in zip(application.data, values["applications"][index]["data"], strict=True):
            yield item.name, _grouping(item, given["value"])


def _diversified(product: Product, values: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    blocks = [*values["keys"], *(block for domain in values["domains"] for block in domain["keys"])]
    for keys, block in zip(product.all_keys, blocks, strict=True):
        if keys.own_kdd:
            yield f"KDD of {keys.name}", hex_value(block["kdd"], f"KDD of {keys.name}", KDD_BYTES)


def _object(item: Value, values: Mapping[str, Any]) -> bytes:
    if item.tag in _NUMBERS:
        return hex_value(values[_NUMBERS[item.tag]]["value"], f"object {item.name}", item.size)
    part = values[_PRODUCTION[item.tag]]
    return b"".join(hex_value(part[name], f"object {item.name}: {name}", size) for name, size in _FIELDS)


def _grouping(item: Value, given: object) -> Content:
    if isinstance(given, Secret):
        _check(f"data {item.name}", len(given), item)
        return (given,)
    value = hex_value(given, f"data {item.name}")
    _check(f"data {item.name}", len(value), item)
    return value


def _check(where: str, length: int, item: Value) -> None:
    if length != item.given:
        raise EncodingError(f"{where}: got {length} bytes, expected {item.given}")


def hex_value(text: object, where: str, size: int | None = None) -> bytes:
    """Return bytes given in digits.

    :raises EncodingError: naming the place, never the value.
    """
    try:
        value = bytes.fromhex(str(text))
    except ValueError:
        raise EncodingError(f"{where}: expected pairs of hexadecimal digits") from None
    if size is not None and len(value) != size:
        raise EncodingError(f"{where}: got {len(value)} bytes, expected {size}")
    return value


def _day(text: object) -> bytes:
    try:
        return date.fromisoformat(str(text)).isoformat().encode()
    except ValueError:
        raise EncodingError("gp.data.day: expected a day as YYYY-MM-DD") from None
