"""``cardkit approve``: two people agree to exactly one content of a profile, an order or a batch."""

from __future__ import annotations

from collections.abc import Sequence

import click

from cardkit import production
from cardkit.cli import options
from cardkit.cli.batch import office
from cardkit.cli.people import opened, people
from cardkit.cli.render import print_json, say, table
from cardkit.production.people import approval
from cardkit.production.people.approval import Kind, Subject
from cardkit.profile import load_profile

_TEMPLATES = click.option(
    "--template", "templates", multiple=True, metavar="T", help="An output template of the profile; several times."
)
_PROPOSE = click.option("--propose", is_flag=True, help="Put it up for approval: the operator is its author.")


@click.group()
def approve() -> None:
    """Approve a profile, an order or a batch. Whoever proposed it cannot; one byte changed, and it is not approved.

    In a LIVE store --operator and --by are a security officer and QA.
    """


@approve.command()
@click.argument("profile")
@_TEMPLATES
@_PROPOSE
@options.store
def profile(profile: str, templates: Sequence[str], propose: bool, store_url: str, operator: str) -> None:
    """Propose or approve PROFILE with its chip and layout, and the templates of its output files."""
    loaded = load_profile(profile)
    subjects = [Subject(Kind.PROFILE, loaded.name, loaded.sha256)]
    for name in templates:
        template = production.load_template(loaded, name)
        subjects.append(Subject(Kind.PROFILE, f"{loaded.name}/{template.path.stem}", template.sha256))
    _settle(store_url, operator, subjects, propose=propose)


@approve.command()
@click.argument("name", metavar="ORDER")
@options.store
def order(name: str, store_url: str, operator: str) -> None:
    """Approve ORDER exactly as `cardkit order create` made it; the same as `cardkit order approve`."""
    with opened(store_url, operator) as store:
        production.approve_order(store, name, people(store))
    say(f"order {name}: approved")


@approve.command()
@click.argument("batch_name", metavar="BATCH")
@options.store
def batch(batch_name: str, store_url: str, operator: str) -> None:
    """Approve BATCH: profile, key set and quantity are right. `cardkit batch open` opens it then."""
    with opened(store_url, operator) as store:
        office(store, batch_name).approve()
    say(f"batch {batch_name}: approved")


@approve.command("list")
@options.store
@options.as_json
def list_(store_url: str, operator: str, as_json: bool) -> None:
    """List what was proposed, and who approved it."""
    with opened(store_url, operator) as store:
        found = approval.approvals(store)
    if as_json:
        print_json(
            [
                {"kind": one.subject.kind, "name": one.subject.name, "sha256": one.subject.sha256.hex(),
                 "author": one.author, "approvers": one.approvers}
                for one in found
            ]
        )  # fmt: skip
        return
    table(
        ["what", "name", "sha256", "author", "approved by"],
        [
            (one.subject.kind, one.subject.name, one.subject.sha256.hex()[:16], one.author, " and ".join(one.approvers))
            for one in found
        ],
    )


def _settle(store_url: str, operator: str, subjects: Sequence[Subject], *, propose: bool) -> None:
    with opened(store_url, operator) as store:
        for subject in subjects:
            if propose:
                approval.propose(store, subject)
            else:
                approval.approve(store, subject, people(store))
            say(f"{subject}: {'proposed' if propose else 'approved'}")
