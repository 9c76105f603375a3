"""Speed of the hot decoders and encoders, against a plain peer in the same run (``make bench`` prints the figures).

The peer is yubikit (package yubikey-manager), a flat TLV reader without lossless forms, applied recursively.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.encoding import tlv

# sim.md 2: ADF.USIM of a real card.
FCP = bytes.fromhex("622D8202782183027F408410A0000000871002FFF359FF89FFFFFFFF8A01058B032F0606C609900140830101830181")
ENTRY = tlv.build(0x61, tlv.build(0x4F, bytes(7)) + tlv.build(0x50, b"DEBIT") + tlv.build(0x87, b"\x01"))
FCI = tlv.build(
    0x6F,
    tlv.build(0x84, bytes(16)) + tlv.build(0xA5, tlv.build(0x9F6E, bytes(8)) + tlv.build(0xBF0C, ENTRY * 4)),
)
RECORD = tlv.build(
    0x70,
    (tlv.build(0x57, bytes(19)) + tlv.build(0x5F20, bytes(26)) + tlv.build(0x9F1F, bytes(20))) * 8
    + tlv.build(0x90, bytes(248)) * 5,
)
TEMPLATES = {"FCP of a UICC": FCP * 42, "FCI of a payment card": FCI * 13, "record of a payment card": RECORD}
ROUNDS = 60


def walk(items: tlv.TlvList) -> int:
    count = 0
    for item in items:
        count += 1
        if item.constructed:
            count += walk(item.children())
    return count


def seconds(*runs: Callable[[], object]) -> list[float]:
    """Shortest time of each, taken in turns so that a slow spell of the machine hits all."""
    best = [float("inf")] * len(runs)
    for _ in range(ROUNDS):
        for i, run in enumerate(runs):
            start = perf_counter()
            run()
            best[i] = min(best[i], perf_counter() - start)
    return best


@pytest.mark.parametrize("name", TEMPLATES)
def test_tlv_is_no_slower_than_a_plain_reader(name: str) -> None:
    core = pytest.importorskip("yubikit.core", reason="yubikey-manager is not installed (extra test)")
    data = TEMPLATES[name]

    def peer_walk(raw: bytes) -> int:
        count = 0
        for item in core.Tlv.parse_list(raw):
            count += 1
            if item[0] & 0x20:
                count += peer_walk(item.value)
        return count

    assert walk(tlv.parse(data)) == peer_walk(data)
    assert tlv.parse(data).build() == data
    ours, peers = seconds(lambda: walk(tlv.parse(data)), lambda: peer_walk(data))
    print(f"\n{name}: {len(data)} bytes in {ours * 1e6:.0f} us, yubikit {peers * 1e6:.0f} us, ratio {ours / peers:.2f}")
    assert ours / peers <= 1.0


def test_a_command_encodes_in_a_microsecond_or_so() -> None:
    commands = {
        "SELECT": CommandAPDU(0x00, 0xA4, 0x00, 0x04, b"\x3f\x00", 256),
        "READ BINARY": CommandAPDU(0x00, 0xB0, 0x82, 0x00, ne=16),
        "UPDATE BINARY": CommandAPDU(0x00, 0xD6, 0x82, 0x00, bytes(20)),
    }
    for name, command in commands.items():
        (best,) = seconds(lambda: [command.encode() for _ in range(1000)])  # noqa: B023  (run at once)
        print(f"\n{name}: encode() in {best * 1e3:.2f} us")
        # Three times the aim: the machine may be busy.
        assert best < 3e-3
