"""Signed documents of the state UTO on virtual chips, made by the plant of tests/card/emrtd; keys for all to see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from cryptography.hazmat.primitives.serialization import load_der_private_key

from cardkit.apps.emrtd import oids
from cardkit.apps.emrtd.com import Com
from cardkit.apps.emrtd.details import Details
from cardkit.apps.emrtd.face import build_dg2
from cardkit.apps.emrtd.groups import build_dg1, build_dg15
from cardkit.apps.emrtd.mrz import Format, Holder, compose
from cardkit.apps.emrtd.securityinfos import (
    ActiveAuthenticationInfo,
    ChipAuthenticationInfo,
    ChipAuthenticationPublicKeyInfo,
    PACEInfo,
    SecurityInfos,
    build_dg14,
)
from cardkit.apps.emrtd.sod import LdsSecurityObject, build_card_security, build_sod
from cardkit.apps.pki import publickey
from cardkit.apps.pki.certificate import Certificate
from cardkit.apps.pki.crl import issue_crl
from cardkit.apps.pki.trust import TrustStore
from cardkit.channel import Channel
from cardkit.crypto.groups import EcGroup, Group, standardized_group
from cardkit.encoding import der, tlv
from cardkit.transport.loopback import CardSeam, LoopbackConnection
from cardkit.virtual import make_card
from tests.card.emrtd import plant
from tests.unit.pki import issuers

CAN, PIN, PUK = "123456", "543210", "9876543210"
SECRET = 0x1234567890ABCDEF1234567890ABCDEF
MAPPING_SECRET = 0x0FEDCBA0987654321FEDCBA098765432
HOLDER = Holder("P", "UTO", "L898902C3", "UTO", "740812", "F", "301115", "ERIKSSON", "ANNA MARIA")
MRZ = compose(Format.TD3, HOLDER)
PICTURE = (
    bytes.fromhex("FFD8 FFC0 0011 08 0140 00F0 03 012200 021101 031101 FFDA 0008 0101 0000 3F00")
    + bytes(900)
    + b"\xff\xd9"
)
AUTHORITY = issuers.root(explicit=True)
SIGNER = issuers.signer(AUTHORITY, explicit=True)
NOW = issuers.NOW + issuers.DAY
_PERIOD = (issuers.NOW, issuers.NOW + 90 * issuers.DAY)
CRL = issue_crl(Certificate.parse(AUTHORITY[0]), AUTHORITY[1], 1, _PERIOD, [])
TRUST = TrustStore.of([("csca", AUTHORITY[0]), ("crl", CRL)])
READ = {3: "fingers", 4: "iris"}


def key_info(group: Group, secret: int) -> bytes:
    public = group.public(secret % group.order)
    if isinstance(group, EcGroup):
        return publickey.build_ec(group.curve, public, explicit=True)
    numbers = der.sequence(*(der.integer(getattr(group.group, name)) for name in "pgq"))
    algorithm = der.sequence(der.oid(oids.DH_KEYS[0]), numbers)
    return der.sequence(algorithm, der.bits(der.integer(int.from_bytes(public))))


def on_chip(number: int, secret: int, *more: bytes) -> bytes:
    """Return a private key object of the chip's factory."""
    order = standardized_group(number).order
    scalar = (secret % order).to_bytes((order.bit_length() + 7) // 8)
    return tlv.build(0x80, bytes((number,))) + tlv.build(0x86, scalar) + b"".join(more)


@dataclass
class Document:
    """What is ordered; the defaults are a passport of today.

    :param pace: mapping, cipher, parameters.  :param chip: cipher, parameters; None without chip authentication.
    :param active: ``ec``, ``rsa`` or nothing.  :param changed: files that differ from what was signed.
    :param signing: time in the signature.  :param without: objects of the factory that are left out.
    :param reads: who reads groups that not everybody does who opened it.  :param directory: EF.DIR, of an applet.
    """

    pace: tuple[tuple[int, int, int], ...] = ((2, 2, 12),)
    chip: tuple[int, int] | None = (2, 12)
    chip_version: int = 1
    active: str = "ec"
    image: str = "emrtd-native"
    groups: dict[int, bytes] = field(default_factory=dict)
    changed: Mapping[str, bytes] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    cvca: bytes = b""
    reads: Mapping[int, str] = field(default_factory=lambda: READ)
    directory: bytes = b""
    signing: datetime | None = issuers.NOW
    without: tuple[str, ...] = ()

    def access(self) -> SecurityInfos:
        return SecurityInfos.of(
            PACEInfo(oids.pace(oids.Mapping(mapping), oids.Cipher(cipher)), parameter_id=number)
            for mapping, cipher, number in self.pace
        )

    def infos(self) -> SecurityInfos:
        found = list(self.access().infos)
        if self.chip is not None:
            cipher, number = self.chip
            kind = oids.CHIP_AUTHENTICATION_ECDH if number > 2 else oids.CHIP_AUTHENTICATION_DH
            public = oids.PUBLIC_KEY_ECDH if number > 2 else oids.PUBLIC_KEY_DH
            found.append(ChipAuthenticationInfo(oids.chip_authentication(kind, oids.Cipher(cipher)), self.chip_version))
            found.append(ChipAuthenticationPublicKeyInfo(public, key_info(standardized_group(number), SECRET)))
        if self.active == "ec":
            found.append(ActiveAuthenticationInfo(f"{oids.PLAIN_ECDSA}.3"))
        return SecurityInfos.of(found)

    def data_groups(self) -> dict[int, bytes]:
        groups = {1: build_dg1(MRZ), 2: build_dg2([PICTURE]), 14: build_dg14(self.infos())}
        groups[11] = Details.of(11, {"name_of_holder": "Eriksson<<Anna Maria"}).build()
        if self.active:
            groups[15] = build_dg15(self._active_key()[0])
        return dict(sorted((groups | self.groups).items()))

    def _active_key(self) -> tuple[bytes, str, bytes]:
        if self.active == "ec":
            return key_info(standardized_group(12), SECRET), "8103", on_chip(12, SECRET)
        numbers = load_der_private_key((issuers.FOLDER / "keys" / "rsa-2048.der").read_bytes(), None).private_numbers()
        public = publickey.build_rsa(numbers.public_numbers.n, numbers.public_numbers.e)
        parts = (tlv.build(0x81, numbers.public_numbers.n.to_bytes(256)), tlv.build(0x82, numbers.d.to_bytes(256)))
        return public, "8101", b"".join(parts)

    def card_security(self) -> bytes:
        infos = list(self.access().infos)
        for mapping, _, number in self.pace:
            if mapping == oids.Mapping.ECDH_CAM:
                key = key_info(standardized_group(number), MAPPING_SECRET)
                infos.append(ChipAuthenticationPublicKeyInfo(oids.PUBLIC_KEY_ECDH, key, number))
        return build_card_security(SecurityInfos.of(infos), SIGNER, issuers.NOW)

    def chip_keys(self) -> dict[str, bytes]:
        keys = {
            "8001": tlv.build(0x81, MRZ.information.encode()),
            "8002": tlv.build(0x81, CAN.encode()),
            "8003": tlv.build(0x81, PIN.encode()),
            "8004": tlv.build(0x81, PUK.encode()),
        }
        if self.active:
            _, name, value = self._active_key()
            keys[name] = value
        if self.chip is not None:
            keys["8110"] = on_chip(self.chip[1], SECRET)
        for mapping, _, number in self.pace:
            if mapping == oids.Mapping.ECDH_CAM:
                keys["8105"] = on_chip(number, MAPPING_SECRET)
        return {name: value for name, value in (keys | self.keys).items() if name not in self.without}

    def files(self) -> dict[str, bytes]:
        groups = self.data_groups()
        files = {f"EF.DG{number}": content for number, content in groups.items()}
        files["EF.COM"] = Com.of(groups).build()
        files["EF.SOD"] = build_sod(LdsSecurityObject.of("sha256", groups), SIGNER, self.signing)
        files["EF.CardAccess"] = self.access().der
        files["EF.CardSecurity"] = self.card_security()
        return files | dict(self.changed)

    def make(self) -> Channel:
        """Return a channel to the finished document."""
        return Channel(LoopbackConnection(self.card()))

    def card(self) -> CardSeam:
        """Return the finished document."""
        files = self.files()
        names = {"EF.COM": "011E", "EF.SOD": "011D", **{f"EF.DG{number}": f"01{number:02X}" for number in range(1, 17)}}
        inside = {
            fid: (files[name], self.reads.get(int(fid[2:], 16), "session"))
            for name, fid in names.items()
            if name in files
        }
        inside["011C"] = (self.cvca or bytes(36), "session")
        if self.directory:
            inside["A000"] = (self.directory, "always")  # by the number of its grouping
        outside = {"011D": (files["EF.CardSecurity"], "pace")}
        if self.pace:
            outside["011C"] = (files["EF.CardAccess"], "always")
        make: Callable[..., CardSeam] = plant.make_applet if self.image == "emrtd-applet" else plant.make_native
        return make(make_card(self.image, seed=1), {"mf": outside, "df": inside, "keys": self.chip_keys()})


def digits(day: date) -> bytes:
    return bytes(int(digit) for digit in f"{day:%y%m%d}")
