"""The PC/SC service: answer, build, switches."""

from __future__ import annotations

import pytest

from cardkit.doctor import Verdict, namespaces, service
from cardkit.doctor.check import Seen, fail, not_applicable, ok, together, warn

# As printed by Debian 12 and 13 (the second shortened).
DEBIAN_12 = """pcsc-lite version 1.9.9.
Enabled features: Linux x86_64-pc-linux-gnu libsystemd serial usb libudev ipcdir=/run/pcscd filter
MAX_READERNAME: 128, PCSCLITE_MAX_READERS_CONTEXTS: 16"""
DEBIAN_13 = """pcsc-lite version 2.3.3.
Enabled features: Linux x86_64-pc-linux-gnu libsystemd serial usb libudev polkit ipcdir=/run/pcscd filter
MAX_READERNAME: 128, PCSCLITE_MAX_READERS_CONTEXTS: 16"""


def test_a_service_that_answers_is_good(station, played):
    seen = service.service(station)
    assert seen.verdict == Verdict.OK
    assert seen.evidence.startswith("answers in ")


@pytest.mark.parametrize(
    ("result", "changes", "remedy"),
    [
        (0x8010001D, {}, "apt-get install pcscd"),
        (0x8010001D, {"environ": {"PCSCLITE_CSOCK_NAME": "/tmp/x"}}, "start the pcscd that serves /tmp/x"),
        (0x8010001D, {"platform": "win32"}, "SCardSvr"),
        (0x8010001E, {"platform": "win32"}, "plug a reader in"),
        (0x8010006A, {}, "polkit"),
    ],
)
def test_a_service_that_refuses_fails_with_its_remedy(other, played, result, changes, remedy):
    played.context = result
    seen = service.service(other(**changes))
    assert seen.verdict == Verdict.FAIL
    assert f"{result:08X}" in seen.evidence
    assert remedy in seen.remedy


def test_an_installed_service_is_to_be_started(station, played, install):
    install("pcscd", "")
    played.context = 0x8010001D
    assert "start pcscd" in service.service(station).remedy


def test_a_service_that_hangs_fails_in_time(station, played, monkeypatch):
    monkeypatch.setattr(service, "_CONTEXT_TIMEOUT_S", 0.02)
    played.delay_s = 0.5
    seen = service.service(station)
    assert (seen.verdict, seen.evidence) == (Verdict.FAIL, "context: no answer within 0.02 s")


@pytest.mark.parametrize(
    ("text", "uid", "verdict", "words"),
    [
        (DEBIAN_12, 1000, Verdict.OK, "pcscd 1.9.9, at most 16 readers, without polkit"),
        (DEBIAN_13, 0, Verdict.OK, "pcscd 2.3.3, at most 16 readers, with polkit"),
        (DEBIAN_13, 1000, Verdict.WARN, "whether user 1000 may use cards"),
        ("pcsc-lite version 3.0", 0, Verdict.OK, "pcscd 3.0, at most 16 readers"),
        ("", 0, Verdict.WARN, "says nothing known"),
    ],
)
def test_the_build_says_who_may_use_cards(other, install, text, uid, verdict, words):
    install("pcscd", f"cat <<END\n{text}\nEND")
    seen = service.build(other(uid=uid, environ={"PATH": f"{other().environ['PATH']}:/bin:/usr/bin"}))
    assert seen.verdict == verdict
    assert words in seen.evidence


def test_without_pcscd_there_is_no_build(station):
    assert service.build(station).verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (["-f", "-i", "-c", "dax"], Verdict.OK),
        (["-cdax"], Verdict.OK),
        (["--config=-a"], Verdict.OK),
        (["--foreground", "--auto-exit"], Verdict.WARN),
        (["-fx"], Verdict.WARN),
        (["-fa"], Verdict.FAIL),
        (["--apdu"], Verdict.FAIL),
        (["-x", "-d"], Verdict.FAIL),
        (["--debug"], Verdict.FAIL),
    ],
)
def test_switches_that_log_keys_fail(station, start, words, verdict):
    start(71, "/usr/sbin/pcscd", *words)
    start(72, "/usr/bin/pcscd-like", "-a")
    seen = service.arguments(station)
    assert seen.verdict == verdict
    assert ("pcscd 71 runs with" in seen.evidence) == (verdict != Verdict.OK)
    assert seen.evidence.startswith("1 running") == (verdict == Verdict.OK)


def test_the_worst_of_several_services_counts(station, start):
    start(9, "pcscd", "-f")
    start(10, "pcscd", "-x")
    start(11, "pcscd", "-a")
    seen = service.arguments(station)
    assert seen.verdict == Verdict.FAIL
    assert "pcscd 9" not in seen.evidence
    assert seen.evidence.index("pcscd 10") < seen.evidence.index("pcscd 11")


def test_without_a_service_there_are_no_switches(station):
    (station.proc / "12").mkdir()
    assert service.arguments(station).verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([ok("a"), ok("b")], ok("a; b")),
        ([ok("a"), warn("b", "mend b")], warn("b", "mend b")),
        ([fail("a", "mend"), ok("c"), warn("b", "mend")], Seen(Verdict.FAIL, "a; b", "mend")),
        ([not_applicable("a"), ok("b")], ok("a; b")),
        ([not_applicable("a")], not_applicable("a")),
    ],
)
def test_several_looks_become_one(looks, expected):
    assert together(*looks) == expected


@pytest.mark.parametrize(
    ("unshare", "verdict", "words"),
    [
        ("exit 0", Verdict.OK, "quickack route accepted"),
        ("exit 1", Verdict.WARN, "no namespaces allowed"),
        ('test "$2" = true', Verdict.WARN, "quickack route refused"),
    ],
)
def test_namespaces_may_be_forbidden_or_lack_the_route(station, install, unshare, verdict, words):
    install("unshare", unshare)
    install("ip", "")
    seen = namespaces.namespaces(station)
    assert seen.verdict == verdict
    assert words in seen.evidence


@pytest.mark.parametrize(("installed", "missing"), [((), "unshare"), (("unshare",), "ip")])
def test_namespaces_need_their_programs(station, install, installed, missing):
    for name in installed:
        install(name, "")
    seen = namespaces.namespaces(station)
    assert (seen.verdict, seen.evidence.split()[0]) == (Verdict.WARN, missing)
