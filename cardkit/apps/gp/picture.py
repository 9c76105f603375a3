"""What one card showed during a survey, as data: the rules look at this and at nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cardkit.apps.gp.tags import CPLC, FCI, CardCapabilities, CardRecognitionData, KeyEntry, Memory, StatusEntry


@dataclass(frozen=True, slots=True)
class SeenGreeting:
    """One answer to INITIALIZE UPDATE.

    :param kdd: 10 bytes.  :param i: None where the protocol does not say it.
    :param sequence: the counter sent with it, None where there is none.
    :param challenge: the card's.  :param sessions: opened with this key set since the greeting before it.
    :param recomputes: whether a pseudo-random challenge is what the keys give, None where nobody could tell.
    :param fits: names of the published keys that give the card's cryptogram, found offline.
    :param bare_master: whether the undiversified master key gives it, None where nobody could tell.
    """

    kvn: int
    kdd: bytes
    scp: int
    i: int | None
    challenge: bytes
    sequence: int | None = None
    sessions: int = 0
    recomputes: bool | None = None
    fits: tuple[str, ...] = ()
    bare_master: bool | None = None


@dataclass(frozen=True, slots=True)
class SeenSession:
    """The one session of the survey.

    :param level: EXTERNAL AUTHENTICATE's P1.  :param failure: why it did not open, "" for an open one.
    :param unproven: commands whose response was not proven by its MAC.
    """

    kvn: int
    level: int
    failure: str = ""
    unproven: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenDomain:
    """A supplementary security domain, selected.

    :param keys: its key information, None where it gave none.
    :param kvn: of the set it greeted with, None where it did not answer.
    """

    keys: tuple[KeyEntry, ...] | None
    kvn: int | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a card did when it was mistreated: destructive tests, on samples only. None for what was not tried.

    :param unprotected: status words of an unprotected command in a session, and of a protected one after it.
    :param wrong_cryptogram: status word of EXTERNAL AUTHENTICATE, and whether the card counted it.
    :param late_data: status word of STORE DATA after the last block, by application.
    """

    unprotected: tuple[int, int] | None = None
    wrong_cryptogram: tuple[int, bool | None] | None = None
    late_data: Mapping[bytes, int] | None = None


@dataclass(frozen=True, slots=True)
class SeenLoad:
    """A load as the journal has it: hash of the load file data block, SHA-256 of the CAP file."""

    lfdbh: bytes
    cap_sha256: bytes


@dataclass(frozen=True, slots=True)
class Journal:
    """What was noted while the card was made.

    :param echoes: what PUT KEY answered, check values joined, by domain and key version.
    :param loads: by AID of the load file.
    """

    echoes: Mapping[tuple[bytes, int], bytes] = field(default_factory=dict)
    loads: Mapping[bytes, SeenLoad] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """What the run, or the plant, has seen of other cards.

    :param kdd, chip, image: whether another had this KDD, this serial number and batch, this pair of 42 and 45.
    """

    kdd: bool = False
    chip: bool = False
    image: bool = False


@dataclass(frozen=True, slots=True)
class SeenChain:
    """The certificate store (BF21).

    :param failure: why the chain does not lead to the pinned root or is not in force, "" where all is well.
    :param matches: whether a session proved the leaf's key.
    """

    failure: str = ""
    matches: bool = True


@dataclass(frozen=True, slots=True)
class SeenChannels:
    """Further logical channels.  :param opened: how many the card gave.  :param left: how many stayed open."""

    opened: int
    left: int


@dataclass(frozen=True, slots=True)
class CardPicture:
    """Everything a survey read. None (or nothing under its name) for what was not asked or not answered.

    :param troubles: what the card refused or garbled, by name of the field, in words: ``status 6A88``.
    :param select_sw: status word of SELECT of the issuer security domain.
    :param keys: of the issuer security domain.  :param isd: its registry entry.
    :param load_files: with modules where the card gives them.
    :param status_faults: what was wrong with the pages of GET STATUS.
    :param issuer_number: 42.  :param card_number: 45.  :param counter: C1.  :param confirmations: C2.
    :param plain_status: status word of GET STATUS without a session.
    :param values: by tag, what GET DATA answers with class 80 and with class 00.
    :param words: instruction and status word of every exchange.
    :param golden: names of the fields in which the card differs from the golden one.
    """

    troubles: Mapping[str, str] = field(default_factory=dict)
    select_sw: int | None = None
    fci: FCI | None = None
    card_data: CardRecognitionData | None = None
    capabilities: CardCapabilities | None = None
    keys: tuple[KeyEntry, ...] | None = None
    cplc: CPLC | None = None
    isd: StatusEntry | None = None
    applications: tuple[StatusEntry, ...] | None = None
    load_files: tuple[StatusEntry, ...] | None = None
    status_faults: tuple[str, ...] | None = None
    greetings: tuple[SeenGreeting, ...] = ()
    session: SeenSession | None = None
    memory: Memory | None = None
    issuer_number: bytes | None = None
    card_number: bytes | None = None
    counter: int | None = None
    confirmations: int | None = None
    chain: SeenChain | None = None
    plain_status: int | None = None
    values: Mapping[int, tuple[bytes, bytes]] | None = None
    channels: SeenChannels | None = None
    words: frozenset[tuple[int, int]] | None = None
    domains: Mapping[bytes, SeenDomain] = field(default_factory=dict)
    refusals: Refusals | None = None
    journal: Journal | None = None
    history: History | None = None
    golden: frozenset[str] | None = None

    def greetings_of(self, kvn: int) -> tuple[SeenGreeting, ...]:
        """Return the answers to INITIALIZE UPDATE with one key version, in order."""
        return tuple(greeting for greeting in self.greetings if greeting.kvn == kvn)
