"""python-desfire from PyPI personalizes our EV1 and EV2 cards through pcscd; it sends raw native frames only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from tests.interop.opensc import served
from tests.interop.stack import Stack

pytestmark = pytest.mark.interop

try:
    from desfire import DESFire, PCSCDevice
    from smartcard.Exceptions import SmartcardException
    from smartcard.System import readers

    from tests.card.desfire.test_python_desfire import check, personalize
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"{error}: pip install python-desfire", allow_module_level=True)


@pytest.fixture(params=["desfire-ev1", "desfire-ev2"])
def client(stack: Stack, request: pytest.FixtureRequest) -> Iterator[DESFire]:
    """It, connected to a fresh card in reader 0."""
    with served(stack, request.param):
        found = next(reader for reader in readers() if str(reader) == stack.names[0])
        connection = found.createConnection()
        connection.connect()
        yield DESFire(PCSCDevice(connection.component))
        with contextlib.suppress(SmartcardException):
            connection.release()


def test_it_personalizes_a_card(client: DESFire) -> None:
    """Default key, application, four keys, an enciphered file with the UID in it; all read again."""
    uid = personalize(client)
    assert uid[0] == 0x04
    check(client, uid)
    assert list(uid) == client.get_card_version().uid
