"""Rules about the rest of the card: ATR, packets over the air, GlobalPlatform, toolkit, power; and what leaks."""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apps.uicc.cat import Tag, Type
from cardkit.apps.uicc.picture import CardPicture
from cardkit.apps.uicc.rules.check import Check, Relation, Trouble, Values
from cardkit.apps.uicc.rules.expectation import Expectation, Ground
from cardkit.apps.uicc.states.product import CHANGE, TRANSPORT
from cardkit.crypto import Secret
from cardkit.crypto.spilled import spilled
from cardkit.desired import NOT_CHECKED, Secrecy
from cardkit.encoding.text import decode_alpha
from cardkit.errors import EncodingError
from cardkit.secure.por import Status

UMPC = "MF/EF.UMPC"
# TS 102 221 6.2.2, 13.6, from memory: what a terminal can give at most.
MOST_CURRENT_MA = 60
# What costs the subscriber money before he has touched the phone (TS 102 223 6.4).
COSTLY = frozenset((Type.SET_UP_CALL, Type.SEND_SS, Type.SEND_USSD, Type.SEND_SMS, Type.LAUNCH_BROWSER,
                    Type.OPEN_CHANNEL))  # fmt: skip
INITIAL_KVN = "FF"

# Rule and the status that is right, by kind of packet.
PACKETS = {
    "good": ("UICC-115", Status.OK),
    "wrong checksum": ("UICC-115", Status.PROOF_WRONG),
    "replayed": ("UICC-115", Status.COUNTER_LOW),
    "unsecured": ("UICC-116", Status.SECURITY_TOO_LOW),
    "foreign application": ("UICC-117", Status.TAR_UNKNOWN),
}


def _atr(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    if picture.atr_fits is not True:
        actual = NOT_CHECKED if picture.atr_fits is None else "the ATR of another chip"
        yield Trouble("ATR", actual, "the chip model's ATR under its mask")


def _packets(rule: str) -> Check:
    def test(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
        for packet in picture.packets or ():
            judged, right = PACKETS[packet.kind]
            if judged == rule and packet.status != right:
                given = "no proof of receipt" if packet.status is None else f"status {packet.status:02X}"
                yield Trouble(f"TAR {packet.tar.hex().upper()}", f"{packet.kind}: {given}", f"status {right:02X}")

    return Check(rule, test, fields=(("packets", "packets over the air"),))


def _domain(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    assert picture.domain is not None
    initial = [key for key in picture.domain.get("keys", ()) if key.get("kvn") == INITIAL_KVN]
    if initial:
        yield Trouble("security domain", f"key set {INITIAL_KVN}, the initial one, is there", "keys of the operator")
    if picture.domain.get("card_locked"):
        yield Trouble("security domain", "the card is locked", "in use")


def _toolkit(picture: CardPicture, _expected: Expectation) -> Iterator[Trouble]:
    for command in picture.asked or ():
        where = f"proactive command {command.number}"
        if command.type in COSTLY:
            yield Trouble(where, command.name, "nothing that costs the subscriber", secrecy=Secrecy.PUBLIC)
        alpha = command.value(Tag.ALPHA)
        try:
            decode_alpha(alpha or b"")
        except EncodingError as error:
            yield Trouble(where, f"{command.name}: {error}", "a text that reads", secrecy=Secrecy.PUBLIC)


def _power(values: Values, _ground: Ground) -> str | None:
    current, time = (values[UMPC].get(name) for name in ("max_current_ma", "t_op_s"))
    if "empty" in values[UMPC] or (isinstance(current, int) and 0 < current <= MOST_CURRENT_MA):
        return None
    return f"{current} mA, {time} s"


def _spilled(picture: CardPicture, expected: Expectation) -> Iterator[Trouble]:
    """No file that was read holds a secret of the record in clear: as bytes, digits or with its nibbles swapped."""
    parts = {
        id(part): part
        for name, content in expected.contents.items()
        if isinstance(content, tuple) and not name.endswith((TRANSPORT, CHANGE))
        for part in content
        if isinstance(part, Secret)
    }
    for name, secret in spilled(picture.bodies, parts.values()):
        yield Trouble(name, f"it holds {secret}", "no secret", secrecy=Secrecy.SECRET)


ATR_CHECK = Check("UICC-011", _atr, profile=True)
RELATIONS = (Relation("UICC-120", (UMPC,), _power),)
CHECKS = (
    *map(_packets, ("UICC-115", "UICC-116", "UICC-117")),
    Check("UICC-118", _domain, fields=(("domain", "a security domain"),)),
    Check("UICC-119", _toolkit, fields=(("asked", "TERMINAL PROFILE"),)),
    Check("UICC-126", _spilled, fields=(("bodies", "the contents of files"),), profile=True),
)
