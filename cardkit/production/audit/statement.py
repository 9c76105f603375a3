"""Signed statements: checkpoints, keys, exports, and reports that somebody must be able to check later.

A statement is canonical JSON; its signature is over a domain, a zero byte and these bytes. security.md 11
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cardkit.crypto import auditsign
from cardkit.errors import EncodingError
from cardkit.production.canonical import canonical, parse_canonical

CHECKPOINT = b"cardkit-checkpoint-1"
KEY = b"cardkit-audit-key-1"
EXPORT = b"cardkit-audit-export-1"
REPORT = b"cardkit-report-1"
EVIDENCE = b"cardkit-evidence-1"


class AuditKeys(Protocol):
    """Of a key store: what signs statements."""

    def sign_audit(self, reference: str, message: bytes) -> bytes:
        """Return a signature, 64 bytes."""
        ...

    def public_key_info(self, reference: str) -> bytes:
        """Return the public key, SubjectPublicKeyInfo in DER."""
        ...


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs statements, in the key store that holds it."""

    keys: AuditKeys
    reference: str

    @property
    def public(self) -> bytes:
        """The public key, SubjectPublicKeyInfo in DER."""
        return self.keys.public_key_info(self.reference)

    def sign(self, domain: bytes, content: Mapping[str, Any]) -> Statement:
        """Sign a statement."""
        body = canonical(content)
        return Statement(body, self.keys.sign_audit(self.reference, domain + b"\0" + body))


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed, and the signature.

    :param body: canonical JSON.  :param signature: 64 bytes.
    """

    body: bytes
    signature: bytes

    @property
    def content(self) -> dict[str, Any]:
        """What it says; EncodingError where it is no object in canonical form."""
        value = parse_canonical(self.body)
        if not isinstance(value, dict):
            raise EncodingError("statement: expected an object")
        return value

    def is_by(self, public: bytes, domain: bytes) -> bool:
        """Whether a key signed it.

        :param public: SubjectPublicKeyInfo, DER.
        """
        return auditsign.verifies(public, domain + b"\0" + self.body, self.signature)
