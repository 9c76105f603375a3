"""A CIPURSE card behind pcscd and vpcd: a terminal of its own makes an application, in all nine pairs of levels."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator

import pytest

from tests.card.cipurse.terminal import ENC, MAC, PLAIN, Bench
from tests.interop.opensc import served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

try:
    from smartcard.CardConnection import CardConnection
    from smartcard.Exceptions import SmartcardException
    from smartcard.System import readers
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error}: pip install pyscard", allow_module_level=True)


class Connected:
    """The seam of a card over a PC/SC connection."""

    def __init__(self, connection: CardConnection) -> None:
        self._connection = connection

    def transmit(self, command: bytes) -> bytes:
        """One C-APDU to its R-APDU."""
        data, sw1, sw2 = self._connection.transmit(list(command))
        return bytes((*data, sw1, sw2))


@pytest.fixture(params=["cipurse", "cipurse-v2"])
def bench(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A terminal at reader 0, with a fresh card in it."""
    with served(stack, request.param):
        found = next(reader for reader in readers() if str(reader) == stack.names[0])
        connection = found.createConnection()
        connection.connect()
        yield Bench(Connected(connection))
        with contextlib.suppress(SmartcardException):
            connection.release()


def test_the_reader_shows_the_uid_and_a_contactless_atr(bench: Bench) -> None:
    """What a reader answers itself comes from the card's front end here."""
    uid = bench.ok("FFCA000000")
    assert (uid[:2], len(uid)) == ("05", 14)
    assert bench.ok("FFCA010000") == b"VC-1".hex().upper()


def test_an_application_in_all_pairs_of_levels(bench: Bench) -> None:
    """Created, written, read, committed."""
    bench.opened()
    assert bench(bench.adf(), ENC, MAC) == "9000"
    bench.reselect().opened(1, Bench.KEYS[0])
    assert bench(bench.ef(extent="00E7"), ENC, ENC) == "9000"
    for level, response in itertools.product((PLAIN, MAC, ENC), repeat=2):
        data = f"{level << 2 | response:02X}" * 231
        assert bench(f"00D68100E7{data}", level, response) == "9000"
        assert bench("00B08100E7", level, response) == data + "9000"
        assert bench("00B0820001", level, response) == "6A82"
    assert bench("807E0000") == "9000"
    assert bench.reselect().ok("00B08100E7") == "0A" * 231
