"""What reaches a plant from outside, made up: an order of an operator, chips of a maker, and keys in letters.

Writes into the current folder: ``letters/`` (two halves of each key, for two people), ``lot.csv.gpg`` (the order,
signed and encrypted to the plant), ``acme-usim.toml`` (the chips), ``product/`` with the maker's data sheet, and the
OpenPGP folders of both sides. Every key is drawn anew, so that none is one that anybody knows.

    python outside.py
"""

from __future__ import annotations

import secrets
import shutil
import subprocess
from importlib import resources
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from cardkit.crypto.kcv import KCVMethod, kcv
from cardkit.encoding.digits import luhn_digit
from cardkit.profile import load_profile

CARDS = 5
HERE = Path(__file__).resolve().parent
BLANK_ADM = "4142434445464748"
COLUMNS = "iccid,imsi,ki,opc,pin1,puk1,adm1"


def main() -> None:
    """Make everything."""
    Path("letters").mkdir()
    kek = letters("kek", 16)
    adm = letters("adm", 8)
    chips(adm)
    order = "\n".join([COLUMNS, *(row(number, kek) for number in range(1, CARDS + 1))])
    send(order.encode() + b"\n")


def letters(name: str, size: int) -> bytes:
    """Write the two letters of a key; neither tells anything without the other. A code (ADM) has no check value."""
    parts = [secrets.token_bytes(size) for _ in range(2)]
    value = bytes(a ^ b for a, b in zip(*parts, strict=True))
    for number, part in enumerate(parts, 1):
        lines = [part.hex().upper()]
        if size == 16:
            lines += [kcv("AES-128", part, KCVMethod.CMAC_5), kcv("AES-128", value, KCVMethod.CMAC_5)]
        Path("letters", f"{name}-{number}.txt").write_text("\n".join(lines) + "\n", "ascii")
    return value


def chips(adm: bytes) -> None:
    """Deliver chips with this transport ADM, and their data sheet beside the product."""
    blank = resources.files("cardkit.virtual").joinpath("images/usim.toml").read_text("utf-8")
    Path("acme-usim.toml").write_text(blank.replace(BLANK_ADM, adm.hex().upper()), "utf-8")
    shutil.copytree(HERE / "product", "product")
    sheet = load_profile("sim/usim-test").path.parents[2] / "chips" / "virtual-usim.toml"
    text = sheet.read_text("utf-8").replace('"virtual-usim"', '"acme-usim"').replace("test:vu1-adm1", "acme:adm1")
    Path("product/chips").mkdir()
    Path("product/chips/acme-usim.toml").write_text(text, "utf-8")


def row(number: int, kek: bytes) -> str:
    """Return one card's row: K and OPc under the transport key (RFC 3394), codes for the plant's eyes only."""
    body = f"89999010000000{number:04}"
    codes = [f"{secrets.randbelow(10**digits):0{digits}}" for digits in (4, 8)]
    wrapped = [aes_key_wrap(kek, secrets.token_bytes(16)).hex().upper() for _ in range(2)]
    return ",".join([body + luhn_digit(body), f"00101{number:010}", *wrapped, *codes, secrets.token_hex(8).upper()])


def send(order: bytes) -> None:
    """Sign the order as the customer and encrypt it to the plant."""
    for side in ("plant", "customer"):
        Path(f"{side}.gpg").mkdir(mode=0o700)
        gpg(side, "--passphrase", "", "--quick-gen-key", f"{side}@example.test", "future-default", "default", "never")
    for side, other in (("plant", "customer"), ("customer", "plant")):
        gpg(side, "--import", given=gpg(other, "--export"))
    listed = gpg("customer", "--with-colons", "--list-keys", "customer@example.test").decode().splitlines()
    Path("letters", "customer.txt").write_text(next(line.split(":")[9] for line in listed if line[:3] == "fpr") + "\n")
    sealing = ("--trust-model", "always", "--sign", "--encrypt", "-u", "customer@example.test")
    Path("lot.csv.gpg").write_bytes(gpg("customer", *sealing, "-r", "plant@example.test", given=order))


def gpg(side: str, *words: str, given: bytes = b"") -> bytes:
    """Run gpg for one side and return what it prints."""
    command = ["gpg", "--homedir", f"{side}.gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", *words]
    done = subprocess.run(command, input=given, capture_output=True, check=True)  # noqa: S603 - words are ours
    return done.stdout


if __name__ == "__main__":
    main()
