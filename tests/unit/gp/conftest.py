from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cardkit.apps.gp.client import SecurityDomain
from cardkit.channel import Channel
from cardkit.crypto import Key, MemoryKeyStore, Usage
from cardkit.crypto.cardkeys import KeySetSpec
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.loopback import LoopbackConnection

VECTORS = Path(__file__).parents[2] / "vectors"

AID = "A000000151000000"
SELECT = "00A4040000"
FCI = "6F10 8408A000000151000000 A504 9F6501FF 9000"


def load(name: str) -> list[dict[str, Any]]:
    """Return the cases of a vector file; each names its source and clause."""
    cases: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))
    return cases


def vectors(category: str, *, needs: str = "data") -> list[dict[str, Any]]:
    """Return the cases of one category of gp_data.json whose input has a field."""
    return [case for case in load("gp_data.json") if case["category"] == category and needs in case["in"]]


def recorded(name: str) -> dict[str, Any]:
    """Return one recorded session of gp_sessions.json."""
    return next(case for case in load("gp_sessions.json") if case["name"] == name)


class ScriptedCard:
    """Answers each command of its script in turn and refuses anything else; after the script, ``for_ever`` if given."""

    def __init__(self, *script: tuple[str, str], for_ever: str = "") -> None:
        self.script = [(command.replace(" ", "").upper(), bytes.fromhex(answer)) for command, answer in script]
        self.for_ever = bytes.fromhex(for_ever)
        self.sent: list[str] = []

    def atr(self) -> bytes:
        return bytes.fromhex("3B00")

    def power(self, cold: bool) -> None:
        del cold

    def transmit(self, command: bytes) -> bytes:
        self.sent.append(command.hex().upper())
        assert self.script or self.for_ever, f"{self.sent[-1]} was sent after the end of the script"
        if not self.script:
            return self.for_ever
        expected, answer = self.script.pop(0)
        assert self.sent[-1] == expected
        return answer


Script = tuple[str, str]
CardMaker = Callable[..., ScriptedCard]


def channel_to(card: ScriptedCard) -> Channel:
    return Channel(LoopbackConnection(card, protocol=TransmissionProtocol.T1))


@pytest.fixture
def scripted() -> Iterator[CardMaker]:
    """Make scripted cards; at the end of the test every script must have been played."""
    cards: list[ScriptedCard] = []

    def make(*script: Script, for_ever: str = "") -> ScriptedCard:
        cards.append(ScriptedCard(*script, for_ever=for_ever))
        return cards[-1]

    yield make
    assert [card.script for card in cards if card.script] == []


def selected(card: ScriptedCard) -> SecurityDomain:
    return SecurityDomain.select(channel_to(card))


class Recording:
    """One recorded session as a script, and the keys of its card; SCP02 i=14 has one base key."""

    def __init__(self, name: str) -> None:
        case = recorded(name)
        self.inputs, self.outputs = case["in"], case["out"]
        self.challenge = bytes.fromhex(self.inputs["host_challenge"])
        self.greeting = bytes.fromhex(self.inputs["initialize_update_response"])
        self.level = int(self.inputs["security_level"], 16)
        self.option = (int(self.inputs["protocol"][3:], 16), int(self.inputs["i"], 16))
        kvn = bytes.fromhex(self.inputs["initialize_update"])[2]
        roles = ("enc",) * 3 if self.option == (0x02, 0x14) else ("enc", "mac", "dek")
        self.keys = KeySetSpec(kvn, *(f"test:{role}" for role in roles))
        self.keystore = self._keystore()

    def _keystore(self) -> MemoryKeyStore:
        family = "AES" if self.option[0] == 3 else "3DES"
        given = self.inputs["keys"]
        values = given.get("diversified", given)
        store = MemoryKeyStore()
        for role in ("enc", "mac", "dek"):
            value = bytes.fromhex(values[role])
            algorithm = f"{family}-{8 * len(value)}"
            store.add(f"test:{role}", Key(value, role, algorithm, Usage.SECURE_CHANNEL))
        return store

    def opening(self) -> list[Script]:
        """INITIALIZE UPDATE with Le and EXTERNAL AUTHENTICATE without; some recorded hosts did otherwise."""
        update = self.inputs["initialize_update"].upper()
        update += "00" if len(update) == 2 * (5 + len(self.challenge)) else ""
        authenticate = bytes.fromhex(self.outputs["external_authenticate"])
        return [
            (update, self.inputs["initialize_update_response"] + "9000"),
            (authenticate[: 5 + authenticate[4]].hex(), "9000"),
        ]
