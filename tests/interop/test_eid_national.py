"""An identity card that cardkit made through pcscd: OpenSC uses its keys, our border reader its document, in turn."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.interop.opensc import Programs, served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

PROFILE = Path(__file__).parents[2] / "profiles" / "id" / "national-id-td1"
PIN, CAN = "241810", "204817"
LABELS = ["authentication", "signature"]


@pytest.fixture(scope="module")
def programs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """OpenSC's programs, and a card made for the first row of the order in reader 0: the same for all."""
    home = tmp_path_factory.mktemp("national")
    with served(stack, "national-id"):
        made = Programs(stack, home)
        order = ("--order", str(PROFILE / "order.csv"), "--record", "1", "--work", str(home / "work"))
        command = (sys.executable, "-m", "cardkit", "personalize", str(PROFILE), *order, "--reader", "pcsc:0", "--yes")
        made.run(*command)
        (home / "trust").mkdir()
        shutil.copy(PROFILE / "csca.cer", home / "trust")
        yield made


def read_at_the_border(programs: Programs) -> dict:
    """Return what our reader says of the document; a CRL is missing, nothing else."""
    reader = (sys.executable, "-m", "cardkit", "id", "read", "--reader", "pcsc:0", "--can", CAN)
    said = programs.run(*reader, "--trust", "trust", "--json")
    shown: dict = json.loads(said[said.index("{") :])
    assert {finding["rule"] for finding in shown["findings"]} == {"EMRTD-076"}
    return shown


def signed(programs: Programs, identifier: int) -> None:
    """Let a key sign, and hold the signature against its certificate."""
    read = programs.run("pkcs15-tool", "-r", "0", "--read-certificate", str(identifier))
    public = x509.load_pem_x509_certificate(read.encode()).public_key()
    (programs.home / "text").write_bytes(b"text")
    signing = ("--sign", "-m", "ECDSA-SHA1", "--id", f"0{identifier}", "-i", "text", "-o", "signature")
    programs.run("pkcs11-tool", "--login", "--pin", PIN, *signing, "--signature-format", "openssl")
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify((programs.home / "signature").read_bytes(), b"text", ec.ECDSA(hashes.SHA1()))


def test_opensc_lists_the_keys(programs: Programs) -> None:
    listed = programs.run("pkcs15-tool", "-r", "0", "-D")
    assert "PKCS#15 Card [Utopian identity card]" in listed
    assert re.findall(r"Private EC Key \[(\w+)\]", listed) == LABELS
    assert re.findall(r"X.509 Certificate \[(\w+)\]", listed) == LABELS
    assert "UA4821907" not in listed


@pytest.mark.parametrize("identifier", [1, 2])
def test_opensc_signs_and_the_border_reads_in_turn(programs: Programs, identifier: int) -> None:
    signed(programs, identifier)
    shown = read_at_the_border(programs)
    assert [step["name"] for step in shown["steps"] if step["mark"] == "done"] == ["PACE", "chip authentication"]
    signed(programs, identifier)
