"""What profile and record say a finished card shows, in the rules' terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class ExpectedKey:
    """One key in the key information template.

    :param usage, access: None where the profile does not care.  :param rule: which rule finds it missing.
    :param domain: AID of its security domain, empty for the issuer's.  :param published: it is a known test key.
    """

    kvn: int
    kid: int
    type: int
    length: int
    usage: bytes | None = None
    access: bytes | None = None
    rule: str = "GP-006"
    domain: bytes = b""
    published: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedSet:
    """A secure channel key set.

    :param level: security level of a session, as P1 of EXTERNAL AUTHENTICATE.
    :param key_bits: of AES keys, 0 for 3DES.  :param diversified: whether its keys are the card's own.
    :param kcvs: check values of ENC, MAC, DEK, 3 bytes each; empty where the key store was not asked.
    :param domain: AID of its security domain, empty for the issuer's.
    """

    kvn: int
    scp: int
    i: int
    level: int
    key_bits: int
    diversified: bool = True
    kcvs: tuple[bytes, ...] = ()
    domain: bytes = b""

    @property
    def pseudo_random(self) -> bool:
        """Whether the card challenge can be computed: SCP03 "i" b5, SCP02 b7."""
        return bool(self.i & {0x03: 0x10, 0x02: 0x40}.get(self.scp, 0))

    @property
    def responses_proven(self) -> bool:
        """Whether the level has R-MAC."""
        return bool(self.level & 0x10)


@dataclass(frozen=True, slots=True)
class ExpectedApplication:
    """An application or supplementary security domain.

    :param privileges: three bytes as a number.  :param load_file, domain: None where the profile does not care.
    :param implicit: implicit selections, None where the profile does not care.
    :param kvn: of a security domain, its own key set.  :param verifies: it must check signatures of load files.
    :param personalized: it got data by STORE DATA.
    """

    aid: bytes
    life_cycle: int = 0x07
    privileges: int = 0
    load_file: bytes | None = None
    domain: bytes | None = None
    implicit: frozenset[int] | None = None
    kvn: int | None = None
    is_domain: bool = False
    verifies: bool = False
    personalized: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedLoadFile:
    """A load file.

    :param version: None where the profile does not care.  :param modules: None likewise.
    :param lfdbh, cap_sha256: of the released code; empty where it was on the card before.
    """

    aid: bytes
    version: bytes | None = None
    modules: tuple[bytes, ...] | None = None
    lfdbh: bytes = b""
    cap_sha256: bytes = b""


@dataclass(frozen=True, slots=True)
class ExpectedCPLC:
    """Production data, fields by their names in CPLC.

    :param chip, made, personalized: of the chip model; pre-personalization; personalization.  Empty if not ordered.
    :param day: the latest day a date can be, None where nobody said which.
    :param in_kdd: whether the diversification data hold fabrication date, serial number and batch.
    """

    chip: Mapping[str, bytes] = field(default_factory=dict)
    made: Mapping[str, bytes] = field(default_factory=dict)
    personalized: Mapping[str, bytes] = field(default_factory=dict)
    day: date | None = None
    in_kdd: bool = False


@dataclass(frozen=True, slots=True)
class Expectation:
    """A finished card.

    :param life_cycles: which states of the card are right now.
    :param sets: of the issuer security domain; the first one opens the survey's session.
    :param delivered: key version of the chip maker's set.
    :param deny: beginnings of AIDs of packages that must not be there.
    :param hands_off: the profile gives code management to others: tokens and receipts.
    :param confirmations: what C2 should be.  :param counter_limit: highest sequence counter at delivery.
    :param channels: how many further logical channels there are.
    :param chain: whether a certificate chain was ordered.
    :param variable: names of the fields in which cards of this profile may differ.
    """

    isd_aid: bytes
    isd_privileges: int
    life_cycles: frozenset[int]
    keys: tuple[ExpectedKey, ...]
    sets: tuple[ExpectedSet, ...]
    may_be_locked: bool = False
    delivered: int = 0xFF
    applications: tuple[ExpectedApplication, ...] = ()
    load_files: tuple[ExpectedLoadFile, ...] = ()
    deny: tuple[bytes, ...] = ()
    cplc: ExpectedCPLC = field(default_factory=ExpectedCPLC)
    issuer_number: bytes | None = None
    card_number: bytes | None = None
    counter_limit: int | None = None
    hands_off: bool = False
    confirmations: int | None = None
    free_nvm: int | None = None
    free_ram: int | None = None
    channels: int | None = None
    chain: bool = False
    variable: frozenset[str] = frozenset()

    @property
    def domains(self) -> tuple[ExpectedApplication, ...]:
        """The supplementary security domains."""
        return tuple(item for item in self.applications if item.is_domain)
