"""One product on one chip, checked once for every card of it, and one card's contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cardkit.apps.eid.algorithms import AGREEMENT, KEY_ALGORITHMS, SLOTS, KeyAlgorithm, Slot
from cardkit.apps.eid.certificates import read_issuer, serial_of, statement, term_of
from cardkit.apps.eid.fascn import FascN
from cardkit.apps.eid.objects import Capabilities, Chuid
from cardkit.apps.eid.schema import ChipBlock, EidBlock
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.names import Name
from cardkit.crypto import Secret
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.secret import joined
from cardkit.desired import Content
from cardkit.errors import EncodingError, ProfileError

PIN, PUK, MANAGEMENT = "PIN", "PUK", "management key"
CHUID, CAPABILITIES = "CHUID", "CCC"
_GUID, _CARD_ID = "GUID", "card identifier"
_NUMBER_BYTES = 16
_PUK_BYTES = 8
_PIN_LEAST, _PIN_MOST = 6, 8
_CARD_ID_HEAD = bytes.fromhex("A000000116FF02")  # of the general services administration, JavaCard (unverified)
_CARD_ID_RANDOM_BYTES = 14


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A slot and what is made in it."""

    slot: Slot
    algorithm: KeyAlgorithm

    @property
    def name(self) -> str:
        """Of the state: ``key 9A``."""
        return f"key {self.slot.name}"

    @property
    def certificate(self) -> str:
        """Of the state of its certificate, and of its content."""
        return f"certificate {self.slot.name}"

    @property
    def usage(self) -> int:
        """First byte of keyUsage of its certificate."""
        return self.slot.usage[1 if self.algorithm.curve else 0]

    @property
    def agrees(self) -> bool:
        """Whether its key is for agreements, and signs nothing."""
        return self.usage == AGREEMENT


@dataclass(frozen=True, slots=True)
class EidProduct:
    """All of it.

    :param issuer: certificate of who issues those of the cards.
    """

    block: EidBlock
    chip: ChipBlock
    keys: tuple[KeyPair, ...]
    issuer: Certificate

    @property
    def _numbers(self) -> tuple[str, ...]:
        return (_GUID, _CARD_ID, *(pair.certificate for pair in self.keys))

    def draw(self, rng: Callable[[int], bytes]) -> dict[str, Secret]:
        """Return the random numbers of a card and of its certificates, 16 bytes each, by name."""
        return {name: Secret(rng(_NUMBER_BYTES), name) for name in self._numbers}

    def numbers_in(self, values: Mapping[str, Secret]) -> dict[str, bytes]:
        """Return the numbers that were drawn.  :raises ProfileError: when they are of another product."""
        if set(values) != set(self._numbers) or any(len(value) != _NUMBER_BYTES for value in values.values()):
            raise ProfileError(f"prepared values: expected {_NUMBER_BYTES} bytes each of {', '.join(self._numbers)}")
        return {name: joined((value,)) for name, value in values.items()}


def build_product(block: EidBlock, chip: ChipBlock, attached: Mapping[str, bytes]) -> EidProduct:
    """Join a profile's block with its chip's.  :raises ProfileError, EncodingError: naming the entry that is wrong."""
    slots = [item.slot for item in block.keys]
    if not slots or len(set(slots)) != len(slots):
        raise ProfileError(f"eid.keys: slots {', '.join(slots) or 'none'}, expected one or more, each once")
    issuer = read_issuer(attached[block.issuer.certificate], "eid.issuer.certificate")
    pairs = tuple(KeyPair(SLOTS[item.slot], KEY_ALGORITHMS[item.algorithm]) for item in block.keys)
    return EidProduct(block, chip, pairs, issuer)


def fill(product: EidProduct, resolved: Mapping[str, Any], numbers: Mapping[str, bytes]) -> dict[str, Content]:
    """Return one card's contents: codes, objects, and what each certificate says besides its key.

    :param resolved: the profile's block for this record.  :param numbers: as :meth:`EidProduct.draw` drew them.
    :raises EncodingError: where a value does not fit.
    """
    term = term_of(resolved["validity"], "eid.validity")
    guid = _uuid(numbers[_GUID])
    chuid = Chuid.of(FascN(**resolved["fascn"]), guid, term.end.date())
    contents: dict[str, Content] = dict(_codes(product, resolved["codes"]))
    contents[CHUID] = chuid.build()
    contents[CAPABILITIES] = Capabilities.of(_CARD_ID_HEAD + numbers[_CARD_ID][:_CARD_ID_RANDOM_BYTES]).build()
    holder = resolved["holder"]
    subject = Name(holder["country"], holder["organization"], holder["unit"], holder["name"]).build()
    for pair in product.keys:
        contents[pair.certificate] = statement(serial_of(numbers[pair.certificate]), subject, term)
    return contents


def _uuid(rand: bytes) -> bytes:
    """Return a random UUID (RFC 4122 4.4), which every GUID is. SP 800-73-4 part 1, 3.4.1"""
    return rand[:6] + bytes((rand[6] & 0x0F | 0x40, rand[7], rand[8] & 0x3F | 0x80)) + rand[9:]


def _codes(product: EidProduct, codes: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    size = ALGORITHMS[product.block.codes.management_algorithm][0]
    wanted = ((PIN, "pin", _PIN_LEAST, _PIN_MOST), (PUK, "puk", _PUK_BYTES, _PUK_BYTES))
    for name, field, least, most in (*wanted, (MANAGEMENT, "management_key", size, size)):
        value = codes[field]
        if not isinstance(value, Secret) or not least <= len(value) <= most:
            raise EncodingError(f"eid.codes.{field}: expected one secret field of {least} to {most} bytes")
        yield name, (value,)
