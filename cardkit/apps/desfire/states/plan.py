"""States and commands of a DESFire card: the same for every card of a product; what differs is in the contents.

Applications first, each with keys, files and contents; the card's own settings and key last: they are the seal, and
with the key the card shows another version. Until then a torn card is formatted and begun anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.settings import FileSettings, FileType
from cardkit.apps.desfire.states.product import (
    CREATING_FREE,
    KEY_CHANGEABLE,
    KEY_KINDS,
    LISTING_FREE,
    RANDOM_UID,
    SETTINGS_CHANGEABLE,
    AppSpec,
    DesfireProduct,
    FileSpec,
)
from cardkit.apps.desfire.states.routes import Route, commits, route
from cardkit.apps.desfire.states.steps import (
    APPLICATIONS,
    CARD,
    CARD_KEY,
    CARD_SETTINGS,
    CONFIGURATION,
    DELIVERED,
    MEMORY,
    OWN,
    ZEROS,
    Steps,
    closed,
    holds,
    lent_settings,
)
from cardkit.apps.desfire.status import AUTHENTICATION, PERMISSION
from cardkit.apps.planned import ProductPlan
from cardkit.crypto.desfire import KeyKind
from cardkit.desired import Access, AfterUnknown, Interface, Part, Phase, Seen, State, Step

_CHANGE_KEY_NIBBLE = 0xF0
WITHOUT_KEY = " without key"
OLDEST, OLDER = "oldest authentication", "authentication as delivered"
_D40, _ISO = 0x0A, 0x1A


@dataclass(frozen=True, slots=True)
class DesfirePlan(ProductPlan):
    """States and commands.

    :param repair: what makes a begun card blank, and all it gets then.  :param again: looks how far the seal has got.
    """

    repair: tuple[Step, ...]
    again: tuple[Step, ...]


def plan_product(product: DesfireProduct) -> DesfirePlan:
    """Plan every command."""
    identify = _identify(product)
    write = _write(product)
    check = _check(product)
    stranger = _stranger(product)
    parts = {
        Part.FENCE: identify,
        Part.WRITE: write,
        Part.CHECK: check,
        Part.SEAL: _seal(product),
        Part.STRANGER: stranger,
    }
    again = Steps(product, Phase.SEAL)
    again.ask(Op.GET_KEY_SETTINGS, CARD_SETTINGS, answer=2)
    survey = (*_unmask(product), *check, *_back(product), *stranger, *_probes(product))
    states = tuple(_states(product))
    return DesfirePlan(states, parts, survey, identify, (*_format(product), *write), tuple(again.steps))


def _identify(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.FENCE)
    steps.reader_uid()
    steps.ask(Op.GET_KEY_VERSION, CARD_KEY, b"\0", 1)
    steps.ask(Op.GET_APPLICATION_IDS, APPLICATIONS, answer=commands.AID_BYTES * len(product.apps))
    return tuple(steps.steps)


# States


def _states(product: DesfireProduct) -> Iterator[State]:
    for app in product.apps:
        yield _written(app, app.title, f"application {app.name}", "TRANSIT-018")
        for key in app.keys:
            title = f"key {key.number} of {app.name}, {key.name}"
            yield _written(app, app.key_state(key.number), title, "TRANSIT-002", Seen.BEHAVE, varies=bool(key.m))
        for keys in app.key_sets:
            title = f"key set {keys.number} of {app.name}"
            yield _written(app, app.set_state(keys.number), title, "TRANSIT-007", Seen.NEVER, varies=True)
        for file in app.files:
            seen = Seen.READ if file.readers() or file.readable_by_all else Seen.NEVER
            title = f"file {file.number} of {app.name}, {file.name}"
            yield _written(app, app.file_state(file.number), title, "TRANSIT-021", seen, varies=file.initial)
    if product.settings != int(product.chip.settings, 16):
        yield _sealed(CARD_SETTINGS, "settings of the card", "TRANSIT-010", reversible=True)
    if product.configuration:
        yield _sealed(CONFIGURATION, "random UID, no formatting", "TRANSIT-034", reversible=False)
    yield _sealed(CARD_KEY, "master key of the card", "TRANSIT-002", reversible=False)


def _written(app: AppSpec, name: str, title: str, rule: str, seen: Seen = Seen.READ, *, varies: bool = False) -> State:
    return State(
        name,
        title,
        Phase.WRITE,
        rule,
        seen,
        AfterUnknown.RESTART_GROUP,
        Access(app.key_state(0), 0, -1, app.title),
        group="applications",
        interface=Interface.CONTACTLESS,
        varies=varies,
    )


def _sealed(name: str, title: str, rule: str, *, reversible: bool) -> State:
    access, contactless = Access(CARD_KEY, 0, -1), Interface.CONTACTLESS
    look = AfterUnknown.LOOK
    return State(
        name,
        title,
        Phase.SEAL,
        rule,
        Seen.BEHAVE,
        look,
        access,
        reversible=reversible,
        interface=contactless,
        varies=True,
    )


# Writing


def _delivered_kind(product: DesfireProduct) -> KeyKind:
    return KEY_KINDS[product.chip.key_kind]


def _write(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.WRITE)
    if not int(product.chip.settings, 16) & CREATING_FREE:
        steps.authenticate(0, _delivered_kind(product), DELIVERED)
    for app in product.apps:
        steps.create_application(app, first_settings(app))
    for app in product.apps:
        _write_application(steps, app, route(app))
    return tuple(steps.steps)


def first_settings(app: AppSpec) -> int:
    """Return ks1 an application begins with: the final one where the master key may do its work under it."""
    wanted = app.first & ~_CHANGE_KEY_NIBBLE | KEY_CHANGEABLE
    return app.first if app.first == wanted else wanted | SETTINGS_CHANGEABLE


def _write_application(steps: Steps, app: AppSpec, way: Route) -> None:
    steps.enter(app)
    steps.authenticate(0, app.kind, ZEROS)
    for file in _ordinary(app):
        steps.create_file(app, file, _begins(way, file))
    for key in app.keys[1:]:
        steps.change_key(key, app.key_state(key.number))
    for keys in app.key_sets:
        steps.fill_key_set(app, keys)
    _fill(steps, app, way, way.under_master)
    for file in way.lent:
        steps.change_file_settings(app, file)
    for file in _transaction_macs(app):
        steps.create_file(app, file, file.settings)
    _set_master(steps, app)
    for number, files in way.others:
        steps.authenticate(number, app.kind, OWN)
        _fill(steps, app, way, files)


def _begins(way: Route, file: FileSpec) -> FileSettings:
    return lent_settings(file) if way.lends(file) else file.settings


def _fill(steps: Steps, app: AppSpec, way: Route, files: Sequence[FileSpec]) -> None:
    """Write what files begin with, in one session."""
    for file in files:
        steps.write(app, file, _begins(way, file))
    if commits(files):
        steps.commit(app.title)


def _set_master(steps: Steps, app: AppSpec) -> None:
    """Set ks1 and the master key; ks1 last where it freezes the key."""
    changes, freezes = first_settings(app) != app.first, not app.first & KEY_CHANGEABLE
    if changes and not freezes:
        steps.change_key_settings(app.title, app.first)
    steps.change_key(app.keys[0], app.key_state(0))
    if freezes:
        steps.authenticate(0, app.kind, OWN)
        steps.change_key_settings(app.title, app.first)


def _ordinary(app: AppSpec) -> Iterator[FileSpec]:
    yield from (file for file in app.files if file.settings.type is not FileType.TRANSACTION_MAC)


def _transaction_macs(app: AppSpec) -> Iterator[FileSpec]:
    yield from (file for file in app.files if file.settings.type is FileType.TRANSACTION_MAC)


def _format(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.WRITE)
    steps.authenticate(0, _delivered_kind(product), DELIVERED)
    steps.format()
    steps.enter(None)
    return tuple(steps.steps)


def _seal(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.SEAL)
    steps.enter(None)
    steps.authenticate(0, _delivered_kind(product), DELIVERED)
    if product.settings != int(product.chip.settings, 16):
        steps.change_key_settings(CARD_SETTINGS, product.settings)
    if product.configuration:
        steps.configure(product.configuration)
    steps.change_key(product.picc, CARD_KEY)
    return tuple(steps.steps)


# Looking


def _check(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.VERIFY)
    steps.reader_uid()
    steps.version()
    if product.block.reserve:
        steps.ask(Op.FREE_MEMORY, MEMORY, answer=3)
    if product.block.originality:
        steps.signature()
    for app in product.apps:
        _check_application(steps, app, first=app is product.apps[0])
    return tuple(steps.steps)


def _check_application(steps: Steps, app: AppSpec, *, first: bool) -> None:
    if app.df_name:
        steps.enter_by_name(app)
    else:
        steps.enter(app)
    for key in app.keys:
        steps.ask(Op.GET_KEY_VERSION, app.key_state(key.number), bytes((key.number,)), 1)
    for file in filter(holds, app.files):
        if file.readable_by_all:
            steps.read(app, file)
    steps.authenticate(0, app.kind, OWN)
    if first:
        steps.card_uid()
    _ask_settings(steps, app)
    _read_under(steps, app, 0)
    for key in app.keys[1:]:
        steps.authenticate(key.number, app.kind, OWN)
        _read_under(steps, app, key.number)


def _ask_settings(steps: Steps, app: AppSpec) -> None:
    steps.ask(Op.GET_KEY_SETTINGS, app.title, answer=2)
    steps.ask(Op.GET_FILE_IDS, app.title, answer=len(app.files))
    if any(file.iso_fid is not None for file in app.files):
        steps.ask(Op.GET_ISO_FILE_IDS, app.title, answer=2 * len(app.files))
    for file in app.files:
        answer = len(file.settings.build())
        steps.ask(Op.GET_FILE_SETTINGS, app.file_state(file.number), bytes((file.number,)), answer)


def _read_under(steps: Steps, app: AppSpec, number: int) -> None:
    for file in filter(holds, app.files):
        if not file.readable_by_all and file.readers()[:1] == (number,):
            steps.read(app, file)


def _unmask(product: DesfireProduct) -> tuple[Step, ...]:
    """Return how a card that tells a random UID is asked for its real one, which its keys come from."""
    steps = Steps(product, Phase.VERIFY)
    if product.configuration & RANDOM_UID:
        steps.authenticate(0, KeyKind.AES, OWN)
        steps.card_uid()
    return tuple(steps.steps)


def _back(product: DesfireProduct) -> tuple[Step, ...]:
    steps = Steps(product, Phase.VERIFY)
    steps.enter(None)
    return tuple(steps.steps)


def _stranger(product: DesfireProduct) -> tuple[Step, ...]:
    """Return what a sealed card is asked: its master key, its settings, whether the key as delivered is dead."""
    steps = Steps(product, Phase.PROVE)
    steps.ask(Op.GET_KEY_VERSION, CARD_KEY, b"\0", 1)
    steps.authenticate(0, KeyKind.AES, OWN)
    steps.card_uid()
    steps.ask(Op.GET_KEY_SETTINGS, CARD_SETTINGS, answer=2)
    steps.ask(Op.GET_APPLICATION_IDS, APPLICATIONS, answer=commands.AID_BYTES * len(product.apps))
    steps.refused(OLDER, _ISO, b"\0", (AUTHENTICATION,))
    return tuple(steps.steps)


def _probes(product: DesfireProduct) -> tuple[Step, ...]:
    """Return what is tried on a finished card without any key; nothing of it changes a card that takes it."""
    steps = Steps(product, Phase.PROVE)
    steps.refused(OLDEST, _D40, b"\0", (AUTHENTICATION,))
    if not product.settings & CREATING_FREE:
        app = product.apps[0]
        create = commands.create_application(app.aid, app.first, app.second_bytes, app.iso_fid, app.df_name)
        steps.refused(CARD + WITHOUT_KEY, Op.CREATE_APPLICATION, create.header, (AUTHENTICATION, PERMISSION))
    if not product.settings & LISTING_FREE:
        steps.refused(APPLICATIONS + WITHOUT_KEY, Op.GET_APPLICATION_IDS, b"", (AUTHENTICATION,))
    for app in product.apps:
        _probe_application(steps, app)
    return tuple(steps.steps)


def _probe_application(steps: Steps, app: AppSpec) -> None:
    if app.iso_fid is not None:
        steps.enter(None)
        steps.enter_by_name(app, fid=True)
    locked = [file for file in app.files if closed(file.settings.rights) and not file.readable_by_all]
    data = [file for file in locked if file.settings.type in (FileType.STANDARD, FileType.BACKUP)]
    if data:
        steps.enter(app)
    for file in data:
        header = commands.read_data(file.number, 0, 1, file.settings.mode).header
        steps.refused(app.file_state(file.number) + WITHOUT_KEY, Op.READ_DATA, header, (AUTHENTICATION,))
