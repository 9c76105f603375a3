"""What only a sample may be asked to bear: tests that spend a try, break a session, or write where nobody should.

Each begins with SELECT and a session of its own; the last one opens a right session, which gives the tries back.
"""

from __future__ import annotations

from cardkit.apps.gp.discovery import OK, select
from cardkit.apps.gp.install import for_personalization
from cardkit.apps.gp.picture import Refusals
from cardkit.apps.gp.states.kind import text
from cardkit.apps.gp.states.line import Line
from cardkit.apps.gp.states.payload import DATA
from cardkit.apps.gp.states.product import Application, Product
from cardkit.apps.gp.status import get_status
from cardkit.apps.gp.tags import StatusKind
from cardkit.errors import SecureMessagingError

LIST = get_status(StatusKind.ISD)


class Mistreatment:
    """The negative tests of one product on one card.

    :param line: to the card.
    """

    def __init__(self, product: Product, line: Line) -> None:
        self._product = product
        self._line = line

    def refusals(self) -> Refusals:
        """Do all of them.

        :raises CardError: when a right session does not open.  :raises TransportError: when the link fails.
        """
        late = {item.aid: self._late_data(item) for item in self._product.applications if self._mine(item)}
        unprotected = self._unprotected()
        wrong = self._wrong_cryptogram()
        self._open()
        return Refusals(unprotected, (wrong, None), late)

    @staticmethod
    def _mine(application: Application) -> bool:
        return bool(application.data) and not application.domain

    def _select(self) -> None:
        self._line.leave(self._product.isd)
        self._line.plain(select(self._product.isd))

    def _open(self) -> None:
        self._select()
        self._line.greet(self._product.main)
        self._line.authenticate(self._product.main, checked=True)

    def _unprotected(self) -> tuple[int, int]:
        """Send a command past the session, then one through it (GPCS E.1.6; Amd D 5.6)."""
        self._open()
        first = self._line.plain(LIST).sw
        try:
            second = self._line.secured(LIST).sw
        except SecureMessagingError:
            second = OK  # answered, and not as the session would
        return first, second

    def _wrong_cryptogram(self) -> int:
        """Send EXTERNAL AUTHENTICATE with one bit of the cryptogram changed: a try is spent (GPCS E.5.2.7)."""
        self._select()
        self._line.greet(self._product.main)
        return self._line.try_wrong_cryptogram(self._product.main)

    def _late_data(self, application: Application) -> int:
        """Send an application's data once more (GPCS 11.11): a finished one refuses them, another has them already."""
        self._open()
        response = self._line.secured(for_personalization(application.aid).command())
        if response.sw != OK:
            return response.sw
        for command in self._line.payload().commands(f"{DATA}: {text(application.aid)}"):
            response = self._line.secured(command)
            if response.sw != OK:
                break
        return response.sw
