"""INSTALL, DELETE, SET STATUS, LOAD: bytes against vectors of other implementations, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp import install
from cardkit.apps.gp.dap import DapBlock
from cardkit.apps.gp.delete import Delete, delete_keys
from cardkit.apps.gp.install_parameters import InstallParameters, implicit_selection, token_template
from cardkit.apps.gp.lifecycle import LOCK, Scope, card_steps, set_status
from cardkit.apps.gp.load import LoadFile, load_block, load_blocks
from cardkit.apps.gp.tags.lifecycle import CardState
from cardkit.apps.gp.tags.privileges import Privileges
from cardkit.encoding.length import read_length
from cardkit.errors import EncodingError

from .vectors import named

COMMANDS = "gp_commands.json"
AID = bytes.fromhex("A000000151535041")


def apdu(name: str) -> tuple[dict[str, Any], bytes]:
    vector = named(COMMANDS, name)
    return vector["in"], bytes.fromhex(vector["out"]["apdu"])


def raw(values: dict[str, Any], *names: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(values[name]) for name in names)


@pytest.mark.parametrize("name", ["apdu-install-for-install", "apdu-install-for-install-make-selectable"])
def test_install_for_install(name: str) -> None:
    values, expected = apdu(name)
    elf, module, app, privileges, parameters, token = raw(
        values, "elf", "module", "app", "privileges", "parameters", "token"
    )
    command = install.for_install(
        (elf, module), app, Privileges.parse(privileges), parameters=parameters, selectable=values["selectable"]
    )
    assert command.with_token(token).command().encode() == expected


def test_install_for_extradition_and_its_token() -> None:
    values, expected = apdu("apdu-install-for-extradition")
    sd, app, parameters, token = raw(values, "sd", "app", "parameters", "token")
    assert token_template(provider=bytes.fromhex("0102")) == parameters
    command = install.for_extradition(sd, app, parameters=parameters).with_token(token)
    assert command.command().encode() == expected


def test_install_for_personalization() -> None:
    values, expected = apdu("apdu-install-for-personalization")
    assert install.for_personalization(bytes.fromhex(values["app"])).command().encode() == expected


def test_the_load_file_comes_before_the_security_domain() -> None:
    vector = named(COMMANDS, "gobalplatform-install-for-load-WRONG-ORDER")
    elf, sd = raw(vector["in"], "elf_aid", "sd_aid")
    command = install.for_load(elf, sd).command()
    assert command.data == bytes.fromhex(vector["out"]["data_per_clause"])
    assert command.encode()[:4].hex() == "80e60200"


def test_a_token_of_128_bytes_has_a_length_of_two_bytes() -> None:
    vector = named(COMMANDS, "install-for-load-lv-delegated")
    data, out = bytes.fromhex(vector["in"]["data"]), vector["out"]
    elf, sd, digest = raw(out, "elf_aid", "sd_aid", "hash")
    token = data[-out["token_length"] :]
    assert install.for_load(elf, sd, digest=digest).with_token(token).command().data == data


def test_installing_makes_selectable_and_gives_empty_application_data_unless_told_otherwise() -> None:
    command = install.for_install((AID, AID), AID, Privileges()).command()
    assert command.p1 == 0x0C
    assert command.data.hex().endswith("03000000" + "02c900" + "00")


def test_make_selectable_alone_leaves_load_file_and_module_empty() -> None:
    assert install.for_make_selectable(AID).command().encode().hex() == (
        "80e6080011" + "00" + "00" + "08" + AID.hex() + "03000000" + "00" + "00" + "00"
    )


def test_registry_update_of_privileges_and_of_the_open() -> None:
    update = install.for_registry_update(AID, domain=AID[:7], privileges=Privileges.of(["card reset"]))
    assert update.command().data.hex() == "07" + AID[:7].hex() + "00" + "08" + AID.hex() + "03040000" + "00" + "00"
    everyone = install.for_registry_update(b"", parameters=InstallParameters(restrict=b"\x02").build())
    assert everyone.command().data.hex() == "00" + "00" + "00" + "00" + "05ef03d90102" + "00"


def test_combined_load_and_install_differ_in_p2_only() -> None:
    first, last = install.combined(
        install.for_load(AID, digest=bytes(32)), install.for_install((AID, AID), AID, Privileges())
    )
    assert [(step.command().p1, step.command().p2) for step in (first, last)] == [(0x0E, 0x01), (0x0E, 0x03)]
    assert first.signed_data[:2].hex() + last.signed_data[:2].hex() == "0e010e03"
    with pytest.raises(EncodingError, match="expected LOAD and INSTALL"):
        install.combined(last, first)


def test_a_long_install_signs_a_length_of_three_bytes() -> None:
    long = install.for_install((AID, AID), AID, Privileges(), parameters=b"\xc9\x82\x01\x00" + bytes(256))
    assert long.signed_data[2:5] == b"\x00" + (len(long.signed_data) - 5).to_bytes(2, "big")
    assert long.command().nc == len(long.signed_data) - 5 + 1


@pytest.mark.parametrize("size", [0, 4, 17])
def test_an_aid_of_another_length_is_refused(size: int) -> None:
    for command in (install.for_load, install.for_personalization, install.for_make_selectable, Delete):
        with pytest.raises(EncodingError, match="expected 5 to 16"):
            command(bytes(size))


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(EncodingError, match="expected 20, 32, 48 or 64"):
        install.for_load(AID, digest=bytes(16))


@settings(max_examples=40)
@given(st.one_of(st.integers(0, 300), st.integers(65_530, 65_540)))
def test_length_value_is_read_back(size: int) -> None:
    value = bytes(size)
    coded = install.length_value(value)
    length, start = read_length(coded, 0)
    assert (length, coded[start:]) == (len(value), value)


# Parameters


def test_install_parameters() -> None:
    assert InstallParameters(b"").build().hex().upper() == named(COMMANDS, "install-params-empty")["out"]["value"]
    vector = named(COMMANDS, "install-params-quota-stk")
    values = vector["in"]
    parameters = InstallParameters(
        b"",
        nonvolatile_bytes=values["non_volatile_memory_quota"],
        volatile_bytes=values["volatile_memory_quota"],
        toolkit=bytes.fromhex(values["stk_parameter"]),
    )
    assert parameters.build().hex().upper() == vector["out"]["value"]


@pytest.mark.parametrize(
    ("size", "coded"), [(0, "c6020000"), (32767, "c6027fff"), (32768, "c60400008000"), (0x7FFFFFFF, "c6047fffffff")]
)
def test_memory_sizes_take_two_bytes_or_four(size: int, coded: str) -> None:
    assert InstallParameters(code_bytes=size).build().hex() == f"ef{len(coded) // 2:02x}{coded}"


@pytest.mark.parametrize("size", [-1, 0x80000000])
def test_a_memory_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(EncodingError, match="memory size C8"):
        InstallParameters(nonvolatile_bytes=size).build()


def test_every_parameter_has_its_place() -> None:
    parameters = InstallParameters(
        b"\xaa",
        reserved_volatile_bytes=1,
        reserved_nonvolatile_bytes=2,
        services=(b"\x80\x01", b"\x81\x02"),
        implicit=(implicit_selection(contact=True), implicit_selection(contactless=True, channel=2)),
        uicc=b"\x80\x00",
        template=token_template(provider=b"\x01", image=b"\x02", application_provider=b"\x03", token_id=b"\x04"),
    )
    assert parameters.build().hex() == (
        "c901aa" + "ef16" + "d7020001" + "d8020002" + "cb028001" + "cb028102" + "cf0140" + "cf0182"
        "ea028000" + "b60d" + "420101" + "450102" + "5f200103" + "930104"
    )  # fmt: skip


def test_implicit_selection_on_a_channel_there_is_not() -> None:
    with pytest.raises(EncodingError, match="logical channel 20"):
        implicit_selection(channel=20)


# DELETE


@pytest.mark.parametrize("name", ["apdu-delete", "apdu-delete-related"])
def test_delete(name: str) -> None:
    values, expected = apdu(name)
    assert Delete(bytes.fromhex(values["aid"]), related=values["related"]).command().encode() == expected


def test_delete_has_the_template_before_the_token() -> None:
    values, peer = apdu("apdu-delete-token-crt")
    template = token_template(provider=bytes.fromhex(values["sd_identification"]))
    command = Delete(bytes.fromhex(values["aid"]), values["related"], template)
    ours = command.with_token(bytes.fromhex(values["token"])).command().encode()
    token = bytes.fromhex("9E08" + values["token"])
    assert ours != peer  # the peer has them the other way round, against Table 11-23
    assert ours == peer.replace(token + template, template + token)


def test_delete_keys() -> None:
    values, expected = apdu("apdu-delete-key")
    assert delete_keys(kid=values["key_id"], kvn=values["kvn"]).encode() == expected
    assert delete_keys(kvn=0x30).data.hex() == "d20130"
    with pytest.raises(EncodingError, match="neither key identifier nor key version"):
        delete_keys()
    with pytest.raises(EncodingError, match="key version FF"):
        delete_keys(kvn=0xFF)


# SET STATUS


def test_set_status_of_the_card_has_neither_data_nor_le() -> None:
    values, peer = apdu("apdu-set-status-card")
    command = set_status(Scope(int(values["type"], 16)), int(values["state"], 16))
    assert command.encode() + b"\x00" == peer  # the peer appends Le; Table 11-85 has none


def test_set_status_of_an_application() -> None:
    assert set_status(Scope.APPLICATION, LOCK, AID).encode().hex() == "80f0408008" + AID.hex()
    with pytest.raises(EncodingError, match="expected 5 to 16"):
        set_status(Scope.DOMAIN_AND_APPLICATIONS, LOCK)
    with pytest.raises(EncodingError, match="expected none"):
        set_status(Scope.CARD, CardState.SECURED, AID)


def test_the_card_goes_one_step_at_a_time() -> None:
    assert card_steps(CardState.OP_READY, CardState.SECURED) == (CardState.INITIALIZED, CardState.SECURED)
    assert card_steps(CardState.CARD_LOCKED, CardState.SECURED) == (CardState.SECURED,)
    assert card_steps(CardState.INITIALIZED, CardState.TERMINATED) == (CardState.TERMINATED,)
    assert card_steps(CardState.SECURED, CardState.SECURED) == ()


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (CardState.SECURED, CardState.OP_READY),
        (CardState.INITIALIZED, CardState.OP_READY),
        (CardState.CARD_LOCKED, CardState.INITIALIZED),
        (CardState.TERMINATED, CardState.SECURED),
    ],
)
def test_no_way_leads_back(now: CardState, wanted: CardState) -> None:
    with pytest.raises(EncodingError, match=f"no way leads from {now.name} to {wanted.name}"):
        card_steps(now, wanted)


# LOAD


@pytest.mark.parametrize("name", ["apdu-load-block-3", "apdu-load-block-last"])
def test_load_block(name: str) -> None:
    values, expected = apdu(name)
    assert load_block(values["block"], bytes.fromhex(values["data"]), last=values["last"]).encode() == expected


def test_load_file_with_signatures_in_clear_and_ciphered() -> None:
    vector = named(COMMANDS, "load-file-structure")
    values, whole = vector["in"], bytes.fromhex(vector["out"]["value"])
    daps = tuple(DapBlock(bytes.fromhex(aid), bytes.fromhex(signature)) for aid, signature in values["dap"])
    lfdb, icv, ciphered = raw(values, "lfdb", "icv", "ciphered")
    clear = LoadFile(lfdb, daps)
    secret = LoadFile(ciphered, daps, ciphered=True, icv=icv)
    signatures = b"".join(dap.build() for dap in daps)
    assert clear.build() + secret.build().removeprefix(signatures) == whole
    assert LoadFile.parse(clear.build()) == clear
    assert LoadFile.parse(secret.build()) == secret


@pytest.mark.parametrize(
    "data", ["", "C40101C40102", "C40101E2094F050102030405C300", "D301AAC40101", "E200C40101", "C401"]
)
def test_a_load_file_of_another_order_is_refused(data: str) -> None:
    with pytest.raises(EncodingError):
        LoadFile.parse(bytes.fromhex(data))


def test_an_initial_value_needs_a_ciphered_block() -> None:
    with pytest.raises(EncodingError, match="belongs to a ciphered block"):
        LoadFile(b"\x01", icv=bytes(8)).build()


@settings(max_examples=40)
@given(st.integers(1, 3000), st.integers(1, 255))
def test_load_blocks_join_to_the_file_and_are_as_few_as_can_be(length: int, size: int) -> None:
    data = bytes(number % 251 for number in range(length))
    commands = list(load_blocks(data, size))
    assert b"".join(command.encode()[5:-1] for command in commands) == data
    assert len(commands) == (length + size - 1) // size
    assert [command.p2 for command in commands] == [number % 256 for number in range(len(commands))]
    assert [command.p1 for command in commands] == [0x00] * (len(commands) - 1) + [0x80]


def test_a_load_block_holds_something() -> None:
    with pytest.raises(EncodingError, match="LOAD block 0: got 0 bytes"):
        load_block(0, b"", last=True)


def test_every_command_ends_in_le_but_set_status() -> None:
    commands: list[CommandAPDU] = [
        install.for_load(AID).command(),
        Delete(AID).command(),
        delete_keys(kvn=1),
        load_block(0, b"\x00", last=True),
    ]
    assert {command.ne for command in commands} == {256}
    assert set_status(Scope.APPLICATION, LOCK, AID).ne == 0
