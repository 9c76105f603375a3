"""From the words of a command line to one record of an order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import RecordError
from cardkit.profile import Order, Profile, Record, load_profile, read_order


@dataclass(frozen=True, slots=True)
class Job:
    """A profile, the order file read with its layout, and the keys both may use."""

    profile: Profile
    order: Order
    order_path: Path
    keystore: KeyStore

    def record(self, row_no: int) -> Record:
        """Return the record of one row.

        :param row_no: counted from 1, quarantined rows included.
        :raises RecordError: if the row is bad or not there.
        """
        for record in self.order.records:
            if record.row_no == row_no:
                return record
        for bad in self.order.quarantined:
            if bad.row_no == row_no:
                raise RecordError(f"{self.order_path}:{bad.line}: {bad.field}: {bad.message}", code=bad.code)
        raise RecordError(
            f"{self.order_path}: record {row_no} asked for, the order has {self.order.rows}", code="COUNT"
        )


def open_job(profile: str, order_path: Path) -> Job:
    """Load a profile and read an order with it."""
    loaded = load_profile(profile)
    keystore = loaded.test_keystore()
    return Job(loaded, read_order(loaded, order_path, keystore), order_path, keystore)
