"""The states of a session, tries and counters (sheet 17; GPCS 9.6.7, 10; Amendment D 5.6)."""

import pytest

from cardkit.virtual.errors import StatusWordError, WriteFailedError
from cardkit.virtual.gp.keysets import CardKeyEntry, KeyRing, KeySet, RetryPolicy, VolatileCell
from cardkit.virtual.gp.protection import Command
from cardkit.virtual.gp.session import SecureChannel, State

PLAIN = Command(0x80, 0xF2, 0x80, 0x02, b"\x4f\x00")
ALL = pytest.mark.parametrize(("scp", "i"), [(1, 0x15), (2, 0x15), (2, 0x75), (3, 0x70), (3, 0x01)])


def wrong_cryptogram(host):
    command = host.external_authenticate(1)
    return command._replace(data=bytes((command.data[0] ^ 1,)) + command.data[1:])


def wrong_mac(host):
    command = host.external_authenticate(1)
    return command._replace(data=command.data[:-1] + bytes((command.data[-1] ^ 1,)))


@ALL
def test_answer_to_initialize_update(host, scp, i):
    waiting = host(scp, i)
    answer = waiting.initialize_update()
    assert answer[:12] == bytes(range(10)) + bytes((0x30, scp))
    assert (waiting.channel.state, waiting.channel.level) == (State.INITIATED, 0)


@ALL
def test_commands_before_authentication_are_plain_and_it_may_still_follow(host, scp, i):
    waiting = host(scp, i)
    assert waiting.channel.unwrap(PLAIN) == PLAIN.data
    waiting.initialize_update()
    assert waiting.channel.unwrap(PLAIN) == PLAIN.data
    assert waiting.channel.wrap_response(b"a", b"\x90\x00") == b"a"
    assert not waiting.channel.authenticated
    assert waiting.channel.open(waiting.external_authenticate(1)) == b""
    assert waiting.channel.authenticated


@ALL
def test_wrong_cryptogram_and_wrong_mac(host, refusal, scp, i):
    for make, expected in ((wrong_cryptogram, "6300"), (wrong_mac, "6982")):
        waiting = host(scp, i)
        waiting.initialize_update()
        right = waiting.external_authenticate(1)
        waiting.initialize_update()
        assert refusal(waiting.channel.open, make(waiting)) == expected
        assert (waiting.key_set.failures, waiting.key_set.tries_left) == (1, 9)
        assert waiting.channel.state is State.NONE
        assert refusal(waiting.channel.open, right) == "6985"
        waiting.open(1)
        assert waiting.key_set.failures == 0


@ALL
def test_wrong_lengths_and_parameters_cost_no_try(host, refusal, scp, i):
    waiting = host(scp, i)
    waiting.initialize_update()
    command = waiting.external_authenticate(1)
    assert refusal(waiting.channel.open, command._replace(p2=1)) == "6A86"
    for data in (b"", command.data[:-1], command.data + b"\x00"):
        assert refusal(waiting.channel.open, command._replace(data=data)) == "6700"
    assert waiting.key_set.failures == 0
    assert waiting.channel.open(command) == b""


@ALL
def test_external_authenticate_without_a_greeting(host, refusal, scp, i):
    waiting = host(scp, i)
    waiting.initialize_update()
    command = waiting.external_authenticate(0)
    waiting.channel.reset()
    assert refusal(waiting.channel.open, command) == "6985"
    waiting.open(0)
    assert refusal(waiting.channel.open, command) == "6985"
    assert waiting.channel.authenticated


@ALL
def test_missing_protection_ends_the_session(host, refusal, scp, i):
    right = host(scp, i).open(1)
    for command in (PLAIN, PLAIN._replace(cla=0), PLAIN._replace(cla=0x84), PLAIN._replace(cla=0x84, data=b"")):
        opened = host(scp, i).open(1)
        assert refusal(opened.channel.unwrap, command) == "6982"
        assert (opened.channel.state, opened.channel.level) == (State.ABORTED, 0)
        for later in (PLAIN, opened.wrap(PLAIN), opened.external_authenticate(1)):
            call = opened.channel.open if later.ins == 0x82 else opened.channel.unwrap
            assert refusal(call, later) == "6982"
        assert refusal(opened.channel.decrypt_sensitive, bytes(16)) == "6982"
        opened.open(1)
        assert opened.send(PLAIN) == PLAIN.data
    unmarked = right.wrap(PLAIN)._replace(cla=0x80)
    assert refusal(right.channel.unwrap, unmarked) == "6982"


@ALL
def test_a_replayed_command_ends_the_session(host, refusal, scp, i):
    opened = host(scp, i).open(1)
    wrapped = opened.wrap(PLAIN)
    assert opened.channel.unwrap(wrapped) == PLAIN.data
    assert refusal(opened.channel.unwrap, wrapped) == "6982"


@ALL
def test_select_forgives_an_aborted_session(host, refusal, scp, i):
    opened = host(scp, i).open(1)
    assert refusal(opened.channel.unwrap, PLAIN) == "6982"
    opened.channel.reset()
    assert opened.channel.unwrap(PLAIN) == PLAIN.data


@ALL
def test_a_greeting_that_fails_ends_the_open_session(host, refusal, scp, i):
    for data, kvn, p2, expected in (
        (bytes(7), 0x30, 0, "6700"),
        (bytes(8), 0x31, 0, "6A88"),
        (bytes(8), 0x30, 9, "6A86"),
    ):
        opened = host(scp, i).open(1)
        assert refusal(opened.channel.open, Command(0x80, 0x50, kvn, p2, data)) == expected
        assert opened.channel.state is State.NONE


def test_level_00_takes_commands_of_any_class(host):
    for scp, i in ((1, 0x05), (2, 0x15), (3, 0x70)):
        opened = host(scp, i).open(0)
        for cla in (0x80, 0x84, 0x00, 0x04, 0xE1):
            assert opened.channel.unwrap(PLAIN._replace(cla=cla)) == PLAIN.data
        assert opened.channel.level == 0x80


def test_external_authenticate_in_an_open_session_is_a_command_like_others(host, refusal):
    opened = host(3, 0x70).open(1)
    assert refusal(opened.channel.open, opened.external_authenticate(1)) == "6985"
    assert opened.channel.state is State.OPEN
    assert refusal(opened.channel.open, Command(0x84, 0x82, 1, 0, bytes(16))) == "6982"
    assert opened.channel.state is State.ABORTED


def test_what_opens_a_session(host):
    channel = host(3, 0x70).channel
    for cla, ins, p2, expected in (
        (0x80, 0x50, 0, True),
        (0xC0, 0x50, 0, True),
        (0x84, 0x82, 0, True),
        (0x00, 0x82, 0, False),
        (0x00, 0x88, 0x13, False),
        (0x80, 0x88, 0x13, True),
        (0x80, 0x2A, 0x10, True),
        (0x80, 0xF2, 0, False),
    ):
        assert channel.opens(Command(cla, ins, 0, p2, b"")) is expected
    assert not host(3, 0x70, scp11_i=0).channel.opens(Command(0x80, 0x2A, 0, 0x10, b""))


def test_an_incomplete_or_mixed_key_set_opens_nothing(host, refusal):
    for kid, wrong in (
        (1, None),
        (3, None),
        (2, CardKeyEntry(2, 0x30, 0x80, bytes(16))),
        (2, CardKeyEntry(2, 0x30, 0x88, bytes(24))),
    ):
        waiting = host(3, 0x70)
        if wrong is None:
            del waiting.key_set.keys[kid]
        else:
            waiting.key_set.keys[kid] = wrong
        assert refusal(waiting.initialize_update) == "6A88"


def test_which_set_version_00_means(key_set):
    keys = [bytes(range(16))] * 3
    first, second = key_set(3, 0x70, keys, kvn=0x30), key_set(2, 0x15, keys, kvn=0xFF)
    only_scp11 = KeySet(0x01, 0x11, 0, {0x13: CardKeyEntry(0x13, 1, 0xB1, b"\x01")})
    ring = KeyRing(only_scp11, first, second)
    assert ring.find(0) is first
    ring.default = 0xFF
    assert (ring.find(0), ring.find(0x30)) == (second, first)
    for unknown in (0x01, 0x42):
        with pytest.raises(StatusWordError, match="6A88"):
            ring.find(unknown)
    with pytest.raises(StatusWordError, match="6A88"):
        KeyRing(only_scp11).find(0)


# Tries


def fail(host, refusal):
    host.initialize_update()
    return refusal(host.channel.open, wrong_cryptogram(host))


@ALL
def test_the_last_try_blocks_the_set(host, refusal, scp, i):
    waiting = host(scp, i, policy=RetryPolicy(limit=3))
    for left in (2, 1, 0):
        assert fail(waiting, refusal) == "6300"
        assert waiting.key_set.tries_left == left
    assert refusal(waiting.initialize_update) == "6983"
    waiting.key_set.renew()
    waiting.open(1)


@ALL
def test_a_set_blocked_after_the_greeting_opens_nothing(host, refusal, scp, i):
    """Two logical channels: one uses up the tries while the other waits between its two commands."""
    waiting = host(scp, i, policy=RetryPolicy(limit=1))
    waiting.initialize_update()
    waiting.key_set.take_try()
    assert refusal(waiting.channel.open, waiting.external_authenticate(1)) == "6983"
    assert waiting.channel.state is State.NONE


def test_success_gives_all_tries_back(host, refusal):
    waiting = host(3, 0x70, policy=RetryPolicy(limit=2))
    for _ in range(3):
        assert fail(waiting, refusal) == "6300"
        waiting.open(1)
        assert waiting.key_set.tries_left == 2


def test_a_greeting_may_cost_the_try(host, refusal):
    waiting = host(3, 0x70, policy=RetryPolicy(limit=2, on="iu"))
    waiting.initialize_update()
    assert waiting.key_set.tries_left == 1
    waiting.open(1)
    assert waiting.key_set.tries_left == 2
    assert fail(waiting, refusal) == "6300"
    waiting.initialize_update()
    assert refusal(waiting.initialize_update) == "6983"


def test_delay_and_lock_are_reported(host, refusal):
    waiting = host(3, 0x70, policy=RetryPolicy(delay_s=(1, 5), lock_card_after=3))
    seen = []
    for _ in range(3):
        seen.append((waiting.key_set.delay_s, waiting.key_set.locks_card))
        fail(waiting, refusal)
    assert seen == [(0, False), (1, False), (5, False)]
    assert (waiting.key_set.delay_s, waiting.key_set.locks_card) == (5, True)
    assert waiting.channel.key_set is waiting.key_set


class FailingCell(VolatileCell):
    """Memory that takes no write from the moment `broken` is set."""

    broken = False

    def write(self, value):
        if self.broken:
            raise WriteFailedError
        super().write(value)


@ALL
def test_nothing_is_compared_unless_the_try_could_be_written(host, scp, i):
    waiting = host(scp, i)
    waiting.key_set.cell = cell = FailingCell(waiting.key_set.cell.read())
    waiting.initialize_update()
    cell.broken = True
    with pytest.raises(WriteFailedError):
        waiting.channel.open(waiting.external_authenticate(1))
    assert (waiting.channel.state, waiting.channel.level) == (State.NONE, 0)


def test_a_power_cut_before_the_answer_gives_no_try_back(host):
    """The try is in the cell before the cryptogram is looked at: cut there, and the new card has one less."""
    waiting = host(3, 0x70)
    written = []

    class Watched(VolatileCell):
        def write(self, value):
            written.append(value)
            super().write(value)

    waiting.key_set.cell = Watched()
    waiting.initialize_update()
    waiting.channel.open(waiting.external_authenticate(1))
    assert [value[0] for value in written] == [0, 1, 0]


def test_no_key_in_any_representation():
    secret = bytes(range(0x40, 0x50))
    key = CardKeyEntry(1, 0x30, 0x88, secret)
    curve = CardKeyEntry(0x13, 0x30, 0xB1, secret)
    found = KeySet(0x30, 3, 0x70, {1: key, 0x13: curve})
    ring = KeyRing(found)
    channel = SecureChannel(ring, b"A" * 8, kdd=bytes(10), random=bytes)
    for shown in (key, curve, found, ring, channel):
        for text in (repr(shown), str(shown)):
            assert secret.hex() not in text.lower()
            assert "@ABC" not in text
    assert "kcv=504A77" in repr(key)
