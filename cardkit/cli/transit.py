"""``cardkit transit``: what is on a transport card, whichever family it is of; no key is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from cardkit.apps.cipurse.dump import PART as CIPURSE
from cardkit.apps.cipurse.dump import look_inside
from cardkit.apps.dump import STRANGE
from cardkit.apps.iso7816.commands import Answer, SelectBy, select
from cardkit.apps.registry import get_app, names
from cardkit.channel import Channel
from cardkit.cli import options
from cardkit.cli.card import identity, today
from cardkit.cli.render import facts, print_json
from cardkit.cli.transit_blocks import blocks
from cardkit.cli.transit_check import check
from cardkit.cli.transit_prove import prove
from cardkit.cli.transit_sdm import sdm
from cardkit.desired import Shows
from cardkit.errors import CardError
from cardkit.profile.chips import fitting
from cardkit.target import Card, open_card

FAMILIES = ("cipurse", "ntag424", "desfire", "calypso", "storage")
"""Applications of transport cards, in the order they are asked; each knows its own cards."""

Document = dict[str, Any]
_SELECTED = 0x9000


@click.group()
def transit() -> None:
    """Look at transport cards: what anybody may see, which is rights and versions more than contents."""


transit.add_command(blocks)
transit.add_command(check)
transit.add_command(prove)
transit.add_command(sdm)


@transit.command()
@options.reader
@options.as_json
def info(reader: str, as_json: bool) -> None:
    """Say what card this is: product, applications with their keys, free memory; files are counted only."""
    _show(reader, lambda app, document: _without_files(app.public(document), app.part), as_json=as_json)


@transit.command()
@options.reader
@options.as_json
def tree(reader: str, as_json: bool) -> None:
    """Show applications and files, and who may do what with them; no contents."""
    _show(reader, lambda app, document: app.public(document), as_json=as_json)


@transit.command()
@options.reader
@options.as_json
def dump(reader: str, as_json: bool) -> None:
    """Show all that may be read without a key, contents of free files included."""
    _show(reader, lambda _, document: document, as_json=as_json)


def _show(reader: str, chosen: Callable[[Shows, Document], Document], *, as_json: bool) -> None:
    with open_card(reader) as card:
        name, app, found = _look(card)
        document = {**identity(card), "atr": card.atr.hex().upper(), **found}
        document["chip"] = _chip(card.atr, name, found[app.part])
        card.reset(cold=True)
        document["besides"] = list(_besides(card.channel))
        document["selectable"] = dict(_selectable(card))
    document = chosen(app, document)
    if as_json:
        print_json(document)
        return
    facts((name, document[name] or "not known") for name in ("reader", "chip", "class"))
    for line in app.lines(document):
        click.echo(line)
    for kind in document["besides"]:
        click.echo(f"  besides: {kind}")
    for part, aid in document["selectable"].items():
        click.echo(f"  selectable: {part} by {aid}")


def _chip(atr: bytes, app: str, found: Document) -> str:
    """Return the chip model whose ATR fits and that is of the generation the card says; empty where there is none."""
    for chip in fitting(atr):
        told = getattr(chip.blocks.get(app), "generation", None)
        if app in chip.blocks and told == found.get("generation"):
            return chip.name
    return ""


def _besides(channel: Channel) -> Iterator[str]:
    """Yield what a freshly powered card is besides a transport card."""
    for name in names():
        app = get_app(name)
        if name in FAMILIES or not isinstance(app, Shows):
            continue
        try:
            found = app.look(channel, today())
        except CardError:
            continue
        if found["class"] not in STRANGE:
            yield app.title


def _homes(atr: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the parts of a card that is several, and the AIDs they are entered by, as the models of its chip say."""
    for chip in fitting(atr):
        yield from ((name, bytes.fromhex(home)) for name, home in chip.homes.items())


def _selectable(card: Card) -> Iterator[tuple[str, str]]:
    """Yield the parts of a card that is several that let themselves be selected, and their AIDs."""
    for name, home in _homes(card.atr):
        if card.channel.send(select(SelectBy.AID, home, Answer.FCI)).sw == _SELECTED:
            yield name, home.hex().upper()


def _look(card: Card) -> tuple[str, Shows, Document]:
    """Return the family a card is of, and what it shows.  :raises CardError: when it is of none."""
    strange = []
    for name in FAMILIES:
        app = get_app(name)
        if not isinstance(app, Shows):
            continue
        try:
            return name, app, app.look(card.channel, today())
        except CardError as error:
            strange.append(f"no {app.title}: {error}")
    home, app = dict(_homes(card.atr)).get(CIPURSE), get_app(CIPURSE)
    if home is None or not isinstance(app, Shows):
        raise CardError("; ".join(strange))
    card.reset(cold=True)
    return CIPURSE, app, look_inside(card.channel, home)


def _without_files(document: Document, part: str) -> Document:
    found = document[part]
    bare = {aid: {**app, "files": len(app["files"])} for aid, app in found["applications"].items()}
    return {**document, part: {**found, "applications": bare}}
