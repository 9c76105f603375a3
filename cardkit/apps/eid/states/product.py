"""One product on one chip, checked once for every card of it, and one card's contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from cardkit.apps.eid.algorithms import AGREEMENT, KEY_ALGORITHMS, SLOTS, KeyAlgorithm, Slot
from cardkit.apps.eid.fascn import FascN
from cardkit.apps.eid.objects import Capabilities, Chuid
from cardkit.apps.eid.schema import ChipBlock, EidBlock
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.issuing import HolderRequest, Term
from cardkit.apps.pki.names import Name
from cardkit.crypto import Secret
from cardkit.crypto.key import ALGORITHMS
from cardkit.crypto.secret import joined
from cardkit.desired import Content
from cardkit.encoding import der
from cardkit.encoding.der import Fields, Tag
from cardkit.errors import EncodingError, ProfileError

PIN, PUK, MANAGEMENT = "PIN", "PUK", "management key"
CHUID, CAPABILITIES = "CHUID", "CCC"
_GUID, _CARD_ID = "GUID", "card identifier"
_NUMBER_BYTES = 16
_PUK_BYTES = 8
_PIN_LEAST, _PIN_MOST = 6, 8
_CARD_ID_HEAD = bytes.fromhex("A000000116FF02")  # of the general services administration, JavaCard (unverified)
_CARD_ID_RANDOM_BYTES = 14
_POSITIVE = 0x7F


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
    """Join a profile's block with its chip's.  :raises ProfileError: naming the entry that is wrong."""
    slots = [item.slot for item in block.keys]
    if not slots or len(set(slots)) != len(slots):
        raise ProfileError(f"eid.keys: slots {', '.join(slots) or 'none'}, expected one or more, each once")
    try:
        issuer = Certificate.parse(attached[block.issuer.certificate])
    except EncodingError as error:
        raise ProfileError(f"eid.issuer.certificate: {error}") from None
    pairs = tuple(KeyPair(SLOTS[item.slot], KEY_ALGORITHMS[item.algorithm]) for item in block.keys)
    return EidProduct(block, chip, pairs, issuer)


def fill(product: EidProduct, resolved: Mapping[str, Any], numbers: Mapping[str, bytes]) -> dict[str, Content]:
    """Return one card's contents: codes, objects, and what each certificate says besides its key.

    :param resolved: the profile's block for this record.  :param numbers: as :meth:`EidProduct.draw` drew them.
    :raises EncodingError: where a value does not fit.
    """
    term = _term(resolved["validity"])
    guid = _uuid(numbers[_GUID])
    chuid = Chuid.of(FascN(**resolved["fascn"]), guid, term.end.date())
    contents: dict[str, Content] = dict(_codes(product, resolved["codes"]))
    contents[CHUID] = chuid.build()
    contents[CAPABILITIES] = Capabilities.of(_CARD_ID_HEAD + numbers[_CARD_ID][:_CARD_ID_RANDOM_BYTES]).build()
    holder = resolved["holder"]
    subject = Name(holder["country"], holder["organization"], holder["unit"], holder["name"]).build()
    for pair in product.keys:
        contents[pair.certificate] = _statement(_serial(numbers[pair.certificate]), subject, term)
    return contents


def _term(validity: Mapping[str, str]) -> Term:
    try:
        begin, end = (date.fromisoformat(validity[name]) for name in ("begin", "end"))
    except ValueError:
        raise EncodingError("eid.validity: expected days as YYYY-MM-DD") from None
    if end < begin:
        raise EncodingError(f"eid.validity: ends on {end}, begins on {begin}")
    last = datetime.combine(end, time(23, 59, 59), UTC)
    return Term(datetime.combine(begin, time(), UTC), last, last)


def _uuid(rand: bytes) -> bytes:
    """Return a random UUID (RFC 4122 4.4), which every GUID is. SP 800-73-4 part 1, 3.4.1"""
    return rand[:6] + bytes((rand[6] & 0x0F | 0x40, rand[7], rand[8] & 0x3F | 0x80)) + rand[9:]


def _serial(rand: bytes) -> int:
    return int.from_bytes(bytes((rand[0] & _POSITIVE,)) + rand[1:], "big") or 1


def _codes(product: EidProduct, codes: Mapping[str, Any]) -> Iterator[tuple[str, Content]]:
    size = ALGORITHMS[product.block.codes.management_algorithm][0]
    wanted = ((PIN, "pin", _PIN_LEAST, _PIN_MOST), (PUK, "puk", _PUK_BYTES, _PUK_BYTES))
    for name, field, least, most in (*wanted, (MANAGEMENT, "management_key", size, size)):
        value = codes[field]
        if not isinstance(value, Secret) or not least <= len(value) <= most:
            raise EncodingError(f"eid.codes.{field}: expected one secret field of {least} to {most} bytes")
        yield name, (value,)


def _statement(serial: int, subject: bytes, term: Term) -> bytes:
    """Return what is known of a certificate before there is a key: DER of number, validity, subject."""
    return der.sequence(der.integer(serial), der.sequence(der.time(term.begin), der.time(term.end)), subject)


def request_of(pair: KeyPair, statement: bytes, public_key: bytes) -> HolderRequest:
    """Return what a certificate is asked for with.

    :param statement: the content of the certificate's state.  :param public_key: SubjectPublicKeyInfo.
    """
    fields = Fields(der.only(statement, Tag.SEQUENCE, pair.certificate).value, pair.certificate)
    serial = fields.integer("serialNumber")
    validity = fields.sequence("validity")
    begin, end = der.read_time(validity.any("notBefore")), der.read_time(validity.any("notAfter"))
    subject = fields.take(Tag.SEQUENCE, "subject").build()
    return HolderRequest(serial, subject, public_key, Term(begin, end, end), pair.usage)
