"""Writing an output file: whole or not at all, the same bytes each time, with its digest in the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.crypto.pack import Value
from cardkit.crypto.wrap import Wrapping
from cardkit.errors import ProfileError, RecordError, StoreError
from cardkit.production.output.cells import Wrap, Writer, writer
from cardkit.production.output.forms import columns_in_order, form_of
from cardkit.production.output.openpgp import Envelope
from cardkit.production.output.source import Ended, ended, order_header
from cardkit.production.output.template import CHIP_ID, REASON, ROW_NO, STATUS, OutputTemplate
from cardkit.production.people.approval import Kind, Subject, require_approved
from cardkit.production.people.roles import Step
from cardkit.production.report.atomic import replacing_bytes
from cardkit.production.store import Batch, Store
from cardkit.production.store import reading as counting
from cardkit.production.store.audit import OFFICE, Event
from cardkit.profile.layout import HEADER_KEYS, HeaderLines
from cardkit.profile.rowreader import bound_to
from cardkit.profile.rows import HEADER_TIME

UNFINISHED = ("READY", "LEASED", "BOUND", "IN_DOUBT", "REJECTED")
LAST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Written:
    """An output file.

    :param rows: of the file.  :param counts: rows by state.  :param left: records whose way has not ended.
    :param sha256: of the file before it was encrypted, 32 bytes.
    :param hash_total: of the template's field, None where it declares none.
    """

    batch: str
    path: Path
    rows: int
    counts: Mapping[str, int]
    left: int
    sha256: bytes
    hash_total: int | None


def write_output(  # noqa: PLR0913  (two are named, and have defaults)
    store: Store,
    batch: str,
    template: OutputTemplate,
    keystore: KeyStore,
    path: Path,
    *,
    partial: bool = False,
    envelope: Envelope | None = None,
) -> Written:
    """Write a batch's output file.

    :param template: for the profile the batch was imported with.
    :param keystore: has the transport keys ``output:NAME-INDEX``.
    :param partial: whether records may be left whose way has not ended.
    :param envelope: signs and encrypts the whole file.
    :raises StoreError: where records are left, or the file cannot be written, or not be encrypted.
    :raises RecordError: where a value does not fit the template, or secrets would leave in clear for a LIVE order.
    :raises KeyStoreError: where a transport key is missing, or does not wrap such a value.
    """
    store.presence.require(Step.OUTPUT, (store.operator,))
    lot, profile = store.batch(batch), template.profile
    if lot.profile_sha256 != profile.sha256:
        raise ProfileError(f"{profile.path}: not the profile batch {batch} was imported with, or changed since")
    if store.terms.kind == "LIVE":
        with store.reading() as connection:
            require_approved(connection, Subject(Kind.PROFILE, f"{profile.name}/{template.path.stem}", template.sha256))
    counts = counting.counts(store, lot)
    left = sum(counts[state] for state in UNFINISHED)
    if left and not partial:
        raise StoreError(f"batch {batch}: {left} records are not at their end yet; a part of a batch must be asked for")
    file = _File(store, lot, template, keystore)
    digest = hashlib.sha256()
    with replacing_bytes(path, private=True) as stream:
        with nullcontext(stream) if envelope is None else envelope.around(stream) as plain:
            for piece in file.pieces({state: counts[state] for state in template.states}):
                digest.update(piece)
                plain.write(piece)
        _audit(store, file, digest.digest(), envelope)
    return Written(batch, path, file.rows, file.counts, left, digest.digest(), file.hash_total)


def _audit(store: Store, file: _File, sha256: bytes, envelope: Envelope | None) -> None:
    template = file.template
    data = {
        "batch": file.lot.name,
        "template": template.layout.name or template.path.name,
        "template_sha256": template.sha256.hex(),
        "rows": file.rows,
        "sha256": sha256.hex(),
    }
    if envelope is not None:
        data |= {"recipient": envelope.recipient, "signer": envelope.signer}
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("OUTPUT", store.operator, data))


class _File:
    """One output file being written."""

    def __init__(self, store: Store, lot: Batch, template: OutputTemplate, keystore: KeyStore) -> None:
        self._store = store
        self.lot = lot
        self._profile = template.profile
        self.template = template
        self._layout = template.layout
        self._keystore = keystore
        self._vault = store.vault.batch(lot.name)
        self._identity = ""
        self._order = order_header(store, lot)
        self._header = self._header_texts()
        self._writers = [(column.name, self._writer(column.name)) for column in columns_in_order(self._layout)]
        self.rows = 0
        self.hash_total = None if self._layout.totals.hash is None else 0
        self.counts: dict[str, int] = dict.fromkeys(template.states, 0)

    def pieces(self, counts: Mapping[str, int]) -> Iterator[bytes]:
        """Yield the file's bytes.

        :param counts: of the records that will be written, by state.
        """
        form, quantity = form_of(self._layout), sum(counts.values())
        header = self._counted_header(quantity)
        hashed = self._layout.totals.hash
        yield self._encoded(form.head(header, quantity), start=True)
        for item in ended(self._store, self.lot, self._profile.record, self.template.states):
            try:
                cells = self._cells(item)
                line = form.row(cells)
            except RecordError as error:
                where = f"batch {self.lot.name}: row {item.record.row_no}"
                raise RecordError(f"{where}: {error}", code=error.code) from None
            if hashed is not None and self.hash_total is not None:
                self.hash_total += int(str(item.record[hashed.field])[-LAST_DIGITS:])
            self.rows += 1
            self.counts[item.state] += 1
            yield self._encoded(line)
        if self.rows != quantity:
            raise StoreError(f"batch {self.lot.name}: cards were made while the file was written; write it again")
        yield self._encoded(form.foot(self._totals()))

    def _cells(self, item: Ended) -> list[str]:
        known: dict[str, Value] = {
            STATUS: self.template.states[item.state],
            CHIP_ID: item.chip_id,
            REASON: item.reason,
            ROW_NO: item.record.row_no,
        }
        values = known | dict(item.record)
        if self._layout.identity is not None:
            self._identity = str(values[self._layout.identity])
        return [
            write(values[name] if name in values else self.template.rules[name].value or "")
            for name, write in self._writers
        ]

    def _writer(self, name: str) -> Writer:
        rule = self.template.rules[name]
        if not rule.transport:
            return writer(name, rule, None)
        place, _, source = rule.transport.partition(".")
        reference = rule.transport
        if place == "header":
            index = self._header[source]
            if index in (None, "0"):
                if self._profile.kind == "LIVE" and rule.is_secret:
                    raise RecordError(
                        f"{name}: the order has no {source}: no secret leaves in clear", code="KEY_INDEX_ZERO"
                    )
                return writer(name, rule, None)
            reference = f"output:{source}-{index}"
        self._keystore.find(reference)
        order = self._header.get("batch")
        wrap = Wrap(
            self._keystore,
            reference,
            rule.wrap or Wrapping.AES_KW,
            lambda: bound_to(order, name, self._identity),
            self._vault.nonce,
        )
        return writer(name, rule, wrap)

    def _header_texts(self) -> dict[str, str | None]:
        known = {
            "batch": self.lot.name,
            "timestamp": counting.created_at(self._store, self.lot).strftime(HEADER_TIME),
            "product": self.lot.profile,
            "quantity": "",
        }
        lines = self._layout.header
        if not isinstance(lines, HeaderLines):
            return {}
        texts = {name: self._order.get(name, known.get(name)) for name in lines.fields}
        for name, text in texts.items():
            if text is None and name in HEADER_KEYS and name not in lines.optional:
                texts[name] = "0"
            elif text is None and name not in lines.optional:
                raise RecordError(
                    f"batch {self.lot.name}: its order says no {name}, the template has it", code="HEADER"
                )
        return texts

    def _counted_header(self, quantity: int) -> dict[str, str | None]:
        place, _, name = (self._layout.totals.count or "").partition(".")
        counted = {"quantity": str(quantity), **({name: str(quantity)} if place == "header" else {})}
        return {key: counted.get(key, text) for key, text in self._header.items()}

    def _totals(self) -> dict[str, int]:
        trailer, totals = self._layout.trailer, self._layout.totals
        values = {totals.count: self.rows, totals.hash.of if totals.hash else None: self.hash_total or 0}
        return {name: values[f"trailer.{name}"] for name in (trailer.fields if trailer else ())}

    def _encoded(self, text: str, *, start: bool = False) -> bytes:
        encoding = self._layout.encoding
        mark = start and encoding in ("utf-8-sig", "utf-16")
        plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
        try:
            return (("\ufeff" if mark else "") + text).encode(plain)
        except UnicodeEncodeError:
            raise RecordError(
                f"batch {self.lot.name}: line {self.rows}: a character that {encoding} does not have", code="ENCODING"
            ) from None
