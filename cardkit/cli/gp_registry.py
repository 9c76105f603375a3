"""``cardkit gp install``, ``lock``, ``unlock`` and ``set-state``: what the registry says of applications and card."""

from __future__ import annotations

import itertools

import click

from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.aids import SSD_MODULE, SSD_PACKAGE
from cardkit.apps.gp.domain import DomainParameters
from cardkit.apps.gp.domain_content import Delegation
from cardkit.apps.gp.install import Install, for_extradition, for_install, for_make_selectable, for_registry_update
from cardkit.apps.gp.install_parameters import InstallParameters
from cardkit.apps.gp.lifecycle import IRREVERSIBLE, card_steps, dangers
from cardkit.apps.gp.tags import CardState, Privileges
from cardkit.cli.gp_task import Task, aid_from, byte_from, delegated, receipt_document, task
from cardkit.cli.gp_toolkit import sim_field, uicc_field
from cardkit.cli.hexadecimal import from_hex
from cardkit.errors import EncodingError

_CARD = "card"


@click.command()
@click.argument("aid")
@click.option("--package", metavar="AID", help="Load file it comes from; by default that of security domains.")
@click.option("--module", metavar="AID", help="Module of the load file; by default that of security domains.")
@click.option("--privilege", "names", multiple=True, metavar="NAME", help="Give it a privilege: 'card reset' ...")
@click.option("--parameters", default="", metavar="HEX", help="What its install method gets (C9).")
@click.option(
    "--toolkit",
    default="",
    metavar="SPEC",
    help="Of a SIM toolkit applet (CA): timers=1,text=16,menu=1:1,tar=D50101 ...",
)
@click.option("--uicc-toolkit", default="", metavar="SPEC", help="The same as UICCs take it (EA).")
@click.option("--not-selectable", is_flag=True, help="Install it only; --make-selectable does the rest later.")
@click.option("--make-selectable", is_flag=True, help="It is installed: make it selectable.")
@click.option("--speaks", "protocols", multiple=True, metavar="NN:II", help="Of a security domain: its protocol.")
@click.option("--extradite-to", "new_domain", metavar="AID", help="Give it to another security domain.")
@click.option("--update", is_flag=True, help="Change its registry entry: --privilege, --restrict; AID may be 'card'.")
@click.option("--restrict", default="", metavar="HEX", help="With --update: forbid for ever what the bits of D9 say.")
@task
@delegated
def install(
    aid: str,
    package: str | None,
    module: str | None,
    names: tuple[str, ...],
    parameters: str,
    toolkit: str,
    uicc_toolkit: str,
    not_selectable: bool,
    make_selectable: bool,
    protocols: tuple[str, ...],
    new_domain: str | None,
    update: bool,
    restrict: str,
    task: Task,
    delegation: Delegation | None,
) -> None:
    """Install an application or security domain, make it selectable, extradite it, or change its registry entry."""
    if sum((make_selectable, new_domain is not None, update)) > 1:
        raise click.UsageError("expected one of --make-selectable, --extradite-to and --update")
    privileges = Privileges.of(names)
    if new_domain is not None:
        command = for_extradition(aid_from(new_domain, "--extradite-to"), aid_from(aid))
    elif make_selectable:
        command = for_make_selectable(aid_from(aid), privileges)
    elif update:
        command = updated(aid, privileges if names else None, from_hex(restrict))
    else:
        code = (_aid_or(package, SSD_PACKAGE), _aid_or(module, SSD_MODULE))
        told = b"".join(DomainParameters((protocol_pair(text),)).build() for text in protocols) + from_hex(parameters)
        field = InstallParameters(told, toolkit=sim_field(toolkit), uicc=uicc_field(uicc_toolkit)).build()
        command = for_install(code, aid_from(aid), privileges, parameters=field, selectable=not not_selectable)
    carry_out(task, command, delegation)


def carry_out(task: Task, command: Install, delegation: Delegation | None) -> None:
    """Send one INSTALL, once the plan was agreed to, and say what was done."""
    what = content.purpose_name(command.purpose)
    name = command.fields[2].hex().upper() or _CARD
    granted = Privileges.parse(command.fields[3]).names if command.fields[3] else ()
    with task.opened() as (_, domain):
        task.confirm([f"INSTALL {what}: {name}" + "".join(f", {item}" for item in granted)], dangers(command))
        receipt = content.install(domain, command, delegation=delegation)
    document = {"aid": name, "purpose": what, "privileges": list(granted), **receipt_document(receipt)}
    task.report(document, f"done: INSTALL {what}, {name}")


def updated(aid: str, privileges: Privileges | None, restrict: bytes) -> Install:
    """Return a registry update.

    :param aid: ``card`` for the OPEN.  :raises EncodingError: when it would change nothing.
    """
    if privileges is None and not restrict:
        raise EncodingError("--update: nothing to change, expected --privilege or --restrict")
    parameters = InstallParameters(restrict=restrict).build()
    return for_registry_update(b"" if aid == _CARD else aid_from(aid), privileges=privileges, parameters=parameters)


def protocol_pair(text: str) -> tuple[int, int]:
    """Read ``--speaks``: protocol and option.

    :raises EncodingError: on another form.

    >>> protocol_pair("03:70")
    (3, 112)
    """
    scp, _, option = text.partition(":")
    return byte_from(scp, "--speaks"), byte_from(option, "--speaks")


def _aid_or(text: str | None, usual: bytes) -> bytes:
    return usual if text is None else aid_from(text)


@click.command()
@click.argument("aid")
@click.option("--with-applications", is_flag=True, help="Of a security domain, every application of it too.")
@task
def lock(aid: str, with_applications: bool, task: Task) -> None:
    """Lock an application or security domain; unlocking brings its state back."""
    _set_lock(task, aid_from(aid), locked=True, applications=with_applications)


@click.command()
@click.argument("aid")
@click.option("--with-applications", is_flag=True, help="Of a security domain, every application of it too.")
@task
def unlock(aid: str, with_applications: bool, task: Task) -> None:
    """Unlock an application or security domain: it has the state again that it had before."""
    _set_lock(task, aid_from(aid), locked=False, applications=with_applications)


def _set_lock(task: Task, aid: bytes, *, locked: bool, applications: bool) -> None:
    name, verb = aid.hex().upper(), "lock" if locked else "unlock"
    with task.opened() as (_, domain):
        task.confirm([f"{verb} {name}" + (" and its applications" if applications else "")])
        lifecycle.set_lock(domain, aid, locked=locked, applications=applications)
    task.report({"aid": name, "locked": locked}, f"{verb}ed {name}")


@click.command("set-state")
@click.argument("state")
@click.option("--aid", metavar="AID", help="Of this application or security domain, STATE in hex; else of the card.")
@task
def set_state(state: str, aid: str | None, task: Task) -> None:
    """Move the life cycle of the card to STATE: initialized, secured, card_locked, terminated; one step at a time."""
    if aid is not None:
        _set_application_state(task, aid_from(aid, "--aid"), byte_from(state, "state"))
        return
    wanted = card_state_from(state)
    with task.opened() as (_, domain):
        now = lifecycle.card_state(domain)
        steps = card_steps(now, wanted)
        warned = [f"card life cycle {step.name}" for step in steps if step in IRREVERSIBLE]
        ways = [f"card from {start.name} to {end.name}" for start, end in itertools.pairwise((now, *steps))]
        task.confirm(ways or [f"card stays {now.name}"], warned)
        lifecycle.set_card_state(domain, wanted, irreversible=task.irreversible)
    through = [step.name for step in steps]
    task.report({"card": wanted.name, "through": through}, f"card is {wanted.name}")


def _set_application_state(task: Task, aid: bytes, state: int) -> None:
    name = aid.hex().upper()
    with task.opened() as (_, domain):
        task.confirm([f"life cycle of {name} to {state:02X}"])
        lifecycle.set_application_state(domain, aid, state)
    task.report({"aid": name, "state": f"{state:02X}"}, f"{name} is in state {state:02X}")


def card_state_from(text: str) -> CardState:
    """Read a card state by name, in any case.

    :raises EncodingError: when there is no such state.

    >>> card_state_from("secured").name
    'SECURED'
    """
    try:
        return CardState[text.upper().replace("-", "_")]
    except KeyError:
        names = ", ".join(state.name.lower() for state in CardState)
        raise EncodingError(f"card life cycle {text!r}: expected one of {names}") from None
