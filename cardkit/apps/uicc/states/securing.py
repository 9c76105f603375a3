"""A card whose K and OPc go through a security domain: its secure session, beside the file system's plain commands."""

from __future__ import annotations

from collections.abc import Mapping

from cardkit.apdu import CommandAPDU, ResponseAPDU
from cardkit.apps.gp import opening
from cardkit.apps.gp.opening import Opening
from cardkit.apps.gp.statuserrors import status_error
from cardkit.apps.uicc.client import is_done
from cardkit.apps.uicc.states.authentication import keys_in
from cardkit.apps.uicc.states.product import Product
from cardkit.apps.uicc.states.scripts import Scripts
from cardkit.apps.uicc.states.session import UiccSession
from cardkit.apps.uicc.states.storing import CLOSED, DOMAIN, Store
from cardkit.channel import Channel
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import CardKeySet
from cardkit.crypto.secret import joined
from cardkit.desired import Challenge, Content, Role, Step
from cardkit.errors import ProtocolError, SecureMessagingError
from cardkit.secure.greeting import Greeting
from cardkit.secure.session import SecureSession


class SecureLine:
    """The session with the security domain. One INITIALIZE UPDATE, one EXTERNAL AUTHENTICATE; nothing is tried again.

    :param contents: the card's, by state name.  :param challenge: source of host challenges.
    """

    def __init__(
        self,
        product: Product,
        contents: Mapping[str, Content],
        channel: Channel,
        keystore: KeyStore,
        challenge: Challenge,
    ) -> None:
        assert product.store is not None  # such a product only has such a line
        self._store: Store = product.store
        self._algorithms = {item.name: item.algorithm for item in product.stored}
        self._contents = contents
        self._channel = channel
        self._keystore = keystore
        self._challenge = challenge
        self._session: SecureSession | None = None
        self._hello: tuple[bytes, Greeting] | None = None
        self._keys: CardKeySet | None = None
        self._closed: set[str] = set()
        self._made: dict[str, list[CommandAPDU]] = {}

    def close(self) -> None:
        """Forget the session and its keys."""
        if self._session is not None:
            self._session.close()
        self._session = self._hello = self._keys = None
        self._closed.clear()
        self._made.clear()

    def run(self, step: Step) -> None:
        """Send one planned step.

        :raises StatusError: when the card refuses.  :raises AuthenticationError: when it has other keys, or says so of
            ours.  :raises SecureMessagingError: on an answer that is not protected as it must be.
        """
        if step.role is Role.ENTER:
            self.close()
            self._require(step, self._channel.send(step.command))
        elif step.role is Role.QUERY:
            challenge = self._challenge(self._store.parameters.challenge_size)
            self._hello = challenge, opening.greet(self._channel.send, self._store.keys.kvn, challenge)
        elif step.role is Role.PRESENT:
            self._authenticate(step)
        elif step.serves not in self._closed:
            self._write(step)

    def _authenticate(self, step: Step) -> None:
        if self._hello is None:
            raise ProtocolError(f"{step.serves}: the card did not answer INITIALIZE UPDATE")
        store, (challenge, greeting) = self._store, self._hello
        wanted = Opening(store.level, challenge, (store.parameters,))
        self._keys = store.keys.for_card(greeting.kdd)
        parameters = wanted.agreed(greeting)
        session = opening.greeted_session(self._keystore, self._keys, wanted, parameters, greeting, store.domain)
        session.authenticated(self._channel.send(session.external_authenticate()))
        self._session = session

    def _write(self, step: Step) -> None:
        if self._session is None:
            raise SecureMessagingError("no session is open with the security domain")
        command = step.command
        if step.content and step.span is not None:
            command = self._stored(step.content)[step.span[0]]
        response = self._session.unwrap(self._channel.send(self._session.wrap(command)))
        if response.sw == CLOSED and CLOSED in step.sw:
            self._closed.add(step.serves)
            return
        self._require(step, response)

    def _stored(self, name: str) -> list[CommandAPDU]:
        if name not in self._made:
            assert self._session is not None
            dek = self._session.dek(self._keystore, self._keys)
            algorithm = self._algorithms[name]
            k, opc = keys_in(algorithm, self._contents[name])
            value = None if opc is None else joined((opc,))
            self._made[name] = self._store.commands(algorithm, joined((k,)), value, dek.encrypt)
        return self._made[name]

    @staticmethod
    def _require(step: Step, response: ResponseAPDU) -> None:
        if not is_done(response.sw):
            raise status_error(f"{step.serves}: {step.role}", response.sw, expected="9000")


class SecuredSession(UiccSession):
    """Runs the steps of one card: those for its security domain over a secure line.

    :param line: to the security domain; None where no key store is at hand: to identify a card.
    """

    def __init__(
        self,
        product: Product,
        scripts: Scripts,
        contents: Mapping[str, Content],
        channel: Channel,
        transport: Mapping[str, Secret],
        line: SecureLine | None,
    ) -> None:
        super().__init__(product, scripts, contents, channel, transport)
        self._line = line

    def restarted(self) -> None:
        """The card was reset: no session is open, nothing is selected, and nothing seen before counts any more."""
        if self._line is not None:
            self._line.close()
        super().restarted()

    def _send_step(self, step: Step) -> None:
        if step.place != DOMAIN:
            super()._send_step(step)
        elif self._line is None:
            raise SecureMessagingError(f"{step.serves}: no session can be opened without a key store")
        else:
            self._line.run(step)
