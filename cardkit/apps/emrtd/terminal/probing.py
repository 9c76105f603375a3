"""What a chip must refuse: commands no honest reader sends, each in a session of its own, none of which changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.directory import Directory
from cardkit.apps.emrtd.lds import DATA_GROUPS, FILES, LDS1_AID
from cardkit.apps.emrtd.pace import offers
from cardkit.apps.emrtd.signerrules import Trouble
from cardkit.apps.emrtd.terminal.bench import Bench, by_fid, by_sfi, gives
from cardkit.apps.emrtd.terminal.certprobes import CERTIFICATE_PROBES
from cardkit.apps.emrtd.terminal.formprobes import FORM_PROBES
from cardkit.apps.emrtd.terminal.paceprobes import PACE_PROBES
from cardkit.apps.emrtd.terminal.reading import Reading, Request
from cardkit.apps.emrtd.terminal.rightprobes import RIGHT_PROBES
from cardkit.channel import Channel
from cardkit.errors import EncodingError, SecureMessagingError, StatusError

_OK, _END_OF_FILE, _NOT_FOUND = 0x9000, 0x6282, 0x6A82
_CHALLENGES = 64
_CVCA_BYTES = 36
_SCANNED = range(0x0100, 0x0200)
_FAR_OFFSET = 0x7FF0
_COM, _DG1 = FILES["EF.COM"], FILES["EF.DG1"]


def probe(channel: Channel, request: Request, reading: Reading) -> None:
    """Try what a chip must refuse, and add what it did not to a reading.

    :param reading: of the same document.  :raises CardError: when the document does not open any more.
    """
    bench = Bench(channel, request, reading)
    probes: tuple[Callable[[Bench], Iterator[Trouble]], ...] = (
        _directory,
        _application,
        _closed_before,
        _plain_inside,
        _selects,
        _absent_file,
        _trust_points,
        _further_files,
        _offsets,
        _challenges,
        _external_authenticate,
        _wrong_checksum,
        _wrong_counter,
        _chip_authentication_in_the_clear,
        _active_authentication_of_another_size,
        *FORM_PROBES,
    )
    for one in probes:
        _note(reading, one(bench))
    offered = offers(bench.access) if bench.access else []
    for attempt in PACE_PROBES if offered else ():
        bench.fresh()
        _note(reading, attempt(channel, offered[0], request.random))
    for last in (*CERTIFICATE_PROBES, *RIGHT_PROBES):
        _note(reading, last(bench))


def _note(reading: Reading, troubles: Iterator[Trouble]) -> None:
    for trouble in troubles:
        reading.find(trouble.rule, trouble.where, trouble.expected, trouble.actual)


def _directory(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-006 and 007: what the MF says of the chip."""
    bench.fresh()
    if "EF.ATR/INFO" not in bench.reading.files:
        yield Trouble("EMRTD-006", "EF.ATR/INFO", "a file that can be read", "none")
    try:
        aids = Directory.parse(bench.client.read(FILES["EF.DIR"])).aids
    except StatusError:
        return  # mandatory with LDS2 only
    except EncodingError as error:
        yield Trouble("EMRTD-007", "EF.DIR", "application templates", str(error))
        return
    if LDS1_AID not in aids:
        yield Trouble("EMRTD-007", "EF.DIR", LDS1_AID.hex().upper(), f"{len(aids)} other applications")


def _application(bench: Bench) -> Iterator[Trouble]:
    bench.fresh()
    response = bench.channel.send(CommandAPDU(0x00, 0xA4, 0x04, 0x0C, LDS1_AID))
    if response.sw != _OK or response.data:
        yield Trouble("EMRTD-001", "SELECT", "9000 without data", f"{len(response.data)} bytes, {response.sw:04X}")


def _closed_before(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-002 and 005: nothing is read before a session, by short identifier or after SELECT."""
    bench.fresh()
    if gives(bench.channel.send(by_sfi(FILES["EF.CardSecurity"]))):
        yield Trouble("EMRTD-005", "EF.CardSecurity", "nothing before PACE", "its contents")
    bench.client.select_application()
    for name in ("EF.COM", "EF.SOD", *(f"EF.DG{number}" for number in bench.reading.groups)):
        given = gives(bench.channel.send(by_sfi(FILES[name])))
        bench.channel.send(by_fid(FILES[name]))
        if given or gives(bench.channel.send(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=8))):
            yield Trouble("EMRTD-002", name, "nothing before a session", "its contents")


def _plain_inside(bench: Bench) -> Iterator[Trouble]:
    bench.opened()
    if gives(bench.plain(by_sfi(_COM))):
        yield Trouble("EMRTD-003", "READ BINARY in the clear", "nothing", "contents of EF.COM")
    elif bench.alive():
        yield Trouble("EMRTD-003", "READ BINARY in the clear", "the end of the session", "it goes on")


def _selects(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-008: every group that was read selects by both identifiers and begins with its tag."""
    bench.opened()
    for number in bench.reading.groups:
        file = DATA_GROUPS[number]
        if file.name in bench.reading.refused or number in (3, 4):
            continue
        starts = [bench.channel.send(by_sfi(file, 1)).data]
        selected = bench.channel.send(by_fid(file)).sw == _OK
        starts.append(bench.channel.send(CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=1)).data if selected else b"")
        if starts != [bytes((file.tag,))] * 2:
            yield Trouble("EMRTD-008", file.name, f"{file.tag:02X} by SFI and by FID", "something else")


def _absent_file(bench: Bench) -> Iterator[Trouble]:
    bench.opened()
    listed = {*bench.reading.groups, *bench.reading.closed}
    absent = next((file for number, file in DATA_GROUPS.items() if number not in listed), None)
    if absent is None:
        return
    try:
        response = bench.channel.send(by_fid(absent))
    except SecureMessagingError as error:
        yield Trouble("EMRTD-009", f"SELECT {absent.name}, absent", "6A82 inside the session", str(error))
        return
    if response.sw != _NOT_FOUND or not bench.alive():
        yield Trouble("EMRTD-009", f"SELECT {absent.name}, absent", "6A82, session alive", f"{response.sw:04X}")


def _trust_points(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-036: EF.CVCA, where fingers or irises are there, in the place and of the form chips have it."""
    if not bench.reading.closed & {3, 4}:
        return
    bench.opened()
    try:
        content = bench.client.read_fixed(FILES["EF.CVCA"], _CVCA_BYTES)
    except StatusError as error:
        yield Trouble("EMRTD-036", "EF.CVCA", "a file of 36 bytes", str(error))
        return
    if len(content) != _CVCA_BYTES or content[0] != FILES["EF.CVCA"].tag:
        yield Trouble("EMRTD-036", "EF.CVCA", "42 and a reference in 36 bytes", f"{len(content)} bytes")


def _further_files(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-093: no file selects that the standard or the document does not name."""
    bench.opened()
    named = {file.fid for file in FILES.values()}
    for fid in _SCANNED:
        if fid in named:
            continue
        try:
            response = bench.channel.send(CommandAPDU(0x00, 0xA4, 0x02, 0x0C, fid.to_bytes(2)))
        except SecureMessagingError:
            return  # EMRTD-009 says so
        if response.sw == _OK:
            yield Trouble("EMRTD-093", f"SELECT {fid:04X}", "no such file", "9000")


def _offsets(bench: Bench) -> Iterator[Trouble]:
    bench.opened()
    rest = bench.channel.send(by_sfi(_COM, 200))
    if not gives(rest):
        yield Trouble("EMRTD-010", "READ BINARY past the end", "the rest of EF.COM", f"{rest.sw:04X}")
    far = bench.channel.send(CommandAPDU(0x00, 0xB0, _FAR_OFFSET >> 8, _FAR_OFFSET & 0xFF, ne=1))
    if far.sw in (_OK, _END_OF_FILE):
        yield Trouble("EMRTD-010", "READ BINARY at an offset past the end", "an error", f"{far.sw:04X}")


def _challenges(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-012: challenges are fresh; chips without basic access control may give none."""
    bench.fresh()
    bench.client.select_application()
    command = CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8)
    found = [bench.channel.send(command).data for _ in range(_CHALLENGES)]
    if any(found) and len(set(found)) != _CHALLENGES:
        yield Trouble("EMRTD-012", "GET CHALLENGE", f"{_CHALLENGES} that differ", f"{len(set(found))}")


def _external_authenticate(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-014: neither without a challenge nor with a wrong MAC."""
    bench.fresh()
    bench.client.select_application()
    command = CommandAPDU(0x00, 0x82, 0x00, 0x00, bench.request.random(40), 40)
    for what in ("without a challenge", "with a wrong MAC"):
        if bench.channel.send(command).sw == _OK:
            yield Trouble("EMRTD-014", f"EXTERNAL AUTHENTICATE {what}", "an error", "9000")
        bench.channel.send(CommandAPDU(0x00, 0x84, 0x00, 0x00, ne=8))


def _refuses(bench: Bench, change: Callable[[CommandAPDU], CommandAPDU], what: str) -> Iterator[Trouble]:
    """EMRTD-016: a protected command that was changed is an error and the end of the session."""
    session = bench.client.session
    if session is None:
        return
    response = bench.plain(change(session.wrap(by_sfi(_COM))))
    if response.sw in (_OK, _END_OF_FILE):
        yield Trouble("EMRTD-016", what, "an error", f"{response.sw:04X}")
    elif bench.alive():
        yield Trouble("EMRTD-016", what, "the end of the session", "it goes on")


def _wrong_checksum(bench: Bench) -> Iterator[Trouble]:
    bench.opened()
    yield from _refuses(bench, _with_wrong_mac, "a command with a wrong MAC")


def _wrong_counter(bench: Bench) -> Iterator[Trouble]:
    bench.opened()
    if bench.client.session is not None:
        bench.client.session.wrap(by_sfi(_DG1))  # never sent: the next one is ahead of the chip's counter
    yield from _refuses(bench, lambda command: command, "a command ahead of the counter")


def _with_wrong_mac(command: CommandAPDU) -> CommandAPDU:
    data = command.data if isinstance(command.data, bytes) else b""
    changed = data[:-1] + bytes((data[-1] ^ 0xFF,))
    return CommandAPDU(command.cla, command.ins, command.p1, command.p2, changed, command.ne, command.extended)


def _chip_authentication_in_the_clear(bench: Bench) -> Iterator[Trouble]:
    """EMRTD-031: no chip authentication without a session."""
    bench.fresh()
    bench.client.select_application()
    protocol = bytes.fromhex("800A04007F00070202030202")
    if bench.channel.send(CommandAPDU(0x00, 0x22, 0x41, 0xA4, protocol)).sw == _OK:
        yield Trouble("EMRTD-031", "MSE:SET for chip authentication in the clear", "an error", "9000")


def _active_authentication_of_another_size(bench: Bench) -> Iterator[Trouble]:
    if "EF.DG15" not in bench.reading.files:
        return
    for size in (7, 9):
        bench.opened()
        response = bench.channel.send(CommandAPDU(0x00, 0x88, 0x00, 0x00, bytes(size), 256))
        if response.sw == _OK:
            yield Trouble("EMRTD-033", f"a challenge of {size} bytes", "an error", "a signature")
