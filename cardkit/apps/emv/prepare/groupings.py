"""The prepared data of one application: data groupings by identifier, and how they are kept between two runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from cardkit.crypto import Secret
from cardkit.crypto.secret import joined
from cardkit.encoding import dgi
from cardkit.errors import EncodingError, ProfileError

_SECRET = "secret"  # noqa: S105  (a word, not a password)


@dataclass(frozen=True, slots=True)
class ApplicationData:
    """What one application is given, besides keys and PIN, which come from the key store and the record.

    :param clear: values by identifier, in the order they are sent.  :param secret: those under the DEK, likewise.
    """

    aid: bytes
    clear: Mapping[int, bytes] = field(repr=False)
    secret: Mapping[int, Secret] = field(default_factory=dict, repr=False)

    def grouping(self, name: str) -> bytes:
        """Return a clear value by its identifier in hexadecimal digits.

        :raises EncodingError: where there is none.
        """
        try:
            return self.clear[int(name, 16)]
        except KeyError:
            raise EncodingError(f"application {self.aid.hex().upper()}: no data grouping {name}") from None

    def records(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield SFI, number and body of its records (EMV CPS 3.2: identifiers 01rr to 1Err)."""
        for tag, value in self.clear.items():
            if is_record(tag, value):
                yield tag >> 8, tag & 0xFF, value

    def texts(self) -> Iterator[str]:
        """Yield its clear groupings in the form they are exchanged and compared in: ``DGIxxxx=hex``, as sent."""
        for tag, value in self.clear.items():
            yield f"DGI{tag:04X}={value.hex().upper()}"


def is_record(tag: int, value: bytes) -> bool:
    """Whether a grouping is a record: of SFI 1 to 30, and a template 70."""
    return 1 <= tag >> 8 <= 30 and value[:1] == b"\x70"


def to_values(applications: Iterable[ApplicationData]) -> dict[str, Secret]:
    """Return the values that are sealed with a card's record: two streams of groupings for each application."""
    values = {}
    for item in applications:
        name = item.aid.hex().upper()
        values[name] = Secret(b"".join(dgi.DGI(*pair).build() for pair in item.clear.items()), name)
        if item.secret:
            stream = b"".join(dgi.DGI(tag, joined((part,))).build() for tag, part in item.secret.items())
            values[f"{name} {_SECRET}"] = Secret(stream, f"{name} {_SECRET}")
    return values


def from_values(values: Mapping[str, Secret], aids: Iterable[bytes]) -> dict[bytes, ApplicationData]:
    """Read what :func:`to_values` gave.

    :param aids: the applications there must be.
    :raises ProfileError: when they are those of another product.
    """
    names = {aid.hex().upper(): aid for aid in aids}
    if {name.partition(" ")[0] for name in values} != set(names):
        raise ProfileError(f"prepared values of {len(values)} streams are not of this product's applications")
    return {aid: _read(name, aid, values) for name, aid in names.items()}


def _read(name: str, aid: bytes, values: Mapping[str, Secret]) -> ApplicationData:
    try:
        clear = {item.tag: item.value for item in dgi.parse(joined((values[name],)))}
        hidden = values.get(f"{name} {_SECRET}")
        parts = dgi.parse(joined((hidden,))) if hidden is not None else ()
    except EncodingError:
        raise ProfileError(f"prepared values of {name}: expected data groupings") from None
    return ApplicationData(aid, clear, {item.tag: Secret(item.value, f"{name}#{item.tag:04X}") for item in parts})
