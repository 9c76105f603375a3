"""Terminals for the cases about groups that only they read, and for a CVCA that changes its signature mechanism."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from cardkit.apps.emrtd.chip_auth import authenticate_chip, chip_keys, ephemeral_pair
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.terminal_auth import authenticate_terminal
from cardkit.apps.pki.cvc import CvCertificate, Right
from tests.unit.emrtd.passport import Document
from tests.unit.emrtd.test_border_reader import EVERYTHING, VERIFIER, certificate, with_fingers
from tests.unit.pki import issuers

OWN = certificate("p256-3", "UTTERM00002", EVERYTHING, "p256-2", "UTDVCA00001")
LINK = certificate("p384-1", "UTCVCA00002", Right.AUTHORITY | EVERYTHING, "p256-1", "UTCVCA00001")
NEXT_VERIFIER = certificate("p384-2", "UTDVCA00002", Right.DOMESTIC_VERIFIER | EVERYTHING, "p384-1", "UTCVCA00002")
NEXT_OWN = certificate("p384-3", "UTTERM00003", EVERYTHING, "p384-2", "UTDVCA00002")


def extended(**more: object) -> Document:
    """Return a document whose fingers and irises terminals read."""
    plain = with_fingers()
    return replace(plain, groups=plain.groups | more.pop("groups", {}), **more)  # type: ignore[operator,arg-type]


def authenticate(
    client: DocumentClient,
    document: Document,
    chip_id: bytes,
    chain: Sequence[CvCertificate] = (VERIFIER, OWN),
    key: str = "p256-3",
) -> None:
    """Authenticate the chip, then a terminal.  :param chip_id: of the PACE that opened the session."""
    own = chip_keys(document.infos())[0]
    pair = ephemeral_pair(own, secrets.token_bytes)
    authenticate_chip(client, own, pair)
    authenticate_terminal(client, chain, issuers.key(key), chip_id, pair.compressed)
