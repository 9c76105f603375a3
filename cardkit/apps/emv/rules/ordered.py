"""What a profile, a record and the key store say of a card, for the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from cardkit.apps.emv.issuer import IssuerKeys, IssuerSimulator
from cardkit.apps.emv.picture import CONTACT, CONTACTLESS
from cardkit.apps.emv.prepare.application import card_keys
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.prepare.tracks import tracks_of
from cardkit.apps.emv.rules.expectation import Expectation, Ordered, Printed
from cardkit.apps.emv.schema import InterfaceBlock, PaymentBlock
from cardkit.apps.emv.states.product import PaymentProduct
from cardkit.crypto import KeyStore
from cardkit.crypto.emvcvn import read_issuer_data
from cardkit.errors import EncodingError

_IAD = "9F10"
_TEST = "test:"
_PRINTED = ("PAN", "THRU", "NAME", "CVV2", "TRACK1", "TRACK2")


def expectation_of(
    product: PaymentProduct, today: date, keystore: KeyStore | None = None, holder: Holder | None = None
) -> Expectation:
    """Return what a product's cards show, or one card of it.

    :param keystore: None where no key is to be used.  :param holder: whose card it is, None where that is not known.
    :raises KeyStoreError: when a key is missing.
    """
    block = product.block
    ordered = {bytes.fromhex(item.aid): _application(item, holder, keystore) for item in block.applications}
    expected = Expectation(
        today,
        applications=ordered,
        iins=block.issuer.iins,
        holder=holder,
        layout=block.tracks.layout,
        test_keys=tuple(sorted(name for name in _key_names(product) if name.startswith(_TEST))),
        traced=product.gp.block.data.personalization is not None,
    )
    if holder is None or keystore is None:
        return expected
    return replace(expected, tracks=tracks_of(block.tracks, holder, keystore))


def _application(item: PaymentBlock, holder: Holder | None, keystore: KeyStore | None) -> Ordered:
    faces = {CONTACT: item.contact, CONTACTLESS: item.contactless}
    keys = IssuerKeys(item.keys.ac, item.keys.smi, item.keys.smc, item.keys.derivation.lower(), code=item.keys.cvc3)
    return Ordered(
        bytes.fromhex(item.aid),
        item.priority,
        {name: _values(item, face) for name, face in faces.items() if face is not None},
        bytes.fromhex(item.dac),
        _key_index(item.contact),
        item.pin_tries if holder is None or holder.pin is not None else None,
        IssuerSimulator(keystore, keys) if keystore is not None else None,
    )


def _values(item: PaymentBlock, face: InterfaceBlock) -> dict[bytes, bytes]:
    """Return the values a profile fixes; those that are templates differ from card to card and are left out."""
    found = {}
    for tag, text in {**item.tags, **face.tags, "82": face.aip}.items():
        try:
            found[bytes.fromhex(tag)] = bytes.fromhex(text)
        except ValueError:
            continue
    return found


def _key_index(face: InterfaceBlock | None) -> int | None:
    text = face.internal.get(_IAD, "") if face is not None else ""
    try:
        return read_issuer_data(bytes.fromhex(text)).key_index
    except (ValueError, EncodingError):
        return None


def _key_names(product: PaymentProduct) -> Iterator[str]:
    block = product.block
    yield from (block.issuer.key, block.tracks.cvk, block.tracks.pvk)
    for item in block.applications:
        yield from (item.keys.ac, item.keys.smi, item.keys.smc, item.keys.idn, item.keys.cvc3)


def printed_cards(lines: Iterable[str]) -> Iterator[Printed]:
    """Yield what a file of :func:`cardkit.apps.emv.prepare.printing.printed_card` says of each card; a PAN begins one.

    >>> [card.thru for card in printed_cards(["PAN=9999 9900 0000 0014", "THRU=12/29"])]
    ['12/29']
    """
    found: dict[str, str] = {}
    for name, _, value in (line.rstrip("\r\n").partition("=") for line in lines):
        if name == "PAN" and found:
            yield _printed(found)
            found = {}
        if name in _PRINTED:
            found[name] = value
    if found:
        yield _printed(found)


def _printed(fields: Mapping[str, str]) -> Printed:
    pan, thru, name, cvv2, track1, track2 = (fields.get(field, "") for field in _PRINTED)
    return Printed(pan.replace(" ", ""), thru, name, cvv2, track1, track2)


def prepared_check_values(
    product: PaymentProduct, holder: Holder, data: Mapping[bytes, ApplicationData], keystore: KeyStore
) -> dict[bytes, tuple[bytes, bytes]]:
    """Return check values by AID: those prepared for a card, and those its keys have in the key store.

    :raises KeyStoreError: when a key is missing.
    """
    name = product.chip.groupings.check_values
    found = {}
    for item in product.block.applications:
        aid = bytes.fromhex(item.aid)
        if name and aid in data:
            right = b"".join(keystore.card_key_kcv(key) for key in card_keys(item.keys, holder))
            found[aid] = (data[aid].grouping(name), right)
    return found
