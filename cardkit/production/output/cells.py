"""Values to the text of an output file: the reverse of :mod:`cardkit.profile.reading`, and checked by it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.pack import Value
from cardkit.crypto.wrap import Wrapping, clear_text
from cardkit.errors import RecordError
from cardkit.profile.field import Field
from cardkit.profile.reading import FieldError, reader

FORMULA = frozenset("=+-@")  # a spreadsheet runs what begins with one of these
TEXTS = ("digits", "number", "ascii", "text", "enum", "const")

Nonce = Callable[[bytes, Secret], bytes]
Writer = Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Wrap:
    """The key a column is wrapped under.

    :param context: gives what the value of the present row is bound to.  :param nonce: for context and value.
    """

    keystore: KeyStore
    reference: str
    wrapping: Wrapping
    context: Callable[[], bytes]
    nonce: Nonce

    def __call__(self, value: Secret) -> str:
        """Return a wrapped value as hex."""
        if self.wrapping is Wrapping.AES_GCM:
            context = self.context()
            sealed = self.keystore.wrap(self.reference, value, self.wrapping, context, self.nonce(context, value))
        else:
            sealed = self.keystore.wrap(self.reference, value, self.wrapping)
        return sealed.hex().upper()


def writer(name: str, field: Field, wrap: Wrap | None) -> Writer:
    """Return the function that writes a field's value, compiled once per file.

    :param wrap: None for a clear value.
    :returns: a function that raises RecordError where the value is not one the column takes.
    """
    if field.is_secret or wrap is not None:
        return _secret_writer(name, field, wrap)
    read = reader(name, field, None)

    def write(value: Value) -> str:
        text = _text(field, value)
        try:
            again = read(text)
        except FieldError as error:
            raise RecordError(f"{name}: {error.reason}", code=error.code) from None
        if again != value:
            raise RecordError(f"{name}: what the column takes is not what the record has", code="CHARSET")
        if field.type in ("ascii", "text") and text[:1] in FORMULA:
            raise RecordError(f"{name}: begins like a formula of a spreadsheet", code="FORMULA")
        return text

    return write


def _secret_writer(name: str, field: Field, wrap: Wrap | None) -> Writer:
    of_text = field.type in TEXTS

    def write(value: Value) -> str:
        secret = value if isinstance(value, Secret) else Secret(_text(field, value).encode(), name)
        return clear_text(secret, of_text=of_text) if wrap is None else wrap(secret)

    return write


def _text(field: Field, value: Value) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode() if field.type == "base64" else value.hex().upper()
    if isinstance(value, date):
        return value.strftime(field.format or "%Y%m%d")
    return str(value)
