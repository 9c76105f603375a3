"""The data of one card as GlobalPlatform takes them: values by name, and the product that has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cardkit.apps.emv.prepare.application import card_keys
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.apps.gp.states.product import Application, Value
from cardkit.apps.gp.states.product import Product as GpProduct
from cardkit.crypto.pinblock import BLOCK_BYTES, EncipheredPin, format_2
from cardkit.crypto.secret import Secret
from cardkit.desired import Content
from cardkit.errors import ProfileError

_KEY_BYTES = 16


def with_data(product: PaymentProduct, holder: Holder, data: Mapping[bytes, ApplicationData]) -> GpProduct:
    """Return the card the applications stand on, with the data of one card.

    :param data: by AID.  :raises ProfileError: when prepared values are not those of this chip's groupings.
    """
    applications = tuple(
        _with_data(product, item, holder, data[item.aid]) if item.aid in data else item
        for item in product.gp.applications
    )
    return replace(product.gp, applications=applications)


def contents_of(
    product: PaymentProduct, holder: Holder, data: Mapping[bytes, ApplicationData]
) -> Iterator[tuple[str, Content]]:
    """Yield the contents of groupings by the names :func:`with_data` gave them; keys, hidden PINs are in the store."""
    pin = int(product.chip.groupings.pin, 16)
    for aid, item in data.items():
        for tag, value in item.clear.items():
            yield _name(aid, tag), value
        for tag, part in item.secret.items():
            yield _name(aid, tag), (part,)
        if isinstance(holder.pin, Secret) and product.application(aid) is not None:
            yield _name(aid, pin), (format_2(holder.pin),)


def _with_data(product: PaymentProduct, item: Application, holder: Holder, data: ApplicationData) -> Application:
    secret = tuple(_secret(product, item, holder, data))
    clear = tuple(Value(_name(item.aid, tag), tag, len(value), len(value)) for tag, value in data.clear.items())
    if not clear:
        raise ProfileError(f"prepared values of {item.block.aid}: no groupings")
    return replace(item, data=_in_order((*secret, *clear), product.chip.groupings.order))


def _in_order(values: tuple[Value, ...], order: tuple[str, ...]) -> tuple[Value, ...]:
    """Return values as the chip wants them: those it names first, in its order."""
    places = {int(name, 16): place for place, name in enumerate(order)}
    return tuple(sorted(values, key=lambda value: places.get(value.tag, len(places))))


def _secret(product: PaymentProduct, item: Application, holder: Holder, data: ApplicationData) -> Iterator[Value]:
    """Yield what goes under the DEK: the card's RSA key, its symmetric keys, its PIN."""
    block, names = product.gp.parameters.block_size, product.chip.groupings
    payment = product.application(item.aid)
    for tag, part in data.secret.items():
        yield _padded(_name(item.aid, tag), tag, len(part), block)
    if payment is None:
        return
    keys = card_keys(payment.keys, holder)
    tag, size = int(names.keys, 16), _KEY_BYTES * len(keys)
    yield Value(_name(item.aid, tag), tag, size, size, secret=True, keys=keys)
    if holder.pin is not None:
        value = _padded(_name(item.aid, int(names.pin, 16)), int(names.pin, 16), BLOCK_BYTES, block)
        yield replace(value, pin=holder.pin) if isinstance(holder.pin, EncipheredPin) else value


def _padded(name: str, tag: int, size: int, block: int) -> Value:
    """Return a secret value, filled up with 80 00.. where it is no whole number of cipher blocks."""
    pad = bool(size % block)
    return Value(name, tag, size // block * block + block if pad else size, size, secret=True, pad=pad)


def _name(aid: bytes, tag: int) -> str:
    return f"{aid.hex().upper()}#{tag:04X}"
