"""From a product and one card's contents to what the rules expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from cardkit.apps.gp.picture import CardPicture
from cardkit.apps.gp.rules.expectation import (
    Expectation,
    ExpectedApplication,
    ExpectedCPLC,
    ExpectedKey,
    ExpectedLoadFile,
    ExpectedSet,
)
from cardkit.apps.gp.states.key_kinds import KEY_RULES
from cardkit.apps.gp.states.keysets import KeySet, aid_of, hex_of
from cardkit.apps.gp.states.product import Product
from cardkit.apps.gp.states.varying import varying
from cardkit.apps.gp.tags import CardState, DomainState, Privileges
from cardkit.crypto import KeyStore
from cardkit.crypto.cardkeys import Scheme
from cardkit.crypto.kcv import KCVMethod
from cardkit.crypto.testkeys import known_by_check_value
from cardkit.desired import Content
from cardkit.errors import KeyStoreError

DAY = "day"
_METHODS = {"AES": KCVMethod.ONES, "3DES": KCVMethod.ZERO}

KddOf = Callable[[KeySet], bytes | None]


def expectation_of(
    product: Product,
    contents: Mapping[str, Content],
    picture: CardPicture,
    keystore: KeyStore | None,
    *,
    sealed: bool,
) -> Expectation:
    """Return what a card of this product shows.

    :param picture: tells the card's KDD.  :param keystore: gives check values; None where nobody asks.
    :param sealed: whether the card should have taken its last life cycle step.
    """
    kdd = picture.greetings[0].kdd if picture.greetings else None

    def kdd_of(keys: KeySet) -> bytes | None:
        own = contents.get(f"KDD of {keys.name}") if keys.own_kdd else kdd
        return own if isinstance(own, bytes) else None

    chip, block = product.chip, product.block
    return Expectation(
        isd_aid=product.isd,
        isd_privileges=Privileges.parse(hex_of(chip.privileges, "chip.gp.privileges")).completed(issuer=True).bits,
        life_cycles=_life_cycles(product, sealed=sealed),
        keys=tuple(_keys(product, kdd_of, keystore)),
        sets=tuple(_sets(product, kdd_of, keystore)),
        delivered=product.delivered.kvn,
        applications=tuple(_applications(product)),
        load_files=tuple(_load_files(product)),
        deny=tuple(hex_of(item, "gp.deny") for item in block.deny),
        cplc=_cplc(product, contents),
        issuer_number=_bytes(contents, "42"),
        card_number=_bytes(contents, "45"),
        counter_limit=block.channel.counter_limit,
        hands_off=block.hands_off,
        confirmations=0 if block.hands_off else None,
        free_nvm=block.memory.nvm if block.memory else None,
        free_ram=block.memory.ram if block.memory else None,
        channels=chip.channels,
        chain=product.certified is not None,
        variable=varying(product),
    )


def _bytes(contents: Mapping[str, Content], name: str) -> bytes | None:
    value = contents.get(name)
    return value if isinstance(value, bytes) else None


def _life_cycles(product: Product, *, sealed: bool) -> frozenset[int]:
    wanted = CardState[product.block.life_cycle]
    if sealed:
        return frozenset((int(wanted),))
    return frozenset(int(state) for state in CardState if CardState[product.chip.life_cycle] <= state <= wanted)


def _keys(product: Product, kdd_of: KddOf, keystore: KeyStore | None) -> Iterator[ExpectedKey]:
    for model in product.chip.keys:
        yield ExpectedKey(model.kvn, model.kid, model.type, model.length)
    for keys in product.all_keys:
        known = _published(keys, _kcvs(keys, kdd_of(keys), keystore))
        for kid in keys.kids:
            yield ExpectedKey(
                keys.kvn,
                kid,
                keys.type,
                keys.size_bytes,
                keys.usage,
                keys.access_code,
                KEY_RULES[keys.purpose],
                keys.domain,
                published=known,
            )


def _published(keys: KeySet, kcvs: tuple[bytes, ...]) -> bool:
    method = _METHODS[keys.algorithm.partition("-")[0]]
    return any(known_by_check_value(keys.algorithm, {method: kcv.hex().upper()}) for kcv in kcvs)


def _kcvs(keys: KeySet, kdd: bytes | None, keystore: KeyStore | None) -> tuple[bytes, ...]:
    """Return the check values of a set's keys; nothing where the card's KDD or the store's keys are not at hand."""
    if keystore is None or (kdd is None and keys.spec.scheme is not Scheme.NONE):
        return ()
    try:
        return tuple(keystore.card_key_kcv(key) for key in keys.card_keys(kdd or b""))
    except KeyStoreError:
        return ()


def _sets(product: Product, kdd_of: KddOf, keystore: KeyStore | None) -> Iterator[ExpectedSet]:
    for keys in product.all_keys:
        if not keys.opens_channel:
            continue
        yield ExpectedSet(
            keys.kvn,
            product.parameters.scp,
            product.parameters.i,
            int(product.level),
            8 * keys.size_bytes if keys.algorithm.startswith("AES") else 0,
            diversified=keys.spec.scheme is not Scheme.NONE,
            kcvs=_kcvs(keys, kdd_of(keys), keystore),
            domain=keys.domain,
        )


def _applications(product: Product) -> Iterator[ExpectedApplication]:
    told = not product.chip.quirks.get_status_legacy
    package = aid_of(product.chip.domain_package, "chip.gp") if product.domains and told else None
    for domain in product.domains:
        yield ExpectedApplication(
            domain.aid,
            DomainState.PERSONALIZED,
            domain.privileges.completed().bits,
            package,
            product.isd if told else None,
            kvn=domain.keys[0].kvn,
            is_domain=True,
            verifies=domain.verifies,
        )
    for item in product.applications:
        yield ExpectedApplication(
            item.aid,
            item.block.life_cycle,
            item.privileges.completed().bits,
            item.load_file if told else None,
            (item.domain or product.isd) if told else None,
            frozenset(item.block.implicit) if item.block.implicit else None,
            personalized=bool(item.data),
        )


def _load_files(product: Product) -> Iterator[ExpectedLoadFile]:
    told = not product.chip.quirks.get_status_legacy
    for model in product.chip.packages:
        yield ExpectedLoadFile(
            aid_of(model.aid, "chip.gp.packages"),
            (hex_of(model.version, "chip.gp.packages") or None) if told else None,
            tuple(hex_of(module, "chip.gp.packages") for module in model.modules),
        )
    for package in product.packages:
        version = package.version if told else None
        yield ExpectedLoadFile(package.aid, version, package.modules, package.digest, package.cap_sha256)


def _cplc(product: Product, contents: Mapping[str, Content]) -> ExpectedCPLC:
    made, personalized = (
        _production(prefix, _bytes(contents, tag))
        for prefix, tag in (("pre_personaliz", "9F67"), ("personaliz", "9F66"))
    )
    day = _bytes(contents, DAY)
    return ExpectedCPLC(
        chip={name: hex_of(value, f"chip.gp.cplc.{name}") for name, value in product.chip.cplc.items()},
        made=made,
        personalized=personalized,
        day=date.fromisoformat(day.decode()) if day else None,
        in_kdd=product.chip.kdd_of_cplc,
    )


def _production(prefix: str, value: bytes | None) -> dict[str, bytes]:
    if value is None:
        return {}
    return {
        f"{prefix}er": value[:2],
        f"{prefix}ation_date": value[2:4],
        f"{prefix}ation_equipment": value[4:],
    }
