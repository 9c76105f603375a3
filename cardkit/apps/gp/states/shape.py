"""How many STORE DATA commands a content needs and how long they are, before its values are known."""

from __future__ import annotations

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.dgi_keys import LoadedKey, key_groupings
from cardkit.apps.gp.states.payload import CHANNEL_USAGES, USAGES
from cardkit.apps.gp.states.product import Application, Domain, Product, Value
from cardkit.apps.gp.storedata import Encryption, Grouping, Packing, Structure, cut, pack, store_commands
from cardkit.crypto.cardkeys import WrappedCardKey
from cardkit.encoding import tlv


def of_data(product: Product, application: Application, size: int) -> list[CommandAPDU]:
    """Return the commands of an application's data, their values zeros.

    :param size: bytes of data a command can carry.  :raises EncodingError: when they are too many.
    """
    groupings = [Grouping(item.tag, bytes(item.size), item.secret, plain=False) for item in application.data]
    blocks = pack(groupings, size, packing=Packing(product.chip.packing))
    return store_commands(blocks, table=product.p1_table, p1=application.single_p1)


def of_domain_keys(product: Product, domain: Domain, size: int) -> list[CommandAPDU]:
    """Return the commands that bring a security domain its keys."""
    block = product.parameters.block_size
    loaded = [
        LoadedKey(
            kid,
            keys.kvn,
            WrappedCardKey(keys.algorithm, keys.size_bytes, bytes(keys.wrapped_bytes(block)), bytes(3)),
            usage,
        )
        for keys in domain.keys
        for kid, usage in zip(keys.kids, CHANNEL_USAGES if keys.opens_channel else (USAGES[keys.purpose],), strict=True)
    ]
    return store_commands(pack(key_groupings(loaded), size), table=product.p1_table)


def of_objects(product: Product, objects: tuple[Value, ...], size: int) -> list[CommandAPDU]:
    """Return the commands that write data objects of a security domain."""
    body = b"".join(tlv.build(item.tag, bytes(item.size)) for item in objects)
    return store_commands(cut(body, size, Structure.BER, Encryption.NONE), table=product.p1_table)
