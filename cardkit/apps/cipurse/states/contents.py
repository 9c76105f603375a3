"""What stands in the files of one card, and how it is cut into commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import Operation
from cardkit.apps.cipurse.client import named
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductFile
from cardkit.apps.iso7816 import commands as iso
from cardkit.desired import Content
from cardkit.errors import EncodingError

UID = "UID"
Span = tuple[int, int]
"""Place and length of a piece of a file's contents."""


def fill(product: CipurseProduct, resolved: Mapping[str, Any]) -> dict[str, Content]:
    """Return one card's contents by state.

    :param resolved: the profile's block, templates filled in.
    :raises EncodingError: when a value does not fit its file.
    """
    contents: dict[str, Content] = {UID: _hex(resolved["uid"], "uid")}
    for directory, block in zip(product.applications, resolved["applications"], strict=True):
        for file, told in zip(directory.files, block["files"], strict=True):
            contents[file.contents] = _file(file, told)
    return contents


def _hex(text: str, where: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise EncodingError(f"cipurse: {where}: expected pairs of hexadecimal digits") from None


def _file(file: ProductFile, told: Mapping[str, Any]) -> bytes:
    pad = _hex(told["fill"], f"{file.name}.fill")
    if len(pad) != 1:
        raise EncodingError(f"cipurse: {file.name}.fill: expected one byte")
    attributes = file.attributes
    if file.kind.binary:
        return _padded(_hex(told["data"], f"{file.name}.data"), attributes.size, pad, f"{file.name}.data")
    name = "values" if file.kind.counting else "rows"
    rows = [
        _counter(one, f"{file.name}.values") if file.kind.counting else _hex(one, f"{file.name}.rows")
        for one in told[name]
    ]
    if len(rows) > attributes.records:
        raise EncodingError(f"cipurse: {file.name}.{name}: {len(rows)}, the file has {attributes.records} records")
    written = b"".join(_padded(row, attributes.record_size, pad, f"{file.name}.{name}") for row in rows)
    return written + bytes(attributes.records * attributes.record_size - len(written))


def _padded(data: bytes, size: int, pad: bytes, where: str) -> bytes:
    if len(data) > size:
        raise EncodingError(f"cipurse: {where}: {len(data)} bytes, the file has {size}")
    return data + pad * (size - len(data))


def _counter(told: Mapping[str, Any], where: str) -> bytes:
    """Return a counter's record: value, least, most, then the issuer's bytes (unverified)."""
    least, value, most = told["min"], told["value"], told["max"]
    if not -(1 << 31) <= least <= value <= most < 1 << 31:
        raise EncodingError(f"cipurse: {where}: {value}, expected {least} to {most}, four bytes with sign")
    return b"".join(number.to_bytes(4, signed=True) for number in (value, least, most)) + _hex(told["data"], where)


def bound(file: ProductFile, body: bytes, uid: bytes) -> bytes:
    """Return contents with the card's number in its place, where the file has one."""
    at = None if file.block is None else file.block.uid_at
    return body if at is None else body[:at] + uid + body[at + len(uid) :]


def is_written(file: ProductFile) -> bool:
    """Whether there is anything to write; else the file stays as it was made, all zeros."""
    block = file.block
    if block is None:
        return False
    return bool(block.data or block.rows or block.values or block.fill != "00") or block.uid_at is not None


# Commands


def writing(file: ProductFile) -> Iterator[tuple[CommandAPDU, Span]]:
    """Yield the commands that write a file, without their data, each with the piece that fills it."""
    assert file.block is not None
    attributes = file.attributes
    if file.kind.binary:
        most = file.rules(sealed=True).pair(Operation.UPDATE).most_sent
        for place, size in _pieces(attributes.size, most):
            yield iso.update_binary(place, b"", named(attributes.sfid, place)), (place, size)
        return
    size = attributes.record_size
    for number in range(1, 1 + len(file.block.rows or file.block.values)):
        yield iso.update_record(number, b"", attributes.sfid), ((number - 1) * size, size)


def reading(file: ProductFile) -> Iterator[tuple[CommandAPDU, Span]]:
    """Yield the commands that read a file, each with the piece it gives."""
    attributes = file.attributes
    most = file.rules(sealed=True).pair(Operation.READ).most_received
    if file.kind.binary:
        for place, size in _pieces(attributes.size, most):
            yield iso.read_binary(place, size, named(attributes.sfid, place)), (place, size)
        return
    whole = most // attributes.record_size * attributes.record_size
    for place, size in _pieces(file.size, whole or attributes.record_size):
        number = 1 + place // attributes.record_size
        if size == attributes.record_size:
            yield iso.read_record(number, size, attributes.sfid), (place, size)
        else:
            yield commands.read_records(number, attributes.sfid, size), (place, size)


def _pieces(size: int, most: int) -> Iterator[Span]:
    """Cut a length into as few pieces as there can be."""
    return ((place, min(most, size - place)) for place in range(0, size, most))
