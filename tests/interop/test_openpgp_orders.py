"""Orders in OpenPGP against the real gpg: the one good file is read, every other is refused, unread."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardkit.errors import RecordError
from cardkit.production.input.openpgp import Sender, decrypted
from tests.interop.gpgring import Ring

pytestmark = [
    pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="plaintext is kept in a memfd, which Linux has"),
    pytest.mark.requirement("D1"),
]

ORDER = b"iccid,imsi\n8999901000000000013,001010000000001\n"
CUSTOMER, SECOND, STRANGER, OLD = "customer", "second", "stranger", "old"
FORGED = "forger"
LONG_AGO = ("--faked-system-time", "20200101T000000")


class World:
    """Customers with their keys in one ring, and the plant's ring as a case wants it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.theirs = Ring(folder / "t")
        self.plant = Ring(folder / "p")
        self.recipient = self.plant.make("plant@example.test", *LONG_AGO)
        self.keys = {
            CUSTOMER: self.theirs.make("customer@example.test", *LONG_AGO),
            SECOND: self.theirs.make("second@example.test"),
            STRANGER: self.theirs.make("stranger@example.test"),
        }
        customer = self.keys[CUSTOMER]
        forged = f"x\u2028[GNUPG:] VALIDSIG {customer} 2026-11-22 1 0 4 0 22 10 00 {customer} <forger@example.test>"
        self.keys[FORGED] = self.theirs.make(forged)
        self.keys[OLD] = self.theirs.make("old@example.test", *LONG_AGO, expires="1y")
        for name in (CUSTOMER, SECOND, OLD, FORGED):
            self.plant.run("--import", given=self.public(name))
        self.theirs.run("--quick-set-expire", self.keys[OLD], "0")  # the plant does not hear of it
        self.theirs.run("--import", given=self.plant.run("--export", self.recipient))

    def public(self, name: str) -> bytes:
        return self.theirs.run("--export", self.keys[name])

    def revoke(self, name: str, ring: Ring) -> None:
        text = (self.theirs.folder / "openpgp-revocs.d" / f"{self.keys[name]}.rev").read_text(encoding="utf-8")
        ring.run("--import", given=text.replace(":-----BEGIN", "-----BEGIN").encode())

    def ring(self) -> Ring:
        """A copy of the plant's ring."""
        self.plant.end()
        copy = Path(tempfile.mkdtemp(dir=self.folder))
        copy.rmdir()
        shutil.copytree(self.plant.folder, copy, ignore=shutil.ignore_patterns("S.*"))
        ring = object.__new__(Ring)
        ring.folder = copy
        return ring

    def sealed(self, *signers: str, data: bytes = ORDER, words: tuple[str, ...] = ()) -> bytes:
        signing = [word for name in signers for word in ("--local-user", f"{self.keys[name]}!")]
        what = ["--encrypt", "--recipient", self.recipient]
        return self.theirs.run(*words, *signing, *(["--sign"] if signers else []), *what, given=data)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="ck", dir="/tmp") as folder:
        made = World(Path(folder))
        yield made
        made.theirs.end()
        made.plant.end()


def flipped(data: bytes) -> bytes:
    return data[:-3] + bytes((data[-3] ^ 1,)) + data[-2:]


Case = Callable[[World], bytes]
CASES: dict[str, tuple[str, Case]] = {
    "unsigned": ("UNSIGNED", lambda world: world.sealed()),
    "another customer": ("SIGNER", lambda world: world.sealed(SECOND)),
    "signer unknown": ("SIGNER", lambda world: world.sealed(STRANGER)),
    "a name that forges a line": ("SIGNER", lambda world: world.sealed(FORGED)),
    "weak digest": ("SIGNER", lambda world: world.sealed(CUSTOMER, words=("--digest-algo", "SHA1"))),
    "two signers": ("SIGNER_COUNT", lambda world: world.sealed(CUSTOMER, SECOND)),
    "not encrypted": (
        "NOT_ENCRYPTED", lambda world: world.theirs.run("--local-user", world.keys[CUSTOMER], "--sign", given=ORDER)
    ),
    "clear text signature": (
        "NOT_ENCRYPTED",
        lambda world: world.theirs.run("--local-user", world.keys[CUSTOMER], "--clear-sign", given=ORDER),
    ),
    "no OpenPGP": ("NOT_ENCRYPTED", lambda _: ORDER),
    "changed": ("INTEGRITY", lambda world: flipped(world.sealed(CUSTOMER))),
    "cut off": ("INTEGRITY", lambda world: world.sealed(CUSTOMER)[:-40]),
    "two messages": ("INTEGRITY", lambda world: 2 * world.sealed(CUSTOMER)),
    "for somebody else": (
        "INTEGRITY",
        lambda world: world.theirs.run(
            "--local-user", world.keys[CUSTOMER], "--sign", "--encrypt", "-r", world.keys[SECOND], given=ORDER
        ),
    ),
    "bomb": ("SIZE", lambda world: world.sealed(CUSTOMER, data=bytes(3_000_000))),
    "old": ("SIGNATURE", lambda world: world.sealed(CUSTOMER, words=("--faked-system-time", "20260901T000000"))),
}  # fmt: skip


def read(world: World, path: Path, signer: str = CUSTOMER, home: Path | None = None) -> bytes:
    sender = Sender(world.keys[signer], home or world.plant.folder, most_bytes=1_000_000)
    with decrypted(path, sender, datetime.now(UTC)) as plain:
        return plain.read()


def test_the_good_one_is_read(world: World, tmp_path: Path) -> None:
    (tmp_path / "order.gpg").write_bytes(world.sealed(CUSTOMER))
    assert read(world, tmp_path / "order.gpg") == ORDER


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_and_why(world: World, tmp_path: Path, name: str) -> None:
    code, make = CASES[name]
    (tmp_path / "order.gpg").write_bytes(make(world))
    with pytest.raises(RecordError) as caught:
        read(world, tmp_path / "order.gpg")
    assert caught.value.code == code, str(caught.value)
    assert "nothing of it was read" in str(caught.value)


def test_the_key_of_the_customer_has_expired(world: World, tmp_path: Path) -> None:
    (tmp_path / "order.gpg").write_bytes(world.sealed(OLD))
    with pytest.raises(RecordError) as caught:
        read(world, tmp_path / "order.gpg", signer=OLD)
    assert caught.value.code == "KEY_EXPIRED"


@pytest.mark.parametrize(
    ("signers", "revoked", "code"),
    [((CUSTOMER,), CUSTOMER, "KEY_REVOKED"), ((CUSTOMER, SECOND), SECOND, "SIGNER_COUNT")],
)
def test_a_key_was_revoked(world: World, tmp_path: Path, signers: tuple[str, ...], revoked: str, code: str) -> None:
    ring = world.ring()
    world.revoke(revoked, ring)
    (tmp_path / "order.gpg").write_bytes(world.sealed(*signers))
    with pytest.raises(RecordError) as caught:
        read(world, tmp_path / "order.gpg", home=ring.folder)
    ring.end()
    assert caught.value.code == code


@pytest.mark.requirement("D5")
def test_the_plaintext_is_in_no_file_and_no_argument(world: World, tmp_path: Path) -> None:
    (tmp_path / "order.gpg").write_bytes(world.sealed(CUSTOMER))
    sender = Sender(world.keys[CUSTOMER], world.plant.folder)
    with decrypted(tmp_path / "order.gpg", sender, datetime.now(UTC)) as plain:
        target = Path(f"/proc/self/fd/{plain.fileno()}").readlink()
        assert plain.read() == ORDER
    assert str(target).startswith("/memfd:")
    assert [path.name for path in tmp_path.iterdir()] == ["order.gpg"]


def test_the_agent_of_the_ring_has_ended(world: World, tmp_path: Path) -> None:
    (tmp_path / "order.gpg").write_bytes(world.sealed(CUSTOMER))
    read(world, tmp_path / "order.gpg")
    homes = [
        words
        for entry in Path("/proc").glob("[0-9]*")
        if (words := _words(entry)) and b"gpg-agent" in words and str(world.plant.folder).encode() in words
    ]
    assert homes == []


def _words(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


def test_a_file_that_is_not_there(world: World, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        read(world, tmp_path / "none.gpg")


@pytest.mark.parametrize(("passphrase", "code"), [("a good one", None), ("a wrong one", "INTEGRITY")])
def test_a_key_with_a_passphrase(world: World, tmp_path: Path, passphrase: str, code: str | None) -> None:
    guarded = Ring(tmp_path / "g")
    recipient = guarded.make("guarded@example.test", "--pinentry-mode", "loopback", "--passphrase", "a good one")
    guarded.end()  # an agent that remembers it would not ask
    guarded.run("--import", given=world.public(CUSTOMER))
    world.theirs.run("--import", given=guarded.run("--export", recipient))
    signing = ["--local-user", world.keys[CUSTOMER], "--sign", "--encrypt", "--recipient", recipient]
    (tmp_path / "order.gpg").write_bytes(world.theirs.run(*signing, given=ORDER))
    end, other = os.pipe()
    os.write(other, passphrase.encode())
    os.close(other)
    found = None
    try:
        sender = Sender(world.keys[CUSTOMER], guarded.folder, passphrase_fd=end)
        with decrypted(tmp_path / "order.gpg", sender, datetime.now(UTC)) as plain:
            assert plain.read() == ORDER
    except RecordError as error:
        found = error.code
    finally:
        os.close(end)
    assert found == code
