"""The verification rules over what a verification of a card has read anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cardkit.apps.emv.picture import CardPicture, Reply, Side
from cardkit.apps.emv.rules.engine import findings
from cardkit.apps.emv.rules.ordered import expectation_of, prepared_check_values
from cardkit.apps.emv.states.plan import CardPlan, FacePlan
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.apps.emv.states.session import NOTE, SeenFace
from cardkit.crypto import KeyStore
from cardkit.desired import Finding, Observations
from cardkit.encoding import tlv

JUDGED = frozenset(("EMV-092", "EMV-093", "EMV-097", "EMV-099", "EMV-103", "EMV-106"))
"""What :mod:`cardkit.apps.emv.states.judging` proves itself."""
_FORMAT_2 = 0x77


def validated(product: PaymentProduct, card: CardPlan, seen: Observations, keystore: KeyStore | None) -> list[Finding]:
    """Return what the rules find; what a verification does not read says nothing here.

    The day they judge by is the one the card becomes good on, for a verification has no calendar.

    :param keystore: for the check values that were sent with the keys; None where no key is to be used.
    """
    notes: Mapping[str, SeenFace] = seen.notes.get(NOTE, {})
    sides = tuple(
        _side(face, notes[face.place])
        for face in card.faces.values()
        if face.payment is not None and face.place in notes and notes[face.place].answer is not None
    )
    expected = expectation_of(product, card.holder.effective or card.holder.expiry, holder=card.holder)
    if keystore is not None:
        values = prepared_check_values(product, card.holder, card.data, keystore)
        expected = replace(expected, check_values=values)
    found = findings(CardPicture(sides=sides), expected)
    return [item for item in found if not item.not_checked and item.rule not in JUDGED]


def _side(face: FacePlan, seen: SeenFace) -> Side:
    answer = b"".join(tlv.build(int.from_bytes(tag, "big"), value) for tag, value in (seen.answer or {}).items())
    return Side(
        face.place.rpartition(" ")[2],
        face.aid,
        Reply(seen.fci or b""),
        data=seen.data or None,
        records={name: Reply(body) for name, body in seen.records.items()},
        options=Reply(tlv.build(_FORMAT_2, answer)),
        pdol_data=seen.pdol_data,
    )
