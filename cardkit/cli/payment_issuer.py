"""Who answers for the issuer, and which payment system keys a terminal has: options of ``cardkit payment``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cardkit.apps.emv.capk import CapkStore, parse_capk
from cardkit.apps.emv.issuer import IssuerKeys, IssuerPolicy, IssuerSimulator, PinCheck
from cardkit.apps.emv.prepare.tracks import offset_terms
from cardkit.apps.emv.schema import EmvBlock, MasterKeysBlock, TrackBlock
from cardkit.apps.emv.scripts import ScriptCommand
from cardkit.apps.emv.terminal.host import FixedHost, IssuerHost, OnlineAnswer, OnlineRequest
from cardkit.cli.keys_option import open_keystore
from cardkit.cli.textfile import read_text
from cardkit.crypto.emvstore import EmvKeyStore
from cardkit.desired import BlockWithFiles
from cardkit.errors import EncodingError, ProfileError
from cardkit.profile import Profile, load_profile

_RESPONSE_BYTES = 2
_AID = b"\x84"


@dataclass(frozen=True, slots=True)
class IssuerChoice:
    """What the options say.

    :param profile: whose keys and authorities count; empty for none.
    :param keys_url: key store in place of the profile's test keys; empty for those.
    :param capk: further files of CA public keys.  :param answer: response code of an issuer without keys.
    :param scripts: commands an issuer with keys sends.
    """

    profile: str
    keys_url: str
    capk: tuple[Path, ...]
    answer: str
    descriptor: int | None = None
    scripts: tuple[ScriptCommand, ...] = ()


class IssuersByApplication:
    """The issuer hosts of one product: each application has master keys of its own."""

    def __init__(self, hosts: Mapping[bytes, IssuerSimulator]) -> None:
        self._hosts = dict(hosts)

    def answer(self, request: OnlineRequest) -> OnlineAnswer:
        """Ask the host of the application that was selected."""
        return self._host(request.values).answer(request)

    def cryptogram(self, values: Mapping[bytes, bytes]) -> bytes:
        """Return the cryptogram a card with these data must give; errors as of the host."""
        return self._host(values).cryptogram(values)

    def _host(self, values: Mapping[bytes, bytes]) -> IssuerSimulator:
        aid = values.get(_AID, b"")
        if aid not in self._hosts:
            raise ProfileError(f"application {aid.hex().upper()}: the profile has no keys for it")
        return self._hosts[aid]


def open_issuer(choice: IssuerChoice, stack: ExitStack) -> tuple[IssuerHost | None, CapkStore]:
    """Return who answers, and the CA public keys.

    :param stack: closes the key store.
    :raises ProfileError: when the profile is of no payment card.  :raises EncodingError: on a wrong list of CA keys.
    """
    capks = CapkStore()
    for path in choice.capk:
        add_capks(capks, read_text(path), str(path))
    if not choice.profile:
        if choice.scripts:
            raise ProfileError("scripts carry MACs by an issuer's keys: expected --profile")
        return _fixed(choice.answer), capks
    profile = load_profile(choice.profile)
    files = payment_files(profile)
    add_authorities(capks, files)
    store = open_keystore(choice.keys_url, choice.descriptor) if choice.keys_url else profile.test_keystore()
    return issuers_of(files, stack.enter_context(store), choice), capks


def payment_files(profile: Profile) -> BlockWithFiles[EmvBlock]:
    """Return what a profile says of a payment card.  :raises ProfileError: when it is of none."""
    block = profile.blocks.get("emv")
    if not (isinstance(block, BlockWithFiles) and isinstance(block.block, EmvBlock)):
        raise ProfileError(f"{profile.path}: no payment card, expected a profile with [emv]")
    return block


def issuers_of(files: BlockWithFiles[EmvBlock], keystore: EmvKeyStore, choice: IssuerChoice) -> IssuersByApplication:
    """Return the issuer hosts of a profile's applications."""
    check = _pin_check(files.block.tracks)
    policy = IssuerPolicy(approve=choice.answer in ("", "00"), pin_check=check, scripts=choice.scripts)
    return IssuersByApplication(
        {
            bytes.fromhex(item.aid): IssuerSimulator(keystore, _issuer_keys(item.keys), policy)
            for item in files.block.applications
        }
    )


def _pin_check(tracks: TrackBlock) -> PinCheck | None:
    if not tracks.pvk:
        return None
    return PinCheck(tracks.pvk, tracks.layout, offset_terms(tracks), str(tracks.pvki))


def _issuer_keys(keys: MasterKeysBlock) -> IssuerKeys:
    return IssuerKeys(keys.ac, keys.smi, keys.smc, keys.derivation.lower(), code=keys.cvc3)


def _fixed(code: str) -> FixedHost | None:
    if code and (len(code) != _RESPONSE_BYTES or not code.isascii()):
        raise EncodingError(f"response code {code!r}, expected two characters: 00 approves, 05 declines")
    return FixedHost(code.encode("ascii")) if code else None


def add_authorities(capks: CapkStore, files: BlockWithFiles[EmvBlock]) -> None:
    """Hold the CA keys a profile names, too.  :raises EncodingError: on a wrong list."""
    name = files.block.issuer.authorities
    if name:
        add_capks(capks, files.contents[name].decode("utf-8"), name)


def add_capks(capks: CapkStore, text: str, where: str) -> None:
    """Hold the keys of a list, too.  :raises EncodingError: on a wrong one."""
    for key in parse_capk(text, where):
        capks.add(key)
