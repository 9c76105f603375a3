"""Key store files to test with: cheap to open, at a known time."""

from datetime import UTC, date, datetime

from cardkit.crypto import Secret, Usage
from cardkit.crypto.filestore import FileKeyStore
from cardkit.crypto.management import NewKey

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
VALUE = bytes.fromhex("9A1C5F7703E2D4B86C21F0A97E3344D1")
GP_KEY = bytes(range(0x40, 0x50))
NEW = NewKey("plant:kmc", "AES-128", Usage.MASTER_DERIVE, "acme", 0x30, not_after=date(2027, 12, 31), custodian="ann")


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def phrase(text="correct horse"):
    return Secret(text.encode(), "passphrase")


def new_store(folder, kind="TEST", **options):
    return FileKeyStore.create(folder / "a.keys", kind, phrase(), clock=Clock(), **options)


def reopened(folder, clock=None):
    return FileKeyStore.open(folder / "a.keys", phrase(), clock=clock or Clock())
