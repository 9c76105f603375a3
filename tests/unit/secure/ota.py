"""Published packets, the keys they are under, and both sides of a session over the air."""

from __future__ import annotations

import json
from pathlib import Path

from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import CardKey, CardKeySet, Role
from cardkit.secure.counter import Counter
from cardkit.secure.scp80 import PacketTerms, Scp80, terms_for
from cardkit.secure.spi import Spi
from tests.unit.secure.naive80 import Card

VECTORS = Path(__file__).parents[2] / "vectors"
REAL = json.loads((VECTORS / "scp80.json").read_text(encoding="utf-8"))
PUBLISHED = json.loads((VECTORS / "gp_scp80.json").read_text(encoding="utf-8"))
COMMANDS = [entry for entry in PUBLISHED if "apdu" in entry["in"]]
RESPONSES = [entry for entry in PUBLISHED if "response" in entry["in"] and "reject" not in entry["out"]]
unhex = bytes.fromhex

TAR = unhex("B00011")
SELECT = unhex("00A40004023F00")
ZERO = Counter(0)
KIC = unhex("300102030405060708090A0B0C0D0E0F")
KID = unhex("301102030405060708090A0B0C0D0E0F")
LONG = KIC + unhex("7071727374757677")
FAMILIES = {
    "3DES-128": (KIC, KID, False),
    "3DES-192": (LONG, LONG[::-1], False),
    "AES-128": (KIC, KID, True),
    "AES-256": (KIC + KID, KID + KIC, True),
}


def key_set(kvn: int) -> CardKeySet:
    enc, mac, dek = (CardKey(f"test:{name}", role=role) for name, role in zip(("kic", "kid", "kik"), Role, strict=True))
    return CardKeySet(kvn, enc, mac, dek)


def store(kic: bytes, kid: bytes, algorithm: str) -> MemoryKeyStore:
    family = algorithm.partition("-")[0]
    usages = {"kic": (kic, Usage.DATA_ENC), "kid": (kid, Usage.DATA_MAC)}
    return MemoryKeyStore(
        {
            f"test:{name}": Key(value, name, f"{family}-{8 * len(value)}", usage)
            for name, (value, usage) in usages.items()
        }
    )


def family_of(entry) -> str:
    return "AES-128" if entry["in"]["kic"].endswith("2") else "3DES-128"


def scp80_of(entry) -> Scp80:
    given_ = entry["in"]
    keys = store(unhex(given_["kic_key"]), unhex(given_["kid_key"]), family_of(entry))
    kic, kid = unhex(given_["kic"])[0], unhex(given_["kid"])[0]
    return Scp80(keys, key_set(kic >> 4), PacketTerms(Spi.parse(unhex(given_["spi"])), kic, kid))


def both(spi: str, algorithm: str = "3DES-128", *, checksum_size: int = 8, kvn: int = 3) -> tuple[Scp80, Card]:
    kic, kid, aes = FAMILIES[algorithm]
    keys, held = key_set(kvn), store(kic, kid, algorithm)
    terms = terms_for(held, keys, Spi.parse(unhex(spi)), checksum_size=checksum_size)
    return Scp80(held, keys, terms), Card(kic, kid, aes=aes, mac_size=checksum_size)


def ids(entry) -> str:
    return entry["name"]
