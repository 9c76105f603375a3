"""``cardkit virtual``: the images there are, and a virtual card behind the real PC/SC stack."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cardkit import virtual as cards
from cardkit.cli.render import print_json, say, table
from cardkit.errors import Executed, NoReaderError, ProfileError
from cardkit.virtual.chips import ChipDirectory
from cardkit.virtual.vpcd import WithoutPPS
from cardkit.virtual.vpcd import serve as serve_card

DEFAULT_PORT = 35963  # vpcd's first slot (0x8C7B)


@click.group()
def virtual() -> None:
    """Virtual cards: list the images, or serve one to the real PC/SC stack."""


@virtual.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of a table.")
def images(as_json: bool) -> None:
    """List the blank images a virtual card can be made from."""
    rows = [cards.load_image(name) for name in cards.images()]
    if as_json:
        print_json([{"name": image.name, "title": image.title, "atr": image.atr.hex().upper()} for image in rows])
        return
    table(["image", "ATR", "what it is"], [(image.name, image.atr.hex().upper(), image.title) for image in rows])


@virtual.command()
@click.argument("image")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where vpcd listens.")
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="vpcd's slot.")
@click.option("--seed", type=int, help="Make the chip's serial and challenges repeatable.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the chip's memory in this folder: the same chip next time.",
)
def serve(image: str, host: str, port: int, seed: int | None, folder: Path | None) -> None:
    """Insert a virtual card made from IMAGE into a vpcd slot, until Ctrl-C.

    Needs a running pcscd with vpcd (Debian: pcscd, vsmartcard-vpcd). The card then shows up in pcsc_scan,
    opensc-tool and every other PC/SC program.
    """
    try:
        card = WithoutPPS(fresh_or_kept(image, seed, folder))
        say(f"{image}, ATR {card.atr().hex().upper()}, goes into the slot at {host}:{port}; Ctrl-C takes it out")
        with interrupts() as stop:
            serve_card(card, host, port, stop=stop)
    except cards.LinkError as error:
        raise NoReaderError(
            f"{error}; is pcscd with vpcd running?", reader=f"{host}:{port}", operation="connect", executed=Executed.NO
        ) from error
    except cards.VirtualCardError as error:
        raise ProfileError(str(error)) from error
    say("the reader closed the slot")


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Let Ctrl-C set an event, and interrupt only at the end.

    An exception that comes where Python clears away an object is dropped there, and the card would stay in its slot.
    """
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    if stop.is_set():
        raise KeyboardInterrupt


def fresh_or_kept(image: str, seed: int | None, folder: Path | None) -> cards.AnyCard:
    """Return a fresh chip, or the one that lies in the folder (the first by serial)."""
    if folder is None:
        return cards.make_card(image, seed=seed)
    chips = ChipDirectory(folder, image, seed=seed)
    serials = chips.serials()
    return chips.open(serials[0]) if serials else chips.fresh()
