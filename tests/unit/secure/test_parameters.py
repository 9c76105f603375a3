"""What each ``i`` means, and which no card may have (GPCS tables D-1, E-1; Amd D 5.1)."""

from __future__ import annotations

import pytest

from cardkit.errors import EncodingError, ProfileError
from cardkit.secure import Parameters, Quirks, SecurityLevel, Terms, decode_parameters
from cardkit.secure.classbyte import bare_class, mac_class, protected_class


def levels(scp: int, i: int) -> list[int]:
    return [int(level) for level in decode_parameters(scp, i).levels]


@pytest.mark.parametrize(
    ("scp", "i", "expected"),
    [
        (1, 0x05, [0, 1, 3]),
        (1, 0x15, [0, 1, 3]),
        (2, 0x15, [0, 1, 3]),
        (2, 0x55, [0, 1, 3]),
        (2, 0x35, [0, 1, 3, 0x10, 0x11, 0x13]),
        (2, 0x1A, [1]),
        (2, 0x2A, [1]),
        (3, 0x00, [0, 1, 3]),
        (3, 0x10, [0, 1, 3]),
        (3, 0x20, [0, 1, 3, 0x11, 0x13]),
        (3, 0x60, [0, 1, 3, 0x11, 0x13, 0x33]),
        (3, 0x71, [0, 1, 3, 0x11, 0x13, 0x33]),
        (0x11, 0x07, [0x11, 0x33]),
    ],
)
def test_levels_are_those_of_the_options(scp, i, expected):
    assert levels(scp, i) == expected


PROPERTIES = {
    # explicit, three keys, unmodified, ICV encryption, pseudo-random, R-MAC, R-ENC, S16
    (1, 0x05): "explicit three_keys",
    (1, 0x15): "explicit three_keys icv_encryption",
    (2, 0x04): "explicit",
    (2, 0x05): "explicit three_keys",
    (2, 0x06): "explicit c_mac_unmodified",
    (2, 0x0A): "c_mac_unmodified",
    (2, 0x0B): "three_keys c_mac_unmodified",
    (2, 0x14): "explicit icv_encryption",
    (2, 0x15): "explicit three_keys icv_encryption",
    (2, 0x1A): "c_mac_unmodified icv_encryption",
    (2, 0x1B): "three_keys c_mac_unmodified icv_encryption",
    (2, 0x25): "explicit three_keys rmac",
    (2, 0x45): "explicit three_keys pseudo_random",
    (2, 0x75): "explicit three_keys icv_encryption rmac pseudo_random",
    (3, 0x00): "explicit three_keys",
    (3, 0x01): "explicit three_keys s16",
    (3, 0x10): "explicit three_keys pseudo_random",
    (3, 0x20): "explicit three_keys rmac",
    (3, 0x60): "explicit three_keys rmac renc",
    (3, 0x71): "explicit three_keys pseudo_random rmac renc s16",
    (0x11, 0x07): "three_keys rmac renc",
    (0x11, 0x41): "three_keys rmac renc s16",
    (0x11, 0x9B06): "three_keys rmac renc",
    (0x11, 0xC106): "three_keys rmac renc s16",
}
NAMES = (
    "explicit", "three_keys", "c_mac_unmodified", "icv_encryption", "pseudo_random", "rmac", "renc", "s16",
)  # fmt: skip


@pytest.mark.parametrize(("scp", "i"), PROPERTIES)
def test_each_bit_means_one_thing(scp, i):
    parameters = decode_parameters(scp, i)
    true = {name for name in NAMES if getattr(parameters, name)}
    assert true == set(PROPERTIES[scp, i].split())
    assert all(getattr(parameters, name) in (True, False) for name in NAMES)


@pytest.mark.parametrize(
    ("scp", "i", "mac", "card_challenge", "sequence", "block"),
    [
        (1, 0x15, 8, 8, 0, 8),
        (2, 0x15, 8, 6, 2, 8),
        (2, 0x55, 8, 6, 2, 8),
        (3, 0x00, 8, 8, 0, 16),
        (3, 0x70, 8, 8, 3, 16),
        (3, 0x61, 16, 16, 0, 16),
        (3, 0x71, 16, 16, 3, 16),
        (0x11, 0x07, 8, 8, 0, 16),
        (0x11, 0x47, 16, 16, 0, 16),
    ],
)
def test_sizes_follow_from_the_options(scp, i, mac, card_challenge, sequence, block):
    parameters = decode_parameters(scp, i)
    assert (parameters.mac_size, parameters.cryptogram_size, parameters.challenge_size) == (mac, mac, mac)
    assert parameters.card_challenge_size == card_challenge
    assert (parameters.sequence_size, parameters.block_size) == (sequence, block)


def accepted(scp: int, values: range) -> list[int]:
    found = []
    for i in values:
        try:
            assert decode_parameters(scp, i) == Parameters(scp, i)
        except ProfileError:
            continue
        found.append(i)
    return found


def test_scp01_has_two_options():
    assert accepted(1, range(-1, 0x200)) == [0x05, 0x15]


def test_scp02_is_explicit_or_implicit_and_leaves_bit_8_alone():
    assert accepted(2, range(-8, 0x200)) == [i for i in range(0x80) if i & 0x0C in (0x04, 0x08)]


def test_scp03_has_twelve_options():
    expected = [0x00, 0x01, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x60, 0x61, 0x70, 0x71]
    assert accepted(3, range(-8, 0x200)) == expected


def test_scp11_names_a_variant_and_says_how_long_it_is():
    assert accepted(0x11, range(-8, 0x100)) == [i for i in range(0x80) if i & 0x13]
    assert accepted(0x11, range(0x100, 0x10200)) == [i for i in range(0x8000, 0x10000) if i >> 8 & 0x13]


@pytest.mark.parametrize("scp", [0, 4, 0x10, 0x12, 0x80])
def test_another_protocol_is_refused(scp):
    with pytest.raises(ProfileError, match=f"protocol {scp:02X}: not supported, expected SCP01, SCP02, SCP03 or SCP11"):
        decode_parameters(scp, 0x15)


@pytest.mark.parametrize(
    ("scp", "i", "fault"),
    [
        (1, 0x55, r"^SCP01 i=55: expected 05 or 15$"),
        (2, 0x80, r"^SCP02 i=80: expected one byte with bit 8 clear$"),
        (2, 0x00, r"^SCP02 i=00: bits 3 and 4"),
        (2, 0x95, r"^SCP02 i=95: expected one byte with bit 8 clear$"),
        (2, 0x1D, r"^SCP02 i=1D: bits 3 and 4 say explicit and implicit initiation, or neither$"),
        (3, 0x72, r"^SCP03 i=72: expected one byte with bits 2, 3, 4 and 8 clear$"),
        (3, 0x40, r"^SCP03 i=40: R-ENCRYPTION \(bit 7\) needs R-MAC \(bit 6\)$"),
        (0x11, 0x81, r"^SCP11 i=81: expected one byte, or two where bit 8 of the first says so$"),
        (0x11, 0x04, r"^SCP11 i=04: names no variant \(bits 1, 2 and 5\)$"),
    ],
)
def test_the_message_says_what_is_wrong(scp, i, fault):
    with pytest.raises(ProfileError, match=fault):
        decode_parameters(scp, i)


def test_parameters_are_shown_as_specifications_write_them():
    assert str(decode_parameters(3, 0x70)) == "SCP03 i=70"
    assert str(decode_parameters(2, 0x04)) == "SCP02 i=04"


@pytest.mark.parametrize(("scp", "i", "level"), [(2, 0x15, 0x11), (3, 0x00, 0x33), (3, 0x70, 0x30), (1, 5, 2)])
def test_a_level_the_options_do_not_have_is_refused(scp, i, level):
    with pytest.raises(
        ProfileError, match=rf"SCP0{scp} i={i:02X}: security level {level:02X}, expected one of 00 01 03"
    ):
        Terms(decode_parameters(scp, i), SecurityLevel(level), Quirks(), 255)


def test_no_quirk_is_on_by_itself():
    assert Quirks() == Quirks(
        enc_empty_data=False, counter_data_only=False, scp03_challenge_old_counter=False, rmac_on_error=False
    )


def test_levels_are_p1_of_external_authenticate():
    assert [int(level) for level in SecurityLevel] == [0x01, 0x02, 0x10, 0x20]
    assert SecurityLevel.NONE == 0
    assert SecurityLevel.C_MAC | SecurityLevel.C_DEC | SecurityLevel.R_MAC | SecurityLevel.R_ENC == 0x33


@pytest.mark.parametrize(
    ("cla", "sent", "in_mac", "bare"),
    [
        (0x00, 0x04, 0x04, 0x00),
        (0x03, 0x07, 0x04, 0x00),
        (0x10, 0x14, 0x14, 0x10),
        (0x40, 0x60, 0x04, 0x00),
        (0x4F, 0x6F, 0x04, 0x00),
        (0x50, 0x70, 0x14, 0x10),
        (0x80, 0x84, 0x84, 0x80),
        (0x83, 0x87, 0x84, 0x80),
        (0x90, 0x94, 0x94, 0x90),
        (0xC0, 0xE0, 0x84, 0x80),
        (0xCF, 0xEF, 0x84, 0x80),
        (0xD3, 0xF3, 0x94, 0x90),
        (0xA0, 0xA4, 0xA4, 0xA0),
    ],
)
def test_class_bytes_on_the_wire_and_in_a_mac(cla, sent, in_mac, bare):
    assert (protected_class(cla), mac_class(cla), bare_class(cla)) == (sent, in_mac, bare)
    assert (mac_class(sent), bare_class(sent)) == (in_mac, bare)


@pytest.mark.parametrize("cla", [0x04, 0x08, 0x0C, 0x84, 0x8F, 0x60, 0x6F, 0xE0, 0xFF])
def test_a_protected_command_is_not_protected_again(cla):
    with pytest.raises(EncodingError, match=f"CLA {cla:02X}: the command is protected already"):
        protected_class(cla)
