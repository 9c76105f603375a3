"""The bytes of an order file, read piece by piece: memory stays flat however long the order is (production.md 9)."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar

from cardkit.errors import RecordError
from cardkit.profile.layout import BOMS, Layout

CHUNK_BYTES = 1 << 16
MAX_LINE = 1 << 20
MARK_BYTES = 3  # of the longest byte-order mark

Line = TypeVar("Line", str, bytes)


class Source:
    """An order file, read twice: once for its digest, once for its rows.

    :param stream: can seek; stays open as long as rows are read.
    :raises RecordError: EMPTY.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        digest = hashlib.sha256()
        for chunk in self._pieces():
            digest.update(chunk)
        self.sha256 = digest.digest()
        if not stream.tell():
            raise RecordError("the file is empty", code="EMPTY")

    def chunks(self) -> Iterator[bytes]:
        """Yield the file's bytes; RecordError when they are not those of the first reading."""
        digest = hashlib.sha256()
        for chunk in self._pieces():
            digest.update(chunk)
            yield chunk
        if digest.digest() != self.sha256:
            raise RecordError("the file changed while it was read", code="FILE")

    def _pieces(self) -> Iterator[bytes]:
        self._stream.seek(0)
        while chunk := self._stream.read(CHUNK_BYTES):
            yield chunk


def byte_lines(layout: Layout, source: Source) -> Iterator[bytes]:
    """Yield the lines of a file in bytes, their ends as declared and removed."""
    return _lines(b"", b"\r\n" if layout.newline == "crlf" else b"\n", _unmarked(layout, source), layout, b"\r")


def text_lines(layout: Layout, source: Source) -> Iterator[str]:
    """Yield the lines of a file as text, their ends as declared and removed."""
    return _lines("", "\r\n" if layout.newline == "crlf" else "\n", texts(layout, source), layout, "\r")


def texts(layout: Layout, source: Source) -> Iterator[str]:
    """Yield a file's text; RecordError with the line of the first byte that is not in the declared encoding."""
    decoder = codecs.getincrementaldecoder(_codec(layout.encoding))("strict")
    at, line = 0, 1
    for chunk in _with_end(_unmarked(layout, source)):
        pending = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise _undecodable(layout.encoding, error, at - pending, line) from None
        at += len(chunk)
        line += text.count("\n")
        yield text


def decode(data: bytes, encoding: str) -> str:
    """Return text in a declared encoding; RecordError with the line of the first wrong byte."""
    try:
        return data.decode(_codec(encoding))
    except UnicodeDecodeError as error:
        raise _undecodable(encoding, error, 0, 1) from None


def without_bom(layout: Layout, data: bytes) -> bytes:
    """Return the first bytes to decode; RecordError on a byte-order mark nobody declared, or on a missing one."""
    found = next((bom for bom in BOMS if data.startswith(bom)), None)
    if layout.encoding == "utf-16":
        if found not in BOMS[1:]:
            raise RecordError("utf-16 needs its byte-order mark; declare utf-16-le or utf-16-be", code="ENCODING_BOM")
        return data
    if layout.encoding == "utf-8-sig" and found == BOMS[0]:
        return data[len(BOMS[0]) :]
    if found is not None:
        raise RecordError(f"a byte-order mark, but the layout declares {layout.encoding}", code="ENCODING_BOM")
    return data


def without_last(lines: Iterator[Line], take: Callable[[Line | None], None]) -> Iterator[Line]:
    """Yield all lines but the last, which is given to ``take``: None where there is no line at all."""
    held = next(lines, None)
    if held is not None:
        for line in lines:
            yield held
            held = line
    take(held)


def _unmarked(layout: Layout, source: Source) -> Iterator[bytes]:
    chunks = source.chunks()
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= MARK_BYTES:
            break
    yield without_bom(layout, first)
    yield from chunks


def _with_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the chunks and an empty one, which says that nothing follows."""
    yield from (chunk for chunk in chunks if chunk)
    yield b""


def _lines(tail: Line, end: Line, pieces: Iterator[Line], layout: Layout, stray: Line) -> Iterator[Line]:
    for piece in pieces:
        whole = (tail + piece).split(end)
        tail = whole.pop()
        if len(tail) > MAX_LINE:
            raise RecordError(f"a line of more than {MAX_LINE} characters", code="LINE")
        yield from [line.removesuffix(stray) for line in whole] if layout.newline == "any" else whole
    if tail:
        yield tail.removesuffix(stray) if layout.newline == "any" else tail


def _codec(encoding: str) -> str:
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _undecodable(encoding: str, error: UnicodeDecodeError, at: int, line: int) -> RecordError:
    line += error.object.count(b"\n", 0, error.start)
    return RecordError(f"line {line}: byte {at + error.start + 1} of the file is not {encoding}", code="ENCODING")
