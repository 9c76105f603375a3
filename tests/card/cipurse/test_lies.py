"""Every lie is told when there is an occasion, and a terminal that checks what it must check does not believe it."""

import pytest

from cardkit.virtual import ImageError, make_card
from cardkit.virtual.cipurse.lies import cipurse_lies

from .terminal import ENC, MAC, TRANSPORT, Bench, BrokenResponseError, kvv

AUTHENTIC = ("wrong-mac", "no-mac", "short-mac", "response-replayed", "plain-answer", "bare-9000")
ENCIPHERED = ("mac-for-enciphered", "wrong-mic", "bad-padding", "status-differs", "response-replayed", "plain-answer")
READ = "00B0810005"


def lying(name, **more):
    bench = Bench(cipurse_lies()[name](make_card("cipurse", seed=1), **more))
    bench.with_adf(bench.ef(art="00" + "FF" * 3, smr="5555"), bench.ef("0002", fd="1F", sfid=2, extent="010C"))
    return bench


def opened(name, **more):
    return lying(name, **more).opened(1, Bench.KEYS[0])


@pytest.mark.parametrize(("names", "level"), [(AUTHENTIC, MAC), (ENCIPHERED, ENC), (("bare-9000",), ENC)])
def test_lies_of_secure_messaging_are_not_believed(names, level):
    for name in names:
        bench = opened(name)
        if name == "response-replayed":
            bench(READ, MAC, level)
        with pytest.raises(BrokenResponseError):
            bench(READ, MAC, level)
        assert bench.card.fired, name


def test_the_second_occasion():
    bench = opened("wrong-mac", at=2)
    assert bench(READ) == "00000000009000"
    with pytest.raises(BrokenResponseError):
        bench(READ)
    assert bench.card.fired == 1


def test_data_nobody_asked_for():
    for level in (MAC, ENC):
        assert len(opened("more-than-asked")(READ, MAC, level)) == 2 * (5 + 16 + 2)


def test_a_command_is_done_and_answered_with_an_error():
    bench = opened("executed-then-error")
    assert bench("00D6810001AA") == "6985"
    assert bench(READ) == "AA000000009000"
    assert bench.card.fired == 1


def test_an_impostor_has_no_proof():
    bench = lying("impostor")
    with pytest.raises(BrokenResponseError):
        bench.authenticate(1, Bench.KEYS[0])
    assert bench.card.fired


def test_who_believes_anybody():
    bench = lying("believes-anybody")
    with pytest.raises(BrokenResponseError):
        bench.authenticate(1, TRANSPORT)
    assert bench.card.fired == 1
    assert bench.authenticate(1, Bench.KEYS[0]) == "9000"
    assert bench.card.fired == 1


def test_a_challenge_that_never_changes():
    bench = opened("challenge-repeated")
    assert bench.ok("0084000016") == bench.ok("0084000016")
    assert bench.authenticate(2, Bench.KEYS[1]) == "9000"
    assert bench.card.fired


def test_values_that_are_not_there():
    bench = opened("value-lies")
    assert bench("00DC01140C" + "00000064" + "00000000" + "000003E8") == "9000"
    assert bench("8034011400") == "000000659000"
    assert bench("80300114040000000400") == "000000619000"
    assert bench("00B2011404") == "000000609000"


def test_an_older_version():
    bench = Bench(cipurse_lies()["version-lies"](make_card("cipurse", seed=1)))
    assert bench.raw("00A40000022FF7") == "9000"
    assert bench.ok("00B0000000").startswith("020005")
    assert bench.ok("00B0000100").startswith("0205")


EF = "010100010020" + "03"
ATTRIBUTES = {
    "smr-weaker": (EF + "0000" + "00FFFFFF", "38405F000A0803" + "0000"),
    "art-open": (EF + "5555" + "FFFFFFFF", "38405F000A0803" + "0000" + "FF" * 4),
    "size-lies": ("010100010021" + "03", "38405F00"),
}


@pytest.mark.parametrize(("name", "expected"), ATTRIBUTES.items())
def test_attributes_that_are_others(name, expected):
    bench = opened(name)
    assert bench("00A40000020001") == "9000"
    assert bench("80CE000000", MAC, MAC).startswith(expected[0])
    assert bench.reselect().ok("80CE000000").startswith(expected[1])
    assert bench.card.fired


@pytest.mark.parametrize(("name", "expected"), [
    ("kvv-lies", "01100902" + kvv("40" * 16)), ("add-info-lies", "00100902" + kvv("40" * 16)),
])  # fmt: skip
def test_keys_that_are_others(name, expected):
    shown = lying(name).ok("80CE000000")[26:40]
    assert shown != "01100902" + kvv("40" * 16)
    assert (shown == expected) == (name == "add-info-lies")


def test_a_session_lost_before_the_end():
    bench = opened("session-lost")
    assert bench("00DC01140C" + "00000064" + "00000000" + "000003E8") == "9000"
    assert bench("807E0000") == "6988"
    bench.opened(1, Bench.KEYS[0])
    assert bench("8034011400") == "000000009000"
    assert bench("807E0000") == "9000"


def test_a_uid_that_changes():
    bench = lying("uid-changes")
    seen = {bench.ok("FFCA000000")}
    for _ in range(3):
        bench.card.power(cold=True)
        seen.add(bench.ok("FFCA000000"))
    assert len(seen) == 4
    assert all(uid.startswith("05") and len(uid) == 14 for uid in seen)


@pytest.mark.parametrize("name", cipurse_lies())
def test_lies_want_a_transport_card(name):
    with pytest.raises(ImageError, match="expected a CIPURSE card, got image usim"):
        cipurse_lies()[name](make_card("usim", seed=1))
