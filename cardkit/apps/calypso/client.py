"""A Calypso card on a channel: selected, its files listed, its session proven by certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cardkit.apdu import CommandAPDU
from cardkit.apps.calypso import commands
from cardkit.apps.calypso.certificates import CaCertificate, CardCertificate, Expected, check_chain
from cardkit.apps.calypso.commands import Data, SessionKey, SessionMode
from cardkit.apps.calypso.fci import Fci, Product
from cardkit.apps.calypso.header import FileHeader
from cardkit.apps.calypso.transcript import SIGNATURE_BYTES, Transcript
from cardkit.channel import Channel
from cardkit.encoding import tlv
from cardkit.errors import EncodingError, ProtocolError, StatusError

_OK, _INVALIDATED = 0x9000, 0x6283
_CHALLENGE_BYTES = 8
_LIST, _ENTRY, _ENTRY_BYTES = 0xC0, 0xC1, 6
_BY_LID, _BY_LID_2 = 0x09, 0x02


@contextmanager
def _card_at_fault(what: str) -> Iterator[None]:
    try:
        yield
    except EncodingError as error:
        raise ProtocolError(f"{what}: {error}") from None


@dataclass(frozen=True, slots=True)
class ListedFile:
    """An entry of the list of files.  :param kind: 1 binary, 2 linear, 4 cyclic, 8 and 9 counters."""

    lid: bytes
    sfi: int
    kind: int
    record_bytes: int
    records: int


@dataclass(frozen=True, slots=True)
class RootKey:
    """An authority's public key, RSA-2048.  :param modulus: 256 bytes."""

    modulus: bytes
    exponent: int


class CalypsoClient:
    """A card.

    Every method raises TransportError when the link fails, StatusError when the card refuses, ProtocolError when its
    answer cannot be read.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def select(self, aid: bytes) -> Fci:
        """Select an application by AID or its beginning; one that is invalidated is selected, too."""
        command = commands.select_application(aid)
        response = self._channel.send(command)
        if response.sw not in (_OK, _INVALIDATED):
            raise StatusError(f"SELECT {aid.hex().upper()}", response.sw, expected="9000 or 6283")
        with _card_at_fault("SELECT"):
            return Fci.parse(response.data, invalidated=response.sw == _INVALIDATED)

    def data(self, tag: Data, fci: Fci) -> bytes:
        """Return an object."""
        return self._channel.require(commands.get_data(tag, cla=fci.cla), what=f"GET DATA {tag:04X}")

    def files(self, fci: Fci) -> tuple[ListedFile, ...]:
        """Return the files of the application."""
        answer = self.data(Data.EF_LIST, fci)
        with _card_at_fault("list of files"):
            return tuple(_listed(entry) for entry in _values(_one(answer, _LIST), _ENTRY))

    def directory(self, fci: Fci) -> FileHeader:
        """Return the header of the application."""
        return _header(self.data(Data.FCP, fci), fci)

    def header(self, lid: bytes, fci: Fci) -> FileHeader:
        """Select a file of the application by its LID, 2 bytes, and return its header."""
        p1 = _BY_LID_2 if fci.product is Product.PRIME_2 else _BY_LID
        command = commands.select_file(lid, cla=fci.cla, p1=p1)
        return _header(self._channel.require(command, what=f"SELECT {lid.hex().upper()}"), fci)

    def read(self, sfi: int, record: int, fci: Fci) -> bytes:
        """Return a record, which needs no session."""
        command = commands.read_records(record, sfi, 0, cla=fci.cla)
        return self._channel.require(command, what=f"record {record} of file {sfi}")

    def certificate(self, first: Data, second: Data, fci: Fci) -> bytes:
        """Return a certificate, which comes in two parts."""
        whole = self.data(first, fci) + self.data(second, fci)
        with _card_at_fault(f"certificate {first:04X}"):
            return _one(whole, first)

    def prove(self, root: RootKey, expected: Expected, fci: Fci, random: Callable[[int], bytes]) -> CardCertificate:
        """Let the card sign a session, and check signature and chain up to a root.

        :param random: source of random bytes.
        :raises AuthenticationError: when a signature is wrong, or the chain does not fit.
        """
        ca_bytes = self.certificate(Data.CA_CERTIFICATE, Data.CA_CERTIFICATE_REST, fci)
        card_bytes = self.certificate(Data.CARD_CERTIFICATE, Data.CARD_CERTIFICATE_REST, fci)
        with _card_at_fault("certificates"):
            ca = CaCertificate.open(ca_bytes, root.modulus, root.exponent)
            card = CardCertificate.open(card_bytes, ca.modulus, root.exponent)
        check_chain(ca, card, expected)
        said = Transcript()
        challenge = random(_CHALLENGE_BYTES)
        self._say(said, commands.open_session(SessionKey.NONE, challenge, SessionMode.PKI), "Open Session")
        signature = self._channel.require(commands.abort_session(), what="Close Session")
        if len(signature) != SIGNATURE_BYTES:
            raise ProtocolError(f"Close Session: {len(signature)} bytes, expected a signature of {SIGNATURE_BYTES}")
        with _card_at_fault("PKI session"):
            said.check(card.public_key, signature)
        return card

    def _say(self, said: Transcript, command: CommandAPDU, what: str) -> None:
        response = self._channel.send(command)
        if response.sw != _OK:
            raise StatusError(what, response.sw)
        said.add(command, response)


def _header(data: bytes, fci: Fci) -> FileHeader:
    with _card_at_fault("file header"):
        return FileHeader.parse(data, revision_2=fci.product is Product.PRIME_2)


def _values(data: bytes, tag: int) -> list[bytes]:
    return [item.value for item in tlv.parse(data) if item.tag == tag]


def _one(data: bytes, tag: int) -> bytes:
    found = _values(data, tag)
    if len(found) != 1:
        raise EncodingError(f"{len(found)} objects {tag:02X}, expected one")
    return found[0]


def _listed(entry: bytes) -> ListedFile:
    if len(entry) != _ENTRY_BYTES:
        raise EncodingError(f"entry of {len(entry)} bytes, expected {_ENTRY_BYTES}")
    return ListedFile(entry[:2], *entry[2:])
