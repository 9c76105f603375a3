"""Transaction MACs: what a card signs of everything done up to a commit, and the check of it (transport sheet 3.10).

Which parts of a command enter is a table, as no free specification says (unverified).
"""

from __future__ import annotations

import hmac

from cardkit.apps.desfire.commands import LONG_FORMS, TMV_BYTES, Op
from cardkit.crypto.desfire import BlockKey, DesfireKey, transaction_mac_keys, truncated
from cardkit.errors import AuthenticationError, EncodingError
from cardkit.secure.desfire import NativeCommand

COUNTER_BYTES = 4
_BLOCK = 16
_SHORT_FORMS = {long: short for short, long in LONG_FORMS.items()}
# Header and plain data, each filled up with zeros; of the others, header and data joined.
_WITH_DATA = frozenset((Op.READ_DATA, Op.WRITE_DATA, Op.READ_RECORDS, Op.WRITE_RECORD, Op.UPDATE_RECORD))
_JOINED = frozenset((Op.CREDIT, Op.DEBIT, Op.LIMITED_CREDIT, Op.CLEAR_RECORDS))


class TransactionInput:
    """TMI: collects the commands of a transaction in the order they are sent."""

    def __init__(self) -> None:
        self._collected = b""

    def add(self, command: NativeCommand, answer: bytes = b"") -> None:
        """Add a command that succeeded.  :param answer: what a reading command brought."""
        op = _SHORT_FORMS.get(command.op, command.op)
        plain = command.in_clear()
        if op in _WITH_DATA:
            size = len(command.header)
            self._collected += _filled(bytes((command.op,)) + plain[:size]) + _filled(plain[size:] or answer)
        elif op in _JOINED:
            self._collected += _filled(bytes((command.op,)) + plain)
        elif op == Op.COMMIT_READER_ID:
            self._collected += _filled(bytes((command.op,)) + plain + answer)

    def value(self, key: DesfireKey, counter: int, uid: bytes) -> bytes:
        """Return TMV, 8 bytes.

        :param key: AppTransactionMACKey.  :param counter: TMC before the commit.  :param uid: 7 bytes.
        """
        mac_key, _ = transaction_mac_keys(key, counter, uid)
        return truncated(BlockKey(mac_key).cmac(self._collected))

    def check(self, key: DesfireKey, uid: bytes, committed: bytes) -> int:
        """Check the answer to a commit and return the counter in it.

        :param committed: TMC and TMV, 12 bytes.  :raises EncodingError: on another length.
        :raises AuthenticationError: when the MAC is wrong.
        """
        if len(committed) != COUNTER_BYTES + TMV_BYTES:
            raise EncodingError(f"TMC and TMV: {len(committed)} bytes, expected {COUNTER_BYTES + TMV_BYTES}")
        counter = int.from_bytes(committed[:COUNTER_BYTES], "little")
        if not counter or not hmac.compare_digest(self.value(key, counter - 1, uid), committed[COUNTER_BYTES:]):
            raise AuthenticationError(f"transaction {counter}: its MAC is wrong")
        return counter


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)
