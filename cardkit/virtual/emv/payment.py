"""The payment application: contact and contactless (EMV 4.4 Books 1 to 3; sheet payment.md 2 to 4)."""

from collections.abc import Mapping
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp.chip import Answer, Channel, PlainCommand
from . import (
    actions,
    authentication,
    commands,
    dgis,
    initiate,
    issuer,
    personalization,
    pin,
    reading,
    scripts,
    stripe,
    transaction,
)
from .applet import CpsApplet
from .commands import Operation
from .data import BLOCKED
from .transaction import Scene

_OPERATIONS: Final[Mapping[int, Operation[Scene]]] = {
    0x20: Operation(pin.verify, p1p2=None),
    0x2A: Operation(stripe.compute_checksum, proprietary=True, p1p2=stripe.CHECKSUM),
    0x82: Operation(issuer.external_authenticate),
    0x84: Operation(authentication.get_challenge),
    0x88: Operation(authentication.internal_authenticate),
    0xA8: Operation(initiate.get_processing_options, proprietary=True),
    0xAE: Operation(actions.generate_ac, proprietary=True, p1p2=None),
    0xB2: Operation(reading.read_record, p1p2=None),
    0xCA: Operation(reading.get_data, proprietary=True, p1p2=None),
    **scripts.OPERATIONS,
}


class PaymentApplet(CpsApplet):
    """One payment application."""

    own_messaging = frozenset(scripts.OPERATIONS)

    def select(self) -> Answer:
        """File control information of the interface in use; 6283 when the application is blocked."""
        inside = self.data.fci(contactless=transaction.is_contactless(self.chip))
        return self.fci(inside), sw.DEACTIVATED if self.data.state == BLOCKED else sw.OK

    def process(self, channel: Channel, command: PlainCommand) -> Answer:
        """One command.

        :raises StatusWordError: 6D00, 6E00, 6A86; 6985 before personalization; and as the command says.
        """
        operation = commands.find(_OPERATIONS, command)
        if not self.personalized:
            raise StatusWordError(sw.CONDITIONS)
        choices = transaction.choices(self.chip)
        return operation.handler(Scene(self.chip, self.data, choices, transaction.on(self.chip, channel)), command)

    def is_secret(self, tag: int) -> bool:
        """Keys, PIN block and private key components."""
        found = dgis.GROUPINGS.get(tag)
        return found is not None and found.secret

    def store(self, tag: int, value: bytes) -> None:
        """Take a data grouping.

        :raises StatusWordError: 6A88 unknown, 6A80 wrong contents, 6A84 more than its file may hold.
        """
        dgis.take(self.data, tag, value)

    def check(self) -> None:
        """Refuse to end personalization before all is there.

        :raises StatusWordError: 6A86 something is missing, 6A80 it does not belong together.
        """
        personalization.check(self.data)
