"""Secured packets, SCP80: commands for an application of the card, by SMS or whatever carries bytes.

    scp80 = Scp80(keystore, keys, terms_for(keystore, keys, Spi.of(Integrity.CC, ciphered=True)))
    packet = scp80.command(tar, counter, script)         # to the card
    receipt = scp80.receipt(answer, tar, counter)        # what it says became of it

Pure: the counter comes in as an argument, the keys stay in their store. ETSI TS 102 225 5.1, 5.2; 3GPP TS 31.115 4.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cardkit.crypto.cardkeys import CardKeySet
from cardkit.crypto.ota import DES_CHECKSUM_BYTES, OtaKeyStore
from cardkit.crypto.secret import Secret, joined
from cardkit.encoding.crc import crc16, crc32
from cardkit.errors import EncodingError, KeyStoreError, ProfileError, SecureMessagingError
from cardkit.secure.counter import COUNTER_BYTES, Counter
from cardkit.secure.por import ACCEPTED, FIXED_BYTES, TAR_BYTES, ProofOfReceipt, ResponsePacket
from cardkit.secure.spi import CRC16, CRC32, SPI_BYTES, Integrity, Spi, check_key_byte, key_byte

UNPROTECTED = Spi(0x00, 0x01)
_LENGTH_BYTES = 2
_COUNTERS_BYTES = COUNTER_BYTES + 1
_SHORTEST_HEADER = SPI_BYTES + 2 + TAR_BYTES + _COUNTERS_BYTES
_LONGEST_PACKET = 0xFFFF
_REDUNDANCY = {CRC16: (crc16, 2), CRC32: (crc32, 4)}


@dataclass(frozen=True, slots=True)
class PacketTerms:
    """How packets are protected: the bytes of their header, and what no header says.

    :param kic, kid: key set and algorithm, one byte each.  :param checksum_size: 8, or 4 where an AES KID says so.
    """

    spi: Spi
    kic: int = 0x00
    kid: int = 0x00
    checksum_size: int = DES_CHECKSUM_BYTES

    def __str__(self) -> str:
        return f"SPI {self.spi} KIc {self.kic:02X} KID {self.kid:02X}"


def terms_for(
    keystore: OtaKeyStore, keys: CardKeySet | None, spi: Spi, *, checksum_size: int = DES_CHECKSUM_BYTES
) -> PacketTerms:
    """Return terms with KIc and KID coded as the keys are; a redundancy check is a CRC-32.

    :param keys: ENC is KIc, MAC is KID; the key version number, 1 to 15, is the key set. None without any key.
    :raises KeyStoreError: on a key SCP80 has no code for.  :raises ProfileError: see :attr:`Spi.proof`.
    """
    kic = kid = 0
    if keys is not None:
        kic, kid = (key_byte(keys.kvn, keystore.ota_algorithm(key)) for key in (keys.enc, keys.mac))
    if spi.proof is Integrity.RC:
        kid = kid & 0xF0 | CRC32
    return PacketTerms(spi, kic, kid, checksum_size)


@dataclass(frozen=True, slots=True)
class CommandPacket:
    """A command packet as it travels.

    :param secured: counter to padding, ciphered where the SPI says so.
    :param proof_size: bytes of the redundancy check or checksum in it.
    """

    spi: Spi
    kic: int
    kid: int
    tar: bytes
    secured: bytes
    proof_size: int

    @classmethod
    def parse(cls, packet: bytes) -> CommandPacket:
        """Read a packet, whatever protects it.

        :raises EncodingError: when its lengths are wrong.

        >>> CommandPacket.parse(bytes.fromhex("00150D00193535B0000000000000000000A40000023F00")).spi.ciphered
        False
        """
        head = _LENGTH_BYTES + 1 + SPI_BYTES + 2 + TAR_BYTES
        if len(packet) < head + _COUNTERS_BYTES:
            raise EncodingError(f"command packet: got {len(packet)} bytes, expected {head + _COUNTERS_BYTES} or more")
        length, header, secured = int.from_bytes(packet[:2]), packet[2], packet[head:]
        if length != len(packet) - _LENGTH_BYTES:
            raise EncodingError(f"command packet: CPL says {length} bytes, {len(packet) - _LENGTH_BYTES} follow")
        proof_size = header - _SHORTEST_HEADER
        if not 0 <= proof_size <= len(secured) - _COUNTERS_BYTES:
            longest = _SHORTEST_HEADER + len(secured) - _COUNTERS_BYTES
            raise EncodingError(f"command packet: CHL says {header} bytes, expected {_SHORTEST_HEADER} to {longest}")
        return cls(Spi(packet[3], packet[4]), packet[5], packet[6], packet[7:head], secured, proof_size)

    def build(self) -> bytes:
        """Return the packet."""
        return self.covered + self.secured

    @property
    def covered(self) -> bytes:
        """What a checksum covers besides the secured part: everything before it."""
        return _head(PacketTerms(self.spi, self.kic, self.kid), self.tar, self.proof_size, len(self.secured))


def _head(terms: PacketTerms, tar: bytes, proof_size: int, secured_size: int) -> bytes:
    """Return CPL, CHL, SPI, KIc, KID and TAR."""
    chl = bytes((_SHORTEST_HEADER + proof_size,))
    header = chl + terms.spi.build() + bytes((terms.kic, terms.kid)) + tar
    length = len(header) + secured_size
    if length > _LONGEST_PACKET:
        raise EncodingError(f"command packet: {length} bytes, expected {_LONGEST_PACKET} at most")
    return length.to_bytes(_LENGTH_BYTES) + header


@dataclass(frozen=True, slots=True)
class OpenedCommand:
    """A command packet that was read with its keys.

    :param data: for the application, without padding; may hold what must stay secret.
    """

    tar: bytes
    counter: int
    data: Secret


class Scp80:
    """Makes command packets under one key set and reads their responses.

    :param keys: ENC is KIc, MAC is KID; None where nothing is ciphered or proven by a key.
    :raises KeyStoreError: when a key is missing, or of another algorithm than the terms say.
    :raises ProfileError: on terms nobody can follow.
    """

    def __init__(self, keystore: OtaKeyStore, keys: CardKeySet | None, terms: PacketTerms) -> None:
        self.terms = terms
        self._keystore = keystore
        self._keys = keys
        self._block = 1
        spi = terms.spi
        if spi.ciphered or spi.receipt_ciphered:
            algorithm = keystore.ota_algorithm(self._set.enc)
            check_key_byte("KIc", terms.kic, algorithm)
            self._block = 16 if algorithm.startswith("AES") else 8
        if spi.proof is Integrity.CC:
            check_key_byte("KID", terms.kid, keystore.ota_algorithm(self._set.mac))
        if spi.proof is Integrity.RC and terms.kid & 0xF not in _REDUNDANCY:
            raise ProfileError(f"KID {terms.kid:02X}: no redundancy check, expected X1 (CRC-16) or X5 (CRC-32)")

    @property
    def _set(self) -> CardKeySet:
        if self._keys is None:
            raise KeyStoreError(f"{self.terms}: packets need keys, and there are none")
        return self._keys

    def unprotected(self) -> Scp80:
        """Return what makes packets without any protection, which ask for a proof of receipt all the same."""
        return Scp80(self._keystore, None, PacketTerms(UNPROTECTED))

    def __repr__(self) -> str:
        return f"<SCP80 {self.terms}>"

    # Commands

    def command(self, tar: bytes, counter: Counter, content: bytes | tuple[bytes | Secret, ...]) -> bytes:
        """Return a command packet.

        :param tar: 3 bytes.  :param content: for the application; its secret parts travel ciphered or not at all.
        :raises EncodingError: on a TAR of another length, or too much data.
        :raises ProfileError: on secret parts where packets are not ciphered.
        """
        spi = self.terms.spi
        if len(tar) != TAR_BYTES:
            raise EncodingError(f"TAR: got {len(tar)} bytes, expected {TAR_BYTES}")
        if not isinstance(content, bytes) and not spi.ciphered and any(isinstance(part, Secret) for part in content):
            raise ProfileError(f"{self.terms}: the script holds secrets, expected a ciphered packet")
        data = joined(content)
        size = self._proof_size(spi.integrity)
        padding = -(_COUNTERS_BYTES + size + len(data)) % self._block if spi.ciphered else 0
        counters = counter.last.to_bytes(COUNTER_BYTES) + bytes((padding,))
        data += bytes(padding)
        head = _head(self.terms, tar, size, _COUNTERS_BYTES + size + len(data))
        secured = counters + self._proof(spi.integrity, head + counters + data) + data
        return head + (self._keystore.ota_encrypt(self._set.enc, secured) if spi.ciphered else secured)

    def room(self, packet_size: int) -> int:
        """Return the most data bytes a packet can carry.

        :param packet_size: bytes of the whole packet.
        """
        head = _LENGTH_BYTES + 1 + SPI_BYTES + 2 + TAR_BYTES
        secured = packet_size - head
        if self.terms.spi.ciphered:
            secured -= secured % self._block
        return max(0, secured - _COUNTERS_BYTES - self._proof_size(self.terms.spi.integrity))

    def read_command(self, packet: bytes) -> OpenedCommand:
        """Read back a command packet of these terms, its proof checked.

        :raises EncodingError: on a malformed packet, or one of other terms.
        :raises SecureMessagingError: when it does not decrypt or its proof is wrong.
        """
        parsed = CommandPacket.parse(packet)
        found = PacketTerms(parsed.spi, parsed.kic, parsed.kid, self.terms.checksum_size)
        if found != self.terms:
            raise EncodingError(f"command packet: got {found}, expected {self.terms}")
        spi = self.terms.spi
        counters, data = self._opened(parsed, _COUNTERS_BYTES, spi.integrity, ciphered=spi.ciphered)
        return OpenedCommand(parsed.tar, int.from_bytes(counters[:COUNTER_BYTES]), Secret(data, "script"))

    # Responses

    def receipt(self, user_data: bytes, tar: bytes, counter: Counter) -> ProofOfReceipt:
        """Read the response to a packet; see :meth:`read_response`.

        A refusal may carry a counter of zeros: the card did not get as far as to read the one it was sent.

        :param tar, counter: of the command.
        :raises SecureMessagingError: also when it answers another packet.
        """
        found = self.read_response(user_data)
        counters = (counter.last, 0) if found.refused else (counter.last,)
        if found.tar != tar or found.counter not in counters:
            raise SecureMessagingError(
                f"{self!r}: response of TAR {found.tar.hex().upper()} to counter {found.counter}, "
                f"expected {tar.hex().upper()} and {counter.last}"
            )
        return found

    def read_response(self, user_data: bytes) -> ProofOfReceipt:
        """Read a response, whichever packet it answers: that is for the caller to see.

        A bare refusal, as cards send it that cannot protect one, is taken as such and is not ``proven``; a bare
        success is no success.

        :param user_data: of a short message, ``027100`` first.
        :raises EncodingError: on a malformed packet.
        :raises SecureMessagingError: when its protection is missing or wrong.
        """
        parsed = ResponsePacket.parse(user_data)
        spi = self.terms.spi
        wanted = spi.receipt_integrity is not Integrity.NONE or spi.receipt_ciphered
        bare = wanted and parsed.is_bare
        if bare:
            fixed, data = parsed.secured, b""
        else:
            fixed, data = self._opened(parsed, FIXED_BYTES, spi.receipt_integrity, ciphered=spi.receipt_ciphered)
        status = fixed[-1]
        if bare and status in ACCEPTED:
            raise SecureMessagingError(f"{self!r}: status {status:02X} without the protection that was asked for")
        proven = not bare and spi.receipt_integrity is not Integrity.NONE
        return ProofOfReceipt(parsed.tar, int.from_bytes(fixed[:COUNTER_BYTES]), status, data, proven)

    # What both have in common

    def _opened(
        self, packet: CommandPacket | ResponsePacket, fixed_size: int, integrity: Integrity, *, ciphered: bool
    ) -> tuple[bytes, bytes]:
        """Return the fixed fields and the data without padding.

        :param fixed_size: bytes before the proof, the padding counter among them.
        """
        size = self._proof_size(integrity)
        if packet.proof_size != size:
            raise SecureMessagingError(f"{self!r}: packet with a proof of {packet.proof_size} bytes, expected {size}")
        secured = self._deciphered(packet.secured) if ciphered else packet.secured
        fixed, proof, data = secured[:fixed_size], secured[fixed_size : fixed_size + size], secured[fixed_size + size :]
        if not hmac.compare_digest(proof, self._proof(integrity, packet.covered + fixed + data)):
            raise SecureMessagingError(f"{self!r}: the {integrity.name} of the packet is wrong")
        padding = fixed[COUNTER_BYTES]
        if padding > len(data) or padding >= (self._block if ciphered else 1):
            raise SecureMessagingError(f"{self!r}: packet with {padding} bytes of padding among {len(data)}")
        return fixed, data[: len(data) - padding]

    def _deciphered(self, secured: bytes) -> bytes:
        if not secured or len(secured) % self._block:
            raise SecureMessagingError(f"{self!r}: {len(secured)} ciphered bytes, expected blocks of {self._block}")
        return self._keystore.ota_decrypt(self._set.enc, secured)

    def _proof_size(self, integrity: Integrity) -> int:
        if integrity is Integrity.RC:
            return _REDUNDANCY[self.terms.kid & 0xF][1]
        return self.terms.checksum_size if integrity is Integrity.CC else 0

    def _proof(self, integrity: Integrity, message: bytes) -> bytes:
        if integrity is Integrity.RC:
            return _REDUNDANCY[self.terms.kid & 0xF][0](message)
        if integrity is Integrity.CC:
            return self._keystore.ota_checksum(self._set.mac, message, self.terms.checksum_size)
        return b""
