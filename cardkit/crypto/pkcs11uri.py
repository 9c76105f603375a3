"""PKCS#11 URIs (RFC 7512), as far as they name a token and its module."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from cardkit.errors import KeyStoreError

SCHEME = "pkcs11:"
_PATH = ("token", "serial")
_QUERY = ("module-path",)


@dataclass(frozen=True, slots=True)
class Pkcs11URI:
    """Which token of which module. The slot number has no say: it changes.

    :param token: its label.  :param serial: where two tokens have the same label.
    :param module_path: the shared library of the token's maker.
    """

    token: str
    serial: str
    module_path: str

    @classmethod
    def parse(cls, text: str) -> Pkcs11URI:
        """Read ``pkcs11:token=LABEL[;serial=...]?module-path=LIBRARY``.

        :raises KeyStoreError: on another form; on a PIN, which does not belong into a command line.

        >>> Pkcs11URI.parse("pkcs11:token=bureau%201?module-path=/usr/lib/softhsm/libsofthsm2.so").token
        'bureau 1'
        """
        if not text.startswith(SCHEME):
            raise KeyStoreError(f"token {text!r}: expected {SCHEME}token=LABEL?module-path=LIBRARY")
        path, _, query = text.removeprefix(SCHEME).partition("?")
        found = {**_attributes(path, ";", _PATH), **_attributes(query, "&", _QUERY)}
        missing = [name for name in ("token", "module-path") if not found.get(name)]
        if missing:
            raise KeyStoreError(
                f"{SCHEME} URI: {missing[0]} is missing, expected {SCHEME}token=LABEL?module-path=LIBRARY"
            )
        return cls(found["token"], found.get("serial", ""), found["module-path"])

    def __str__(self) -> str:
        return f"token {self.token}"


def _attributes(text: str, separator: str, known: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, _, value = part.partition("=")
        if name in ("pin-value", "pin-source"):
            raise KeyStoreError(f"{SCHEME} URI: {name}: a PIN is typed or read from --passphrase-fd, never in a URI")
        if name not in known or name in found:
            raise KeyStoreError(f"{SCHEME} URI: {name!r}: expected each of {', '.join(_PATH + _QUERY)} once at most")
        found[name] = unquote(value)
    return found
