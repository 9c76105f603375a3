"""Making and personalizing a supplementary security domain (GPCS 7, 9.1; sheet 15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cardkit.apps.gp.aids import SSD_MODULE, SSD_PACKAGE
from cardkit.apps.gp.client import SecurityDomain
from cardkit.apps.gp.dgi_keys import LoadedKey, key_groupings
from cardkit.apps.gp.domain_content import Delegation, install
from cardkit.apps.gp.domain_data import P1Choice, groupings_commands, objects_commands, store
from cardkit.apps.gp.domain_lifecycle import set_personalized
from cardkit.apps.gp.install import for_install
from cardkit.apps.gp.install_parameters import InstallParameters
from cardkit.apps.gp.tags import Privilege, Privileges
from cardkit.apps.gp.tokens import Confirmation
from cardkit.crypto.cardkeys import WrappedCardKey
from cardkit.encoding import tlv
from cardkit.errors import EncodingError

_PROVIDER, _IMAGE, _MANAGER_URL = 0x42, 0x45, 0x5F50
_USAGES = (b"\x38", b"\x34", b"\x48")  # ENC both ways, MAC both ways, DEK

SSD_CODE = (SSD_PACKAGE, SSD_MODULE)
"""Load file and module most cards make security domains from."""

PLAIN_DOMAIN = Privileges.of([Privilege.SECURITY_DOMAIN])


@dataclass(frozen=True, slots=True)
class DomainParameters:
    """What a new security domain is told, the value of ``C9`` (policies as other tools write them, unverified).

    :param protocols: secure channel protocols and their options: ``(0x03, 0x70)``.
    :param accept_here: ``82``, whose applications it accepts; policy bits 80 ancestor with authorized management,
        20 issuer security domain, 08 domain with delegated management below.
    :param accept_deletion: ``83``.  :param personalized: ``84``, it becomes PERSONALIZED at once.
    :param casd: ``86``.  :param release: ``87``, who may take applications away.

    >>> DomainParameters(((0x02, 0x15),), accept_here=b"\\x80", personalized=True).build().hex()
    '810202158201808400'
    """

    protocols: tuple[tuple[int, int], ...] = ()
    accept_here: bytes = b""
    accept_deletion: bytes = b""
    personalized: bool = False
    casd: bytes = b""
    release: bytes = b""

    def build(self) -> bytes:
        """Return the objects."""
        flag = [(0x84, b"")] if self.personalized else []
        policies = [(0x82, self.accept_here), (0x83, self.accept_deletion)]
        others = [(0x86, self.casd), (0x87, self.release)]
        objects = [(0x81, bytes(pair)) for pair in self.protocols]
        objects += [pair for pair in policies if pair[1]] + flag + [pair for pair in others if pair[1]]
        return b"".join(tlv.build(tag, value) for tag, value in objects)


def create(
    parent: SecurityDomain,
    instance: bytes,
    parameters: DomainParameters,
    *,
    privileges: Privileges = PLAIN_DOMAIN,
    code: tuple[bytes, bytes] = SSD_CODE,
    delegation: Delegation | None = None,
) -> Confirmation | None:
    """Install a security domain and make it selectable; it belongs to the one addressed.

    :param instance: its AID.  :param code: load file and module.
    :returns: the receipt, checked; None where none is expected.
    :raises EncodingError: on privileges without Security Domain.  Other errors as :func:`install`.
    """
    if not privileges.is_domain:
        raise EncodingError(f"security domain {instance.hex().upper()}: privileges {privileges.encode().hex().upper()}")
    field = InstallParameters(parameters.build()).build()
    return install(parent, for_install(code, instance, privileges, parameters=field), delegation=delegation)


def secure_channel_set(kvn: int, wrapped: Sequence[WrappedCardKey]) -> list[LoadedKey]:
    """Return the three keys of a secure channel set as STORE DATA brings them (11.1.9).

    :param wrapped: ENC, MAC, DEK under the parent's DEK.
    """
    return [LoadedKey(kid, kvn, key, usage) for kid, (key, usage) in enumerate(zip(wrapped, _USAGES, strict=True), 1)]


def load_keys(parent: SecurityDomain, instance: bytes, keys: Sequence[LoadedKey], choice: P1Choice) -> None:
    """Bring keys into a security domain through its parent, which it need not be open for (11.11.4).

    :param instance: its AID.
    :raises StatusError: when the card refuses; 6982 means a wrong check value.
    """
    store(parent, groupings_commands(parent, key_groupings(keys), choice), instance)


@dataclass(frozen=True, slots=True)
class DomainIdentity:
    """The data objects that name a security domain.

    :param provider: ``42``, IIN or provider id.  :param image: ``45``, CIN or image number.
    :param manager_url: ``5F50``.
    """

    provider: bytes = b""
    image: bytes = b""
    manager_url: bytes = b""

    def build(self) -> bytes:
        """Return the objects that are set."""
        pairs = ((_PROVIDER, self.provider), (_IMAGE, self.image), (_MANAGER_URL, self.manager_url))
        return b"".join(tlv.build(tag, value) for tag, value in pairs if value)


def personalize(domain: SecurityDomain, identity: DomainIdentity, choice: P1Choice) -> None:
    """Give an open security domain its identity and make it PERSONALIZED: the last step of its making.

    :param domain: itself, open with its own keys.
    :raises StatusError: when the card refuses.  :raises ProtocolError: when it shows another state afterwards.
    """
    if data := identity.build():
        store(domain, objects_commands(domain, data, choice))
    set_personalized(domain)
