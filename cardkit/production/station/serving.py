"""A shift behind a handler: the server, the shop floor and the shift together. production.md 15, 16"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cardkit.errors import StoreError
from cardkit.production import events
from cardkit.production.run import DEFAULT_OPTIONS, RunOptions, couplers_of
from cardkit.production.station.floor import Order, ShopFloor
from cardkit.production.station.framing import Adapter, JsonLines
from cardkit.production.station.mechanics import BINS
from cardkit.production.station.protocol import HEARTBEAT_S, SILENCE_S, StationProtocol
from cardkit.production.station.selftest import Trial
from cardkit.production.station.server import Address, HandlerServer
from cardkit.production.station.shift import Shift, run_shift
from cardkit.production.station.turns import Alarm, Place
from cardkit.production.store.audit import Event
from cardkit.production.store.store import Store

log = logging.getLogger(__name__)

END = "END"
# How long a reader may take to see the card that GO speaks of.
CARD_S = 10.0
# How long cards may lie in their slots after the work is done, before the station ends and says where they lie.
CLEARING_S = 60.0


@dataclass(frozen=True, slots=True)
class LineTerms:
    """The line to the handler.

    :param address: where it connects.  :param tls: None on loopback.  :param bins: its numbers of the bins.
    :param adapter: makes the translator of a link.
    :param card_s: after GO a card must be in the reader within this time; else its slot gets a result with NO_CARD.
    :param clearing_s: how long cards may lie in their slots after the work is done.
    """

    address: Address
    tls: ssl.SSLContext | None = None
    bins: Mapping[str, int] = field(default_factory=lambda: BINS)
    adapter: Callable[[], Adapter] = JsonLines
    heartbeat_s: float = HEARTBEAT_S
    silence_s: float = SILENCE_S
    card_s: float = CARD_S
    clearing_s: float = CLEARING_S


@dataclass(frozen=True, slots=True)
class Listening:
    """The station waits for its handler.

    :param address: where.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Served:
    """A shift behind a handler.

    :param uncleared: where the slots are that still hold a card, as far as the handler has said.
    """

    shift: Shift
    uncleared: Mapping[int, Place]


def serve_shift(
    store: Store,
    targets: Sequence[str],
    line: LineTerms,
    batch: str | None = None,
    *,
    reporter: Callable[[events.Event | Trial | Listening], None],
    options: RunOptions = DEFAULT_OPTIONS,
) -> Served:
    """Run a shift whose cards a handler brings and takes away.

    Slot n belongs to the n-th reader. Errors as :func:`cardkit.production.station.shift.run_shift`.

    :raises EncodingError: when a reader is named twice, or the address is open to others without TLS.
    """
    names = [str(reader) for reader in couplers_of(targets)]
    protocol = StationProtocol(range(1, len(names) + 1), heartbeat_s=line.heartbeat_s, silence_s=line.silence_s)
    server = HandlerServer(protocol, adapter=line.adapter, heartbeat_s=line.heartbeat_s)
    floor = ShopFloor(names, line.bins, server.post, _orders(store), _alarms(store, options.station))

    def told(event: events.Event | Trial) -> None:
        if not isinstance(event, Trial):
            floor.told(event)
        reporter(event)

    reporter(Listening(str(server.start(line.address, floor.act, line.tls))))
    try:
        handled = replace(options, handling=floor.handling, card_s=line.card_s)
        shift = run_shift(store, targets, batch, reporter=told, options=handled)
        server.post(lambda protocol, now: protocol.stop(END, now))
        server.wait_settled(line.clearing_s)
    finally:
        server.close()
    return Served(shift, {slot: protocol.place(slot) for slot in protocol.unsettled})


def _orders(store: Store) -> Callable[[str], Order]:
    return lambda batch: Order(batch, store.batch(batch).profile_sha256.hex())


def _alarms(store: Store, station: str) -> Callable[[Alarm], None]:
    """Return what writes an alarm into the station's audit; a store that is away stops the station by itself."""

    def alarmed(alarm: Alarm) -> None:
        data = {"code": alarm.code, "slot": alarm.slot, "in_work": alarm.in_work}
        try:
            with store.writing() as connection:
                store.audit(connection, station, Event("HANDLER", store.operator, data))
        except StoreError as error:
            log.warning("handler: %s at slot %d is not in the audit: %s", alarm.code, alarm.slot, error)

    return alarmed
