"""A social card behind pcscd and vpcd: OpenSC makes the identity, others payment and transport."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.card.cipurse.terminal import ENC, MAC, Bench
from tests.card.emv import bureau, issuance
from tests.interop.opensc import Programs, served
from tests.interop.stack import Stack
from tests.interop.test_cipurse_terminal import Connected, SmartcardException, readers

pytestmark = pytest.mark.interop

PIN, PUK = "123456", "1234567890123456"
INIT, OWNER = ("pkcs15-init", "--reader", "0"), ("--auth-id", "FF", "--pin", PIN)
TRANSPORT = "F0434950555253450001"


@contextlib.contextmanager
def connected(stack: Stack) -> Iterator[Connected]:
    """The card in reader 0, released afterwards, so that other programs may have it."""
    found = next(reader for reader in readers() if str(reader) == stack.names[0])
    connection = found.createConnection()
    connection.connect()
    try:
        yield Connected(connection)
    finally:
        with contextlib.suppress(SmartcardException):
            connection.disconnect()
            connection.release()


def test_three_terminals_make_one_card(stack: Stack, tmp_path: Path) -> None:
    """Each finds what it has made when the others have been there."""
    with served(stack, "social"):
        programs = Programs(stack, tmp_path)
        programs.run(*INIT, "--create-pkcs15", "--so-pin", PIN, "--so-puk", PUK)
        programs.run(*INIT, "-G", "ec/prime256v1", "--id", "2", "--label", "two", "--key-usage", "sign", *OWNER)
        with connected(stack) as card:
            bureau.personalize(card, issuance.card())
            bench = Bench(card)
            bench.ok(f"00A404000A{TRANSPORT}")
            bench.opened()
            assert bench(bench.adf(), ENC, MAC) == "9000"
            bench.reselect().opened(1, Bench.KEYS[0])
            assert bench(bench.ef(extent="0004"), ENC, ENC) == "9000"
            assert bench("00D6810004CAFEBABE", MAC, MAC) == "9000"
        assert re.search(r"Private EC Key \[two\]", programs.run("pkcs15-tool", "-r", "0", "-D"))
        (programs.home / "text").write_bytes(b"text")
        signing = ("--sign", "-m", "ECDSA-SHA1", "--id", "02", "-i", "text", "-o", "signature")
        programs.run("pkcs11-tool", "-l", "--pin", PIN, *signing, "--signature-format", "openssl")
        public = load_pem_public_key(programs.run("pkcs15-tool", "-r", "0", "--read-public-key", "2").encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        public.verify((programs.home / "signature").read_bytes(), b"text", ec.ECDSA(hashes.SHA1()))
        with connected(stack) as card:
            assert Bench(card).reselect().ok("00B0810000") == "CAFEBABE"
            assert card.transmit(bytes.fromhex(f"00A4040007{issuance.AID}00"))[-2:] == b"\x90\x00"
