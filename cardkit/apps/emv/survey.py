"""Taking the picture of a payment card in one pass: directories, both sides of each application, its proofs.

The card is left as it was, but for its transaction counter: the only cryptogram asked for is one that declines, and no
PIN is presented. Time and random numbers come in as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from cardkit.apdu import CommandAPDU
from cardkit.apps.emv import commands
from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.dol import build_dol, dol_size, parse_dol
from cardkit.apps.emv.look import COMMON_AIDS, COUNTERS
from cardkit.apps.emv.picture import (
    BLOCKED,
    CONTACT,
    CONTACTLESS,
    OK,
    CardPicture,
    Code,
    Cryptogram,
    RecordId,
    Reply,
    Side,
    Signed,
    objects_of,
    read_fci,
)
from cardkit.apps.emv.rules.selection import entries
from cardkit.apps.emv.tags import tag_bytes
from cardkit.channel import Channel
from cardkit.encoding.digits import encode_bcd
from cardkit.errors import CardError, EncodingError, NotFoundError, ProtocolError

TTQ = bytes.fromhex("37800080")
"""EMV mode, contacts too, any cardholder verification; an online cryptogram, with a signature all the same (fDDA 1)."""
DEFAULT_DDOL = bytes.fromhex("9F3704")
_UNPREDICTABLE, _NUMERIC_UN, _ATC = b"\x9f\x37", b"\x9f\x6a", b"\x9f\x36"
_UN_BYTES = 4
_DDA, _CDA = 0x20, 0x01
_MOST_RECORDS, _LAST_RECORD, _SFIS, _MOST_APPLICATIONS = 255, 255, range(1, 31), 16
_LONGEST_PDOL_DATA = 250
_NO_ANSWER, _MOST_UNUSABLE = 0, 4
# A grouping that is reserved (CPS 4.3.5.2): a card that is open refuses its contents, a closed one the command.
_STORE = CommandAPDU(0x80, 0xE2, 0x00, 0x00, bytes.fromhex("7FF000"))
_SELECT_DOMAIN = CommandAPDU(0x00, 0xA4, 0x04, 0x00, ne=256)
_CPLC = CommandAPDU(0x80, 0xCA, 0x9F, 0x7F, ne=256)
SIGNATURES = 2
"""How often a dynamic signature is asked for: the number in it must be a new one."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a survey needs beside the card.

    :param random: size -> random bytes.  :param clock: seconds that only go up.
    """

    random: Callable[[int], bytes]
    clock: Callable[[], float]
    today: date


Further = Callable[[Side], Side]
"""Does to one side what only a sample card may suffer."""


def survey(channel: Channel, means: Means, *, name: str = "card", further: Further | None = None) -> CardPicture:
    """Take a picture.

    :param name: what to call the card.  :param further: called for each side with contacts at the end.
    :raises NotFoundError: when the card has no payment application.  :raises TransportError: when the link fails.
    :raises ProtocolError: when the card's answers are none, again and again.
    """
    surveyor = _Surveyor(channel, means)
    cplc = surveyor.production_data()
    pse = surveyor.send(commands.select(PSE))
    picture = CardPicture(name, channel.atr, pse, pse_records=dict(surveyor.directory(pse)), cplc=cplc)
    missing: dict[bytes, int] = {}
    contact = list(surveyor.sides(picture, CONTACT, missing))
    picture = replace(picture, ppse=surveyor.send(commands.select(PPSE)))
    contactless = list(surveyor.sides(picture, CONTACTLESS, missing)) if picture.ppse and picture.ppse.ok else []
    if not contact and not contactless and not missing and not pse.ok:
        raise NotFoundError("SELECT of payment applications", 0x6A82)
    if further is not None:
        surveyor.send(commands.select(PSE))
        contact = [further(side) for side in contact]
    return replace(picture, sides=(*contact, *contactless), missing=missing)


class _Surveyor:
    def __init__(self, channel: Channel, means: Means) -> None:
        self._channel = channel
        self._means = means
        self._unusable = 0

    def send(self, command: CommandAPDU) -> Reply:
        """Send a command; an answer that is none comes out as status 0000.

        :raises ProtocolError: when that happens again and again.
        """
        start = self._means.clock()
        try:
            response = self._channel.send(command)
        except CardError:
            self._unusable += 1
            if self._unusable > _MOST_UNUSABLE:
                raise
            return Reply(b"", _NO_ANSWER)
        return Reply(response.data, response.sw, (self._means.clock() - start) * 1000)

    def production_data(self) -> bytes:
        """Return CPLC of the card; empty where it has none."""
        self.send(_SELECT_DOMAIN)
        reply = self.send(_CPLC)
        return reply.data if reply.ok else b""

    def directory(self, pse: Reply) -> Iterator[tuple[int, Reply]]:
        fci = read_fci(pse)
        try:
            sfi = fci.directory_sfi if fci else 0
        except ProtocolError:
            return
        for number in range(1, _MOST_RECORDS) if sfi else ():
            reply = self.send(commands.read_record(sfi, number))
            yield number, reply
            if not reply.ok:
                return

    def sides(self, picture: CardPicture, interface: str, missing: dict[bytes, int]) -> Iterator[Side]:
        """Look at each application a directory lists; without a contact directory, at those many cards have."""
        names = [values[b"\x4f"] for _, kind, values in entries(picture) if kind == interface and b"\x4f" in values]
        probing = not names and interface == CONTACT
        for aid in list(dict.fromkeys(names or (COMMON_AIDS if probing else ())))[:_MOST_APPLICATIONS]:
            fci = self.send(commands.select(aid))
            if fci.sw in (OK, BLOCKED):
                yield self._side(Side(interface, aid, fci))
            elif not probing:
                missing[aid] = fci.sw

    def _side(self, side: Side) -> Side:
        stored = self.send(_STORE).sw
        side = replace(side, stored=stored, data=dict(self._data()), mislengthed=self._mislengthed(side))
        self.send(commands.select(side.aid))
        side = self._begun(side)
        side = replace(side, records=self._records(side), scanned=True)
        side = self._signed(side)
        return self._coded(self._declined(side))

    def _data(self) -> Iterator[tuple[bytes, bytes]]:
        for tag in COUNTERS:
            value = self._datum(tag)
            if value is not None:
                yield tag, value

    def _datum(self, tag: bytes) -> bytes | None:
        reply = self.send(commands.get_data(tag))
        items = objects_of(reply.data) if reply.ok else ()
        return items[0].value if len(items) == 1 and tag_bytes(items[0].tag) == tag else None

    # A transaction

    def _terminal(self, side: Side) -> dict[bytes, bytes]:
        """Return what a terminal of the card's own country says of a small purchase; all else is zeros."""
        number = self._means.random(_UN_BYTES)
        return {
            b"\x9f\x02": bytes.fromhex("000000000100"),
            b"\x9f\x1a": side.get("5F28") or bytes(2),
            b"\x5f\x2a": side.get("9F42") or bytes(2),
            b"\x9a": encode_bcd(f"{self._means.today:%y%m%d}"),
            b"\x9f\x35": b"\x22",
            b"\x9f\x66": TTQ,
            _UNPREDICTABLE: number,
            _NUMERIC_UN: encode_bcd(f"{int.from_bytes(number, 'big') % 10**8:08}"),
        }

    def _mislengthed(self, side: Side) -> int | None:
        size = _size(side.pdol)
        if size is None or size >= _LONGEST_PDOL_DATA:
            return None
        return self.send(commands.get_processing_options(bytes(size + 1))).sw

    def _begun(self, side: Side) -> Side:
        """Send GPO; the counter is asked for before and after it."""
        terminal = self._terminal(side)
        data = _listed(side.pdol, terminal)
        if data is None or len(data) > _LONGEST_PDOL_DATA:
            return side
        before = self._datum(_ATC)
        options = self.send(commands.get_processing_options(data))
        after = self._datum(_ATC) if options.ok else None
        counted = (int.from_bytes(before, "big"), int.from_bytes(after, "big")) if before and after else None
        return replace(side, options=options, pdol_data=data, terminal=terminal, atc=counted)

    def _records(self, side: Side) -> Mapping[RecordId, Reply]:
        """Read what the AFL lists, then every file to its end."""
        found: dict[RecordId, Reply] = {}
        for sfi, number in list(side.listed)[:_MOST_RECORDS]:
            found[sfi, number] = self.send(commands.read_record(sfi, number))
        for sfi in _SFIS:
            number = 1
            while number <= _LAST_RECORD and len(found) < 2 * _MOST_RECORDS:
                if (sfi, number) not in found:
                    found[sfi, number] = self.send(commands.read_record(sfi, number))
                if not found[sfi, number].ok:
                    break
                number += 1
        return found

    def _signed(self, side: Side) -> Side:
        if side.decides_at_once or not side.supports(_DDA) or side.get("9F46") is None:
            return side
        done = tuple(self._signature(side) for _ in range(SIGNATURES))
        signatures = tuple(each for each in done if each is not None)
        return replace(side, signatures=signatures or None)

    def _signature(self, side: Side) -> Signed | None:
        data = _listed(side.get("9F49") or DEFAULT_DDOL, self._terminal(side))
        if data is None or len(data) > _LONGEST_PDOL_DATA:
            return None
        return Signed(data, self.send(commands.internal_authenticate(data)))

    def _declined(self, side: Side) -> Side:
        """Ask for a cryptogram that declines: the transaction is over, nothing stays open."""
        terminal = self._terminal(side)
        data = _listed(side.get("8C"), terminal) if not side.decides_at_once else None
        if side.get("8C") is None or data is None or len(data) > _LONGEST_PDOL_DATA:
            return side
        combined = side.supports(_CDA)
        reply = self.send(commands.generate_ac(commands.Cryptogram.AAC, data, cda=combined))
        return replace(side, cryptogram=Cryptogram(data, combined, terminal[_UNPREDICTABLE], reply))

    def _coded(self, side: Side) -> Side:
        """Ask for the dynamic code of mag-stripe mode, in a transaction of its own."""
        if side.get("9F6B") is None or side.get("9F69") is None or side.decides_at_once:
            return side
        data = _listed(side.get("9F69"), self._terminal(side))
        if data is None or len(data) > _LONGEST_PDOL_DATA:
            return side
        self.send(commands.select(side.aid))
        self.send(commands.get_processing_options(side.pdol_data))
        return replace(side, code=Code(data, self.send(commands.compute_cryptographic_checksum(data))))


def _size(dol: bytes) -> int | None:
    try:
        return dol_size(dol)
    except EncodingError:
        return None


def _listed(dol: bytes | None, values: Mapping[bytes, bytes]) -> bytes | None:
    """Return what a list asks for; None where there is none, or it is malformed."""
    if dol is None:
        return None
    try:
        return build_dol(parse_dol(dol), values)
    except EncodingError:
        return None
