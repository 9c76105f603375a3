"""States and commands of a transport card: the same for every card of a product; what differs is in the contents.

Lists and applications with their keys, files, contents, one transaction for each application; rules are closed and the
keys of the MF replaced last: that is the seal. Where a session ends matters: creating an application ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cardkit.apdu import CommandAPDU
from cardkit.apps.cipurse import commands
from cardkit.apps.cipurse.commands import CipurseIns, KeyToLoad
from cardkit.apps.cipurse.states import visiting
from cardkit.apps.cipurse.states.contents import UID, is_written, writing
from cardkit.apps.cipurse.states.keys import DirectoryKey
from cardkit.apps.cipurse.states.levels import Levels
from cardkit.apps.cipurse.states.product import CipurseProduct, ProductDirectory, ProductFile
from cardkit.apps.cipurse.states.sealing import last, locked, rules_of, sealed
from cardkit.apps.cipurse.states.visiting import DELIVERED, OWN, Visit, bare
from cardkit.apps.iso7816.commands import ANY_LENGTH
from cardkit.apps.planned import ProductPlan
from cardkit.crypto import Secret
from cardkit.crypto.cipurse import BLOCK, KVV_BYTES
from cardkit.desired import AfterUnknown, Interface, Part, Phase, Role, Seen, State, Step

_UID_BYTES = 7
_GET_UID = CommandAPDU(0xFF, 0xCA, 0x00, 0x00, ne=ANY_LENGTH)

FOUND, MISSING = 0x9000, 0x6A82


Questions = Mapping[Role, Mapping[str, Step]]


@dataclass(frozen=True, slots=True)
class CipursePlan(ProductPlan):
    """States and commands.

    :param questions: what is asked of a card in each part, None for the survey: steps by role and name.
    :param levels: of secure messaging, of every command.
    """

    questions: Mapping[Part | None, Questions]
    levels: Levels


def plan_product(product: CipurseProduct) -> CipursePlan:
    """Plan every command."""
    identify = tuple(_identify(product))
    check = [Visit(sealed=False, proofs=True, probes=False)] * len(product.applications)
    stranger = [Visit(sealed=True, proofs=False, probes=True)] * len(product.applications)
    whole = [Visit(sealed=True, proofs=True, probes=True)] * len(product.applications)
    parts: dict[Part, Iterable[Step]] = {
        Part.FENCE: identify,
        Part.WRITE: written(product, made(product)),
        Part.CHECK: (uid(), *visiting.lists(product), *_visits(product, check)),
        Part.SEAL: sealed(product, last(product)),
        Part.STRANGER: (uid(), *visiting.master(product, proofs=True), *_visits(product, stranger)),
    }
    survey = (
        uid(),
        *visiting.master(product, proofs=True),
        *visiting.lists(product),
        *_visits(product, whole),
    )
    levels, closing = Levels(product), rules_of(product.master.name)
    priced = {
        part: tuple(levels.priced(steps, sealed=part is Part.STRANGER, last_rules=closing))
        for part, steps in parts.items()
    }
    whole_survey = tuple(levels.priced(survey, sealed=True, last_rules=closing))
    asked = {part: _questions(steps) for part, steps in (*priced.items(), (None, whole_survey))}
    return CipursePlan(tuple(_states(product)), priced, whole_survey, identify, asked, levels)


def _questions(steps: Iterable[Step]) -> Questions:
    found: dict[Role, dict[str, Step]] = {}
    for step in steps:
        found.setdefault(step.role, {})[step.serves] = step
    return found


def _visits(product: CipurseProduct, visits: Collection[Visit]) -> Iterator[Step]:
    for directory, wanted in zip(product.applications, visits, strict=True):
        yield from visiting.visit(directory, wanted)


# States


def _states(product: CipurseProduct) -> Iterator[State]:
    for one in product.lists:
        yield _state(one.name, f"list of applications for {one.name}", "TRANSIT-042", product.master.manager)
    for app in product.applications:
        yield from _application_states(product, app)
    for app in product.applications:
        for name in locked(app):
            yield _sealed_state(rules_of(name), "rules it leaves with", "TRANSIT-014", app.manager)
    for name in (product.master.name, product.master.files[0].name):
        yield _sealed_state(rules_of(name), "rules it leaves with", "TRANSIT-043", product.master.manager)
    for key in product.master.keys:
        yield _sealed_state(key.name, "replaces the one delivered", "TRANSIT-002", key, seen=Seen.BEHAVE)


def _application_states(product: CipurseProduct, app: ProductDirectory) -> Iterator[State]:
    yield _state(app.name, f"application {app.aid.hex().upper()}", "TRANSIT-018", product.master.manager)
    for key in app.keys:
        yield _state(key.name, "loaded with the application", "TRANSIT-002", product.master.manager, seen=Seen.BEHAVE)
    for file in app.files:
        yield _state(file.name, title_of(file), "TRANSIT-019", app.manager)
        if is_written(file):
            plain = _state(file.contents, "contents", "TRANSIT-021", app.manager)
            group = f"transaction of {app.name}" if file.kind.transactional else ""
            yield replace(plain, after_unknown=AfterUnknown.REWRITE, varies=True, group=group)


def title_of(file: ProductFile) -> str:
    """Return what kind of file it is, in words."""
    kind = file.kind.name.lower().removesuffix("_t")
    return f"{kind} file, in transactions" if file.kind.transactional else f"{kind} file"


def _state(name: str, title: str, rule: str, key: DirectoryKey, *, seen: Seen = Seen.READ) -> State:
    after, contactless = AfterUnknown.LOOK, Interface.CONTACTLESS
    return State(name, title, Phase.WRITE, rule, seen, after, key.access, interface=contactless)


def _sealed_state(name: str, title: str, rule: str, key: DirectoryKey, seen: Seen = Seen.READ) -> State:
    return replace(_state(name, title, rule, key, seen=seen), phase=Phase.SEAL, reversible=False)


def made(product: CipurseProduct) -> list[str]:
    """Return the states that are made true before the check."""
    names = [one.name for one in product.lists] + [one.name for one in product.applications]
    for app in product.applications:
        names += [name for file in app.files for name in (file.name, file.contents)]
    return names


# Which card it is


def uid() -> Step:
    """Return the question for the card's number."""
    return Step(Phase.FENCE, Role.READ, UID, "", _GET_UID, answer=_UID_BYTES)


def _identify(product: CipurseProduct) -> Iterator[Step]:
    """Yield what tells chip, version, and whether anything was made on it."""
    yield uid()
    yield visiting.enter(product.master, Phase.FENCE)
    yield visiting.attributes(product.master.name, product.master.name, None, Phase.FENCE)
    yield from visiting.id_info(product)
    made_first = [(one.name, one.new.aid) for one in product.lists] + [
        (one.name, one.aid) for one in product.applications
    ]
    name, aid = made_first[0]
    command = commands.select_application(aid)
    yield Step(Phase.FENCE, Role.QUERY, name, name, command, nc=command.nc, sw=(FOUND, MISSING))
    yield uid()  # once more: all keys come from it, nothing vouches for it, and only the reader is asked


# Making


def written(product: CipurseProduct, names: Collection[str]) -> Iterator[Step]:
    """Yield the commands that make states true; the MF is selected before the first."""
    at_root = True
    missing = [one for one in product.lists if one.name in names]
    for app in product.applications:
        wanted = [name for file in app.files for name in (file.name, file.contents) if name in names]
        if missing or app.name in names:
            if not at_root:
                yield visiting.enter(product.master, Phase.WRITE)
            yield from present_manager(product.master, DELIVERED)
            for one in missing:
                yield _create(one.name, product.master, commands.create_directory(product.syntax, one.new))
            missing = []
            if app.name in names:
                yield _create(app.name, product.master, _application(product, app))
            at_root = False
        if wanted or (app.name in names and product.chip.lifecycle == "deactivated"):
            yield from _filled(product, app, names)
            at_root = False


def repair(product: CipurseProduct, names: Collection[str]) -> tuple[Step, ...]:
    """Return the commands that make states true on a begun card, after a reset."""
    return (uid(), visiting.enter(product.master, Phase.WRITE), *written(product, names))


def present_manager(directory: ProductDirectory, which: str) -> Iterator[Step]:
    """Yield the commands that let us work on a directory."""
    return visiting.present(directory.manager, which, Phase.WRITE)


def _application(product: CipurseProduct, app: ProductDirectory) -> CommandAPDU:
    """Return what makes an application, with keys of zeros: the session puts the card's own in."""
    assert app.new is not None
    empty = bytes(BLOCK) if app.kek else Secret(bytes(BLOCK), "no key")
    keys = [KeyToLoad(empty, bytes(KVV_BYTES), key.add_info, key.attribute) for key in app.keys]
    return commands.create_directory(product.syntax, app.new, app.opened, keys, app.kek)


def _create(name: str, directory: ProductDirectory, command: CommandAPDU) -> Step:
    access, size = directory.manager.access, command.nc
    bare = CommandAPDU(0x00, CipurseIns.CREATE_FILE, command.p1, 0x00)
    return Step(Phase.WRITE, Role.CREATE, name, directory.name, bare, content=name, access=access, nc=size, nvm=size)


def _filled(product: CipurseProduct, app: ProductDirectory, names: Collection[str]) -> Iterator[Step]:
    """Yield the making of an application's files, in one session and one transaction."""
    yield visiting.enter(app, Phase.WRITE)
    yield from present_manager(app, OWN)
    if app.name in names and product.chip.lifecycle == "deactivated":
        yield bare(app, commands.activate(), Phase.WRITE)
    for file in app.files:
        if file.name in names:
            yield _create(file.name, app, commands.create_file(product.syntax, file.created()))
        if file.contents in names and is_written(file):
            yield from _contents(app, file)
    yield bare(app, commands.perform_transaction(), Phase.WRITE)


def _contents(app: ProductDirectory, file: ProductFile) -> Iterator[Step]:
    for command, span in writing(file):
        yield Step(
            Phase.WRITE,
            Role.WRITE,
            file.contents,
            app.name,
            command,
            content=file.contents,
            access=app.manager.access,
            span=span,
            nc=span[1],
            nvm=span[1],
        )
