"""The command line with a leak built in, to prove that the search for planted values is not blind.

leaking.py PLACE COMMAND...
"""

from __future__ import annotations

import base64
import dataclasses
import sys
import tempfile

import cardkit.cli.personalize
import cardkit.production.store.vault
from cardkit.cli import main
from cardkit.desired import Plan
from cardkit.transport.redact import ShowAll

make_card = cardkit.cli.personalize.make_card
show_card = cardkit.cli.personalize.outcome_card


def secrets_of(plan: Plan) -> list[bytes]:
    parts = [part for content in plan.contents.values() if isinstance(content, tuple) for part in content]
    values = []
    for part in parts:
        if not isinstance(part, bytes):
            with part.reveal() as value:
                values.append(bytes(value))
    return values


def print_it(plan: Plan) -> None:
    print(secrets_of(plan))


def raise_it(plan: Plan) -> None:
    raise RuntimeError([value.hex() for value in secrets_of(plan)])


def keep_it(plan: Plan) -> None:
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(base64.b64encode(b"?" + b"".join(secrets_of(plan))))


def before_the_card(leak):
    def leaky(plan, *arguments, **options):
        leak(plan)
        return make_card(plan, *arguments, **options)

    cardkit.cli.personalize.make_card = leaky


def report_it():
    found = []
    before_the_card(lambda plan: found.extend(secrets_of(plan)))
    cardkit.cli.personalize.outcome_card = lambda *rest: dataclasses.replace(
        show_card(*rest), identity=found[0].hex(" ")
    )


def show_all_of_the_trace():
    cardkit.cli.personalize.redactor = lambda profile: ShowAll()


def store_in_clear():
    cardkit.production.store.vault.BatchVault.seal = lambda vault, row_no, field, value: bytes(value)


LEAKS = {
    "stdout": lambda: before_the_card(print_it),
    "stderr": lambda: before_the_card(raise_it),
    "temporary file": lambda: before_the_card(keep_it),
    "trace": show_all_of_the_trace,
    "report": report_it,
    "store": store_in_clear,
}

LEAKS[sys.argv.pop(1)]()
main()
