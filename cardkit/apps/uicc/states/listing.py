"""The states of a product: what must be true of a finished card, in the order it is made true."""

from __future__ import annotations

from cardkit.apps.uicc.rules.table import file_rule
from cardkit.apps.uicc.states.building import Creation
from cardkit.apps.uicc.states.concealing import KEYS
from cardkit.apps.uicc.states.product import MARKER_REMOVED, MARKER_STARTED, Product
from cardkit.apps.uicc.states.route import in_order
from cardkit.apps.uicc.states.scripts import FENCE_CREATIONS
from cardkit.apps.uicc.states.storing import Store
from cardkit.apps.uicc.states.targets import Target
from cardkit.desired import MARKER_GONE, MARKER_STANDS, AfterUnknown, Phase, Seen, State

SEALING = "sealing"


def states_of(product: Product) -> tuple[State, ...]:
    """Return the fence's, the files' and the seal's states."""
    made = [_exists(product, creation) for creation in product.chip.creations]
    fenced, written = made[:FENCE_CREATIONS], made[FENCE_CREATIONS:]
    idle = [_deactivated(product, target) for target in product.deactivated]
    stored = [_stored(product.store, item.name) for item in product.stored] if product.store else []
    return (*fenced, _fence(product), *written, *_files(product), *idle, *stored, *_seal(product))


def _exists(product: Product, creation: Creation) -> State:
    """A card on which it exists already is asked for its attributes: they must be the same."""
    fenced = creation in product.chip.creations[:FENCE_CREATIONS]
    return State(
        name=creation.state,
        title=creation.title,
        phase=Phase.FENCE if fenced else Phase.WRITE,
        rule="UICC-020",
        seen=Seen.READ,
        after_unknown=AfterUnknown.LOOK,
        access=product.opener,
        reversible=False,
    )


def _fence(product: Product) -> State:
    return State(
        name=MARKER_STARTED,
        title=f"{product.marker.name} = started, with the record's tag",
        phase=Phase.FENCE,
        rule=MARKER_STANDS.id,
        seen=Seen.READ,
        after_unknown=AfterUnknown.LOOK,
        access=product.marker.update,
        reversible=False,
        varies=True,
    )


def _files(product: Product) -> list[State]:
    varying = {content.target.name for content in product.files if content.template.variable}
    varying |= {key.name for key in product.keys} | {pin.target.name for pin in product.pins}
    proven = {key.name: "UICC-090" for key in product.keys} | {pin.target.name: "UICC-062" for pin in product.pins}
    proven |= {key.sqn.name: "UICC-093" for key in product.keys if key.sqn is not None}
    proven |= {product.constants.name: "UICC-097"} if product.constants is not None else {}
    proven |= {KEYS: "UICC-104"} if product.concealing is not None else {}
    return [
        State(
            name=target.name,
            title=f"{target.name} = {'<record>' if target.name in varying else '<profile>'}, {target.size} bytes",
            phase=Phase.WRITE,
            rule=proven.get(target.name) or file_rule(target.name),
            seen=Seen.BEHAVE if target.name in proven else Seen.READ,
            after_unknown=AfterUnknown.REWRITE if target.name in proven else AfterUnknown.LOOK,
            access=target.update,
            reversible=False,
            varies=target.name in varying,
        )
        for target in in_order(product.written)
    ]


def _deactivated(product: Product, target: Target) -> State:
    return State(
        name=target.idle_state,
        title=f"{target.file} is deactivated",
        phase=Phase.WRITE,
        rule="UICC-024",
        seen=Seen.READ,
        after_unknown=AfterUnknown.REWRITE,
        access=product.opener,
    )


def _stored(store: Store, name: str) -> State:
    """An application that is closed stays so: a begun card is asked for nothing but to take what is left."""
    return State(
        name=name,
        title=f"{name} = <record>, by STORE DATA under {store.keys.name}",
        phase=Phase.WRITE,
        rule="UICC-090",
        seen=Seen.BEHAVE,
        after_unknown=AfterUnknown.REWRITE,
        access=store.keys.access,
        reversible=False,
        varies=True,
    )


def _seal(product: Product) -> list[State]:
    secrets = [
        State(
            name=adm.access.name,
            title=f"{adm.access.name} = <record>, no longer the delivered value",
            phase=Phase.SEAL,
            rule="UICC-064",
            seen=Seen.BEHAVE,
            after_unknown=AfterUnknown.LOOK,
            access=adm.access,
            reversible=False,
            group=SEALING,
            varies=True,
        )
        for adm in product.adms
    ]
    removed = State(
        name=MARKER_REMOVED,
        title=f"{product.marker.name} is gone",
        phase=Phase.SEAL,
        rule=MARKER_GONE.id,
        seen=Seen.READ,
        after_unknown=AfterUnknown.LOOK,
        access=product.marker.update,
        reversible=False,
        group=SEALING,
    )
    return [*secrets, removed]
