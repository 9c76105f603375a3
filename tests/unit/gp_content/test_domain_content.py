"""Loading, installing, deleting and locking on the virtual card, and cards that only say they did."""

from __future__ import annotations

import pytest

from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.cap import CapFile, Package, digest
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.domain_content import Delegation, Linked
from cardkit.apps.gp.install import (
    Install,
    for_extradition,
    for_install,
    for_load,
    for_make_selectable,
    for_registry_update,
)
from cardkit.apps.gp.load import LoadFile
from cardkit.apps.gp.tags import CardState, Privilege, Privileges, StatusKind, parse_status
from cardkit.crypto import MemoryKeyStore
from cardkit.errors import (
    ConditionsError,
    DataError,
    EncodingError,
    MemoryFullError,
    NotFoundError,
    ProfileError,
    ProtocolError,
)
from cardkit.transport.base import Connection

from .capfiles import APPLET, FRAMEWORK, PACKAGE, archive, components, imports
from .conftest import NOT_LISTED, Open, listed, scripted

SAMPLE_PACKAGE, SAMPLE_MODULE = bytes.fromhex("F05647414C"), bytes.fromhex("F05647414C01")
INSTANCE = bytes.fromhex("F05647414C0101")
NO_PRIVILEGES = Privileges()


def sample(instance: bytes = INSTANCE, privileges: Privileges = NO_PRIVILEGES, *, selectable: bool = True) -> Install:
    return for_install((SAMPLE_PACKAGE, SAMPLE_MODULE), instance, privileges, selectable=selectable)


class Counting:
    """A connection that counts commands."""

    def __init__(self, inner: Connection) -> None:
        self.inner = inner
        self.instructions: list[int] = []
        self.atr, self.reader, self.protocol = inner.atr, inner.reader, inner.protocol

    def transmit(self, command: bytes) -> bytes:
        self.instructions.append(command[1])
        return self.inner.transmit(command)


# Loading


def test_a_cap_file_is_loaded_and_listed(card: Open) -> None:
    cap = CapFile.parse(archive(components(3000)))
    links = content.check_loadable(card.domain, cap)
    assert links == [(Package(FRAMEWORK, 1, 3), Linked.PLATFORM)]
    assert content.load(card.domain, cap.package.aid, LoadFile(cap.load_file_data_block())) is None
    (entry,) = card.domain.status(StatusKind.MODULES, PACKAGE)
    assert (entry.aid, entry.modules) == (PACKAGE, (APPLET,))
    with pytest.raises(ProfileError, match="it is on the card already"):
        content.check_loadable(card.domain, cap)
    with pytest.raises((DataError, ConditionsError)):
        content.load(card.domain, cap.package.aid, LoadFile(cap.load_file_data_block()))


def test_a_hash_that_is_right_and_one_that_is_wrong(card: Open) -> None:
    block = CapFile.parse(archive(components())).load_file_data_block()
    wrong = for_load(PACKAGE, digest=bytes(32))
    with pytest.raises((DataError, ConditionsError)):
        content.load(card.domain, PACKAGE, LoadFile(block), announce=wrong)
    assert content.find_entry(card.domain, StatusKind.LOAD_FILES, PACKAGE) is None
    right = for_load(PACKAGE, digest=digest(block))
    content.load(card.domain, PACKAGE, LoadFile(block), announce=right)
    assert content.find_entry(card.domain, StatusKind.LOAD_FILES, PACKAGE) is not None


def test_20_kb_load_in_at_most_110_percent_of_the_apdus_they_need(card: Open) -> None:
    cap = CapFile.parse(archive(components(20_480)))
    load_file = LoadFile(cap.load_file_data_block())
    # 255 less the MAC of 8 bytes, whole cipher blocks, less one byte of padding; and INSTALL before them.
    room = 239
    minimum = 1 + -(-(len(cap.load_file_data_block()) + 4) // room)
    counting = Counting(card.channel.connection)
    card.channel._transmit = counting.transmit
    content.check_loadable(card.domain, cap)
    content.load(card.domain, cap.package.aid, load_file)
    assert len(load_file.build()) == len(cap.load_file_data_block()) + 4
    assert counting.instructions.count(0xE8) == minimum - 1
    assert len(counting.instructions) <= 1.10 * minimum


def test_a_card_that_refuses_a_block_gets_no_further_one() -> None:
    domain, card = scripted("009000", "009000", "6A84")
    with pytest.raises(MemoryFullError, match="LOAD D276000085494A434F, block 01"):
        content.load(domain, PACKAGE, LoadFile(bytes(1000)))
    assert len(card.sent) == 4
    assert card.answers == []


def test_a_load_file_that_is_not_listed_afterwards() -> None:
    domain, _ = scripted("009000", "009000", NOT_LISTED)
    with pytest.raises(ProtocolError, match="9000 and does not list it"):
        content.load(domain, PACKAGE, LoadFile(bytes(10)))


def test_imports_are_compared_with_what_the_card_lists() -> None:
    library = bytes.fromhex("D27600008501")
    packages = [
        Package(FRAMEWORK, 1, 4), Package(library, 1, 2), Package(PACKAGE, 1, 0), Package(library + b"\1", 2, 0),
        Package(bytes.fromhex("A00000015100"), 1, 0), Package(library + b"\2", 1, 0),
    ]  # fmt: skip
    versions = {FRAMEWORK: "CE020103", library: "CE020102", library + b"\1": "CE020105", library + b"\2": ""}
    page = "".join(listed(aid.hex(), more=version).removesuffix("9000") for aid, version in versions.items())
    entries = parse_status(bytes.fromhex(page), StatusKind.LOAD_FILES)
    assert [link for _, link in content.check_imports(packages, entries)] == [
        Linked.OLDER, Linked.PRESENT, Linked.MISSING, Linked.OLDER, Linked.PLATFORM, Linked.PRESENT,
    ]  # fmt: skip


def test_a_cap_file_whose_imports_are_missing_is_not_loaded() -> None:
    domain, card = scripted(NOT_LISTED)
    cap = CapFile.parse(archive(components() | {"Import": imports((APPLET, 1, 0))}))
    with pytest.raises(ProfileError, match=r"the card lacks D276000085494A434F01 1\.0 \(missing\)"):
        content.check_loadable(domain, cap)
    assert len(card.sent) == 2


# Installing


def test_install_make_selectable_and_delete(card: Open) -> None:
    content.install(card.domain, sample(selectable=False))
    assert content.require_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE).state == "INSTALLED"
    content.install(card.domain, for_make_selectable(INSTANCE))
    assert content.require_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE).state == "SELECTABLE"
    lifecycle.delete(card.domain, Delete(INSTANCE))
    assert content.find_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE) is None


def test_load_and_install_in_one_sequence(card: Open) -> None:
    block = CapFile.parse(archive(components())).load_file_data_block()
    announce = for_load(PACKAGE, digest=digest(block))
    installation = for_install((PACKAGE, APPLET), APPLET, NO_PRIVILEGES)
    content.load_and_install(card.domain, LoadFile(block), announce, installation)
    entry = content.require_entry(card.domain, StatusKind.APPLICATIONS, APPLET)
    assert (entry.state, entry.load_file) == ("SELECTABLE", PACKAGE)


def test_privileges_that_contradict_each_other_are_not_sent() -> None:
    domain, card = scripted()
    both = Privileges.of([Privilege.SECURITY_DOMAIN, Privilege.AUTHORIZED_MANAGEMENT, Privilege.DELEGATED_MANAGEMENT])
    with pytest.raises(ProfileError, match="DELEGATED_MANAGEMENT"):
        content.install(domain, sample(privileges=both))
    assert len(card.sent) == 1


@pytest.mark.parametrize(("selectable", "state"), [(True, 0x03), (False, 0x07)])
def test_an_application_in_another_state_than_it_was_given(selectable: bool, state: int) -> None:
    domain, _ = scripted("009000", listed(INSTANCE.hex(), state))
    with pytest.raises(ProtocolError, match="its state is"):
        content.install(domain, sample(selectable=selectable))


def test_privileges_change_by_registry_update(card: Open) -> None:
    content.install(card.domain, sample())
    trusted = Privileges.of([Privilege.TRUSTED_PATH])
    content.install(card.domain, for_registry_update(INSTANCE, privileges=trusted))
    assert content.require_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE).privileges == trusted


def test_an_application_that_still_belongs_to_its_old_domain() -> None:
    old, new = "A000000151000000", bytes.fromhex("A0000001515350")
    domain, _ = scripted("009000", listed(INSTANCE.hex(), more=f"CC08{old}"))
    with pytest.raises(ProtocolError, match=f"it belongs to {old}"):
        content.install(domain, for_extradition(new, INSTANCE))


# Delegated management


def test_a_command_gets_its_token_and_its_receipt_is_checked(keystore: MemoryKeyStore) -> None:
    command = for_load(PACKAGE, digest=bytes(32))
    confirmation = bytes.fromhex("020007" + "04AABBCCDD")
    fields = bytes((len(PACKAGE),)) + PACKAGE + bytes.fromhex("08A000000151000000")
    receipt = keystore.sign_content("test:content", confirmation + fields)
    answer = bytes((len(receipt),)) + receipt + confirmation
    delegation = Delegation(keystore, token="test:content", receipt="test:content", after=6)
    domain, card = scripted("009000", answer.hex() + "9000", listed(PACKAGE.hex(), 0x01))
    received = content.load(domain, PACKAGE, LoadFile(bytes(10)), announce=command, delegation=delegation)
    assert received is not None
    assert received.counter == 7
    token = keystore.sign_content("test:content", command.signed_data)
    assert card.sent[1].endswith(f"10{token.hex().upper()}00")


def test_a_missing_receipt_is_no_success(keystore: MemoryKeyStore) -> None:
    domain, _ = scripted("009000")
    with pytest.raises(ProtocolError, match="the card gave none"):
        lifecycle.delete(domain, Delete(INSTANCE), delegation=Delegation(keystore, receipt="test:content"))


def test_the_token_of_load_and_install_stands_in_the_last_command(keystore: MemoryKeyStore) -> None:
    domain, card = scripted("009000", "009000", "009000", listed(APPLET.hex()))
    installation = for_install((PACKAGE, APPLET), APPLET, NO_PRIVILEGES)
    delegation = Delegation(keystore, token="test:content")
    content.load_and_install(domain, LoadFile(bytes(9)), for_load(PACKAGE), installation, delegation=delegation)
    first, last = (bytes.fromhex(card.sent[place]) for place in (1, 3))
    assert (first[:4].hex(), first[-2:].hex(), last[:4].hex()) == ("80e60e01", "0000", "80e60e03")
    # Of both: P1, P2, length and data without the token (C.4.7); the first has an empty one, the last one of 16 bytes.
    bare = (first[5:-2], last[5:-18])
    signed = b"".join(end[2:4] + bytes([len(data)]) + data for end, data in zip((first, last), bare, strict=True))
    assert last[-18:-1] == b"\x10" + keystore.sign_content("test:content", signed)


# Deleting


def test_what_a_deletion_takes_with_it(card: Open) -> None:
    for number in (1, 2):
        content.install(card.domain, sample(INSTANCE + bytes([number])))
    goes = lifecycle.what_goes(card.domain, SAMPLE_PACKAGE, related=True)
    assert [entry.aid for entry in goes] == [SAMPLE_PACKAGE, INSTANCE + b"\1", INSTANCE + b"\2"]
    assert [entry.aid for entry in lifecycle.what_goes(card.domain, INSTANCE + b"\1")] == [INSTANCE + b"\1"]
    with pytest.raises(ConditionsError):
        lifecycle.delete(card.domain, Delete(SAMPLE_PACKAGE))
    lifecycle.delete(card.domain, Delete(SAMPLE_PACKAGE, related=True))
    with pytest.raises(NotFoundError, match="no such entry"):
        lifecycle.what_goes(card.domain, INSTANCE + b"\2")


def test_something_deleted_that_is_still_listed() -> None:
    domain, card = scripted("009000", listed(INSTANCE.hex()))
    with pytest.raises(ProtocolError, match="9000 and still lists it"):
        lifecycle.delete(domain, Delete(INSTANCE))
    assert len(card.sent) == 3


# Life cycles


def test_lock_and_unlock_keep_the_state(card: Open) -> None:
    content.install(card.domain, sample())
    lifecycle.set_lock(card.domain, INSTANCE, locked=True)
    assert content.require_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE).state == "LOCKED (was SELECTABLE)"
    lifecycle.set_lock(card.domain, INSTANCE, locked=False)
    assert content.require_entry(card.domain, StatusKind.APPLICATIONS, INSTANCE).state == "SELECTABLE"


def test_a_lock_that_did_not_take() -> None:
    domain, _ = scripted("9000", listed(INSTANCE.hex(), 0x07))
    with pytest.raises(ProtocolError, match="lock F05647414C0101: the card answered 9000, its state is SELECTABLE"):
        lifecycle.set_lock(domain, INSTANCE, locked=True)


def test_the_card_goes_to_secured_by_every_step(card: Open) -> None:
    assert lifecycle.card_state(card.domain) is CardState.OP_READY
    assert lifecycle.set_card_state(card.domain, CardState.SECURED) == (CardState.INITIALIZED, CardState.SECURED)
    assert lifecycle.set_card_state(card.domain, CardState.SECURED) == ()
    with pytest.raises(EncodingError, match="no way leads"):
        lifecycle.set_card_state(card.domain, CardState.INITIALIZED)
    with pytest.raises(ProfileError, match="called for as irreversible"):
        lifecycle.set_card_state(card.domain, CardState.CARD_LOCKED)
    assert lifecycle.set_card_state(card.domain, CardState.CARD_LOCKED, irreversible=True) == (CardState.CARD_LOCKED,)
    assert lifecycle.set_card_state(card.domain, CardState.SECURED) == (CardState.SECURED,)


def test_a_terminated_card_is_not_asked_again(card: Open) -> None:
    with pytest.raises(ProfileError):
        lifecycle.set_card_state(card.domain, CardState.TERMINATED)
    steps = lifecycle.set_card_state(card.domain, CardState.TERMINATED, irreversible=True)
    assert steps == (CardState.TERMINATED,)


@pytest.mark.parametrize("page", [listed("A000000151000000", 0x01), listed("A000000151000000", 0x02), NOT_LISTED])
def test_a_card_that_shows_another_life_cycle_than_it_was_given(page: str) -> None:
    domain, _ = scripted(listed("A000000151000000", 0x01), "9000", page)
    with pytest.raises(ProtocolError, match=r"its state is OP_READY|card life cycle state 02|0 entries"):
        lifecycle.set_card_state(domain, CardState.INITIALIZED)


def test_an_application_state_the_card_did_not_take() -> None:
    domain, _ = scripted("9000", listed(INSTANCE.hex(), 0x07))
    with pytest.raises(ProtocolError, match="its state is SELECTABLE"):
        lifecycle.set_application_state(domain, INSTANCE, 0x0F)


def test_a_domain_without_a_session_cannot_encrypt() -> None:
    domain, _ = scripted()
    with pytest.raises(ProfileError, match="need an open session"):
        domain.dek()
