"""osmo-auc-gen (libosmocore-utils) is the authentication centre of 1,000 random subscribers; we must agree."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cardkit.apps.uicc.milenage import Milenage
from cardkit.apps.uicc.sqn import make_auts, make_vector, next_sqn
from cardkit.apps.uicc.xor import XorAka
from cardkit.crypto.comp128 import Comp128
from tests.interop.stack import refuse

pytestmark = pytest.mark.interop

TOOL = shutil.which("osmo-auc-gen")


@dataclass(frozen=True)
class Subscriber:
    """Random keys, a challenge, the sequence number of the card and the slot of the centre."""

    number: int
    k: bytes
    operator: bytes
    rand: bytes
    amf: bytes
    sqn: int
    ind: int

    @property
    def keys(self) -> str:
        return f"-k {self.k.hex()} -r {self.rand.hex()}"

    @property
    def version(self) -> int:
        return 1 + self.number % 3

    @property
    def milenage(self) -> Milenage:
        return Milenage.from_op(self.k, self.operator) if self.number % 2 else Milenage(self.k, self.operator)


def subscriber(number: int) -> Subscriber:
    dice = random.Random(number)
    k, operator, rand, amf = (dice.randbytes(size) for size in (16, 16, 16, 2))
    return Subscriber(number, k, operator, rand, amf, dice.randrange(1 << 47), dice.randrange(32))


SUBSCRIBERS = [subscriber(number) for number in range(1_000)]


def batch(calls: list[str]) -> list[dict[str, str]]:
    """What the centre says to each call; one shell starts them all, which is the cheapest way."""
    script = "set -e\n" + "".join(f"{TOOL} {call}; echo --\n" for call in calls)
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, timeout=60, check=True)
    answers = done.stdout.split("--\n")[:-1]
    assert len(answers) == len(calls)
    return [dict(re.findall(r"^(\S+):\s+(\S+)$", answer, re.MULTILINE)) for answer in answers]


def centre(calls: list[str]) -> list[dict[str, str]]:
    if TOOL is None:
        refuse("osmo-auc-gen is missing: apt-get install libosmocore-utils")
    batches = [calls[start : start + 50] for start in range(0, len(calls), 50)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [answer for answers in pool.map(batch, batches) for answer in answers]


def quintuplet(one: Subscriber, card: Milenage | XorAka, sqn: int) -> dict[str, str]:
    """What we would send and expect, in the centre's words, and the answers to a 2G challenge."""
    vector = make_vector(card, one.rand, sqn, one.amf)
    sres, kc = card.a3a8(one.rand)
    values = {"AUTN": vector.autn, "RES": vector.res, "CK": vector.ck, "IK": vector.ik, "SRES": sres, "Kc": kc}
    return {name: value.hex() for name, value in values.items()}


def test_milenage_and_resynchronization() -> None:
    """Our card's AUTS goes to the centre, which tells our SQN and makes the next challenge."""
    calls = []
    for one in SUBSCRIBERS:
        operator = f"{'-O' if one.number % 2 else '-o'} {one.operator.hex()}"
        auts = make_auts(one.milenage, one.rand, one.sqn).hex()
        calls.append(f"-3 -a MILENAGE {operator} {one.keys} -f {one.amf.hex()} -A {auts} -i {one.ind}")
    for one, theirs in zip(SUBSCRIBERS, centre(calls), strict=True):
        sqn = next_sqn(one.sqn, one.ind)
        assert (theirs["SQN.MS"], theirs["SQN"]) == (str(one.sqn), str(sqn)), one
        assert theirs.items() >= quintuplet(one, one.milenage, sqn).items(), one


def test_xor() -> None:
    """Version 1.7.0 uses SQN - 2^IND_BITS for XOR: it gets 0 bits and one more."""
    calls = [f"-3 -a XOR {one.keys} -f {one.amf.hex()} -l 0 -s {one.sqn + 1}" for one in SUBSCRIBERS]
    for one, theirs in zip(SUBSCRIBERS, centre(calls), strict=True):
        assert theirs.items() >= quintuplet(one, XorAka(one.k), one.sqn).items(), one


def test_comp128() -> None:
    calls = [f"-2 -a COMP128v{one.version} {one.keys}" for one in SUBSCRIBERS]
    for one, theirs in zip(SUBSCRIBERS, centre(calls), strict=True):
        sres, kc = Comp128(one.version, one.k).a3a8(one.rand)
        assert (theirs["SRES"], theirs["Kc"]) == (sres.hex(), kc.hex()), one
