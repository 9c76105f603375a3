"""Mutated inputs: a parser of bytes returns a value that rebuilds them, or raises EncodingError, and nothing else.

20,000 inputs for each parser; ``CARDKIT_FUZZ=200000`` for the long run (``make fuzz``).
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from construct import Byte, Bytes, Const, Int16ub, Prefixed, Struct

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.atr import ATR
from cardkit.encoding import build_exact, compact, comprehension, dgi, parse_exact, tlv
from cardkit.encoding.text import decode_alpha, decode_network_name, encode_alpha, encode_network_name
from cardkit.errors import EncodingError
from cardkit.explain import explain, explain_command

VECTORS = Path(__file__).parents[1] / "vectors"
COUNT = int(os.environ.get("CARDKIT_FUZZ", "20000"))
INTERESTING = bytes.fromhex("00017F8081828384858FA0BFC1DFFE FF1B1F3B3F62")

FILE = Struct("file" / Bytes(2), "size" / Int16ub, "rest" / tlv.layout(b"\xff"))
FCP_GRAMMAR = "fcp" / Struct("tag" / Const(b"\x62"), "body" / Prefixed(Byte, FILE))


def hexes(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def load(name: str) -> list[dict[str, dict[str, str]]]:
    vectors: list[dict[str, dict[str, str]]] = json.loads((VECTORS / name).read_text())
    return vectors


TEMPLATES = [
    bytes.fromhex(vector["out"]["fcp"])
    for vector in load("uicc_dumps.json")
    if vector["in"]["card"].startswith("usim") and vector["out"].get("fcp")
]
ATRS = [bytes.fromhex(vector["in"]["atr"]) for vector in load("atr.json")]
COMMANDS = hexes(
    "00A40004023F0000",
    "00A4040C10A0000000871002FFFFFFFF8907090000",
    "00B0820010",
    "00B00000000100",
    "00D6000003112233",
    "00D600000000040102030400FF",
    "0020000A084142434445464748",
    "00700000",
    "80F2000C00",
    "A088000010" + "11" * 16,
)


def read_ber(data: bytes) -> bytes:
    def rebuilt(items: tlv.TlvList) -> bytes:
        for item in items:
            if item.constructed:
                assert rebuilt(item.children(b"\xff\x00")) == item.value
        return items.build()

    return rebuilt(tlv.parse(data, b"\xff\x00"))


def read_alpha(data: bytes) -> bytes:
    alpha = decode_alpha(data)
    return encode_alpha(alpha.text, len(data), alpha.form) if alpha.exact else alpha.build()


def read_network_name(data: bytes) -> bytes:
    name = decode_network_name(data)
    if not name.exact:
        return name.build()
    return encode_network_name(name.text, ucs2=name.ucs2, country_initials=name.country_initials)


def read_atr(data: bytes) -> bytes:
    atr = ATR.parse_unchecked(data)
    assert atr.bwi_cwi
    assert atr.protocols
    return bytes.fromhex("".join(hexa for _, hexa, _ in atr.describe()))


def read_checked_atr(data: bytes) -> bytes:
    atr = ATR.parse(data)
    assert atr.fmax_mhz >= min(atr.fi_di) / 372
    return atr.raw


def read_command(data: bytes) -> bytes:
    command = CommandAPDU.parse(data)
    assert explain_command(command)
    assert repr(command)
    return command.encode()


def read_any(data: bytes) -> bytes:
    assert explain(data).lines
    return data


@dataclass(frozen=True)
class Parser:
    """A parser, valid inputs, how many leading bytes are its first field, and whether that field was read."""

    name: str
    seeds: Sequence[bytes]
    read: Callable[[bytes], bytes]
    first_field: int
    past_first: Callable[[bytes], bool]


def longer_than(size: int) -> Callable[[bytes], bool]:
    return lambda data: len(data) > size


PARSERS = [
    Parser("ber", TEMPLATES, read_ber, 2, lambda data: len(data) > 1 and data[0] not in {0x00, 0xFF}),
    Parser("compact", [atr[-15:-1] for atr in ATRS], lambda data: compact.parse(data).build(), 1, longer_than(0)),
    Parser(
        "comprehension",
        hexes("810301250082028182850441424344", "0D8180" + "04" * 128, "7F80FF01AAFFFF"),
        lambda data: comprehension.parse(data, b"\xff").build(),
        2,
        lambda data: len(data) > 1 and data[0] not in {0x00, 0x80, 0xFF},
    ),
    Parser(
        "dgi",
        hexes("910202A50001010370010A", "8000FF0010" + "40" * 16 + "9000039A0B0C"),
        lambda data: dgi.parse(data).build(),
        3,
        lambda data: len(data) >= 3 and (data[2] < 0xFF or len(data) >= 5),
    ),
    Parser(
        "alpha",
        hexes("6F466F6E6FFFFF", "8105135395A6A6FFFF", "820505302D82D32D31", "80006F006E006FFFFF"),
        read_alpha,
        1,
        longer_than(0),
    ),
    Parser(
        "network name",
        hexes("82F7B0BDDC7E8BD3EC32", "9004110438043B"),
        read_network_name,
        1,
        lambda data: len(data) > 1 and data[0] >> 4 & 7 < 2,
    ),
    Parser("ATR", ATRS, read_atr, 2, lambda data: len(data) > 1 and data[0] in {0x3B, 0x3F}),
    Parser("checked ATR", ATRS, read_checked_atr, 2, lambda data: len(data) > 1 and data[0] in {0x3B, 0x3F}),
    Parser("command", COMMANDS, read_command, 4, longer_than(3)),
    Parser("response", COMMANDS, lambda data: ResponseAPDU.parse(data).encode(), 2, longer_than(1)),
    Parser("explanation", [*COMMANDS, *ATRS, b"\x90\x00"], read_any, 2, longer_than(1)),
    Parser(
        "grammar",
        hexes("620D2FE2000A8A01058B032F0606FF", "62042FE2000A", "62072FE2000A8A0105"),
        lambda data: build_exact(FCP_GRAMMAR, parse_exact(FCP_GRAMMAR, data)),
        1,
        lambda data: data[:1] == b"\x62",
    ),
]


def mutate(rng: random.Random, seeds: Sequence[bytes], first_field: int) -> bytes:
    """Change one to three places of a valid input; three times in four behind its first field."""
    data = bytearray(rng.choice(seeds))
    spare = first_field if rng.random() < 0.75 else 0
    for _ in range(rng.randint(1, 3)):
        place = rng.randint(min(spare, len(data)), len(data))
        match rng.randrange(7):
            case 0 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case 1 if place < len(data):
                data[place] = rng.choice(INTERESTING)
            case 2:
                del data[place : place + rng.randint(1, 4)]
            case 3:
                data[place:place] = rng.randbytes(rng.randint(1, 4))
            case 4:
                data[place:place] = data[place : place + rng.randint(1, 8)]
            case 5:
                data[place:] = rng.choice(seeds)[place:]
            case _:
                del data[place:]
    return bytes(data)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_fuzz_raises_declared_errors_only(parser: Parser) -> None:
    rng = random.Random(f"cardkit {parser.name}")
    accepted = past = 0
    for _ in range(COUNT):
        data = mutate(rng, parser.seeds, parser.first_field)
        past += parser.past_first(data)
        try:
            rebuilt = parser.read(data)
        except EncodingError:
            continue
        except Exception as error:
            pytest.fail(f"{parser.name}: {data.hex()} raised {error!r}")
        assert rebuilt == data, data.hex()
        accepted += 1
    assert past >= COUNT // 2
    # A fuzzer whose inputs are all refused, or all accepted by a strict parser, tests nothing.
    assert accepted > COUNT // 100
    assert accepted < COUNT or parser.name == "alpha"
