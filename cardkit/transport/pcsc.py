"""PC/SC readers through pyscard's lower floor (``smartcard.scard``), loaded at first use.

Bytes become lists and back here and nowhere else. A response is never looked at when the call failed: pcsc-lite
leaves uninitialised memory in it. ``transmit`` blocks as long as the card does; who needs a deadline puts the
connection in a process of its own and ends that.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from cardkit.errors import CardChangedError, Executed, NoReaderError, TransportError
from cardkit.transport.base import TransmissionProtocol
from cardkit.transport.guard import GuardedConnection
from cardkit.transport.pcsc_context import Context, scard
from cardkit.transport.pcsc_errors import failure
from cardkit.transport.presence import ReaderState, list_readers, look

__all__ = ["Disposition", "PcscConnection", "ReaderState", "Share", "find_reader", "list_readers"]

# PC/SC part 10 (2.02.09) 2.2 and 2.6.14: reader features and properties.
_GET_FEATURE_REQUEST = 3400
_FEATURE_TLV_PROPERTIES = 0x12
_PROPERTY_MAX_APDU = 0x0A
_EXTENDED_SIZE = 65_536


class Share(IntEnum):
    """Who else may use the card."""

    EXCLUSIVE = 1
    SHARED = 2


class Disposition(IntEnum):
    """What happens to the card at the end."""

    LEAVE = 0
    RESET = 1
    UNPOWER = 2


def find_reader(name: str | int) -> str:
    """Return a reader's full name.

    :param name: its index in the service's list, its name, or a part of its name that no other has.
    :raises NoReaderError: when there is none, or more than one.
    """
    with Context() as context:
        readers = context.readers()
    found = readers[name : name + 1] if isinstance(name, int) else [reader for reader in readers if reader == name]
    if not found and isinstance(name, str):
        found = [reader for reader in readers if name.casefold() in reader.casefold()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{index} {reader!r}" for index, reader in enumerate(readers)) or "none"
    raise NoReaderError(
        f"reader {name!r}: {len(found)} readers match, expected one of: {listed}",
        reader=str(name),
        operation="list",
        executed=Executed.NO,
    )


class PcscConnection(GuardedConnection):
    """Connect to the card in a reader, in a context of its own.

    :param reader: the full name, see :func:`find_reader`.  :param share: EXCLUSIVE on a station.
    :param protocol: T0 or T1 only; None lets the service choose.
    :raises TransportError: one of its kinds, ``executed`` NO.
    """

    def __init__(
        self, reader: str, *, share: Share = Share.EXCLUSIVE, protocol: TransmissionProtocol | None = None
    ) -> None:
        api = scard()
        both = api.SCARD_PROTOCOL_T0 | api.SCARD_PROTOCOL_T1
        numbers = {TransmissionProtocol.T0: api.SCARD_PROTOCOL_T0, TransmissionProtocol.T1: api.SCARD_PROTOCOL_T1}
        self._share = int(share)
        self._context = Context()
        self._card: Any = None
        try:
            self._state = look(self._context, reader)
            wanted = both if protocol is None else numbers[protocol]
            hresult, card, active = api.SCardConnect(self._context.handle, reader, self._share, wanted)
            self._raise_for(hresult, "connect", reader)
            self._card = card
            t1 = active == api.SCARD_PROTOCOL_T1
            super().__init__(reader, b"", TransmissionProtocol.T1 if t1 else TransmissionProtocol.T0)
            self._protocol_number = active
            self._pci = api.SCARD_PCI_T1 if t1 else api.SCARD_PCI_T0
            self._call = api.SCardTransmit
            self.atr = self._read_atr()
        except BaseException:
            self._disconnect(Disposition.UNPOWER)
            raise

    @property
    def state(self) -> ReaderState:
        """What the reader said just before the card was connected, its event counter included."""
        return self._state

    def close(self, disposition: Disposition = Disposition.UNPOWER) -> None:
        """Disconnect; idempotent, silent when the service is gone.

        :param disposition: UNPOWER also closes every security status that is open in the card.
        """
        self._poison(TransportError("closed", reader=self.reader, executed=Executed.NO))
        self._disconnect(disposition)

    def confirm_presence(self) -> None:
        """Ask the reader whether the card has stayed in it since it was connected.

        :raises CardChangedError: when the event counter has moved: another card may lie there.
        """
        now = look(self._context, self.reader)
        if now.counter != self._state.counter or not now.present:
            raise CardChangedError(
                f"{self.reader}: {now.counter - self._state.counter & 0xFFFF} card movements since the card was "
                "connected, expected none",
                reader=self.reader,
                operation="status",
                executed=Executed.NO,
            )

    def takes_extended(self) -> bool:
        """Tell whether the reader says that it carries extended APDUs (PC/SC part 10, dwMaxAPDUDataSize)."""
        return self._max_apdu_size() >= _EXTENDED_SIZE

    def _exchange(self, command: bytes) -> bytes:
        hresult, answer = self._call(self._card, self._pci, list(command))
        if hresult:
            raise failure("transmit", hresult & 0xFFFFFFFF, self.reader)
        return bytes(answer)

    def _reset(self, *, cold: bool) -> bytes:
        disposition = Disposition.UNPOWER if cold else Disposition.RESET
        hresult, _ = scard().SCardReconnect(self._card, self._share, self._protocol_number, int(disposition))
        self._raise_for(hresult, "reset", self.reader)
        return self._read_atr()

    def _read_atr(self) -> bytes:
        hresult, _, _, _, atr = scard().SCardStatus(self._card)
        self._raise_for(hresult, "status", self.reader)
        return bytes(atr)

    def _disconnect(self, disposition: Disposition) -> None:
        if self._card is not None:
            scard().SCardDisconnect(self._card, int(disposition))
            self._card = None
        self._context.release()

    def _max_apdu_size(self) -> int:
        """Property 10 of the reader, 0 when it does not say."""
        features = _tlvs(self._control(scard().SCARD_CTL_CODE(_GET_FEATURE_REQUEST)))
        code = features.get(_FEATURE_TLV_PROPERTIES)
        if code is None:
            return 0
        properties = _tlvs(self._control(int.from_bytes(code, "big")))
        return int.from_bytes(properties.get(_PROPERTY_MAX_APDU, b""), "little")

    def _control(self, code: int) -> bytes:
        hresult, answer = scard().SCardControl(self._card, code, [])
        return b"" if hresult else bytes(answer)

    @staticmethod
    def _raise_for(hresult: int, operation: str, reader: str) -> None:
        if hresult:
            raise failure(operation, hresult & 0xFFFFFFFF, reader)


def _tlvs(data: bytes) -> dict[int, bytes]:
    """Parse tag, length, value triples of one byte each; a torn tail is dropped."""
    values: dict[int, bytes] = {}
    while len(data) > 2 and len(data) >= 2 + data[1]:
        values[data[0]] = data[2 : 2 + data[1]]
        data = data[2 + data[1] :]
    return values
