"""Key ceremonies at a plant: custodians are accounts, what was done is an event, its transcript is signed. K4, K17"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cardkit.crypto.management import KeyEntry, NewKey
from cardkit.production.people.roles import Step
from cardkit.production.software import software_sha256
from cardkit.production.store.audit import OFFICE, Event, timestamp
from cardkit.production.store.station import SOFTWARE
from cardkit.production.store.store import Store, utc_now


@dataclass(frozen=True, slots=True)
class Part:
    """One component: who brought it, its check value, and the envelope it went into."""

    number: int
    custodian: str
    kcv: str
    envelope: str


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a ceremony came to; nothing of it is secret.

    :param how: where components came from.  :param key_store: TEST or LIVE.  :param kcv: of the whole key, upper hex.
    :param officer: who watched over it.
    """

    how: str
    reference: str
    key_store: str
    algorithm: str
    usage: str
    customer: str
    kvn: int | None
    not_after: str | None
    exportable: bool
    kcv_method: str
    kcv: str
    parts: Sequence[Part]
    officer: str

    @classmethod
    def of(
        cls, new: NewKey, how: str, key_store: str, check: tuple[str, str], parts: Sequence[Part], officer: str
    ) -> Ceremony:
        """Return the ceremony that brought a key.

        :param check: method and check value of the whole key.
        """
        return cls(
            how=how,
            reference=new.reference,
            key_store=key_store,
            algorithm=new.algorithm,
            usage=new.usage.value,
            customer=new.customer,
            kvn=new.kvn,
            not_after=new.not_after.isoformat() if new.not_after else None,
            exportable=new.exportable,
            kcv_method=check[0],
            kcv=check[1],
            parts=parts,
            officer=officer,
        )


def content_of(ceremony: Ceremony, installation: str) -> dict[str, Any]:
    """Return a ceremony as its transcript keeps it."""
    said = asdict(ceremony)
    said["parts"] = [asdict(part) for part in ceremony.parts]
    return {
        "v": 1,
        "type": "key-ceremony",
        "installation": installation,
        "at": timestamp(utc_now()),
        "software": SOFTWARE,
        "software_sha256": software_sha256(),
        "exception": "K9: components were combined in a wiped buffer of this process, not inside a token",
        **said,
    }


def destruction_of(entry: KeyEntry, key_store: str, by: Sequence[str]) -> dict[str, Any]:
    """Return what the certificate of a key's destruction says.

    :param key_store: TEST or LIVE.  :param by: who logged in for it.
    """
    return {
        "v": 1,
        "type": "key-destruction",
        "at": timestamp(utc_now()),
        "software": SOFTWARE,
        "software_sha256": software_sha256(),
        "key_store": key_store,
        "reference": entry.reference,
        "algorithm": entry.named,
        "usage": entry.usage.value,
        "kcv": entry.kcv,
        "kcv_method": str(entry.kcv_method),
        "by": sorted(set(by)),
        "note": "Deleted and read back as gone; copies of a key file made earlier are not reached.",
    }


def require_people(store: Store, names: Sequence[str]) -> None:
    """Refuse a ceremony without two custodians and a security officer, each at the screen.

    :raises TwoPersonsError: when they are too few or lack a role.  :raises LoginError: when one is not there.
    """
    store.presence.require(Step.KEY_IMPORT, names)


def note(store: Store, ceremony: Ceremony, transcript: bytes) -> None:
    """Note a ceremony in the office chain.

    :param transcript: its digest, 32 bytes.
    """
    data = {
        "key": ceremony.reference,
        "how": ceremony.how,
        "algorithm": ceremony.algorithm,
        "usage": ceremony.usage,
        "kcv": ceremony.kcv,
        "kcv_method": ceremony.kcv_method,
        "by": sorted({ceremony.officer, *(part.custodian for part in ceremony.parts)}),
        "transcript_sha256": transcript.hex(),
    }
    with store.writing() as connection:
        store.audit(connection, OFFICE, Event("CEREMONY", ceremony.officer, data))
