"""One card at a desk, without a store: a folder keeps what a second run needs to finish the first.

The folder holds a data key, the sealed random values of each record, and a journal of every bind, intent and verdict.
A record bound to one chip is refused on any other, as the store would.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cardkit.crypto import Key, KeyStore, Usage
from cardkit.crypto.cell import CellAddress, CellCipher
from cardkit.crypto.datakey import derive, load_or_create
from cardkit.crypto.digest import dup_digest
from cardkit.desired import BindEvent, DoneEvent, Event, IntentEvent, UnknownEvent
from cardkit.errors import FencedError, StoreError
from cardkit.perso import Prepared, prepare
from cardkit.production.journal import Journal, journal_files, read_journal
from cardkit.profile import Profile, Record

SCHEMA = 1


class WorkFolder:
    """What is known of one record in a work folder; a context manager while its card is made.

    :param folder: made if it is not there.
    """

    def __init__(self, folder: Path, profile: Profile, record: Record) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{folder}: cannot be made: {error.strerror}") from None
        self.folder = folder
        self._profile = profile
        self._record = record
        self._master = load_or_create(folder / "key")
        self._id = self._identity()
        self._journal: Journal | None = None
        self._chip, self._verdict = self._history()

    @property
    def bound(self) -> bool:
        """Whether a chip may already carry this record's data."""
        return self._chip is not None

    def prepared(self, keystore: KeyStore) -> Prepared:
        """Return the record's random values: those of an earlier run, or new ones, sealed before they are used.

        :raises KeyStoreError: if the folder's key does not open them.
        """
        kept = self.kept()
        if kept is not None:
            return kept
        made = prepare(self._profile, self._record, keystore, secrets.token_bytes)
        draft = self._sealed.with_suffix(".new")
        draft.write_bytes(self._cells.seal(self._place, made.to_bytes(), secrets.token_bytes(12)))
        draft.replace(self._sealed)
        return made

    def kept(self) -> Prepared | None:
        """Return the record's random values of an earlier run, None where there was none.

        :raises KeyStoreError: if the folder's key does not open them.
        """
        if not self._sealed.exists():
            return None
        return Prepared.from_bytes(self._cells.open(self._place, self._sealed.read_bytes()))

    @property
    def _sealed(self) -> Path:
        return self.folder / f"{self._id}.prepared"

    @property
    def _cells(self) -> CellCipher:
        return CellCipher(self._key("cells", "AES-256", Usage.FIELD_ENC))

    @property
    def _place(self) -> CellAddress:
        return CellAddress("desk", self._profile.name, self._record.row_no, "prepared", SCHEMA)

    def event(self, event: Event) -> None:
        """Make an event of the card's run durable.

        :raises FencedError: on a bind to another chip than the one the journal names.
        """
        match event:
            case BindEvent():
                self._check_chip(event.chip_id)
                self._write({"event": "bind", "chip": event.chip_id, "key": event.key_ref, "tries": event.tries})
            case IntentEvent():
                self._write({"event": "intent", "step": event.step, "key": event.key_ref, "tries": event.tries})
            case UnknownEvent():
                self._write({"event": "unknown", "step": event.step, "error": event.error})
            case DoneEvent():
                self._write({"event": "done", "verdict": event.verdict, "evidence": event.evidence_sha256.hex()})

    def __enter__(self) -> Self:
        if self._verdict == "GOOD":
            raise FencedError(
                f"record {self._record.row_no} is on chip {self._chip} and good, says {self.folder}; nothing written"
            )
        number = sum(1 for _ in journal_files(self.folder)) + 1
        self._journal = Journal(self.folder / f"{number:06}.journal", {"record": self._id})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._journal is not None:
            self._journal.close()

    def _write(self, entry: dict[str, Any]) -> None:
        if self._journal is None:
            raise StoreError(f"{self.folder}: journal is closed")
        self._journal.append({**entry, "record": self._id})
        self._journal.sync()

    def _check_chip(self, chip_id: str) -> None:
        if self._chip not in (None, chip_id):
            raise FencedError(
                f"record {self._record.row_no} is bound to chip {self._chip}, this is chip {chip_id}; nothing written"
            )

    def _history(self) -> tuple[str | None, str | None]:
        """Return the chip this record was bound to and the verdict, each None where there is none."""
        chip = verdict = None
        for path in journal_files(self.folder):
            for entry in read_journal(path).entries:
                if entry.get("record") != self._id:
                    continue
                chip = entry.get("chip", chip)
                verdict = entry.get("verdict", verdict)
        return chip, verdict

    def _key(self, purpose: str, algorithm: str, usage: Usage) -> Key:
        return derive(self._master, f"desk-{purpose}", algorithm, usage)

    def _identity(self) -> str:
        """Name the record by a keyed digest of its business keys, so that no file tells whose card it is."""
        keys = self._record.business_keys()
        value = "|".join(f"{kind}={keys[kind]}" for kind in sorted(keys)) or f"row={self._record.row_no}"
        digest = dup_digest(self._key("names", "HMAC-256", Usage.DUP_DIGEST), self._profile.name, value)
        return digest[:12].hex()
