"""Who knows a document's secrets: opens a finished one by its passwords, and has its keys prove themselves."""

from __future__ import annotations

from collections.abc import Callable

from cardkit.apps.emrtd.active_auth import authenticate_actively
from cardkit.apps.emrtd.bac import open_by_bac
from cardkit.apps.emrtd.chip_auth import authenticate_chip, chip_keys, ephemeral_pair
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.driver import CAN, MRZ
from cardkit.apps.emrtd.groups import parse_dg15
from cardkit.apps.emrtd.mrz import FILLER, NUMBER_CHARACTERS
from cardkit.apps.emrtd.oids import Mapping
from cardkit.apps.emrtd.pace import PaceSession, Password, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.prepare.keys import ACTIVE, MAPPING
from cardkit.apps.emrtd.securityinfos import SecurityInfos, parse_card_access, parse_dg14
from cardkit.apps.emrtd.states.notes import SeenDocument
from cardkit.apps.emrtd.states.plan import BY_BAC, TERMINAL, DocumentPlan
from cardkit.apps.emrtd.terminal_auth import authenticate_terminal
from cardkit.apps.pki.signing import SigningKey
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.groups import KeyPair
from cardkit.errors import AuthenticationError, KeyStoreError, ProtocolError


class Visitor:
    """One visit of a document, until the chip is reset.

    :param notes: where is written what was proven.  :param random: source of fresh bytes.
    :param keystore: has the terminal's key; None where there is none.
    """

    def __init__(
        self,
        plan: DocumentPlan,
        client: DocumentClient,
        notes: SeenDocument,
        random: Callable[[int], bytes],
        keystore: KeyStore | None,
    ) -> None:
        self._plan = plan
        self._document = plan.document
        self._client = client
        self._notes = notes
        self._random = random
        self._keystore = keystore
        self._chip_id = b""
        self._pair: KeyPair | None = None

    def open(self, name: str) -> None:
        """Open the document as if nobody had before, by one protocol and one password.

        :param name: of the step.  :raises CardError: when it does not open.
        """
        self._client.leave()
        self._chip_id = b""
        if name == BY_BAC:
            self._client.select_application()
            open_by_bac(self._client, self._mrz(), self._random)
        else:
            self._client.select_master_file()
            infos = parse_card_access(self._document.files["EF.CardAccess"])
            session = open_by_pace(self._client, offers(infos)[0], self._password(name), self._random)
            self._chip_id = session.chip_id
            self._check_mapping(session)
        self._notes.proven.add(name)

    def reopen(self, what: str) -> None:
        """Open the document once more by a password that did, after one that did not.

        :param what: it is opened for.  :raises ProtocolError: when none did.
        """
        name = next((one for one in (CAN, MRZ, BY_BAC) if one in self._notes.proven), None)
        if name is None:
            raise ProtocolError(f"{what}: no password opened the document")
        self.open(name)

    def _check_mapping(self, session: PaceSession) -> None:
        """Check what the chip proves of itself while it opens, against the key that was prepared for it."""
        key = self._document.keys.mapping
        if key is None or session.info.mapping is not Mapping.ECDH_CAM:
            return
        try:
            session.check_chip(key.public)
        except AuthenticationError as error:
            self._notes.troubles.setdefault(MAPPING, str(error))
        else:
            self._notes.proven.add(MAPPING)

    def prove(self, name: str) -> None:
        """Prove a key against the public one of the record, not the chip's own word; or the right of the terminal.

        :param name: of the step.  :raises CardError: when it is not proven.
        """
        infos = self._infos()
        if name == ACTIVE:
            self._let_sign(infos)
        elif name == TERMINAL:
            self._authenticate_terminal()
        else:
            assert infos is not None
            wanted = self._plan.product.block.chip_authentication[int(name.rpartition(" ")[2])].key_id
            key = next(item for item in chip_keys(infos) if item.info.key_id == wanted)
            self._pair = ephemeral_pair(key, self._random)
            authenticate_chip(self._client, key, self._pair)
        self._notes.proven.add(name)

    def _let_sign(self, infos: SecurityInfos | None) -> None:
        """Let the chip sign one more challenge; what it adds of its own must be new."""
        key = parse_dg15(self._document.files["EF.DG15"])
        own = authenticate_actively(self._client, key, infos, self._random).recovered
        if own and own in self._notes.recovered:
            raise AuthenticationError("active authentication: the chip's own random part came twice")
        self._notes.recovered.add(own)

    def _authenticate_terminal(self) -> None:
        """Present the terminal's chain; the chip was authenticated before. TR-03110-1 3.5"""
        trust = self._document.trust
        if self._keystore is None or trust is None:
            raise KeyStoreError("terminal authentication: no key store with the terminal's key")
        if self._pair is None:
            raise AuthenticationError("terminal authentication: the chip was not authenticated before it")
        mrz = self._document.mrz
        by_zone = mrz.document_number.ljust(NUMBER_CHARACTERS, FILLER) + mrz.document_number_digit
        chip_id = self._chip_id or by_zone.encode("ascii")
        signing = SigningKey(self._keystore, trust.key)
        authenticate_terminal(self._client, trust.chain, signing, chip_id, self._pair.compressed)

    def _infos(self) -> SecurityInfos | None:
        body = self._document.files.get("EF.DG14")
        return parse_dg14(body) if body is not None else None

    def _password(self, name: str) -> Password:
        if name == CAN and self._document.can is not None:
            return Password(PasswordKind.CAN, self._document.can)
        return Password(PasswordKind.MRZ, self._mrz())

    def _mrz(self) -> Secret:
        return Secret(self._document.mrz.information.encode("ascii"), MRZ)
