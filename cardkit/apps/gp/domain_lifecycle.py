"""Life cycles through a security domain: delete, lock, unlock, set the card's state (GPCS 9.5, 9.6, 11.2, 11.10).

Every change is read back from the registry, and nothing is ever sent twice.
"""

from __future__ import annotations

from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.delete import Delete, delete_keys
from cardkit.apps.gp.domain_content import Delegation, find_entry, require_entry
from cardkit.apps.gp.lifecycle import IRREVERSIBLE, LOCK, UNLOCK, Scope, card_steps, set_status
from cardkit.apps.gp.tags import CardState, DomainState, KeyInformation, StatusEntry, StatusKind
from cardkit.apps.gp.tokens import Confirmation, receipt_fields
from cardkit.errors import NotFoundError, ProfileError, ProtocolError

_KINDS = (StatusKind.APPLICATIONS, StatusKind.LOAD_FILES)
_SECURE_CHANNEL_KIDS = (1, 2, 3)
_NOT_FOUND = 0x6A88


def what_goes(domain: SecurityDomain, aid: bytes, *, related: bool = False) -> list[StatusEntry]:
    """Return the registry entries a DELETE would remove: what a plan lists before P2 80 is sent.

    :raises NotFoundError: when the domain sees no such application or load file.
    """
    found = [entry for kind in _KINDS for entry in domain.status(kind, aid) if entry.aid == aid]
    if not found:
        raise NotFoundError(f"{aid.hex().upper()} in the registry", _NOT_FOUND, meaning="no such entry")
    if not related:
        return found
    return found + [entry for entry in domain.status(StatusKind.APPLICATIONS) if entry.load_file == aid]


def delete(domain: SecurityDomain, command: Delete, *, delegation: Delegation | None = None) -> Confirmation | None:
    """Delete an application or load file.

    :param command: its token comes from `delegation`.
    :returns: the receipt, checked; None where none is expected.
    :raises StatusError: when the card refuses.
    :raises ProtocolError: when the registry still lists it.
    """
    command = delegation.signed(command) if delegation else command
    name = command.aid.hex().upper()
    answer = domain.send_segments(command.command(), what=f"DELETE {name}")
    receipt = delegation.check(answer, receipt_fields(command, domain.aid)) if delegation else None
    for kind in _KINDS:
        if find_entry(domain, kind, command.aid) is not None:
            raise ProtocolError(f"DELETE {name}: the card answered 9000 and still lists it")
    return receipt


def delete_key_set(domain: SecurityDomain, kvn: int) -> None:
    """Delete every key of one version.

    :raises ProfileError: for the set in use, and the last one a secure channel can be opened with: nothing was sent.
    :raises ProtocolError: when the card still lists it.
    """
    held = key_information(domain)
    if domain.greeting is not None and domain.greeting.kvn == kvn:
        raise ProfileError(f"key set {kvn:02X}: it opened this session; open one with another set first")
    others = [version for version in held.versions if version != kvn and opens_channel(held, version)]
    if opens_channel(held, kvn) and not others:
        raise ProfileError(f"key set {kvn:02X}: it is the last one that opens a secure channel")
    domain.send_segments(delete_keys(kvn=kvn), what=f"DELETE key set {kvn:02X}")
    if key_information(domain).set_of(kvn):
        raise ProtocolError(f"DELETE key set {kvn:02X}: the card answered 9000 and still lists it")


def key_information(domain: SecurityDomain) -> KeyInformation:
    """Return which keys the domain holds.

    :raises ProtocolError: when it does not say: what a change of keys would do cannot be told then.
    """
    held = domain.key_information()
    if held is None:
        raise ProtocolError("GET DATA E0: the card does not say which keys it holds")
    return held


def opens_channel(held: KeyInformation, kvn: int) -> bool:
    """Whether a version has the three keys of a secure channel: identifiers 1, 2, 3."""
    return all(held.find(kvn, kid) is not None for kid in _SECURE_CHANNEL_KIDS)


def set_lock(domain: SecurityDomain, aid: bytes, *, locked: bool, applications: bool = False) -> None:
    """Lock or unlock an application or security domain.

    :param applications: of a security domain, every application of it too.
    :raises StatusError: when the card refuses.  :raises ProtocolError: when the registry shows the old state.
    """
    scope = Scope.DOMAIN_AND_APPLICATIONS if applications else Scope.APPLICATION
    verb = "lock" if locked else "unlock"
    domain.send(set_status(scope, LOCK if locked else UNLOCK, aid), what=f"SET STATUS, {verb} {aid.hex().upper()}")
    entry = require_entry(domain, StatusKind.APPLICATIONS, aid)
    if entry.locked is not locked:
        raise ProtocolError(f"{verb} {aid.hex().upper()}: the card answered 9000, its state is {entry.state}")


def set_application_state(domain: SecurityDomain, aid: bytes, state: int) -> None:
    """Give an application a state of its own, or a security domain PERSONALIZED; the domain must be the one addressed
    or the application must allow it (11.10.2.2).

    :raises StatusError: when the card refuses.  :raises ProtocolError: when the registry shows another state.
    """
    domain.send(set_status(Scope.APPLICATION, state, aid), what=f"SET STATUS {state:02X} of {aid.hex().upper()}")
    entry = find_entry(domain, StatusKind.APPLICATIONS, aid)
    if entry is not None and entry.life_cycle != state:
        raise ProtocolError(f"{aid.hex().upper()}: the card answered 9000, its state is {entry.state}")


def set_personalized(domain: SecurityDomain) -> None:
    """Make the supplementary security domain addressed PERSONALIZED.  Errors as :func:`set_application_state`."""
    set_application_state(domain, domain.aid, DomainState.PERSONALIZED)


def card_state(domain: SecurityDomain) -> CardState:
    """Return the life cycle state of the card.

    :raises ProtocolError: when the card shows none, or one there is not.
    """
    entries = domain.status(StatusKind.ISD)
    if len(entries) != 1:
        raise ProtocolError(f"GET STATUS 80: {len(entries)} entries, expected the issuer security domain")
    try:
        return CardState(entries[0].life_cycle)
    except ValueError:
        raise ProtocolError(f"GET STATUS 80: card life cycle state {entries[0].life_cycle:02X}") from None


def set_card_state(domain: SecurityDomain, wanted: CardState, *, irreversible: bool = False) -> tuple[CardState, ...]:
    """Move the card's life cycle, one step at a time.

    :param irreversible: must be said for CARD_LOCKED and TERMINATED.
    :returns: the states it went through; none where it was there already.
    :raises ProfileError: without `irreversible` where it must be said; nothing was sent.
    :raises EncodingError: when no way leads there; nothing was sent.
    :raises ProtocolError: when the registry shows another state afterwards.
    """
    if wanted in IRREVERSIBLE and not irreversible:
        raise ProfileError(f"card life cycle {wanted.name}: it must be called for as irreversible")
    steps = card_steps(card_state(domain), wanted)
    for step in steps:
        domain.send(set_status(Scope.CARD, step), what=f"SET STATUS, card to {step.name}")
    if steps and wanted is not CardState.TERMINATED and (shown := card_state(domain)) is not wanted:
        raise ProtocolError(f"SET STATUS, card to {wanted.name}: the card answered 9000, its state is {shown.name}")
    return steps
