"""The root command: help, exit codes, one line for every error."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from cardkit.cli.app import VERBS, cardkit, run


def test_the_root_help_lists_every_verb_without_importing_one() -> None:
    script = (
        "import sys; from cardkit.cli.app import run; run(['-h']);"
        "print([name for name in sys.modules if name.startswith('cardkit.cli.') and name != 'cardkit.cli.app'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert [verb for verb in VERBS if f"  {verb} " not in done.stdout] == []


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_on_both_switches(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "-h"]) == 0
    short = capsys.readouterr().out
    assert run([verb, "--help"]) == 0
    assert capsys.readouterr().out == short
    assert short.startswith("Usage:")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_option_of_every_verb_says_what_it_does(verb: str) -> None:
    context = click.Context(cardkit)
    command = cardkit.get_command(context, verb)
    assert command is not None
    commands = (
        [command.get_command(context, name) for name in command.list_commands(context)]
        if isinstance(command, click.Group)
        else [command]
    )
    silent = [
        f"{item.name} {option.opts}"
        for item in commands
        if item is not None
        for option in item.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["nonsense"], 2, "No such command"),
        (["explain"], 2, "Missing argument"),
        (["explain", "zz"], 4, "error: 'zz' is not hex"),
        (["apdu", "--reader", "virtual:nothing", "00B0000000"], 4, "error: virtual:nothing"),
        (["apdu", "--reader", "virtual:usim", "00B0"], 4, "error: command APDU: got 2 bytes"),
        (["apdu", "--reader", "somewhere", "00B0000000"], 4, "error: reader 'somewhere': expected pcsc:INDEX"),
        (["plan", "no/such", "--order", "x.csv", "--record", "1"], 4, "error: no/such"),
        (["plan", "sim/usim-test", "--order", "no-such.csv", "--record", "1"], 4, "error: no-such.csv"),
        (["batch", "status", "--store", "sqlite:///no-such.db"], 4, "error: no-such.db"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    words: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == code
    talk = capsys.readouterr()
    assert talk.out == ""
    assert text in talk.err
    assert "Traceback" not in talk.err
    if code == 4:
        assert talk.err.count("\n") == 1


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cardkit, "main", interrupted)
    assert run([]) == 130
    assert capsys.readouterr().err == "interrupted\n"
