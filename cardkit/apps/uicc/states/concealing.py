"""Proving that a card conceals the subscriber's identity itself, with keys nobody can read back (TS 31.102 7.5).

Two calls of GET IDENTITY must give two SUCIs of the right network, routing indicator, scheme and key. What is inside
only the home network can tell: :meth:`cardkit.apps.uicc.suci.Suci.imsi`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cardkit.apdu import ResponseAPDU
from cardkit.apps.uicc.client import is_done
from cardkit.apps.uicc.files import CATALOGUE
from cardkit.apps.uicc.states.aka import CLOSED, PROVEN, SECURITY_STATUS
from cardkit.apps.uicc.suci import HEAD_BYTES, SUCI_TAG, Suci
from cardkit.crypto.suci import SENT_KEY_BYTES, TAG_BYTES, Scheme
from cardkit.desired import Content
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProfileError

KEYS = "ADF.USIM/DF.SAIP/EF.SUCI_Calc_Info"
ROUTING = "ADF.USIM/DF.5GS/EF.Routing_Indicator"
SCHEMES = {"null": Scheme.NULL, "profile A": Scheme.PROFILE_A, "profile B": Scheme.PROFILE_B}
LONGEST_IMSI = 15
CALLS = ("SUCI 1", "SUCI 2")
"""Names under which the outcomes are kept."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What every SUCI of a card must say.

    :param output_bytes: length of what the scheme makes of this card's MSIN.
    """

    plmn: str
    routing: str
    scheme: Scheme
    key_id: int
    output_bytes: int

    @classmethod
    def of(cls, contents: Mapping[str, Content], plmn: str) -> Expected:
        """Return what follows from the files: the first scheme counts.

        :param contents: by name; keys and routing indicator are the same on every card.  :param plmn: ``001-01``.
        :raises ProfileError: when the product lacks one of these files, or they say nothing a card could work with.
        """
        try:
            info, routing = _decoded(contents, KEYS), _decoded(contents, ROUTING)
            first = info["schemes"][0]
            scheme, index = SCHEMES[first["scheme"]], first["key_index"]
            key_id = info["keys"][index - 1]["id"] if index else 0
            digits = routing["routing_indicator"]
        except (KeyError, IndexError):
            raise ProfileError(
                f"uicc.files: a card that conceals the identity itself needs {KEYS} with a scheme and its key,"
                f" and {ROUTING}, both the same for every record"
            ) from None
        return cls(plmn, digits, scheme, key_id, 0).of_imsi(LONGEST_IMSI)

    def of_imsi(self, digits: int) -> Expected:
        """Return the same for an IMSI of so many digits."""
        msin_bytes = (digits - len(self.plmn.replace("-", "")) + 1) // 2
        around = 0 if self.scheme is Scheme.NULL else SENT_KEY_BYTES[self.scheme] + TAG_BYTES
        return replace(self, output_bytes=msin_bytes + around)

    @property
    def answer_bytes(self) -> int:
        """Length of the answer to GET IDENTITY."""
        return len(tlv.build(SUCI_TAG, bytes(HEAD_BYTES + self.output_bytes)))

    def judge(self, answer: ResponseAPDU, before: bytes) -> str:
        """Return ``proven``, or in words what is wrong.

        :param before: the answer to the call before, empty for the first.
        """
        if answer.sw == SECURITY_STATUS:
            return CLOSED
        if not is_done(answer.sw):
            return f"no SUCI: status {answer.sw:04X}"
        try:
            found = Suci.of_answer(answer.data)
        except EncodingError as error:
            return f"no SUCI: {error}"
        got = (found.plmn, found.routing, found.scheme, found.key_id, len(found.output))
        expected = (self.plmn, self.routing, self.scheme, self.key_id, self.output_bytes)
        names = ("network", "routing indicator", "scheme", "key id", "output bytes")
        for name, have, want in zip(names, got, expected, strict=True):
            if have != want:
                return f"{name} {have}, expected {want}"
        if answer.data == before and self.scheme is not Scheme.NULL:
            return "the same SUCI twice: the subscriber can be followed"
        return PROVEN


def _decoded(contents: Mapping[str, Content], name: str) -> Mapping[str, Any]:
    body = contents[name]
    return CATALOGUE[name].decode(body) if isinstance(body, bytes) else {}
