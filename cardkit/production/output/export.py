"""The output files of a customer's order: one for each batch, encrypted to the order's recipient and signed. D6"""

from __future__ import annotations

from pathlib import Path

from cardkit.crypto import KeyStore
from cardkit.errors import ProfileError, StoreError
from cardkit.production.output.openpgp import Envelope
from cardkit.production.output.template import OutputTemplate
from cardkit.production.output.write import Written, write_output
from cardkit.production.store.orderbook import CustomerOrder, NewOrder
from cardkit.production.store.store import Store


def export_order(  # noqa: PLR0913  (two are named, and have defaults)
    store: Store,
    order: CustomerOrder,
    template: OutputTemplate,
    keystore: KeyStore,
    folder: Path,
    *,
    partial: bool = False,
    gpg_home: Path | None = None,
) -> list[Written]:
    """Write the output file of each batch of an order, ``BATCH.out.gpg``; ``BATCH.out`` where it names no recipient.

    :param folder: is made.  :param partial: whether records may be left whose way has not ended.
    :param gpg_home: folder of ``gpg`` with the plant's and the customer's key.
    :raises ProfileError: of a LIVE store, where the template has no count.
    :raises StoreError: of a LIVE store, where the order names no recipient; else as :func:`write_output`.
    """
    envelope = _envelope(order.terms, gpg_home)
    if store.terms.kind == "LIVE":
        if envelope is None:
            raise StoreError(f"order {order.terms.name}: names no recipient: nothing leaves a LIVE store in clear")
        if template.layout.totals.count is None:
            raise ProfileError(f"{template.path}: a LIVE output file has the count of its rows in header or trailer")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made: {error.strerror}") from None
    suffix = "out" if envelope is None else "out.gpg"
    return [
        write_output(store, batch, template, keystore, folder / f"{batch}.{suffix}", partial=partial, envelope=envelope)
        for batch, _ in order.batches
    ]


def _envelope(terms: NewOrder, home: Path | None) -> Envelope | None:
    if terms.recipient is None or terms.signer is None:
        return None
    return Envelope(terms.recipient, terms.signer, home)
