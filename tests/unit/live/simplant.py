"""A LIVE plant that makes USIMs: its chips come with a transport ADM, a code of 8 bytes that two custodians bring."""

from __future__ import annotations

import csv
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from tests.unit.live.plant import CODE, REPOSITORY, LivePlant, edit

ADM = "plant:adm1"
BLANK_ADM = "4142434445464748"


@dataclass
class SimPlant(LivePlant):
    """The same for sim/usim-test as a LIVE product; `app_keys` are the K, OPc and ADM1 of each row."""

    usages: ClassVar[Mapping[str, str]] = {ADM: CODE, "order:kek": "transport-in"}

    def deliver(self, image: Path, adm: bytes) -> None:
        """Have the chip maker deliver chips with this transport ADM."""
        blank = (REPOSITORY / "cardkit/virtual/images/usim.toml").read_text("utf-8")
        assert blank.count(BLANK_ADM) == 1
        image.write_text(blank.replace(BLANK_ADM, adm.hex().upper()), "utf-8")

    def _write_order(self, rows: int) -> None:
        kek, source = self.value("order:kek"), REPOSITORY / "profiles/sim/usim-test/order.csv"
        with source.open(encoding="ascii", newline="") as file:
            lines = list(csv.DictReader(file))[:rows]
        for line in lines:
            made = {"ki": secrets.token_bytes(16), "opc": secrets.token_bytes(16), "adm1": secrets.token_bytes(8)}
            self.app_keys += made.values()
            line |= {name: aes_key_wrap(kek, made[name]).hex().upper() for name in ("ki", "opc")}
            line["adm1"] = made["adm1"].hex().upper()
        with Path(self.order).open("w", encoding="ascii", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows(lines)

    def _write_product(self) -> None:
        product, source = self.folder / "product", REPOSITORY / "profiles/sim/usim-test"
        clear = '{} = {{ type = "key", algorithm = "AES-128", transport = ""'
        shutil.copytree(source, product, ignore=shutil.ignore_patterns("README.md", "order.csv", "test-keys.toml"))
        edit(product / "profile.toml", {
            'kind = "TEST"': 'kind = "LIVE"',
            'test_keys = "test-keys.toml"\n': "",
            '"usim-test"': '"usim-live"',
            'chip = "virtual-usim"': 'chip = "live-usim"',
            **{clear.format(name): clear.format(name)[:-1] + 'order:kek"' for name in ("ki", "opc")},
        })  # fmt: skip
        (product / "chips").mkdir()
        chip = product / "chips/live-usim.toml"
        shutil.copy(REPOSITORY / "profiles/chips/virtual-usim.toml", chip)
        edit(chip, {'"virtual-usim"': '"live-usim"', "test:vu1-adm1": ADM})
        self.deliver(Path(self.image), self.value(ADM))
