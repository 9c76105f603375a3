"""The command line with a leak built in, to prove that the search for planted values is not blind.

leaking.py PLACE COMMAND...
"""

from __future__ import annotations

import base64
import dataclasses
import os
import subprocess
import sys
import tempfile

import cardkit.cli.personalize
import cardkit.production.journal
import cardkit.production.run
import cardkit.production.sealing
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
    cardkit.production.sealing.CellSealer.seal = lambda sealer, row_no, name, value: bytes(value)


def tell_another_process():
    def call(plan):
        value = secrets_of(plan)[0].hex()
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)", value], check=True)

    before_the_card(call)


def give_in_the_environment():
    def call(plan):
        given = {**os.environ, "KEY": secrets_of(plan)[0].hex()}
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"], check=True, env=given)

    before_the_card(call)


def write_it_into_the_journal():
    append = cardkit.production.journal.Journal.append
    work = cardkit.production.run.Opener.jobs
    seen = []

    def jobs(opener, claims):
        found = work(opener, claims)
        seen.extend(bytes(job.work) for job in found)
        return found

    def leaky(journal, entry):
        append(journal, {**entry, "debug": [base64.b64encode(one).decode() for one in seen]})

    cardkit.production.run.Opener.jobs = jobs
    cardkit.production.journal.Journal.append = leaky


LEAKS = {
    "stdout": lambda: before_the_card(print_it),
    "stderr": lambda: before_the_card(raise_it),
    "temporary file": lambda: before_the_card(keep_it),
    "trace": show_all_of_the_trace,
    "report": report_it,
    "store": store_in_clear,
    "arguments": tell_another_process,
    "environment": give_in_the_environment,
    "journal": write_it_into_the_journal,
}

LEAKS[sys.argv.pop(1)]()
main()
