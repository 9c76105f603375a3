"""Unit I: chip authentication by MSE:SET KAT (3DES) and by GENERAL AUTHENTICATE (AES)."""

from __future__ import annotations

import secrets

from cardkit.apdu import CommandAPDU
from cardkit.apps.emrtd.chip_auth import ChipKey, chip_keys
from cardkit.apps.emrtd.lds import FILES
from cardkit.apps.emrtd.oids import Cipher
from cardkit.apps.emrtd.pace import ALGORITHMS
from cardkit.crypto.documentkeys import messaging_keys
from cardkit.crypto.groups import KeyPair
from cardkit.encoding import der, tlv
from cardkit.errors import CardError
from cardkit.secure.icao import IcaoSession
from tests.hostile.icao.access import Bench
from tests.hostile.icao.cases import Case, is_fine
from tests.hostile.icao.pace import border_pair, changed_key
from tests.hostile.icao.terminals import LINK, NEXT_OWN, NEXT_VERIFIER, authenticate
from tests.unit.emrtd.passport import Document

READ = CommandAPDU(0x00, 0xB0, 0x9E, 0x00, ne=1)
UNKNOWN = 77


def run_chip(case: Case, document: Document) -> str:
    """Return why a document does not pass; empty where it does."""
    bench = Bench(document)
    session = "without a BAC" not in case.purpose
    if session:
        bench.open_pace(application=True) if document.pace else bench.open_bac()
    else:
        bench.client.select_application()
    key = chip_keys(document.infos())[0]
    pair = (
        border_pair(key.group, case.purpose)
        if "coordinate" in case.purpose
        else key.group.key_pair(secrets.token_bytes)
    )
    words = _exchange(bench, case, key, pair)
    said = " ".join(f"{word:04X}" for word in words)
    if not session or "sent plain" in case.purpose:
        return f"{said}: expected an error" if all(map(is_fine, words)) else ""
    if "old session keys" in case.purpose:
        return f"{said}, and the old keys are still good" if is_fine(bench.inside(READ)) else ""
    if case.refusing:
        alive = is_fine(bench.inside(READ))
        if all(map(is_fine, words)):
            return f"{said}: expected an error"
        return "" if alive or not case.steps[-1].words else f"{said}, and the old session is gone"
    if not all(map(is_fine, words)):
        return f"{said}: expected 9000"
    bench.channel.secure = IcaoSession(messaging_keys(pair.agree(key.public), ALGORITHMS[key.info.cipher]))
    return "" if is_fine(bench.inside(READ)) else f"{said}, and the new keys are not in force"


def _exchange(bench: Bench, case: Case, key: ChipKey, pair: KeyPair) -> list[int]:
    """Return the status words of the protocol's commands."""
    purpose = case.purpose
    change = changed_key(purpose)
    public = change(key.group, pair.public) if change else pair.public
    number = UNKNOWN if "unknown private key" in purpose else key.info.key_id
    reference = b"" if number is None else tlv.build(0x84, bytes((number,)))
    wrong = "wrong data object tag" in purpose
    if key.info.cipher is Cipher.TDES:
        commands = [CommandAPDU(0x00, 0x22, 0x41, 0xA6, tlv.build(0x92 if wrong else 0x91, public) + reference)]
    else:
        environment = tlv.build(0x80, der.oid(key.info.oid)[2:]) + reference
        step = tlv.build(0x7C, tlv.build(0x81 if wrong else 0x80, public))
        commands = [
            CommandAPDU(0x00, 0x22, 0x41, 0xA4, environment),
            CommandAPDU(0x00, 0x86, 0x00, 0x00, step, 256),
        ]
    if "sent plain" in purpose or bench.client.session is None:
        return [bench.plain(command).sw for command in commands]
    return [bench.inside(command) for command in commands]


def run_migration(_case: Case, document: Document) -> str:
    """Go over to a CVCA with P-384 and SHA-384 by its link, then come with its certificates alone: for good."""
    bench = Bench(document)
    for chain in ((LINK, NEXT_VERIFIER, NEXT_OWN), (NEXT_VERIFIER, NEXT_OWN)):
        bench.channel.secure = None
        bench.channel.reset(cold=True)
        bench.open_pace(application=True)
        try:
            authenticate(bench.client, bench.document, bench.chip_id, chain, "p384-3")
            bench.client.read(FILES["EF.DG3"])
        except CardError as error:
            return str(error)
    return ""
