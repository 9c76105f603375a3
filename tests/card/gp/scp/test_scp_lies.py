"""Each lie of a secure channel is what its name says, and only that: told to a host that knows the truth."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cardkit.virtual import make_card
from cardkit.virtual.errors import StatusWordError
from cardkit.virtual.gp import ber, crypto
from cardkit.virtual.gp.keysets import CardKeyEntry, KeyRing, KeySet
from cardkit.virtual.gp.lies import LyingChannel, lies
from cardkit.virtual.gp.lies_told import AGREEMENTS, GREETINGS, RESPONSES
from cardkit.virtual.gp.protection import Command
from cardkit.virtual.gp.session import SecureChannel

KEY = bytes(range(0x40, 0x50))
OK = b"\x90\x00"
GET_DATA = Command(0x80, 0xCA, 0x00, 0x66, b"")
OTHERS = {
    "data-with-error",
    "repeated-challenge",
    "believes-anybody",
    "impostor",
    "believes-nobody",
    "key-of-another-card",
}


class Wire:
    """The card's channel as a host's conftest class wants it, but over APDUs."""

    def __init__(self, card):
        self.card = card
        card.power(True)

    @property
    def level(self):
        return self.card.chip.channels[0].secure.level

    def transmit(self, command):
        answer = self.card.transmit(bytes(command[:4]) + bytes((len(command.data),)) + command.data + b"\x00")
        return answer[:-2], answer[-2:]

    def open(self, command):
        data, status = self.transmit(command)
        if status != OK:
            raise StatusWordError(status)
        return data


@pytest.fixture
def liar(key_set, host):
    """liar(name, scp) -> a host before a card with that lie, at its first opportunity."""
    host_of = {scp: type(host(scp, i)) for scp, i in ((2, 0x15), (3, 0x70))}

    def make(name, scp=3, **options):
        card = lies()[name](make_card(f"gp-scp{scp:02}", seed=1), 0, at=1, **options)
        found = next(iter(card.chip.channels[0].secure.keys.sets.values()))
        return card, host_of[scp](Wire(card), found)

    return make


def answer(host, command=GET_DATA):
    body, status = host.channel.transmit(host.wrap(command))
    return body, status


def verifies(host, body, status):
    data, mac = body[:-8], body[-8:]
    return mac == crypto.aes_cmac(host.rmac, host.chain + data + status)[:8]


def test_the_catalogue_is_whole():
    assert set(lies()) == {*RESPONSES, *GREETINGS, *AGREEMENTS, *OTHERS}


AT_LEVELS = [(name, level) for name in RESPONSES for level in (0x11, 0x33) if level == 0x33 or "r-enc" not in name]


@pytest.mark.parametrize(("name", "level"), AT_LEVELS)
def test_lies_about_answers(liar, name, level):
    card, host = liar(name)
    host.open(level)
    seen = []
    for _ in range(2):
        body, status = answer(host)
        seen.append(body)
        assert status == OK
        if card.fired:
            break
        assert verifies(host, body, status)
    assert card.fired == 1
    body = seen[-1]
    if name == "r-enc-bad-padding":
        assert verifies(host, body, OK)
        clear = crypto.aes_cbc_decrypt(host.enc, body[:-8], host.iv(0x80))
        assert clear.endswith(b"\xff")
    else:
        assert not verifies(host, body, OK)
    assert verifies(host, body, b"\x62\x83") == (name == "r-mac-of-another-status")
    assert (body == b"") == (name == "bare-9000")
    if name == "answer-of-before":
        assert body == seen[0]
    if name == "r-mac-of-the-answer-before":
        assert body[-8:] == seen[0][-8:]
        assert body[:-8] != seen[0][:-8] or level == 0x11
    assert verifies(host, *answer(host))


def test_errors_with_data(liar):
    card, host = liar("data-with-error")
    host.open(0x33)
    body, status = answer(host, Command(0x80, 0xCA, 0x00, 0x42, b""))
    assert (body, status, card.fired) == (bytes.fromhex("9F70020F00"), b"\x6a\x88", 1)


@pytest.mark.parametrize("scp", [2, 3])
@pytest.mark.parametrize("name", GREETINGS)
def test_lies_about_greetings(liar, name, scp):
    card, host = liar(name, scp)
    command = Command(0x80, 0x50, 0, 0, host.host_challenge)
    honest = make_card(f"gp-scp{scp:02}", seed=1)
    honest.power(True)
    card.power(True)
    truth, told = Wire(honest).open(command), host.channel.open(command)
    assert (told != truth) == bool(card.fired)
    assert bool(card.fired) == (name != "greeting-weaker-i" or scp == 3)
    differs = [at for at, (a, b) in enumerate(zip(truth, told, strict=False)) if a != b]
    expected = {"greeting-other-kvn": [10], "greeting-older-scp": [11]}
    if name in expected:
        assert differs == expected[name]
    if name == "greeting-weaker-i" and scp == 3:
        assert (differs, told[12]) == ([12], 0x10)
    if name == "greeting-cryptogram":
        assert differs == [27 if scp == 2 else 28]
    if name == "greeting-older-scp":
        assert len(told) == 28
    if name == "greeting-length":
        assert abs(len(told) - len(truth)) == 1


@pytest.mark.parametrize("scp", [2, 3])
def test_challenges_repeat_and_counters_stand_still(liar, scp):
    card, host = liar("repeated-challenge", scp)
    first = host.initialize_update()
    assert host.initialize_update() == first
    host.open(1)
    assert host.initialize_update() == first
    assert card.fired == 4


@pytest.mark.parametrize("name", ["believes-anybody", "impostor"])
def test_anybody_is_believed(liar, name):
    card, host = liar(name)
    if name == "impostor":
        with pytest.raises(AssertionError):
            host.initialize_update()
    else:
        host.initialize_update()
    assert host.channel.open(Command(0x84, 0x82, 0x33, 0, bytes(16))) == b""
    assert host.channel.level == 0xB3
    body, status = host.channel.transmit(GET_DATA._replace(cla=0x84, data=bytes(8)))
    assert (body[:1], status, card.fired) == (b"\x66", OK, 1)
    assert host.channel.transmit(Command(0x80, 0xF2, 0x80, 0x02, b"\x4f\x00"))[1] == OK


def test_nobody_is_believed(liar):
    card, host = liar("believes-nobody")
    with pytest.raises(StatusWordError, match="6300"):
        host.open(1)
    assert card.fired == 1


# SCP11


def agree(name):
    """An agreement of SCP11b with a lying channel: the truth that the host computes, and what it is told."""
    static, ephemeral = (ec.derive_private_key(number, ec.SECP256R1()) for number in (0x777, 0x2222))
    entry = CardKeyEntry(0x13, 1, 0xB1, (0x777).to_bytes(32, "big"), more=((0xF0, b"\x00"),))
    good = SecureChannel(
        KeyRing(KeySet(1, 0x11, 0, {0x13: entry})), b"A" * 8, kdd=bytes(10), random=lambda n: b"\x01" * n
    )
    liar = lies()[name](make_card("gp-scp03", seed=1), 0, at=1)
    channel = LyingChannel(good, liar)
    point = crypto_point(ephemeral)
    data = bytes.fromhex("A60D9002110095013C8001888101105F4941") + point
    told = dict(ber.parse(channel.open(Command(0x80, 0x88, 1, 0x13, data))))
    own = ec.derive_private_key(int.from_bytes(b"\x01" * 32, "big"), ec.SECP256R1())
    shared = ephemeral.exchange(ec.ECDH(), own.public_key()) + ephemeral.exchange(ec.ECDH(), static.public_key())
    key = crypto.x963_kdf(shared, bytes.fromhex("3C8810"), 80)[:16]
    truth = {0x5F49: crypto_point(own), 0x86: crypto.aes_cmac(key, data + ber.build(0x5F49, crypto_point(own)))}
    assert liar.fired == 1
    return truth, told


def crypto_point(private):
    numbers = private.public_key().public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("name", "point", "receipt"),
    [
        ("receipt-wrong", True, False),
        ("receipt-missing", True, False),
        ("point-off-the-curve", False, True),
        ("point-at-infinity", False, True),
        ("key-of-another-card", True, False),
    ],
)
def test_lies_about_agreements(name, point, receipt):
    truth, told = agree(name)
    assert (told[0x5F49] == truth[0x5F49], told.get(0x86) == truth[0x86]) == (point, receipt)
    if not point:
        with pytest.raises(ValueError, match=r"[Ii]nvalid|curve|infinity|[Uu]nsupported"):
            ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), told[0x5F49])
    if name == "point-at-infinity":
        assert told[0x5F49] == b"\x00"
    assert (0x86 in told) == (name != "receipt-missing")
