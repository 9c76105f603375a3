"""A card in a reader gets its packets as the network would bring them: ENVELOPE (SMS-PP download)."""

from __future__ import annotations

from cardkit.apps.uicc.cat import ProactiveCommand, Tag, Terminal, Type, sms_pp_download
from cardkit.apps.uicc.ota.scripting import Content
from cardkit.apps.uicc.ota.sms import Address, command_messages, deliver, submitted
from cardkit.errors import EncodingError, ProtocolError
from cardkit.secure.counter import Counter
from cardkit.secure.por import ProofOfReceipt, Status
from cardkit.secure.scp80 import Scp80
from cardkit.secure.spi import Receipt

STATION = Address("12345678")
"""Who messages come from where a profile names nobody."""

# A card may answer with a proof of receipt behind a warning (TS 31.111 7.1.1.2; from memory).
_WARNINGS = (0x6200, 0x6300)


class Postman:
    """Brings packets to a card and takes its proofs of receipt.

    :param terminal: with the card; its proactive commands are answered on the way.
    :param sender: number the messages come from.  :param service_centre: TON/NPI and digits; empty for none.
    """

    def __init__(
        self, terminal: Terminal, scp80: Scp80, *, sender: Address = STATION, service_centre: bytes = b""
    ) -> None:
        self._terminal = terminal
        self._scp80 = scp80
        self._sender = sender
        self._service_centre = service_centre
        self._reference = 0

    def send(self, tar: bytes, counter: Counter, content: Content) -> ProofOfReceipt | None:
        """Send one packet and return what the card says became of it; None where it says nothing and need not.

        The counter is spent as soon as this is called: write it down before.

        :raises StatusError: when the card refuses the ENVELOPE.
        :raises ProtocolError: when a proof of receipt is due and none comes, or what comes is malformed.
        :raises SecureMessagingError: when the answer's protection is missing or wrong.
        """
        return self.carry(self.packet(tar, counter, content), tar, counter)

    def packet(self, tar: bytes, counter: Counter, content: Content) -> bytes:
        """Return a packet as it is sent."""
        return self._scp80.command(tar, counter, content)

    def carry(self, packet: bytes, tar: bytes, counter: Counter) -> ProofOfReceipt | None:
        """Bring a packet that was built before; see :meth:`send`."""
        before = len(self._terminal.commands)
        answer = self._bring(packet)
        sent = self._terminal.commands[before:]
        try:
            return self._receipt(answer, sent, tar, counter)
        except EncodingError as error:
            raise ProtocolError(f"answer to a packet for TAR {tar.hex().upper()}: {error}") from None

    def _bring(self, packet: bytes) -> bytes:
        """Send the messages of a packet and return what the card answers to the last."""
        self._reference = (self._reference + 1) & 0xFF
        answer = b""
        for message in command_messages(packet, self._reference):
            envelope = sms_pp_download(deliver(message, self._sender), self._service_centre)
            answer = self._terminal.require(envelope, "ENVELOPE (SMS-PP download)", *_WARNINGS)
        return answer

    def _receipt(
        self, answer: bytes, sent: list[ProactiveCommand], tar: bytes, counter: Counter
    ) -> ProofOfReceipt | None:
        spi = self._scp80.terms.spi
        first = self._scp80.receipt(answer, tar, counter) if answer else None
        if first is not None and first.status != Status.DATA_BY_SUBMIT:
            return first
        tpdus = [command.value(Tag.SMS_TPDU) or b"" for command in sent if command.type == Type.SEND_SMS]
        if tpdus:
            return self._scp80.receipt(submitted(tpdus), tar, counter)
        if first is not None or spi.receipt is Receipt.ALWAYS:
            raise ProtocolError(f"packet for TAR {tar.hex().upper()}: a proof of receipt is due, none came")
        return None
