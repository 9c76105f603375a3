"""All data of one card: directories and applications, prepared from a record of the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardkit.apps.emv.prepare.application import Workshop, prepare_application
from cardkit.apps.emv.prepare.checking import check_application
from cardkit.apps.emv.prepare.directory import ppse_data, pse_data
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder, holder_of
from cardkit.apps.emv.prepare.tracks import track_objects, tracks_of
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.crypto import KeyStore

_RID_BYTES = 5


def holder_in(product: PaymentProduct, values: Mapping[str, Any]) -> Holder:
    """Return whose card it is.

    :param values: of the whole block, resolved.  :raises EncodingError: naming the column that is wrong.
    """
    return holder_of(values["holder"], product.block.issuer.iins)


def prepare_card(
    product: PaymentProduct, values: Mapping[str, Any], keystore: KeyStore, rng: Callable[[int], bytes]
) -> list[ApplicationData]:
    """Prepare the data of every directory and application, and check what was made.

    :param values: of the whole block, resolved for this card.  :param rng: size -> random bytes.
    :raises EncodingError: when a value does not fit.  :raises KeyStoreError: when a key is missing.
    """
    block, chip = product.block, product.chip
    holder = holder_in(product, values)
    objects = {**holder.objects(), **track_objects(tracks_of(block.tracks, holder, keystore), holder)}
    made = []
    if block.pse is not None:
        made.append(pse_data(block.pse, product.contact, chip))
    if block.ppse is not None:
        made.append(ppse_data(product.contactless, chip))
    for item, own in zip(block.applications, values["applications"], strict=True):
        issuer = product.issuers.get(bytes.fromhex(item.aid)[:_RID_BYTES])
        if issuer is not None:
            issuer.check_key(keystore)
            issuer.check(holder)
        shop = Workshop(chip, holder, objects, issuer, keystore, rng)
        data = prepare_application(item, own, shop)
        check_application(data, chip.groupings, holder, issuer)
        made.append(data)
    return made
