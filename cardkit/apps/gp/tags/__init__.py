"""What a GlobalPlatform card says of itself, one module an object: ``parse(data).encode() == data``."""

from __future__ import annotations

from cardkit.apps.gp.tags.capabilities import CardCapabilities, ScpCapability
from cardkit.apps.gp.tags.cplc import CPLC, cplc_date
from cardkit.apps.gp.tags.fci import FCI
from cardkit.apps.gp.tags.keyinfo import KeyComponent, KeyEntry, KeyInformation
from cardkit.apps.gp.tags.lifecycle import (
    LOCKED,
    ApplicationState,
    CardState,
    DomainState,
    EntryKind,
    LoadFileState,
    is_locked,
    state_name,
)
from cardkit.apps.gp.tags.privileges import Privilege, Privileges
from cardkit.apps.gp.tags.recognition import CardRecognitionData, ScpOption
from cardkit.apps.gp.tags.resources import Memory
from cardkit.apps.gp.tags.status import StatusEntry, StatusKind, encode_old_status, parse_old_status, parse_status

__all__ = [
    "CPLC",
    "FCI",
    "LOCKED",
    "ApplicationState",
    "CardCapabilities",
    "CardRecognitionData",
    "CardState",
    "DomainState",
    "EntryKind",
    "KeyComponent",
    "KeyEntry",
    "KeyInformation",
    "LoadFileState",
    "Memory",
    "Privilege",
    "Privileges",
    "ScpCapability",
    "ScpOption",
    "StatusEntry",
    "StatusKind",
    "cplc_date",
    "encode_old_status",
    "is_locked",
    "parse_old_status",
    "parse_status",
    "state_name",
]
