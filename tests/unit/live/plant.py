"""A LIVE plant on virtual chips: people, a product, its chips with the plant's own transport keys, and a desk.

The keys are drawn for each plant, so that none of them is one that anybody knows.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from cardkit.crypto import Secret
from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.crypto.keysource import KeySource
from cardkit.production import import_batch, open_store
from cardkit.production.people import accounts
from cardkit.production.people.roles import Role
from cardkit.profile import load_profile, read_order

REPOSITORY = Path(__file__).parents[3]
PHRASE = "the phrase of the key store"
STORE = "sqlite:///plant.db"
ROWS = 3
PEOPLE = {
    "root": [Role.ADMINISTRATOR], "carl": [Role.CUSTODIAN], "cleo": [Role.CUSTODIAN], "otto": [Role.SECURITY_OFFICER],
    "quin": [Role.QA], "arne": [Role.AUTHOR], "sven": [Role.SUPERVISOR], "olga": [Role.OPERATOR],
    "audi": [Role.AUDITOR],
}  # fmt: skip
USAGES = {
    "plant:chip": "secure-channel", "plant:master": "master-derive", "plant:domain": "master-derive",
    "order:kek": "transport-in",
}  # fmt: skip
CODE, CODE_BYTES = "card-secret", 8
CUSTOMER_KEY = "2F95B38EA83DA3320EB15451EDF902C8918807ED"
BLANK_KEY = "404142434445464748494A4B4C4D4E4F"


def password(name: str) -> str:
    return f"the password of {name}"


@contextmanager
def piped(lines: Sequence[str]) -> Iterator[int]:
    """Give a file descriptor with some lines, as a program gives passwords."""
    ours, theirs = os.pipe()
    os.write(theirs, "".join(f"{line}\n" for line in lines).encode())
    os.close(theirs)
    try:
        yield ours
    finally:
        os.close(ours)


@dataclass
class LivePlant:
    """A folder with everything; `components` are the letters of each key, by its reference.

    :param folder: of product, chips and order; store and key store lie in the current one.
    :param run: runs a command line and returns its exit code.
    """

    folder: Path
    run: Callable[[list[str]], int]
    keys_url: str = "file:plant.keys"
    phrase: str = PHRASE
    sender: str = CUSTOMER_KEY
    components: dict[str, list[str]] = field(default_factory=dict)
    app_keys: list[bytes] = field(default_factory=list)
    usages: ClassVar[Mapping[str, str]] = USAGES

    @property
    def profile(self) -> str:
        return str(self.folder / "product")

    @property
    def order(self) -> str:
        return str(self.folder / "order.csv")

    @property
    def image(self) -> str:
        return str(self.folder / "chip.toml")

    def value(self, reference: str) -> bytes:
        first, second = (bytes.fromhex(part) for part in self.components[reference])
        return bytes(a ^ b for a, b in zip(first, second, strict=True))

    def build(self, rows: int = ROWS) -> None:
        """Write product, chip and order, and found the store with its people."""
        sizes = {name: CODE_BYTES if usage == CODE else 16 for name, usage in self.usages.items()}
        self.components = {name: [secrets.token_hex(size).upper() for _ in range(2)] for name, size in sizes.items()}
        self._write_product()
        self._write_order(rows)
        self._found()

    def desk(self, people: str, *words: str, keys: str | None = None) -> int:
        """Take a step as the first of some people; each types the own password.

        :param keys: what opens the key store; without it none is named.
        """
        names = people.split()
        by = [word for name in names[1:] for word in ("--by", name)]
        typed = [] if keys is None else [keys]
        url = [] if keys is None else ["--keys", self.keys_url]
        with piped([password(name) for name in names]) as logins, piped(typed) as phrases:
            opening = [] if keys is None else ["--passphrase-fd", str(phrases)]
            standing = ["--store", STORE, "--operator", names[0], *by, "--login-fd", str(logins)]
            return self.run([*words, *url, *opening, *standing])

    def alone(self, *words: str, keys: str | None = None) -> int:
        """Run a verb that needs no store."""
        with piped([] if keys is None else [keys]) as phrases:
            opening = [] if keys is None else ["--keys", self.keys_url, "--passphrase-fd", str(phrases)]
            return self.run([*words, *opening])

    def make_key_store(self) -> None:
        """Make the LIVE key store and hold the ceremony of each key."""
        with piped([self.phrase, *(f"the phrase of {name}" for name in ("carl", "cleo"))]) as descriptor:
            words = ["keys", "init", "--store", self.keys_url, "--live", "--custodian", "carl", "--custodian", "cleo"]
            assert self.run([*words, "--passphrase-fd", str(descriptor)]) == 0
        assert [self.ceremony(reference) for reference in self.usages] == [0] * len(self.usages)

    def ceremony(self, reference: str) -> int:
        """Bring a key into the key store by the letters of two custodians, under the eyes of an officer."""
        is_code = self.usages[reference] == CODE  # which has no check value
        typed = [self.phrase, password("otto")]
        for number, name in enumerate(("carl", "cleo")):
            part = self.components[reference][number]
            typed += [password(name), part, *([] if is_code else [check_value(bytes.fromhex(part))]), f"E-{number}"]
        typed += [password(name) for name in ("carl", "cleo", "otto")]
        letter = [] if is_code else ["--algorithm", "AES-128", "--kcv-method", "cmac_zero_block_5"]
        letter += [] if is_code else ["--kcv", check_value(self.value(reference))]
        people = ["--plant", STORE, "--officer", "otto", "--by", "carl", "--by", "cleo"]
        key = ["--store", self.keys_url, "--usage", self.usages[reference]]
        transcript = ["--transcript", f"{reference.replace(':', '-')}.json"]
        with piped(typed) as descriptor:
            words = ["keys", "ceremony", reference, *key, *people, *letter, *transcript]
            return self.run([*words, "--passphrase-fd", str(descriptor)])

    def approve_product(self) -> list[int]:
        """Have the profile and an order approved by two others than their authors."""
        terms = ["--customer", "Operator", "--profile", self.profile, "--quantity", "9", "--sender", self.sender]
        return [
            self.desk("arne", "approve", "profile", self.profile, "--propose"),
            self.desk("otto quin", "approve", "profile", self.profile),
            self.desk("sven", "order", "create", "PO-1", *terms),
            self.desk("otto quin", "order", "approve", "PO-1"),
        ]

    def take_order(self) -> None:
        """Take the order in as if its OpenPGP message had been opened: that is tested with gpg, elsewhere."""
        source = KeySource(self.keys_url, (Secret(self.phrase.encode(), "phrase"),))
        with open_store(STORE, operator="sven") as store, source.open() as keys:
            accounts.log_in(store, "sven", Secret(password("sven").encode(), "sven"))
            profile = load_profile(self.profile)
            order = read_order(profile, self.order, keys)
            import_batch(store, profile, order, keys, self.order, name="lot", under="PO-1", sender=self.sender)

    def open_batch(self) -> list[int]:
        """Have the batch approved by two people and opened by two."""
        return [self.desk("otto quin", "approve", "batch", "lot"), self.desk("sven olga", "batch", "open", "lot")]

    def _write_order(self, rows: int) -> None:
        kek = self.value("order:kek")
        lines = ["cin,member,app_key,perso_date,day"]
        self.app_keys = [secrets.token_bytes(16) for _ in range(rows)]
        for row, app_key in enumerate(self.app_keys, 1):
            wrapped = aes_key_wrap(kek, app_key).hex().upper()
            lines.append(f"99900000000000{row:02},10000000{row:02},{wrapped},6166,2026-06-15")
        Path(self.order).write_text("\n".join(lines) + "\n", "ascii")

    def _write_product(self) -> None:
        product, source = self.folder / "product", REPOSITORY / "profiles/gp/gp-test"
        shutil.copytree(source, product, ignore=shutil.ignore_patterns("README.md", "order.csv", "test-keys.toml"))
        edit(product / "profile.toml", {
            'kind = "TEST"': 'kind = "LIVE"',
            'test_keys = "test-keys.toml"\n': "",
            '"gp-test"': '"gp-live"',
            '"virtual-gp-scp03"': '"live-chip"',
            'algorithm = "AES-128", transport = ""': 'algorithm = "AES-128", transport = "order:kek"',
            "30=test:gp-master": "30=plant:master",
            "31=test:gp-domain": "31=plant:domain",
        })  # fmt: skip
        (product / "chips").mkdir()
        chip = product / "chips/live-chip.toml"
        shutil.copy(REPOSITORY / "profiles/chips/virtual-gp-scp03.toml", chip)
        edit(chip, {'"virtual-gp-scp03"': '"live-chip"', "FF=test:gp-default": "FF=plant:chip"})
        blank = (REPOSITORY / "cardkit/virtual/images/gp-scp03.toml").read_text("utf-8")
        assert blank.count(f'value = "{BLANK_KEY}"') == 3
        Path(self.image).write_text(blank.replace(BLANK_KEY, self.value("plant:chip").hex().upper()), "utf-8")

    def _found(self) -> None:
        with open_store(STORE, operator="root", kind="LIVE", create=True) as store:
            for name, roles in PEOPLE.items():
                accounts.add(store, name, name, roles, Secret(password(name).encode(), name))
                if name == "root":
                    accounts.log_in(store, name, Secret(password(name).encode(), name))


def check_value(value: bytes) -> str:
    return kcv("AES-128", value, KCVMethod.CMAC_5)


def edit(path: Path, changes: Mapping[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
