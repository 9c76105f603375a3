"""A private PC/SC service for one virtual card: what is missing, how it is judged. The real one is in tests/interop."""

from __future__ import annotations

import time

import pytest

from cardkit.doctor import Verdict, stack
from cardkit.errors import Executed, NoCardError


@pytest.fixture
def equipped(other, install, tmp_path):
    """A station with every part, and a client that does this."""

    def make(client: str, service: str = "true"):
        for name in stack.PROGRAMS:
            install(name, service)
        install("client", client)
        driver = tmp_path / "libifdvpcd.so"
        driver.touch()
        return other(driver=driver, python=str(tmp_path / "bin/client"))

    return make


def test_what_is_missing_is_named(other, install, tmp_path):
    install("pcscd", "")
    seen = stack.stack(other(driver=tmp_path / "none.so"))
    assert (seen.verdict, seen.evidence) == (
        Verdict.NOT_APPLICABLE,
        "a private PC/SC service needs unshare, setpriv, ip, vsmartcard-vpcd",
    )


@pytest.mark.parametrize(
    ("microseconds", "verdict"), [("37.4", Verdict.OK), ("300.0", Verdict.WARN), ("44000.1", Verdict.FAIL)]
)
def test_the_time_of_a_command_is_judged(equipped, microseconds, verdict):
    seen = stack.stack(equipped(f"echo {microseconds}"))
    assert seen.verdict == verdict
    assert f"{float(microseconds):.0f} us per command" in seen.evidence


@pytest.mark.parametrize(
    ("client", "service", "words"),
    [
        ("echo no card >&2; exit 1", "echo started", "(no card)"),
        ("exit 1", "echo port in use; exit 1", "(port in use)"),
        ("exit 1", "true", "(nothing said)"),
    ],
)
def test_a_service_that_does_not_work_is_a_warning(equipped, client, service, words):
    seen = stack.stack(equipped(f"/bin/sleep 0.1; {client}", service))
    assert seen.verdict == Verdict.WARN
    assert words in seen.evidence


def test_a_service_that_does_not_end_is_ended(equipped, monkeypatch):
    monkeypatch.setattr(stack, "_END_TIMEOUT_S", 0.1)
    start = time.monotonic()
    stack.stack(equipped("/bin/sleep 0.1; echo 37", "trap '' TERM; /bin/sleep 60 & wait; wait"))
    assert time.monotonic() - start < 30


def test_the_card_is_waited_for_timed_and_given_back(monkeypatch):
    done: list[object] = []

    class Connected:
        def __init__(self, reader: str) -> None:
            done.append(reader)

        def transmit(self, command: bytes) -> bytes:
            done.append(command)
            return b"\x90\x00"

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr(stack, "PcscConnection", Connected)
    monkeypatch.setattr(stack, "wait_for_card", lambda reader, *, after, timeout_s: done.append(timeout_s))
    assert stack.time_card() > 0
    assert done == [5.0, "cardkit doctor 00 00", *[bytes.fromhex("00A4000C023F00")] * 100, "closed"]


def test_without_a_card_there_is_no_time(monkeypatch):
    def empty(reader: str, **_: object) -> None:
        raise NoCardError("no new card", executed=Executed.NO)

    monkeypatch.setattr(stack, "wait_for_card", empty)
    with pytest.raises(NoCardError):
        stack.time_card()
