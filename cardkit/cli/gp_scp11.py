"""``--scp11``: a session from certificates instead of a key set."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from cardkit.apps.gp.agreement import Agreement, HostIdentity
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.states.certifying import pinned_root
from cardkit.cli.card import today
from cardkit.errors import EncodingError
from cardkit.secure.certificates import Certificate, parse_certificates, trusted_key
from cardkit.secure.levels import SecurityLevel
from cardkit.secure.scp11 import Variant

_FORM = re.compile(r"(?P<variant>[abc]):(?P<kvn>[0-9A-F]{2})", re.IGNORECASE)
_HOST = re.compile(r"(?P<kvn>[0-9A-F]{2})(?::(?P<kid>[0-9A-F]{2}))?=(?P<reference>\S+)", re.IGNORECASE)
_USUAL_CA_KID = "10"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the options say of an SCP11 session.

    :param kvn: version of the card's key.  :param root: pinned.  :param host: who we are; None in variant b.
    """

    variant: Variant
    kvn: int
    root: ec.EllipticCurvePublicKey
    host: HostIdentity | None

    def agreement(self, domain: SecurityDomain, level: SecurityLevel | None) -> Agreement:
        """Read the card's chain and check it; say how the session is opened.

        :param level: None for the strongest.  :raises AuthenticationError: when the chain does not lead to the root.
        """
        key = trusted_key(domain.certificates(self.kvn, self.variant.kid), [self.root], now=today())
        ephemeral = ec.generate_private_key(key.curve)
        strongest = SecurityLevel.C_MAC | SecurityLevel.C_DEC | SecurityLevel.R_MAC | SecurityLevel.R_ENC
        return Agreement(self.variant, self.kvn, level or strongest, ephemeral, key, self.host)


def scp11_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets :class:`Certificates` or None as ``certificates``."""

    @click.option("--scp11", metavar="V:KVN", help="SCP11 a, b or c with the card's key of this version: b:01.")
    @click.option("--root", type=_FILE, metavar="FILE.pem", help="SCP11: root that the card's chain must lead to.")
    @click.option("--host-key", metavar="KVN[:KID]=REF", help="SCP11 a, c: our key; KVN, KID: the CA's on the card.")
    @click.option("--host-chain", type=_FILE, metavar="FILE", help="SCP11 a, c: our certificates, the leaf last.")
    @functools.wraps(command)
    def collected(
        *arguments: Any,
        scp11: str | None,
        root: Path | None,
        host_key: str | None,
        host_chain: Path | None,
        **others: Any,
    ) -> Any:
        if scp11 is None and (root or host_key or host_chain):
            raise click.UsageError("--root, --host-key and --host-chain belong to --scp11")
        certificates = None if scp11 is None else _certificates(scp11, root, host_key, host_chain)
        return command(*arguments, certificates=certificates, **others)

    return collected


def _certificates(text: str, root: Path | None, host_key: str | None, host_chain: Path | None) -> Certificates:
    match = _FORM.fullmatch(text)
    if match is None:
        raise EncodingError(f"--scp11 {text}: expected variant and key version such as b:01")
    variant = Variant[match["variant"].upper()]
    if root is None:
        raise click.UsageError("--scp11 needs --root: a card's key is trusted by nothing else")
    if (variant is Variant.B) is not (host_key is None) or (host_key is None) is not (host_chain is None):
        raise click.UsageError("--host-key and --host-chain belong to SCP11 a and c, and both of them do")
    host = None if host_key is None or host_chain is None else _host(host_key, host_chain)
    return Certificates(variant, int(match["kvn"], 16), pinned_root(root.read_bytes(), f"--root {root}"), host)


def _host(text: str, chain: Path) -> HostIdentity:
    match = _HOST.fullmatch(text)
    if match is None:
        raise EncodingError(f"--host-key {text}: expected KVN=REF or KVN:KID=REF, such as 03=plant:host")
    kid = int(match["kid"] or _USUAL_CA_KID, 16)
    return HostIdentity(match["reference"], tuple(_chain(chain)), int(match["kvn"], 16), kid)


def _chain(path: Path) -> list[Certificate]:
    """Read certificates: X.509 as PEM, or either form in binary."""
    data = path.read_bytes()
    if data.lstrip().startswith(b"-----BEGIN"):
        try:
            found = x509.load_pem_x509_certificates(data)
        except ValueError as error:
            raise EncodingError(f"--host-chain {path}: {error}") from None
        data = b"".join(item.public_bytes(Encoding.DER) for item in found)
    return parse_certificates(data)
