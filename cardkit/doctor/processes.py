"""Running PC/SC services, as /proc shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cardkit.doctor.station import Station

# pcscd(8), pcsc-lite 1.9.9 and 2.3.3: long switches that matter here, and short ones that take a value.
_LONG = {"--apdu": "-a", "--debug": "-d", "--auto-exit": "-x"}
_WITH_VALUE = frozenset("ctrs")


def pcscd_processes(station: Station) -> list[tuple[int, list[str]]]:
    """Return (process id, arguments) of each running pcscd; of hidden processes nothing is known."""
    found = []
    for folder in sorted(station.proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except OSError:
            continue
        if Path(words[0]).name == "pcscd":
            found.append((int(folder.name), words[1:]))
    return found


def switches(words: Sequence[str]) -> frozenset[str]:
    """Return the short form of the switches in a command line.

    >>> sorted(switches(["-fa", "--auto-exit", "-c", "conf"]))
    ['-a', '-c', '-f', '-x']
    """
    used = {_LONG[word] for word in words if word in _LONG}
    for word in words:
        if not word.startswith("-") or word.startswith("--"):
            continue
        for letter in word[1:]:
            used.add(f"-{letter}")
            if letter in _WITH_VALUE:
                break
    return frozenset(used)


def configuration_of(words: Sequence[str]) -> Path | None:
    """Return where a pcscd was told (``-c``, ``--config``) to read its configuration.

    >>> str(configuration_of(["-f", "--config=conf"]))
    'conf'
    """
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == "--config":
            return Path(value or following)
        if word.startswith("-c"):
            return Path(word[2:] or following)
    return None
