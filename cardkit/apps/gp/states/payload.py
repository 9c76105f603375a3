"""Data fields that depend on card and record: keys and secret values under a session's DEK."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cardkit.apdu import CommandAPDU
from cardkit.apps.gp.dgi_keys import LoadedKey, key_groupings
from cardkit.apps.gp.putkey import KeyData, put_key, symmetric_key
from cardkit.apps.gp.states.keysets import KeySet
from cardkit.apps.gp.states.product import Application, Domain, Product, Value
from cardkit.apps.gp.storedata import Encryption, Grouping, Packing, Structure, ciphered, cut, pack, store_commands
from cardkit.crypto.mac import pad80
from cardkit.crypto.secret import joined
from cardkit.desired import Content, Step
from cardkit.encoding import tlv
from cardkit.errors import EncodingError
from cardkit.secure.dek import Dek

# Usage qualifiers of ENC, MAC and DEK, and of keys for another purpose (GPCS 11.1.9).
CHANNEL_USAGES = (b"\x38", b"\x34", b"\x48")
USAGES = {"dap": b"\x84", "token": b"\x81", "receipt": b"\x44", "ota": b"\x38"}

KEYS, DOMAIN_KEYS, DATA, OBJECTS = "keys", "keys of domain", "data", "objects"


class Payload:
    """Makes the commands of one session whose data fields are not the same for every card.

    :param contents: by name.  :param kdd_of: gives what a key set is diversified with.  :param size: bytes of data a
        command can carry.  :param dek: what encrypts keys and secret values.
    """

    def __init__(
        self,
        product: Product,
        contents: Mapping[str, Content],
        kdd_of: Callable[[KeySet], bytes],
        size: int,
        dek: Callable[[], Dek],
    ) -> None:
        self._product = product
        self._contents = contents
        self._kdd_of = kdd_of
        self._size = size
        self._dek = dek

    def of_steps(self, steps: Sequence[Step]) -> list[CommandAPDU]:
        """Return the commands of planned steps, whole."""
        made: dict[str, list[CommandAPDU]] = {}
        commands = []
        for step in steps:
            if not step.content:
                commands.append(step.command)
                continue
            if step.content not in made:
                made[step.content] = self.commands(step.content)
            commands.append(made[step.content][step.span[0] if step.span else 0])
        return commands

    def commands(self, content: str) -> list[CommandAPDU]:
        """Return the commands of one content: ``keys KVN 30``, ``data AID``, ``objects 42+45``."""
        kind, _, name = content.partition(": ")
        if kind == KEYS:
            keys = next(item for item in self._product.keys if item.name == name)
            return [put_key(keys.kvn, keys.kid, self.key_data(keys), replaces=keys.replaces)]
        if kind == DOMAIN_KEYS:
            return self._domain_keys(next(item for item in self._product.domains if item.aid.hex().upper() == name))
        if kind == DATA:
            return self._data(next(item for item in self._product.applications if item.aid.hex().upper() == name))
        return self._objects(name.split("+"))

    def key_data(self, keys: KeySet) -> tuple[KeyData, ...]:
        """Return the keys of a set as PUT KEY takes them."""
        dek, bare = self._dek(), self._product.chip.quirks.put_key_bare_aes
        return tuple(symmetric_key(dek.wrap(key), bare=bare) for key in keys.card_keys(self._kdd_of(keys)))

    def _domain_keys(self, domain: Domain) -> list[CommandAPDU]:
        loaded = [item for keys in domain.keys for item in self._loaded(keys)]
        return store_commands(pack(key_groupings(loaded), self._size), table=self._product.p1_table)

    def _loaded(self, keys: KeySet) -> list[LoadedKey]:
        usages = CHANNEL_USAGES if keys.opens_channel else (USAGES[keys.purpose],)
        wrapped = [self._dek().wrap(key) for key in keys.card_keys(self._kdd_of(keys))]
        return [
            LoadedKey(kid, keys.kvn, item, usage) for kid, item, usage in zip(keys.kids, wrapped, usages, strict=True)
        ]

    def _data(self, application: Application) -> list[CommandAPDU]:
        groupings = [self._grouping(value) for value in application.data]
        blocks = pack(groupings, self._size, packing=Packing(self._product.chip.packing))
        return store_commands(blocks, table=self._product.p1_table, p1=application.single_p1)

    def _grouping(self, value: Value) -> Grouping:
        if value.keys:
            return Grouping(value.tag, self._dek().wrap_all(value.keys), secret=True, plain=False)
        if value.pin is not None:
            return Grouping(value.tag, self._dek().wrap_pin(value.pin), secret=True, plain=False)
        (grouping,) = ciphered((Grouping(value.tag, self._value(value), secret=value.secret),), self._dek().encrypt)
        return grouping

    def _value(self, value: Value) -> bytes:
        clear = joined(self._contents[value.name])
        if value.pad:
            clear = pad80(clear, self._product.parameters.block_size)
        if len(clear) != value.size:
            raise EncodingError(f"{value.name}: got {len(clear)} bytes, expected {value.size}")
        return clear

    def _objects(self, names: list[str]) -> list[CommandAPDU]:
        tags = {value.name: value.tag for value in (*self._product.objects, *self._domain_objects())}
        body = b"".join(tlv.build(tags[name], joined(self._contents[name])) for name in names)
        blocks = cut(body, self._size, Structure.BER, Encryption.NONE)
        return store_commands(blocks, table=self._product.p1_table)

    def _domain_objects(self) -> list[Value]:
        return [value for domain in self._product.domains for value in domain.objects]
