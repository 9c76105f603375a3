"""The driver of virtual readers: how pcscd is told to load it, and who can reach it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cardkit.doctor.check import Seen, fail, not_applicable, ok, together, warn
from cardkit.doctor.processes import configuration_of, pcscd_processes
from cardkit.doctor.station import Station

DRIVER = "libifdvpcd"
_KEYS = frozenset(("FRIENDLYNAME", "DEVICENAME", "LIBPATH", "CHANNELID"))
_SLOTS = 2
_MOST_ENTRIES = 8
_LISTEN = "0A"  # TCP_LISTEN in /proc/net/tcp, tcp6 (proc(5))
_NULL_DEVICE = "/dev/null"


@dataclass(frozen=True, slots=True)
class Entry:
    """One reader entry of pcscd's configuration (reader.conf(5)): two virtual slots.

    :param device: ``/dev/null:PORT``, where the cards connect to, or HOST:PORT in reverse mode.
    """

    name: str
    device: str
    library: Path

    @property
    def reverse(self) -> bool:
        """The driver connects to the card instead of waiting for it."""
        return self.device.rpartition(":")[0] != _NULL_DEVICE

    @property
    def ports(self) -> range:
        """TCP ports of the slots, none if the entry names no number."""
        try:
            first = int(self.device.rpartition(":")[2], 0)
        except ValueError:
            return range(0)
        return range(first, first + _SLOTS)


def entries_of(configuration: Path) -> tuple[list[Entry], list[str]]:
    """Read the entries for virtual readers of a configuration file or folder.

    :returns: entries, and the lines that are no setting, each with its place.
    """
    entries: list[Entry] = []
    strange: list[str] = []
    for path in _files(configuration):
        settings: dict[str, str] = {}
        for number, key, value in _settings(path):
            if key not in _KEYS:
                strange.append(f"{path} line {number}")
                continue
            if key in settings:
                entries.extend(_virtual(settings))
                settings = {}
            settings[key] = value
        entries.extend(_virtual(settings))
    return entries, strange


def _files(configuration: Path) -> list[Path]:
    if configuration.is_file():
        return [configuration]
    try:
        return sorted(path for path in configuration.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


def _settings(path: Path) -> Iterator[tuple[int, str, str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        key, *value = line.split(maxsplit=1)[:2] or [""]
        if key and not key.startswith("#"):
            yield number, key, "".join(value).strip().strip('"')


def _virtual(settings: dict[str, str]) -> list[Entry]:
    library = settings.get("LIBPATH", "")
    if DRIVER not in Path(library).name:
        return []
    return [Entry(settings.get("FRIENDLYNAME", ""), settings.get("DEVICENAME", ""), Path(library))]


def virtual_reader_names(station: Station) -> frozenset[str]:
    """Return the names of all virtual readers, of the system's configuration and of private services."""
    places = [station.reader_conf, *(configuration_of(words) for _, words in pcscd_processes(station))]
    return frozenset(entry.name for place in places if place is not None for entry in entries_of(place)[0])


def configuration(station: Station) -> Seen:
    """Judge the system's entries for virtual readers, and whether strangers can reach their ports."""
    entries, strange = entries_of(station.reader_conf)
    looks = [warn(f"not understood: {', '.join(strange[:3])}", f"mend {station.reader_conf}")] if strange else []
    if not entries:
        here = not_applicable("no virtual reader is configured here; virtual cards do not need one")
        return together(here, *looks)
    ports = ", ".join(str(port) for entry in entries for port in entry.ports)
    looks.append(ok(f"{_SLOTS * len(entries)} virtual readers, ports {ports}"))
    return together(*looks, *_entry_faults(entries), *_open_ports(station, entries))


def _entry_faults(entries: list[Entry]) -> Iterator[Seen]:
    if any(entry.reverse for entry in entries):
        yield fail(
            "an entry in reverse mode: pcscd ends with the first missing card",
            'write DEVICENAME "/dev/null:PORT" and let cards connect',
        )
    for shared, what in (
        (_shared(str(entry.library.resolve()) for entry in entries), "LIBPATH"),
        (_shared(entry.name for entry in entries), "FRIENDLYNAME"),
    ):
        if shared:
            yield fail(f"entries share the {what} {shared}", "give each entry a copy of the driver and a name")
    missing = [str(entry.library) for entry in entries if not entry.library.exists()]
    if missing:
        yield warn(f"the driver is missing: {missing[0]}", "apt-get install vsmartcard-vpcd")
    if len(entries) > _MOST_ENTRIES:
        yield warn(f"{len(entries)} entries, pcscd loads {_MOST_ENTRIES}", "use a second pcscd for the others")


def _shared(values: Iterable[str]) -> str:
    return ", ".join(value for value, times in Counter(values).items() if times > 1)


def _open_ports(station: Station, entries: list[Entry]) -> list[Seen]:
    """Ports that listen on all addresses: anyone on the network can insert a card."""
    ports = {port for entry in entries for port in entry.ports} & _listening_to_all(station.proc)
    if not ports:
        return []
    told = ", ".join(str(port) for port in sorted(ports))
    return [
        warn(
            f"ports {told} are open to the network: anyone there can insert a card",
            "close them in the firewall, or remove vsmartcard-vpcd from a station",
        )
    ]


def _listening_to_all(proc: Path) -> set[int]:
    ports = set()
    for name in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / name).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            address, _, port = words[1].partition(":") if len(words) > 3 else ("", "", "")
            if port and words[3] == _LISTEN and not address.strip("0"):
                ports.add(int(port, 16))
    return ports
