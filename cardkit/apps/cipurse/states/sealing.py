"""Sealing a card: rules that would have kept us out are closed, the keys of the MF replaced, the one at work last."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.access import Operation
from cardkit.apps.cipurse.attributes import KeyRight
from cardkit.apps.cipurse.commands import CipurseIns
from cardkit.apps.cipurse.states import visiting
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory
from cardkit.apps.cipurse.states.visiting import DELIVERED, OWN, bare
from cardkit.desired import Phase, Role, Step

_KEY_FIELD_BYTES = 22


def rules_of(name: str) -> str:
    """Return the name of the state that a file or directory has the rules it leaves with."""
    return f"{name} rules"


def attribute_of(key: DirectoryKey) -> str:
    """Return the name of the state that a key of the MF may be used as it shall."""
    return f"{key.name} attribute"


def locked(directory: ProductDirectory) -> list[str]:
    """Return the names of an application and its files whose rules change when the card is sealed."""
    own = [directory.name] if directory.locked_later else []
    return own + [file.name for file in directory.files if file.locked_later]


def last(product: CipurseProduct) -> list[str]:
    """Return the states that are made true when the card is sealed."""
    names = [rules_of(name) for app in product.applications for name in locked(app)]
    names += [rules_of(product.master.name), rules_of(product.master.files[0].name)]
    names += [key.name for key in product.master.keys]
    return names + [attribute_of(key) for key in product.master.keys if key.attribute != delivered_attribute(product)]


def delivered_attribute(product: CipurseProduct) -> int:
    """Return the attribute of every key of the MF of a blank chip."""
    return int(product.chip.attr, 16)


def sealed(product: CipurseProduct, names: Collection[str], manager: str = DELIVERED) -> Iterator[Step]:
    """Yield the commands that close rules and replace the keys of the MF, as far as they are named.

    :param manager: which value of the MF's working key is in force.
    """
    for app in product.applications:
        mine = [name for name in locked(app) if rules_of(name) in names]
        if mine:
            yield visiting.enter(app, Phase.SEAL)
            yield from visiting.present(app.manager, OWN, Phase.SEAL)
            yield from _locks(product, app, mine)
    root = product.master
    mine = [name for name in (root.name, root.files[0].name) if rules_of(name) in names]
    changes = list(_key_changes(product, names))
    if mine or changes:
        yield visiting.enter(root, Phase.SEAL)
        yield from visiting.present(root.manager, manager, Phase.SEAL)
        yield from _locks(product, root, mine)
        yield from changes
        if root.rules(sealed=True).allows(Operation.PERFORM, root.manager.number):
            yield bare(root, commands.perform_transaction(), Phase.SEAL)


def _locks(product: CipurseProduct, directory: ProductDirectory, names: Collection[str]) -> Iterator[Step]:
    """Yield new rules, the directory's own first: it is current until one of its files is selected."""
    if directory.name in names:
        yield _lock(directory, directory.name, commands.update_file_attributes(product.syntax, directory.final))
    for file in directory.files:
        if file.name in names:
            yield visiting.select_file(file, directory.name, directory.manager, Phase.SEAL)
            yield _lock(directory, file.name, commands.update_file_attributes(product.syntax, file.final))


def _lock(directory: ProductDirectory, name: str, command: CommandAPDU) -> Step:
    size = command.nc
    return Step(
        Phase.SEAL,
        Role.WRITE,
        rules_of(name),
        directory.name,
        command,
        content=name,
        access=directory.manager.access,
        nc=size,
        nvm=size,
        reversible=False,
    )


def _key_changes(product: CipurseProduct, names: Collection[str]) -> Iterator[Step]:
    """Yield the keys of the MF, the one at work last; then what may be done with them, in the same order."""
    root = product.master
    ordered = sorted(root.keys, key=lambda key: key == root.manager)
    for key in ordered:
        if key.name in names:
            command = CommandAPDU(0x80, CipurseIns.UPDATE_KEY, root.kek, key.number)
            yield _change(product, key, key.name, command, _KEY_FIELD_BYTES)
    for key in ordered:
        if attribute_of(key) in names:
            command = commands.update_key_attributes(key.number, key.attribute)
            yield _change(product, key, attribute_of(key), command, 1)


def _change(product: CipurseProduct, key: DirectoryKey, serves: str, command: CommandAPDU, size: int) -> Step:
    access = product.master.manager.access
    return Step(
        Phase.SEAL,
        Role.CHANGE,
        serves,
        key.place,
        command,
        content=key.name,
        access=access,
        nc=size,
        nvm=size,
        reversible=not serves.endswith("attribute") or bool(key.attribute & KeyRight.CHANGEABLE),
    )
