"""What every command of a run works with: the client, the product, one card's contents and keys, what was seen."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apps.desfire.client import DesfireClient
from cardkit.apps.desfire.states.contents import with_uid
from cardkit.apps.desfire.states.keyring import Keyring
from cardkit.apps.desfire.states.product import AppSpec, DesfireProduct, FileSpec, KeySpec
from cardkit.apps.desfire.states.seen import NOTE, SeenDesfire
from cardkit.apps.desfire.states.steps import CARD
from cardkit.crypto.secret import joined
from cardkit.desired import Content, Observations, Step
from cardkit.errors import ProtocolError


class Bench:
    """Shared by those who look and those who write.

    :param contents: of one card, by state; empty where it is only identified.
    """

    def __init__(
        self, product: DesfireProduct, client: DesfireClient, contents: Mapping[str, Content], keyring: Keyring
    ) -> None:
        self.product = product
        self.client = client
        self.keyring = keyring
        self.seen = Observations(notes={NOTE: SeenDesfire()})
        self._contents = contents
        self._apps = {app.title: app for app in product.apps}
        self._files = {app.file_state(file.number): file for app in product.apps for file in app.files}
        self._keys = {app.key_state(key.number): key for app in product.apps for key in app.keys}

    def count(self) -> None:
        """One more command goes to the card."""
        self.notes.commands += 1

    @property
    def notes(self) -> SeenDesfire:
        """What was seen since the last reset."""
        notes: SeenDesfire = self.seen.notes[NOTE]
        return notes

    def restarted(self) -> None:
        """The card was reset."""
        before = self.notes
        self.seen = Observations(notes={NOTE: SeenDesfire(identified=before.identified, commands=before.commands)})
        self.client.restarted()

    def app(self, step: Step) -> AppSpec:
        """Return the application a step works on."""
        return self._apps[step.place if step.place != CARD else step.serves]

    def file(self, state: str) -> FileSpec:
        """Return the file of a state."""
        return self._files[state]

    def key(self, state: str) -> KeySpec:
        """Return the key of a state: an application's, or the card's."""
        return self._keys.get(state, self.product.picc)

    def content(self, file: FileSpec, state: str) -> bytes:
        """Return what a file holds on this card."""
        return with_uid(joined(self._contents[state]), file.fields, self.uid)

    @property
    def uid(self) -> bytes:
        """The UID of the card this run began with.  :raises ProtocolError: where it is not known."""
        if not self.notes.identified:
            raise ProtocolError("the card's UID is not known")
        return self.notes.identified

    def identified(self, uid: bytes) -> None:
        """Say which card it is: the first one counts, whatever a reader tells later."""
        if not self.notes.identified:
            self.notes.identified = uid
            self.keyring.of_card(uid)
