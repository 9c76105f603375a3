"""The plugin as its users run it: pytest within pytest."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ("pytester",)

EXAMPLE = """
    import pytest
    from hypothesis import HealthCheck, given, settings
    from cardkit.apdu import CommandAPDU
    from cardkit.errors import TransportError
    from cardkit.testing import strategies

    SELECT_ICCID = CommandAPDU(0x00, 0xA4, 0x08, 0x0C, bytes.fromhex("2FE2"))
    READ_ICCID = CommandAPDU(0x00, 0xB0, 0x00, 0x00, ne=10)

    def test_blank_card_has_no_iccid(virtual_card, reader):
        with reader(virtual_card("usim")) as card:
            card.channel.require(SELECT_ICCID)
            assert card.channel.require(READ_ICCID) == b"\\xff" * 10

    @pytest.mark.card_fault("tear-before", at=2)
    def test_card_leaves_before_the_second_command(virtual_card, reader):
        with reader(virtual_card("usim")) as card, pytest.raises(TransportError):
            card.channel.require(SELECT_ICCID)
            card.channel.require(READ_ICCID)

    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(command=strategies.commands())
    def test_every_command_is_answered(virtual_card, command):
        card = virtual_card("usim")
        card.power(True)
        assert len(card.transmit(command.encode())) >= 2
"""


@pytest.fixture
def run(pytester):
    def run_pytest(code: str, *options: str):
        pytester.makepyfile(code)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return run_pytest


def test_example_of_the_readme_works(run):
    run(EXAMPLE).assert_outcomes(passed=3)


def test_cards_repeat_and_marks_make_them_misbehave(run):
    code = """
        import time, pytest

        UPDATE = bytes.fromhex("00D600000A") + b"enfrdeuzru"
        BLANK = b"\\xff" * 10

        SERIALS = []

        @pytest.mark.parametrize("again", range(2))
        def test_cards_of_one_test_differ_and_the_next_run_repeats_them(virtual_card, again):
            SERIALS.append([virtual_card("usim").serial for _ in range(3)])
            assert len(set(SERIALS[-1])) == 3
            assert SERIALS[-1] == SERIALS[0]

        @pytest.fixture
        def card(virtual_card):
            card = virtual_card("usim")
            card.power(True)
            for command in ("00A4000C023F00", "0020000A084142434445464748", "00A4080C022F05"):
                assert card.transmit(bytes.fromhex(command)) == bytes.fromhex("9000")
            return card

        @pytest.mark.card_fault("write-error", at=1)
        def test_write_error(card):
            assert card.transmit(UPDATE) == bytes.fromhex("6581")
            assert card.memory()["3F00/2F05"] == BLANK

        @pytest.mark.card_fault("status", at=4, sw=0x6F42)
        def test_status(card):
            assert card.transmit(UPDATE) == bytes.fromhex("6F42")
            assert card.memory()["3F00/2F05"] == BLANK

        @pytest.mark.card_fault("tear-after", at=4)
        def test_tear_after(card):
            assert card.transmit(UPDATE) == b""
            assert card.memory()["3F00/2F05"] == b"enfrdeuzru"

        @pytest.mark.card_fault("tear-before", at=4)
        def test_tear_before(card):
            assert card.transmit(UPDATE) == b""
            assert card.memory()["3F00/2F05"] == BLANK

        @pytest.mark.card_fault("slow", ms=30)
        @pytest.mark.card_fault("dropped-write", at=1)
        def test_two_faults(card):
            start = time.perf_counter()
            assert card.transmit(UPDATE) == bytes.fromhex("9000")
            assert time.perf_counter() - start >= 0.03
            assert card.memory()["3F00/2F05"] == BLANK
    """
    run(code).assert_outcomes(passed=7)


def test_misused_marks_are_errors(run):
    code = """
        import pytest

        @pytest.mark.card_fault("tear-after", at=500)
        def test_never_shows(virtual_card):
            virtual_card("usim").power(True)

        @pytest.mark.card_fault("tear_after")
        def test_unknown(virtual_card):
            pass
    """
    result = run(code, "--strict-markers", "-W", "error")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*card_fault never showed on a card of this test: tear-after*"])
    result.stdout.fnmatch_lines(["*card_fault: got ('tear_after',), expected one name of *tear-after*"])


def test_plugin_runs_without_hypothesis_and_pyscard(pytester, run):
    pytester.makeconftest(
        """
        import sys
        sys.modules["hypothesis"] = sys.modules["smartcard"] = None  # import fails as if it was not installed
        """
    )
    code = """
        import pytest

        def test_it(virtual_card):
            assert virtual_card("usim").memory()
            with pytest.raises(ImportError):
                import hypothesis
    """
    run(code, "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_plugin_imports_nothing_until_a_test_asks():
    code = (
        "import sys, pytest; before = set(sys.modules); import cardkit.testing.plugin; "
        "print(sorted(name for name in set(sys.modules) - before if not name.startswith('_')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cardkit', 'cardkit.testing', 'cardkit.testing.plugin']"
