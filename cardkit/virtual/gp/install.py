"""INSTALL in all its forms (GPCS 11.5; 9.3, 9.4)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from .. import statuswords as sw
from ..errors import StatusWordError
from . import applets, management, memoryuse, parameters, privileges
from .ber import Fields
from .chip import Answer, Channel, GpChip, PlainCommand
from .load import Load, finish
from .privileges import Privilege
from .registry import INSTALLED, PERSONALIZED, SELECTABLE, Entry, Kind

_LOAD, _INSTALL, _SELECTABLE, _EXTRADITE, _PERSONALIZE, _UPDATE = 0x02, 0x04, 0x08, 0x10, 0x20, 0x40
_COMBINED: Final = 0x0E
_FIRST, _LAST = 0x01, 0x03  # P2 of the combined form
_AID_SIZES: Final = range(5, 17)


class Fields6(NamedTuple):
    """The six fields of every form but [for load].

    :ivar message: what a token signs.
    """

    first: bytes
    second: bytes
    aid: bytes
    privileges: bytes
    parameters: bytes
    token: bytes
    message: bytes


def install(chip: GpChip, channel: Channel, entry: Entry, command: PlainCommand) -> Answer:
    """INSTALL, whatever for.

    :raises StatusWordError: 6A86 P1 or P2; 6A80 data; 6A84; 6A88 unknown; 6985 privilege or state; 6982 token.
    """
    form, p2 = command.p1, command.p2
    if form == _COMBINED and p2 == _LAST:
        return _finish_combined(chip, channel, entry, command)
    channel.load = None
    if form == _LOAD or (form, p2) == (_COMBINED, _FIRST):
        return _for_load(chip, channel, entry, command)
    if p2 or (form != _PERSONALIZE and form not in _FORMS):
        raise StatusWordError(sw.WRONG_P1P2)
    fields = _six(command)
    if form == _PERSONALIZE:
        return _for_personalization(chip, channel, entry, fields)
    management.require_working(chip, entry, _INSTALL if form & _INSTALL else form)
    management.require_right(chip, entry, fields.message, fields.token)
    subject = _FORMS[form](chip, entry, fields, form)
    return management.confirmation(chip, entry, *subject), sw.OK


def _six(command: PlainCommand) -> Fields6:
    """:raises StatusWordError: 6A80."""
    data = Fields(command.data)
    parts = (data.short(), data.short(), data.short(), data.short(), data.long())
    message = management.token_message(command, command.data[: data.at])
    token = data.long()
    data.end()
    return Fields6(*parts, token, message)


def _for_load(chip: GpChip, channel: Channel, domain: Entry, command: PlainCommand) -> Answer:
    """INSTALL [for load]: nothing changes yet, LOAD may begin."""
    combined = command.p1 == _COMBINED
    if command.p2 != (_FIRST if combined else 0):
        raise StatusWordError(sw.WRONG_P1P2)
    data = Fields(command.data)
    aid, target_aid, digest, wanted = data.short(), data.short(), data.short(), parameters.parse(data.long())
    message = management.token_message(command, command.data[: data.at])
    token = data.long()
    data.end()
    management.require_working(chip, domain, _LOAD)
    if combined:
        if token:
            raise StatusWordError(sw.WRONG_DATA)
    else:
        management.require_right(chip, domain, message, token)
    if len(aid) not in _AID_SIZES or chip.registry.find(aid) is not None or (token and not digest):
        raise StatusWordError(sw.WRONG_DATA)
    target = chip.registry.domain(target_aid) if target_aid else domain
    management.require_willing(chip, target, domain)
    memoryuse.require(chip, wanted.code)
    channel.load = Load(aid, target.aid, digest, combined=combined, message=message)
    return b"\x00", sw.OK


def _finish_combined(chip: GpChip, channel: Channel, domain: Entry, command: PlainCommand) -> Answer:
    """The last INSTALL of load, install and make selectable: the load file and its application come together."""
    load, channel.load = channel.load, None
    fields = _six(command)
    if load is None or not load.combined or load.block is None or fields.first != load.aid:
        raise StatusWordError(sw.CONDITIONS)
    management.require_working(chip, domain, _INSTALL)
    management.require_right(chip, domain, load.message + fields.message, fields.token)
    finish(chip, load)
    _install(chip, domain, fields, _INSTALL | _SELECTABLE)
    return management.confirmation(chip, domain, fields.first, fields.aid, load.domain), sw.OK


def _install(chip: GpChip, domain: Entry, fields: Fields6, form: int) -> tuple[bytes, ...]:
    """A new application, INSTALLED or SELECTABLE at once."""
    load_file = chip.registry.get(fields.first)
    if fields.second not in load_file.modules:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    if len(fields.aid) not in _AID_SIZES or chip.registry.find(fields.aid) is not None:
        raise StatusWordError(sw.WRONG_DATA)
    bits, wanted = privileges.read(fields.privileges), parameters.parse(fields.parameters)
    is_domain = applets.is_domain_module(chip, fields.second)
    alone = not form & _SELECTABLE
    if wanted.application is None or is_domain != bool(bits & Privilege.SECURITY_DOMAIN):
        raise StatusWordError(sw.WRONG_DATA)
    if alone and bits & Privilege.CARD_RESET:
        raise StatusWordError(sw.WRONG_DATA)
    size = memoryuse.INSTANCE + len(wanted.application)
    memoryuse.require(chip, max(size, wanted.nvm))
    made = Entry(
        aid=fields.aid,
        kind=Kind.SD if is_domain else Kind.APPLICATION,
        state=INSTALLED if alone else SELECTABLE,
        privileges=bits,
        domain=domain.aid,
        load_file=load_file.aid,
        module=fields.second,
        selections=wanted.selections,
        size=size,
    )
    chip.registry.put(_domain(made, wanted.application, domain) if is_domain else made)
    if not is_domain:
        applets.of(chip, made).install(wanted.application)
    return load_file.aid, made.aid


def _domain(made: Entry, application: bytes, parent: Entry) -> Entry:
    """A supplementary security domain: its secure channels are its parent's unless it says otherwise."""
    wanted = parameters.parse_domain(application)
    state = PERSONALIZED if wanted.personalized and made.state == SELECTABLE else made.state
    return replace(made, protocols=wanted.protocols or parent.protocols, accepts=wanted.accepts, state=state)


def _make_selectable(chip: GpChip, domain: Entry, fields: Fields6, form: int) -> tuple[bytes, ...]:
    """An INSTALLED application becomes SELECTABLE; it may get Card Reset with it."""
    del form
    found = chip.registry.get(fields.aid)
    if fields.first or fields.second:
        raise StatusWordError(sw.WRONG_DATA)
    if found.state != INSTALLED or not management.controls(chip, domain, found):
        raise StatusWordError(sw.CONDITIONS)
    added = privileges.read(fields.privileges) if fields.privileges else 0
    if added & ~(Privilege.CARD_RESET | found.privileges):
        raise StatusWordError(sw.WRONG_DATA)
    wanted = parameters.parse(fields.parameters)
    selections = wanted.selections or found.selections
    chip.registry.put(replace(found, state=SELECTABLE, privileges=found.privileges | added, selections=selections))
    return found.load_file, found.aid


def _for_personalization(chip: GpChip, channel: Channel, domain: Entry, fields: Fields6) -> Answer:
    """The next STORE DATA commands are for that application."""
    if fields.first or fields.second or fields.privileges or fields.parameters or fields.token:
        raise StatusWordError(sw.WRONG_DATA)
    management.require_working(chip, domain, _PERSONALIZE)
    target = chip.registry.get(fields.aid)
    if target.kind is Kind.LOAD_FILE:
        raise StatusWordError(sw.DATA_NOT_FOUND)
    closed = target.kind is Kind.APPLICATION and applets.of(chip, target).personalized
    if target.domain != domain.aid or target.locked or closed:
        raise StatusWordError(sw.CONDITIONS)
    channel.target = target.aid
    channel.forget_store()
    return b"\x00", sw.OK


def _extradite(chip: GpChip, domain: Entry, fields: Fields6, form: int) -> tuple[bytes, ...]:
    """INSTALL [for extradition]: another security domain, and nothing else changes."""
    del form
    if fields.second or fields.privileges or not fields.first:
        raise StatusWordError(sw.WRONG_DATA)
    parameters.parse(fields.parameters)
    found = chip.registry.get(fields.aid)
    old = found.domain
    chip.registry.put(_moved(chip, domain, found, fields.first))
    return old, found.aid, fields.first


def _moved(chip: GpChip, actor: Entry, found: Entry, to: bytes) -> Entry:
    """The entry with its new security domain.

    :raises StatusWordError: 6A88 no such domain; 6985 not the actor's to give, or not wanted there.
    """
    target = chip.registry.domain(to)
    if found.kind is Kind.ISD or not management.controls(chip, actor, found):
        raise StatusWordError(sw.CONDITIONS)
    if found.aid == to or management.controls(chip, found, target):
        raise StatusWordError(sw.CONDITIONS)
    if found.kind is Kind.LOAD_FILE and target.has(Privilege.DAP_VERIFICATION):
        raise StatusWordError(sw.CONDITIONS)
    management.require_willing(chip, target, actor)
    return replace(found, domain=to)


def _update(chip: GpChip, domain: Entry, fields: Fields6, form: int) -> tuple[bytes, ...]:
    """INSTALL [for registry update]: security domain, privileges, implicit selection, restrictions; all or none."""
    del form
    if fields.second:
        raise StatusWordError(sw.WRONG_DATA)
    wanted = parameters.parse(fields.parameters)
    if not fields.aid:
        return _restrict_card(chip, fields, wanted)
    found = chip.registry.get(fields.aid)
    if not (management.controls(chip, domain, found) or domain.has(Privilege.GLOBAL_REGISTRY)):
        raise StatusWordError(sw.CONDITIONS)
    old = found.domain
    if fields.first and fields.first != old:
        found = _moved(chip, domain, found, fields.first)
    if fields.privileges:
        bits = privileges.read(fields.privileges)
        if (bits ^ found.privileges) & Privilege.SECURITY_DOMAIN or found.kind is Kind.LOAD_FILE:
            raise StatusWordError(sw.WRONG_DATA)
        found = replace(found, privileges=bits)
    if wanted.restrictions:
        found = replace(found, restrictions=wanted.restrictions[0])
    chip.registry.put(replace(found, selections=wanted.selections or found.selections))
    return old, found.aid, found.domain, fields.privileges, fields.parameters


def _restrict_card(chip: GpChip, fields: Fields6, wanted: parameters.Parameters) -> tuple[bytes, ...]:
    """No AID means OPEN: its restrictions are for good."""
    if fields.first or fields.privileges or not wanted.restrictions:
        raise StatusWordError(sw.WRONG_DATA)
    isd = chip.registry.isd
    chip.registry.put(replace(isd, restrictions=isd.restrictions | wanted.restrictions[0]))
    return b"", b"", b"", b"", fields.parameters


_Form = Callable[[GpChip, Entry, Fields6, int], tuple[bytes, ...]]  # answers the subject of the receipt

_FORMS: Final[Mapping[int, _Form]] = {
    _INSTALL: _install,
    _SELECTABLE: _make_selectable,
    _INSTALL | _SELECTABLE: _install,
    _EXTRADITE: _extradite,
    _UPDATE: _update,
}
