"""What people type: read from a descriptor or a terminal, compared, and shown nowhere."""

import os
import sys

import pytest

from cardkit.cli.keys_option import named_keys
from cardkit.cli.secrets_input import Lines, Prompt, source
from cardkit.crypto import Secret
from cardkit.errors import KeyStoreError


def test_lines_are_read_one_by_one():
    ours, theirs = os.pipe()
    os.write(theirs, b"one\r\ntwo\n\nrest")
    lines = Lines(ours)

    assert [lines.secret("a"), lines.twice("b")] == [Secret(b"one", ""), Secret(b"two", "")]
    with pytest.raises(KeyStoreError, match="ended, expected a line with c"):
        lines.secret("c")
    os.close(theirs)
    assert lines.secret("d") == Secret(b"rest", "")
    os.close(ours)
    with pytest.raises(KeyStoreError, match=f"file descriptor {ours}: Bad file descriptor"):
        lines.secret("e")


def test_prompt_compares_what_is_typed_twice(monkeypatch):
    typed = iter(["first phrase", "first phrase", "second phrase", "another phrase", ""])
    seen = []
    monkeypatch.setattr("cardkit.cli.secrets_input._has_terminal", lambda: True)
    monkeypatch.setattr("click.prompt", lambda what, **options: seen.append(options) or next(typed))

    assert Prompt().twice("p") == Secret(b"first phrase", "")
    with pytest.raises(KeyStoreError, match="p: typed differently the second time"):
        Prompt().twice("p")
    with pytest.raises(KeyStoreError, match="p: nothing was typed"):
        Prompt().secret("p")
    assert all(options["hide_input"] and options["err"] for options in seen)


@pytest.mark.requirement("K6")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_nothing_typed_is_echoed(tmp_path):
    """A real terminal: what the person types must not come back on it."""
    import pty

    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the typing person's program
        os.environ["NO_COLOR"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "cardkit", "keys", "init", "--store", str(tmp_path / "t.keys")])
    shown = b""
    for _ in range(2):
        prompt = b""  # what is typed before it is thrown away
        while not prompt.rstrip().endswith(b":"):
            prompt += os.read(terminal, 1024)
        os.write(terminal, b"a typed phrase\n")
        shown += prompt
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
    except OSError:
        pass  # the terminal is closed with the program
    _, status = os.waitpid(child, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert b"a typed phrase" not in shown
    assert b"a TEST key store" in shown


def test_source_is_the_terminal_where_there_is_one(monkeypatch):
    monkeypatch.setattr("cardkit.cli.secrets_input._has_terminal", lambda: True)
    assert isinstance(source(None), Prompt)
    assert isinstance(source(3), Lines)


def test_what_is_asked_for_is_named_where_there_is_no_terminal(monkeypatch):
    monkeypatch.setattr("cardkit.cli.secrets_input._has_terminal", lambda: False)
    with pytest.raises(KeyStoreError, match="password of ana: no terminal to ask at: expected --login-fd N"):
        source(None, "--login-fd").secret("password of ana")


@pytest.mark.parametrize(
    ("url", "said"), [("file:missing.keys", "No such file"), ("vault:plant", "expected file:PATH or pkcs11:")]
)
def test_a_key_store_that_is_not_there_is_said_before_a_terminal_is_missed(monkeypatch, tmp_path, url, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cardkit.cli.secrets_input._has_terminal", lambda: False)
    with pytest.raises(KeyStoreError, match=said), named_keys(url, None):
        pass
