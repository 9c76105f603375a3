"""What the operator does next with a card that left its coupler, in one sentence. production.md 12, 15"""

from __future__ import annotations

from collections.abc import Mapping

# By verdict; REJECTED and BLANK_REJECT ask the class of their code first.
_OF_VERDICT: Mapping[str, str] = {
    "GOOD": "Put the card into the bin of good cards.",
    "REJECTED": "Put the card into the reject bin, to be scrapped before a witness.",
    "BLANK_REJECT": "Put the card, which is not written, into the bin of blank rejects.",
    "IN_DOUBT": "Keep the card apart and present it again with `cardkit batch resume`.",
    "NOT_PROVEN": "Set the card aside and verify it again with its keys.",
    "SCRAPPED": "Nothing is left to do: the card was destroyed.",
    "LOST": "Follow the incident: what the card carries counts as compromised.",
}
_OF_CLASS: Mapping[str, str] = {
    "data": "Put the card into the reject bin, and have profile and data looked at before more cards are made.",
    "key": "Put the card into the reject bin and do not try it again: another try may block its key.",
    "security": "Hand the card to the supervisor: the batch stands still until people have looked.",
    "card type": "Take the card out and check which blanks are loaded: it is another card, or it was used before.",
    "contact": "Clean or re-feed the card once, and if it fails again put it into the bin of blank rejects.",
    "software": "Set the card aside and call whoever keeps the station.",
}
_OF_CODE: Mapping[str, str] = {
    "NO_CARD": "Look into the reader: seat the card that lies askew there, or take the slot out of use.",
}
UNFINISHED = "UNFINISHED"
"""Code of a card that is bound and has no verdict yet: its station is at work, or died and was not started again."""

_UNFINISHED = "Leave the card in its reader: its station is at work, or has to be started again."


def next_action(verdict: str, code: str | None = None, reject_class: str | None = None) -> str:
    """Return one sentence.

    :param verdict: of a card or of a report's line, such as ``REJECTED``.
    :param reject_class: of the code; None or empty where there is none.

    >>> next_action("REJECTED", "RETRY_LEFT", "key")
    'Put the card into the reject bin and do not try it again: another try may block its key.'
    """
    if code == UNFINISHED:
        return _UNFINISHED
    if verdict in ("REJECTED", "BLANK_REJECT"):
        return _OF_CODE.get(code or "") or _OF_CLASS.get(reject_class or "", _OF_VERDICT[verdict])
    return _OF_VERDICT[verdict]
