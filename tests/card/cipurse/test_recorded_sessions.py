"""Sessions of an independent terminal library with this card, played again: 771 commands, nine pairs of levels.

The library accepted every response. The card's challenges are those recorded, so that all cryptography repeats.
"""

import json
from pathlib import Path

import pytest

from cardkit.virtual import make_card

SESSIONS = json.loads((Path(__file__).parents[2] / "vectors" / "cipurse_sessions.json").read_text())
GET_CHALLENGE = "0084000016"


class Recorded:
    """Gives out the challenges of a session in their order."""

    def __init__(self, challenges):
        self._challenges = iter(challenges)

    def randbytes(self, size):
        challenge = bytes.fromhex(next(self._challenges))
        assert len(challenge) == size
        return challenge


@pytest.mark.parametrize("session", SESSIONS, ids=[session["in"]["image"] for session in SESSIONS])
def test_a_session_of_the_terminal_library(session):
    card = make_card(session["in"]["image"], seed=1)
    card.chip.random = Recorded(session["challenges"])
    for number, (command, response) in enumerate(session["exchanges"]):
        assert card.transmit(bytes.fromhex(command)).hex().upper() == response, f"exchange {number}: {command}"
    plain = sum(command == GET_CHALLENGE for command, _ in session["exchanges"])
    assert len(session["challenges"]) - plain == len(session["in"]["pairs"]), (
        "in each pair it authenticates once within"
    )
