"""Changes of backup, value and record files that nobody has committed (sheet 3.9, 3.16)."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class PendingValue:
    """A value file in a transaction.

    :ivar debits: sum of all debits.  :ivar refunded: a limited credit was made.
    """

    value: int
    debits: int = 0
    refunded: bool = False


@dataclass(slots=True)
class PendingRecords:
    """A record file in a transaction.

    :ivar record: the new one, once it was written.  :ivar cleared: all committed records go.
    :ivar updates: changed records, by their number counted back from the newest.
    """

    record: bytes = b""
    cleared: bool = False
    updates: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Transaction:
    """All of one transaction, by file number.

    :ivar backups: the whole content of backup files.
    :ivar reader: the reader ID and what CommitReaderID answered.  :ivar input: what the transaction MAC is over.
    """

    backups: dict[int, bytes] = field(default_factory=dict)
    values: dict[int, PendingValue] = field(default_factory=dict)
    records: dict[int, PendingRecords] = field(default_factory=dict)
    reader: tuple[bytes, bytes] | None = None
    input: bytearray = field(default_factory=bytearray)

    @property
    def changes(self) -> bool:
        """Is there anything to commit?"""
        return bool(self.backups or self.values or self.records)
