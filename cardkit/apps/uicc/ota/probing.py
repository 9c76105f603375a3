"""What a card makes of packets it should take, and of those it should not: UICC-115 to 117.

Five packets, each with one SELECT of the MF: nothing is written, one counter value is spent.
"""

from __future__ import annotations

from collections.abc import Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.uicc.ota.rfm import Script
from cardkit.apps.uicc.ota.sending import Postman
from cardkit.apps.uicc.picture import CardPicture, SeenPacket
from cardkit.apps.uicc.rules.engine import findings
from cardkit.apps.uicc.rules.expectation import Expectation
from cardkit.apps.uicc.rules.table import OVER_THE_AIR
from cardkit.desired import Finding
from cardkit.errors import ProtocolError, SecureMessagingError, StatusError
from cardkit.secure.counter import Counter
from cardkit.secure.spi import CounterMode

SELECT_MF = CommandAPDU(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex("3F00"))


def probe(
    secured: Postman, unsecured: Postman, tar: bytes, foreign: bytes, counter: Counter, mode: CounterMode
) -> tuple[SeenPacket, ...]:
    """Send the packets and return what came of each.

    :param secured: packs as the card expects it.  :param unsecured: without any protection.
    :param tar: 3 bytes, of an application the card has.  :param foreign: of one it should not have.
    :param counter, mode: the next the card expects, and what it makes of counters.
    :raises TransportError: when the link fails.
    """
    content = Script(tar, (SELECT_MF,), ()).content()

    def tried() -> Iterator[SeenPacket]:
        packet = secured.packet(tar, counter, content)
        broken = packet[:-1] + bytes((packet[-1] ^ 1,))
        yield SeenPacket("wrong checksum", tar, _status(secured, broken, tar, counter))
        yield SeenPacket("good", tar, _status(secured, packet, tar, counter))
        yield SeenPacket("replayed", tar, _status(secured, packet, tar, counter))
        plain = unsecured.packet(tar, Counter(0), content)
        yield SeenPacket("unsecured", tar, _status(unsecured, plain, tar, Counter(0)))
        following = counter.following(mode)
        strange = secured.packet(foreign, following, content)
        yield SeenPacket("foreign application", foreign, _status(secured, strange, foreign, following))

    return tuple(tried())


def judged(packets: tuple[SeenPacket, ...]) -> list[Finding]:
    """Return what the rules say of the packets; empty for a card that took the one and refused the others."""
    return findings(CardPicture(packets=packets), Expectation(), rules=OVER_THE_AIR)


def _status(postman: Postman, packet: bytes, tar: bytes, counter: Counter) -> int | None:
    """Return the status of the proof of receipt, None where the card gave none that can be trusted."""
    try:
        receipt = postman.carry(packet, tar, counter)
    except (StatusError, ProtocolError, SecureMessagingError):
        return None
    return None if receipt is None else receipt.status
