"""Looking at a payment card without beginning a transaction: directories, FCIs, records, data objects.

Nothing on the card changes: no GET PROCESSING OPTIONS, no counter moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cardkit.apps.emv.aids import PPSE, PSE
from cardkit.apps.emv.client import EmvCard
from cardkit.apps.emv.fci import DirectoryEntry, Fci, directory_record
from cardkit.errors import CardError, NotFoundError, ProtocolError, StatusError

# Asked for by name on a card without a directory: a few, for a card of another kind is asked, too.
COMMON_AIDS = tuple(
    bytes.fromhex(text)
    for text in (
        "A0000000031010", "A0000000041010", "A0000000043060", "A00000002501", "A0000000651010", "A0000001523010",
        "A0000002771010", "A000000333010101", "A000000333010102", "A0000006581010",
    )
)  # fmt: skip
COUNTERS = tuple(bytes.fromhex(text) for text in ("9F36", "9F13", "9F17", "9F4F"))
"""What EMV 4.4 Book 3 6.5.7 lets everybody read by GET DATA, but biometrics."""

_NO_RECORD = 0x6A83
_SFIS = range(1, 31)
# Per application: a card that has more records than this has them without end.
_MOST_RECORDS = 255
_MOST_APPLICATIONS = 16


@dataclass(frozen=True, slots=True)
class SeenApplication:
    """One payment application.

    :ivar records: as read, by SFI and number.  :ivar data: values of GET DATA, by tag.
    :ivar troubles: what could not be read, and why.
    """

    fci: Fci
    records: Mapping[tuple[int, int], bytes]
    data: Mapping[bytes, bytes]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenCard:
    """What a payment card shows of itself.

    :ivar pse, ppse: directories for contacts and contactless; None where there is none.
    :ivar pse_records: records of the contact directory, in order.
    """

    pse: Fci | None
    ppse: Fci | None
    pse_records: tuple[bytes, ...]
    applications: tuple[SeenApplication, ...]
    troubles: tuple[str, ...]


@dataclass(slots=True)
class _Looker:
    card: EmvCard
    troubles: list[str] = field(default_factory=list)

    def directory(self, name: bytes) -> Fci | None:
        """Select a directory; None where there is none."""
        try:
            return self.card.select(name)
        except StatusError:
            return None
        except ProtocolError as error:
            self.troubles.append(f"{name.decode('ascii')}: {error}")
            return None

    def records(self, sfi: int, room: int) -> Iterator[tuple[int, bytes]]:
        """Yield the records of a file until there is none."""
        for number in range(1, min(room, _MOST_RECORDS) + 1):
            try:
                yield number, self.card.read_record(sfi, number)
            except StatusError as error:
                if error.sw != _NO_RECORD and number > 1:
                    self.troubles.append(str(error))
                return

    def application(self, name: bytes) -> SeenApplication | None:
        """Select an application and read what it lets everybody read; None where it cannot be selected."""
        try:
            fci = self.card.select(name)
        except CardError as error:
            self.troubles.append(f"{name.hex().upper()}: {error}")
            return None
        inner = _Looker(self.card)
        records: dict[tuple[int, int], bytes] = {}
        for sfi in _SFIS:
            records |= {(sfi, number): record for number, record in inner.records(sfi, _MOST_RECORDS - len(records))}
        return SeenApplication(fci, records, dict(inner.data()), tuple(inner.troubles))

    def data(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the data objects everybody may read."""
        for tag in COUNTERS:
            try:
                yield tag, self.card.get_data(tag)
            except StatusError:
                continue
            except ProtocolError as error:
                self.troubles.append(str(error))

    def entries(self, fci: Fci | None, records: tuple[bytes, ...]) -> Iterator[DirectoryEntry]:
        """Yield what both kinds of directory list; a record that is none is a trouble."""
        for record in records:
            try:
                yield from directory_record(record)
            except ProtocolError as error:
                self.troubles.append(str(error))
        if fci is not None:
            yield from fci.entries


def look_at(card: EmvCard) -> SeenCard:
    """Read directories and applications.

    :raises NotFoundError: when the card has no payment application.  :raises TransportError: when the link fails.
    """
    looker = _Looker(card)
    pse = looker.directory(PSE)
    pse_records = _directory_records(looker, pse)
    ppse = looker.directory(PPSE)
    listed = [entry.aid for entry in looker.entries(ppse, pse_records) if entry.aid]
    names = list(dict.fromkeys(listed)) or [name for name in COMMON_AIDS if looker.directory(name)]
    seen = [looker.application(name) for name in names[:_MOST_APPLICATIONS]]
    applications = tuple(each for each in seen if each is not None)
    if not applications and pse is None and ppse is None:
        raise NotFoundError("SELECT of payment applications", 0x6A82)
    return SeenCard(pse, ppse, pse_records, applications, tuple(looker.troubles))


def _directory_records(looker: _Looker, pse: Fci | None) -> tuple[bytes, ...]:
    if pse is None:
        return ()
    try:
        sfi = pse.directory_sfi
    except ProtocolError as error:
        looker.troubles.append(str(error))
        return ()
    return tuple(record for _, record in looker.records(sfi, _MOST_RECORDS))
