"""Whole dialogues and signatures of others: PACE of Doc 9303-11 App. G.1, active and terminal authentication."""

import pytest

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.active_auth import check_signature, recovered_message
from cardkit.apps.emrtd.bac import open_by_bac
from cardkit.apps.emrtd.client import DocumentClient
from cardkit.apps.emrtd.groups import parse_dg15
from cardkit.apps.emrtd.pace import Password, PasswordKind, offers, open_by_pace
from cardkit.apps.emrtd.securityinfos import SecurityInfos
from cardkit.channel import Channel
from cardkit.crypto.groups import standardized_group
from cardkit.crypto.secret import Secret
from cardkit.encoding import tlv
from cardkit.errors import AuthenticationError
from cardkit.transport.loopback import LoopbackConnection

from .vectors import entries, entry, named


class Recorded:
    """A chip that has its answers from a book, and takes the commands of the book only."""

    def __init__(self, exchanges: list[list[str]]) -> None:
        self.left = list(exchanges)

    def atr(self) -> bytes:
        return bytes.fromhex("3B8180018080")

    def power(self, cold: bool) -> None:
        assert cold

    def transmit(self, command: bytes) -> bytes:
        expected, answer = self.left.pop(0)
        assert command.hex().upper() == expected
        return bytes.fromhex(answer)


def feeding(*values: bytes):
    """Return a random source with known values, each as long as is asked for."""
    left = list(values)

    def random(size: int) -> bytes:
        value = left.pop(0)
        return bytes(size - len(value)) + value

    return random


def scalar(value: str) -> bytes:
    """Return the random bytes that make a private key: one less, as the key is made."""
    return (int(value, 16) - 1).to_bytes(32)


def test_pace_is_byte_for_byte_the_dialogue_of_the_worked_example() -> None:
    given, wanted = entry("pace", "G.1")
    chip = Recorded(wanted["apdus"])
    channel = Channel(LoopbackConnection(chip))
    (offer,) = offers(SecurityInfos.parse(tlv.build(0x31, bytes.fromhex(given["pace_info"]))))
    password = Password(PasswordKind.MRZ, Secret(given["mrz_information"].encode(), "MRZ"))
    random = feeding(scalar(given["pcd_mapping_private"]), scalar(given["pcd_private"]))
    session = open_by_pace(DocumentClient(channel), offer, password, random)
    assert chip.left == []
    assert session.chip_id.hex().upper() == given["picc_public"][2:66]
    assert session.mapping_key.hex().upper() == given["picc_mapping_public"]
    with session.keys.enc.reveal() as enc, session.keys.mac.reveal() as mac:
        assert (enc.hex().upper(), mac.hex().upper()) == (wanted["ks_enc"], wanted["ks_mac"])


def test_bac_and_reading_are_byte_for_byte_the_worked_example() -> None:
    information, _ = entry("kdf", "D.2")
    given, wanted = entry("bac", "D.3")
    _, read = entry("bac", "D.4")
    exchanges = [
        ["0084000008", given["rnd_ic"] + "9000"],
        [wanted["command"], given["response"] + "9000"],
        *read["apdus"],
    ]
    chip = Recorded(exchanges)
    channel = Channel(LoopbackConnection(chip))
    random = feeding(bytes.fromhex(given["k_ifd"]), bytes.fromhex(given["rnd_ifd"]))
    open_by_bac(DocumentClient(channel), Secret(information["mrz_information"].encode(), "MRZ"), random)
    select, header, rest = (CommandAPDU.parse(bytes.fromhex(text)) for text in entry("bac", "D.4")[0]["commands"])
    assert channel.require(select) == b""
    assert (channel.require(header) + channel.require(rest)).hex().upper() == read["plain"]


@pytest.mark.parametrize("case", entries("aa", "ISO 9796-2"), ids=named)
def test_messages_are_recovered(case: dict[str, dict[str, str]]) -> None:
    block, challenge = bytes.fromhex(case["in"]["f"]), bytes.fromhex(case["in"]["rnd_ifd"])
    message, name = recovered_message(block, challenge)
    assert (message.hex().upper(), name) == (case["out"]["m1"], case["out"]["hash"])
    for at in range(len(block)):
        with pytest.raises(AuthenticationError):
            recovered_message(block[:at] + bytes((block[at] ^ 0x40,)) + block[at + 1 :], challenge)


@pytest.mark.parametrize("case", [case for case in entries("aa") if "signature" in case["in"]], ids=named)
def test_signatures_of_openssl(case: dict[str, dict[str, str]]) -> None:
    given, wanted = case["in"], case["out"]
    key = parse_dg15(bytes.fromhex(given["dg15"]))
    info = given.get("dg14_active_authentication_info")
    infos = SecurityInfos.parse(tlv.build(0x31, bytes.fromhex(info))) if info else None
    challenge, signature = bytes.fromhex(given["rnd_ifd"]), bytes.fromhex(given["signature"])
    if not wanted["valid"]:
        with pytest.raises(AuthenticationError, match="our challenge"):
            check_signature(key, infos, challenge, signature)
        return
    evidence = check_signature(key, infos, challenge, signature)
    assert evidence.hash == wanted.get("hash", "sha256")
    assert evidence.recovered.hex().upper() == wanted.get("m1", "")
    assert evidence.plain is ("finding" not in wanted)
    for bad in (signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * len(signature), b""):
        with pytest.raises(AuthenticationError):
            check_signature(key, infos, challenge, bad)


@pytest.mark.parametrize("case", entries("eac", "terminal authentication"), ids=named)
def test_short_forms_of_keys_that_terminals_sign(case: dict[str, dict[str, str]]) -> None:
    given, wanted = case["in"], case["out"]
    group = standardized_group(13 if "(ECDH)" in str(case["name"]) else 0)
    short = [
        group.compressed(bytes.fromhex(given[name])) for name in ("id_picc_from_pace_public", "pcd_ephemeral_public")
    ]
    assert [value.hex().upper() for value in short] == [wanted["comp_picc"], wanted["comp_pcd"]]
    signed = short[0] + bytes.fromhex(given["r_picc"]) + short[1]
    assert signed.hex().upper() == wanted["signed_data"]
