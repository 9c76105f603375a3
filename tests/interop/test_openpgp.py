"""Output files in OpenPGP: the customer's gpg opens them and finds the plant's signature; nobody else opens them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardkit.crypto import MemoryKeyStore
from cardkit.errors import KeyStoreError, StoreError
from cardkit.production import Envelope, import_batch, load_template, open_store, write_output
from cardkit.production.store import Card, start_session
from cardkit.production.tracing import Unlock, unmasked
from cardkit.profile import load_profile, read_order

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")

ROWS = 3
TEMPLATE = """
[layout]
direction = "out"
kind = "delimited"
encoding = "utf-8"
header = "names"
fields = [{ name = "iccid" }, { name = "status" }]
"""


def gpg(home: Path, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--disable-dirmngr", *words]
    return subprocess.run(command, input=given, capture_output=True, check=False)


def make_key(home: Path, name: str) -> str:
    gpg(home, "--passphrase", "", "--quick-gen-key", name, "rsa2048", "sign,encr", "never")
    listed = gpg(home, "--with-colons", "--list-keys", name).stdout.decode()
    return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))


@pytest.fixture(scope="module")
def homes() -> Iterator[tuple[Path, Path, Path, str, str]]:
    """The plant's, the customer's and a stranger's gpg, and the fingerprints of plant and customer."""
    with tempfile.TemporaryDirectory(prefix="ck", dir="/tmp" if os.name == "posix" else None) as folder:
        plant, customer, stranger = (Path(folder) / name for name in "pcs")
        for home in (plant, customer, stranger):
            home.mkdir(mode=0o700)
        signer, recipient = make_key(plant, "plant@example.test"), make_key(customer, "customer@example.test")
        make_key(stranger, "stranger@example.test")
        for giver, taker in ((customer, plant), (plant, customer)):
            gpg(taker, "--import", given=gpg(giver, "--export").stdout)
        yield plant, customer, stranger, signer, recipient
        for home in (plant, customer, stranger):
            subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


@pytest.fixture
def write(tmp_path: Path):
    profile = load_profile("sim/usim-test")
    keys = profile.test_keystore()
    lines = (profile.path.parent / "order.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    order = tmp_path / "lot.csv"
    order.write_text("".join(lines[: ROWS + 1]), encoding="utf-8")
    (tmp_path / "t.toml").write_text(TEMPLATE, encoding="utf-8")
    template = load_template(profile, str(tmp_path / "t.toml"))
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", operator="ana", create=True) as store:
        import_batch(store, profile, read_order(profile, order, keys), keys, order)
        session, _ = start_session(store, "s1")
        for claim in session.claim("lot", ROWS, 60):
            card = Card(claim.record_id, claim.token, f"chip {claim.record_id}")
            session.bind(store.batch("lot"), card)
            session.commit(store.batch("lot"), card, b"e" * 32)

        def write_file(name: str, envelope: Envelope | None) -> Path:
            write_output(store, "lot", template, MemoryKeyStore(), tmp_path / name, envelope=envelope)
            return tmp_path / name

        yield write_file


@pytest.mark.requirement("D6")
def test_only_the_customer_opens_the_file_and_finds_the_signature(homes, write) -> None:
    plant, customer, stranger, signer, recipient = homes
    clear = write("out.csv", None).read_bytes()
    sealed = write("out.csv.gpg", Envelope(recipient, signer, plant)).read_bytes()

    assert clear.count(b"\n") == ROWS + 1
    assert b"8999901" not in sealed
    opened = gpg(customer, "--status-fd", "2", "--decrypt", given=sealed)
    said = opened.stderr.decode().splitlines()
    assert opened.stdout == clear
    assert [line.split()[-1] for line in said if line.startswith("[GNUPG:] VALIDSIG")] == [signer]
    assert any(line.startswith(("[GNUPG:] GOODMDC", "[GNUPG:] DECRYPTION_OKAY")) for line in said)
    assert gpg(stranger, "--decrypt", given=sealed).stdout == b""


def test_a_key_gpg_does_not_have_leaves_the_file_as_it_was(homes, write) -> None:
    plant, _, stranger, signer, recipient = homes
    before = write("out.csv.gpg", Envelope(recipient, signer, plant)).read_bytes()
    for envelope in (Envelope("A" * 40, signer, plant), Envelope(recipient, recipient, plant),
                     Envelope(recipient, signer, stranger)):  # fmt: skip
        with pytest.raises(StoreError, match="gpg ended with 2: gpg: "):
            write("out.csv.gpg", envelope)

    path = write("again.gpg", Envelope(recipient, signer, plant))
    assert (path.parent / "out.csv.gpg").read_bytes() == before
    assert [left.name for left in path.parent.iterdir() if left.name.startswith(".")] == []


@pytest.mark.parametrize("fingerprint", ["", "customer@example.test", "0123456789ABCDEF", "a" * 40, "-" * 40])
def test_only_full_fingerprints_name_a_key(fingerprint: str) -> None:
    with pytest.raises(KeyStoreError, match="expected a full fingerprint"):
        Envelope(fingerprint, "A" * 40)
    with pytest.raises(KeyStoreError, match="signer: expected a full fingerprint"):
        Envelope("A" * 40, fingerprint)


def test_without_gpg_it_is_said_in_one_line(monkeypatch, write) -> None:
    monkeypatch.setattr("cardkit.production.gpg.shutil.which", lambda _: None)
    with pytest.raises(StoreError, match="gpg is not installed"):
        write("out.csv.gpg", Envelope("A" * 40, "B" * 40))


class Unlocking:
    """A LIVE store whose people said yes."""

    terms = SimpleNamespace(kind="LIVE")
    presence = SimpleNamespace(require=lambda step, by: list(by))
    operator = "otto"
    writing = staticmethod(nullcontext)

    def audit(self, *event: object) -> None:
        """Keep nothing."""


@pytest.mark.requirement("L3")
def test_an_unlocked_trace_is_read_by_its_recipient_only(homes, tmp_path: Path) -> None:
    plant, customer, stranger, signer, recipient = homes
    profile = dataclasses.replace(load_profile("sim/usim-test"), kind="LIVE")
    unlock = Unlock(Unlocking(), ("otto", "sven"), Envelope(recipient, signer, plant))
    with unmasked(tmp_path / "t", profile, 1, unlock) as trace:
        trace.sink.write("0020000A08 4142434445464748\n")
    assert b"4142434445464748" not in (tmp_path / "t").read_bytes()
    opened = gpg(customer, "--trust-model", "always", "--decrypt", str(tmp_path / "t"))
    assert (opened.returncode, opened.stdout) == (0, b"0020000A08 4142434445464748\n")
    assert gpg(stranger, "--decrypt", str(tmp_path / "t")).returncode == 2
