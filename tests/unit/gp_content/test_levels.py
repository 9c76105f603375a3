"""Every command at every level: protection changes nothing of what a command does (sheet 20, defect 8 of a peer)."""

from __future__ import annotations

import pytest

from cardkit.apps.gp import domain_content as content
from cardkit.apps.gp import domain_data as data
from cardkit.apps.gp import domain_keys as keys
from cardkit.apps.gp import domain_lifecycle as lifecycle
from cardkit.apps.gp.cap import CapFile
from cardkit.apps.gp.delete import Delete
from cardkit.apps.gp.domain_keys import KeyChange
from cardkit.apps.gp.install import for_install, for_registry_update
from cardkit.apps.gp.install_parameters import InstallParameters
from cardkit.apps.gp.load import LoadFile
from cardkit.apps.gp.storedata import Grouping
from cardkit.apps.gp.tags import CardState, Privilege, Privileges, StatusKind
from cardkit.crypto import MemoryKeyStore
from cardkit.errors import CardError
from cardkit.secure.levels import SecurityLevel

from .capfiles import PACKAGE, archive, components
from .conftest import opened
from .test_domain_content import INSTANCE, SAMPLE_MODULE, SAMPLE_PACKAGE, sample
from .test_domain_keys import proof, same_kind

LEVELS = [("gp-scp02", 0x01), ("gp-scp02", 0x03), *[("gp-scp03", level) for level in (0x01, 0x03, 0x11, 0x13, 0x33)]]


@pytest.mark.parametrize(("image", "level"), LEVELS, ids=[f"{image}-{level:02X}" for image, level in LEVELS])
def test_every_command_at_every_level(image: str, level: int, keystore: MemoryKeyStore) -> None:
    with opened(keystore, image, SecurityLevel(level)) as card:
        domain = card.domain
        block = CapFile.parse(archive(components(600))).load_file_data_block()
        content.load(domain, PACKAGE, LoadFile(block))
        # Longer than one command: INSTALL goes out in segments under one MAC.
        parameters = InstallParameters(bytes(number % 256 for number in range(300))).build()
        command = for_install((SAMPLE_PACKAGE, SAMPLE_MODULE), INSTANCE, Privileges(), parameters=parameters)
        content.install(domain, command)
        groupings = [Grouping(0x0101, bytes(400)), Grouping(0x8000, bytes(32), secret=True)]
        data.store(domain, data.groupings_commands(domain, groupings), INSTANCE)
        lifecycle.set_lock(domain, INSTANCE, locked=True)
        lifecycle.delete(domain, Delete(INSTANCE))
        lifecycle.set_card_state(domain, CardState.INITIALIZED)
        ready = keys.prepare(domain, keystore, KeyChange(same_kind(card), live=False))
        proven = keys.rotate(domain, card.channel, keystore, ready, proof(level))
        assert lifecycle.card_state(proven) is CardState.INITIALIZED


def test_a_restriction_of_the_card_cannot_be_taken_back(keystore: MemoryKeyStore) -> None:
    with opened(keystore, "gp-scp03", SecurityLevel(0x01)) as card:
        forbidden = InstallParameters(restrict=b"\x04").build()
        content.install(card.domain, for_registry_update(b"", parameters=forbidden))
        with pytest.raises(CardError):
            content.install(card.domain, sample())


def test_a_privilege_that_only_one_application_has_moves(keystore: MemoryKeyStore) -> None:
    with opened(keystore, "gp-scp03", SecurityLevel(0x01)) as card:
        reset = Privileges.of([Privilege.CARD_RESET])
        content.install(card.domain, sample(privileges=reset))
        (issuer,) = card.domain.status(StatusKind.ISD)
        assert issuer.privileges is not None
        assert Privilege.CARD_RESET not in issuer.privileges
