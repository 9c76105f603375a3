"""One payment application of one card: values, records, certificates, data groupings (EMV CPS 2.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cardkit.apps.emv.oda.create import (
    SERIAL_BYTES,
    Subject,
    create_icc_certificate,
    create_pin_certificate,
    create_ssad,
)
from cardkit.apps.emv.prepare.groupings import ApplicationData
from cardkit.apps.emv.prepare.holder import Holder
from cardkit.apps.emv.prepare.interface import Face, Objects, Shown, show
from cardkit.apps.emv.prepare.issuer import IssuerCertificate
from cardkit.apps.emv.prepare.records import RecordFile
from cardkit.apps.emv.schema import ChipBlock, InterfaceBlock, MasterKeysBlock, PaymentBlock, RsaBlock
from cardkit.apps.gp.storedata import is_secret
from cardkit.crypto import KeyStore, Secret
from cardkit.crypto.cardkeys import CardKey, Scheme
from cardkit.crypto.cardrsa import CardRsaKey
from cardkit.crypto.secret import joined
from cardkit.errors import EncodingError

_SCHEMES = {"A": Scheme.EMV_A, "B": Scheme.EMV_B, "C": Scheme.EMV_C}


def card_keys(block: MasterKeysBlock, holder: Holder) -> tuple[CardKey, ...]:
    """Return the card's keys in the order of their grouping: AC, SMI, SMC, and IDN and CVC3 where there are any."""
    references = (block.ac, block.smi, block.smc, block.idn, block.cvc3)
    scheme = _SCHEMES[block.derivation]
    return tuple(CardKey(reference, scheme, holder.diversification) for reference in references if reference)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What an application is prepared with.

    :param objects: values of holder and tracks, by tag.  :param issuer: None where nothing is signed.
    :param rng: size -> random bytes.
    """

    chip: ChipBlock
    holder: Holder = field(repr=False)
    objects: Objects = field(repr=False)
    issuer: IssuerCertificate | None
    keystore: KeyStore
    rng: Callable[[int], bytes]


def prepare_application(block: PaymentBlock, values: Mapping[str, Any], shop: Workshop) -> ApplicationData:
    """Prepare one application.

    :param block: of the profile.  :param values: the same, resolved for this card.
    :raises EncodingError: when a value does not fit.  :raises KeyStoreError: when a key is missing.
    """
    pairs = _Pairs(_pair(block.rsa, shop.keystore), _pair(block.pin_rsa, shop.keystore))
    signer = _Signer(block, shop, pairs)
    file = RecordFile(shop.chip.record_bytes)
    faces = [
        show(block, _face(interface, values, name, {**shop.objects, **_signature(block)}), file, signer.certify)
        if interface is not None
        else None
        for name, interface in (("contact", block.contact), ("contactless", block.contactless))
    ]
    further = dict(_further(values["groupings"]))
    clear = dict(_clear(block, values, shop, faces))
    clear |= {tag: joined((value,)) for tag, value in further.items() if not is_secret(tag)}
    clear |= {record.grouping: record.body for record in file.records}
    names = shop.chip.groupings
    secret = {
        **{tag: value for tag, value in further.items() if is_secret(tag)},
        **_private(names.crt, (names.modulus, names.exponent), block.rsa, pairs.own),
        **_private(names.pin_crt, (names.pin_modulus, names.pin_exponent), block.pin_rsa, pairs.pin),
    }
    return ApplicationData(bytes.fromhex(block.aid), clear, secret)


def _further(values: Mapping[str, Any]) -> Iterator[tuple[int, Secret]]:
    """Yield what else the profile has the application keep: a secret field of the order, or digits."""
    for name, value in values.items():
        if isinstance(value, Secret):
            yield int(name, 16), value
        else:
            yield int(name, 16), Secret(_hex({name: value})[bytes.fromhex(name)], f"DGI {name}")


class _Pairs(NamedTuple):
    """A card's key pairs: for its signatures, and for PINs that are enciphered for it."""

    own: CardRsaKey | None
    pin: CardRsaKey | None


def _pair(block: RsaBlock | None, keystore: KeyStore) -> CardRsaKey | None:
    if block is None:
        return None
    key = keystore.make_card_rsa(block.bits, block.exponent)
    key.check()
    return key


class _Signer:
    """Makes certificates over static data; over the same data, the same ones."""

    def __init__(self, block: PaymentBlock, shop: Workshop, pairs: _Pairs) -> None:
        self._block = block
        self._shop = shop
        self._pairs = pairs
        self._serial = shop.rng(SERIAL_BYTES)
        self._pin_serial = shop.rng(SERIAL_BYTES) if pairs.pin is not None else b""
        self._made: dict[bytes, Objects] = {}

    def certify(self, static: bytes) -> Objects:
        """Return certificate and signature over static data, with the issuer's own, as data objects."""
        if static not in self._made:
            self._made[static] = self._certify(static)
        return self._made[static]

    def _certify(self, static: bytes) -> Objects:
        issuer, shop = self._shop.issuer, self._shop
        if issuer is None:
            raise EncodingError(f"application {self._block.aid}: data are signed, but there is no issuer certificate")
        found = issuer.objects()
        if self._block.static:
            dac = bytes.fromhex(self._block.dac)
            found[b"\x93"] = create_ssad(shop.keystore, issuer.key, dac, static)
        pan, expiry = shop.holder.pan, shop.holder.expiry
        if self._pairs.own is not None:
            subject = Subject(pan, self._pairs.own.public, expiry, self._serial)
            signed = create_icc_certificate(shop.keystore, issuer.key, subject, static)
            found |= {b"\x9f\x46": signed.certificate, b"\x9f\x47": signed.exponent, b"\x9f\x48": signed.remainder}
        if self._pairs.pin is not None:
            subject = Subject(pan, self._pairs.pin.public, expiry, self._pin_serial)
            signed = create_pin_certificate(shop.keystore, issuer.key, subject)
            found |= {b"\x9f\x2d": signed.certificate, b"\x9f\x2e": signed.exponent, b"\x9f\x2f": signed.remainder}
        return found


def _signature(block: PaymentBlock) -> Objects:
    """Return the place of a signature that the card fills in when a record is read (fDDA), by tag."""
    return {b"\x9f\x4b": bytes(block.rsa.bits // 8)} if block.rsa is not None else {}


def _face(interface: InterfaceBlock, values: Mapping[str, Any], name: str, given: Objects) -> Face:
    own = values[name]
    objects = {**given, **_hex(values["tags"]), **_hex(own["tags"])}
    return Face(interface, objects, _hex(own["internal"]))


def _hex(values: Mapping[str, Any]) -> dict[bytes, bytes]:
    found = {}
    for tag, text in values.items():
        try:
            found[bytes.fromhex(tag)] = bytes.fromhex(str(text))
        except ValueError:
            raise EncodingError(f"data object {tag}: expected pairs of hexadecimal digits") from None
    return found


def _clear(
    block: PaymentBlock, values: Mapping[str, Any], shop: Workshop, faces: list[Shown | None]
) -> list[tuple[int, bytes]]:
    """Return what no key protects, in the order it is sent; records follow."""
    names = shop.chip.groupings
    keys = card_keys(block.keys, shop.holder)
    found = [(names.check_values, b"".join(shop.keystore.card_key_kcv(key) for key in keys))]
    if shop.holder.pin is not None:
        found.append((names.pin_tries, bytes((block.pin_tries, block.pin_tries))))
    of_face = (
        (names.fci, names.gpo, names.internal),
        (names.fci_contactless, names.gpo_contactless, names.internal_contactless),
    )
    for face, (fci, gpo, internal) in zip(faces, of_face, strict=True):
        if face is not None:
            found += [(fci, face.fci), (gpo, face.answer)]
            found += [(internal, face.internal)] if face.internal else []
    objects = _hex(values["tags"])
    found += [(tag, objects[bytes.fromhex(tag)]) for tag in block.data]
    return [(int(name, 16), value) for name, value in found if name]


def _private(
    crt: tuple[str, ...], plain: tuple[str, str], block: RsaBlock | None, key: CardRsaKey | None
) -> dict[int, Secret]:
    """Return the groupings of a private key: its parts, or modulus and exponent."""
    if block is None or key is None:
        return {}
    if block.form == "plain":
        modulus, exponent = (int(name, 16) for name in plain)
        return {modulus: Secret(key.public.modulus, "n"), exponent: key.exponent}
    return {int(name, 16): part for name, part in zip(crt, key.crt, strict=True)}
