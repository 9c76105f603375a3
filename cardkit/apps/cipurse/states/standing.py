"""How far a begun card has got: what stands on it is compared with the product, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cardkit.apps.cipurse.states.contents import is_written
from cardkit.apps.cipurse.states.plan import MISSING
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory, ProductFile
from cardkit.apps.cipurse.states.sealing import attribute_of, locked, rules_of
from cardkit.apps.cipurse.states.seen import NOTE, SeenTransit
from cardkit.desired import Observations
from cardkit.errors import AuthenticationError, ProtocolError


def unmet(product: CipurseProduct, seen: Observations, expected: Callable[[ProductFile], bytes]) -> tuple[str, ...]:
    """Return the names of the states before the seal that do not hold.

    :param expected: contents of a file.
    :raises ProtocolError: when something stands there that is not the product's.
    """
    notes: SeenTransit = seen.notes[NOTE]
    missing = [one.name for one in product.lists if one.name not in notes.lists]
    for app in product.applications:
        if notes.found.get(app.name) == MISSING:
            missing += [app.name, *(name for file in app.files for name in (file.name, file.contents))]
        else:
            _check_application(app, notes)
            missing += _unmet_files(app, seen, notes, expected)
    return tuple(missing)


def _check_application(app: ProductDirectory, notes: SeenTransit) -> None:
    found = notes.directories.get(app.name)
    if found is None:
        raise ProtocolError(f"{app.name}: {notes.troubles.get(app.name, 'its attributes were not read')}")
    keys = [notes.kvvs.get(key.name) for key in app.keys]
    if found.aid != app.aid or [key.kvv for key in found.keys] != keys or found.security not in (app.opened, app.final):
        raise ProtocolError(f"{app.name}: an application of this name with other keys or rules, expected the product's")


def _unmet_files(
    app: ProductDirectory, seen: Observations, notes: SeenTransit, expected: Callable[[ProductFile], bytes]
) -> Iterator[str]:
    for file in app.files:
        if MISSING in (seen.words.get(file.contents), seen.words.get(file.name)):
            yield file.name
        else:
            _check_file(file, notes)
        if is_written(file) and seen.bodies.get(file.contents) != expected(file):
            yield file.contents


def _check_file(file: ProductFile, notes: SeenTransit) -> None:
    found = notes.files.get(file.name)
    wanted = [replace(file.attributes, security=rules) for rules in (file.opened, file.final)]
    if found is not None and found not in wanted:
        raise ProtocolError(f"{file.name}: a file of this name with another size or rules, expected the product's")


def done_of_seal(product: CipurseProduct, notes: SeenTransit) -> set[str]:
    """Return the names of the states of the seal that hold already.

    :raises AuthenticationError: when a key of the MF is neither the one delivered nor the card's own.
    """
    root, (info,) = product.master, product.master.files
    done = {rules_of(name) for app in product.applications for name in _closed(app, notes)}
    found = notes.directories[root.name]
    if found.security == root.final:
        done.add(rules_of(root.name))
    if info.name in notes.files and notes.files[info.name].security == info.final:
        done.add(rules_of(info.name))
    delivered = bytes.fromhex(product.chip.kvv)
    for key, told in zip(root.keys, found.keys, strict=False):
        if told.kvv == notes.kvvs[key.name]:
            done.add(key.name)
        elif told.kvv != delivered:
            raise AuthenticationError(f"{key.name}: check value {told.kvv.hex().upper()} is of no key we know")
        if told.attribute == key.attribute:
            done.add(attribute_of(key))
    return done


def _closed(app: ProductDirectory, notes: SeenTransit) -> Iterator[str]:
    """Yield the names of an application and its files that have the rules they leave with."""
    final = {app.name: app.final, **{file.name: file.final for file in app.files}}
    told = {name: found.security for name, found in notes.directories.items()}
    told |= {name: found.security for name, found in notes.files.items()}
    yield from (name for name in locked(app) if told.get(name) == final[name])
