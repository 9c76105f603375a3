"""Transaction MACs of every kind of command, made by the virtual card and checked here."""

from __future__ import annotations

import pytest

from cardkit.apps.desfire import commands
from cardkit.apps.desfire.commands import Op
from cardkit.apps.desfire.settings import AccessRights, DataBody, FileType, RecordBody, ValueBody
from cardkit.apps.desfire.transactions import TransactionInput
from cardkit.channel.native import Framing
from cardkit.crypto.desfire import DesfireKey, KeyKind
from cardkit.errors import AuthenticationError, ConditionsError, EncodingError
from cardkit.secure.desfire import Authentication, Mode
from tests.unit.desfire.test_native import make_file, prepared

KEY = DesfireKey(bytes(range(0x30, 0x40)), "transaction MAC", KeyKind.AES, 3)
FULL, MAC = Mode.FULL, Mode.MAC
NEVER = 0xF

TRANSACTIONS = {
    "credit": [commands.change_value(Op.CREDIT, 1, 5, FULL)],
    "debit and credit": [commands.change_value(Op.DEBIT, 1, 5, FULL), commands.change_value(Op.CREDIT, 1, 7, FULL)],
    "write": [commands.write_data(2, 3, b"abc", FULL)],
    "read and write": [commands.read_data(2, 0, 16, FULL), commands.write_data(2, 3, bytes(21), FULL)],
    "record": [commands.write_record(3, 0, b"abc" * 6, MAC)],
    "clear": [commands.inform(Op.CLEAR_RECORDS, b"\3", 0)],
    "value and credit": [commands.get_value(1, FULL), commands.change_value(Op.CREDIT, 1, 1, FULL)],
}


def card(both):
    client, _ = prepared("desfire-ev2", Framing.WRAPPED, Authentication.EV2, KeyKind.AES)
    make_file(client, 1, FileType.VALUE, Op.CREATE_VALUE, ValueBody(0, 1000, 0, 1), FULL)
    make_file(client, 2, FileType.BACKUP, Op.CREATE_BACKUP, DataBody(40), FULL)
    make_file(client, 3, FileType.LINEAR, Op.CREATE_LINEAR, RecordBody(20, 4, 0), MAC)
    rights = AccessRights(0, NEVER, both, 0)
    client.send(commands.create_transaction_mac(4, 0, rights, 2, KEY), "CreateTransactionMACFile")
    return client


def committed(client, wanted):
    collected = TransactionInput()
    for command in wanted:
        collected.add(command, client.send(command, "transaction"))
    return collected, client.send(commands.commit(with_mac=True), "CommitTransaction")


@pytest.mark.parametrize("wanted", TRANSACTIONS.values(), ids=TRANSACTIONS)
def test_the_mac_of_a_transaction(wanted):
    client = card(NEVER)
    uid = client.uid()
    if wanted[0].op == Op.CLEAR_RECORDS:
        committed(client, TRANSACTIONS["record"])
    collected, answer = committed(client, wanted)
    counter = collected.check(KEY, uid, answer)
    assert counter == (2 if wanted[0].op == Op.CLEAR_RECORDS else 1)


def test_a_reader_that_does_not_name_itself_commits_nothing():
    client = card(0)
    with pytest.raises(ConditionsError):
        committed(client, TRANSACTIONS["credit"])


@pytest.mark.parametrize("place", [0, 4, 11])
def test_another_counter_or_mac_is_refused(place):
    client = card(NEVER)
    uid = client.uid()
    collected, answer = committed(client, TRANSACTIONS["write"])
    changed = bytearray(answer)
    changed[place] ^= 3
    with pytest.raises(AuthenticationError, match="MAC is wrong"):
        collected.check(KEY, uid, bytes(changed))
    with pytest.raises(AuthenticationError):
        TransactionInput().check(KEY, uid, answer)
    with pytest.raises(EncodingError, match="11 bytes"):
        collected.check(KEY, uid, answer[:-1])
