"""Remote application management: commands to the issuer security domain over the air (ETSI TS 102 226 8)."""

from dataclasses import replace
from typing import Final

from .. import statuswords as sw
from ..errors import StatusWordError
from ..gp import crypto, dispatch, wire
from ..gp.chip import Channel, GpChip
from ..gp.crypto import AES_BLOCK, DES_BLOCK, KEY_AES
from ..gp.keysets import DEK, KeySet
from ..gp.protection import AUTHENTICATED, C_DEC, C_MAC, Command, whole_blocks
from ..gp.session import SecureChannel
from . import script

_CHANNEL: Final = -1  # a logical channel no terminal can name
_GET_DATA: Final = 0xCA
_ALLOWED: Final = frozenset((0xE4, 0xE6, 0xE8, 0xD8, 0xF0, 0xF2, 0xE2, _GET_DATA))


class PacketSession(SecureChannel):
    """The session a secured packet stands for: authenticated, its commands already in clear.

    :param key_set: the OTA keys; the third one hides keys inside of commands.
    """

    def __init__(self, chip: GpChip, aid: bytes, key_set: KeySet) -> None:
        super().__init__(chip.keys(aid).ring(), aid, kdd=chip.kdd(aid), random=chip.random.randbytes)
        self._ota_keys = key_set

    def opens(self, command: Command) -> bool:
        """Never: there is a session already."""
        del command
        return False

    @property
    def level(self) -> int:
        """What the packet gave."""
        return AUTHENTICATED | C_MAC | C_DEC

    def unwrap(self, command: Command) -> bytes:
        """Commands are in clear inside of the packet."""
        return command.data

    def wrap_response(self, data: bytes, status: bytes) -> bytes:
        """Responses are protected by the packet."""
        del status
        return data

    @property
    def sensitive_block(self) -> int:
        """Block size of the third key."""
        return AES_BLOCK if self._ota_keys.keys[DEK].type == KEY_AES else DES_BLOCK

    def decrypt_sensitive(self, data: bytes) -> bytes:
        """Decrypt keys inside of commands under the third key: AES in CBC with IV 0, triple DES in ECB.

        :raises StatusWordError: 6985 without such a key, 6A80 unless these are whole blocks.
        """
        key = self._ota_keys.keys.get(DEK)
        if key is None:
            raise StatusWordError(sw.CONDITIONS)
        if key.type == KEY_AES:
            whole_blocks(data, AES_BLOCK)
            return crypto.aes_cbc_decrypt(key.value, data)
        whole_blocks(data, DES_BLOCK)
        return crypto.des3_ecb_decrypt(key.value, data)


def run(platform: GpChip, key_set: KeySet, data: bytes) -> bytes:
    """Run a script on the issuer security domain."""
    isd = platform.registry.isd
    platform.channels[_CHANNEL] = Channel(_CHANNEL, isd.aid, PacketSession(platform, isd.aid, key_set))
    try:
        return script.run(data, lambda command: _transmit(platform, command), _takes_data)
    finally:
        del platform.channels[_CHANNEL]


def _transmit(platform: GpChip, command: bytes) -> bytes:
    if len(command) < 4 or command[1] not in _ALLOWED:
        return sw.WRONG_LENGTH if len(command) < 4 else sw.NO_INSTRUCTION
    try:
        apdu = replace(wire.parse(command, protocol=1, extended=False), channel=_CHANNEL)
    except StatusWordError as refusal:
        return refusal.sw
    data, status = dispatch.run(platform, apdu)
    return data + status


def _takes_data(header: bytes) -> bool:
    return header[1:2] != bytes((_GET_DATA,))
