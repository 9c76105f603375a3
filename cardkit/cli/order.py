"""From the words of a command line to one record of an order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cardkit.cli.keys_option import named_keys
from cardkit.crypto.keysource import OpenKeyStore
from cardkit.errors import CardkitError, RecordError
from cardkit.perso import check_keys
from cardkit.production.couplers.bench import open_keys
from cardkit.profile import Order, Profile, Record, load_profile, read_order


@dataclass(frozen=True, slots=True)
class Job:
    """A profile, the order file read with its layout, and the keys both may use.

    :param keystore: open; a ``with`` block closes it.
    """

    profile: Profile
    order: Order
    order_path: Path
    keystore: OpenKeyStore

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


def open_job(profile: str, order_path: Path, keys_url: str = "", descriptor: int | None = None) -> Job:
    """Load a profile, open its keys and read an order with both.

    :param keys_url: key store; the profile's test keys where it is empty.  :param descriptor: where what opens it
        comes from; None asks at the terminal.
    :raises KeyStoreError: when it does not open, is of another kind than the profile, or lacks a key.
    """
    loaded = load_profile(profile)
    with named_keys(keys_url, descriptor) as keys:
        keystore = open_keys(loaded, keys)
    try:
        check_keys(loaded, keystore)
        return Job(loaded, read_order(loaded, order_path, keystore), order_path, keystore)
    except CardkitError:
        keystore.close()
        raise
